//! Layouts and the way from one to the next: an append-only list of steps, run at opening.
//!
//! The store's layout is the number of steps it has seen. A step is never edited once released; all that are
//! missing run in one transaction together with the new number, after a backup that is kept. A store newer
//! than the program is refused.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase};

use super::hold::Hold;
use super::rows::number;
use super::{Error, Key, Reader, Result, Rows, Space, Table, Writer, backup};
use crate::base::Timestamp;

/// One step from a layout to the next.
pub(super) type Step = fn(&mut Writer<'_>) -> Result<()>;

/// All steps, oldest first. The first layout has none behind it.
pub(super) const STEPS: &[Step] = &[];

/// The layout this program writes.
pub(super) const LAYOUT: u64 = STEPS.len() as u64 + 1;

/// The layout of a store; 0 when it holds nothing yet.
pub(super) fn layout(rows: &impl Rows) -> Result<u64> {
    number(rows, Table::Meta, b"layout")
}

/// Refuses a store that a newer program wrote; gives its layout.
pub(super) fn refuse_newer(rows: &impl Rows, known: u64) -> Result<u64> {
    let found = layout(rows)?;
    if found > known { Err(Error::Newer { found, known }) } else { Ok(found) }
}

/// Runs the steps that are missing, after `before` was called with the snapshot they start from and the
/// layout they lead to. An empty store gets today's layout at once.
pub(super) fn bring_up_to_date(
    database: &Database,
    steps: &[Step],
    before: &dyn Fn(&Reader, u64) -> Result<()>,
) -> Result<()> {
    let known = steps.len() as u64 + 1;
    let reader = Reader::new(database.begin_read()?);
    let found = refuse_newer(&reader, known)?;
    if found == known {
        return Ok(());
    }
    let missing = if found == 0 { steps.len() } else { usize::try_from(found - 1).unwrap_or(usize::MAX) };
    if found > 0 {
        tracing::info!(from = found, to = known, "bringing the store to a new layout, after a backup");
        before(&reader, known)?;
    }
    drop(reader);
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    let mut writer = Writer::new(&transaction);
    for step in steps.iter().skip(missing) {
        step(&mut writer)?;
        writer.settle_blobs()?;
    }
    writer.insert(Table::Meta, b"layout", Key::id(known).as_bytes())?;
    drop(writer);
    transaction.commit()?;
    Ok(())
}

/// Backs the store in `dir` up to `backups/before-layout-N-<time>.fdbackup`, unless the very same data lies
/// there from an earlier try that failed.
pub(super) fn back_up(dir: &Path, space: &Space, now: Timestamp, reader: &Reader, next: u64) -> Result<()> {
    let folder = dir.join("backups");
    if !folder.exists() {
        DirBuilder::new().mode(0o700).create(&folder)?;
    }
    let prefix = format!("before-layout-{next}-");
    let mut existing: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            existing.push(entry.path());
        }
    }
    let time: String = now.rfc3339().chars().filter(|c| !matches!(c, '-' | ':' | '.')).collect();
    let _hold = Hold::keep(&dir.join("blobs"))?;
    let source = backup::Source { dir, reader, space, now, include_secrets: true };
    backup::write_once(&source, &folder.join(format!("{prefix}{time}.fdbackup")), &existing)
}
