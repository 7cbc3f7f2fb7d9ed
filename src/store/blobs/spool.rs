//! Taking bytes in as they come: in memory while they are few, in a file when they are many.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::{Prepared, PreparedKind, SMALL, file, segment};
use crate::base::random;
use crate::store::{Error, Result};

/// Takes the bytes of one blob in pieces.
///
/// Up to [`SMALL`] bytes stay in memory; more go to a temporary file, on the caller's thread in pieces of at
/// most a few hundred kilobytes. Dropped unfinished, it leaves nothing behind.
pub struct BlobWriter {
    dir: PathBuf,
    memory: Vec<u8>,
    file: Option<Spill>,
    hasher: blake3::Hasher,
    size: u64,
}

struct Spill {
    file: File,
    path: PathBuf,
    keep: bool,
}

impl Drop for Spill {
    fn drop(&mut self) {
        if !self.keep {
            // What stays in tmp is emptied at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl BlobWriter {
    pub(super) fn new(dir: PathBuf) -> BlobWriter {
        BlobWriter { dir, memory: Vec::new(), file: None, hasher: blake3::Hasher::new(), size: 0 }
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// When the temporary file cannot be written: [`Error::Full`] when the disk has no room.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() <= SMALL {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        if self.file.is_none() {
            let path = self.dir.join("tmp").join(random::token());
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let file = file.map_err(Error::from_disk)?;
            let mut spill = Spill { file, path, keep: false };
            spill.file.write_all(&std::mem::take(&mut self.memory)).map_err(Error::from_disk)?;
            self.file = Some(spill);
        }
        match &mut self.file {
            Some(spill) => spill.file.write_all(bytes).map_err(Error::from_disk),
            None => Ok(()),
        }
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends it. A large one is durable in its file when this returns: call it off the async threads.
    ///
    /// # Errors
    /// When the file cannot be synced or named.
    pub fn finish(mut self) -> Result<Prepared> {
        let hash = self.hasher.finalize();
        let kind = match &mut self.file {
            None => PreparedKind::Record(segment::record(&self.memory)),
            Some(spill) => {
                spill.file.sync_all().map_err(Error::from_disk)?;
                let unclaimed = file::adopt(&self.dir, &spill.path, &hash)?;
                spill.keep = true;
                PreparedKind::File(unclaimed)
            }
        };
        Ok(Prepared { kind, size: self.size, hash: *hash.as_bytes() })
    }

    /// Whether [`BlobWriter::finish`] has to wait for a disk.
    pub fn is_large(&self) -> bool {
        self.file.is_some()
    }
}
