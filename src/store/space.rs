//! How much room the disk has, and when to say that it is too little.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use super::Result;

/// So many times the bound of "low" are scarce: time to make room, while everything still works.
const SCARCE: u64 = 3;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Nothing to say.
    Enough,
    /// Somebody should make some.
    Scarce,
    /// Nothing new is taken in.
    Low,
}

/// The watermark below which nothing new is taken in; deleting and reading go on.
#[derive(Debug)]
pub struct Space {
    dir: PathBuf,
    /// Bytes that must stay free.
    min_free_bytes: u64,
    /// Share of the disk that must stay free, per cent; the larger of the two bounds counts.
    min_free_percent: u64,
    /// A [`Room`], when last looked at.
    room: AtomicU8,
}

impl Space {
    pub(super) fn new(dir: PathBuf, min_free_bytes: u64, min_free_percent: u64) -> Space {
        Space { dir, min_free_bytes, min_free_percent, room: AtomicU8::new(Room::Enough as u8) }
    }

    /// How much room there was when last looked at.
    pub fn room(&self) -> Room {
        match self.room.load(Ordering::Relaxed) {
            room if room == Room::Low as u8 => Room::Low,
            room if room == Room::Scarce as u8 => Room::Scarce,
            _ => Room::Enough,
        }
    }

    /// Whether the disk was too full when last looked at.
    pub fn is_low(&self) -> bool {
        self.room() == Room::Low
    }

    /// Bytes that are free.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn free(&self) -> Result<u64> {
        Ok(fs4::available_space(&self.dir)?)
    }

    /// Looks again, and says whether it is another than before. A bound is left only when a quarter more than it is
    /// free.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn look(&self) -> Result<bool> {
        let free = self.free()?;
        let total = fs4::total_space(&self.dir)?;
        let bound = self.min_free_bytes.max(total / 100 * self.min_free_percent);
        let before = self.room();
        let room = room(free, bound, before);
        self.room.store(room as u8, Ordering::Relaxed);
        match room {
            _ if room == before => {}
            Room::Low => tracing::error!(free, bound, "the disk is nearly full: no mail is taken until there is room"),
            Room::Scarce if before == Room::Enough => {
                tracing::warn!(free, bound, "the disk is filling up: below the bound, no mail is taken");
            }
            Room::Scarce => tracing::info!(free, "there is some room on the disk again: mail is taken"),
            Room::Enough => tracing::info!(free, "there is room on the disk again"),
        }
        Ok(room != before)
    }

    /// Whether the disk that `folder` lies on is below the same bounds. Says nothing and remembers nothing.
    pub(super) fn is_short(&self, folder: &Path) -> std::io::Result<bool> {
        let share = fs4::total_space(folder)? / 100 * self.min_free_percent;
        Ok(fs4::available_space(folder)? < self.min_free_bytes.min(share))
    }
}

fn room(free: u64, bound: u64, before: Room) -> Room {
    let below = |bound: u64, room: Room| {
        let margin = if before >= room { bound / 4 } else { 0 };
        free < bound.saturating_add(margin)
    };
    if below(bound, Room::Low) {
        Room::Low
    } else if below(bound.saturating_mul(SCARCE), Room::Scarce) {
        Room::Scarce
    } else {
        Room::Enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_left_only_with_a_margin() {
        let story = [
            (1000, Room::Enough),
            (300, Room::Enough),
            (299, Room::Scarce),
            (374, Room::Scarce),
            (375, Room::Enough),
            (99, Room::Low),
            (124, Room::Low),
            (125, Room::Scarce),
            (374, Room::Scarce),
            (0, Room::Low),
            (1000, Room::Enough),
        ];
        let mut before = Room::Enough;
        for (free, expected) in story {
            before = room(free, 100, before);
            assert_eq!(before, expected, "{free}");
        }
        assert_eq!(room(0, 0, Room::Enough), Room::Enough);
    }
}
