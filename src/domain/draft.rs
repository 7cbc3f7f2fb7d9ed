//! What somebody has begun to write.

use serde::{Deserialize, Serialize};

use super::{AgentId, AttachmentId, ConversationId, DraftId, MessageId, Person};
use crate::base::Timestamp;

/// The two things an agent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftKind {
    /// An answer to the contact.
    Reply,
    /// A comment for the team.
    Comment,
}

impl DraftKind {
    /// The number that stands for it in keys.
    pub fn code(self) -> u8 {
        match self {
            DraftKind::Reply => 1,
            DraftKind::Comment => 2,
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<DraftKind> {
        match name {
            "reply" => Some(DraftKind::Reply),
            "comment" => Some(DraftKind::Comment),
            _ => None,
        }
    }
}

/// A message that is passed on under what is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Which.
    pub of: MessageId,
    /// Which of its files go along; none means all.
    pub files: Option<Vec<AttachmentId>>,
}

/// Something begun and not yet sent; one a person, conversation and kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Its id.
    pub id: DraftId,
    /// Who writes it.
    pub author: AgentId,
    /// Where; none for a new conversation.
    pub conversation: Option<ConversationId>,
    /// What it will be.
    pub kind: DraftKind,
    /// Grows by one with every save.
    pub revision: u64,
    /// Recipients, when they were changed.
    #[serde(default)]
    pub to: Option<Vec<Person>>,
    /// Copies.
    #[serde(default)]
    pub cc: Option<Vec<Person>>,
    /// Hidden copies.
    #[serde(default)]
    pub bcc: Option<Vec<Person>>,
    /// The text as HTML, when it was written as such.
    #[serde(default)]
    pub html: Option<String>,
    /// The plain text.
    #[serde(default)]
    pub text: Option<String>,
    /// Files that go with it.
    #[serde(default)]
    pub attachments: Vec<AttachmentId>,
    /// The message it passes on.
    #[serde(default)]
    pub forward: Option<Forward>,
    /// When it was last saved.
    pub updated_at: Timestamp,
}
