//! Making a backup: two passes over one snapshot. The first learns sizes and hashes for the manifest, the
//! second writes and finds the same; then the file is read back. Nobody waits for it, nothing is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Entry, FORMAT, MANIFEST, Manifest, Part, SECRET, archive, refuse};
use crate::base::{Timestamp, random};
use crate::store::blobs::{Location, Stored};
use crate::store::hold::Hold;
use crate::store::rows::{decode, number};
use crate::store::{Direction, Error, Key, Reader, Result, Rows, Space, Store, Table};

/// zstd's own default: segments are packed already, and rows gain little from more.
const LEVEL: i32 = 3;
/// Bytes between two looks at the room that is left.
const LOOK_EVERY: u64 = 32 << 20;

/// What was backed up.
#[derive(Clone, Debug)]
pub struct BackupReport {
    /// The file.
    pub path: PathBuf,
    /// Its size, bytes.
    pub size: u64,
    /// Bytes in it before compression.
    pub bytes: u64,
    /// How many files it holds.
    pub files: u64,
    /// How many rows.
    pub rows: u64,
    /// The number of the last change in it.
    pub change: u64,
    /// Whether `secret.key` is in it.
    pub secrets: bool,
}

impl Store {
    /// Writes all that the store holds at this moment to the file `to`, and reads it back. Readers and
    /// writers go on meanwhile; it also works on a store opened to read beside a running server.
    ///
    /// The file appears under its name only when it is whole, durable and verified, readable by its owner
    /// alone. `secret.key` is in it when `include_secrets` says so and there is one. Blocks for as long as it
    /// takes: call it off the async threads.
    ///
    /// # Errors
    /// [`Error::Archive`] when `to` is there already, [`Error::Full`] when its disk would fall below the
    /// watermark, [`Error::Damaged`] when a row names bytes that are not there, [`Error::Storage`] else.
    /// In all cases nothing is left behind.
    pub fn backup(&self, to: &Path, now: Timestamp, include_secrets: bool) -> Result<BackupReport> {
        // Before the snapshot: what it names is not removed then.
        let _hold = Hold::keep(&self.dir().join("blobs"))?;
        let reader = self.read()?;
        write(&Source { dir: self.dir(), reader: &reader, space: self.space(), now, include_secrets }, to)
    }
}

/// What a backup is made from. The caller holds the blobs in place.
pub(in crate::store) struct Source<'s> {
    pub(in crate::store) dir: &'s Path,
    pub(in crate::store) reader: &'s Reader,
    /// For its bounds: the disk that counts is the one the backup goes to.
    pub(in crate::store) space: &'s Space,
    pub(in crate::store) now: Timestamp,
    pub(in crate::store) include_secrets: bool,
}

/// Writes a backup to `to`.
pub(in crate::store) fn write(source: &Source<'_>, to: &Path) -> Result<BackupReport> {
    write_measured(source, &measure(source)?, to)
}

/// As [`write`], unless one of the backups `existing` holds the very same already.
pub(in crate::store) fn write_once(source: &Source<'_>, to: &Path, existing: &[PathBuf]) -> Result<()> {
    let manifest = measure(source)?;
    let same = |path: &&PathBuf| {
        let other = File::open(path).map_err(Error::from).and_then(archive::manifest);
        other.is_ok_and(|other| other.files == manifest.files && other.layout == manifest.layout)
    };
    match existing.iter().find(same) {
        Some(path) => tracing::info!(path = %path.display(), "this very data is in a backup already"),
        None => drop(write_measured(source, &manifest, to)?),
    }
    Ok(())
}

fn write_measured(source: &Source<'_>, manifest: &Manifest, to: &Path) -> Result<BackupReport> {
    let (Some(folder), Some(name)) = (to.parent(), to.file_name()) else {
        return refuse(format!("{} cannot name a file", to.display()));
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if to.symlink_metadata().is_ok() {
        return refuse(format!("{} is there already", to.display()));
    }
    let temporary = folder.join(format!(".{}-{}", name.to_string_lossy(), random::token()));
    let made = fill(source, manifest, folder, &temporary).and_then(|size| {
        fs::rename(&temporary, to)?;
        File::open(folder)?.sync_all()?;
        Ok(size)
    });
    if made.is_err() {
        // What went wrong before is what the caller is to hear of.
        let _ = fs::remove_file(&temporary);
    }
    let secrets = manifest.files.iter().any(|file| file.name == SECRET);
    Ok(BackupReport {
        path: to.to_path_buf(),
        size: made?,
        bytes: manifest.bytes(),
        files: manifest.files.len() as u64,
        rows: manifest.rows(),
        change: manifest.change,
        secrets,
    })
}

/// Writes the archive, makes it durable and reads it back; gives its size.
fn fill(source: &Source<'_>, manifest: &Manifest, folder: &Path, temporary: &Path) -> Result<u64> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary).map_err(Error::from_disk)?;
    let output = Guarded { file: &file, space: source.space, folder, since: LOOK_EVERY };
    let mut packer = zstd::stream::write::Encoder::new(output, LEVEL)?;
    packer.include_checksum(true)?;
    let json = serde_json::to_vec_pretty(manifest).map_err(|error| Error::Archive(error.to_string()))?;
    let mtime = u64::try_from(source.now.millis() / 1000).unwrap_or_default();
    append(&mut packer, MANIFEST, json.len() as u64, mtime, &mut |out| full(out.write_all(&json)))?;
    for entry in &manifest.files {
        let part = Part::parse(&entry.name);
        let part = part.ok_or_else(|| Error::Archive(format!("{} has no form we know", entry.name)))?;
        append(&mut packer, &entry.name, entry.size, mtime, &mut |out| {
            let mut hashing = Hashing::new(out);
            copy(source, &part, entry.size, &mut hashing)?;
            let (size, hash) = hashing.end();
            if size != entry.size || hash != entry.blake3 {
                return Err(Error::Damaged(format!("{} reads differently a second time", entry.name)));
            }
            Ok(())
        })?;
    }
    full(packer.write_all(&[0; 1024]))?;
    full(packer.finish().map(drop))?;
    file.sync_all().map_err(Error::from_disk)?;
    let read = archive::read(File::open(temporary)?, manifest.layout, &mut |_| Ok(()), &mut |_, _, input| {
        io::copy(input, &mut io::sink()).map_err(archive::unreadable).map(drop)
    })?;
    if read != *manifest {
        return refuse("what was written does not read back".into());
    }
    Ok(file.metadata()?.len())
}

/// Appends one member to a tar archive.
fn append<W: Write>(
    out: &mut W,
    name: &str,
    size: u64,
    mtime: u64,
    content: &mut dyn FnMut(&mut W) -> Result<()>,
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(mtime);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    full(out.write_all(header.as_bytes()))?;
    content(out)?;
    let padding = usize::try_from(size.next_multiple_of(512) - size).unwrap_or_default();
    full(out.write_all([0; 512].get(..padding).unwrap_or_default()))
}

/// The first pass: what there is, how long it is, its hashes.
fn measure(source: &Source<'_>) -> Result<Manifest> {
    let mut tables = BTreeMap::new();
    let mut files = Vec::new();
    for (part, length) in parts(source)? {
        let mut hashing = Hashing::new(io::sink());
        let rows = copy(source, &part, length, &mut hashing)?;
        if let Part::Table(name) = &part {
            tables.insert(name.clone(), rows);
        }
        let (size, blake3) = hashing.end();
        files.push(Entry { name: part.name(), size, blake3 });
    }
    let layout = number(source.reader, Table::Meta, b"layout")?;
    Ok(Manifest {
        format: FORMAT,
        program: String::from(env!("CARGO_PKG_VERSION")),
        layout,
        created_at: source.now.rfc3339(),
        change: source.reader.last_change()?,
        tables,
        files,
    })
}

/// What goes into the archive, in order, with the number of bytes to take where it is part of a file.
fn parts(source: &Source<'_>) -> Result<Vec<(Part, u64)>> {
    let mut parts: Vec<(Part, u64)> = Vec::new();
    for table in source.reader.table_names()? {
        parts.push((Part::Table(table), 0));
    }
    let mut segments: BTreeMap<u32, u64> = BTreeMap::new();
    let mut names = BTreeSet::new();
    source.reader.visit_prefix(Table::Blobs, &Key::new(), None, Direction::Forward, &mut |_, value| {
        match decode::<Stored>(value)?.location {
            Location::Segment(number, offset, length) => {
                let end = segments.entry(number).or_default();
                *end = (*end).max(offset + crate::store::blobs::record_bytes(length));
            }
            Location::File(name) => drop(names.insert(name)),
        }
        Ok(true)
    })?;
    parts.extend(segments.into_iter().map(|(number, end)| (Part::Segment(number), end)));
    for name in names {
        parts.push((Part::File(name), u64::MAX));
    }
    if source.include_secrets && source.dir.join(SECRET).exists() {
        parts.push((Part::Secret, u64::MAX));
    }
    Ok(parts)
}

/// Writes the bytes of one part to `out`, up to `length` of them; gives how many rows a table had.
fn copy(source: &Source<'_>, part: &Part, length: u64, out: &mut impl Write) -> Result<u64> {
    let mut rows = 0;
    match (part, part.path(source.dir)) {
        (Part::Table(name), _) => source.reader.visit_named(name, &mut |key, value| {
            rows += 1;
            full(out.write_all(&row_length(key)?))?;
            full(out.write_all(&row_length(value)?))?;
            full(out.write_all(key))?;
            full(out.write_all(value))?;
            Ok(true)
        })?,
        (_, Some(path)) => {
            let gone = |error| Error::Damaged(format!("{}: {error}", path.display()));
            let mut input = File::open(&path).map_err(gone)?.take(length);
            let copied = full(io::copy(&mut input, out))?;
            if length != u64::MAX && copied != length {
                return Err(Error::Damaged(format!("{} ends at {copied}, not {length}", path.display())));
            }
        }
        (_, None) => {}
    }
    Ok(rows)
}

fn row_length(bytes: &[u8]) -> Result<[u8; 4]> {
    let length = u32::try_from(bytes.len()).map_err(|_| Error::Archive("a row of more than 4 GB".into()))?;
    Ok(length.to_be_bytes())
}

/// A disk's error, with a full one told apart.
fn full<T>(result: io::Result<T>) -> Result<T> {
    result.map_err(Error::from_disk)
}

/// Counts and hashes what goes through.
struct Hashing<W> {
    inner: W,
    hasher: blake3::Hasher,
    size: u64,
}

impl<W: Write> Hashing<W> {
    fn new(inner: W) -> Hashing<W> {
        Hashing { inner, hasher: blake3::Hasher::new(), size: 0 }
    }

    fn end(self) -> (u64, String) {
        (self.size, self.hasher.finalize().to_hex().to_string())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The archive's file, which stops before its disk is full.
struct Guarded<'f> {
    file: &'f File,
    space: &'f Space,
    folder: &'f Path,
    /// Bytes since the last look.
    since: u64,
}

impl Write for Guarded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.since >= LOOK_EVERY {
            self.since = 0;
            if self.space.is_short(self.folder)? {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        let written = (&*self.file).write(bytes)?;
        self.since += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
