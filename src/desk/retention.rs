//! What goes by itself after its time: trash, spam, what is remembered for a while, the old end of the log.
//! Each call does a slice, so that nothing waits long for the writer.

use super::{Desk, Result, auto_reply, conversations, idempotency, inbound, polling};
use crate::base::Timestamp;
use crate::domain::{
    Actor, Agent, Attachment, AttachmentId, Conversation, ConversationId, Draft, DraftId, Job, Message, MessageId,
    Place, What,
};
use crate::store::{Direction, Key, Rows, Table, Writer};

/// Days the log is kept.
pub const LOG_DAYS: i64 = 30;
/// Messages removed in one slice.
const SLICE: usize = 100;

/// How long thrown-away things stay.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Days in the trash.
    pub trash_days: i64,
    /// Days in spam.
    pub spam_days: i64,
}

impl Desk {
    /// Removes one slice of what is past its time; gives whether there may be more.
    ///
    /// # Errors
    /// The store's own.
    pub async fn retire(&self, keep: Keep) -> Result<bool> {
        let now = self.clock.now();
        let act = self.act(Actor::System);
        let removed = self
            .store
            .write(move |writer| {
                let mut removed = 0;
                for (place, days) in [(Place::Trash, keep.trash_days), (Place::Spam, keep.spam_days)] {
                    while removed < SLICE {
                        match purge(writer, act.at, place, now.plus_days(-days))? {
                            0 => break,
                            gone => removed += gone,
                        }
                    }
                }
                let seen_before = now.plus_days(-inbound::SEEN_DAYS);
                removed += trim_pair(writer, Table::SeenByTime, Table::Seen, seen_before, SLICE)?;
                removed += idempotency::forget(writer, now.plus_days(-idempotency::KEPT_DAYS), SLICE)?;
                removed += polling::forget_gone(writer, SLICE)?;
                removed += auto_reply::forget(writer, now, SLICE)?;
                removed += trim_log(writer, now.plus_days(-LOG_DAYS))?;
                Ok::<_, super::Error>(removed)
            })
            .await?;
        let swept = self.store.sweep_blobs(SLICE).await?;
        Ok(removed + swept >= SLICE)
    }
}

/// Removes the oldest conversation past its time from a place, a slice of its messages at a time.
fn purge(writer: &mut Writer<'_>, now: Timestamp, place: Place, before: Timestamp) -> Result<usize> {
    let prefix = Key::new().u8(place.code());
    let oldest = writer.ids(Table::ConversationByPlacing, &prefix, None, Direction::Forward, 1)?;
    let Some(id) = oldest.first().copied().map(ConversationId) else { return Ok(0) };
    let mut conversation: Conversation = writer.get(id)?;
    if conversation.placed_at >= before {
        return Ok(0);
    }
    let messages = writer.ids(Table::MessageByConversation, &Key::new().u64(id.0), None, Direction::Backward, SLICE)?;
    for message in messages.iter().copied().map(MessageId) {
        let row: Message = writer.get(message)?;
        for file in row.attachments.iter().copied() {
            writer.delete::<Attachment>(AttachmentId(file.0))?;
        }
        if let Some(job) = row.delivery.and_then(|delivery| delivery.job) {
            writer.delete::<Job>(job)?;
        }
        conversation.message_count -= u32::from(row.event.is_none());
        writer.delete::<Message>(message)?;
    }
    if messages.len() == SLICE {
        // The newest went first: what says it is news is what remains.
        let left = writer.ids(Table::MessageByConversation, &Key::new().u64(id.0), None, Direction::Backward, 5000)?;
        conversation.news_seq = newest_news(writer, &left)?;
        writer.put(&conversation)?;
        return Ok(SLICE);
    }
    for draft in writer.ids(Table::DraftByConversation, &Key::new().u64(id.0), None, Direction::Forward, SLICE)? {
        writer.delete::<Draft>(DraftId(draft))?;
    }
    for agent in writer.all::<Agent>()? {
        writer.remove(Table::Reads, conversations::read_key(agent.id, id).as_bytes())?;
    }
    for other in conversation.related {
        let Some(mut other) = writer.find::<Conversation>(other)? else { continue };
        other.related.retain(|related| *related != id);
        writer.put(&other)?;
        writer.change(now, Actor::System, What::Conversation(other.id))?;
    }
    writer.delete::<Conversation>(id)?;
    writer.change(now, Actor::System, What::ConversationRemoved(id))?;
    Ok(messages.len() + 1)
}

fn newest_news(writer: &Writer<'_>, ids: &[u64]) -> Result<u64> {
    let mut news = 0;
    for id in ids.iter().copied().map(MessageId) {
        let message: Message = writer.get(id)?;
        if message.is_news() {
            news = news.max(message.received_seq);
        }
    }
    Ok(news)
}

/// Removes what is older than `before` from a pair of tables: one in order of time, whose keys end in the
/// other's key.
pub(super) fn trim_pair(
    writer: &mut Writer<'_>,
    by_time: Table,
    main: Table,
    before: Timestamp,
    limit: usize,
) -> Result<usize> {
    let bound = Key::new().time(before).into_bytes();
    let mut gone = 0;
    for key in idempotency::oldest(writer, by_time, limit)? {
        let Some(own) = key.get(8..).filter(|_| key < bound) else { break };
        writer.remove(main, own)?;
        writer.remove(by_time, &key)?;
        gone += 1;
    }
    Ok(gone)
}

/// Trims the log behind `before`. A follower that is further behind rebuilds from the rows.
fn trim_log(writer: &mut Writer<'_>, before: Timestamp) -> Result<usize> {
    let last = writer.last_change()?;
    let mut gone = 0;
    for (number, change) in writer.changes_after(writer.first_change()?.saturating_sub(1), SLICE)? {
        if change.at >= before || number == last {
            break;
        }
        writer.remove(Table::Changes, Key::id(number).as_bytes())?;
        gone += 1;
    }
    Ok(gone)
}
