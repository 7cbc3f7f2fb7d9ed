//! What can go wrong in the store.
//!
//! [`Error`] is the store's own: storage failed, or a value in it cannot be read. An I/O error from redb is
//! final for the handle: the store refuses from then on and the process is to stop and start again.
//! [`WriteError`] is what a write gives: the caller's own refusal, or the store's error.

/// The store's own errors.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Storage failed; the handle is not to be used any more.
    #[error("storage failed: {0}")]
    Storage(String),
    /// There is no room: the disk is below its watermark.
    #[error("the disk is nearly full")]
    Full,
    /// A row cannot be read, or names what is not there.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Another process serves this data directory.
    #[error("another frontdesk serves this data directory{}", .0.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    InUse(Option<u32>),
    /// The store was written by a newer version.
    #[error(
        "this data was written by a newer frontdesk (layout {found}, this one knows {known}): install that version, or restore a backup made by this one"
    )]
    Newer {
        /// Layout number in the store.
        found: u64,
        /// Layout number this program writes.
        known: u64,
    },
    /// A backup cannot be made there, or is not to be trusted.
    #[error("backup: {0}")]
    Archive(String),
    /// The store has stopped.
    #[error("the store has stopped")]
    Stopped,
}

impl Error {
    /// A disk's error outside redb, with a full disk told apart.
    pub(super) fn from_disk(error: std::io::Error) -> Error {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::Full,
            _ => Error::Storage(error.to_string()),
        }
    }
}

/// Result of reading.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a write did not happen: `Refused` by the closure's own rules, or the store failed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure refused; nothing was written.
    #[error(transparent)]
    Refused(E),
    /// The store failed; nothing was acknowledged.
    #[error(transparent)]
    Store(#[from] Error),
}

macro_rules! from_redb {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Error {
            fn from(error: $kind) -> Error {
                Error::Storage(error.to_string())
            }
        }
    )*};
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::SetDurabilityError,
    std::io::Error
);

impl From<redb::DatabaseError> for Error {
    fn from(error: redb::DatabaseError) -> Error {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Error::InUse(None),
            other => Error::Storage(other.to_string()),
        }
    }
}

impl From<rmp_serde::encode::Error> for Error {
    fn from(error: rmp_serde::encode::Error) -> Error {
        Error::Damaged(error.to_string())
    }
}

impl From<rmp_serde::decode::Error> for Error {
    fn from(error: rmp_serde::decode::Error) -> Error {
        Error::Damaged(error.to_string())
    }
}
