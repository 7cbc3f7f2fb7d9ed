//! Which conversation a mail belongs to.
//!
//! By our unguessable token in the address it was sent to, then by every id in In-Reply-To and References
//! against every Message-ID seen in or out. Never by subject. A match joins only when the sender takes part
//! in that conversation and may be believed to be the sender; anything else begins a new one, linked to it, and sees
//! nothing of it.

use super::Result;
use crate::domain::{Conversation, ConversationId, InboxId, Message, MessageId, Place};
use crate::mail::thread;
use crate::store::{Direction, Key, Rows, Table, message_id_key};

/// Ids looked up of one mail; the nearest come first.
const MAX_IDS: usize = 60;
/// Messages looked at that have the same Message-ID.
const MAX_SAME: usize = 20;

/// What decides.
pub struct Clues<'a> {
    /// The token in the recipient's address.
    pub token: Option<&'a str>,
    /// Ids of In-Reply-To and References, nearest first.
    pub ids: &'a [String],
    /// The sender's normalised address.
    pub sender: &'a str,
    /// Whether the mail may be the sender's: no forgery, nobody of the team, one sender on whom all readers agree.
    pub believed: bool,
    /// The inbox the mail came to.
    pub inbox: InboxId,
    /// All inboxes the same mail came to.
    pub inboxes: &'a [InboxId],
}

/// Where a mail goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Home {
    /// Into this conversation.
    Join(ConversationId),
    /// Into a new one, linked with these.
    New(Vec<ConversationId>),
}

/// Decides where a mail goes.
///
/// # Errors
/// The store's own.
pub fn home(rows: &impl Rows, clues: &Clues<'_>) -> Result<Home> {
    let mut related = Vec::new();
    let mut elsewhere = None;
    for id in candidates(rows, clues.token, clues.ids)? {
        let Some(conversation) = rows.find::<Conversation>(id)? else { continue };
        let takes_part = clues.believed && conversation.participants.iter().any(|known| known == clues.sender);
        if !takes_part || conversation.place == Place::Spam {
            related.push(id);
        } else if conversation.inbox == clues.inbox {
            return Ok(Home::Join(id));
        } else if !clues.inboxes.contains(&conversation.inbox) {
            // The conversation was moved since: its contact still answers to the old address.
            elsewhere = elsewhere.or(Some(id));
        } else {
            related.push(id);
        }
    }
    Ok(elsewhere.map_or(Home::New(related), Home::Join))
}

/// Conversations that the clues lead to, best first, each once.
pub(super) fn candidates(rows: &impl Rows, token: Option<&str>, ids: &[String]) -> Result<Vec<ConversationId>> {
    let mut found = Vec::new();
    let mut add = |id: ConversationId| {
        if !found.contains(&id) {
            found.push(id);
        }
    };
    let by_token = |token: &str| -> Result<Option<ConversationId>> {
        Ok(rows.unique(Table::ConversationByToken, &Key::new().text(token))?.map(ConversationId))
    };
    if let Some(token) = token {
        by_token(token)?.into_iter().for_each(&mut add);
    }
    for id in ids.iter().take(MAX_IDS) {
        let prefix = message_id_key(id);
        for message in rows.ids(Table::MessageByMessageId, &prefix, None, Direction::Backward, MAX_SAME)? {
            if let Some(message) = rows.find::<Message>(MessageId(message))? {
                add(message.conversation);
            }
        }
        if let Some(token) = thread::token_of_message_id(id) {
            by_token(&token)?.into_iter().for_each(&mut add);
        }
    }
    Ok(found)
}
