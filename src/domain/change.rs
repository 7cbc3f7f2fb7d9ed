//! The log's entries: what happened, in ids and enums, never in text or addresses.

use serde::{Deserialize, Serialize};

use super::{AgentId, ChannelId, ContactId, ConversationId, DomainId, DraftId, InboxId, IncomingId, MessageId};
use crate::base::Timestamp;

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The program itself, on a rule or a timer.
    System,
    /// Somebody outside, through a channel.
    Outside,
    /// An agent.
    Agent(AgentId),
}

impl Actor {
    /// The agent, when it was one.
    pub fn agent(self) -> Option<AgentId> {
        match self {
            Actor::Agent(id) => Some(id),
            Actor::System | Actor::Outside => None,
        }
    }
}

/// One entry of the log. Its number is its key: 1, 2, 3 …
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A mail was taken from outside and waits to be filed.
    Taken(IncomingId),
    /// A message, comment or event stands new in a conversation, which may be new itself.
    MessageAdded(ConversationId, MessageId),
    /// A message changed: its delivery, its derived view.
    MessageChanged(ConversationId, MessageId),
    /// A conversation's attributes changed.
    Conversation(ConversationId),
    /// A conversation was removed for good.
    ConversationRemoved(ConversationId),
    /// An agent's read mark in a conversation moved.
    Read(AgentId, ConversationId),
    /// An agent's draft in a conversation was saved or dropped.
    Draft(AgentId, DraftId, Option<ConversationId>),
    /// A contact is new or changed.
    Contact(ContactId),
    /// An inbox is new or changed.
    Inbox(InboxId),
    /// A channel is new, changed or gone.
    Channel(ChannelId),
    /// A domain is new, changed or gone.
    Domain(DomainId),
    /// An agent is new or changed.
    Agent(AgentId),
    /// The workspace's own settings changed.
    Workspace,
}

impl What {
    /// The conversation it is about, when it is about one.
    pub fn conversation(self) -> Option<ConversationId> {
        match self {
            What::MessageAdded(id, _) | What::MessageChanged(id, _) | What::Conversation(id) => Some(id),
            What::ConversationRemoved(id) | What::Read(_, id) => Some(id),
            What::Draft(_, _, id) => id,
            What::Taken(_)
            | What::Contact(_)
            | What::Inbox(_)
            | What::Channel(_)
            | What::Domain(_)
            | What::Agent(_)
            | What::Workspace => None,
        }
    }
}
