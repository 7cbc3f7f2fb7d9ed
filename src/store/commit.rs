//! Group commit: one thread takes what waits, runs it in one transaction, commits, answers all.
//!
//! A closure may run again: when another one of its batch fails after it wrote, the transaction is dropped
//! and the rest run anew. Bytes for blobs are appended and synced while the closures run, and always before
//! the commit that names them. An error of the storage itself is final: nothing is acknowledged any more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use redb::Database;
use tokio::sync::{mpsc, oneshot, watch};

use super::blobs::{Appender, NewBlob, Prepared};
use super::reader::Recent;
use super::{Error, Result, Writer};

/// Most closures one transaction carries.
const MAX_BATCH: usize = 256;
/// Bytes of blobs after which a batch takes no more.
const MAX_BATCH_BYTES: usize = 16 << 20;
/// Closures in one batch from which on the next one waits for more: a commit costs the same for one and many,
/// and so many at once come from those who will be back as soon as they have their answer.
const CROWD: usize = 4;
/// How long it waits at a time, and how often, for as long as more come.
const WAIT: Duration = Duration::from_micros(500);
const WAITS: usize = 4;
/// Closures that may wait before callers do.
pub(super) const QUEUE: usize = 4096;

/// How a closure ended, before the commit.
pub(super) enum Outcome {
    Done,
    Refused,
}

/// A closure that waits, with the way back to its caller.
pub(super) trait Task: Send {
    /// The blobs to append before it runs; taken once.
    fn take_blobs(&mut self) -> Vec<Prepared>;
    /// Remembers what its blobs became.
    fn set_blobs(&mut self, blobs: Vec<NewBlob>);
    /// Runs it and keeps its result.
    fn run(&mut self, writer: &mut Writer<'_>) -> Outcome;
    /// Sends the result, or the store's error, to the caller.
    fn answer(self: Box<Self>, commit: Result<()>);
}

/// A task of one closure and its types.
pub(super) struct Write<F, T, E> {
    pub(super) prepared: Vec<Prepared>,
    pub(super) blobs: Vec<NewBlob>,
    pub(super) closure: F,
    pub(super) result: Option<std::result::Result<T, E>>,
    pub(super) reply: oneshot::Sender<std::result::Result<T, E>>,
}

impl<F, T, E> Task for Write<F, T, E>
where
    F: FnMut(&mut Writer<'_>, &[NewBlob]) -> std::result::Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn take_blobs(&mut self) -> Vec<Prepared> {
        std::mem::take(&mut self.prepared)
    }

    fn set_blobs(&mut self, blobs: Vec<NewBlob>) {
        self.blobs = blobs;
    }

    fn run(&mut self, writer: &mut Writer<'_>) -> Outcome {
        let done = (self.closure)(writer, &self.blobs);
        let done = done.and_then(|value| writer.settle_blobs().map(|()| value).map_err(E::from));
        let outcome = if done.is_ok() { Outcome::Done } else { Outcome::Refused };
        self.result = Some(done);
        outcome
    }

    fn answer(self: Box<Self>, commit: Result<()>) {
        let result = match (commit, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(Error::Stopped)),
            (Err(error), _) => Err(E::from(error)),
        };
        // A caller that has gone away has its answer in the store.
        let _ = self.reply.send(result);
    }
}

/// What the writer thread works with.
pub(super) struct Committer {
    pub(super) database: Arc<Database>,
    pub(super) appender: Appender,
    pub(super) queue: mpsc::Receiver<Box<dyn Task>>,
    /// How many closures the last batch had.
    pub(super) last_batch: usize,
    /// A snapshot that many share; forgotten whenever something commits.
    pub(super) recent: Arc<Recent>,
    /// The number of the last committed change.
    pub(super) committed: watch::Sender<u64>,
    /// Set once, when storage has failed.
    pub(super) failed: watch::Sender<Option<Error>>,
}

impl Committer {
    /// Runs until the store is dropped, or storage fails.
    pub(super) fn run(mut self) {
        let _abort = AbortOnPanic;
        while let Some(first) = self.queue.blocking_recv() {
            let batch = self.gather(first);
            if let Err(error) = self.commit(batch) {
                tracing::error!(%error, "storage failed; the store takes no more writes");
                // Not closed: a write that is on its way in just now has to be answered too.
                while let Some(task) = self.queue.blocking_recv() {
                    task.answer(Err(error.clone()));
                }
                return;
            }
        }
    }

    fn gather(&mut self, first: Box<dyn Task>) -> VecDeque<Box<dyn Task>> {
        let mut batch = VecDeque::from([first]);
        self.take_waiting(&mut batch);
        for _ in 0..WAITS {
            let before = batch.len();
            if self.last_batch < CROWD || before == MAX_BATCH {
                break;
            }
            std::thread::sleep(WAIT);
            self.take_waiting(&mut batch);
            if batch.len() == before {
                break;
            }
        }
        self.last_batch = batch.len();
        batch
    }

    fn take_waiting(&mut self, batch: &mut VecDeque<Box<dyn Task>>) {
        while batch.len() < MAX_BATCH {
            let Ok(task) = self.queue.try_recv() else { break };
            batch.push_back(task);
        }
    }

    /// Runs and commits a batch. An error is the storage's own, and everything was answered with it.
    fn commit(&mut self, mut batch: VecDeque<Box<dyn Task>>) -> Result<()> {
        let mut ready = Vec::with_capacity(batch.len());
        while !batch.is_empty() {
            let appended = self.append(&mut batch, &mut ready);
            let outcome = appended.and_then(|()| self.transact(&mut ready));
            match outcome {
                Ok(()) => ready.drain(..).for_each(|task| task.answer(Ok(()))),
                Err(error) => {
                    // First, so that who is answered can see it.
                    self.failed.send_replace(Some(error.clone()));
                    for task in ready.drain(..).chain(batch.drain(..)) {
                        task.answer(Err(error.clone()));
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Moves tasks from `batch` to `ready`, up to the bound in bytes, and appends their blobs.
    fn append(&mut self, batch: &mut VecDeque<Box<dyn Task>>, ready: &mut Vec<Box<dyn Task>>) -> Result<()> {
        let mut bytes = 0;
        while let Some(mut task) = batch.pop_front() {
            let prepared = task.take_blobs();
            bytes += prepared.iter().map(Prepared::stored_bytes).sum::<usize>();
            let placed: Result<Vec<NewBlob>> = prepared.into_iter().map(|blob| self.appender.place(blob)).collect();
            let placed = placed.map(|placed| task.set_blobs(placed));
            // Before the error goes up: every task that was taken is answered.
            ready.push(task);
            placed?;
            if bytes >= MAX_BATCH_BYTES {
                break;
            }
        }
        self.appender.write()
    }

    /// Runs all of `ready` in one transaction and commits it. When one wrote and then refused, the
    /// transaction is dropped and the others run again without it.
    fn transact(&mut self, ready: &mut [Box<dyn Task>]) -> Result<()> {
        let mut dropped = vec![false; ready.len()];
        self.appender.start_sync();
        'again: loop {
            let mut transaction = self.database.begin_write()?;
            transaction.set_two_phase_commit(true);
            transaction.set_quick_repair(true);
            let mut writer = Writer::new(&transaction);
            for (task, dropped) in ready.iter_mut().zip(dropped.iter_mut()).filter(|(_, dropped)| !**dropped) {
                let before = writer.writes();
                let outcome = task.run(&mut writer);
                if let Some(error) = writer.take_failure() {
                    self.appender.finish_sync()?;
                    return Err(error);
                }
                if matches!(outcome, Outcome::Refused) {
                    *dropped = true;
                    if writer.writes() != before {
                        drop(writer);
                        transaction.abort()?;
                        continue 'again;
                    }
                }
            }
            let (writes, change) = (writer.writes(), writer.last_change_made());
            let settled = writer.settle_counters();
            drop(writer);
            settled?;
            if writes == 0 {
                transaction.abort()?;
                self.appender.finish_sync()?;
            } else {
                // The first of its syncs waits for the blobs, see `gate`.
                transaction.commit()?;
                self.appender.finish_sync()?;
                // Before anybody is answered: who was told must see it.
                self.recent.forget();
            }
            if let Some(change) = change {
                self.committed.send_replace(change);
            }
            return Ok(());
        }
    }
}

/// A panic inside a write leaves no state that could be trusted: end the process, and let it start anew.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}
