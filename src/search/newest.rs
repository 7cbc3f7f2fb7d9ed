//! Reads the documents of a query newest first, and no further than it is asked to.
//!
//! Every segment is sorted by time, so its first matches are its newest. The segments are merged
//! here; one whose newest document is older than all that was read is never even searched.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;
use std::time::Instant;

use tantivy::columnar::ColumnValues;
use tantivy::query::{Scorer, Weight};
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED};

use super::error::{Error, Result};

/// How many documents are read between two looks at the clock.
const LOOK_EVERY: u32 = 256;

/// A document that matches. Ordered by time, then by message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// The message.
    pub(super) message: u64,
    /// Its conversation.
    pub(super) conversation: u64,
}

/// All documents of a query, newest first.
pub(super) struct Newest<'a> {
    weight: &'a dyn Weight,
    segments: Vec<Segment<'a>>,
    /// The newest not yet read of every segment; of a segment not opened, a bound for it.
    heads: BinaryHeap<(Found, usize)>,
    clock: Deadline,
}

impl<'a> Newest<'a> {
    /// Begins to read; fails with [`Error::TooSlow`] once `deadline` has passed.
    pub(super) fn new(searcher: &'a Searcher, weight: &'a dyn Weight, deadline: Instant) -> Result<Newest<'a>> {
        let mut segments = Vec::new();
        let mut heads = BinaryHeap::new();
        for reader in searcher.segment_readers().iter().filter(|reader| reader.num_docs() > 0) {
            let segment = Segment::new(reader)?;
            let bound = Found { at: segment.at.max_value(), message: u64::MAX, conversation: u64::MAX };
            heads.push((bound, segments.len()));
            segments.push(segment);
        }
        Ok(Newest { weight, segments, heads, clock: Deadline { deadline, ticks: 0 } })
    }

    /// The next document.
    pub(super) fn next(&mut self) -> Result<Option<Found>> {
        loop {
            let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
            let (found, at) = *head;
            let Some(segment) = self.segments.get_mut(at) else { return Ok(None) };
            let opened = segment.scorer.is_some();
            match segment.next(self.weight, &mut self.clock)? {
                Some(next) => *head = (next, at),
                None => {
                    PeekMut::pop(head);
                }
            }
            if opened {
                return Ok(Some(found));
            }
        }
    }
}

/// Looks at the clock now and then.
struct Deadline {
    deadline: Instant,
    ticks: u32,
}

impl Deadline {
    fn tick(&mut self) -> Result<()> {
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(LOOK_EVERY) { self.look() } else { Ok(()) }
    }

    fn look(&self) -> Result<()> {
        if Instant::now() > self.deadline { Err(Error::TooSlow) } else { Ok(()) }
    }
}

struct Segment<'a> {
    reader: &'a SegmentReader,
    at: Arc<dyn ColumnValues<i64>>,
    message: Arc<dyn ColumnValues<u64>>,
    conversation: Arc<dyn ColumnValues<u64>>,
    scorer: Option<Box<dyn Scorer>>,
    /// Documents of one and the same moment, smallest message first.
    run: Vec<Found>,
}

impl<'a> Segment<'a> {
    fn new(reader: &'a SegmentReader) -> Result<Segment<'a>> {
        let columns = reader.fast_fields();
        Ok(Segment {
            reader,
            at: columns.column_first_or_default("at")?,
            message: columns.column_first_or_default("message")?,
            conversation: columns.column_first_or_default("conversation")?,
            scorer: None,
            run: Vec::new(),
        })
    }

    fn next(&mut self, weight: &dyn Weight, clock: &mut Deadline) -> Result<Option<Found>> {
        if self.scorer.is_none() {
            clock.look()?;
            self.scorer = Some(weight.scorer(self.reader, 1.0)?);
            clock.look()?;
        }
        if self.run.is_empty() {
            self.read_run(clock)?;
        }
        Ok(self.run.pop())
    }

    /// Reads the next documents that share their moment: the sort order of a segment does not say
    /// which of them comes first.
    fn read_run(&mut self, clock: &mut Deadline) -> Result<()> {
        let Some(scorer) = &mut self.scorer else { return Ok(()) };
        let mut document = scorer.doc();
        while document != TERMINATED {
            clock.tick()?;
            if self.reader.is_deleted(document) {
                document = scorer.advance();
                continue;
            }
            let at = self.at.get_val(document);
            if self.run.first().is_some_and(|first| first.at != at) {
                break;
            }
            let message = self.message.get_val(document);
            self.run.push(Found { at, message, conversation: self.conversation.get_val(document) });
            document = scorer.advance();
        }
        self.run.sort_unstable();
        Ok(())
    }
}
