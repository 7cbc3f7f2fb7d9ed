//! When filing makes way for what comes in: a sender waits for the acknowledgement, nobody for a mail that has not
//! been filed for a moment.

use std::time::Duration;

use tokio::time::Instant;

use crate::desk::{Desk, Result};

/// Mails a second that are much.
const MUCH: u64 = 200;
/// Longest that filing makes way for a burst. What follows without a pause behind it is no burst any more.
const BURST: Duration = Duration::from_secs(3);
/// Longest that it makes way after that, a batch: it has to get on too.
const MAKE_WAY: Duration = Duration::from_millis(150);

/// How much has come in lately.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when mail has been waiting.
    since: Instant,
    /// When it was last looked, and how many mails had been taken until then.
    looked: Option<(Instant, u64)>,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace { since: Instant::now(), looked: None }
    }

    /// All is filed: what comes now may be a burst.
    pub(super) fn rest(&mut self) {
        self.since = Instant::now();
    }

    /// Waits while much comes in, but not for long.
    pub(super) async fn make_way(&mut self, desk: &Desk) -> Result<()> {
        let taken = desk.mail_taken()?;
        let looked = self.looked.replace((Instant::now(), taken));
        if looked.is_some_and(|(at, before)| is_much(taken.saturating_sub(before), at.elapsed())) {
            desk.store.lull(BURST.saturating_sub(self.since.elapsed()).max(MAKE_WAY)).await;
            self.looked = Some((Instant::now(), desk.mail_taken()?));
        }
        Ok(())
    }
}

fn is_much(mails: u64, within: Duration) -> bool {
    u128::from(mails) * 1000 > u128::from(MUCH) * within.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_mails_are_not_much() {
        assert!(!is_much(0, Duration::ZERO));
        assert!(!is_much(1, Duration::from_millis(10)));
        assert!(!is_much(20, Duration::from_millis(100)));
        assert!(is_much(100, Duration::from_millis(100)));
        assert!(is_much(1000, Duration::from_secs(1)));
    }
}
