//! Threads: reading them, saying something, taking it back, the original mail.

use poem::Body;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::attachments::stream;
use super::body::JsonBody;
use super::caller::Caller;
use super::conversations::time;
use super::failure::{broken, problem};
use super::render::{ConversationRow, MessageView, Renderer};
use super::shown::rendered;
use super::types::{DraftKind, Person, into_people, people};
use crate::desk::replies::NewMessage;
use crate::desk::{Error, conversations, views};
use crate::domain::draft::Forward;
use crate::domain::{AttachmentId, ChannelId, ConversationId, MessageId};
use crate::store::Rows;

/// Most messages of one page.
const MAX_PAGE: usize = 200;
/// Bytes of words after which a page ends early: the rest are `earlier` ones.
const PAGE_BYTES: usize = 4 << 20;

/// Whom an answer to all goes to.
#[derive(Object)]
struct ReplyTo {
    /// To.
    to: Vec<Person>,
    /// Copies.
    cc: Vec<Person>,
    /// Hidden copies: those of the channel.
    bcc: Vec<Person>,
    /// Our address on the answer.
    from: String,
}

/// Whom an answer to the sender alone goes to.
#[derive(Object)]
struct ReplyOne {
    /// To.
    to: Vec<Person>,
    /// Copies: those of the channel.
    cc: Vec<Person>,
    /// Hidden copies: those of the channel.
    bcc: Vec<Person>,
}

/// A piece of a thread.
#[derive(Object)]
struct MessagePage {
    /// Oldest first.
    items: Vec<MessageView>,
    /// Whether there are older ones.
    earlier: bool,
    /// Recipients of an answer to all.
    reply_to: ReplyTo,
    /// Recipients of an answer to the sender.
    reply_one: ReplyOne,
    /// The snapshot this was read at.
    change: u64,
}

/// Something to say.
#[derive(Object)]
struct NewMessageBody {
    /// The client's own id of this request: sent twice, it is done once.
    client_id: String,
    /// A reply or a comment.
    kind: DraftKind,
    /// To whom; left out, whom the last message says.
    to: Option<Vec<Person>>,
    /// Copies.
    cc: Option<Vec<Person>>,
    /// Hidden copies.
    bcc: Option<Vec<Person>>,
    /// The words as HTML.
    html: Option<String>,
    /// The words as plain text.
    text: Option<String>,
    /// Files uploaded before.
    attachments: Option<Vec<u64>>,
    /// The last change the writer has seen: what was said since holds a reply back (409 `stale_reply`).
    last_seen_change: Option<u64>,
    /// Closes the conversation as well.
    and_close: Option<bool>,
    /// The channel it goes out through, one of its inbox; left out, the one the conversation goes through.
    channel: Option<u64>,
    /// Sent as plain text alone.
    plain: Option<bool>,
    /// Not before this time, at most a year away.
    send_at: Option<String>,
    /// A message of this conversation to be passed on under the words. Who gets it does not take part by that.
    forward_of: Option<u64>,
    /// Which of its files go along; left out, all.
    forward_files: Option<Vec<u64>>,
}

/// What was said.
#[derive(Object)]
struct Said {
    /// The message.
    message: MessageView,
    /// Its conversation.
    conversation: ConversationRow,
    /// The snapshot this was read at.
    change: u64,
}

#[derive(ApiResponse)]
enum MessageSaid {
    /// Said.
    #[oai(status = 201)]
    Created(Json<Said>),
}

/// One message.
#[derive(Object)]
struct OneMessage {
    /// The message.
    message: MessageView,
}

#[derive(ApiResponse)]
enum RawMail {
    /// The bytes as received.
    #[oai(status = 200, content_type = "message/rfc822")]
    Bytes(Binary<Body>, #[oai(header = "Content-Disposition")] String),
}

/// A message with what both ways of writing share.
pub(super) fn new_message(
    client_id: String,
    kind: DraftKind,
    html: Option<String>,
    text: Option<String>,
    attachments: Vec<u64>,
) -> NewMessage {
    NewMessage {
        client_id,
        kind: kind.into(),
        to: None,
        cc: Vec::new(),
        bcc: Vec::new(),
        html,
        text,
        attachments: attachments.into_iter().map(AttachmentId).collect(),
        last_seen_change: None,
        and_close: false,
        channel: None,
        plain: false,
        send_at: None,
        forward: None,
    }
}

/// The newest messages before one, at least one and as many as fit.
fn page(
    renderer: &Renderer<'_>,
    id: ConversationId,
    before: Option<MessageId>,
    limit: usize,
) -> poem::Result<MessagePage> {
    let Renderer { desk, rows, who, .. } = *renderer;
    let conversation = conversations::visible(rows, &who.scope, id).map_err(problem)?;
    let found = views::thread(rows, conversation.id, before, limit).map_err(problem)?;
    let suggested = desk.suggested_recipients(rows, &conversation).map_err(problem)?;
    let (mut items, mut weight, mut earlier) = (Vec::new(), 0, found.earlier);
    for message in found.items.iter().rev() {
        if weight > PAGE_BYTES {
            earlier = true;
            break;
        }
        let view = renderer.listed(message)?;
        weight += view.weight();
        items.push(view);
    }
    items.reverse();
    Ok(MessagePage {
        items,
        earlier,
        reply_to: ReplyTo {
            to: people(&suggested.all),
            cc: people(&[suggested.all_cc, suggested.cc.clone()].concat()),
            bcc: people(&suggested.bcc),
            from: suggested.from,
        },
        reply_one: ReplyOne { to: people(&suggested.one), cc: people(&suggested.cc), bcc: people(&suggested.bcc) },
        change: rows.last_change().map_err(broken)?,
    })
}

pub(in crate::http) struct Messages;

#[OpenApi]
impl Messages {
    /// The newest messages of a conversation, or those before one.
    #[oai(path = "/conversations/:id/messages", method = "get", operation_id = "list_messages")]
    async fn list(
        &self,
        caller: Caller,
        id: Path<u64>,
        /// Only messages before this one.
        before: Query<Option<u64>>,
        /// Messages of the page, at most 200.
        limit: Query<Option<usize>>,
    ) -> poem::Result<Json<MessagePage>> {
        let limit = limit.0.unwrap_or(50).clamp(1, MAX_PAGE);
        let page = rendered(caller.state(), caller.who(), move |renderer| {
            page(renderer, ConversationId(id.0), before.0.map(MessageId), limit)
        });
        Ok(Json(page.await?))
    }

    /// One message, whole however long it is.
    #[oai(path = "/messages/:id", method = "get", operation_id = "get_message")]
    async fn get(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OneMessage>> {
        let message = rendered(caller.state(), caller.who(), move |renderer| {
            let (message, _) = renderer.desk.message(renderer.rows, renderer.who, MessageId(id.0)).map_err(problem)?;
            renderer.message(&message)
        });
        Ok(Json(OneMessage { message: message.await? }))
    }

    /// Says something.
    #[oai(path = "/conversations/:id/messages", method = "post", operation_id = "create_message")]
    async fn create(&self, caller: Caller, id: Path<u64>, body: JsonBody<NewMessageBody>) -> poem::Result<MessageSaid> {
        let body = body.0;
        let files = body.attachments.unwrap_or_default();
        let mut new = new_message(body.client_id, body.kind, body.html, body.text, files);
        new.to = body.to.map(into_people);
        new.cc = body.cc.map(into_people).unwrap_or_default();
        new.bcc = body.bcc.map(into_people).unwrap_or_default();
        new.last_seen_change = body.last_seen_change;
        new.and_close = body.and_close.unwrap_or_default();
        new.plain = body.plain.unwrap_or_default();
        new.send_at = body.send_at.map(|at| time("send_at", &at)).transpose()?;
        let files = body.forward_files.map(|files| files.into_iter().map(AttachmentId).collect());
        new.forward = body.forward_of.map(|of| Forward { of: MessageId(of), files });
        new.channel = body.channel.map(ChannelId);
        let said = caller.desk().say(caller.who(), ConversationId(id.0), new).await;
        let (message, conversation) = said.map_err(problem)?;
        let said = rendered(caller.state(), caller.who(), move |renderer| {
            Ok(Said {
                message: renderer.message(&message)?,
                conversation: renderer.row(&conversation)?,
                change: renderer.rows.last_change().map_err(broken)?,
            })
        });
        Ok(MessageSaid::Created(Json(said.await?)))
    }

    /// Takes a message back before it leaves.
    #[oai(path = "/messages/:id/cancel", method = "post", operation_id = "cancel_message")]
    async fn cancel(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OneMessage>> {
        let message = caller.desk().cancel_message(caller.who(), MessageId(id.0)).await.map_err(problem)?;
        let message = rendered(caller.state(), caller.who(), move |renderer| renderer.message(&message));
        Ok(Json(OneMessage { message: message.await? }))
    }

    /// Sends a message now that was to be sent later.
    #[oai(path = "/messages/:id/send_now", method = "post", operation_id = "send_message_now")]
    async fn send_now(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OneMessage>> {
        let message = caller.desk().send_now(caller.who(), MessageId(id.0)).await.map_err(problem)?;
        let message = rendered(caller.state(), caller.who(), move |renderer| renderer.message(&message));
        Ok(Json(OneMessage { message: message.await? }))
    }

    /// Tries again to send a message that was given up.
    #[oai(path = "/messages/:id/retry", method = "post", operation_id = "retry_message")]
    async fn retry(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OneMessage>> {
        let message = caller.desk().retry_message(caller.who(), MessageId(id.0)).await.map_err(problem)?;
        let message = rendered(caller.state(), caller.who(), move |renderer| renderer.message(&message));
        Ok(Json(OneMessage { message: message.await? }))
    }

    /// The mail itself, byte for byte.
    #[oai(path = "/messages/:id/raw", method = "get", operation_id = "get_raw_message")]
    async fn raw(&self, caller: Caller, id: Path<u64>) -> poem::Result<RawMail> {
        let rows = caller.rows()?;
        let (message, _) = caller.desk().message(&rows, caller.who(), MessageId(id.0)).map_err(problem)?;
        let raw = message.raw.ok_or_else(|| problem(Error::NotFound))?;
        let bytes = caller.desk().store.blob(&rows, raw).map_err(broken)?;
        let name = format!("attachment; filename=\"message-{}.eml\"", message.id);
        Ok(RawMail::Bytes(Binary(stream(bytes)), name))
    }
}
