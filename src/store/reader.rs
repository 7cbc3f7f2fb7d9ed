//! A snapshot of the store.

use std::ops::Bound;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableError};

use super::rows::{Direction, Rows, Visit, visit_table};
use super::{Result, Table};

/// The store as it was at one commit. Cheap to make; hold it briefly, for it keeps old pages alive.
pub struct Reader {
    transaction: ReadTransaction,
}

impl Reader {
    pub(super) fn new(transaction: ReadTransaction) -> Reader {
        Reader { transaction }
    }

    fn open(&self, table: Table) -> Result<Option<ReadOnlyTable<&'static [u8], &'static [u8]>>> {
        match self.transaction.open_table(table.definition()) {
            Ok(found) => Ok(Some(found)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Rows for Reader {
    fn get_bytes(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(table) = self.open(table)? else { return Ok(None) };
        Ok(ReadableTable::get(&table, key)?.map(|value| value.value().to_vec()))
    }

    fn visit(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        match self.open(table)? {
            Some(table) => visit_table(&table, range, direction, visit),
            None => Ok(()),
        }
    }
}
