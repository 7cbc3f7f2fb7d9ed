//! Conversations: lists, one, changing one, beginning one.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::MaybeUndefined;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::messages::new_message;
use super::render::{ConversationRow, MessageView, Renderer};
use super::shown::rendered;
use super::types::{DraftKind, Person, Place, State, cursor_of, cursor_text};
use crate::base::Timestamp;
use crate::desk::conversations::ConversationPatch;
use crate::desk::replies::NewConversation;
use crate::desk::views::{self, ListQuery};
use crate::desk::{Error, Who};
use crate::domain::{AgentId, ChannelId, ContactId, ConversationId, InboxId};
use crate::store::Rows;

/// Most rows of one page.
pub(super) const MAX_PAGE: usize = 200;

/// A page of conversations.
#[derive(Object)]
struct ConversationPage {
    /// Newest activity first.
    items: Vec<ConversationRow>,
    /// Where the next page begins; none at the end.
    next: Option<String>,
    /// The snapshot this was read at.
    change: u64,
}

/// One conversation.
#[derive(Object)]
struct OneConversation {
    /// The conversation.
    conversation: ConversationRow,
    /// The snapshot this was read at.
    change: u64,
}

/// What to change; what is left out stays.
#[derive(Object)]
struct ConversationPatchBody {
    /// Open, snoozed or closed.
    state: Option<State>,
    /// When a snoozed one comes back (RFC 3339); without, it sleeps until somebody writes.
    snoozed_until: Option<String>,
    /// The agent who looks after it; null for nobody.
    assignee: MaybeUndefined<u64>,
    /// All of its tags.
    tags: Option<Vec<String>>,
    /// Inbox, filtered, spam or trash.
    place: Option<Place>,
    /// The inbox it lives in.
    inbox: Option<u64>,
    /// What it is about.
    #[oai(validator(max_length = 1000))]
    subject: Option<String>,
    /// Whether the asker has yet to read it.
    unread: Option<bool>,
}

/// A conversation to begin.
#[derive(Object)]
struct NewConversationBody {
    /// The client's own id of this request: sent twice, it is done once.
    client_id: String,
    /// From which inbox.
    inbox: u64,
    /// To whom.
    to: Vec<Person>,
    /// Copies.
    #[oai(default)]
    cc: Vec<Person>,
    /// Hidden copies.
    #[oai(default)]
    bcc: Vec<Person>,
    /// What it is about.
    #[oai(validator(max_length = 1000))]
    subject: String,
    /// The words as HTML.
    html: Option<String>,
    /// The words as plain text.
    text: Option<String>,
    /// Files uploaded before.
    #[oai(default)]
    attachments: Vec<u64>,
    /// The channel it goes out through; left out, the inbox's first, or its fallback address.
    channel: Option<u64>,
    /// Sent as plain text alone.
    plain: Option<bool>,
    /// Not before this time, at most a year away.
    send_at: Option<String>,
}

/// A conversation that was begun.
#[derive(Object)]
struct Begun {
    /// The conversation.
    conversation: ConversationRow,
    /// Its first message.
    message: MessageView,
    /// The snapshot this was read at.
    change: u64,
}

#[derive(ApiResponse)]
enum ConversationBegun {
    /// Begun.
    #[oai(status = 201)]
    Created(Json<Begun>),
}

/// A list with a name.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum View {
    /// All that are open.
    All,
    /// The asker's, open.
    Mine,
    /// Nobody's, open.
    Unassigned,
    /// Snoozed.
    Snoozed,
    /// Closed.
    Closed,
    /// Those the team has written in, by when it last did.
    Sent,
    /// Filtered.
    Filtered,
    /// Spam.
    Spam,
    /// Trash.
    Trash,
}

impl From<View> for views::View {
    fn from(view: View) -> views::View {
        match view {
            View::All => views::View::All,
            View::Mine => views::View::Mine,
            View::Unassigned => views::View::Unassigned,
            View::Snoozed => views::View::Snoozed,
            View::Closed => views::View::Closed,
            View::Sent => views::View::Sent,
            View::Filtered => views::View::Filtered,
            View::Spam => views::View::Spam,
            View::Trash => views::View::Trash,
        }
    }
}

/// Who is meant by `me`, `none` or an id.
fn assignee_of(who: &Who, text: &str) -> poem::Result<Option<AgentId>> {
    match text {
        "me" => Ok(Some(who.agent.id)),
        "none" => Ok(None),
        id => id.parse().map(|id| Some(AgentId(id))).map_err(|_| problem(Error::invalid("assignee", "unknown"))),
    }
}

/// A time in RFC 3339.
pub(super) fn time(field: &'static str, text: &str) -> poem::Result<Timestamp> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| problem(Error::invalid(field, "not_a_time")))
}

pub(in crate::http) struct Conversations;

#[OpenApi]
impl Conversations {
    /// A page of conversations, newest activity first.
    #[oai(path = "/conversations", method = "get", operation_id = "list_conversations")]
    #[expect(clippy::too_many_arguments, reason = "one argument a query parameter")]
    async fn list(
        &self,
        caller: Caller,
        /// Of one inbox.
        inbox: Query<Option<u64>>,
        /// In one place; `inbox` when left out.
        place: Query<Option<Place>>,
        /// In one state.
        state: Query<Option<State>>,
        /// `me`, `none` or an agent's id.
        assignee: Query<Option<String>>,
        /// With one contact, in all places.
        contact: Query<Option<u64>>,
        /// With one tag.
        tag: Query<Option<String>>,
        /// A list by its name, as `/counts` has it; what else is asked for stands above it.
        view: Query<Option<View>>,
        /// Rows of the page, at most 200.
        limit: Query<Option<usize>>,
        /// Where the page begins.
        cursor: Query<Option<String>>,
    ) -> poem::Result<Json<ConversationPage>> {
        let who = caller.who();
        let view = view.0.map(|view| views::View::from(view).query(who.agent.id)).unwrap_or_default();
        let query = ListQuery {
            inbox: inbox.0.map(InboxId),
            place: place.0.map(Into::into).or(view.place),
            state: state.0.map(Into::into).or(view.state),
            assignee: assignee.0.map(|text| assignee_of(who, &text)).transpose()?.or(view.assignee),
            contact: contact.0.map(ContactId),
            tag: tag.0,
            sent: view.sent,
        };
        let invalid = || problem(Error::invalid("cursor", "invalid"));
        let cursor = cursor.0.map(|text| cursor_of(&text).ok_or_else(invalid)).transpose()?;
        let rows = caller.rows()?;
        let limit = limit.0.unwrap_or(50).clamp(1, MAX_PAGE);
        let page = views::list(&rows, &who.scope, &query, cursor, limit).map_err(problem)?;
        let renderer = renderer(&caller, &rows);
        let items = page.items.iter().map(|conversation| renderer.row(conversation)).collect::<poem::Result<_>>()?;
        let change = rows.last_change().map_err(broken)?;
        Ok(Json(ConversationPage { items, next: page.next.map(cursor_text), change }))
    }

    /// Begins a conversation with somebody outside.
    #[oai(path = "/conversations", method = "post", operation_id = "create_conversation")]
    async fn create(&self, caller: Caller, body: JsonBody<NewConversationBody>) -> poem::Result<ConversationBegun> {
        let body = body.0;
        let mut message = new_message(body.client_id, DraftKind::Reply, body.html, body.text, body.attachments);
        message.to = Some(super::types::into_people(body.to));
        message.cc = super::types::into_people(body.cc);
        message.bcc = super::types::into_people(body.bcc);
        message.channel = body.channel.map(ChannelId);
        message.plain = body.plain.unwrap_or_default();
        message.send_at = body.send_at.map(|at| time("send_at", &at)).transpose()?;
        let new = NewConversation { inbox: InboxId(body.inbox), subject: body.subject, message };
        let (message, conversation) = caller.desk().begin_conversation(caller.who(), new).await.map_err(problem)?;
        let begun = rendered(caller.state(), caller.who(), move |renderer| {
            Ok(Begun {
                conversation: renderer.row(&conversation)?,
                message: renderer.message(&message)?,
                change: renderer.rows.last_change().map_err(broken)?,
            })
        });
        Ok(ConversationBegun::Created(Json(begun.await?)))
    }

    /// One conversation.
    #[oai(path = "/conversations/:id", method = "get", operation_id = "get_conversation")]
    async fn get(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OneConversation>> {
        let rows = caller.rows()?;
        let conversation = caller.conversation(&rows, id.0)?;
        let conversation = renderer(&caller, &rows).row(&conversation)?;
        Ok(Json(OneConversation { conversation, change: rows.last_change().map_err(broken)? }))
    }

    /// Changes a conversation.
    #[oai(path = "/conversations/:id", method = "patch", operation_id = "update_conversation")]
    async fn update(
        &self,
        caller: Caller,
        id: Path<u64>,
        body: JsonBody<ConversationPatchBody>,
    ) -> poem::Result<Json<OneConversation>> {
        let body = body.0;
        let patch = ConversationPatch {
            state: body.state.map(Into::into),
            snoozed_until: body.snoozed_until.map(|text| time("snoozed_until", &text)).transpose()?,
            assignee: match body.assignee {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(agent) => Some(Some(AgentId(agent))),
            },
            tags: body.tags,
            place: body.place.map(Into::into),
            inbox: body.inbox.map(InboxId),
            subject: body.subject,
            unread: body.unread,
        };
        let updated = caller.desk().update_conversation(caller.who(), ConversationId(id.0), patch).await;
        let conversation = updated.map_err(problem)?;
        let rows = caller.rows()?;
        let conversation = renderer(&caller, &rows).row(&conversation)?;
        Ok(Json(OneConversation { conversation, change: rows.last_change().map_err(broken)? }))
    }
}

/// A renderer for the asker.
pub(super) fn renderer<'a>(caller: &'a Caller, rows: &'a crate::store::Reader) -> Renderer<'a> {
    Renderer { desk: caller.desk(), shown: &caller.state().shown, rows, who: caller.who() }
}
