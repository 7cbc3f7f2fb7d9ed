//! Searching everything the asker may read.

use std::sync::Arc;

use jiff::tz::TimeZone;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::caller::Caller;
use super::conversations::renderer;
use super::failure::{broken, problem};
use super::render::ConversationRow;
use crate::base::text::fold;
use crate::desk::Error;
use crate::domain::{Agent, Conversation, ConversationId, Inbox, Message, MessageId};
use crate::http::problem::Problem;
use crate::search::{self, Asker, Names, Request, Scope, text_of};
use crate::store::{Reader, Rows};

/// Most rows of one page.
const MAX_PAGE: usize = 100;

/// Where a conversation was found.
#[derive(Object)]
struct HitView {
    /// The newest of its messages that match.
    message_id: u64,
    /// Plain text around the words found, each between U+0001 and U+0002.
    snippet: String,
}

/// A conversation that was found.
#[derive(Object)]
struct Found {
    /// The conversation.
    #[oai(flatten)]
    conversation: ConversationRow,
    /// Where.
    hit: HitView,
}

/// How far the index is.
#[derive(Object)]
struct IndexState {
    /// Whether it is complete.
    ready: bool,
    /// Changes it has yet to take in.
    behind: u64,
}

/// A page of results.
#[derive(Object)]
struct SearchPage {
    /// One row a conversation, newest hit first.
    items: Vec<Found>,
    /// Where the next page begins; none at the end.
    next: Option<String>,
    /// How far the index is.
    index: IndexState,
    /// The snapshot this was read at.
    change: u64,
}

/// Names the asker may use.
struct Known {
    inboxes: Vec<(String, u64)>,
    agents: Vec<(String, u64)>,
}

impl Known {
    fn of(caller: &Caller, rows: &Reader) -> poem::Result<Known> {
        let inboxes = rows.all::<Inbox>().map_err(broken)?;
        let scope = &caller.who().scope;
        let mut names = Vec::new();
        for inbox in inboxes.iter().filter(|inbox| scope.has_inbox(inbox.id)) {
            names.push((fold(&inbox.name), inbox.id.0));
            names.push((inbox.local_part.clone(), inbox.id.0));
        }
        let agents = rows.all::<Agent>().map_err(broken)?;
        let agents =
            agents.iter().flat_map(|agent| [(fold(&agent.name), agent.id.0), (agent.email.clone(), agent.id.0)]);
        Ok(Known { inboxes: names, agents: agents.collect() })
    }
}

/// Names that begin as the one asked for, or have a word that does.
fn matching(names: &[(String, u64)], wanted: &str) -> Vec<u64> {
    let wanted = fold(wanted);
    let fits = |name: &str| name.starts_with(&wanted) || name.split(' ').any(|word| word.starts_with(&wanted));
    let exact: Vec<u64> = names.iter().filter(|(name, _)| *name == wanted).map(|(_, id)| *id).collect();
    if exact.is_empty() { names.iter().filter(|(name, _)| fits(name)).map(|(_, id)| *id).collect() } else { exact }
}

impl Names for Known {
    fn inboxes(&self, name: &str) -> Vec<u64> {
        matching(&self.inboxes, name)
    }

    fn agents(&self, name: &str) -> Vec<u64> {
        matching(&self.agents, name)
    }
}

pub(in crate::http) struct Search;

#[OpenApi]
impl Search {
    /// Searches, newest hit first. Operators: `from:` `to:` `subject:` `is:` `has:attachment` `before:` `after:`
    /// `inbox:` `assignee:` `tag:`.
    #[oai(path = "/search", method = "get", operation_id = "search")]
    async fn search(
        &self,
        caller: Caller,
        /// What to find, at most 1,000 bytes.
        q: Query<String>,
        /// Rows of the page, at most 100.
        limit: Query<Option<usize>>,
        /// Where the page begins.
        cursor: Query<Option<String>>,
        /// The asker's time zone by its IANA name, for the days in `before:` and `after:`; UTC when left out.
        tz: Query<Option<String>>,
    ) -> poem::Result<Json<SearchPage>> {
        let rows = caller.rows()?;
        let known = Known::of(&caller, &rows)?;
        let zone = match &tz.0 {
            Some(name) => TimeZone::get(name).map_err(|_| problem(Error::invalid("tz", "unknown")))?,
            None => TimeZone::UTC,
        };
        let asker =
            Asker { me: Some(caller.who().agent.id.0), now: caller.desk().clock.now(), zone: &zone, names: &known };
        let query = search::Query::parse(&q.0, &asker).map_err(|error| {
            Problem::invalid("q", error.problem.to_string())
                .with("reason", error.problem.code())
                .with("at", error.at as u64)
        })?;
        let cursor: Option<search::Cursor> = match cursor.0 {
            Some(text) => Some(text.parse().map_err(|()| problem(Error::invalid("cursor", "invalid")))?),
            None => None,
        };
        let limit = limit.0.unwrap_or(50).clamp(1, MAX_PAGE);
        let hits = run(&caller, query, cursor, limit).await?;
        let renderer = renderer(&caller, &rows);
        let mut items = Vec::new();
        for hit in hits.items {
            // The index may be a moment behind: what is gone or not the asker's any more is left out.
            let found: Option<Conversation> = rows.find(ConversationId(hit.conversation_id)).map_err(broken)?;
            if let Some(conversation) = found.filter(|conversation| caller.who().scope.may_read(conversation)) {
                let hit = HitView { message_id: hit.message_id, snippet: hit.snippet };
                items.push(Found { conversation: renderer.row(&conversation)?, hit });
            }
        }
        let indexer = &caller.state().search;
        Ok(Json(SearchPage {
            items,
            next: hits.next.map(|cursor| cursor.to_string()),
            index: IndexState { ready: !indexer.is_filling(), behind: indexer.behind() },
            change: rows.last_change().map_err(broken)?,
        }))
    }
}

/// Runs a query where it may block.
async fn run(
    caller: &Caller,
    query: search::Query,
    cursor: Option<search::Cursor>,
    limit: usize,
) -> poem::Result<search::Hits> {
    let who = &caller.who().scope;
    let scope = Scope {
        inboxes: who.inboxes.as_ref().map(|inboxes| inboxes.iter().map(|inbox| inbox.0).collect()),
        only_assignee: who.only_assigned.map(|agent| agent.0),
    };
    let (state, desk) = (Arc::clone(caller.state()), Arc::clone(caller.desk()));
    let found = tokio::task::spawn_blocking(move || {
        let rows = desk.store.read().map_err(|error| search::Error::Store(error.to_string()))?;
        let body = |id: u64| {
            let message: Message = rows.find(MessageId(id)).ok()??;
            text_of(&desk.store, &rows, &message)
        };
        let request = Request { query: &query, scope: &scope, limit, cursor };
        state.search.index().search(&request, &body)
    });
    match found.await {
        Ok(Ok(hits)) => Ok(hits),
        Ok(Err(search::Error::TooSlow)) => Err(Problem::new(
            poem::http::StatusCode::UNPROCESSABLE_ENTITY,
            "search_too_slow",
            "use fewer or rarer words",
        )
        .into()),
        Ok(Err(error)) => {
            tracing::error!(%error, "a search failed");
            Err(Problem::of(poem::http::StatusCode::SERVICE_UNAVAILABLE, "The search is not available now.").into())
        }
        Err(_) => Err(broken(crate::store::Error::Stopped)),
    }
}
