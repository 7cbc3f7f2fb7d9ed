//! Mail that was taken and is not yet filed: safe, but not yet read.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{BlobId, ChannelId, InboxId, IncomingId, MessageId};
use crate::base::Timestamp;

/// A mail as it came in: the raw bytes and the envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incoming {
    /// Its id.
    pub id: IncomingId,
    /// The bytes as received.
    pub raw: BlobId,
    /// When its last byte came.
    pub received_at: Timestamp,
    /// The reverse-path; none for `<>`.
    pub mail_from: Option<String>,
    /// The address it came from.
    #[serde(default)]
    pub peer: Option<IpAddr>,
    /// What the client called itself.
    #[serde(default)]
    pub helo: Option<String>,
    /// Whether it was fetched from a mailbox elsewhere: who brought it there is not known, but who signed it can be.
    #[serde(default)]
    pub fetched: bool,
    /// To whom, as the sender's server wrote it, and the inbox that address is.
    pub recipients: Vec<Recipient>,
    /// Trace headers (Return-Path, Received) that we add; kept beside the bytes, never inside.
    pub trace: String,
    /// How often filing it was begun. Written before each try, so that a mail which ends the
    /// process is known when it starts again.
    #[serde(default)]
    pub attempts: u32,
    /// What its deliveries are known by, one each recipient: a second one of the same bytes is not stored.
    #[serde(default)]
    pub deliveries: Vec<Vec<u8>>,
}

/// One envelope recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address in RCPT TO.
    pub address: String,
    /// The inbox it is.
    pub inbox: InboxId,
    /// The channel whose address it is; none for the inbox's fallback address.
    #[serde(default)]
    pub channel: Option<ChannelId>,
    /// The message whose return path it is: reports about that message come there.
    #[serde(default)]
    pub bounce: Option<MessageId>,
    /// The reply token in the address, when it was one of ours.
    #[serde(default)]
    pub token: Option<String>,
}
