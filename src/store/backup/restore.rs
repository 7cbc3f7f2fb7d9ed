//! Restoring a backup: into an empty directory, all of it or nothing.
//!
//! Everything is built in `restoring/` inside the directory and moved up only when it was found clean. What
//! a power cut leaves there keeps the store from opening, so that half a restore is never served.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};

use super::{Entry, Manifest, Part, ROW_HEADER, SECRET, archive, refuse};
use crate::base::Timestamp;
use crate::base::files::make_private_dir;
use crate::store::open::{DATABASE, Parts, RESTORING, builder};
use crate::store::{Error, Reader, Result, Rows, Settings, Store, migrate};

/// Bytes of rows that one transaction carries.
const BATCH_BYTES: usize = 16 << 20;

/// What was restored.
#[derive(Clone, Debug)]
pub struct RestoreReport {
    /// When the backup was made.
    pub created_at: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// The layout it had; what is restored has this program's.
    pub layout: u64,
    /// The number of the last change in it.
    pub change: u64,
    /// How many rows.
    pub rows: u64,
    /// How many files.
    pub files: u64,
    /// Bytes before compression.
    pub bytes: u64,
    /// Whether `secret.key` was in it.
    pub secrets: bool,
}

/// Makes `dir`, which must be empty or not there, the data directory that the backup `from` holds, and
/// brings it up to date. Blocks for as long as it takes.
///
/// # Errors
/// [`Error::Archive`] when the directory is not empty, when anything in the file is not what its manifest
/// says, or when what comes out is not clean; [`Error::Newer`] when a newer version made it; [`Error::Full`]
/// when it does not fit. In all cases the directory is as it was before.
pub fn restore(from: &Path, dir: &Path) -> Result<RestoreReport> {
    let file = File::open(from).map_err(|error| Error::Archive(format!("{}: {error}", from.display())))?;
    let made = !dir.exists();
    if made {
        make_private_dir(dir)?;
    } else if let Some(found) = anything_in(dir)? {
        return refuse(format!("{} is not empty: it holds {found}", dir.display()));
    }
    let work = dir.join(RESTORING);
    let done = build(file, &work).and_then(|report| {
        adopt(&work, dir)?;
        Ok(report)
    });
    if done.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&work);
        let _ = fs::remove_dir_all(dir.join("blobs"));
        let _ = fs::remove_file(dir.join(SECRET));
        let _ = fs::remove_file(dir.join(DATABASE));
        if made {
            let _ = fs::remove_dir(dir);
        }
    }
    done
}

/// The name of something in a directory; what a file system puts there itself does not count.
fn anything_in(dir: &Path) -> Result<Option<String>> {
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if name != "lost+found" {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

/// Builds the data directory in `work` and checks it.
fn build(file: File, work: &Path) -> Result<RestoreReport> {
    DirBuilder::new().mode(0o700).create(work)?;
    let settings = Settings { cache_bytes: 64 << 20, ..Settings::default() };
    let manifest = unpack(file, work, &settings)?;
    let store = Store::open_with(work, &settings, Parts { backup_before_steps: false, ..Parts::default() })?;
    let change = store.read()?.last_change()?;
    if change != manifest.change {
        return refuse(format!("its last change is {change}, the manifest says {}", manifest.change));
    }
    let report = store.check(true)?;
    if !report.is_clean() {
        let first = report.faults.first().cloned().unwrap_or_default();
        return refuse(format!("what it holds has {} faults: {first}", report.fault_count));
    }
    store.close();
    Ok(RestoreReport {
        created_at: manifest.created(),
        layout: manifest.layout,
        change,
        rows: manifest.rows(),
        files: manifest.files.len() as u64,
        bytes: manifest.bytes(),
        secrets: manifest.files.iter().any(|file| file.name == SECRET),
        program: manifest.program,
    })
}

/// Writes everything of the archive to its place in `work`.
fn unpack(file: File, work: &Path, settings: &Settings) -> Result<Manifest> {
    make_private_dir(&work.join("blobs/files"))?;
    let path = work.join(DATABASE);
    let database = builder(settings).create(&path)?;
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let room = fs4::available_space(work)?;
    let mut loader = Loader { database: &database, transaction: None, bytes: 0 };
    let manifest = archive::read(
        file,
        migrate::LAYOUT,
        &mut |manifest| if manifest.bytes() > room { Err(Error::Full) } else { Ok(()) },
        &mut |part, entry, input| match (part, part.path(work)) {
            (Part::Table(name), _) => loader.load(name, entry, input),
            (_, Some(path)) => store_file(&path, input),
            (_, None) => Ok(()),
        },
    )?;
    loader.commit()?;
    let reader = Reader::new(database.begin_read()?);
    if reader.table_sizes()? != manifest.tables {
        return refuse("its tables do not have as many rows as the manifest says".into());
    }
    let layout = migrate::layout(&reader)?;
    if layout != manifest.layout {
        return refuse(format!("its layout is {layout}, the manifest says {}", manifest.layout));
    }
    sync_folders(work)?;
    Ok(manifest)
}

/// Fills tables, many small ones or a slice of a large one in a transaction.
struct Loader<'d> {
    database: &'d Database,
    transaction: Option<WriteTransaction>,
    /// Bytes of rows in it.
    bytes: usize,
}

impl Loader<'_> {
    /// Fills one table.
    fn load(&mut self, name: &str, entry: &Entry, input: &mut dyn Read) -> Result<()> {
        let mut before: Option<Vec<u8>> = None;
        let mut left = entry.size;
        loop {
            let transaction = match self.transaction.take() {
                Some(transaction) => transaction,
                None => self.database.begin_write()?,
            };
            load_slice(&transaction, name, &mut left, &mut before, &mut self.bytes, input)?;
            self.transaction = Some(transaction);
            if self.bytes >= BATCH_BYTES {
                self.commit()?;
            }
            if left == 0 {
                return Ok(());
            }
        }
    }

    fn commit(&mut self) -> Result<()> {
        self.bytes = 0;
        self.transaction.take().map_or(Ok(()), |transaction| Ok(transaction.commit()?))
    }
}

/// Takes rows until the table is full or the transaction carries enough.
fn load_slice(
    transaction: &WriteTransaction,
    name: &str,
    left: &mut u64,
    before: &mut Option<Vec<u8>>,
    bytes: &mut usize,
    input: &mut dyn Read,
) -> Result<()> {
    let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
    while *left > 0 && *bytes < BATCH_BYTES {
        let (key, value) = (take_length(input)?, take_length(input)?);
        let row = ROW_HEADER as u64 + u64::from(key) + u64::from(value);
        let (Some(rest), true) = (left.checked_sub(row), key <= 1 << 16) else {
            return refuse(format!("a row of table {name} is longer than the table"));
        };
        *left = rest;
        let (key, value) = (take_bytes(input, key)?, take_bytes(input, value)?);
        if before.as_ref().is_some_and(|before| *before >= key) {
            return refuse(format!("the rows of table {name} are not in order"));
        }
        table.insert(key.as_slice(), value.as_slice())?;
        *bytes += key.len() + value.len();
        *before = Some(key);
    }
    Ok(())
}

fn take_length(input: &mut dyn Read) -> Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes).map_err(archive::unreadable)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Reads `length` bytes; memory grows with what comes, not with what was promised.
fn take_bytes(input: &mut dyn Read, length: u32) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = input.take(u64::from(length)).read_to_end(&mut bytes).map_err(archive::unreadable)?;
    if read as u64 != u64::from(length) { refuse("it ends within a row".into()) } else { Ok(bytes) }
}

/// Writes one file, which must not be there, and makes its bytes durable.
fn store_file(path: &Path, input: &mut dyn Read) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_private_dir(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(Error::from_disk)?;
    let mut piece = vec![0; 128 << 10];
    loop {
        let read = input.read(&mut piece).map_err(archive::unreadable)?;
        if read == 0 {
            break;
        }
        file.write_all(piece.get(..read).unwrap_or_default()).map_err(Error::from_disk)?;
    }
    file.sync_all().map_err(Error::from_disk)
}

/// Makes the names in every folder durable.
fn sync_folders(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    Ok(File::open(folder)?.sync_all()?)
}

/// Moves what was built up to where it belongs, the rows last.
fn adopt(work: &Path, dir: &Path) -> Result<()> {
    fs::rename(work.join("blobs"), dir.join("blobs"))?;
    if work.join(SECRET).exists() {
        fs::rename(work.join(SECRET), dir.join(SECRET))?;
    }
    fs::rename(work.join(DATABASE), dir.join(DATABASE))?;
    File::open(dir)?.sync_all()?;
    fs::remove_dir_all(work)?;
    File::open(dir)?.sync_all()?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => Ok(File::open(parent)?.sync_all()?),
        _ => Ok(()),
    }
}
