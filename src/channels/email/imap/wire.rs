//! Lines and literals of a connection, each with its bound and within its time.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::fault::Fault;
use super::parse;

/// Longest line, bytes.
const MAX_LINE: usize = 64 << 10;
/// Longest response with the literals in it, without a mail, bytes.
const MAX_RESPONSE: usize = 128 << 10;
/// Bytes read at a time.
const PIECE: usize = 16 << 10;

/// A connection's two directions.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection.
pub(super) struct Wire<S> {
    stream: S,
    /// What was read and not yet looked at, from `start`.
    buffer: Vec<u8>,
    start: usize,
}

/// One response, or its beginning.
pub(super) enum Arrived {
    Whole(Vec<u8>),
    /// A mail of so many bytes is to be read before the rest of the response.
    Mail(Vec<u8>, u64),
}

impl<S: Io> Wire<S> {
    pub(super) fn new(stream: S) -> Wire<S> {
        Wire { stream, buffer: Vec::new(), start: 0 }
    }

    /// The stream, when nothing was read from it that nobody has looked at.
    pub(super) fn into_stream(self) -> Option<S> {
        (self.start == self.buffer.len()).then_some(self.stream)
    }

    /// Writes all of it.
    pub(super) async fn send(&mut self, bytes: &[u8], limit: Duration) -> Result<(), Fault> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match tokio::time::timeout(limit, sent).await {
            Ok(sent) => sent.map_err(lost),
            Err(_) => Err(Fault::Silent),
        }
    }

    /// Reads the next response, or up to the mail in it.
    pub(super) async fn response(&mut self, end: Instant) -> Result<Arrived, Fault> {
        self.rest(Vec::new(), end).await
    }

    /// Reads on a response that has begun.
    pub(super) async fn rest(&mut self, mut whole: Vec<u8>, end: Instant) -> Result<Arrived, Fault> {
        loop {
            self.line(&mut whole, end).await?;
            let Some(length) = parse::literal(&whole).filter(|_| may_hold_literals(&whole)) else {
                return Ok(Arrived::Whole(whole));
            };
            if announces_mail(&whole) {
                return Ok(Arrived::Mail(whole, length));
            }
            whole.extend_from_slice(b"\r\n");
            let room = MAX_RESPONSE.saturating_sub(whole.len());
            let Some(mut left) = usize::try_from(length).ok().filter(|length| *length <= room) else {
                return Err(Fault::Protocol("a text is too long"));
            };
            while left > 0 {
                let piece = self.piece(left, end).await?;
                left -= piece.len();
                whole.extend_from_slice(piece);
            }
        }
    }

    /// Appends the rest of the line, without its end.
    async fn line(&mut self, whole: &mut Vec<u8>, end: Instant) -> Result<(), Fault> {
        let mut length = 0;
        loop {
            let waiting = self.buffer.get(self.start..).unwrap_or_default();
            let found = waiting.iter().position(|byte| *byte == b'\n');
            let part = waiting.get(..found.map_or(waiting.len(), |at| at + 1)).unwrap_or_default();
            length += part.len();
            whole.extend_from_slice(part);
            self.start += part.len();
            if length > MAX_LINE || whole.len() > MAX_RESPONSE {
                return Err(Fault::Protocol("a line is too long"));
            }
            if found.is_some() {
                whole.pop();
                if whole.last() == Some(&b'\r') {
                    whole.pop();
                }
                return Ok(());
            }
            self.fill(end).await?;
        }
    }

    /// The next bytes, at least one and up to `most`.
    pub(super) async fn piece(&mut self, most: usize, end: Instant) -> Result<&[u8], Fault> {
        if self.start == self.buffer.len() {
            self.fill(end).await?;
        }
        let length = most.min(self.buffer.len() - self.start);
        let from = self.start;
        self.start += length;
        Ok(self.buffer.get(from..self.start).unwrap_or_default())
    }

    /// Reads more. The buffer has been looked at to its end.
    async fn fill(&mut self, end: Instant) -> Result<(), Fault> {
        self.buffer.clear();
        self.start = 0;
        self.buffer.reserve(PIECE);
        let mut limited = (&mut self.stream).take(PIECE as u64);
        match timeout_at(end, limited.read_buf(&mut self.buffer)).await {
            Ok(Ok(0)) => Err(Fault::Closed(String::new())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(lost(error)),
            Err(_) => Err(Fault::Silent),
        }
    }
}

/// Whether braces at its end announce a literal: in what people are told they are but braces.
fn may_hold_literals(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ').skip(1).take(2);
    words.any(|word| word.eq_ignore_ascii_case(b"FETCH") || word.eq_ignore_ascii_case(b"LIST"))
}

/// Whether the literal at its end is a whole mail.
fn announces_mail(line: &[u8]) -> bool {
    let before = line.iter().rposition(|byte| *byte == b'{').and_then(|at| line.get(..at)).unwrap_or_default();
    before.to_ascii_uppercase().ends_with(b"BODY[] ")
}

fn lost(_: io::Error) -> Fault {
    Fault::Closed(String::new())
}
