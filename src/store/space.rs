//! How much room the disk has, and when to say that it is too little.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Result;

/// The watermark below which nothing new is taken in; deleting and reading go on.
#[derive(Debug)]
pub struct Space {
    dir: PathBuf,
    /// Bytes that must stay free.
    min_free_bytes: u64,
    /// Share of the disk that must stay free, per cent; the larger of the two bounds counts.
    min_free_percent: u64,
    low: AtomicBool,
}

impl Space {
    pub(super) fn new(dir: PathBuf, min_free_bytes: u64, min_free_percent: u64) -> Space {
        Space { dir, min_free_bytes, min_free_percent, low: AtomicBool::new(false) }
    }

    /// Whether the disk was too full when last looked at.
    pub fn is_low(&self) -> bool {
        self.low.load(Ordering::Relaxed)
    }

    /// Looks again. Comes back from "low" only when a quarter more than the bound is free.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn look(&self) -> Result<bool> {
        let free = fs4::available_space(&self.dir)?;
        let total = fs4::total_space(&self.dir)?;
        let share = total / 100 * self.min_free_percent;
        let bound = self.min_free_bytes.max(share);
        let bound = if self.is_low() { bound + bound / 4 } else { bound };
        let low = free < bound;
        if low != self.low.swap(low, Ordering::Relaxed) {
            if low {
                tracing::error!(free, bound, "the disk is nearly full: no mail is taken until there is room");
            } else {
                tracing::info!(free, "there is room on the disk again: mail is taken");
            }
        }
        Ok(low)
    }

    /// Whether the disk that `folder` lies on is below the same bounds. Says nothing and remembers nothing.
    pub(super) fn is_short(&self, folder: &Path) -> std::io::Result<bool> {
        let share = fs4::total_space(folder)? / 100 * self.min_free_percent;
        Ok(fs4::available_space(folder)? < self.min_free_bytes.min(share))
    }
}
