//! Writes the index: documents in and out, and the commit that says up to which change.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{IndexWriter, Term};

use super::analyze::Lexicon;
use super::document::Document;
use super::error::{Error, Result};
use super::index::{Index, Settings};
use super::recover::payload;

/// tantivy's own lower bound for the writer's memory.
const MIN_HEAP_BYTES: usize = 15_000_000;
/// Segments of about the same size are merged when there are this many: fewer merges, still few files.
const MERGE_SEGMENTS: usize = 8;
/// Segments below this many documents count as of one size. Small, since every batch of live mail makes
/// a segment of a few documents, and merging a growing one again and again costs more than searching some.
const SMALL_SEGMENT: u32 = 64;
/// Segments within this factor, a power of two, count as of one size.
const SIZE_FACTOR_LOG2: f64 = 2.0;
/// A segment beyond this many documents is left as it is. It also bounds what a search does between
/// two looks at the clock.
const LARGE_SEGMENT: usize = 250_000;
/// A segment with more than this share of deleted documents is rewritten.
const DELETED_SHARE: f32 = 0.3;
/// How often a purge asks for a segment that is being merged.
const PURGE_TRIES: u32 = 300;
/// How long it waits in between.
const PURGE_PAUSE: Duration = Duration::from_millis(200);

/// The writer and what it keeps between batches.
pub(super) struct WriterState {
    /// `None` after a failure, until the next batch makes a new one.
    writer: Option<IndexWriter>,
    lexicon: Lexicon,
    /// A batch was given up: what it wrote has to be undone first.
    abandoned: bool,
}

impl WriterState {
    /// Opens the one writer of `engine`.
    pub(super) fn open(engine: &tantivy::Index, settings: Settings) -> Result<WriterState> {
        Ok(WriterState { writer: Some(writer(engine, settings)?), lexicon: Lexicon::default(), abandoned: false })
    }
}

fn writer(engine: &tantivy::Index, settings: Settings) -> Result<IndexWriter> {
    let options = IndexWriterOptions::builder()
        .memory_budget_per_thread(settings.writer_heap_bytes.max(MIN_HEAP_BYTES))
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build();
    let writer: IndexWriter = engine.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(MERGE_SEGMENTS);
    policy.set_min_layer_size(SMALL_SEGMENT);
    policy.set_level_log_size(SIZE_FACTOR_LOG2);
    policy.set_max_docs_before_merge(LARGE_SEGMENT);
    policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}

impl Index {
    /// Removes the files no reader and no segment needs any more.
    pub(super) fn collect_garbage(&self) -> Result<()> {
        let state = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = &state.writer {
            writer.garbage_collect_files().wait()?;
        }
        Ok(())
    }

    /// Merges away what is deleted.
    pub(super) fn purge(&self) -> Result<()> {
        let mut batch = self.batch()?;
        let metas = self.engine.searchable_segment_metas()?;
        for segment in metas.iter().filter(|segment| segment.has_deletes()).map(|segment| segment.id()) {
            let mut tries = 0;
            while let Err(error) = batch.writer()?.merge(&[segment]).wait() {
                if !self.engine.searchable_segment_ids()?.contains(&segment) {
                    // The engine merged it by itself meanwhile, which is as good.
                    break;
                }
                if tries == PURGE_TRIES {
                    return Err(error.into());
                }
                // The engine merges it right now.
                tries += 1;
                std::thread::sleep(PURGE_PAUSE);
            }
        }
        Ok(())
    }
}

/// Waits for a merge that is under way, seconds at most: it would write into the directory while the
/// next one to open it reads there. A process that is in a hurry may end without; nothing is lost.
impl Drop for Index {
    fn drop(&mut self) {
        let state = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = state.writer.take().map(IndexWriter::wait_merging_threads) {
            tracing::warn!(%error, "the search index was not closed cleanly");
        }
    }
}

/// Changes to the index that become visible together, with [`Batch::commit`]. Dropped without it,
/// they are undone. Every call may be repeated: documents replace those with the same id. It holds the
/// writer's lock, so it stays on one thread and is not kept across an `await`.
pub struct Batch<'a> {
    index: &'a Index,
    state: MutexGuard<'a, WriterState>,
    touched: bool,
}

impl<'a> Batch<'a> {
    pub(super) fn begin(index: &'a Index) -> Result<Batch<'a>> {
        let state = index.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch { index, state, touched: false };
        if batch.state.abandoned {
            index.guarded(|| batch.writer()?.rollback().map_err(Error::from)).inspect_err(|_| batch.fail())?;
            batch.state.abandoned = false;
        }
        if batch.state.writer.is_none() {
            batch.state.writer = Some(writer(&index.engine, index.settings)?);
        }
        Ok(batch)
    }

    /// Puts one message, replacing what was known of it.
    pub fn put_message(&mut self, document: &Document) -> Result<()> {
        self.delete_message(document.message_id)?;
        self.add(document)
    }

    /// Puts all messages of a conversation, replacing what was known of it. One that cannot be read ends it:
    /// give the batch up then.
    pub fn put_conversation(
        &mut self,
        conversation_id: u64,
        documents: impl IntoIterator<Item = Result<Document>>,
    ) -> Result<()> {
        self.delete_conversation(conversation_id)?;
        documents.into_iter().try_for_each(|document| self.add(&document?))
    }

    /// Adds a message that is surely not in the index: for filling an empty one.
    pub fn add(&mut self, document: &Document) -> Result<()> {
        self.touched = true;
        let state = &mut *self.state;
        let lexicon = &mut state.lexicon;
        let made = catch_unwind(AssertUnwindSafe(|| self.index.fields.document(document, lexicon)));
        let Ok(engine_document) = made else {
            // One message that cannot be read is not to keep all others from being found.
            tracing::error!(message.id = document.message_id, "indexing this message panicked; it is not searchable");
            state.lexicon = Lexicon::default();
            return Ok(());
        };
        let writer = state.writer.as_ref().ok_or_else(no_writer)?;
        let added = writer.add_document(engine_document);
        added.map(drop).map_err(|error| self.failed(error))
    }

    /// Takes one message out.
    pub fn delete_message(&mut self, message_id: u64) -> Result<()> {
        self.delete(Term::from_field_u64(self.index.fields.message, message_id))
    }

    /// Takes all messages of a conversation out.
    pub fn delete_conversation(&mut self, conversation_id: u64) -> Result<()> {
        self.delete(Term::from_field_u64(self.index.fields.conversation, conversation_id))
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Result<()> {
        self.touched = true;
        let cleared = self.writer()?.delete_all_documents();
        cleared.map(drop).map_err(|error| self.failed(error))
    }

    /// Makes the batch durable and visible, and says that the index now holds everything up to
    /// `change` (0 while it is still being filled).
    pub fn commit(mut self, change: u64) -> Result<()> {
        self.touched = true;
        let index = self.index;
        let committed = index.guarded(|| {
            let mut prepared = self.writer()?.prepare_commit()?;
            prepared.set_payload(&payload(change));
            prepared.commit()?;
            Ok(())
        });
        committed.inspect_err(|_| self.fail())?;
        self.touched = false;
        index.guarded(|| Ok(index.reader.reload()?))?;
        index.committed.store(change, Ordering::Release);
        index.change.store(change, Ordering::Release);
        Ok(())
    }

    fn delete(&mut self, term: Term) -> Result<()> {
        self.touched = true;
        self.writer()?.delete_term(term);
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut IndexWriter> {
        self.state.writer.as_mut().ok_or_else(no_writer)
    }

    fn failed(&mut self, error: tantivy::TantivyError) -> Error {
        self.fail();
        error.into()
    }

    /// A writer that failed once fails for ever: the next batch gets a new one, which begins at the
    /// last commit.
    fn fail(&mut self) {
        self.state.writer = None;
        self.state.abandoned = false;
        self.touched = false;
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.state.abandoned |= self.touched;
    }
}

fn no_writer() -> Error {
    Error::Engine("the writer failed earlier in this batch".to_owned())
}
