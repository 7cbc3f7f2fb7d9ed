//! `GET /metrics`: figures in Prometheus' text format, for whoever asks from the machine itself, or holds a
//! manager's token.

use std::fmt::Write as _;
use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem::{Request, Response, handler};

use super::api::{State, of_request};
use super::problem::Problem;
use super::server::ClientAddress;
use crate::domain::{Inbox, Place, State as ConversationState};
use crate::store::{Direction, Key, Reader, Rows, Table};

/// Rows counted of a queue before counting stops.
const COUNTED: usize = 10_000;

/// All figures.
#[handler]
pub(crate) fn metrics(request: &Request, state: Data<&Arc<State>>) -> Response {
    // A proxy on this machine comes from here too, but it asks for the public name.
    let local = request.data::<ClientAddress>().is_some_and(|client| client.0.is_loopback()) && names_loopback(request);
    let manager = of_request(request).is_some_and(|(who, _)| who.scope.may_manage);
    if !local && !manager {
        return Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "a manager's token is needed").into_response();
    }
    match state.desk.store.read().map_err(|error| error.to_string()).and_then(|rows| figures(&state, &rows)) {
        Ok(text) => Response::builder().content_type("text/plain; version=0.0.4").body(text),
        Err(_) => Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "The store does not answer.").into_response(),
    }
}

fn names_loopback(request: &Request) -> bool {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

fn figures(state: &State, rows: &Reader) -> Result<String, String> {
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, value: u64| {
        // Writing to a string cannot fail.
        let _ =
            write!(out, "# HELP frontdesk_{name} {help}\n# TYPE frontdesk_{name} gauge\nfrontdesk_{name} {value}\n");
    };
    let broken = |error: crate::store::Error| error.to_string();
    let count = |table| {
        rows.ids(table, &Key::new(), None, Direction::Forward, COUNTED).map(|ids| ids.len() as u64).map_err(broken)
    };
    gauge("last_change", "Number of the last committed change.", rows.last_change().map_err(broken)?);
    gauge("mail_waiting", "Mails taken and not yet filed, counted up to 10000.", count(Table::Incoming)?);
    gauge("jobs_waiting", "Jobs in the queue, counted up to 10000.", count(Table::JobByDue)?);
    let now = state.desk.clock.now();
    let oldest = crate::desk::outgoing::oldest_seconds(rows, now).map_err(|error| error.to_string())?;
    gauge("outgoing_oldest_seconds", "How long the longest waiting mail that was tried has waited.", oldest);
    gauge("search_behind", "Changes the search index has yet to take in.", state.search.behind());
    gauge("search_messages", "Messages in the search index.", state.search.index().message_count());
    gauge(
        "disk_free_bytes",
        "Bytes free on the data directory's disk.",
        state.desk.store.space().free().map_err(broken)?,
    );
    gauge("disk_low", "1 while the disk is too full to take mail.", u64::from(state.desk.store.space().is_low()));
    gauge("storage_failed", "1 once storage has failed.", u64::from(state.desk.store.failed().borrow().is_some()));
    let _ = out.write_str("# HELP frontdesk_conversations Conversations.\n# TYPE frontdesk_conversations gauge\n");
    for inbox in rows.all::<Inbox>().map_err(broken)? {
        for place in Place::ALL {
            for conversation_state in ConversationState::ALL {
                let number = crate::desk::views::tallied(rows, inbox.id, place, conversation_state)
                    .map_err(|error| error.to_string())?;
                let (place, name) = (place.name(), conversation_state.name());
                let labels = format!("inbox=\"{}\",place=\"{place}\",state=\"{name}\"", inbox.id);
                let _ = writeln!(out, "frontdesk_conversations{{{labels}}} {number}");
            }
        }
    }
    Ok(out)
}
