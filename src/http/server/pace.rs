//! How fast the other side of a connection must be. Only time spent waiting for it counts.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::Times;

/// One direction of a connection.
pub(super) struct Pace {
    stall: Duration,
    grace: Duration,
    min_rate: u64,
    moved: u64,
    waited: Duration,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(super) fn new(times: &Times) -> Pace {
        let (moved, waited) = (0, Duration::ZERO);
        Pace {
            stall: times.stall,
            grace: times.grace,
            min_rate: times.min_rate,
            moved,
            waited,
            since: None,
            timer: None,
        }
    }

    /// Forgets the past: another request begins.
    pub(super) fn reset(&mut self) {
        (self.moved, self.waited, self.since) = (0, Duration::ZERO, None);
    }

    /// `bytes` went through.
    pub(super) fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.moved = self.moved.saturating_add(bytes as u64);
    }

    /// The other side holds things up; ready when it has done so for too long.
    pub(super) fn held_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let earned = Duration::from_secs(self.moved.checked_div(self.min_rate).unwrap_or(0));
        let left = (self.grace + earned).saturating_sub(self.waited);
        let deadline = since + left.min(self.stall);
        poll_at(&mut self.timer, deadline, cx)
    }
}

/// Polls `timer`, made when there is none, for `deadline`.
pub(super) fn poll_at(timer: &mut Option<Pin<Box<Sleep>>>, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    timer.as_mut().poll(cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let span = Duration::from_millis(1500);
        Pace::new(&Times { stall: span, grace: span, min_rate: 1000, ..Times::default() })
    }

    /// Whether `pace` bears `millis` more of waiting.
    async fn bears(pace: &mut Pace, millis: u64) -> bool {
        let held_up = std::future::poll_fn(|cx| pace.held_up(cx));
        tokio::time::timeout(Duration::from_millis(millis), held_up).await.is_err()
    }

    #[tokio::test]
    async fn a_standstill_ends_at_the_stall() {
        let mut pace = pace();
        assert!(bears(&mut pace, 500).await);
        assert!(!bears(&mut pace, 2000).await);
    }

    #[tokio::test]
    async fn a_drip_ends_when_the_grace_is_used_up() {
        let mut pace = pace();
        let start = Instant::now();
        while bears(&mut pace, 200).await {
            pace.moved(1);
        }
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_slow_but_honest_side_goes_on() {
        let mut pace = pace();
        for _ in 0..15 {
            assert!(bears(&mut pace, 200).await);
            pace.moved(10_000);
        }
    }
}
