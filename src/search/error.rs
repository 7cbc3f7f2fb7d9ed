//! What can go wrong in this room: one error for the index, one for what a person typed.

use thiserror::Error as ThisError;

/// The result of everything here that touches the index.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the index could not do what was asked.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The query ran longer than [`Settings::time_limit`](super::Settings::time_limit).
    #[error("the search took too long; use fewer or rarer words")]
    TooSlow,
    /// Another process writes this index.
    #[error("another process uses the search index")]
    InUse,
    /// What is on disk cannot be read. The index should be opened anew, which rebuilds it.
    #[error("the search index is damaged: {0}")]
    Damaged(String),
    /// The disk or the operating system failed.
    #[error("the search index cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The store could not be read.
    #[error("the store cannot be read: {0}")]
    Store(String),
    /// The engine failed otherwise.
    #[error("the search engine failed: {0}")]
    Engine(String),
}

impl From<tantivy::TantivyError> for Error {
    fn from(error: tantivy::TantivyError) -> Error {
        use tantivy::TantivyError as Engine;
        use tantivy::directory::error::{LockError, OpenReadError};
        match error {
            Engine::LockFailure(LockError::LockBusy, _) => Error::InUse,
            Engine::IoError(error) if is_content(error.kind()) => Error::Damaged(error.to_string()),
            Engine::IoError(error) => Error::Io(std::io::Error::new(error.kind(), error.to_string())),
            Engine::OpenReadError(OpenReadError::IoError { io_error, filepath }) if !is_content(io_error.kind()) => {
                Error::Io(std::io::Error::new(io_error.kind(), format!("{}: {io_error}", filepath.display())))
            }
            error @ (Engine::DataCorruption(_)
            | Engine::OpenReadError(_)
            | Engine::IncompatibleIndex(_)
            | Engine::FieldNotFound(_)
            | Engine::SchemaError(_)
            | Engine::DeserializeError(_)) => Error::Damaged(error.to_string()),
            error => Error::Engine(error.to_string()),
        }
    }
}

/// Whether an I/O error of this kind speaks of what the file holds, not of the machine.
fn is_content(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, NotFound, Other, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | NotFound | Other | UnexpectedEof)
}

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("{problem} (at byte {at})")]
pub struct ParseError {
    /// What is wrong.
    pub problem: Problem,
    /// Byte offset into the query text of the part that is wrong.
    pub at: usize,
}

/// The kinds of mistakes a query can hold.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Problem {
    /// Longer than 1,000 bytes.
    #[error("the query is longer than 1,000 bytes")]
    TooLong,
    /// More than 50 words.
    #[error("the query has more than 50 words")]
    TooManyWords,
    /// Parentheses nested more than 10 deep.
    #[error("parentheses are nested more than 10 deep")]
    TooDeep,
    /// `before:` or `after:` with something that is not a date.
    #[error("“{0}” is not a date; write 2026-03-31, 2026-03, 2026, today, yesterday or 7d")]
    BadDate(String),
    /// `is:` with a word it does not know.
    #[error(
        "“is:{0}” is not known; write open, closed, snoozed, assigned, unassigned, filtered, spam, trash, received, sent or comment"
    )]
    UnknownIs(String),
    /// `has:` with a word it does not know.
    #[error("“has:{0}” is not known; write attachment")]
    UnknownHas(String),
    /// `inbox:` with a name no inbox has.
    #[error("no inbox is called “{0}”")]
    UnknownInbox(String),
    /// `assignee:` with a name no agent has.
    #[error("nobody is called “{0}”")]
    UnknownAgent(String),
}

impl Problem {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::TooLong => "query_too_long",
            Problem::TooManyWords => "query_too_many_words",
            Problem::TooDeep => "query_too_deep",
            Problem::BadDate(_) => "query_bad_date",
            Problem::UnknownIs(_) => "query_unknown_is",
            Problem::UnknownHas(_) => "query_unknown_has",
            Problem::UnknownInbox(_) => "query_unknown_inbox",
            Problem::UnknownAgent(_) => "query_unknown_agent",
        }
    }
}
