//! The nouns of the product and their pure rules: what a conversation is, which states it has, who may
//! see it. Stored as they are (MessagePack with field names), so a new field is a serde default.
//!
//! Never I/O, async, the current time or randomness.

pub mod access;
pub mod agent;
pub mod attachment;
pub mod authentication;
pub mod auto_reply;
pub mod change;
pub mod channel;
pub mod contact;
pub mod conversation;
pub mod draft;
pub mod filter;
pub mod hours;
pub mod inbox;
pub mod incoming;
pub mod job;
pub mod mail_domain;
pub mod mailbox;
pub mod message;
pub mod person;
pub mod suppressed;
pub mod workspace;

pub use access::Scope;
pub use agent::{Agent, Role};
pub use attachment::Attachment;
pub use authentication::{Authentication, Verdict};
pub use auto_reply::{AutoReplied, AutoReply};
pub use change::{Actor, Change, What};
pub use channel::{Channel, EmailChannel};
pub use contact::Contact;
pub use conversation::{Conversation, Place, State};
pub use draft::Draft;
pub use inbox::Inbox;
pub use incoming::Incoming;
pub use job::Job;
pub use mail_domain::MailDomain;
pub use message::{Kind, Message};
pub use person::Person;
pub use suppressed::Suppressed;

crate::id_types! {
    /// An agent: a person who signs in and answers.
    AgentId,
    /// An inbox.
    InboxId,
    /// A channel: a way in and out of an inbox.
    ChannelId,
    /// A domain the team sends from.
    DomainId,
    /// A contact: a known person outside.
    ContactId,
    /// A conversation.
    ConversationId,
    /// A message, comment or event in a conversation.
    MessageId,
    /// A file that came with a message or was uploaded for one.
    AttachmentId,
    /// A draft.
    DraftId,
    /// An address that takes no mail.
    SuppressedId,
    /// Somebody who was answered by itself.
    AutoRepliedId,
    /// A job in the durable queue.
    JobId,
    /// A mail that was taken from the outside and is not yet filed in a conversation.
    IncomingId,
    /// Bytes kept outside the rows: raw mail, derived bodies, files.
    BlobId,
    /// A sign-in, or an API token.
    SessionId,
}
