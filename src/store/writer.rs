//! Writing rows, inside the one write transaction of a batch.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use serde::Serialize;

use super::blobs::{Location, NewBlob, Stored};
use super::rows::{self, Direction, Rows, Visit, visit_table};
use super::{Entity, Error, Key, Result, Table};
use crate::base::Timestamp;
use crate::domain::{Actor, BlobId, Change, What};

type Open<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// The store inside a write. What is written is seen by what reads later in the same batch.
pub struct Writer<'t> {
    transaction: &'t WriteTransaction,
    /// Tables that were opened, in the order of [`Table::ALL`].
    tables: RefCell<[Option<Open<'t>>; Table::ALL.len()]>,
    /// How often anything was written: tells whether a failed closure left traces.
    writes: u64,
    /// Counters that moved, as they are now; they go to their table once, before the commit.
    counters: BTreeMap<&'static str, u64>,
    /// Changes of how many rows name a blob, settled when the closure ends.
    refs: BTreeMap<u64, i64>,
    /// Blobs that the closure added; their rows are written when it ends.
    added: BTreeMap<u64, Stored>,
    /// The number of the last change this batch made, if it made one.
    last_change: Option<u64>,
    /// An error of the storage itself: final, whatever the closure made of it.
    failure: Cell<Option<Error>>,
}

impl<'t> Writer<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Writer<'t> {
        Writer {
            transaction,
            tables: RefCell::new([const { None }; Table::ALL.len()]),
            writes: 0,
            counters: BTreeMap::new(),
            refs: BTreeMap::new(),
            added: BTreeMap::new(),
            last_change: None,
            failure: Cell::new(None),
        }
    }

    /// Stores an entity and keeps its index keys, tallies and blob references right by difference.
    pub fn put<E: Entity>(&mut self, entity: &E) -> Result<()> {
        let key = Key::id(entity.id());
        let old = self.get_bytes(E::TABLE, key.as_bytes())?;
        let old: Option<E> = old.map(|bytes| rows::decode(&bytes)).transpose()?;
        self.shift(old.as_ref(), Some(entity))?;
        self.insert(E::TABLE, key.as_bytes(), &encode(entity)?)
    }

    /// Removes an entity with all that [`Writer::put`] keeps for it. Nothing happens when it is not there.
    pub fn delete<E: Entity>(&mut self, id: E::Id) -> Result<()> {
        let Some(old) = self.find::<E>(id)? else { return Ok(()) };
        self.shift(Some(&old), None)?;
        self.remove(E::TABLE, Key::id(id.into()).as_bytes())
    }

    /// Moves index keys, tallies and blob references from what an entity was to what it is.
    fn shift<E: Entity>(&mut self, old: Option<&E>, new: Option<&E>) -> Result<()> {
        let old_keys = old.map(Entity::index_keys).unwrap_or_default();
        let new_keys = new.map(Entity::index_keys).unwrap_or_default();
        for gone in old_keys.iter().filter(|key| !new_keys.contains(key)) {
            self.remove(gone.table, gone.key.as_bytes())?;
        }
        let id = new.or(old).map_or(0, Entity::id).to_be_bytes();
        for fresh in new_keys.iter().filter(|key| !old_keys.contains(key)) {
            let value: &[u8] = if fresh.unique { &id } else { &[] };
            self.insert(fresh.table, fresh.key.as_bytes(), value)?;
        }
        let old_tallies = old.map(Entity::tallies).unwrap_or_default();
        let new_tallies = new.map(Entity::tallies).unwrap_or_default();
        if old_tallies != new_tallies {
            old_tallies.iter().try_for_each(|key| self.count(key, -1))?;
            new_tallies.iter().try_for_each(|key| self.count(key, 1))?;
        }
        for blob in old.map(Entity::blobs).unwrap_or_default() {
            *self.refs.entry(blob.0).or_default() -= 1;
        }
        for blob in new.map(Entity::blobs).unwrap_or_default() {
            *self.refs.entry(blob.0).or_default() += 1;
        }
        Ok(())
    }

    fn count(&mut self, key: &Key, by: i64) -> Result<()> {
        let now = self.tally(key)?.saturating_add_signed(by);
        if now == 0 {
            self.remove(Table::Tallies, key.as_bytes())
        } else {
            self.insert(Table::Tallies, key.as_bytes(), &now.to_be_bytes())
        }
    }

    /// The next id of a kind; a counter a table, never reused.
    pub fn next_id<E: Entity>(&mut self) -> Result<u64> {
        self.next(E::TABLE.name())
    }

    /// The next `received_seq`: the order in which messages came to be.
    pub fn next_received_seq(&mut self) -> Result<u64> {
        self.next("received_seq")
    }

    /// The last `received_seq` that was given out.
    pub fn received_seq(&self) -> Result<u64> {
        rows::number(self, Table::Meta, b"received_seq")
    }

    fn next(&mut self, counter: &'static str) -> Result<u64> {
        let next = rows::number(self, Table::Meta, counter.as_bytes())? + 1;
        self.writes += 1;
        self.counters.insert(counter, next);
        Ok(next)
    }

    /// Writes the counters that moved.
    pub(super) fn settle_counters(&mut self) -> Result<()> {
        for (counter, number) in std::mem::take(&mut self.counters) {
            self.insert(Table::Meta, counter.as_bytes(), &number.to_be_bytes())?;
        }
        Ok(())
    }

    /// Appends to the log of changes and gives the entry's number.
    pub fn change(&mut self, at: Timestamp, actor: Actor, what: What) -> Result<u64> {
        let number = self.next("change")?;
        self.insert(Table::Changes, Key::id(number).as_bytes(), &encode(&Change { at, actor, what })?)?;
        self.last_change = Some(number);
        Ok(number)
    }

    /// Sets a follower's cursor: in the same transaction as its effect, so that the effect happens once.
    pub fn advance(&mut self, follower: &str, to: u64) -> Result<()> {
        self.insert(Table::Cursors, follower.as_bytes(), &to.to_be_bytes())
    }

    /// Keeps a setting.
    pub fn set<T: Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.insert(Table::Settings, name.as_bytes(), &encode(value)?)
    }

    /// Forgets a setting.
    pub fn unset(&mut self, name: &str) -> Result<()> {
        self.remove(Table::Settings, name.as_bytes())
    }

    /// Makes known bytes that are already durable, and gives the id rows name them by. A blob that no row
    /// names when the closure ends is dead.
    pub fn add_blob(&mut self, new: &NewBlob) -> Result<BlobId> {
        let id = self.next(Table::Blobs.name())?;
        self.refs.entry(id).or_default();
        self.added.insert(id, Stored { location: new.location.clone(), size: new.size, refs: 0 });
        Ok(BlobId(id))
    }

    /// Notes that a blob's bytes lie elsewhere now, if they still lie at `from`.
    pub(super) fn move_blob(&mut self, id: BlobId, from: &Location, to: &NewBlob) -> Result<()> {
        let Some(bytes) = self.get_bytes(Table::Blobs, Key::id(id.0).as_bytes())? else { return Ok(()) };
        let stored: Stored = rows::decode(&bytes)?;
        if stored.location != *from {
            return Ok(());
        }
        self.put_stored(id.0, &Stored { location: to.location.clone(), ..stored })
    }

    fn put_stored(&mut self, id: u64, stored: &Stored) -> Result<()> {
        self.insert(Table::Blobs, Key::id(id).as_bytes(), &encode(stored)?)
    }

    /// Settles how many rows name each blob that the closure touched.
    pub(super) fn settle_blobs(&mut self) -> Result<()> {
        let mut added = std::mem::take(&mut self.added);
        for (id, by) in std::mem::take(&mut self.refs) {
            let fresh = added.remove(&id);
            if by == 0 && fresh.is_none() {
                continue;
            }
            let has_row = fresh.is_none();
            let mut stored = fresh.map_or_else(|| self.stored(id), Ok)?;
            stored.refs = stored.refs.saturating_add_signed(by);
            if stored.refs > 0 {
                self.put_stored(id, &stored)?;
                continue;
            }
            if has_row {
                self.remove(Table::Blobs, Key::id(id).as_bytes())?;
            }
            self.insert(Table::DeadBlobs, Key::id(id).as_bytes(), &encode(&stored.location)?)?;
        }
        Ok(())
    }

    fn stored(&self, id: u64) -> Result<Stored> {
        let bytes = self.get_bytes(Table::Blobs, Key::id(id).as_bytes())?;
        rows::decode(&bytes.ok_or_else(|| Error::Damaged(format!("blob {id} is missing")))?)
    }

    /// Writes a plain row of a table that holds no entity.
    pub fn insert(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.writes += 1;
        self.noting(|| Ok(self.open(table)?.insert(key, value).map(drop)?))
    }

    /// How many rows a table has.
    pub fn rows_of(&self, table: Table) -> Result<u64> {
        self.noting(|| Ok(self.open(table)?.len()?))
    }

    /// Removes a plain row.
    pub fn remove(&mut self, table: Table, key: &[u8]) -> Result<()> {
        self.writes += 1;
        self.noting(|| Ok(self.open(table)?.remove(key).map(drop)?))
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        self.failure.take()
    }

    /// Does it, and remembers an error of the storage.
    fn noting<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let result = work();
        if let Err(error @ Error::Storage(_)) = &result {
            self.failure.set(Some(error.clone()));
        }
        result
    }

    pub(super) fn last_change_made(&self) -> Option<u64> {
        self.last_change
    }

    fn open(&self, table: Table) -> Result<RefMut<'_, Open<'t>>> {
        let mut tables = self.tables.borrow_mut();
        let absent = || Error::Damaged(format!("table {} did not open", table.name()));
        let place = tables.get_mut(table as usize).ok_or_else(absent)?;
        if place.is_none() {
            *place = Some(self.transaction.open_table(table.definition())?);
        }
        RefMut::filter_map(tables, |tables| tables.get_mut(table as usize)?.as_mut()).map_err(|_| absent())
    }
}

impl Rows for Writer<'_> {
    fn get_bytes(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if table == Table::Meta
            && let Some(number) = std::str::from_utf8(key).ok().and_then(|name| self.counters.get(name))
        {
            return Ok(Some(number.to_be_bytes().to_vec()));
        }
        self.noting(|| Ok(self.open(table)?.get(key)?.map(|value| value.value().to_vec())))
    }

    fn visit(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        self.noting(|| visit_table(&*self.open(table)?, range, direction, visit))
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    Ok(rmp_serde::to_vec_named(value)?)
}
