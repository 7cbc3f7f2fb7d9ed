//! Full-text search over every message, on tantivy: schema, indexer, query language.
//!
//! A cache: its directory may be deleted at any time and is rebuilt from the store. Never the only
//! place a fact lives, and never tantivy's own parser on a person's text.
