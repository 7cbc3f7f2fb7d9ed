//! The queue of outgoing mail, for people: what waits, why, and for how long.

use super::Result;
use crate::base::Timestamp;
use crate::domain::job::Work;
use crate::domain::{Conversation, Job, JobId, Message, Scope, Suppressed, SuppressedId};
use crate::store::{Direction, Key, Rows, Table};

/// Jobs looked at; a queue beyond that is counted up to there.
const LOOKED_AT: usize = 10_000;

/// A mail that waits.
#[derive(Debug)]
pub struct Waiting {
    /// The message, with its recipients and what was tried.
    pub message: Message,
    /// What it stands in.
    pub conversation: Conversation,
    /// When it was to be sent first.
    pub queued_at: Timestamp,
    /// Tries so far.
    pub attempts: u32,
}

/// The queue as somebody may see it.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The longest waiting first.
    pub items: Vec<Waiting>,
    /// How many wait in all, counted up to ten thousand.
    pub waiting: usize,
    /// Since when the longest waiting one does that has been tried.
    pub oldest: Option<Timestamp>,
}

/// The first `limit` mails of the queue that may be seen.
///
/// # Errors
/// The store's own.
pub fn queue(rows: &impl Rows, scope: &Scope, limit: usize) -> Result<Outgoing> {
    let mut out = Outgoing::default();
    for id in rows.ids(Table::Jobs, &Key::new(), None, Direction::Forward, LOOKED_AT)? {
        let Some(job) = rows.find::<Job>(JobId(id))? else { continue };
        let Work::SendMail(message) = job.work else { continue };
        let Some(message) = rows.find::<Message>(message)? else { continue };
        let Some(conversation) = rows.find::<Conversation>(message.conversation)? else { continue };
        if !scope.may_read(&conversation) {
            continue;
        }
        out.waiting += 1;
        if job.attempts > 0 && job.parked.is_none() {
            out.oldest = Some(out.oldest.map_or(job.created_at, |oldest| oldest.min(job.created_at)));
        }
        if out.items.len() < limit {
            out.items.push(Waiting { message, conversation, queued_at: job.created_at, attempts: job.attempts });
        }
    }
    Ok(out)
}

/// Seconds the longest waiting mail that was tried has waited; 0 when none does.
///
/// # Errors
/// The store's own.
pub fn oldest_seconds(rows: &impl Rows, now: Timestamp) -> Result<u64> {
    let mut oldest = now;
    for id in rows.ids(Table::Jobs, &Key::new(), None, Direction::Forward, LOOKED_AT)? {
        if let Some(job) = rows.find::<Job>(JobId(id))?
            && job.attempts > 0
            && job.parked.is_none()
        {
            oldest = oldest.min(job.created_at);
        }
    }
    Ok(u64::try_from((now.millis() - oldest.millis()) / 1000).unwrap_or(0))
}

/// Addresses that mail is not sent to, the latest first.
///
/// # Errors
/// The store's own.
pub fn suppressed(rows: &impl Rows, limit: usize) -> Result<Vec<Suppressed>> {
    let ids = rows.ids(Table::Suppressed, &Key::new(), None, Direction::Backward, limit)?;
    Ok(ids.into_iter().map(|id| rows.get(SuppressedId(id))).collect::<std::result::Result<_, _>>()?)
}
