//! Filters: who is let in, who is kept out, which kinds of mail are set aside.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::render::ConversationRow;
use super::shown::rendered;
use crate::desk::{Error, filters};
use crate::domain::filter::{self, Kinds};
use crate::domain::{ConversationId, Inbox, InboxId};
use crate::store::{Reader, Rows};

/// Kinds of mail that are set aside, each a switch.
#[derive(Object)]
struct FilterKinds {
    /// Automatic replies.
    automatic: bool,
    /// Bulk mail and mailing lists.
    bulk: bool,
    /// Senders that are machines by name.
    role: bool,
    /// Mail that offers to unsubscribe.
    unsubscribe: bool,
}

/// The filters of the workspace, or of an inbox.
#[derive(Object)]
struct FiltersView {
    /// Addresses and domains that are never set aside.
    allow: Vec<String>,
    /// Addresses and domains that are kept out.
    deny: Vec<String>,
    /// Kinds that are set aside; an inbox without follows the workspace.
    kinds: Option<FilterKinds>,
    /// The snapshot this was read at.
    change: u64,
}

/// The filters to be.
#[derive(Object)]
struct FiltersBody {
    /// Addresses and domains that are never set aside.
    allow: Vec<String>,
    /// Addresses and domains that are kept out.
    deny: Vec<String>,
    /// Kinds that are set aside; left out for an inbox, it follows the workspace.
    kinds: Option<FilterKinds>,
}

/// A conversation, as it is now.
#[derive(Object)]
struct Blocked {
    /// The conversation.
    conversation: ConversationRow,
}

impl From<Kinds> for FilterKinds {
    fn from(kinds: Kinds) -> FilterKinds {
        let Kinds { automatic, bulk, role, unsubscribe } = kinds;
        FilterKinds { automatic, bulk, role, unsubscribe }
    }
}

impl From<FilterKinds> for Kinds {
    fn from(kinds: FilterKinds) -> Kinds {
        let FilterKinds { automatic, bulk, role, unsubscribe } = kinds;
        Kinds { automatic, bulk, role, unsubscribe }
    }
}

fn view(rows: &Reader, inbox: Option<InboxId>) -> poem::Result<Json<FiltersView>> {
    let filter::Filters { allow, deny, kinds } = filters::of(rows, inbox).map_err(problem)?;
    let kinds = if inbox.is_none() { Some(kinds.unwrap_or_default()) } else { kinds };
    let change = rows.last_change().map_err(broken)?;
    Ok(Json(FiltersView { allow, deny, kinds: kinds.map(Into::into), change }))
}

pub(in crate::http) struct FiltersApi;

#[OpenApi]
impl FiltersApi {
    /// The filters of the workspace, or of an inbox.
    #[oai(path = "/filters", method = "get", operation_id = "get_filters")]
    async fn get(&self, caller: Caller, inbox: Query<Option<u64>>) -> poem::Result<Json<FiltersView>> {
        caller.who().must_manage().map_err(problem)?;
        let (rows, inbox) = (caller.rows()?, inbox.0.map(InboxId));
        if let Some(inbox) = inbox {
            rows.find::<Inbox>(inbox).map_err(broken)?.ok_or_else(|| problem(Error::NotFound))?;
        }
        view(&rows, inbox)
    }

    /// Sets the filters of the workspace, or of an inbox.
    #[oai(path = "/filters", method = "put", operation_id = "set_filters")]
    async fn set(
        &self,
        caller: Caller,
        inbox: Query<Option<u64>>,
        body: JsonBody<FiltersBody>,
    ) -> poem::Result<Json<FiltersView>> {
        let FiltersBody { allow, deny, kinds } = body.0;
        let (inbox, kinds) = (inbox.0.map(InboxId), kinds.map(Into::into));
        let set = caller.desk().set_filters(caller.who(), inbox, filter::Filters { allow, deny, kinds }).await;
        set.map_err(problem)?;
        view(&caller.rows()?, inbox)
    }

    /// Keeps the sender of a conversation out from now on; the conversation goes to the spam.
    #[oai(path = "/conversations/:id/block", method = "post", operation_id = "block_sender")]
    async fn block(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<Blocked>> {
        let done = caller.desk().block_sender(caller.who(), ConversationId(id.0)).await.map_err(problem)?;
        let row = rendered(caller.state(), caller.who(), move |renderer| renderer.row(&done));
        Ok(Json(Blocked { conversation: row.await? }))
    }
}
