//! The index: opened, read by many threads, written by one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tantivy::{IndexReader, Searcher};

use super::error::{Error, Result};
use super::recover;
use super::schema::Fields;
use super::writer::{Batch, WriterState};

/// How an [`Index`] is opened and how much it may use.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Memory the writer may fill before it makes a segment, bytes; at least 15,000,000. Small batches
    /// never come near it; when everything is indexed anew, 30 MB take half the time 15 MB do.
    pub writer_heap_bytes: usize,
    /// Compare every file with its checksum when opening; ask for it after an unclean stop.
    /// Reads the whole index.
    pub verify: bool,
    /// How long one search or count may take.
    pub time_limit: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { writer_heap_bytes: 30_000_000, verify: false, time_limit: Duration::from_secs(1) }
    }
}

/// What [`Index::open`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenState {
    /// There was no index. It is empty now and everything has to be indexed.
    Fresh,
    /// The index holds everything up to this change.
    UpTo(u64),
    /// There was an index that cannot be used, for this reason. It is gone, a new one is empty, and
    /// everything has to be indexed.
    Rebuilt(String),
}

/// The search index. Share it between threads; calls block, so make them where blocking is allowed.
pub struct Index {
    pub(super) engine: tantivy::Index,
    pub(super) fields: Fields,
    pub(super) settings: Settings,
    pub(super) reader: IndexReader,
    pub(super) writer: Mutex<WriterState>,
    pub(super) change: AtomicU64,
    /// The change that the last commit said; `change` may be further.
    pub(super) committed: AtomicU64,
}

/// Changes without anything for the index after which it commits all the same.
const MAX_PASSED: u64 = 10_000;

impl Index {
    /// Opens the index in `dir`, or makes one there. An index that is torn, corrupt, of another
    /// version, or that never was complete is removed and replaced by an empty one.
    ///
    /// While everything is being indexed, commit with change 0; the first commit with another number
    /// says that the index is complete up to there.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it open for writing, [`Error::Io`] when the disk or
    /// its permissions fail. What is on the disk is left alone then.
    pub fn open(dir: &Path, settings: Settings) -> Result<(Index, OpenState)> {
        recover::open(dir, settings)
    }

    /// The change up to which the index is complete and searches see it; 0: not complete yet.
    pub fn change(&self) -> u64 {
        self.change.load(Ordering::Acquire)
    }

    /// How many messages a search sees, those outside every scope included.
    pub fn message_count(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// How many segments a search reads: few after a quiet time, a few dozen while much is written.
    pub fn segment_count(&self) -> usize {
        self.reader.searcher().segment_readers().len()
    }

    /// Says that nothing up to `change` concerns the index, without the cost of a commit: after a crash
    /// those changes are looked at once more.
    pub fn pass(&self, change: u64) -> Result<()> {
        if self.change() == 0 || change > self.committed.load(Ordering::Acquire) + MAX_PASSED {
            return self.batch()?.commit(change);
        }
        self.change.fetch_max(change, Ordering::AcqRel);
        Ok(())
    }

    /// Begins to write; waits while another batch is written. See [`Batch`].
    pub fn batch(&self) -> Result<Batch<'_>> {
        Batch::begin(self)
    }

    /// Lets searches see what merging has done since the last commit and frees the files it
    /// replaced. Cheap; call it when nothing has been written for some seconds.
    pub fn settle(&self) -> Result<()> {
        self.guarded(|| {
            self.reader.reload()?;
            self.collect_garbage()
        })
    }

    /// Merges every segment that holds deleted messages, so that nothing of them is left on disk.
    /// For erasing a person; takes time by the size of those segments.
    pub fn purge_deleted(&self) -> Result<()> {
        self.guarded(|| {
            self.purge()?;
            self.reader.reload()?;
            self.collect_garbage()
        })
    }

    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Runs `work`; a panic of the engine, which is how it meets some kinds of damage, is an error.
    pub(super) fn guarded<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        guarded(work)
    }
}

/// Runs `work`; a panic of the engine is [`Error::Damaged`].
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::Damaged("the engine panicked".to_owned())))
}
