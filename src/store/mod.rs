//! The store: rows in redb, bytes in blobs, one writer, one log of changes.
//!
//! One transaction a thing that happens: [`Store::write`] takes a closure over a [`Writer`]; state, index
//! keys, tallies, the change entry and the jobs it causes commit together, in one durable commit shared by
//! everything that waits. [`Store::read`] gives a snapshot. Never a rule of the business. Only this room
//! names redb.

mod backup;
pub mod blobs;
mod check;
mod commit;
mod entities;
mod entity;
mod error;
mod gate;
mod hold;
mod key;
mod lull;
mod migrate;
mod open;
mod reader;
mod rows;
mod space;
mod startup;
mod sweep;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

pub use backup::{BackupReport, RestoreReport, restore};
pub use blobs::{BlobReader, BlobWriter, NewBlob, Prepared, SMALL};
pub use check::Report;
pub use entities::*;
pub use entity::{Entity, IndexKey, TallyKey};
pub use error::{Error, Result, WriteError};
pub use key::Key;
pub use open::{Settings, Store};
pub use reader::Reader;
pub use rows::{Direction, Rows, Visit};
pub use space::{Room, Space};
pub use sweep::{ORPHAN_HOURS, Swept};
pub use tables::Table;
pub use writer::Writer;
