//! Layouts and the way from one to the next: an append-only list of steps, run at opening.
//!
//! The store's layout is the number of steps it has seen. A step is never edited once released; it runs in
//! one transaction together with the new number. A store newer than the program is refused.

use redb::{Database, ReadableDatabase};

use super::rows::number;
use super::{Error, Key, Reader, Result, Rows, Table, Writer};

/// One step from a layout to the next.
type Step = fn(&mut Writer<'_>) -> Result<()>;

/// All steps, oldest first. The first layout has none behind it.
const STEPS: &[Step] = &[];

/// The layout this program writes.
pub(super) const LAYOUT: u64 = STEPS.len() as u64 + 1;

/// Refuses a store that a newer program wrote.
pub(super) fn refuse_newer(rows: &impl Rows) -> Result<u64> {
    let found = number(rows, Table::Meta, b"layout")?;
    if found > LAYOUT { Err(Error::Newer { found, known: LAYOUT }) } else { Ok(found) }
}

/// Runs the steps that are missing. A fresh store gets today's layout at once.
pub(super) fn bring_up_to_date(database: &Database, fresh: bool) -> Result<()> {
    let found = refuse_newer(&Reader::new(database.begin_read()?))?;
    if found == LAYOUT {
        return Ok(());
    }
    if !fresh && found == 0 {
        tracing::info!("the store holds nothing yet");
    }
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    let mut writer = Writer::new(&transaction);
    if found > 0 {
        for step in STEPS.iter().skip(usize::try_from(found - 1).unwrap_or(usize::MAX)) {
            step(&mut writer)?;
        }
    }
    writer.insert(Table::Meta, b"layout", Key::id(LAYOUT).as_bytes())?;
    drop(writer);
    transaction.commit()?;
    Ok(())
}
