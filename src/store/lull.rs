//! Making way: work that nobody waits for lets go first what somebody does.

use std::time::Duration;

use tokio::time::Instant;

use super::Store;

/// How long to watch before saying that little happens.
const LOOK: Duration = Duration::from_millis(25);
/// Changes within one look that are much: several hundred a second.
const MUCH: u64 = 15;

impl Store {
    /// Waits until little is being written, but no longer than `most`, which is at least one look.
    pub async fn lull(&self, most: Duration) {
        let committed = self.committed();
        let end = Instant::now() + most;
        loop {
            let before = *committed.borrow();
            tokio::time::sleep(LOOK).await;
            if *committed.borrow() < before + MUCH || Instant::now() >= end {
                return;
            }
        }
    }
}
