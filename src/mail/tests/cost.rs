//! What something costs in processor time, so that a busy machine does not fail a test.

use std::time::{Duration, Instant};

/// A meter of the time that this thread spends on the processor, or on the wall where the system
/// does not say.
pub(in crate::mail) struct Meter {
    wall: Instant,
    start: Option<Duration>,
}

impl Meter {
    /// Starts to measure.
    pub(in crate::mail) fn start() -> Meter {
        Meter { wall: Instant::now(), start: on_processor() }
    }

    /// The time since the start.
    pub(in crate::mail) fn elapsed(&self) -> Duration {
        let both = self.start.zip(on_processor());
        both.map_or_else(|| self.wall.elapsed(), |(start, now)| now.saturating_sub(start))
    }
}

fn on_processor() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
