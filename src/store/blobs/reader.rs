//! Reading blobs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{BlobWriter, Location, file, segment};
use crate::store::{Error, Result};

/// The directory of blobs, for reading and for taking new bytes in.
#[derive(Debug)]
pub struct Blobs {
    dir: PathBuf,
    open: Mutex<BTreeMap<u32, Arc<File>>>,
}

/// The bytes of a blob, to be read once from the start.
pub enum BlobReader {
    /// At hand.
    Memory(Vec<u8>),
    /// In a file.
    File(File, u64),
}

impl BlobReader {
    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        match self {
            BlobReader::Memory(bytes) => bytes.len() as u64,
            BlobReader::File(_, size) => *size,
        }
    }

    /// All of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        match self {
            BlobReader::Memory(bytes) => Ok(bytes),
            BlobReader::File(mut file, size) => {
                let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
                file.read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

impl Blobs {
    /// Opens the directory, making it when it is not there, and empties what a crash left in `tmp`.
    pub(in crate::store) fn open(dir: &Path, clean: bool) -> Result<Blobs> {
        std::fs::create_dir_all(dir.join("tmp"))?;
        std::fs::create_dir_all(dir.join("files"))?;
        if clean {
            for left in std::fs::read_dir(dir.join("tmp"))? {
                std::fs::remove_file(left?.path())?;
            }
        }
        Ok(Blobs { dir: dir.to_path_buf(), open: Mutex::default() })
    }

    /// The directory itself.
    pub(in crate::store) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Begins to take a new blob's bytes in.
    pub fn writer(&self) -> BlobWriter {
        BlobWriter::new(self.dir.clone())
    }

    /// Opens the bytes at a place.
    pub(in crate::store) fn read(&self, location: &Location) -> Result<BlobReader> {
        match location {
            Location::Segment(number, offset, length) => {
                let file = self.segment(*number)?;
                segment::read(&file, *offset, *length).map(BlobReader::Memory)
            }
            Location::File(name) => {
                let file = File::open(file::path(&self.dir, name))
                    .map_err(|error| Error::Damaged(format!("blob file {name}: {error}")))?;
                let size = file.metadata()?.len();
                Ok(BlobReader::File(file, size))
            }
        }
    }

    /// Whether there are as many bytes as that place takes.
    pub(in crate::store) fn holds(&self, location: &Location) -> Result<bool> {
        let (path, end) = match location {
            Location::Segment(number, offset, length) => {
                (segment::path(&self.dir, *number), offset.saturating_add(segment::record_bytes(*length)))
            }
            Location::File(name) => (file::path(&self.dir, name), 0),
        };
        match std::fs::metadata(path) {
            Ok(found) => Ok(found.len() >= end),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether any segment holds bytes.
    pub(in crate::store) fn any_bytes(&self) -> Result<bool> {
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("segment-") && entry.metadata()?.len() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn segment(&self, number: u32) -> Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = File::open(segment::path(&self.dir, number))
            .map_err(|error| Error::Damaged(format!("segment {number}: {error}")))?;
        let file = Arc::new(file);
        open.insert(number, Arc::clone(&file));
        Ok(file)
    }

    /// Removes a dead file; bytes in segments stay until the segment is rewritten.
    pub(in crate::store) fn remove(&self, location: &Location) -> Result<()> {
        if let Location::File(name) = location {
            match std::fs::remove_file(file::path(&self.dir, name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}
