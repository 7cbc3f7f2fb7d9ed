//! Why a mailbox could not be read.

use crate::desk;

/// Why a mailbox could not be read, or not be read on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no connection. It is not told why: an address in a private network is nobody's business.
    #[error("The server cannot be reached.")]
    Unreachable,
    /// It did not answer in time.
    #[error("The server did not answer in time.")]
    Silent,
    /// The connection is not secured.
    #[error("{words}")]
    Tls {
        /// What is wrong.
        words: String,
        /// The fingerprint of the certificate that was shown, when one was.
        fingerprint: Option<String>,
    },
    /// The login was refused, in the server's words.
    #[error("{0}")]
    LoginRefused(String),
    /// A folder is not there, or cannot be opened; its name, and the server's words.
    #[error("{0}: {1}")]
    FolderMissing(String, String),
    /// The server refused something else, in its words.
    #[error("{0}")]
    Refused(String),
    /// The server ended the connection, in its words.
    #[error("The server closed the connection. {0}")]
    Closed(String),
    /// What the server said is not to be understood.
    #[error("The server does not keep to the protocol: {0}.")]
    Protocol(&'static str),
    /// A mail is larger than what is taken, in bytes.
    #[error("A mail of {0} bytes is too large.")]
    TooLarge(u64),
    /// There is no room here.
    #[error("There is no room on the disk here.")]
    NoRoom,
    /// Something of ours failed.
    #[error("Something went wrong here.")]
    Desk(desk::Error),
}

impl Fault {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Unreachable => "unreachable",
            Fault::Silent => "silent",
            Fault::Tls { .. } => "tls",
            Fault::LoginRefused(_) => "login_refused",
            Fault::FolderMissing(..) => "folder_missing",
            Fault::Refused(_) => "refused",
            Fault::Closed(_) => "closed",
            Fault::Protocol(_) | Fault::TooLarge(_) => "protocol",
            Fault::NoRoom => "no_room",
            Fault::Desk(_) => "internal",
        }
    }

    /// Whether somebody has to do something: waiting alone does not help.
    pub fn is_ours_to_mend(&self) -> bool {
        matches!(self, Fault::LoginRefused(_) | Fault::FolderMissing(..))
    }
}

impl From<desk::Error> for Fault {
    fn from(error: desk::Error) -> Fault {
        match error {
            desk::Error::StorageLow => Fault::NoRoom,
            other => Fault::Desk(other),
        }
    }
}

impl From<crate::store::Error> for Fault {
    fn from(error: crate::store::Error) -> Fault {
        desk::Error::from(error).into()
    }
}
