//! Opens an index directory, or gives up on what is there and makes a new one.
//!
//! The index is a cache, so nothing in it is worth saving; but a failing disk or another process is
//! no reason to throw it away.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use tantivy::ReloadPolicy;
use tantivy::directory::MmapDirectory;

use super::error::{Error, Result};
use super::index::{Index, OpenState, Settings, guarded};
use super::schema::{Fields, VERSION};
use super::writer::WriterState;
use crate::base::files::make_private_dir;

/// See [`Index::open`].
pub(super) fn open(dir: &Path, settings: Settings) -> Result<(Index, OpenState)> {
    remove(&aside(dir))?;
    // The engine opens its files with whatever mode is usual.
    make_private_dir(dir)?;
    if fs::read_dir(dir)?.next().is_none() {
        return Ok((create(dir, settings)?, OpenState::Fresh));
    }
    let reason = match guarded(|| existing(dir, settings)) {
        Ok((_, 0)) => "it was never complete".to_owned(),
        Ok((index, change)) => return Ok((index, OpenState::UpTo(change))),
        Err(Error::Damaged(reason)) => reason,
        Err(error) => return Err(error),
    };
    // First aside, in one step, so that a crash while removing leaves no half index; then away, since
    // it holds people's words that the store may have been told to forget.
    fs::rename(dir, aside(dir))?;
    make_private_dir(dir)?;
    remove(&aside(dir))?;
    Ok((create(dir, settings)?, OpenState::Rebuilt(reason)))
}

/// What the commit payload says about an index that is complete up to `change`.
pub(super) fn payload(change: u64) -> String {
    format!("frontdesk {VERSION} {change}")
}

fn change_of(payload: Option<&str>) -> Result<u64> {
    let mut words = payload.unwrap_or_default().split(' ');
    let version = words.next().filter(|word| *word == "frontdesk").and_then(|_| words.next());
    if version != Some(VERSION.to_string().as_str()) {
        return Err(Error::Damaged("it is of another version".to_owned()));
    }
    let change = words.next().and_then(|word| word.parse().ok());
    change.ok_or_else(|| Error::Damaged("it does not say what it holds".to_owned()))
}

fn create(dir: &Path, settings: Settings) -> Result<Index> {
    let (schema, _) = Fields::build();
    let engine = tantivy::Index::builder().schema(schema).settings(Fields::settings()).create_in_dir(dir)?;
    let index = assemble(engine, settings, 0)?;
    index.batch()?.commit(0)?;
    Ok(index)
}

/// The index in `dir` and the change it is good for.
fn existing(dir: &Path, settings: Settings) -> Result<(Index, u64)> {
    let directory = MmapDirectory::open(dir).map_err(tantivy::TantivyError::from)?;
    let engine = tantivy::Index::open(directory)?;
    let (schema, _) = Fields::build();
    if engine.schema() != schema || *engine.settings() != Fields::settings() {
        return Err(Error::Damaged("it is of another version".to_owned()));
    }
    let change = change_of(engine.load_metas()?.payload.as_deref())?;
    if settings.verify {
        let damaged = engine.validate_checksum()?;
        if !damaged.is_empty() {
            return Err(Error::Damaged(format!("{} of its files have wrong checksums", damaged.len())));
        }
    }
    Ok((assemble(engine, settings, change)?, change))
}

fn assemble(engine: tantivy::Index, settings: Settings, change: u64) -> Result<Index> {
    let (_, fields) = Fields::build();
    Fields::register(&engine);
    let reader =
        engine.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(1).try_into()?;
    let writer = Mutex::new(WriterState::open(&engine, settings)?);
    let [committed, change] = [change, change].map(AtomicU64::new);
    Ok(Index { engine, fields, settings, reader, writer, change, committed })
}

/// Where a directory that is given up on goes until it is removed.
fn aside(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".old");
    dir.with_file_name(name)
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
