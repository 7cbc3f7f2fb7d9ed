//! The follower that feeds the index from the store, and fills an empty one from the rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::document::{Document, Kind, Place, State};
use super::error::{Error, Result};
use super::index::Index;
use super::writer::Batch;
use crate::domain::message::Body;
use crate::domain::{self, Attachment, Conversation, ConversationId, Message, MessageId, Person, What};
use crate::store::{Direction, Key, Reader, Rows, Store, Table};

/// Changes dealt with in one commit of the index.
const BATCH: usize = 2000;
/// Messages put between two commits while an empty index is filled.
const FILL_BATCH: usize = 5000;

/// Keeps the index as the store is.
pub struct Indexer {
    index: Arc<Index>,
    store: Arc<Store>,
    filling: AtomicBool,
}

impl Indexer {
    /// An indexer of `store`.
    pub fn new(index: Arc<Index>, store: Arc<Store>) -> Indexer {
        let filling = AtomicBool::new(index.change() == 0);
        Indexer { index, store, filling }
    }

    /// The index.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Whether the index is being filled: results are incomplete meanwhile.
    pub fn is_filling(&self) -> bool {
        self.filling.load(Ordering::Relaxed)
    }

    /// How many changes the index is behind the store.
    pub fn behind(&self) -> u64 {
        self.store.committed().borrow().saturating_sub(self.index.change())
    }

    /// Brings the index up to at least change `to`. Blocks: call it where that is allowed. `stop` ends it
    /// early, between two messages; what was not committed is done again another time.
    ///
    /// # Errors
    /// When the index or the store fails; it may be called again.
    pub fn catch_up(&self, to: u64, stop: &dyn Fn() -> bool) -> Result<()> {
        let rows = self.store.read().map_err(broken)?;
        let known = self.index.change();
        let trimmed = rows.first_change().map_err(broken)? > known + 1;
        // An older copy of the store was put back: what the index knows since is of another story.
        let ahead = known > rows.last_change().map_err(broken)?.max(1);
        if known == 0 && to > 0 || trimmed || ahead {
            self.filling.store(true, Ordering::Relaxed);
            if !self.fill(&rows, stop)? {
                return Ok(());
            }
        }
        drop(rows);
        while self.index.change() < to && !stop() {
            self.step(stop)?;
        }
        self.filling.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Empties the index and fills it from the rows of one snapshot; gives whether it came to the end.
    fn fill(&self, rows: &Reader, stop: &dyn Fn() -> bool) -> Result<bool> {
        let change = rows.last_change().map_err(broken)?;
        let mut batch = self.index.batch()?;
        batch.clear()?;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let ids = rows
                .ids(Table::Messages, &Key::new(), after.as_deref(), Direction::Forward, FILL_BATCH)
                .map_err(broken)?;
            for id in &ids {
                if stop() {
                    return Ok(false);
                }
                if let Some(document) = self.document(rows, MessageId(*id))? {
                    batch.add(&document)?;
                }
            }
            if ids.len() < FILL_BATCH {
                break;
            }
            after = ids.last().map(|id| Key::id(*id).into_bytes());
            batch.commit(0)?;
            batch = self.index.batch()?;
        }
        batch.commit(change.max(1))?;
        Ok(true)
    }

    /// Deals with the next changes, in one commit; with none of them when it is told to stop before.
    fn step(&self, stop: &dyn Fn() -> bool) -> Result<()> {
        let rows = self.store.read().map_err(broken)?;
        let known = self.index.change();
        let changes = rows.changes_after(known, BATCH).map_err(broken)?;
        let last = changes.last().map_or_else(|| rows.last_change().unwrap_or(known), |(number, _)| *number);
        let mut conversations = BTreeSet::new();
        let mut messages = BTreeSet::new();
        let mut removed = BTreeSet::new();
        for (_, change) in changes {
            match change.what {
                What::Conversation(id) => drop(conversations.insert(id)),
                What::ConversationRemoved(id) => drop(removed.insert(id)),
                What::MessageAdded(id, message) => drop(messages.insert((id, message))),
                // One that was taken back was never said.
                What::MessageChanged(id, message) if is_taken_back(&rows, message)? => drop(conversations.insert(id)),
                _ => {}
            }
        }
        if conversations.is_empty() && messages.is_empty() && removed.is_empty() {
            return self.index.pass(last);
        }
        let mut batch = self.index.batch()?;
        for id in &removed {
            batch.delete_conversation(id.0)?;
        }
        for id in conversations.difference(&removed) {
            self.put_conversation(&rows, &mut batch, *id, stop)?;
            if stop() {
                return Ok(());
            }
        }
        for (id, message) in messages {
            if stop() {
                return Ok(());
            }
            if !conversations.contains(&id)
                && !removed.contains(&id)
                && let Some(document) = self.document(&rows, message)?
            {
                batch.put_message(&document)?;
            }
        }
        batch.commit(last)
    }

    /// Puts a conversation's messages, one after another: a long thread is never in memory at once.
    fn put_conversation(
        &self,
        rows: &Reader,
        batch: &mut Batch<'_>,
        id: ConversationId,
        stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let Some(conversation) = rows.find::<Conversation>(id).map_err(broken)? else {
            return batch.delete_conversation(id.0);
        };
        let prefix = Key::new().u64(id.0);
        let ids =
            rows.ids(Table::MessageByConversation, &prefix, None, Direction::Forward, usize::MAX).map_err(broken)?;
        let read = |id| {
            let message: Message = rows.get(MessageId(id)).map_err(broken)?;
            self.document_in(rows, &conversation, &message)
        };
        let documents = ids.into_iter().take_while(|_| !stop()).filter_map(|id| read(id).transpose());
        batch.put_conversation(id.0, documents)
    }

    fn document(&self, rows: &Reader, id: MessageId) -> Result<Option<Document>> {
        let Some(message) = rows.find::<Message>(id).map_err(broken)? else { return Ok(None) };
        let Some(conversation) = rows.find::<Conversation>(message.conversation).map_err(broken)? else {
            return Ok(None);
        };
        self.document_in(rows, &conversation, &message)
    }

    /// A message as the index takes it; events are not searched.
    fn document_in(&self, rows: &Reader, conversation: &Conversation, message: &Message) -> Result<Option<Document>> {
        let kind = match message.kind {
            domain::Kind::Inbound => Kind::Inbound,
            domain::Kind::Outbound => Kind::Outbound,
            domain::Kind::Comment => Kind::Comment,
            domain::Kind::Event => return Ok(None),
        };
        if message.taken_back() {
            return Ok(None);
        }
        let mut names = Vec::new();
        let mut has_attachment = false;
        for id in &message.attachments {
            if let Some(file) = rows.find::<Attachment>(*id).map_err(broken)? {
                has_attachment |= !file.inline;
                names.push(file.name);
            }
        }
        let from = match (&message.from, message.author) {
            (Some(from), _) => person(from),
            (None, Some(author)) => rows
                .find::<domain::Agent>(author)
                .map_err(broken)?
                .map(|agent| format!("{} {}", agent.name, agent.email))
                .unwrap_or_default(),
            (None, None) => String::new(),
        };
        let to = message.to.iter().chain(&message.cc).chain(&message.bcc).map(person).collect::<Vec<_>>().join("\n");
        Ok(Some(Document {
            message_id: message.id.0,
            conversation_id: conversation.id.0,
            at_ms: message.at.millis(),
            kind,
            inbox: conversation.inbox.0,
            place: place(conversation.place),
            state: state(conversation.state),
            assignee: conversation.assignee.map(|agent| agent.0),
            tags: conversation.tags.clone(),
            has_attachment,
            from,
            to,
            subject: message.subject.clone().unwrap_or_default(),
            conversation_subject: conversation.subject.clone(),
            body: text_of(&self.store, rows, message).unwrap_or_default(),
            attachments: names,
        }))
    }
}

/// The plain words of a message, for the index and for snippets.
pub fn text_of(store: &Store, rows: &Reader, message: &Message) -> Option<String> {
    let bytes = store.blob(rows, message.body?).ok()?.into_bytes().ok()?;
    let body: Body = rmp_serde::from_slice(&bytes).ok()?;
    Some(body.text)
}

fn person(person: &Person) -> String {
    format!("{} {}", person.name.as_deref().unwrap_or_default(), person.email)
}

fn place(place: domain::Place) -> Place {
    match place {
        domain::Place::Inbox => Place::Inbox,
        domain::Place::Filtered => Place::Filtered,
        domain::Place::Spam => Place::Spam,
        domain::Place::Trash => Place::Trash,
    }
}

fn state(state: domain::State) -> State {
    match state {
        domain::State::Open => State::Open,
        domain::State::Snoozed => State::Snoozed,
        domain::State::Closed => State::Closed,
    }
}

fn broken(error: crate::store::Error) -> Error {
    Error::Store(error.to_string())
}

fn is_taken_back(rows: &Reader, id: MessageId) -> Result<bool> {
    Ok(rows.find::<Message>(id).map_err(broken)?.is_some_and(|message| message.taken_back()))
}
