//! Reading rows, the same way in a snapshot and inside a write.

use std::ops::Bound;

use redb::ReadableTable;
use serde::de::DeserializeOwned;

use super::key::last_id;
use super::{Entity, Error, Key, Result, Table};
use crate::domain::Change;

/// Which way a scan goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the smallest key on.
    Forward,
    /// From the greatest key back: newest first.
    Backward,
}

/// Called with each key and value of a scan; `false` ends it.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<bool> + 'a;

/// Something rows can be read from.
pub trait Rows {
    /// The value under `key`.
    fn get_bytes(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Visits the keys from `from` to `to` (both within, when given as such) in `direction`.
    fn visit(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()>;

    /// The entity of that id, if there is one.
    fn find<E: Entity>(&self, id: E::Id) -> Result<Option<E>>
    where
        Self: Sized,
    {
        match self.get_bytes(E::TABLE, Key::id(id.into()).as_bytes())? {
            Some(bytes) => decode(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The entity of that id, which must be there: another row names it.
    fn get<E: Entity>(&self, id: E::Id) -> Result<E>
    where
        Self: Sized,
    {
        self.find(id)?.ok_or_else(|| Error::Damaged(format!("{} {} is missing", E::TABLE.name(), id.into())))
    }

    /// The id a unique index leads to.
    fn unique(&self, table: Table, key: &Key) -> Result<Option<u64>>
    where
        Self: Sized,
    {
        Ok(self.get_bytes(table, key.as_bytes())?.and_then(|bytes| last_id(&bytes)))
    }

    /// Up to `limit` ids under keys that start with `prefix`, beginning behind `after` when it is given.
    fn ids(
        &self,
        table: Table,
        prefix: &Key,
        after: Option<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<u64>>
    where
        Self: Sized,
    {
        let mut out = Vec::new();
        self.visit_prefix(table, prefix, after, direction, &mut |key, _| {
            out.extend(last_id(key));
            Ok(out.len() < limit)
        })?;
        Ok(out)
    }

    /// Visits the keys that start with `prefix`, beginning behind `after` when it is given.
    fn visit_prefix(
        &self,
        table: Table,
        prefix: &Key,
        after: Option<&[u8]>,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()>
    where
        Self: Sized,
    {
        let end = prefix_end(prefix.as_bytes());
        let upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = match (direction, after) {
            (Direction::Forward, Some(after)) => (Bound::Excluded(after), upper),
            (Direction::Backward, Some(after)) => (Bound::Included(prefix.as_bytes()), Bound::Excluded(after)),
            (_, None) => (Bound::Included(prefix.as_bytes()), upper),
        };
        self.visit(table, range, direction, visit)
    }

    /// All entities of a kind. For kinds of which there are few: agents, inboxes.
    fn all<E: Entity>(&self) -> Result<Vec<E>>
    where
        Self: Sized,
    {
        let mut out = Vec::new();
        self.visit_prefix(E::TABLE, &Key::new(), None, Direction::Forward, &mut |_, value| {
            out.push(decode(value)?);
            Ok(true)
        })?;
        Ok(out)
    }

    /// How many entities the tally counts.
    fn tally(&self, key: &Key) -> Result<u64>
    where
        Self: Sized,
    {
        number(self, Table::Tallies, key.as_bytes())
    }

    /// The last id of a kind that was given out; 0 before the first.
    fn newest_id<E: Entity>(&self) -> Result<u64>
    where
        Self: Sized,
    {
        number(self, Table::Meta, E::TABLE.name().as_bytes())
    }

    /// The number of the last change in this view of the store.
    fn last_change(&self) -> Result<u64>
    where
        Self: Sized,
    {
        number(self, Table::Meta, b"change")
    }

    /// Up to `limit` changes behind number `after`.
    fn changes_after(&self, after: u64, limit: usize) -> Result<Vec<(u64, Change)>>
    where
        Self: Sized,
    {
        let mut out = Vec::new();
        let from = Key::id(after);
        self.visit_prefix(
            Table::Changes,
            &Key::new(),
            Some(from.as_bytes()),
            Direction::Forward,
            &mut |key, value| {
                out.push((last_id(key).unwrap_or_default(), decode(value)?));
                Ok(out.len() < limit)
            },
        )?;
        Ok(out)
    }

    /// The number of the oldest change that is still kept; 0 when none is.
    fn first_change(&self) -> Result<u64>
    where
        Self: Sized,
    {
        Ok(self.ids(Table::Changes, &Key::new(), None, Direction::Forward, 1)?.first().copied().unwrap_or_default())
    }

    /// A setting, if it was ever set.
    fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>>
    where
        Self: Sized,
    {
        match self.get_bytes(Table::Settings, name.as_bytes())? {
            Some(bytes) => decode(&bytes).map(Some),
            None => Ok(None),
        }
    }
}

/// Reads a stored number; 0 when it was never written.
pub(super) fn number(rows: &impl Rows, table: Table, key: &[u8]) -> Result<u64> {
    Ok(rows.get_bytes(table, key)?.and_then(|bytes| last_id(&bytes)).unwrap_or_default())
}

/// Reads a stored value.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    Ok(rmp_serde::from_slice(bytes)?)
}

/// The smallest key behind all that start with `prefix`; `None` when there is none.
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// Visits a redb table.
pub(super) fn visit_table(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    range: (Bound<&[u8]>, Bound<&[u8]>),
    direction: Direction,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut found = table.range::<&[u8]>(range)?;
    loop {
        let next = match direction {
            Direction::Forward => found.next(),
            Direction::Backward => found.next_back(),
        };
        let Some(entry) = next else { return Ok(()) };
        let (key, value) = entry?;
        if !visit(key.value(), value.value())? {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(prefix_end(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(prefix_end(&[1, 255]), Some(vec![2]));
        assert_eq!(prefix_end(&[255, 255]), None);
        assert_eq!(prefix_end(&[]), None);
    }
}
