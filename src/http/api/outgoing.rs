//! The queue of outgoing mail, and the addresses that take none.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::caller::Caller;
use super::failure::{broken, problem};
use super::render::MessageView;
use super::shown::rendered;
use super::types::Person;
use crate::desk::outgoing::{self, Waiting};
use crate::domain::{MessageId, Suppressed, SuppressedId};
use crate::store::Rows;

/// Mails of one page.
const PAGE: usize = 100;
/// Most mails of one page.
const MAX_PAGE: usize = 500;

/// A mail that waits to be sent.
#[derive(Object)]
struct WaitingView {
    /// The message; retry and cancel go by it.
    message: u64,
    /// Its conversation.
    conversation: u64,
    /// What it is about.
    subject: String,
    /// Under whose address.
    from: Option<Person>,
    /// Who has not got it yet, with the last words heard of each.
    recipients: Vec<WaitingRecipient>,
    /// `queued`, `sending`, `retrying`; `failed` for one that was put aside.
    state: String,
    /// When it was first to be sent.
    queued_at: String,
    /// When it is tried next.
    due_at: Option<String>,
    /// Tries so far.
    attempts: u32,
}

/// Somebody a mail has not reached.
#[derive(Object)]
struct WaitingRecipient {
    /// The address.
    email: String,
    /// The last words heard.
    reply: Option<String>,
}

/// The queue.
#[derive(Object)]
struct OutgoingList {
    /// The longest waiting first.
    items: Vec<WaitingView>,
    /// How many wait in all that the asker may see, counted up to 10000.
    waiting: u64,
    /// Since when the longest waiting one does that was tried in vain.
    oldest_at: Option<String>,
    /// The snapshot this was read at.
    change: u64,
}

/// An address that takes no mail.
#[derive(Object)]
struct SuppressedView {
    /// Id.
    id: u64,
    /// The address.
    email: String,
    /// Since when.
    since: String,
    /// What was said about it.
    words: String,
}

/// Addresses that take no mail.
#[derive(Object)]
struct SuppressedList {
    /// The latest first, at most 500.
    items: Vec<SuppressedView>,
    /// The snapshot this was read at.
    change: u64,
}

/// The message, as it is now.
#[derive(Object)]
struct OutgoingMessage {
    /// The message.
    message: MessageView,
}

#[derive(ApiResponse)]
enum SuppressionLifted {
    /// Mail is sent there again.
    #[oai(status = 204)]
    Done,
}

impl From<&Waiting> for WaitingView {
    fn from(one: &Waiting) -> WaitingView {
        let delivery = one.message.delivery.as_ref();
        let open = delivery.into_iter().flat_map(|delivery| &delivery.recipients).filter(|to| to.state.waits());
        WaitingView {
            message: one.message.id.0,
            conversation: one.conversation.id.0,
            subject: one.message.subject.clone().unwrap_or_default(),
            from: one.message.from.as_ref().map(Person::from),
            recipients: open.map(|to| WaitingRecipient { email: to.email.clone(), reply: to.reply.clone() }).collect(),
            state: delivery.map(|delivery| String::from(delivery.state.name())).unwrap_or_default(),
            queued_at: one.queued_at.rfc3339(),
            due_at: delivery.and_then(|delivery| delivery.due_at).map(|at| at.rfc3339()),
            attempts: one.attempts,
        }
    }
}

pub(in crate::http) struct OutgoingApi;

#[OpenApi]
impl OutgoingApi {
    /// The queue of outgoing mail, as far as the asker may see it.
    #[oai(path = "/outgoing", method = "get", operation_id = "list_outgoing")]
    async fn list(&self, caller: Caller, limit: Query<Option<u32>>) -> poem::Result<Json<OutgoingList>> {
        let rows = caller.rows()?;
        let limit = limit.0.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(PAGE)).clamp(1, MAX_PAGE);
        let found = outgoing::queue(&rows, &caller.who().scope, limit).map_err(problem)?;
        Ok(Json(OutgoingList {
            items: found.items.iter().map(WaitingView::from).collect(),
            waiting: found.waiting as u64,
            oldest_at: found.oldest.map(|at| at.rfc3339()),
            change: rows.last_change().map_err(broken)?,
        }))
    }

    /// Tries again at once to send a message.
    #[oai(path = "/outgoing/:id/retry", method = "post", operation_id = "retry_outgoing")]
    async fn retry(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OutgoingMessage>> {
        let message = caller.desk().retry_message(caller.who(), MessageId(id.0)).await.map_err(problem)?;
        let message = rendered(caller.state(), caller.who(), move |renderer| renderer.message(&message));
        Ok(Json(OutgoingMessage { message: message.await? }))
    }

    /// Takes a message back from those whom it has not reached.
    #[oai(path = "/outgoing/:id/cancel", method = "post", operation_id = "cancel_outgoing")]
    async fn cancel(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OutgoingMessage>> {
        let message = caller.desk().cancel_message(caller.who(), MessageId(id.0)).await.map_err(problem)?;
        let message = rendered(caller.state(), caller.who(), move |renderer| renderer.message(&message));
        Ok(Json(OutgoingMessage { message: message.await? }))
    }

    /// Addresses that mail is not sent to, since it came back from there.
    #[oai(path = "/suppressions", method = "get", operation_id = "list_suppressions")]
    async fn suppressions(&self, caller: Caller) -> poem::Result<Json<SuppressedList>> {
        caller.who().must_manage().map_err(problem)?;
        let rows = caller.rows()?;
        let items = outgoing::suppressed(&rows, MAX_PAGE).map_err(problem)?;
        let view = |one: &Suppressed| SuppressedView {
            id: one.id.0,
            email: one.email.clone(),
            since: one.since.rfc3339(),
            words: one.words.clone(),
        };
        let change = rows.last_change().map_err(broken)?;
        Ok(Json(SuppressedList { items: items.iter().map(view).collect(), change }))
    }

    /// Has mail be sent to an address again.
    #[oai(path = "/suppressions/:id", method = "delete", operation_id = "delete_suppression")]
    async fn lift(&self, caller: Caller, id: Path<u64>) -> poem::Result<SuppressionLifted> {
        caller.desk().lift_suppression(caller.who(), SuppressedId(id.0)).await.map_err(problem)?;
        Ok(SuppressionLifted::Done)
    }
}
