//! The periodic table: what is done again and again, by the clock.

use std::future::Future;
use std::pin::Pin;

use tokio_util::sync::CancellationToken;

use super::LOOK_AGAIN;
use crate::base::{Clock, Timestamp};

/// What a periodic task does in one go; an error is logged, and the next time comes.
pub(super) type Run = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// One line of the table.
pub struct Task {
    /// Its name in logs.
    pub name: &'static str,
    /// Seconds between the end of one run and the next.
    pub every_seconds: i64,
    /// What it does.
    pub run: Run,
}

/// Runs the table until `stop`. One task at a time: they are short.
pub async fn run_periodic(tasks: Vec<Task>, clock: Clock, stop: CancellationToken) {
    let start = clock.now();
    let mut due: Vec<(Timestamp, Task)> =
        tasks.into_iter().map(|task| (start.plus_seconds(task.every_seconds), task)).collect();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = stop.cancelled() => return,
        }
        for (at, task) in &mut due {
            let now = clock.now();
            let far = at.plus_seconds(-task.every_seconds.saturating_mul(2)) > now;
            if *at > now && !far {
                continue;
            }
            if let Err(error) = (task.run)().await {
                tracing::error!(task = task.name, error, "a periodic task failed");
            }
            *at = clock.now().plus_seconds(task.every_seconds);
        }
    }
}
