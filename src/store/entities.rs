//! The entities' index keys, tallies and blobs, said once.

use super::{Entity, IndexKey, Key, Table, TallyKey};
use crate::domain::agent::Session;
use crate::domain::contact::IdentityKind;
use crate::domain::{
    Agent, AgentId, Attachment, AttachmentId, AutoReplied, AutoRepliedId, BlobId, Channel, ChannelId, Contact,
    ContactId, Conversation, ConversationId, DomainId, Draft, DraftId, Inbox, InboxId, Incoming, IncomingId, Job,
    JobId, MailDomain, Message, MessageId, Place, SessionId, State, Suppressed, SuppressedId, attachment::Source,
    auto_reply::Proof,
};

macro_rules! ids_are_numbers {
    ($($id:ty),*) => {$(
        impl From<$id> for u64 {
            fn from(id: $id) -> u64 {
                id.0
            }
        }
    )*};
}

ids_are_numbers!(
    AgentId,
    AttachmentId,
    AutoRepliedId,
    ChannelId,
    ContactId,
    ConversationId,
    DomainId,
    DraftId,
    InboxId,
    IncomingId,
    JobId,
    MessageId,
    SessionId,
    SuppressedId,
    BlobId
);

impl Entity for Agent {
    const TABLE: Table = Table::Agents;
    type Id = AgentId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::unique(Table::AgentByEmail, Key::new().text(&self.email))]
    }
}

impl Entity for Session {
    const TABLE: Table = Table::Sessions;
    type Id = SessionId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let mut keys = vec![
            IndexKey::unique(Table::SessionByToken, Key::new().bytes(&self.token_hash)),
            IndexKey::plain(Table::SessionByAgent, Key::new().u64(self.agent.0), self.id.0),
        ];
        if !self.api {
            keys.push(IndexKey::plain(Table::SessionByEnd, Key::new().time(self.expires_at), self.id.0));
        }
        keys
    }
}

impl Entity for Inbox {
    const TABLE: Table = Table::Inboxes;
    type Id = InboxId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::unique(Table::InboxByLocalPart, Key::new().text(&self.local_part))]
    }
}

impl Entity for Channel {
    const TABLE: Table = Table::Channels;
    type Id = ChannelId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let email = self.email();
        let mut keys = vec![
            IndexKey::unique(Table::ChannelByAddress, Key::new().text(&email.address)),
            IndexKey::plain(Table::ChannelByInbox, Key::new().u64(self.inbox.0), self.id.0),
            IndexKey::plain(Table::ChannelByDomain, Key::new().text(email.domain()), self.id.0),
        ];
        if email.catch_all {
            keys.push(IndexKey::unique(Table::ChannelByCatchAll, Key::new().text(email.domain())));
        }
        keys
    }
}

impl Entity for MailDomain {
    const TABLE: Table = Table::Domains;
    type Id = DomainId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::unique(Table::DomainByName, Key::new().text(&self.name))]
    }
}

impl Entity for Contact {
    const TABLE: Table = Table::Contacts;
    type Id = ContactId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let key = |kind, value: &str| IndexKey::unique(Table::ContactByIdentity, identity_key(kind, value));
        self.identities.iter().map(|identity| key(identity.kind, &identity.value)).collect()
    }
}

/// The key a contact is found by.
pub fn identity_key(kind: IdentityKind, value: &str) -> Key {
    Key::new().u8(kind.code()).text(value)
}

impl Entity for Incoming {
    const TABLE: Table = Table::Incoming;
    type Id = IncomingId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        self.deliveries.iter().map(|key| IndexKey::unique(Table::IncomingByDelivery, Key::new().bytes(key))).collect()
    }

    fn blobs(&self) -> Vec<BlobId> {
        vec![self.raw]
    }
}

impl Entity for Conversation {
    const TABLE: Table = Table::Conversations;
    type Id = ConversationId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let (place, state, at) = (self.place.code(), self.state.code(), self.last_activity_at);
        let id = self.id.0;
        let assignee = self.assignee.map_or(0, |agent| agent.0);
        let mut keys = vec![
            IndexKey::plain(Table::ConversationByInbox, Key::new().u64(self.inbox.0).u8(place).u8(state).time(at), id),
            IndexKey::plain(Table::ConversationByPlace, Key::new().u8(place).u8(state).time(at), id),
            IndexKey::plain(Table::ConversationByAssignee, Key::new().u64(assignee).u8(place).u8(state).time(at), id),
            IndexKey::plain(Table::ConversationByContact, Key::new().u64(self.contact.0).time(at), id),
            IndexKey::unique(Table::ConversationByToken, Key::new().text(&self.token)),
        ];
        if let (Some(sent), Place::Inbox) = (self.last_sent_at, self.place) {
            keys.push(IndexKey::plain(Table::ConversationBySent, Key::new().time(sent), id));
        }
        if let (Some(until), State::Snoozed) = (self.snoozed_until, self.state) {
            keys.push(IndexKey::plain(Table::ConversationBySnooze, Key::new().time(until), id));
        }
        if matches!(self.place, Place::Spam | Place::Trash) {
            keys.push(IndexKey::plain(Table::ConversationByPlacing, Key::new().u8(place).time(self.placed_at), id));
        }
        keys
    }

    fn tallies(&self) -> Vec<TallyKey> {
        vec![conversation_tally(self.inbox, self.place, self.state)]
    }
}

/// The tally of an inbox's conversations in a place and state.
pub fn conversation_tally(inbox: InboxId, place: Place, state: State) -> Key {
    Key::new().text("conversations").u64(inbox.0).u8(place.code()).u8(state.code())
}

impl Entity for Message {
    const TABLE: Table = Table::Messages;
    type Id = MessageId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        // In the order in which they came: a clock that was wrong for a while is not to turn a thread around.
        let mut keys =
            vec![IndexKey::plain(Table::MessageByConversation, Key::new().u64(self.conversation.0), self.id.0)];
        if let Some(message_id) = &self.message_id {
            keys.push(IndexKey::plain(Table::MessageByMessageId, message_id_key(message_id), self.id.0));
        }
        keys
    }

    fn blobs(&self) -> Vec<BlobId> {
        self.raw.into_iter().chain(self.body).collect()
    }
}

/// The start of the keys under which messages of that Message-ID stand.
pub fn message_id_key(message_id: &str) -> Key {
    let hash = blake3::hash(message_id.as_bytes());
    Key::new().bytes(hash.as_bytes().first_chunk::<16>().map_or(&[], |head| head.as_slice()))
}

impl Entity for Attachment {
    const TABLE: Table = Table::Attachments;
    type Id = AttachmentId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        if self.message.is_some() {
            return Vec::new();
        }
        vec![IndexKey::plain(Table::AttachmentUnbound, Key::new().time(self.created_at), self.id.0)]
    }

    fn blobs(&self) -> Vec<BlobId> {
        match self.source {
            // The message itself names the raw mail.
            Source::Part { .. } => Vec::new(),
            Source::Blob(blob) => vec![blob],
        }
    }
}

impl Entity for Draft {
    const TABLE: Table = Table::Drafts;
    type Id = DraftId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let place = self.conversation.map_or(0, |id| id.0);
        let key = Key::new().u64(self.author.0).u64(place).u8(self.kind.code());
        vec![
            IndexKey::unique(Table::DraftByPlace, key),
            IndexKey::plain(Table::DraftByConversation, Key::new().u64(place), self.id.0),
        ]
    }
}

impl Entity for Suppressed {
    const TABLE: Table = Table::Suppressed;
    type Id = SuppressedId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::unique(Table::SuppressedByEmail, Key::new().text(&self.email))]
    }
}

impl Entity for AutoReplied {
    const TABLE: Table = Table::AutoReplied;
    type Id = AutoRepliedId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let mut keys = vec![IndexKey::unique(Table::AutoRepliedByAddress, Key::new().text(&self.key))];
        if self.sent.is_some() {
            keys.push(IndexKey::plain(Table::AutoRepliedByTime, Key::new().time(self.at), self.id.0));
        }
        if self.sent == Some(Proof::Unproven) {
            let key = Key::new().text(self.domain()).time(self.at);
            keys.push(IndexKey::plain(Table::AutoRepliedByDomain, key, self.id.0));
        }
        keys
    }
}

impl Entity for Job {
    const TABLE: Table = Table::Jobs;
    type Id = JobId;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        if self.parked.is_some() {
            return Vec::new();
        }
        vec![IndexKey::plain(Table::JobByDue, Key::new().time(self.due_at), self.id.0)]
    }
}
