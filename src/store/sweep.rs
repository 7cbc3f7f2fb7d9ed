//! Giving room back: what no row names any more.
//!
//! A sweep removes only what a durable commit has already let go of and no snapshot can lead to any more, and
//! nothing while somebody copies ([`super::hold`]); what it leaves, the next one takes. A reader in another
//! process may come too late: [`Store::blob`] looks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::blobs::{Location, Prepared, Stored, record_bytes};
use super::hold::Hold;
use super::rows::decode;
use super::{Direction, Error, Key, Reader, Result, Rows, Store, Table};
use crate::base::Timestamp;
use crate::domain::BlobId;

/// Hours after which a file that no row names is nobody's any more.
pub const ORPHAN_HOURS: i64 = 24;
/// Most records that one transaction moves.
const MOVED_ROWS: usize = 256;
/// Most bytes that one transaction moves, unless a single record is larger.
const MOVED_BYTES: u64 = 4 << 20;

/// What a sweep of segments did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Segments that are gone.
    pub segments: usize,
    /// Bytes that were written anew.
    pub moved: u64,
    /// Bytes that were given back.
    pub freed: u64,
    /// Segments left as they are because a record in them is damaged.
    pub damaged: usize,
}

/// A record that a row names: the blob, the offset, the payload's length.
type Live = (BlobId, u64, u32);

impl Store {
    /// Removes the files of blobs that no row names, up to `limit` of them; gives how many there were.
    ///
    /// # Errors
    /// The store's own.
    pub async fn sweep_blobs(&self, limit: usize) -> Result<usize> {
        let Some(hold) = Hold::remove(self.blobs.dir())? else { return Ok(0) };
        let mut dead: Vec<(Vec<u8>, Location)> = Vec::new();
        if limit > 0 {
            self.read()?.visit_prefix(Table::DeadBlobs, &Key::new(), None, Direction::Forward, &mut |key, value| {
                dead.push((key.to_vec(), decode(value)?));
                Ok(dead.len() < limit)
            })?;
        }
        if dead.is_empty() || !self.settled().await {
            return Ok(0);
        }
        for (_, location) in &dead {
            self.blobs.remove(location)?;
        }
        drop(hold);
        let count = dead.len();
        self.write(move |writer| dead.iter().try_for_each(|(key, _)| writer.remove(Table::DeadBlobs, key))).await?;
        Ok(count)
    }

    /// Rewrites up to `limit` segments of whose bytes rows name less than half, the emptiest first: what is
    /// named is appended anew, in slices that other writes go between, then the segment is removed. The last
    /// segment, which is written to, is let be. Readers notice nothing.
    ///
    /// Looks at every blob's row: for once an hour, not for once a second.
    ///
    /// # Errors
    /// The store's own; what was moved until then stays moved.
    pub async fn sweep_segments(self: &Arc<Store>, limit: usize) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut empty = BTreeMap::new();
        for (segment, victim) in self.beside(move |store| store.victims(limit)).await? {
            match self.move_out(segment, victim.live).await {
                Ok(moved) => {
                    swept.moved += moved;
                    empty.insert(segment, victim.length);
                }
                Err(Error::Damaged(words)) => {
                    tracing::error!(segment, words, "a segment is not rewritten: run a check");
                    swept.damaged += 1;
                }
                Err(error) => return Err(error),
            }
        }
        if empty.is_empty() {
            return Ok(swept);
        }
        let Some(hold) = Hold::remove(self.blobs.dir())? else { return Ok(swept) };
        if self.settled().await {
            let removed = self.beside(move |store| store.remove_segments(&empty)).await?;
            swept.segments = removed.len();
            swept.freed = removed.iter().sum();
        }
        drop(hold);
        Ok(swept)
    }

    /// Removes up to `limit` files of large blobs that no row names and that are older than [`ORPHAN_HOURS`]:
    /// a crash or a refused write left them. Gives how many there were.
    ///
    /// # Errors
    /// The store's own.
    pub async fn sweep_orphans(self: &Arc<Store>, now: Timestamp, limit: usize) -> Result<usize> {
        let before = now.plus_seconds(-ORPHAN_HOURS * 3600);
        self.beside(move |store| {
            let Some(_hold) = Hold::remove(store.blobs.dir())? else { return Ok(0) };
            // The files first: one that comes to be named later is young, or was named before.
            let mut found = store.blobs.files_before(before)?;
            let rows = store.read()?;
            for table in [Table::Blobs, Table::DeadBlobs] {
                visit_places(&rows, table, &mut |_, location| {
                    if let Location::File(name) = location {
                        found.remove(&name);
                    }
                })?;
            }
            let orphans: Vec<String> = found.into_iter().take(limit).collect();
            for name in &orphans {
                store.blobs.remove(&Location::File(name.clone()))?;
            }
            Ok(orphans.len())
        })
        .await
    }

    /// Runs what reads much on a thread that may wait.
    async fn beside<T: Send + 'static>(
        self: &Arc<Store>,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| Error::Stopped)?
    }

    /// The segments to rewrite, with what is alive in them.
    fn victims(&self, limit: usize) -> Result<BTreeMap<u32, Victim>> {
        // The directory first: a segment begun after that is none of ours.
        let mut lengths = self.blobs.segments()?;
        lengths.pop_last();
        let rows = self.read()?;
        let mut alive: BTreeMap<u32, u64> = BTreeMap::new();
        visit_places(&rows, Table::Blobs, &mut |_, location| {
            if let Location::Segment(segment, _, length) = location {
                *alive.entry(segment).or_default() += record_bytes(length);
            }
        })?;
        let mut sparse: Vec<(u64, u32, u64)> = Vec::new();
        for (segment, length) in lengths {
            let alive = alive.get(&segment).copied().unwrap_or_default();
            if alive.saturating_mul(2) < length || length == 0 {
                sparse.push((alive, segment, length));
            }
        }
        sparse.sort_unstable();
        sparse.truncate(limit);
        let mut victims: BTreeMap<u32, Victim> =
            sparse.into_iter().map(|(_, segment, length)| (segment, Victim { length, live: Vec::new() })).collect();
        visit_places(&rows, Table::Blobs, &mut |id, location| {
            if let Location::Segment(segment, offset, length) = location {
                victims.entry(segment).and_modify(|victim| victim.live.push((id, offset, length)));
            }
        })?;
        Ok(victims)
    }

    /// Appends the live records of a segment anew; gives how many bytes that were.
    async fn move_out(self: &Arc<Store>, segment: u32, mut live: Vec<Live>) -> Result<u64> {
        live.sort_unstable_by_key(|(_, offset, _)| *offset);
        let (mut moved, mut left) = (0, live.as_slice());
        while !left.is_empty() {
            let (slice, rest) = left.split_at(slice_length(left));
            left = rest;
            moved += slice.iter().map(|(_, _, length)| record_bytes(*length)).sum::<u64>();
            let slice = slice.to_vec();
            let places = slice.clone();
            let prepared: Vec<Prepared> = self
                .beside(move |store| {
                    let copy = |(_, offset, length): &Live| store.blobs.copy_record(segment, *offset, *length);
                    slice.iter().map(copy).collect()
                })
                .await?;
            self.write_with(prepared, move |writer, new| {
                places.iter().zip(new).try_for_each(|((id, offset, length), new)| {
                    writer.move_blob(*id, &Location::Segment(segment, *offset, *length), new)
                })
            })
            .await?;
        }
        Ok(moved)
    }

    /// Removes those segments that no row names any more; gives their lengths.
    fn remove_segments(&self, empty: &BTreeMap<u32, u64>) -> Result<Vec<u64>> {
        let mut named: BTreeSet<u32> = BTreeSet::new();
        visit_places(&self.read()?, Table::Blobs, &mut |_, location| {
            if let Location::Segment(segment, ..) = location {
                named.insert(segment);
            }
        })?;
        let mut removed = Vec::new();
        for (segment, length) in empty.iter().filter(|(segment, _)| !named.contains(segment)) {
            self.blobs.remove_segment(*segment)?;
            removed.push(*length);
        }
        Ok(removed)
    }
}

/// A segment to rewrite.
struct Victim {
    /// Bytes of the file.
    length: u64,
    live: Vec<Live>,
}

/// How many of `live` one transaction moves.
fn slice_length(live: &[Live]) -> usize {
    let mut bytes = 0;
    let fits = live.iter().take(MOVED_ROWS).take_while(|(_, _, length)| {
        bytes += record_bytes(*length);
        bytes <= MOVED_BYTES
    });
    fits.count().max(1)
}

/// Visits where blobs are, by the rows of `table`.
fn visit_places(rows: &Reader, table: Table, visit: &mut dyn FnMut(BlobId, Location)) -> Result<()> {
    rows.visit_prefix(table, &Key::new(), None, Direction::Forward, &mut |key, value| {
        let location =
            if table == Table::Blobs { decode::<Stored>(value)?.location } else { decode::<Location>(value)? };
        visit(BlobId(super::key::last_id(key).unwrap_or_default()), location);
        Ok(true)
    })
}
