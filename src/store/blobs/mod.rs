//! Bytes kept outside the rows: raw mail, bodies, files. Rows name them by [`BlobId`](crate::domain::BlobId).
//!
//! Small ones (up to [`SMALL`] bytes) are compressed and appended to segments, with their length and a
//! checksum; one sync serves a whole batch of writes. Large ones are files of their own, named by their
//! BLAKE3. Either way they are durable before the commit that names them. Why: docs/decisions/002.
//! Nothing here knows what the bytes mean.

mod file;
mod pack;
mod reader;
mod segment;
mod spool;

use serde::{Deserialize, Serialize};

pub(super) use file::path as file_path;
pub use reader::{BlobReader, Blobs};
#[cfg(test)]
pub(super) use segment::Log;
pub(super) use segment::{Appender, OpenLog, open_segment, path as segment_path, record_bytes};
pub use spool::BlobWriter;

/// Most bytes of a blob that goes into a segment.
pub const SMALL: usize = 256 << 10;

/// Where a blob's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Location {
    /// A record in a segment.
    #[serde(rename = "s")]
    Segment(u32, u64, u32),
    /// A file of its own, by name.
    #[serde(rename = "f")]
    File(String),
}

/// A blob's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(rename = "l")]
    pub(super) location: Location,
    /// Bytes before compression.
    #[serde(rename = "n")]
    pub(super) size: u64,
    /// How many rows name it.
    #[serde(rename = "r")]
    pub(super) refs: u64,
}

/// Bytes on their way into the store: encoded for a segment, or already durable in a file.
#[derive(Debug)]
pub struct Prepared {
    pub(super) kind: PreparedKind,
    pub(super) size: u64,
    hash: [u8; 32],
}

#[derive(Debug)]
pub(super) enum PreparedKind {
    /// A whole record, header included.
    Record(Vec<u8>),
    /// The name of a file that is already durable.
    File(file::Unclaimed),
}

impl Prepared {
    /// Takes bytes that are at hand. More than [`SMALL`] belong into a [`BlobWriter`].
    pub fn from_bytes(bytes: &[u8]) -> Prepared {
        Prepared {
            kind: PreparedKind::Record(segment::record(bytes)),
            size: bytes.len() as u64,
            hash: *blake3::hash(bytes).as_bytes(),
        }
    }

    /// BLAKE3 of the bytes.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Number of bytes before compression.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn stored_bytes(&self) -> usize {
        match &self.kind {
            PreparedKind::Record(record) => record.len(),
            PreparedKind::File(_) => 0,
        }
    }
}

/// Bytes that have their place: what a closure names them by.
#[derive(Clone, Debug)]
pub struct NewBlob {
    pub(super) location: Location,
    pub(super) size: u64,
}
