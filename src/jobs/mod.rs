//! The durable queue's runner, the periodic table, and the runner of followers.
//!
//! A job is a row that commits with what causes it; it may run twice. A follower reads the log of changes
//! from its own cursor. Both wake when something commits, and by the clock. Never a concrete job or
//! follower: those are listed in `app`.

mod follow;
mod periodic;
mod queue;

pub use follow::{Follow, follow};
pub use periodic::{Task, run_periodic};
pub use queue::{Work, run_queue};

use std::time::Duration;

/// How long anything waits before it looks again by itself: the longest a moved clock goes unnoticed.
pub const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
