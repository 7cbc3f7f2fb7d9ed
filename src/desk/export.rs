//! Export: everything that people said and are, in open forms.
//!
//! Reads alone, and tells each row to whoever writes it. What an export must not hold is not told: hashes of passwords,
//! tokens, keys, passwords of mailboxes. The names of fields are a promise: `docs/EXPORT.md` lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::base::Timestamp;
use crate::domain::attachment::Source;
use crate::domain::message::{Body, Delivery, DeliveryState, Event, RecipientState};
use crate::domain::{
    Agent, Attachment, Authentication, BlobId, Channel, Contact, ContactId, Conversation, ConversationId, Inbox,
    InboxId, Message, MessageId, Person,
};
use crate::mail::mbox::without_results_of;
use crate::store::{Direction, Entity, Key, Reader, Rows, Store};

/// Rows looked at in one go.
const PAGE: usize = 500;

/// An inbox.
#[derive(Serialize)]
pub struct InboxLine {
    id: u64,
    name: String,
    address: String,
    created_at: String,
}

/// A channel.
#[derive(Serialize)]
pub struct ChannelLine {
    id: u64,
    inbox: u64,
    kind: &'static str,
    address: String,
    way_in: &'static str,
    signature: String,
    cc: Vec<Person>,
    bcc: Vec<Person>,
    plus_tags: bool,
    catch_all: bool,
    created_at: String,
}

/// An agent.
#[derive(Serialize)]
pub struct AgentLine {
    id: u64,
    name: String,
    email: String,
    role: &'static str,
    active: bool,
    language: String,
    created_at: String,
}

/// A contact.
#[derive(Serialize)]
pub struct ContactLine {
    id: u64,
    name: Option<String>,
    emails: Vec<String>,
    created_at: String,
}

/// A conversation.
#[derive(Serialize)]
pub struct ConversationLine {
    id: u64,
    inbox: u64,
    channel: Option<u64>,
    contact: u64,
    subject: String,
    state: &'static str,
    place: &'static str,
    place_reason: Option<String>,
    assignee: Option<u64>,
    tags: Vec<String>,
    snoozed_until: Option<String>,
    participants: Vec<String>,
    related: Vec<u64>,
    created_at: String,
    last_activity_at: String,
    message_count: u32,
}

/// A message, comment or event.
#[derive(Serialize)]
pub struct MessageLine {
    id: u64,
    conversation: u64,
    kind: &'static str,
    at: String,
    date: Option<String>,
    author: Option<u64>,
    from: Option<Person>,
    to: Vec<Person>,
    cc: Vec<Person>,
    bcc: Vec<Person>,
    reply_to: Vec<Person>,
    subject: Option<String>,
    message_id: Option<String>,
    references: Vec<String>,
    text: String,
    html: Option<String>,
    attachments: Vec<AttachmentLine>,
    authentication: Option<Authentication>,
    delivery: Option<DeliveryLine>,
    event: Option<Event>,
    automatic: bool,
    reports_on: Option<u64>,
    forward_of: Option<u64>,
    /// The file its mail is in, byte for byte.
    mbox: Option<String>,
}

/// A file of a message.
#[derive(Serialize)]
struct AttachmentLine {
    id: u64,
    name: String,
    media_type: String,
    size: u64,
    inline: bool,
    content_id: Option<String>,
    /// Where its bytes are, when no mail has them.
    file: Option<String>,
}

/// How sending a message stands.
#[derive(Serialize)]
struct DeliveryLine {
    state: &'static str,
    recipients: Vec<RecipientLine>,
}

/// How it stands for one recipient.
#[derive(Serialize)]
struct RecipientLine {
    email: String,
    state: &'static str,
    reply: Option<String>,
}

/// Something to be written.
pub enum Line {
    /// Into `inboxes.jsonl`.
    Inbox(InboxLine),
    /// Into `channels.jsonl`.
    Channel(ChannelLine),
    /// Into `agents.jsonl`.
    Agent(AgentLine),
    /// Into `contacts.jsonl`.
    Contact(ContactLine),
    /// Into `conversations.jsonl`.
    Conversation(ConversationLine),
    /// Into `messages.jsonl`.
    Message(Box<MessageLine>),
    /// To the end of an mbox of that name.
    Mail {
        /// The file's name.
        mbox: String,
        /// The sender's address.
        sender: String,
        /// When it came or went.
        at: Timestamp,
        /// Its bytes.
        raw: Vec<u8>,
    },
    /// A file of its own.
    File {
        /// Its name.
        name: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// Why an export ends early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store's own.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// Those of who writes it.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

type Result<T> = std::result::Result<T, ExportError>;

/// What is exported, as it is at one moment.
pub struct Export {
    store: Arc<Store>,
    rows: Reader,
    hostname: String,
    only: Option<InboxId>,
    inboxes: BTreeMap<InboxId, Inbox>,
}

impl Export {
    /// All inboxes, or the one of that name, local part or address; none when there is no such inbox.
    ///
    /// # Errors
    /// The store's own.
    pub fn of(store: Arc<Store>, hostname: &str, inbox: Option<&str>) -> Result<Option<Export>> {
        let rows = store.read()?;
        let inboxes: BTreeMap<_, _> = rows.all::<Inbox>()?.into_iter().map(|inbox| (inbox.id, inbox)).collect();
        let only = inbox.map(|wanted| {
            let wanted = wanted.trim().to_lowercase();
            let is_it = |inbox: &&Inbox| inbox.is_called(&wanted, hostname);
            inboxes.values().find(is_it).map(|inbox| inbox.id)
        });
        if only == Some(None) {
            return Ok(None);
        }
        Ok(Some(Export { store, rows, hostname: hostname.to_owned(), only: only.flatten(), inboxes }))
    }

    /// Tells all rows, each table in the order of its ids.
    ///
    /// # Errors
    /// The store's own, and those of `tell`.
    pub fn tell(&self, mut tell: impl FnMut(Line) -> std::io::Result<()>) -> Result<()> {
        for inbox in self.inboxes.values().filter(|inbox| self.wants(inbox.id)) {
            tell(Line::Inbox(self.inbox(inbox)))?;
        }
        for channel in self.rows.all::<Channel>()?.iter().filter(|channel| self.wants(channel.inbox)) {
            tell(Line::Channel(channel_line(channel)))?;
        }
        for agent in self.rows.all::<Agent>()? {
            tell(Line::Agent(agent_line(agent)))?;
        }
        let mut contacts = BTreeSet::new();
        self.each(ConversationId, |conversation: Conversation| {
            if self.wants(conversation.inbox) {
                contacts.insert(conversation.contact);
                tell(Line::Conversation(conversation_line(conversation)))?;
            }
            Ok(())
        })?;
        self.each(ContactId, |contact: Contact| {
            if self.only.is_none() || contacts.contains(&contact.id) {
                tell(Line::Contact(contact_line(contact)))?;
            }
            Ok(())
        })?;
        self.each(MessageId, |message: Message| self.message(message, &mut tell))
    }

    fn wants(&self, inbox: InboxId) -> bool {
        self.only.is_none_or(|only| only == inbox)
    }

    /// Every entity of a kind, a page at a time.
    fn each<E: Entity>(&self, id: fn(u64) -> E::Id, mut visit: impl FnMut(E) -> Result<()>) -> Result<()> {
        let mut after: Option<Key> = None;
        loop {
            let behind = after.as_ref().map(Key::as_bytes);
            let ids = self.rows.ids(E::TABLE, &Key::new(), behind, Direction::Forward, PAGE)?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(Key::id(*last));
            for found in ids {
                if let Some(found) = self.rows.find::<E>(id(found))? {
                    visit(found)?;
                }
            }
        }
    }

    fn inbox(&self, inbox: &Inbox) -> InboxLine {
        InboxLine {
            id: inbox.id.0,
            name: inbox.name.clone(),
            address: format!("{}@{}", inbox.local_part, self.hostname),
            created_at: inbox.created_at.rfc3339(),
        }
    }

    fn message(&self, message: Message, tell: &mut impl FnMut(Line) -> std::io::Result<()>) -> Result<()> {
        let Some(conversation) = self.rows.find::<Conversation>(message.conversation)? else { return Ok(()) };
        if !self.wants(conversation.inbox) {
            return Ok(());
        }
        let mut mbox = None;
        if let Some(raw) = message.raw.filter(|_| has_gone(&message)) {
            let local = self.inboxes.get(&conversation.inbox).map_or("mail", |inbox| inbox.local_part.as_str());
            let name = format!("{local}.mbox");
            let sender = message.from.as_ref().map_or_else(String::new, |person| person.email.clone());
            let raw = self.bytes(raw)?;
            let raw = without_results_of(&raw, &self.hostname).into_owned();
            tell(Line::Mail { mbox: name.clone(), sender, at: message.at, raw })?;
            mbox = Some(name);
        }
        let body: Body = match message.body {
            Some(body) => rmp_serde::from_slice(&self.bytes(body)?).map_err(crate::store::Error::from)?,
            None => Body::default(),
        };
        let mut attachments = Vec::new();
        for id in &message.attachments {
            let Some(file) = self.rows.find::<Attachment>(*id)? else { continue };
            let mut line = attachment_line(&file);
            if let (Source::Blob(bytes), None) = (file.source, &mbox) {
                let name = file.id.0.to_string();
                tell(Line::File { name: name.clone(), bytes: self.bytes(bytes)? })?;
                line.file = Some(name);
            }
            attachments.push(line);
        }
        Ok(tell(Line::Message(Box::new(message_line(message, body, attachments, mbox))))?)
    }

    fn bytes(&self, blob: BlobId) -> Result<Vec<u8>> {
        Ok(self.store.blob(&self.rows, blob)?.into_bytes()?)
    }
}

/// Whether a message came, or reached somebody.
fn has_gone(message: &Message) -> bool {
    let reached = |delivery: &Delivery| delivery.recipients.iter().any(|one| one.state == DeliveryState::Sent);
    message.delivery.as_ref().is_none_or(reached)
}

fn channel_line(channel: &Channel) -> ChannelLine {
    let email = channel.email();
    ChannelLine {
        id: channel.id.0,
        inbox: channel.inbox.0,
        kind: "email",
        address: email.address.clone(),
        way_in: email.way_in.name(),
        signature: email.signature.clone(),
        cc: email.cc.clone(),
        bcc: email.bcc.clone(),
        plus_tags: email.plus_tags,
        catch_all: email.catch_all,
        created_at: channel.created_at.rfc3339(),
    }
}

fn agent_line(agent: Agent) -> AgentLine {
    AgentLine {
        id: agent.id.0,
        name: agent.name,
        email: agent.email,
        role: agent.role.name(),
        active: agent.active,
        language: agent.language,
        created_at: agent.created_at.rfc3339(),
    }
}

fn contact_line(contact: Contact) -> ContactLine {
    ContactLine {
        id: contact.id.0,
        name: contact.name,
        emails: contact.identities.into_iter().map(|identity| identity.shown).collect(),
        created_at: contact.created_at.rfc3339(),
    }
}

fn conversation_line(conversation: Conversation) -> ConversationLine {
    ConversationLine {
        id: conversation.id.0,
        inbox: conversation.inbox.0,
        channel: conversation.channel.map(|id| id.0),
        contact: conversation.contact.0,
        subject: conversation.subject,
        state: conversation.state.name(),
        place: conversation.place.name(),
        place_reason: conversation.place_reason,
        assignee: conversation.assignee.map(|id| id.0),
        tags: conversation.tags,
        snoozed_until: conversation.snoozed_until.map(Timestamp::rfc3339),
        participants: conversation.participants,
        related: conversation.related.into_iter().map(|id| id.0).collect(),
        created_at: conversation.created_at.rfc3339(),
        last_activity_at: conversation.last_activity_at.rfc3339(),
        message_count: conversation.message_count,
    }
}

fn attachment_line(file: &Attachment) -> AttachmentLine {
    AttachmentLine {
        id: file.id.0,
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size,
        inline: file.inline,
        content_id: file.content_id.clone(),
        file: None,
    }
}

fn delivery_line(delivery: Delivery) -> DeliveryLine {
    let recipient = |one: RecipientState| RecipientLine { email: one.email, state: one.state.name(), reply: one.reply };
    DeliveryLine { state: delivery.state.name(), recipients: delivery.recipients.into_iter().map(recipient).collect() }
}

fn message_line(message: Message, body: Body, attachments: Vec<AttachmentLine>, mbox: Option<String>) -> MessageLine {
    MessageLine {
        id: message.id.0,
        conversation: message.conversation.0,
        kind: message.kind.name(),
        at: message.at.rfc3339(),
        date: message.date.map(Timestamp::rfc3339),
        author: message.author.map(|id| id.0),
        from: message.from,
        to: message.to,
        cc: message.cc,
        bcc: message.bcc,
        reply_to: message.reply_to,
        subject: message.subject,
        message_id: message.message_id,
        references: body.references,
        text: body.text,
        html: body.html,
        attachments,
        authentication: message.authentication,
        delivery: message.delivery.map(delivery_line),
        event: message.event,
        automatic: message.automatic,
        reports_on: message.reports_on.map(|id| id.0),
        forward_of: message.forward_of.map(|id| id.0),
        mbox,
    }
}
