//! What the receiver needs from whoever takes the mail in: who is known, whether there is room, and a
//! place to write the message to.
//!
//! The receiver says 250 to a message only after [`Body::finish`] gave `Ok`, that is after the commit.

use std::future::Future;
use std::net::SocketAddr;

use super::address::Mailbox;
use crate::base::Timestamp;

/// Takes mail in. One for all connections.
pub trait Intake: Send + Sync + 'static {
    /// Where one message goes while it arrives. Dropped unfinished, it leaves nothing behind.
    type Body: Body;

    /// Whether mail from `sender` (`None` is the null sender) is taken for `recipient`.
    ///
    /// Not asked for addresses that ask for another hop.
    fn recipient(&self, sender: Option<&Mailbox>, recipient: &Mailbox) -> impl Future<Output = RecipientAnswer> + Send;

    /// Whether there is room for mail; asked at each MAIL, so it must be quick.
    fn storage(&self) -> StorageState;

    /// Opens the place for one message, after DATA.
    fn begin(&self) -> impl Future<Output = Result<Self::Body, IntakeError>> + Send;
}

/// One message while it arrives.
pub trait Body: Send {
    /// Appends bytes exactly as received, without the dots of transparency; at most 64 KiB a call.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), IntakeError>> + Send;

    /// Makes the message durable. `Ok` only after the commit: the sender then forgets the message.
    fn finish(self, envelope: Envelope) -> impl Future<Output = Result<Accepted, IntakeError>> + Send;
}

/// The answer about one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientAnswer {
    /// Mail for it is taken.
    Accept,
    /// The domain is ours, the local part is nobody: 550 5.1.1. For postmaster and abuse the receiver
    /// accepts all the same (RFC 5321 section 4.5.1), so [`Body::finish`] must find a place for them.
    Unknown,
    /// The domain is not ours: 550 5.7.1.
    NoRelay,
    /// Its inbox keeps this sender out: 550 5.7.1.
    Denied,
    /// Cannot be said now: 451 4.3.0.
    TryLater,
}

/// Whether there is room for mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageState {
    /// There is.
    Fine,
    /// There is not: 452 4.3.1 at MAIL.
    Low,
}

/// Why a message could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// A failure that may pass: 451 4.3.0.
    #[error("temporary failure")]
    TryLater,
    /// No room: 452 4.3.1.
    #[error("storage low")]
    StorageLow,
    /// Too large for good: 552 5.3.4.
    #[error("message too large")]
    TooLarge,
}

/// A message taken and durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Our name for it, told to the sender in the 250 reply: printable ASCII, no space.
    pub id: String,
}

/// What the session said about one message.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// What the client calls itself: 1 to 255 printable ASCII characters, believed by nobody.
    pub helo: String,
    /// Whether it greeted with EHLO rather than HELO.
    pub esmtp: bool,
    /// Where the connection came from.
    pub peer: SocketAddr,
    /// How the connection was secured, if it was.
    pub tls: Option<TlsInfo>,
    /// The reverse path; `None` is the null sender of bounces.
    pub mail_from: Option<Mailbox>,
    /// The recipients taken, each once, at least one.
    pub rcpt_to: Vec<Mailbox>,
    /// SMTPUTF8 was asked for (RFC 6531).
    pub smtputf8: bool,
    /// BODY=8BITMIME was declared (RFC 6152).
    pub eight_bit: bool,
    /// Bytes of the message.
    pub size: u64,
    /// When its last byte came.
    pub received_at: Timestamp,
}

/// The protocol of a secured connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// Such as `TLSv1_3`.
    pub version: &'static str,
    /// Such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: &'static str,
}
