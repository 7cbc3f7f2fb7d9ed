//! Tests of the room: the grammar, what is found, who may find it, and what a torn directory does.

mod attacks;
mod grammar;
mod language;
mod lifecycle;
mod model;
mod paging;
mod scope;
mod torn;

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::base::Timestamp;

/// 2026-03-31T12:00:00Z.
const NOW: Timestamp = Timestamp(1_774_958_400_000);
const DAY: i64 = 86_400_000;

/// A message with this subject panics while it is indexed.
pub(super) const PANICS: &str = "this one panics";

/// Two inboxes and two agents.
struct House;

impl Names for House {
    fn inboxes(&self, name: &str) -> Vec<u64> {
        match name.to_lowercase().as_str() {
            "support" => vec![1],
            "sales" => vec![2],
            _ => Vec::new(),
        }
    }

    fn agents(&self, name: &str) -> Vec<u64> {
        match name.to_lowercase().as_str() {
            "ola nowak" | "ola" => vec![7],
            "piotr" => vec![8],
            _ => Vec::new(),
        }
    }
}

fn parse(text: &str) -> Result<Query, ParseError> {
    let asker = Asker { me: Some(7), now: NOW, zone: &TimeZone::UTC, names: &House };
    Query::parse(text, &asker)
}

/// Message `id` in a conversation of its own, `id` minutes after [`NOW`].
fn message(id: u64, body: &str) -> Document {
    Document {
        message_id: id,
        conversation_id: 1000 + id,
        at_ms: NOW.millis() + i64::try_from(id).unwrap() * 60_000,
        kind: Kind::Inbound,
        inbox: 1,
        place: Place::Inbox,
        state: State::Open,
        assignee: None,
        tags: Vec::new(),
        has_attachment: false,
        from: "Anna Kowalska anna.kowalska@example.com".to_owned(),
        to: "support@desk.example".to_owned(),
        subject: String::new(),
        conversation_subject: String::new(),
        body: body.to_owned(),
        attachments: Vec::new(),
    }
}

/// An index in a directory that goes when it does.
struct Trial {
    index: Index,
    dir: tempfile::TempDir,
}

impl Trial {
    fn new(documents: impl IntoIterator<Item = Document>) -> Trial {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { time_limit: Duration::from_secs(30), ..Settings::default() };
        let (index, state) = Index::open(&dir.path().join("search"), settings).unwrap();
        assert_eq!(state, OpenState::Fresh);
        let mut batch = index.batch().unwrap();
        documents.into_iter().for_each(|document| batch.put_message(&document).unwrap());
        batch.commit(1).unwrap();
        Trial { index, dir }
    }

    fn with(bodies: &[&str]) -> Trial {
        Trial::new(bodies.iter().zip(1..).map(|(body, id)| message(id, body)))
    }

    /// Ids of the messages found by everyone's eyes, smallest first.
    fn find(&self, query: &str) -> Vec<u64> {
        self.find_in(query, &Scope::default())
    }

    fn find_in(&self, query: &str, scope: &Scope) -> Vec<u64> {
        let query = parse(query).unwrap();
        let hits = self.index.search(&Request { query: &query, scope, limit: 1000, cursor: None }, &|_| None).unwrap();
        assert_eq!(self.index.count(&query, scope, 1000).unwrap().conversations, hits.items.len());
        let mut found: Vec<u64> = hits.items.iter().map(|hit| hit.message_id).collect();
        found.sort_unstable();
        found
    }

    fn snippet(&self, query: &str, body: &str) -> String {
        let query = parse(query).unwrap();
        let request = Request { query: &query, scope: &Scope::default(), limit: 1, cursor: None };
        let hits = self.index.search(&request, &|_| Some(body.to_owned())).unwrap();
        let snippet = hits.items.first().map(|hit| hit.snippet.clone()).unwrap_or_default();
        snippet.replace(HIT_START, "[").replace(HIT_END, "]")
    }
}
