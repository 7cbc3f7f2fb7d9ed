//! Conversations: one thread with one contact in one inbox.

use serde::{Deserialize, Serialize};

use super::message::Kind;
use super::{AgentId, ChannelId, ContactId, ConversationId, InboxId};
use crate::base::Timestamp;

/// Whether a conversation waits for the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody has to look.
    Open,
    /// Put off until a time or a reply.
    Snoozed,
    /// Done.
    Closed,
}

impl State {
    /// All of them, in the order of their codes.
    pub const ALL: [State; 3] = [State::Open, State::Snoozed, State::Closed];

    /// The number that stands for it in keys.
    pub fn code(self) -> u8 {
        match self {
            State::Open => 1,
            State::Snoozed => 2,
            State::Closed => 3,
        }
    }

    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Snoozed => "snoozed",
            State::Closed => "closed",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where a conversation lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Among the team's work.
    Inbox,
    /// Set aside by a filter.
    Filtered,
    /// Unwanted; kept 90 days.
    Spam,
    /// Thrown away; kept 30 days.
    Trash,
}

impl Place {
    /// All of them, in the order of their codes.
    pub const ALL: [Place; 4] = [Place::Inbox, Place::Filtered, Place::Spam, Place::Trash];

    /// The number that stands for it in keys.
    pub fn code(self) -> u8 {
        match self {
            Place::Inbox => 1,
            Place::Filtered => 2,
            Place::Spam => 3,
            Place::Trash => 4,
        }
    }

    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Place::Inbox => "inbox",
            Place::Filtered => "filtered",
            Place::Spam => "spam",
            Place::Trash => "trash",
        }
    }

    /// The place of that name.
    pub fn parse(name: &str) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.name() == name)
    }
}

/// Something about a conversation that a person should see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A reply could not be delivered.
    DeliveryFailed,
    /// A mail could not be read and is shown as it came.
    Unreadable,
    /// A reply has not been delivered for hours; it is still being tried.
    DeliveryDelayed,
}

/// Who spoke last, and how it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// In which direction.
    pub kind: Kind,
    /// The name shown.
    pub author: String,
    /// The first words, one line, at most 200 bytes.
    pub preview: String,
}

/// One thread with one contact in one inbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The inbox it lives in.
    pub inbox: InboxId,
    /// The channel it goes through; none for the inbox's fallback address.
    #[serde(default)]
    pub channel: Option<ChannelId>,
    /// With whom.
    pub contact: ContactId,
    /// The contact's identity it came from (normalised e-mail address).
    pub identity: String,
    /// What it is about: the first mail's subject, one line.
    pub subject: String,
    /// Whether it waits for the team.
    pub state: State,
    /// Where it lies.
    pub place: Place,
    /// When it came to that place; retention counts from here.
    pub placed_at: Timestamp,
    /// Why the program itself put it there, as a code: `dmarc_fail`. None once a person has placed it.
    #[serde(default)]
    pub place_reason: Option<String>,
    /// Who looks after it.
    pub assignee: Option<AgentId>,
    /// Tags, sorted, no duplicates.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When a snoozed one comes back.
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// When somebody last said something.
    pub last_activity_at: Timestamp,
    /// When the team last sent something outside.
    #[serde(default)]
    pub last_sent_at: Option<Timestamp>,
    /// Messages and comments, not events.
    pub message_count: u32,
    /// Who spoke last.
    #[serde(default)]
    pub last: Option<Last>,
    /// Whether any message brought a file.
    #[serde(default)]
    pub has_attachments: bool,
    /// What somebody should see to.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// The unguessable token in our Message-IDs and reply addresses: 26 characters of base32.
    pub token: String,
    /// Conversations that belong beside this one: other inboxes of one mail, a stranger's answer.
    #[serde(default)]
    pub related: Vec<ConversationId>,
    /// Normalised addresses of those outside who take part: the sender, and whom the team wrote to.
    pub participants: Vec<String>,
    /// `received_seq` of the newest message that is unread until read: inbound ones and comments.
    #[serde(default)]
    pub news_seq: u64,
    /// `received_seq` up to which it counts as read for whoever has no mark of their own: what was imported as old.
    #[serde(default)]
    pub read_to: u64,
    /// Number of the newest change that was a message or comment; a reply is stale behind it.
    #[serde(default)]
    pub talk_change: u64,
}

/// What lists are made by and searches filter on: a change of these concerns every message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    inbox: InboxId,
    place: Place,
    state: State,
    assignee: Option<AgentId>,
    tags: Vec<String>,
    subject: String,
}

/// What a conversation begins with.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Its id.
    pub id: ConversationId,
    /// The inbox it lives in.
    pub inbox: InboxId,
    /// The channel it goes through.
    pub channel: Option<ChannelId>,
    /// With whom.
    pub contact: ContactId,
    /// The contact's normalised address.
    pub identity: String,
    /// What it is about.
    pub subject: String,
    /// Its unguessable token.
    pub token: String,
    /// When.
    pub at: Timestamp,
}

impl Conversation {
    /// A conversation in which nothing was said yet: open, nobody's, among the team's work.
    pub fn begin(with: Beginning) -> Conversation {
        let Beginning { id, inbox, channel, contact, identity, subject, token, at } = with;
        Conversation {
            id,
            inbox,
            channel,
            contact,
            participants: vec![identity.clone()],
            identity,
            subject,
            state: State::Open,
            place: Place::Inbox,
            placed_at: at,
            place_reason: None,
            assignee: None,
            tags: Vec::new(),
            snoozed_until: None,
            created_at: at,
            last_activity_at: at,
            last_sent_at: None,
            message_count: 0,
            last: None,
            has_attachments: false,
            trouble: None,
            token,
            related: Vec::new(),
            news_seq: 0,
            read_to: 0,
            talk_change: 0,
        }
    }

    /// Its present attributes, to be compared with later ones.
    pub fn attributes(&self) -> Attributes {
        Attributes {
            inbox: self.inbox,
            place: self.place,
            state: self.state,
            assignee: self.assignee,
            tags: self.tags.clone(),
            subject: self.subject.clone(),
        }
    }

    /// Whether it is unread for who has read up to `read` (`received_seq`).
    pub fn is_unread(&self, read: u64) -> bool {
        self.news_seq > read
    }
}
