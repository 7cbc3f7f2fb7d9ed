//! Backups: the whole store in one file, and the way back.
//!
//! The file is a tar archive in one zstd frame. First stands `manifest.json`, which says what follows: for
//! every file its name, size and BLAKE3, for every table its number of rows. Then `tables/<name>`, each row
//! as key length and value length (u32 big-endian), key, value, in order of keys; `blobs/segment-<number>`
//! up to the last record that a row names; `blobs/files/<name>`, those that rows name; `secret.key` unless
//! it is left out. The manifest stands first, so that a reader knows of every byte before it comes what it
//! has to be, and writes none that it did not expect.

mod archive;
mod restore;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use restore::{RestoreReport, restore};
pub use write::BackupReport;
pub(super) use write::{Source, write_once};

use super::{Error, Result};
use crate::base::Timestamp;

/// The form of the archive that this program writes.
const FORMAT: u64 = 1;
/// The manifest's name.
const MANIFEST: &str = "manifest.json";
/// The file that opens sealed settings, in the data directory and in the archive.
const SECRET: &str = "secret.key";
/// Bytes of key and value in front of each row.
const ROW_HEADER: usize = 8;

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// The archive's form.
    format: u64,
    /// The version of the program that wrote it.
    program: String,
    /// The layout of the tables.
    layout: u64,
    /// When it was made: RFC 3339, UTC.
    created_at: String,
    /// The number of the last change in it.
    change: u64,
    /// Table → how many rows.
    tables: BTreeMap<String, u64>,
    /// Everything behind the manifest, in its order.
    files: Vec<Entry>,
}

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    /// Bytes.
    size: u64,
    /// BLAKE3 of the bytes, hexadecimal.
    blake3: String,
}

/// What a file of an archive is, told from its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Table(String),
    Segment(u32),
    File(String),
    Secret,
}

impl Part {
    /// Understands a name. Nothing but the forms we write ourselves has a meaning: no path of another's
    /// making ever reaches the file system.
    fn parse(name: &str) -> Option<Part> {
        if name == SECRET {
            return Some(Part::Secret);
        }
        if let Some(table) = name.strip_prefix("tables/") {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            return ((1..=64).contains(&table.len()) && table.bytes().all(plain)).then(|| Part::Table(table.into()));
        }
        if let Some(file) = name.strip_prefix("blobs/files/") {
            let (hash, token) = file.split_once('-')?;
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let fine = hash.len() == 64 && hash.bytes().all(hex) && token.len() == 26 && token.bytes().all(plain);
            return fine.then(|| Part::File(file.into()));
        }
        let number: u32 = name.strip_prefix("blobs/segment-")?.parse().ok()?;
        let part = Part::Segment(number);
        (part.name() == name).then_some(part)
    }

    fn name(&self) -> String {
        match self {
            Part::Table(table) => format!("tables/{table}"),
            Part::Segment(number) => format!("blobs/segment-{number:06}"),
            Part::File(file) => format!("blobs/files/{file}"),
            Part::Secret => String::from(SECRET),
        }
    }

    /// Where it lies in a data directory; a table lies nowhere of its own.
    fn path(&self, dir: &Path) -> Option<PathBuf> {
        match self {
            Part::Table(_) => None,
            Part::Segment(number) => Some(super::blobs::segment_path(&dir.join("blobs"), *number)),
            Part::File(name) => Some(super::blobs::file_path(&dir.join("blobs"), name)),
            Part::Secret => Some(dir.join(SECRET)),
        }
    }
}

impl Manifest {
    /// Refuses a manifest that contradicts itself, or cannot be read where layouts up to `known` are.
    fn examine(&self, known: u64) -> Result<()> {
        if self.layout > known {
            return Err(Error::Newer { found: self.layout, known });
        }
        if self.format != FORMAT || self.layout == 0 {
            return refuse(format!(
                "made by frontdesk {} in form {}, which is not known here",
                self.program, self.format
            ));
        }
        let mut names = BTreeSet::new();
        let mut tables = BTreeSet::new();
        for file in &self.files {
            let Some(part) = Part::parse(&file.name) else {
                return refuse(format!("the manifest names {:?}, which a backup never holds", file.name));
            };
            if !names.insert(file.name.as_str()) {
                return refuse(format!("{} is there twice", file.name));
            }
            if let Part::Table(table) = part {
                tables.insert(table);
            }
        }
        if !tables.iter().eq(self.tables.keys()) {
            return refuse("the tables and the counts of their rows do not belong together".into());
        }
        Ok(())
    }

    /// Bytes of all files together.
    fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }

    fn rows(&self) -> u64 {
        self.tables.values().fold(0, |sum, rows| sum.saturating_add(*rows))
    }

    fn created(&self) -> Timestamp {
        Timestamp::parse_rfc3339(&self.created_at).unwrap_or_default()
    }
}

fn refuse<T>(words: String) -> Result<T> {
    Err(Error::Archive(words))
}
