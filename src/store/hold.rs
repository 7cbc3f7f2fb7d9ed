//! Keeps blobs in place while somebody copies them.
//!
//! A snapshot keeps rows, not the bytes they name: a sweep could remove a file between the moment a copy
//! learns its name and the moment it reads it. Who copies holds the lock shared from before its snapshot;
//! who removes takes it alone, and does nothing this time when it cannot. The lock is the file system's, so
//! it also holds between a running server and a command beside it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fs4::fs_std::FileExt;

use super::Result;

/// Held until it is dropped.
pub(super) struct Hold {
    _file: File,
}

impl Hold {
    /// Keeps everything that a snapshot taken from now on names. Waits for a removal under way.
    pub(super) fn keep(blobs: &Path) -> Result<Hold> {
        let file = open(blobs)?;
        FileExt::lock_shared(&file)?;
        Ok(Hold { _file: file })
    }

    /// Allows to remove; `None` when somebody copies.
    pub(super) fn remove(blobs: &Path) -> Result<Option<Hold>> {
        let file = open(blobs)?;
        Ok(FileExt::try_lock_exclusive(&file)?.then_some(Hold { _file: file }))
    }
}

fn open(blobs: &Path) -> Result<File> {
    let path = blobs.join("hold");
    Ok(OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?)
}
