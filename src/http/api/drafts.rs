//! Drafts: what the asker has begun to write in a conversation.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::types::{AttachmentView, DraftKind, Person, into_people, people};
use crate::desk::Error;
use crate::desk::drafts::{self, DraftContent};
use crate::domain::draft::Forward;
use crate::domain::{Attachment, AttachmentId, ConversationId, Draft, MessageId};
use crate::store::{Reader, Rows};

/// Something begun and not yet sent.
#[derive(Object)]
struct DraftView {
    /// Id.
    id: u64,
    /// Grows by one with every save.
    revision: u64,
    /// What it will be.
    kind: DraftKind,
    /// Recipients, when they were changed.
    to: Option<Vec<Person>>,
    /// Copies.
    cc: Option<Vec<Person>>,
    /// Hidden copies.
    bcc: Option<Vec<Person>>,
    /// The words as HTML.
    html: Option<String>,
    /// The words as plain text.
    text: Option<String>,
    /// Files.
    attachments: Vec<AttachmentView>,
    /// The message it passes on.
    forward_of: Option<u64>,
    /// Which of its files go along; none means all.
    forward_files: Option<Vec<u64>>,
    /// When it was last saved.
    updated_at: String,
}

/// What to save.
#[derive(Object)]
struct DraftBody {
    /// Recipients, when they were changed.
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
    /// The message it passes on.
    forward_of: Option<u64>,
    /// Which of its files go along; left out, all.
    forward_files: Option<Vec<u64>>,
    /// The revision this was written on; the newest save wins all the same.
    base_revision: Option<u64>,
}

/// One draft.
#[derive(Object)]
struct OneDraft {
    /// The draft.
    draft: DraftView,
    /// Whether somebody else's save, on another device, was written over.
    overwrote: bool,
    /// The snapshot this was read at.
    change: u64,
}

#[derive(ApiResponse)]
enum DraftDropped {
    /// Dropped, or there was none.
    #[oai(status = 204)]
    Done,
}

fn view(rows: &Reader, draft: Draft) -> poem::Result<DraftView> {
    let mut attachments = Vec::new();
    for id in &draft.attachments {
        if let Some(file) = rows.find::<Attachment>(*id).map_err(broken)? {
            attachments.push(AttachmentView::from(&file));
        }
    }
    Ok(DraftView {
        id: draft.id.0,
        revision: draft.revision,
        kind: draft.kind.into(),
        to: draft.to.as_deref().map(people),
        cc: draft.cc.as_deref().map(people),
        bcc: draft.bcc.as_deref().map(people),
        html: draft.html,
        text: draft.text,
        attachments,
        forward_of: draft.forward.as_ref().map(|forward| forward.of.0),
        forward_files: draft.forward.and_then(|forward| Some(forward.files?.into_iter().map(|id| id.0).collect())),
        updated_at: draft.updated_at.rfc3339(),
    })
}

pub(in crate::http) struct Drafts;

#[OpenApi]
impl Drafts {
    /// The asker's draft in a conversation.
    #[oai(path = "/conversations/:id/draft", method = "get", operation_id = "get_draft")]
    async fn get(&self, caller: Caller, id: Path<u64>, kind: Query<DraftKind>) -> poem::Result<Json<OneDraft>> {
        let rows = caller.rows()?;
        let conversation = caller.conversation(&rows, id.0)?;
        let found = drafts::find(&rows, caller.who().agent.id, Some(conversation.id), kind.0.into());
        let draft = found.map_err(problem)?.ok_or_else(|| problem(Error::NotFound))?;
        let change = rows.last_change().map_err(broken)?;
        Ok(Json(OneDraft { draft: view(&rows, draft)?, overwrote: false, change }))
    }

    /// Saves the asker's draft; the newest save wins.
    #[oai(path = "/conversations/:id/draft", method = "put", operation_id = "save_draft")]
    async fn save(
        &self,
        caller: Caller,
        id: Path<u64>,
        kind: Query<DraftKind>,
        body: JsonBody<DraftBody>,
    ) -> poem::Result<Json<OneDraft>> {
        let body = body.0;
        let files = body.forward_files.map(|files| files.into_iter().map(AttachmentId).collect());
        let forward = body.forward_of.map(|of| Forward { of: MessageId(of), files });
        let content = DraftContent {
            to: body.to.map(into_people),
            cc: body.cc.map(into_people),
            bcc: body.bcc.map(into_people),
            html: body.html,
            text: body.text,
            attachments: body.attachments.unwrap_or_default().into_iter().map(AttachmentId).collect(),
            forward,
        };
        let desk = caller.desk();
        let saved = desk.save_draft(caller.who(), ConversationId(id.0), kind.0.into(), content).await;
        let draft = saved.map_err(problem)?;
        let overwrote = body.base_revision.is_some_and(|base| base + 1 != draft.revision);
        let rows = caller.rows()?;
        let change = rows.last_change().map_err(broken)?;
        Ok(Json(OneDraft { draft: view(&rows, draft)?, overwrote, change }))
    }

    /// Drops the asker's draft.
    #[oai(path = "/conversations/:id/draft", method = "delete", operation_id = "delete_draft")]
    async fn delete(&self, caller: Caller, id: Path<u64>, kind: Query<DraftKind>) -> poem::Result<DraftDropped> {
        let dropped = caller.desk().drop_draft(caller.who(), ConversationId(id.0), kind.0.into()).await;
        dropped.map_err(problem)?;
        Ok(DraftDropped::Done)
    }
}
