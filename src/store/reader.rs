//! A snapshot of the store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError, TableHandle,
};

use super::rows::{Direction, Rows, Visit, visit_table};
use super::{Error, Result, Table};

/// The store as it was at one commit. Cheap to make; hold it briefly, for it keeps old pages alive.
pub struct Reader {
    transaction: ReadTransaction,
    /// Tables that were read, in the order of [`Table::ALL`]; none inside where there is no such table yet.
    open: Box<[OnceLock<Option<Open>>; Table::ALL.len()]>,
    _token: Option<Arc<()>>,
}

type Open = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The snapshot that [`super::Store::recent`] gives, until something commits.
#[derive(Default)]
pub(super) struct Recent(Mutex<Option<Arc<Reader>>>);

impl Recent {
    /// The snapshot that is kept, or a new one. Making it under the lock keeps one from before a commit from
    /// being kept after [`Recent::forget`].
    pub(super) fn get(&self, make: impl FnOnce() -> Result<Reader>) -> Result<Arc<Reader>> {
        let mut kept = self.kept();
        if let Some(known) = &*kept {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(make()?);
        *kept = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Lets go of the snapshot.
    pub(super) fn forget(&self) {
        self.kept().take();
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Reader>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells when all snapshots from before a moment are gone. Rows of an old snapshot may name bytes that the
/// present ones do not; they stay until nobody can ask for them any more.
#[derive(Default)]
pub(super) struct Readers(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    /// What snapshots taken from now on keep.
    current: Arc<()>,
    /// What earlier ones keep, those that outstayed an earlier wait too.
    earlier: Vec<Weak<()>>,
}

impl Readers {
    /// A token to take before a snapshot and to keep with it.
    pub(super) fn enter(&self) -> Arc<()> {
        Arc::clone(&self.generations().current)
    }

    /// Waits until the snapshots that were taken before now are gone; `false` when some stay too long.
    pub(super) async fn settled(&self) -> bool {
        let earlier = {
            let mut generations = self.generations();
            let before = Arc::downgrade(&std::mem::take(&mut generations.current));
            generations.earlier.push(before);
            generations.earlier.retain(|earlier| earlier.strong_count() > 0);
            generations.earlier.clone()
        };
        for _ in 0..LOOKS {
            if earlier.iter().all(|earlier| earlier.strong_count() == 0) {
                return true;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        false
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often to look whether old snapshots are gone, and how long to wait in between: two seconds in all.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

impl Reader {
    pub(super) fn new(transaction: ReadTransaction) -> Reader {
        Reader { transaction, open: unopened(), _token: None }
    }

    /// A snapshot that [`Readers`] know of.
    pub(super) fn known(transaction: ReadTransaction, token: Arc<()>) -> Reader {
        Reader { transaction, open: unopened(), _token: Some(token) }
    }

    /// The table, looked up once: finding it by its name costs more than reading a row.
    fn open(&self, table: Table) -> Result<Option<&Open>> {
        let place = self.open.get(table as usize);
        let place = place.ok_or_else(|| Error::Damaged(format!("table {} did not open", table.name())))?;
        if let Some(known) = place.get() {
            return Ok(known.as_ref());
        }
        let found = self.open_named(table.name())?;
        Ok(place.get_or_init(|| found).as_ref())
    }

    fn open_named(&self, name: &str) -> Result<Option<Open>> {
        match self.transaction.open_table(TableDefinition::new(name)) {
            Ok(found) => Ok(Some(found)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of the tables that are there, in order, those of other layouts too.
    pub(super) fn table_names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = self.transaction.list_tables()?.map(|table| table.name().into()).collect();
        names.sort();
        Ok(names)
    }

    /// Visits all rows of a table of that name.
    pub(super) fn visit_named(&self, name: &str, visit: &mut Visit<'_>) -> Result<()> {
        match self.open_named(name)? {
            Some(table) => visit_table(&table, (Bound::Unbounded, Bound::Unbounded), Direction::Forward, visit),
            None => Ok(()),
        }
    }

    /// How many rows each table has, as the tables themselves say.
    pub(super) fn table_sizes(&self) -> Result<BTreeMap<String, u64>> {
        let mut sizes = BTreeMap::new();
        for name in self.table_names()? {
            let size = self.open_named(&name)?.map(|table| table.len()).transpose()?;
            sizes.insert(name, size.unwrap_or_default());
        }
        Ok(sizes)
    }
}

fn unopened() -> Box<[OnceLock<Option<Open>>; Table::ALL.len()]> {
    Box::new([const { OnceLock::new() }; Table::ALL.len()])
}

impl Rows for Reader {
    fn get_bytes(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(table) = self.open(table)? else { return Ok(None) };
        Ok(ReadableTable::get(table, key)?.map(|value| value.value().to_vec()))
    }

    fn visit(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        match self.open(table)? {
            Some(table) => visit_table(table, range, direction, visit),
            None => Ok(()),
        }
    }
}
