//! Why the desk refuses. The few kinds a caller may branch on; `http` maps them to status codes and the
//! e-mail channel to SMTP replies, each in one place.

use crate::domain::Message;
use crate::store;

/// Why something did not happen. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or not for this actor to see.
    #[error("not found")]
    NotFound,
    /// It may be seen, not changed.
    #[error("this is read-only for you")]
    ReadOnly,
    /// It is not for this role.
    #[error("this is for owners and admins")]
    Forbidden,
    /// Nobody is signed in.
    #[error("sign in first")]
    Unauthorized,
    /// The address, the password or both are not an agent's.
    #[error("wrong e-mail or password")]
    WrongPassword,
    /// It does not fit what is there.
    #[error("{detail}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// In words.
        detail: String,
    },
    /// Somebody said something since the thread was opened.
    #[error("the conversation has changed since you opened it")]
    Stale(Vec<Message>),
    /// A value is not acceptable.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// Why, as a stable code.
        reason: &'static str,
    },
    /// More than its bound.
    #[error("too large")]
    TooLarge,
    /// Too often.
    #[error("too many tries; wait {0} seconds")]
    RateLimited(u64),
    /// The disk is nearly full.
    #[error("there is no room to store this")]
    StorageLow,
    /// The log no longer reaches back that far.
    #[error("changes that old are no longer kept")]
    Trimmed,
    /// Something of ours failed.
    #[error(transparent)]
    Store(store::Error),
}

impl Error {
    /// A value that is not acceptable.
    pub fn invalid(field: &'static str, reason: &'static str) -> Error {
        Error::Invalid { field, reason }
    }

    /// Something that does not fit what is there.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Error {
        Error::Conflict { code, detail: detail.into() }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        match error {
            store::Error::Full => Error::StorageLow,
            other => Error::Store(other),
        }
    }
}

/// Result of the desk's functions.
pub type Result<T> = std::result::Result<T, Error>;
