//! Files that came with a message or were uploaded for one.

use serde::{Deserialize, Serialize};

use super::{AgentId, AttachmentId, BlobId, MessageId};
use crate::base::Timestamp;

/// A file. It is reached only through its message, or by its uploader before it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The message it belongs to; none while it waits for one.
    pub message: Option<MessageId>,
    /// Who uploaded it; none when it came from outside.
    pub uploader: Option<AgentId>,
    /// The name shown, already made safe.
    pub name: String,
    /// The declared media type; what is served is decided by looking at the bytes.
    pub media_type: String,
    /// Decoded size in bytes.
    pub size: u64,
    /// Content-ID without angle brackets, for pictures inside the text.
    #[serde(default)]
    pub content_id: Option<String>,
    /// Whether it stands inside the text.
    #[serde(default)]
    pub inline: bool,
    /// Where its bytes are.
    pub source: Source,
    /// When it came or was uploaded.
    pub created_at: Timestamp,
}

/// Where an attachment's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A part of a raw mail, decoded when asked for.
    Part {
        /// The raw mail.
        raw: BlobId,
        /// The part's index in the parser's table.
        index: u32,
    },
    /// Bytes of its own.
    Blob(BlobId),
}
