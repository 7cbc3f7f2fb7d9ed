//! Import: old mail becomes messages as if it had been here all the time.
//!
//! A mail keeps its date, its thread and its direction. It is never sent, answers nothing and wakes nobody. What was
//! imported into an inbox is known by its bytes for ever, in the transaction that files it: an import that is
//! killed anywhere and run again ends as one that was not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::filing;
use super::reading::{self, Apart};
use super::said::{self, Said};
use super::{Act, Desk, Error, Result, contacts, threading, words};
use crate::base::{Timestamp, random};
use crate::domain::conversation::{Beginning, Last, Trouble};
use crate::domain::message::{Beside, Body, Delivery, DeliveryState, RecipientState};
use crate::domain::{
    Actor, Agent, AgentId, Channel, Conversation, ConversationId, Inbox, InboxId, Kind, Message, Person, Place, State,
    What,
};
use crate::mail::address::contact_key;
use crate::mail::parse::Parsed;
use crate::store::{Direction, Key, NewBlob, Prepared, Reader, Rows, Table, Writer, message_id_key};

/// Ids that nobody has yet by which a mail is found again, of one mail; the nearest come first.
const MAX_AWAITED: usize = 2;
/// Conversations looked at that await the same id.
const MAX_AWAITING: usize = 20;
/// Ids that nobody has yet, of all imports: some 20 MB. Beyond them, a thread's early answer stays by itself.
const MAX_AWAITED_IN_ALL: u64 = 250_000;
/// Addresses of one's own that a command may name.
const MAX_OWN: usize = 1000;

/// What one import goes by.
#[derive(Clone, Debug)]
pub struct Import {
    /// Where the mails go.
    pub inbox: InboxId,
    /// Normalised addresses of the team: mail from them went out.
    pub own: BTreeSet<String>,
    /// Agents by their normalised addresses.
    pub agents: BTreeMap<String, AgentId>,
    /// Conversations with unread mail are open, and unread.
    pub open: bool,
    /// The name its cursor is kept under.
    pub source: String,
}

/// An old mail that was read.
pub struct Old {
    /// Hash of its bytes.
    pub hash: [u8; 32],
    /// What it says.
    pub parsed: Parsed,
    /// Where its quoted history begins, for the preview.
    pub quote_from_line: Option<usize>,
    /// When it came, for a mail without a date.
    pub came_at: Option<Timestamp>,
    /// Nobody had read it.
    pub unread: bool,
    raw: Prepared,
    files: Apart,
    token: String,
}

impl Old {
    /// Makes an old mail ready. Blocks: the bytes of a large one are synced.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn prepare(desk: &Desk, raw: &[u8], hash: [u8; 32], parsed: Parsed) -> Result<Old> {
        let files = Apart::of(&desk.store, raw, &parsed.parts)?;
        let raw = reading::prepare(&desk.store, raw)?;
        let quote_from_line = crate::mail::quotes::quote_from_line(&parsed.text);
        let token = random::token();
        Ok(Old { hash, parsed, quote_from_line, came_at: None, unread: false, raw, files, token })
    }

    /// Rows that filing it writes, at most: what a slice is measured by.
    pub fn weight(&self) -> usize {
        45 + reading::MAX_ATTACHMENTS.min(self.parsed.parts.len()) * 2
    }
}

/// What became of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Mails that are messages now.
    pub filed: u64,
    /// Mails that had been imported before.
    pub again: u64,
}

impl Desk {
    /// What an import into the inbox of that name, local part or address goes by.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no such inbox, [`Error::Invalid`] for too many addresses.
    pub fn import_into(&self, inbox: &str, own: &[String], open: bool, source: String) -> Result<Import> {
        if own.len() > MAX_OWN {
            return Err(Error::invalid("own", "too_many"));
        }
        let rows = self.store.read()?;
        let inboxes = rows.all::<Inbox>()?;
        let wanted = inbox.trim().to_lowercase();
        let inbox = inboxes.iter().find(|inbox| inbox.is_called(&wanted, &self.hostname)).ok_or(Error::NotFound)?.id;
        let agents: BTreeMap<String, AgentId> =
            rows.all::<Agent>()?.into_iter().map(|agent| (contact_key(&agent.email), agent.id)).collect();
        let mut known: BTreeSet<String> = own.iter().map(|email| contact_key(email)).collect();
        known.extend(agents.keys().cloned());
        known.extend(inboxes.iter().map(|inbox| contact_key(&self.fallback_address(inbox))));
        known.extend(rows.all::<Channel>()?.iter().map(|channel| contact_key(&channel.email().address)));
        Ok(Import { inbox, own: known, agents, open, source })
    }

    /// How far an import came that was broken off.
    ///
    /// # Errors
    /// The store's own.
    pub fn import_cursor(&self, import: &Import) -> Result<Option<String>> {
        Ok(self.store.read()?.setting(&cursor_name(import))?)
    }

    /// Whether a mail of that hash was imported already.
    ///
    /// # Errors
    /// The store's own.
    pub fn was_imported(&self, rows: &Reader, import: &Import, hash: &[u8; 32]) -> Result<bool> {
        Ok(rows.get_bytes(Table::Imported, &imported_key(import.inbox, hash))?.is_some())
    }

    /// Files old mails, in this order, and notes how far that is: one transaction.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the inbox is gone.
    pub async fn import(&self, import: &Arc<Import>, mails: Vec<Old>, cursor: Option<String>) -> Result<Imported> {
        let act = self.act(Actor::System);
        let import = Arc::clone(import);
        let (mut mails, mut prepared, mut indexes) = (mails, Vec::new(), Vec::new());
        for mail in &mut mails {
            let ids = mail.parsed.references.iter().chain(&mail.parsed.in_reply_to);
            let (text, html) = (mail.parsed.text.clone(), mail.parsed.html.clone());
            let body = Body { text, html, references: ids.cloned().collect() };
            prepared.push(std::mem::replace(&mut mail.raw, Prepared::from_bytes(&[])));
            prepared.push(reading::encode(&body)?);
            let files = std::mem::take(&mut mail.files).0;
            indexes.push(files.iter().map(|(index, _)| *index).collect::<Vec<_>>());
            prepared.extend(files.into_iter().map(|(_, bytes)| bytes));
        }
        self.store
            .write_with(prepared, move |writer, blobs| {
                writer.find::<Inbox>(import.inbox)?.ok_or(Error::NotFound)?;
                let mut done = Imported::default();
                let mut blobs = blobs.iter();
                for (mail, indexes) in mails.iter().zip(&indexes) {
                    let stopped = crate::store::Error::Stopped;
                    let (Some(raw), Some(body)) = (blobs.next(), blobs.next()) else { return Err(stopped.into()) };
                    let files: Vec<_> = indexes.iter().copied().zip(blobs.by_ref()).collect();
                    match file(writer, act, &import, mail, (raw, body, &files))? {
                        true => done.filed += 1,
                        false => done.again += 1,
                    }
                }
                if let Some(cursor) = &cursor {
                    writer.set(&cursor_name(&import), cursor)?;
                }
                Ok(done)
            })
            .await
    }

    /// An import is through: nothing is left to go on with.
    ///
    /// # Errors
    /// The store's own.
    pub async fn end_import(&self, import: &Import) -> Result<()> {
        let name = cursor_name(import);
        self.store.write(move |writer| Ok(writer.unset(&name)?)).await
    }
}

fn cursor_name(import: &Import) -> String {
    format!("import {} {}", import.inbox, import.source)
}

fn imported_key(inbox: InboxId, hash: &[u8; 32]) -> Vec<u8> {
    Key::new().u64(inbox.0).bytes(hash).into_bytes()
}

/// The bytes of one mail in the store: itself, its words, files of their own.
type Bytes<'a> = (&'a NewBlob, &'a NewBlob, &'a [(u32, &'a NewBlob)]);

/// Files one mail; gives whether it was new.
fn file(writer: &mut Writer<'_>, act: Act, import: &Import, mail: &Old, bytes: Bytes<'_>) -> Result<bool> {
    let key = imported_key(import.inbox, &mail.hash);
    if writer.get_bytes(Table::Imported, &key)?.is_some() {
        return Ok(false);
    }
    let (raw, body, files) = bytes;
    let (raw, body) = (writer.add_blob(raw)?, writer.add_blob(body)?);
    let files = files.iter().map(|(index, bytes)| Ok((*index, writer.add_blob(bytes)?))).collect::<Result<_>>()?;
    let sender = said::sender_of(&mail.parsed, None);
    let said = Said { parsed: &mail.parsed, sender: &sender, raw, trace: None, body, files };
    let letter = Letter::new(import, mail, said, act);
    let mut conversation = letter.home(writer, act)?;
    let before = conversation.attributes();
    let message = letter.add(writer, act, &mut conversation)?;
    forget_awaited(writer, &mail.parsed)?;
    writer.insert(Table::Imported, &key, &message.id.0.to_be_bytes())?;
    if conversation.attributes() != before {
        writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
    }
    Ok(true)
}

/// What waited for this mail has found it: from now on it is found by the message itself.
fn forget_awaited(writer: &mut Writer<'_>, parsed: &Parsed) -> Result<()> {
    if let Some(id) = &parsed.message_id {
        let key = message_id_key(id);
        for waiting in writer.ids(Table::AwaitedIds, &key, None, Direction::Forward, MAX_AWAITING)? {
            writer.remove(Table::AwaitedIds, message_id_key(id).u64(waiting).as_bytes())?;
        }
    }
    Ok(())
}

/// An old mail on its way into the inbox.
struct Letter<'a> {
    import: &'a Import,
    mail: &'a Old,
    said: Said<'a>,
    kind: Kind,
    /// Those outside: the sender, or whom the team wrote to.
    parties: Vec<Person>,
    at: Timestamp,
}

impl<'a> Letter<'a> {
    fn new(import: &'a Import, mail: &'a Old, said: Said<'a>, act: Act) -> Letter<'a> {
        let date = mail.parsed.date_ms.map(Timestamp).or(mail.came_at);
        let at = date.unwrap_or(act.at).clamp(Timestamp::EARLIEST_MAIL, act.at.max(Timestamp::EARLIEST_MAIL));
        let is_own = |person: &Person| import.own.contains(&contact_key(&person.email));
        let mut others = said::people(&mail.parsed.to);
        others.extend(said::people(&mail.parsed.cc));
        others.retain(|person| !person.email.is_empty() && !is_own(person));
        // Among the team, there is nobody it could have gone out to.
        let (kind, parties) = if is_own(said.sender) && !others.is_empty() {
            (Kind::Outbound, others)
        } else {
            (Kind::Inbound, vec![said.sender.clone()])
        };
        Letter { import, mail, said, kind, parties, at }
    }

    /// The conversation it belongs to: as live mail finds it, and through what is still missing between them. A
    /// reply that was there before what it answers, and two that answer what nobody has, come together so.
    fn home(&self, writer: &mut Writer<'_>, act: Act) -> Result<Conversation> {
        let mut seen = BTreeSet::new();
        let ids: Vec<_> = self.mail.parsed.answered_ids().into_iter().filter(|id| seen.insert(id.clone())).collect();
        let mut found = threading::candidates(writer, None, &ids)?;
        for id in ids.iter().take(MAX_AWAITED).chain(&self.mail.parsed.message_id) {
            let key = message_id_key(id);
            let waiting = writer.ids(Table::AwaitedIds, &key, None, Direction::Forward, MAX_AWAITING)?;
            let new = waiting.into_iter().map(ConversationId).filter(|id| !found.contains(id)).collect::<Vec<_>>();
            found.extend(new);
        }
        let (mut home, mut related) = (None, Vec::new());
        for id in found {
            let Some(conversation) = writer.find::<Conversation>(id)? else { continue };
            if conversation.inbox == self.import.inbox && conversation.place != Place::Spam && self.joins(&conversation)
            {
                home = Some(conversation);
                break;
            }
            related.push(id);
        }
        let home = match home {
            Some(home) => home,
            None => self.begin(writer, act, related)?,
        };
        self.await_ids(writer, &home, &ids)?;
        Ok(home)
    }

    /// Whether somebody of those outside takes part.
    fn joins(&self, conversation: &Conversation) -> bool {
        self.parties.iter().any(|person| conversation.participants.contains(&contact_key(&person.email)))
    }

    fn begin(&self, writer: &mut Writer<'_>, act: Act, related: Vec<ConversationId>) -> Result<Conversation> {
        let person = self.parties.first().unwrap_or(self.said.sender);
        let contact = contacts::find_or_add(writer, act, person)?;
        let mut conversation = Conversation::begin(Beginning {
            id: ConversationId(writer.next_id::<Conversation>()?),
            inbox: self.import.inbox,
            channel: None,
            contact: contact.id,
            identity: contact_key(&person.email),
            subject: words::subject(&self.mail.parsed.subject),
            token: self.mail.token.clone(),
            at: self.at,
        });
        conversation.state = State::Closed;
        filing::relate(writer, act, &mut conversation, related)?;
        Ok(conversation)
    }

    /// Remembers the nearest ids that no message has yet.
    fn await_ids(&self, writer: &mut Writer<'_>, home: &Conversation, ids: &[String]) -> Result<()> {
        for id in ids.iter().take(MAX_AWAITED) {
            let key = message_id_key(id);
            if writer.ids(Table::MessageByMessageId, &key, None, Direction::Forward, 1)?.is_empty()
                && writer.rows_of(Table::AwaitedIds)? < MAX_AWAITED_IN_ALL
            {
                writer.insert(Table::AwaitedIds, key.u64(home.id.0).as_bytes(), &[])?;
            }
        }
        Ok(())
    }

    /// Adds the message.
    fn add(&self, writer: &mut Writer<'_>, act: Act, conversation: &mut Conversation) -> Result<Message> {
        let parsed = &self.mail.parsed;
        let mut message = self.said.message(writer, act, conversation, self.kind)?;
        message.at = self.at;
        let unread = self.import.open && self.mail.unread && self.kind == Kind::Inbound;
        if self.kind == Kind::Outbound {
            message.author = self.import.agents.get(&contact_key(&self.said.sender.email)).copied();
            message.delivery = Some(sent(&message));
            conversation.last_sent_at = conversation.last_sent_at.max(Some(self.at));
            for person in &self.parties {
                let key = contact_key(&person.email);
                if !conversation.participants.contains(&key) {
                    conversation.participants.push(key);
                }
            }
        } else {
            // What is unread from other days stays so: a mark of all read would hide it.
            if !unread && conversation.news_seq <= conversation.read_to {
                conversation.read_to = message.received_seq;
            }
            conversation.news_seq = message.received_seq;
        }
        if unread && conversation.state == State::Closed {
            conversation.state = State::Open;
        }
        if conversation.last.is_none() || self.at >= conversation.last_activity_at {
            conversation.last = Some(Last {
                kind: self.kind,
                author: String::from(self.said.sender.label()),
                preview: words::preview(&parsed.text, self.mail.quote_from_line),
            });
        }
        conversation.last_activity_at = conversation.last_activity_at.max(self.at);
        conversation.created_at = conversation.created_at.min(self.at);
        conversation.message_count += 1;
        conversation.has_attachments |= said::message_has_files(parsed);
        if parsed.unreadable() {
            conversation.trouble = Some(Trouble::Unreadable);
        }
        conversation.talk_change = writer.change(act.at, act.actor, What::MessageAdded(conversation.id, message.id))?;
        message.added_change = conversation.talk_change;
        writer.put(&message)?;
        writer.put(conversation)?;
        Ok(message)
    }
}

/// How sending stands of what went out long ago.
fn sent(message: &Message) -> Delivery {
    let recipient =
        |person: &Person| RecipientState { email: person.email.clone(), state: DeliveryState::Sent, reply: None };
    Delivery {
        state: DeliveryState::Sent,
        job: None,
        due_at: None,
        send_at: None,
        recipients: message.to.iter().chain(&message.cc).map(recipient).collect(),
        attempts: Vec::new(),
        beside: Beside::default(),
    }
}
