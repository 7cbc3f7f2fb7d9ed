//! Running the durable queue: jobs whose time has come, a few at once.

use std::collections::HashSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{AFTER_FAILURE, LOOK_AGAIN};
use crate::base::Clock;
use crate::domain::{Job, JobId};
use crate::store::{Direction, Key, Result, Rows, Store, Table};

/// Jobs that run at the same time.
const AT_ONCE: usize = 256;
/// Places that are free before more jobs are looked for, once there were none.
const REFILL: u32 = 64;
/// No job is made to wait for longer than this, in seconds: an hour between two tries, and as much again. One that
/// has to wait for longer was made while the clock was ahead, unless somebody set its time.
const FAR: i64 = 2 * 3600;
/// Jobs looked at in one go.
const LOOKED_AT: usize = AT_ONCE + 64;

/// What runs jobs. It records each try before it makes it, and moves or removes the job when it is done.
pub trait Work: Send + Sync + 'static {
    /// Runs a job.
    ///
    /// # Errors
    /// In words; the job is tried again when its row says so.
    fn run(&self, job: JobId) -> impl Future<Output = std::result::Result<(), String>> + Send;
}

/// Runs due jobs until `stop`, then waits for those under way.
pub async fn run_queue<W: Work>(work: Arc<W>, store: Arc<Store>, clock: Clock, stop: CancellationToken) {
    let mut committed = store.committed();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let running: Arc<Mutex<HashSet<JobId>>> = Arc::default();
    let tracker = TaskTracker::new();
    while !stop.is_cancelled() {
        committed.mark_unchanged();
        let due = match due(&store, &clock) {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        for job in due {
            if !running.lock().unwrap_or_else(PoisonError::into_inner).insert(job) {
                continue;
            }
            if places.available_permits() == 0 {
                // Looking through the queue for one job at a time would cost more than the jobs.
                drop(places.acquire_many(REFILL).await);
            }
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (work, running) = (Arc::clone(&work), Arc::clone(&running));
            tracker.spawn(async move {
                let done = AssertUnwindSafe(work.run(job)).catch_unwind().await;
                if let Err(error) = done.unwrap_or_else(|_| Err(String::from("it panicked"))) {
                    tracing::error!(job.id = job.0, error, "a job failed; it is tried again");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
                running.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
                drop(place);
            });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            // The store has failed: nothing can be recorded any more.
            changed = committed.changed() => if changed.is_err() { break },
            () = stop.cancelled() => {}
        }
    }
    tracker.close();
    tracker.wait().await;
}

/// Jobs whose time has come, oldest first, and those whose time is too far away to be meant.
fn due(store: &Store, clock: &Clock) -> Result<Vec<JobId>> {
    let rows = store.read()?;
    let now = clock.now();
    let mut due = Vec::new();
    for id in rows.ids(Table::JobByDue, &Key::new(), None, Direction::Forward, LOOKED_AT)? {
        let Some(job) = rows.find::<Job>(JobId(id))? else { continue };
        if job.due_at > now {
            break;
        }
        due.push(job.id);
    }
    for id in rows.ids(Table::JobByDue, &Key::new(), None, Direction::Backward, LOOKED_AT)? {
        let Some(job) = rows.find::<Job>(JobId(id))? else { continue };
        if job.due_at <= now.plus_seconds(FAR) {
            break;
        }
        if job.set_for == Some(job.due_at) {
            continue;
        }
        due.push(job.id);
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::base::Timestamp;
    use crate::domain::MessageId;
    use crate::store;

    /// Panics the first times, then does what it is there for.
    struct Panicky {
        store: Arc<Store>,
        left: AtomicUsize,
    }

    impl Work for Panicky {
        async fn run(&self, job: JobId) -> std::result::Result<(), String> {
            if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                panic!("as the test asked");
            }
            let done: Result<()> = self.store.write(move |writer| writer.delete::<Job>(job).map(drop)).await;
            done.map_err(|error| error.to_string())
        }
    }

    async fn add(store: &Store, due_at: Timestamp) {
        let job = Job::new(JobId(1), crate::domain::job::Work::SendMail(MessageId(1)), due_at, due_at);
        let put: Result<()> = store.write(move |writer| writer.put(&job).map(drop)).await;
        put.unwrap();
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test waits for the task it owns")]
    async fn a_panic_does_not_keep_a_job_from_being_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &store::Settings::default()).unwrap();
        let now = Timestamp(1_700_000_000_000);
        add(&store, now).await;
        let stop = CancellationToken::new();
        let work = Arc::new(Panicky { store: Arc::clone(&store), left: AtomicUsize::new(2) });
        let queue = run_queue(work, Arc::clone(&store), Clock::fake(now), stop.clone());
        let queue = tokio::spawn(queue);
        let start = std::time::Instant::now();
        while !store.read().unwrap().all::<Job>().unwrap().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "the job was not tried again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        queue.await.unwrap();
        store.close();
    }
}
