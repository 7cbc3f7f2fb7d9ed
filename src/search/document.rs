//! What the index is told about a message: plain values, one [`Document`] a message.

/// One message, with what its conversation is now.
///
/// When an attribute of the conversation changes, all its documents are put anew
/// ([`Batch::put_conversation`](super::Batch::put_conversation)); a new message adds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The message, unique in the index.
    pub message_id: u64,
    /// The conversation it is in.
    pub conversation_id: u64,
    /// When it came or went, milliseconds since 1970 UTC; results are sorted by it.
    pub at_ms: i64,
    /// Who wrote to whom.
    pub kind: Kind,
    /// The conversation's inbox.
    pub inbox: u64,
    /// Where the conversation lies.
    pub place: Place,
    /// Whether the conversation waits for somebody.
    pub state: State,
    /// The agent the conversation is assigned to.
    pub assignee: Option<u64>,
    /// The conversation's tags.
    pub tags: Vec<String>,
    /// Whether this message has an attachment that is not merely an inline image.
    pub has_attachment: bool,
    /// Names and addresses of the senders.
    pub from: String,
    /// Names and addresses of everyone it went to.
    pub to: String,
    /// The message's own subject.
    pub subject: String,
    /// The conversation's subject, found in every message of it.
    pub conversation_subject: String,
    /// The text, without markup. The first 512 KiB are indexed.
    pub body: String,
    /// File names of the attachments.
    pub attachments: Vec<String>,
}

/// Who wrote to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From a customer.
    Inbound,
    /// To a customer.
    Outbound,
    /// Among agents.
    Comment,
}

/// Where a conversation lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among the others.
    Inbox,
    /// Set apart by a filter.
    Filtered,
    /// Spam. Found only by a query that says `is:spam`.
    Spam,
    /// Thrown away. Found only by a query that says `is:trash`.
    Trash,
}

/// Whether a conversation waits for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for an agent.
    Open,
    /// It comes back later.
    Snoozed,
    /// It is done.
    Closed,
}
