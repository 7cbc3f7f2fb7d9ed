//! What was said in either direction, comments among the team, and events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AgentId, AttachmentId, Authentication, BlobId, ConversationId, JobId, MessageId, Person, State};
use crate::base::Timestamp;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From outside.
    Inbound,
    /// From the team to the outside.
    Outbound,
    /// Among the team.
    Comment,
    /// Something that happened.
    Event,
}

impl Kind {
    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Inbound => "inbound",
            Kind::Outbound => "outbound",
            Kind::Comment => "comment",
            Kind::Event => "event",
        }
    }
}

/// A message, comment or event. Its words lie in a blob, so that rows stay small.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub conversation: ConversationId,
    /// What it is.
    pub kind: Kind,
    /// Our counter: the order in which things came to be here.
    pub received_seq: u64,
    /// When it came or was made. Threads are in the order of ids, which a wrong clock does not turn around.
    pub at: Timestamp,
    /// The change that added it; 0 for events.
    #[serde(default)]
    pub added_change: u64,
    /// The mail's own Date, shown, never sorted by.
    #[serde(default)]
    pub date: Option<Timestamp>,
    /// The agent who wrote it or did it.
    #[serde(default)]
    pub author: Option<AgentId>,
    /// From.
    #[serde(default)]
    pub from: Option<Person>,
    /// To.
    #[serde(default)]
    pub to: Vec<Person>,
    /// Cc.
    #[serde(default)]
    pub cc: Vec<Person>,
    /// Bcc; outbound only.
    #[serde(default)]
    pub bcc: Vec<Person>,
    /// Reply-To of an inbound mail.
    #[serde(default)]
    pub reply_to: Vec<Person>,
    /// Subject of this very message.
    #[serde(default)]
    pub subject: Option<String>,
    /// Message-ID without angle brackets.
    #[serde(default)]
    pub message_id: Option<String>,
    /// The mail as received, or as first sent.
    #[serde(default)]
    pub raw: Option<BlobId>,
    /// Trace headers kept beside the raw mail.
    #[serde(default)]
    pub trace: Option<String>,
    /// Text and HTML derived from it, or written by an agent: a `Body`.
    #[serde(default)]
    pub body: Option<BlobId>,
    /// Version of the parser that derived it; 0 for what agents wrote.
    #[serde(default)]
    pub parser_version: u16,
    /// What is wrong with the mail, as stable codes.
    #[serde(default)]
    pub defects: Vec<String>,
    /// Whether it is from whom it says it is; inbound only.
    #[serde(default)]
    pub authentication: Option<Authentication>,
    /// Its files.
    #[serde(default)]
    pub attachments: Vec<AttachmentId>,
    /// How sending it stands; outbound only.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// What happened; events only.
    #[serde(default)]
    pub event: Option<Event>,
    /// The message of ours whose delivery this mail reports on.
    #[serde(default)]
    pub reports_on: Option<MessageId>,
    /// The message that this one passes on to somebody else; outbound only.
    #[serde(default)]
    pub forward_of: Option<MessageId>,
    /// Whether a machine answers here: our own automatic reply, or the one that somebody's machine gives to our mail.
    /// Nobody has to look.
    #[serde(default)]
    pub automatic: bool,
}

impl Message {
    /// Whether it was taken back before anybody got it.
    pub fn taken_back(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.state == DeliveryState::Cancelled)
    }

    /// Whether it waits for a time that was set for it: nobody has it, and the thread goes on without it.
    pub fn is_scheduled(&self) -> bool {
        let scheduled = |delivery: &Delivery| delivery.state == DeliveryState::Queued && delivery.send_at.is_some();
        self.delivery.as_ref().is_some_and(scheduled)
    }

    /// Whether it is unread until it is read: what comes from outside or is said among the team, but for the answers of
    /// machines.
    pub fn is_news(&self) -> bool {
        matches!(self.kind, Kind::Inbound | Kind::Comment) && !self.automatic
    }

    /// Whether it says something: no event, no machine, and not taken back.
    pub fn speaks(&self) -> bool {
        self.kind != Kind::Event && !self.automatic && !self.taken_back()
    }
}

/// The words of a message, as they lie in its blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Plain text.
    pub text: String,
    /// HTML as it came, in UTF-8 and not yet cleaned: cleaning happens at reading.
    #[serde(default)]
    pub html: Option<String>,
    /// Ids In-Reply-To and References name, for the answer's own References.
    #[serde(default)]
    pub references: Vec<String>,
}

/// How sending an outbound message stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// All in all.
    pub state: DeliveryState,
    /// The job that will try next.
    #[serde(default)]
    pub job: Option<JobId>,
    /// When it tries next.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// The time its author set for it.
    #[serde(default)]
    pub send_at: Option<Timestamp>,
    /// Each recipient.
    pub recipients: Vec<RecipientState>,
    /// What was tried, oldest first; at most 50 kept.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// What sending it changed beside, for taking it back.
    #[serde(default)]
    pub beside: Beside,
}

/// What sending a reply changed beside the thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// It gave a conversation that was nobody's to its author.
    #[serde(default)]
    pub assigned: bool,
    /// It closed the conversation, which was in this state, asleep until this time.
    #[serde(default)]
    pub closed: Option<(State, Option<Timestamp>)>,
}

/// How sending stands, all in all or for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its time; may still be undone.
    Queued,
    /// Is being sent.
    Sending,
    /// Accepted by the remote server.
    Sent,
    /// Put off; will be tried again.
    Retrying,
    /// Given up.
    Failed,
    /// Taken back before it left.
    Cancelled,
}

impl DeliveryState {
    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryState::Queued => "queued",
            DeliveryState::Sending => "sending",
            DeliveryState::Sent => "sent",
            DeliveryState::Retrying => "retrying",
            DeliveryState::Failed => "failed",
            DeliveryState::Cancelled => "cancelled",
        }
    }

    /// Whether something is still to be done.
    pub fn waits(self) -> bool {
        matches!(self, DeliveryState::Queued | DeliveryState::Sending | DeliveryState::Retrying)
    }
}

/// One envelope recipient of an outbound message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientState {
    /// The address.
    pub email: String,
    /// How it stands.
    pub state: DeliveryState,
    /// The remote server's last words.
    #[serde(default)]
    pub reply: Option<String>,
}

/// One try of sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// For whom; none when the connection itself failed.
    pub recipient: Option<String>,
    /// `accepted`, `deferred`, `refused`, `error` or `bounced`.
    pub outcome: String,
    /// The remote server's words, or ours about the connection.
    pub reply: String,
}

/// Something that happened in a conversation: a code and what it needs, put into words by the reader's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stable code: `assigned`, `closed` …
    pub code: String,
    /// What the sentence needs: numbers and names.
    #[serde(default)]
    pub args: BTreeMap<String, serde_json::Value>,
}
