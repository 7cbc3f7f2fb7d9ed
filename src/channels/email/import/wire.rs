//! What goes over the stream of an import: mails one way, how far they are the other.
//!
//! A mail is the length of its head (4 bytes, big-endian), the head as JSON, and its bytes. A head of length 0 is the
//! end. The other way each slice is a line of JSON.

use std::io;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest mail, bytes. The parser and the pages take larger ones no better than the mail programs they come from.
pub const MAX_MAIL: u64 = 64 << 20;
/// Longest head, bytes.
const MAX_HEAD: u32 = 64 << 10;

/// What an import begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// The inbox: its name, local part or address.
    pub inbox: String,
    /// Addresses of the team beside those that are known.
    pub own: Vec<String>,
    /// Conversations with unread mail are left open.
    pub open: bool,
    /// The name its cursor is kept under.
    pub source: String,
}

/// What is said of a mail beside its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// How many bytes follow.
    pub size: u64,
    /// When it came, milliseconds since 1970, for a mail without a date.
    pub came_at: Option<i64>,
    /// Nobody had read it.
    pub unread: bool,
    /// How far the import is behind it.
    pub cursor: String,
}

/// What became of what was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// So many mails of a slice are messages now, and so many had been before.
    Slice {
        /// New ones.
        filed: u64,
        /// Known ones.
        again: u64,
    },
    /// Nothing more is taken, for this reason. What was told before stays.
    Stopped(String),
    /// All is done.
    End,
}

/// Sends a mail.
pub(super) async fn send(to: &mut (impl AsyncWrite + Unpin), head: &Head, raw: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(&head).await?;
    to.write_all(raw).await
}

/// Says that there are no more.
pub(super) async fn send_end(to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    to.write_all(&[0; 4]).await?;
    to.flush().await
}

/// The next mail; none at the end.
pub(super) async fn next(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Head, Vec<u8>)>> {
    let length = from.read_u32().await?;
    if length == 0 {
        return Ok(None);
    }
    if length > MAX_HEAD {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a head is too long"));
    }
    let mut head = vec![0; length as usize];
    from.read_exact(&mut head).await?;
    let head: Head = serde_json::from_slice(&head)?;
    if head.size > MAX_MAIL {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail is too large"));
    }
    let mut raw = Vec::new();
    from.take(head.size).read_to_end(&mut raw).await?;
    if raw.len() as u64 != head.size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((head, raw)))
}
