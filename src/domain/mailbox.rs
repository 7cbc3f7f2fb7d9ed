//! A mailbox elsewhere that is looked into by IMAP: where it is, what is done there, how far it has been read.

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;

/// A mailbox that is polled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The server's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// Who logs in.
    pub user: String,
    /// The password or token, sealed.
    pub sealed_secret: Vec<u8>,
    /// How the login is made.
    #[serde(default)]
    pub login: Login,
    /// Folders that are read, by the names people see.
    pub folders: Vec<String>,
    /// What becomes of a mail there once it is taken.
    #[serde(default)]
    pub after: After,
    /// Mail that is older than this when the mailbox is first read is not taken; none takes what comes from then on.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// SHA-256 of the certificate that the server must have, in place of one that an authority vouches for: lower-case
    /// hex.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Set while it cannot be read.
    #[serde(default)]
    pub broken: Option<Broken>,
    /// Mails that were left there, as they are larger than what is taken.
    #[serde(default)]
    pub skipped: Option<Skipped>,
}

impl Mailbox {
    /// Whether it is the same account: what was read of one says nothing about another.
    pub fn is_same_account(&self, other: &Mailbox) -> bool {
        self.host == other.host && self.port == other.port && self.user == other.user
    }

    /// The same without what changes by itself: what a connection is made of.
    #[must_use]
    pub fn settings(&self) -> Mailbox {
        Mailbox { broken: None, skipped: None, ..self.clone() }
    }
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, never without it.
    Starttls,
}

/// How the login is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// With a password.
    #[default]
    Password,
    /// With an access token (SASL XOAUTH2).
    Xoauth2,
}

/// What becomes of a mail in the mailbox once it is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// Nothing: the mailbox is opened to be read only.
    #[default]
    Leave,
    /// It is marked as seen.
    MarkSeen,
    /// It is moved into another folder.
    Move(String),
    /// It is deleted.
    Delete,
}

/// Why a mailbox cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Since when.
    pub since: Timestamp,
    /// A stable code.
    pub code: String,
    /// The remote server's words, or ours.
    pub words: String,
}

/// Mails that were left in the mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// When the last one was met.
    pub at: Timestamp,
    /// Its bytes, as the server says.
    pub bytes: u64,
}

/// How far a folder has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which numbering of its mails this is about (RFC 3501 section 2.3.1.1).
    pub validity: u32,
    /// The last mail dealt with.
    pub uid: u32,
    /// Since when mail of this folder is wanted.
    pub from: Timestamp,
    /// Mails numbered below this were there when the numbering was first met: of them, only those count that came
    /// to the mailbox after `from`.
    #[serde(default)]
    pub dated_below: u32,
    /// Mails taken for which something remains to be done in the mailbox.
    #[serde(default)]
    pub owed: Vec<u32>,
}
