//! What a person asks for: the query as a tree, who asks, and what they may read. Plain data.

use jiff::tz::TimeZone;

use super::document::{Kind, Place, State};
use super::error::ParseError;
use crate::base::Timestamp;

/// A query that has been understood, with all names resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Nothing: the query has no condition, and finds nothing.
    pub(super) root: Option<Node>,
}

impl Query {
    /// Reads what a person typed. Takes at most microseconds per byte of the 1,000 it accepts.
    ///
    /// Words all have to be there, in any of their forms; `"…"` asks for exact words in a row, `-`
    /// excludes, `OR` and parentheses combine; a word typed last, or ending in `*`, may be the
    /// beginning of one. Operators: `from:` `to:` `subject:` `is:` `has:` `before:` `after:`
    /// `inbox:` `assignee:` `tag:`. An operator without a value is passed over, since it is still
    /// being typed; anything else with a colon is text.
    pub fn parse(text: &str, asker: &Asker<'_>) -> Result<Query, ParseError> {
        super::parse::parse(text, asker)
    }

    /// Whether the query has no condition at all; such a query finds nothing.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }
}

/// Who asks, and when.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// The agent that `assignee:me` means; a program's token has none.
    pub me: Option<u64>,
    /// What `7d` counts back from.
    pub now: Timestamp,
    /// Whose midnight `2026-03-31` means.
    pub zone: &'a TimeZone,
    /// Finds ids by name.
    pub names: &'a dyn Names,
}

/// Finds ids by the names people type. Should know only what the asker may see.
pub trait Names: Sync {
    /// The inboxes that `name` means; none when it means nothing.
    fn inboxes(&self, name: &str) -> Vec<u64>;
    /// The agents that `name` means; none when it means nothing.
    fn agents(&self, name: &str) -> Vec<u64>;
}

/// What the asker may read. Part of every search and every count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only conversations of these inboxes; `None` is every inbox, an empty list is none.
    pub inboxes: Option<Vec<u64>>,
    /// Only conversations assigned to this agent.
    pub only_assignee: Option<u64>,
}

/// One condition, or several put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// All of these.
    And(Vec<Node>),
    /// Any of these.
    Or(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// One word, in any of its forms.
    Word {
        /// Where.
        field: TextField,
        /// As typed.
        raw: String,
        /// Whether it may be the beginning of a longer word.
        prefix: bool,
    },
    /// Folded words in a row.
    Phrase {
        /// Where.
        field: TextField,
        /// The words, at least one.
        folded: Vec<String>,
        /// Whether the last may be the beginning of a longer word.
        prefix: bool,
    },
    /// The conversation is in this state.
    State(State),
    /// The conversation lies here.
    Place(Place),
    /// The message is of this kind.
    Kind(Kind),
    /// The conversation is assigned to anybody.
    Assigned,
    /// The message has an attachment.
    Attachment,
    /// Before this moment, milliseconds.
    Before(i64),
    /// At or after this moment, milliseconds.
    After(i64),
    /// In one of these inboxes.
    Inbox(Vec<u64>),
    /// Assigned to one of these agents.
    Assignee(Vec<u64>),
    /// The conversation has this tag (folded).
    Tag(String),
}

/// Which words a word is looked for among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextField {
    /// All of them.
    Any,
    /// The senders.
    From,
    /// The recipients.
    To,
    /// The subjects.
    Subject,
}
