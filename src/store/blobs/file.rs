//! Large blobs: files of their own, named by their BLAKE3 and a random end, so that two of the same content
//! never share a fate.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::base::files::make_private_dir;
use crate::base::random;
use crate::store::Result;

/// A durable file that no row names yet; removed again when it is dropped unclaimed.
#[derive(Debug)]
pub(in crate::store) struct Unclaimed {
    path: Option<PathBuf>,
    name: String,
}

impl Unclaimed {
    /// Its name, now that a row is going to name it. If the commit then fails, the file stays behind as an
    /// orphan and the sweep removes it.
    pub(in crate::store) fn claim(mut self) -> String {
        self.path = None;
        std::mem::take(&mut self.name)
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // An orphan that cannot be removed now is removed by the sweep.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Moves a synced temporary file to its own name and makes that name durable.
pub(super) fn adopt(blobs: &Path, temporary: &Path, hash: &blake3::Hash) -> Result<Unclaimed> {
    let hex = hash.to_hex();
    let name = format!("{hex}-{}", random::token());
    let path = path(blobs, &name);
    if let Some(dir) = path.parent() {
        if !dir.exists() {
            make_private_dir(dir)?;
            dir.parent().map(File::open).transpose()?.map(|up| up.sync_all()).transpose()?;
        }
        std::fs::rename(temporary, &path)?;
        File::open(dir)?.sync_all()?;
    }
    Ok(Unclaimed { path: Some(path), name })
}

/// The path of a file blob.
pub(in crate::store) fn path(blobs: &Path, name: &str) -> PathBuf {
    blobs.join("files").join(name.get(..2).unwrap_or("00")).join(name)
}
