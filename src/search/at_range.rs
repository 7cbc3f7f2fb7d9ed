//! Finds the documents of a span of time. Segments are sorted by time, newest first, so a span is a
//! run of documents whose two ends are found by halving.

use tantivy::columnar::ColumnValues;
use tantivy::index::SegmentReader;
use tantivy::query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, TERMINATED, TantivyError};

/// Documents with `from <= at < to`, milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtRange {
    /// The first moment inside.
    pub(super) from: i64,
    /// The first moment behind.
    pub(super) to: i64,
}

impl Query for AtRange {
    fn weight(&self, _scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(*self))
    }
}

impl Weight for AtRange {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let at = reader.fast_fields().column_first_or_default::<i64>("at")?;
        let next = first(at.as_ref(), reader.max_doc(), |at| at < self.to);
        let end = first(at.as_ref(), reader.max_doc(), |at| at < self.from);
        Ok(Box::new(ConstScorer::new(Run { next, end }, boost)))
    }

    fn explain(&self, reader: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        if self.scorer(reader, 1.0)?.seek(document) == document {
            return Ok(Explanation::new("time", 1.0));
        }
        Err(TantivyError::InvalidArgument(format!("document {document} does not match")))
    }
}

/// The first document below `count` whose time is `past`; `count` when none is.
fn first(at: &dyn ColumnValues<i64>, count: DocId, past: impl Fn(i64) -> bool) -> DocId {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if past(at.get_val(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The documents from `next` up to, not including, `end`.
struct Run {
    next: DocId,
    end: DocId,
}

impl DocSet for Run {
    fn advance(&mut self) -> DocId {
        self.next = self.next.saturating_add(1);
        self.doc()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.next = self.next.max(target);
        self.doc()
    }

    fn doc(&self) -> DocId {
        if self.next < self.end { self.next } else { TERMINATED }
    }

    fn size_hint(&self) -> u32 {
        self.end.saturating_sub(self.next)
    }
}
