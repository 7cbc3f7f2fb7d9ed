//! Opening the store, and what everybody holds of it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use fs4::fs_std::FileExt;
use redb::backends::FileBackend;
use redb::{ConcurrencyMode, Database, ReadOnlyDatabase, ReadableDatabase};
use tokio::sync::{mpsc, oneshot, watch};

use super::blobs::{Appender, Blobs, Location, OpenLog, Stored, open_segment};
use super::commit::{Committer, QUEUE, Task, Write};
use super::gate::{Gate, Gated};
use super::migrate::{self, STEPS, Step};
use super::reader::{Readers, Recent};
use super::{BlobReader, BlobWriter, Error, Key, NewBlob, Prepared, Reader, Result, Rows, Space, Table, Writer, rows};
use crate::base::Timestamp;
use crate::base::files::make_private_dir;
use crate::domain::BlobId;

/// The file of rows in the data directory.
pub(super) const DATABASE: &str = "frontdesk.redb";
/// Where a restore builds; while it is there, the directory holds half a store.
pub(super) const RESTORING: &str = "restoring";

/// How the store uses the machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// redb's cache, bytes.
    pub cache_bytes: usize,
    /// Free bytes below which nothing new is taken in.
    pub min_free_bytes: u64,
    /// Free share of the disk, per cent, below which nothing new is taken in; the larger bound counts.
    pub min_free_percent: u64,
    /// Length at which a new segment of blobs is begun, bytes.
    pub segment_bytes: u64,
    /// The time of opening: names the backup that is made before the layout changes.
    pub now: Timestamp,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            cache_bytes: 24 << 20,
            min_free_bytes: 1 << 30,
            min_free_percent: 5,
            segment_bytes: 256 << 20,
            now: Timestamp(0),
        }
    }
}

/// What opening is made of, so that a test can put another disk under it or other steps before it.
pub(super) struct Parts {
    /// The way from the first layout to the last.
    pub(super) steps: &'static [Step],
    /// Whether a backup is made before the first step.
    pub(super) backup_before_steps: bool,
    /// Opens the file of rows, or makes it.
    pub(super) database: OpenDatabase,
    /// Opens a segment for appending.
    pub(super) segments: OpenLog,
}

type OpenDatabase =
    Box<dyn FnOnce(&redb::Builder, &Path, Arc<Gate>) -> std::result::Result<Database, redb::DatabaseError>>;

impl Default for Parts {
    fn default() -> Parts {
        Parts {
            steps: STEPS,
            backup_before_steps: true,
            database: Box::new(open_or_make),
            segments: Box::new(open_segment),
        }
    }
}

/// The store, opened for writing by this process or for reading beside another.
pub struct Store {
    dir: PathBuf,
    database: Handle,
    pub(super) blobs: Blobs,
    pub(super) readers: Readers,
    pub(super) recent: Arc<Recent>,
    space: Space,
    queue: Mutex<Option<mpsc::Sender<Box<dyn Task>>>>,
    committed: watch::Receiver<u64>,
    failed: watch::Receiver<Option<Error>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _lock: Option<File>,
}

enum Handle {
    Writing(Arc<Database>),
    Reading(ReadOnlyDatabase),
}

impl Store {
    /// Opens the store in `dir` for reading and writing, making it when it is not there, and brings an
    /// older layout up to date after a backup to `backups/`, which is kept.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process serves it, [`Error::Newer`] when a newer version wrote it,
    /// [`Error::Damaged`] when its parts contradict each other or a part of it is gone,
    /// [`Error::Storage`] when the file cannot be opened or repaired.
    pub fn open(dir: &Path, settings: &Settings) -> Result<Arc<Store>> {
        Store::open_with(dir, settings, Parts::default())
    }

    pub(super) fn open_with(dir: &Path, settings: &Settings, parts: Parts) -> Result<Arc<Store>> {
        if !dir.exists() {
            make_private_dir(dir)?;
            sync_parent(dir)?;
        }
        let lock = lock(dir)?;
        let blobs = Blobs::open(&dir.join("blobs"), true)?;
        let path = dir.join(DATABASE);
        let fresh = refuse_half(dir, &path, &blobs)?;
        let gate = Arc::new(Gate::default());
        let database = Arc::new((parts.database)(&builder(settings), &path, Arc::clone(&gate))?);
        if fresh {
            File::open(dir)?.sync_all()?;
        }
        let space = Space::new(dir.to_path_buf(), settings.min_free_bytes, settings.min_free_percent);
        migrate::bring_up_to_date(&database, parts.steps, &|reader, next| {
            if parts.backup_before_steps { migrate::back_up(dir, &space, settings.now, reader, next) } else { Ok(()) }
        })?;
        let reader = Reader::new(database.begin_read()?);
        super::startup::look(&reader, &blobs)?;
        let last = reader.last_change()?;
        drop(reader);
        let (committed, committed_seen) = watch::channel(last);
        let (failed, failed_seen) = watch::channel(None);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let recent = Arc::new(Recent::default());
        let committer = Committer {
            database: Arc::clone(&database),
            appender: Appender::open(blobs.dir(), settings.segment_bytes, parts.segments, gate)?,
            queue: waiting,
            last_batch: 0,
            recent: Arc::clone(&recent),
            committed,
            failed,
        };
        let thread = std::thread::Builder::new().name(String::from("store-writer")).spawn(move || committer.run())?;
        space.look()?;
        Ok(Arc::new(Store {
            dir: dir.to_path_buf(),
            database: Handle::Writing(database),
            blobs,
            readers: Readers::default(),
            recent,
            space,
            queue: Mutex::new(Some(queue)),
            committed: committed_seen,
            failed: failed_seen,
            thread: Mutex::new(Some(thread)),
            _lock: Some(lock),
        }))
    }

    /// Opens the store in `dir` for reading, beside a server that may be running.
    ///
    /// # Errors
    /// When there is no store, or it was left by a crash and nobody has repaired it yet.
    pub fn open_to_read(dir: &Path, settings: &Settings) -> Result<Arc<Store>> {
        let database = builder(settings).open_read_only(dir.join(DATABASE))?;
        let reader = Reader::new(database.begin_read()?);
        migrate::refuse_newer(&reader, migrate::LAYOUT)?;
        let last = reader.last_change()?;
        drop(reader);
        Ok(Arc::new(Store {
            dir: dir.to_path_buf(),
            database: Handle::Reading(database),
            blobs: Blobs::open(&dir.join("blobs"), false)?,
            readers: Readers::default(),
            recent: Arc::default(),
            space: Space::new(dir.to_path_buf(), settings.min_free_bytes, settings.min_free_percent),
            queue: Mutex::new(None),
            committed: watch::channel(last).1,
            failed: watch::channel(None).1,
            thread: Mutex::new(None),
            _lock: None,
        }))
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store as it is now.
    ///
    /// # Errors
    /// When storage has failed.
    pub fn read(&self) -> Result<Reader> {
        let token = self.readers.enter();
        let transaction = match &self.database {
            Handle::Writing(database) => database.begin_read()?,
            Handle::Reading(database) => database.begin_read()?,
        };
        Ok(Reader::known(transaction, token))
    }

    /// A snapshot that many share, as new as [`Store::read`]'s: for single rows that are asked for again and
    /// again. Making a snapshot takes locks on the file; this one is made once a commit.
    ///
    /// # Errors
    /// When storage has failed.
    pub fn recent(&self) -> Result<Arc<Reader>> {
        self.recent.get(|| self.read())
    }

    /// Runs `closure` in the next transaction and gives its result once that is durable. The closure may run
    /// more than once: time and randomness come in from outside, nothing goes out but by its result.
    ///
    /// # Errors
    /// What the closure refuses with, or the store's own error; in both cases nothing was written.
    pub async fn write<T, E, F>(&self, mut closure: F) -> std::result::Result<T, E>
    where
        F: FnMut(&mut Writer<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_with(Vec::new(), move |writer, _| closure(writer)).await
    }

    /// As [`Store::write`], with blobs: they are durable before the closure's rows are.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_with<T, E, F>(&self, prepared: Vec<Prepared>, closure: F) -> std::result::Result<T, E>
    where
        F: FnMut(&mut Writer<'_>, &[NewBlob]) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Write { prepared, blobs: Vec::new(), closure, result: None, reply });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return Err(E::from(Error::Stopped)) };
        if queue.send(task).await.is_err() {
            return Err(E::from(self.failed.borrow().clone().unwrap_or(Error::Stopped)));
        }
        drop(queue);
        answer.await.unwrap_or_else(|_| Err(E::from(Error::Stopped)))
    }

    /// Follows the number of the last committed change.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    /// Turns to an error once storage has failed: the process is to stop then.
    pub fn failed(&self) -> watch::Receiver<Option<Error>> {
        self.failed.clone()
    }

    /// The disk's watermark.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Begins to take a blob's bytes in.
    pub fn blob_writer(&self) -> BlobWriter {
        self.blobs.writer()
    }

    /// Opens a blob that a row seen in `rows` names.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not there or does not match its checksum.
    pub fn blob(&self, rows: &impl Rows, id: BlobId) -> Result<BlobReader> {
        let location = place_of(rows, id)?;
        let found = self.blobs.read(&location);
        if let Err(Error::Damaged(_)) = &found {
            // Since the snapshot was taken its segment may have been rewritten: the row says where it is now.
            match place_of(&self.read()?, id) {
                Ok(now) if now != location => return self.blobs.read(&now),
                _ => {}
            }
        }
        found
    }

    /// Waits until the snapshots from before now are gone; `false` when some stay too long.
    pub(super) async fn settled(&self) -> bool {
        self.recent.forget();
        self.readers.settled().await
    }

    /// Ends the writer after what waits, and gives the data directory free. Reads go on until the last
    /// holder lets go.
    pub fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread aborts the process rather than panic.
            let _ = thread.join();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Where the row of a blob says that its bytes are.
fn place_of(rows: &impl Rows, id: BlobId) -> Result<Location> {
    let bytes = rows.get_bytes(Table::Blobs, Key::id(id.0).as_bytes())?;
    let bytes = bytes.ok_or_else(|| Error::Damaged(format!("blob {id} is missing")))?;
    Ok(rows::decode::<Stored>(&bytes)?.location)
}

/// Opens the file of rows. A new one is made under another name first: redb cannot open what a power cut
/// leaves of a file that was being made.
fn open_or_make(
    builder: &redb::Builder,
    path: &Path,
    gate: Arc<Gate>,
) -> std::result::Result<Database, redb::DatabaseError> {
    if !path.exists() {
        let unfinished = path.with_extension("redb.new");
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        drop(builder.create(&unfinished)?);
        std::fs::set_permissions(&unfinished, PermissionsExt::from_mode(0o600))?;
        File::open(&unfinished)?.sync_all()?;
        std::fs::rename(&unfinished, path)?;
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    builder.create_with_backend(Gated { rows: FileBackend::new(file)?, gate })
}

pub(super) fn builder(settings: &Settings) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(settings.cache_bytes).set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder.set_repair_callback(|session| {
        tracing::info!(progress = session.progress(), "repairing the store after an unclean stop");
    });
    builder
}

/// Refuses a directory that holds a part of a store: half a restore, or blobs without rows. Serving it would
/// look like an empty inbox. Gives whether there is no store yet.
fn refuse_half(dir: &Path, path: &Path, blobs: &Blobs) -> Result<bool> {
    if dir.join(RESTORING).exists() {
        let words = format!("a restore into {} did not finish: empty it and restore again", dir.display());
        return Err(Error::Damaged(words));
    }
    let empty = std::fs::metadata(path).map_or(true, |found| found.len() == 0);
    if empty && blobs.any_bytes()? {
        return Err(Error::Damaged(format!("{} is gone or empty, but blobs are there", path.display())));
    }
    Ok(!path.exists())
}

fn sync_parent(dir: &Path) -> Result<()> {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => Ok(File::open(parent)?.sync_all()?),
        _ => Ok(()),
    }
}

/// Takes the data directory for this process; the file holds its number, for the message to a second one.
fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    if !FileExt::try_lock_exclusive(&file)? {
        let mut pid = String::new();
        file.read_to_string(&mut pid)?;
        return Err(Error::InUse(pid.trim().parse().ok()));
    }
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())?;
    Ok(file)
}
