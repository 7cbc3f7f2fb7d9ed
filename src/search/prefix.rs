//! Finds every document with a term that begins with given bytes.
//!
//! Reads the postings of the matching terms into one bit set a segment, which for the beginnings
//! people type (four characters and more) is far cheaper than a union of hundreds of readers.

use tantivy::index::SegmentReader;
use tantivy::postings::TermInfo;
use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocSet, Score, TantivyError};

/// The most terms of one segment's dictionary that a beginning may stand for; past it the rest of
/// the alphabet is left out.
const MAX_TERMS: usize = 20_000;

/// Documents with a term in `field` that begins with `prefix`.
#[derive(Debug, Clone)]
pub(super) struct PrefixQuery {
    /// The field.
    pub(super) field: Field,
    /// The beginning, not empty.
    pub(super) prefix: String,
}

impl Query for PrefixQuery {
    fn weight(&self, _scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl PrefixQuery {
    fn terms(&self, reader: &SegmentReader) -> tantivy::Result<Vec<TermInfo>> {
        let inverted = reader.inverted_index(self.field)?;
        let mut stream = inverted.terms().range().ge(self.prefix.as_bytes()).into_stream()?;
        let mut found = Vec::new();
        while found.len() < MAX_TERMS && stream.advance() && stream.key().starts_with(self.prefix.as_bytes()) {
            found.push(stream.value().clone());
        }
        Ok(found)
    }
}

impl Weight for PrefixQuery {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let inverted = reader.inverted_index(self.field)?;
        let mut documents = BitSet::with_max_value(reader.max_doc());
        for term in self.terms(reader)? {
            let mut block = inverted.read_block_postings_from_terminfo(&term, IndexRecordOption::Basic)?;
            while !block.docs().is_empty() {
                for document in block.docs() {
                    documents.insert(*document);
                }
                block.advance();
            }
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(documents), boost)))
    }

    fn explain(&self, reader: &SegmentReader, document: u32) -> tantivy::Result<Explanation> {
        if self.scorer(reader, 1.0)?.seek(document) == document {
            return Ok(Explanation::new("prefix", 1.0));
        }
        Err(TantivyError::InvalidArgument(format!("document {document} does not match")))
    }
}
