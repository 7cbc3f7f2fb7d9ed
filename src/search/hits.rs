//! Runs queries: rows of conversations newest first, and counts.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use tantivy::query::EnableScoring;

use super::compile::compile;
use super::error::Result;
use super::index::Index;
use super::newest::{Found, Newest};
use super::query::{Node, Query, Scope};
use super::snippet::Highlighter;

/// One search.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What to find.
    pub query: &'a Query,
    /// What the asker may read.
    pub scope: &'a Scope,
    /// How many rows at most.
    pub limit: usize,
    /// Where the previous page ended ([`Hits::next`]).
    pub cursor: Option<Cursor>,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// One row a conversation, the one with the newest message found first.
    pub items: Vec<Hit>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<Cursor>,
}

/// A conversation with the newest of its messages that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The conversation.
    pub conversation_id: u64,
    /// The newest of its messages that match.
    pub message_id: u64,
    /// When that message came or went, milliseconds since 1970.
    pub at_ms: i64,
    /// Plain text in one line around the words found, each between [`HIT_START`](super::HIT_START)
    /// and [`HIT_END`](super::HIT_END); the beginning of the text when none stands in it.
    pub snippet: String,
}

/// The last row of a page. Written as text it is `at.message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The message.
    pub message_id: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at_ms, self.message_id)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (at, message) = text.split_once('.').ok_or(())?;
        Ok(Cursor { at_ms: at.parse().map_err(drop)?, message_id: message.parse().map_err(drop)? })
    }
}

/// How many conversations a query finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The number; counting stops at the bound asked for.
    pub conversations: usize,
    /// Whether there are more.
    pub more: bool,
}

impl Index {
    /// One page of the conversations `request` finds. `body` gives the text of a message for its
    /// snippet; it is asked for the rows of the page alone.
    ///
    /// # Errors
    /// [`Error::TooSlow`](super::Error::TooSlow) past the time limit;
    /// [`Error::Damaged`](super::Error::Damaged) when the index cannot be read.
    pub fn search(&self, request: &Request<'_>, body: &dyn Fn(u64) -> Option<String>) -> Result<Hits> {
        let Some(root) = &request.query.root else { return Ok(Hits { items: Vec::new(), next: None }) };
        let (found, more) = self.guarded(|| self.page(root, request))?;
        let mut highlighter = Highlighter::new(root);
        let items: Vec<Hit> = found
            .into_iter()
            .map(|found| Hit {
                conversation_id: found.conversation,
                message_id: found.message,
                at_ms: found.at,
                snippet: body(found.message).map(|text| highlighter.snippet(&text)).unwrap_or_default(),
            })
            .collect();
        let last = items.last().map(|hit| Cursor { at_ms: hit.at_ms, message_id: hit.message_id });
        Ok(Hits { items, next: last.filter(|_| more) })
    }

    /// How many conversations `query` finds within `scope`, counted up to `bound`.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn count(&self, query: &Query, scope: &Scope, bound: usize) -> Result<Count> {
        let Some(root) = &query.root else { return Ok(Count { conversations: 0, more: false }) };
        let mut seen = HashSet::new();
        let mut more = false;
        self.guarded(|| {
            self.each(root, scope, |found| {
                more = seen.len() >= bound && !seen.contains(&found.conversation);
                if !more {
                    seen.insert(found.conversation);
                }
                !more
            })
        })?;
        Ok(Count { conversations: seen.len(), more })
    }

    /// The rows of one page, and whether there are more.
    ///
    /// Every page is read from the newest message on, since whether a conversation stood on an earlier
    /// page is known only by its newer messages. Reading past them is cheap: no text, no snippet.
    fn page(&self, root: &Node, request: &Request<'_>) -> Result<(Vec<Found>, bool)> {
        let mut seen = HashSet::new();
        let mut rows: Vec<Found> = Vec::new();
        let mut more = false;
        self.each(root, request.scope, |found| {
            let cursor = Cursor { at_ms: found.at, message_id: found.message };
            if !seen.insert(found.conversation) || request.cursor.is_some_and(|last| cursor >= last) {
                return true;
            }
            more = rows.len() >= request.limit;
            if !more {
                rows.push(found);
            }
            !more
        })?;
        Ok((rows, more))
    }

    /// Calls `each` with every message found, newest first, until it says no.
    fn each(&self, root: &Node, scope: &Scope, mut each: impl FnMut(Found) -> bool) -> Result<()> {
        let deadline = Instant::now() + self.settings.time_limit;
        let searcher = self.searcher();
        let query = compile(root, scope, &self.fields);
        let weight = query.weight(EnableScoring::disabled_from_searcher(&searcher))?;
        let mut newest = Newest::new(&searcher, weight.as_ref(), deadline)?;
        while let Some(found) = newest.next()? {
            if !each(found) {
                break;
            }
        }
        Ok(())
    }
}
