//! Full-text search over every message, on tantivy: schema, indexer, query language.
//!
//! A cache: its directory may be deleted at any time and is rebuilt from the store. Never the only
//! place a fact lives, and never tantivy's own parser on a person's text.
//!
//! One document a message, carrying what its conversation is now, so that any filter is one query.
//! Segments are kept sorted newest first, so a search reads only as far as the rows it shows.
//! What an agent may read is part of the query ([`Scope`]), never a filter on its results.

mod analyze;
mod at_range;
mod compile;
mod dates;
mod document;
mod error;
mod hits;
mod index;
mod indexer;
mod lexer;
mod newest;
mod parse;
mod prefix;
mod query;
mod recover;
mod schema;
mod snippet;
mod steady;
#[cfg(test)]
mod tests;
mod writer;

pub use document::{Document, Kind, Place, State};
pub use error::{Error, ParseError, Problem, Result};
pub use hits::{Count, Cursor, Hit, Hits, Request};
pub use index::{Index, OpenState, Settings};
pub use indexer::{Indexer, text_of};
pub use query::{Asker, Names, Query, Scope};
pub use snippet::{HIT_END, HIT_START};
pub use writer::Batch;
