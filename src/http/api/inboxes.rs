//! Inboxes.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use crate::desk::inboxes::InboxPatch;
use crate::desk::views;
use crate::domain::{Inbox, InboxId};
use crate::store::{Reader, Rows};

/// A named place where conversations live.
#[derive(Object)]
struct InboxView {
    /// Id.
    id: u64,
    /// Name.
    name: String,
    /// The address it always has.
    fallback_address: String,
    /// The name in From, when it is not "Agent, Inbox".
    from_name: Option<String>,
    /// Its open conversations that the asker may see; for who sees only their own it stops at 100.
    open_count: u64,
}

/// All inboxes the asker may see.
#[derive(Object)]
struct InboxList {
    /// In order of their names.
    items: Vec<InboxView>,
    /// The snapshot this was read at.
    change: u64,
}

/// A new inbox.
#[derive(Object)]
struct NewInbox {
    /// Name.
    #[oai(validator(max_length = 200))]
    name: String,
    /// What stands before the @; made from the name when it is not given.
    #[oai(validator(max_length = 64))]
    fallback_local_part: Option<String>,
}

/// What to change.
#[derive(Object)]
struct InboxPatchBody {
    /// Name.
    #[oai(validator(max_length = 200))]
    name: Option<String>,
    /// What stands before the @.
    #[oai(validator(max_length = 64))]
    fallback_local_part: Option<String>,
    /// The name in From; empty for "Agent, Inbox".
    #[oai(validator(max_length = 200))]
    from_name: Option<String>,
}

#[derive(ApiResponse)]
enum InboxAdded {
    /// Added.
    #[oai(status = 201)]
    Created(Json<InboxView>),
}

fn view(caller: &Caller, rows: &Reader, inbox: &Inbox) -> poem::Result<InboxView> {
    let open = views::open_in(rows, &caller.who().scope, inbox.id).map_err(problem)?;
    Ok(InboxView {
        id: inbox.id.0,
        name: inbox.name.clone(),
        fallback_address: caller.desk().fallback_address(inbox),
        from_name: inbox.from_name.clone(),
        open_count: open as u64,
    })
}

pub(in crate::http) struct Inboxes;

#[OpenApi]
impl Inboxes {
    /// All inboxes the asker may see.
    #[oai(path = "/inboxes", method = "get", operation_id = "list_inboxes")]
    async fn list(&self, caller: Caller) -> poem::Result<Json<InboxList>> {
        let rows = caller.rows()?;
        let mut inboxes = rows.all::<Inbox>().map_err(broken)?;
        inboxes.retain(|inbox| caller.who().scope.has_inbox(inbox.id));
        inboxes.sort_by_key(|inbox| (inbox.name.to_lowercase(), inbox.id));
        let items = inboxes.iter().map(|inbox| view(&caller, &rows, inbox)).collect::<poem::Result<_>>()?;
        Ok(Json(InboxList { items, change: rows.last_change().map_err(broken)? }))
    }

    /// Adds an inbox.
    #[oai(path = "/inboxes", method = "post", operation_id = "create_inbox")]
    async fn create(&self, caller: Caller, body: JsonBody<NewInbox>) -> poem::Result<InboxAdded> {
        let added = caller.desk().add_inbox(caller.who(), body.0.name, body.0.fallback_local_part).await;
        let inbox = added.map_err(problem)?;
        Ok(InboxAdded::Created(Json(view(&caller, &caller.rows()?, &inbox)?)))
    }

    /// Changes an inbox.
    #[oai(path = "/inboxes/:id", method = "patch", operation_id = "update_inbox")]
    async fn update(
        &self,
        caller: Caller,
        id: Path<u64>,
        body: JsonBody<InboxPatchBody>,
    ) -> poem::Result<Json<InboxView>> {
        let InboxPatchBody { name, fallback_local_part: local_part, from_name } = body.0;
        let patch = InboxPatch { name, local_part, from_name };
        let inbox = caller.desk().update_inbox(caller.who(), InboxId(id.0), patch).await.map_err(problem)?;
        Ok(Json(view(&caller, &caller.rows()?, &inbox)?))
    }
}
