//! A quick look at the store when it opens: whether what must always agree does. A few page reads; the whole
//! truth is [`Store::check`](super::Store::check).

use super::blobs::{Blobs, Stored};
use super::rows::{decode, number};
use super::{Direction, Error, Key, Reader, Result, Rows, Table};

/// How many of the newest blobs are read.
const SAMPLE: usize = 8;

/// Tables of ids, whose counters are kept under their names.
const COUNTED: &[Table] = &[
    Table::Blobs,
    Table::Agents,
    Table::Sessions,
    Table::Inboxes,
    Table::Channels,
    Table::Domains,
    Table::Contacts,
    Table::Incoming,
    Table::Conversations,
    Table::Messages,
    Table::Attachments,
    Table::Drafts,
    Table::Suppressed,
    Table::AutoReplied,
    Table::Jobs,
];

/// Refuses a store whose tables cannot be read, whose counters or log contradict its rows, or whose newest
/// blobs are not where they should be.
pub(super) fn look(rows: &Reader, blobs: &Blobs) -> Result<()> {
    rows.table_sizes()?;
    let (last, newest) = (rows.last_change()?, newest_id(rows, Table::Changes)?);
    if newest.is_some_and(|newest| newest != last) {
        return damaged(format!("the log ends at {newest:?}, the last change is {last}"));
    }
    for table in COUNTED {
        let counter = number(rows, Table::Meta, table.name().as_bytes())?;
        if let Some(id) = newest_id(rows, *table)?.filter(|id| *id > counter) {
            return damaged(format!("{} goes to {id}, its counter to {counter}", table.name()));
        }
    }
    let mut sample: Vec<Stored> = Vec::new();
    rows.visit_prefix(Table::Blobs, &Key::new(), None, Direction::Backward, &mut |_, value| {
        sample.push(decode(value)?);
        Ok(sample.len() < SAMPLE)
    })?;
    for stored in sample {
        if !blobs.holds(&stored.location)? {
            return damaged(format!("the bytes at {:?} are gone", stored.location));
        }
        // One bad record is no reason to serve nobody.
        if let Err(error) = blobs.read(&stored.location) {
            tracing::error!(%error, "a blob is damaged: run a check");
        }
    }
    Ok(())
}

fn newest_id(rows: &Reader, table: Table) -> Result<Option<u64>> {
    Ok(rows.ids(table, &Key::new(), None, Direction::Backward, 1)?.first().copied())
}

fn damaged(words: String) -> Result<()> {
    Err(Error::Damaged(format!("{words}; restore a backup, or have the directory looked at")))
}
