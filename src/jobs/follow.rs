//! Running a follower: whenever something commits, it is told how far the log goes now.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::AFTER_FAILURE;
use crate::store::Store;

/// Something that reacts to the log. It keeps its own cursor, durable where its effect is.
pub trait Follow: Send + Sync + 'static {
    /// Its name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Deals with the changes up to at least `to`, or as many as it can before the server stops: it is not
    /// cut short from outside.
    ///
    /// # Errors
    /// In words; it is called again after a while.
    fn catch_up(&self, to: u64) -> impl Future<Output = Result<(), String>> + Send;
}

/// Runs a follower until `stop`. A failure is logged and tried again.
pub async fn follow<F: Follow>(follower: Arc<F>, store: Arc<Store>, stop: CancellationToken) {
    let mut committed = store.committed();
    loop {
        let to = *committed.borrow_and_update();
        if let Err(error) = follower.catch_up(to).await {
            tracing::error!(follower = follower.name(), error, "a follower failed; it tries again");
            tokio::select! {
                () = tokio::time::sleep(AFTER_FAILURE) => continue,
                () = stop.cancelled() => return,
            }
        }
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
    }
}
