//! The file of rows, which counts as synced only once the bytes that its rows name are.
//!
//! Blobs are synced on a thread of their own. A two-phase commit writes its pages and syncs, then flips its header
//! and syncs again; waiting for the blobs at the first of these lets both files be synced at the same time, and no
//! header ever names rows whose bytes are not there.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use redb::{BackendError, StorageBackend};

/// A sync that goes on beside the file of rows; shared by who starts it, who does it and who waits.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing is being synced.
    #[default]
    Open,
    /// It goes on.
    Busy,
    /// It failed, and everything after it does.
    Failed(io::ErrorKind, String),
}

impl Gate {
    /// A sync begins.
    pub(super) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Open) {
            *state = State::Busy;
        }
    }

    /// The sync has ended.
    pub(super) fn open(&self, outcome: io::Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match (outcome, &*state) {
            (Err(error), _) => State::Failed(error.kind(), error.to_string()),
            (Ok(()), State::Busy) => State::Open,
            (Ok(()), _) => return,
        };
        self.changed.notify_all();
    }

    /// Waits for the end of a sync that goes on.
    pub(super) fn wait(&self) -> io::Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |state: &mut State| matches!(state, State::Busy);
        match &*self.changed.wait_while(state, busy).unwrap_or_else(PoisonError::into_inner) {
            State::Failed(kind, words) => Err(io::Error::new(*kind, words.clone())),
            State::Open | State::Busy => Ok(()),
        }
    }
}

/// A file of rows behind a gate.
#[derive(Debug)]
pub(super) struct Gated<B> {
    pub(super) rows: B,
    pub(super) gate: Arc<Gate>,
}

type Locked = Result<bool, BackendError>;

impl<B: StorageBackend> StorageBackend for Gated<B> {
    fn len(&self) -> io::Result<u64> {
        self.rows.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.rows.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.rows.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.rows.sync_data()?;
        self.gate.wait()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.rows.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.rows.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked {
        self.rows.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked {
        self.rows.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.rows.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.rows.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.rows.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked {
        self.rows.query_lock_range(start, end)
    }
}
