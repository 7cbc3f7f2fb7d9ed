//! Reading blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use super::{BlobWriter, Location, Prepared, file, segment};
use crate::base::Timestamp;
use crate::base::files::make_private_dir;
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
        make_private_dir(&dir.join("tmp"))?;
        make_private_dir(&dir.join("files"))?;
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
                let file = open_named(&file::path(&self.dir, name))?;
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

    /// The segments that are there, with their lengths.
    pub(in crate::store) fn segments(&self) -> Result<BTreeMap<u32, u64>> {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            if let Some(number) = entry.file_name().to_str().and_then(segment::number) {
                found.insert(number, entry.metadata()?.len());
            }
        }
        Ok(found)
    }

    /// Whether any segment holds bytes.
    pub(in crate::store) fn any_bytes(&self) -> Result<bool> {
        Ok(self.segments()?.values().any(|length| *length > 0))
    }

    /// The names of the files of large blobs that were last written before that moment.
    pub(in crate::store) fn files_before(&self, before: Timestamp) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for shard in std::fs::read_dir(self.dir.join("files"))? {
            for entry in std::fs::read_dir(shard?.path())? {
                let entry = entry?;
                let age = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                let written = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
                if Timestamp(written) < before {
                    found.extend(entry.file_name().into_string());
                }
            }
        }
        Ok(found)
    }

    /// Takes a record out of its segment, checked, to be appended anew.
    pub(in crate::store) fn copy_record(&self, number: u32, offset: u64, length: u32) -> Result<Prepared> {
        segment::copy(&*self.segment(number)?, offset, length)
    }

    /// Removes a segment. Who reads from it goes on; who comes later has to look for its blob anew.
    pub(in crate::store) fn remove_segment(&self, number: u32) -> Result<()> {
        match std::fs::remove_file(segment::path(&self.dir, number)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        Ok(File::open(&self.dir)?.sync_all()?)
    }

    fn segment(&self, number: u32) -> Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open_named(&segment::path(&self.dir, number))?);
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

/// Opens a file that a row names.
fn open_named(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::Damaged(format!("{} is gone", path.display())),
        _ => Error::Storage(format!("{}: {error}", path.display())),
    })
}
