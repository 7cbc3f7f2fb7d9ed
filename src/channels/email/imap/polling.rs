//! All mailboxes: one task each, begun and ended as channels are set, and what is said when one does not work.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::open::Reach;
use super::poll::{Poller, Standing};
use crate::base::{Clock, Timestamp, random};
use crate::config::Cidr;
use crate::desk::Desk;
use crate::desk::polling::Polled;
use crate::domain::ChannelId;
use crate::domain::mailbox::Mailbox;

/// How long channels are left alone before it is looked whether they changed; and the longest that a moved clock goes
/// unnoticed.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Seconds to wait after the first failure.
const FIRST_WAIT: i64 = 5;
/// Seconds to wait after the first refused login: some lock who is wrong too often.
const FIRST_WAIT_LOGIN: i64 = 60;
/// Longest wait between two tries, seconds.
const LONGEST_WAIT: i64 = 15 * 60;
/// Seconds of failure after which people are told.
const TELL_AFTER: i64 = 10 * 60;

/// Reads all mailboxes.
pub struct Polling {
    desk: Arc<Desk>,
    reach: Reach,
    most: u64,
}

/// A mailbox that is being read.
struct Running {
    mailbox: Mailbox,
    address: String,
    task: AbortHandle,
}

impl Polling {
    /// Reads the mailboxes of all channels. `networks` may be reached beside the public internet; mails of more than
    /// `most` bytes are left where they are.
    pub fn new(desk: Arc<Desk>, networks: &[Cidr], most: u64) -> Polling {
        Polling { desk, reach: Reach::new(networks), most }
    }

    /// Reads until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut committed = self.desk.store.committed();
        let mut tasks = JoinSet::new();
        let mut running: HashMap<ChannelId, Running> = HashMap::new();
        loop {
            committed.mark_unchanged();
            match self.desk.polled() {
                Ok(polled) => self.fit(polled, &mut running, &mut tasks),
                Err(error) => tracing::error!(%error, "mailboxes could not be looked up"),
            }
            tokio::select! {
                changed = committed.changed() => if changed.is_err() { break },
                Some(ended) = tasks.join_next() => if let Err(error) = ended
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                },
                () = stop.cancelled() => break,
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => break,
            }
        }
        tasks.shutdown().await;
    }

    /// Ends what is set no more, and begins what is set anew.
    fn fit(&self, polled: Vec<Polled>, running: &mut HashMap<ChannelId, Running>, tasks: &mut JoinSet<()>) {
        running.retain(|id, one| {
            let same = |polled: &Polled| {
                polled.channel == *id && polled.account.mailbox == one.mailbox && polled.address == one.address
            };
            let stays = polled.iter().any(same) && !one.task.is_finished();
            if !stays {
                one.task.abort();
            }
            stays
        });
        for one in polled {
            if running.contains_key(&one.channel) {
                continue;
            }
            let (id, mailbox, address) = (one.channel, one.account.mailbox.clone(), one.address.clone());
            let (desk, reach) = (Arc::clone(&self.desk), self.reach.clone());
            let poller = Poller { desk, polled: one, reach, most: self.most };
            let task = tasks.spawn(keep_reading(poller));
            running.insert(id, Running { mailbox, address, task });
        }
    }
}

/// Reads a mailbox, and again after each failure.
async fn keep_reading(poller: Poller) {
    let (desk, id) = (&poller.desk, poller.polled.channel);
    let mut standing = Standing::default();
    loop {
        let fault = poller.read(&mut standing).await;
        let now = desk.clock.now();
        let since = *standing.failing.get_or_insert(now);
        tracing::warn!(channel = id.0, code = fault.code(), %fault, "a mailbox cannot be read");
        tell(desk, id, &fault, since, now).await;
        let wait = wait_after(&fault, standing.tries);
        standing.tries = standing.tries.saturating_add(1);
        // People are told in time, however long the wait until the next try is.
        let told = since.plus_seconds(TELL_AFTER);
        let next = now.plus_millis(jittered(wait));
        if told > now && told < next {
            pause(&desk.clock, told).await;
            tell(desk, id, &fault, since, desk.clock.now()).await;
        }
        pause(&desk.clock, next).await;
    }
}

/// Says that a mailbox does not work once that has been so for a while, or at once when waiting does not help.
async fn tell(desk: &Desk, id: ChannelId, fault: &Fault, since: Timestamp, now: Timestamp) {
    if !fault.is_ours_to_mend() && now < since.plus_seconds(TELL_AFTER) {
        return;
    }
    if let Err(error) = desk.mailbox_broke(id, since, fault.code(), &fault.to_string()).await {
        tracing::error!(%error, channel = id.0, "it could not be said that a mailbox does not work");
    }
}

/// Seconds until the next try.
fn wait_after(fault: &Fault, tries: u32) -> i64 {
    let first = if fault.is_ours_to_mend() { FIRST_WAIT_LOGIN } else { FIRST_WAIT };
    (first << tries.min(8)).min(LONGEST_WAIT)
}

/// Milliseconds of a wait, four fifths of it or up to six: servers that many wait for are not met all at once.
fn jittered(seconds: i64) -> i64 {
    let share = i64::from(random::bytes::<1>().first().copied().unwrap_or_default());
    seconds * (800 + share * 400 / 255)
}

/// Waits until a moment by the clock. A clock that was turned back does not make it longer.
async fn pause(clock: &Clock, until: Timestamp) {
    let longest = until.millis() - clock.now().millis();
    loop {
        let left = until.millis() - clock.now().millis();
        if left <= 0 || left > longest {
            return;
        }
        let left = Duration::from_millis(left.unsigned_abs());
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour() {
        let waits = |fault: &Fault| [0, 1, 2, 7, 8, 99].map(|tries| wait_after(fault, tries));
        assert_eq!(waits(&Fault::Unreachable), [5, 10, 20, 640, 900, 900]);
        assert_eq!(waits(&Fault::LoginRefused(String::new())), [60, 120, 240, 900, 900, 900]);
        assert!((0..100).map(|_| jittered(10)).all(|millis| (8_000..=12_000).contains(&millis)));
    }

    #[tokio::test]
    async fn a_pause_ends_by_the_clock() {
        let clock = Clock::fake(Timestamp(0));
        let mut waiting = Box::pin(pause(&clock, Timestamp(10_000)));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        clock.advance_millis(20_000);
        waiting.await;
        let back = Clock::fake(Timestamp(50_000));
        let mut waiting = Box::pin(pause(&back, Timestamp(60_000)));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        back.advance_millis(-40_000);
        waiting.await;
    }
}
