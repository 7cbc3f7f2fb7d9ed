//! Contacts: who somebody is, and what was said with them before.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::conversations::renderer;
use super::failure::{broken, problem};
use super::render::ConversationRow;
use crate::desk::Error;
use crate::desk::views::{self, ListQuery};
use crate::domain::contact::IdentityKind;
use crate::domain::{self, ContactId};
use crate::store::Rows;

/// Conversations listed beside a contact.
const LISTED: usize = 50;

/// One way a contact is known.
#[derive(Object)]
struct IdentityView {
    /// `email`.
    kind: String,
    /// As it was written.
    value: String,
    /// Whether it was verified.
    verified: bool,
}

/// A known person outside.
#[derive(Object)]
struct ContactView {
    /// Id.
    id: u64,
    /// Name, if one is known.
    name: Option<String>,
    /// How they are reached.
    identities: Vec<IdentityView>,
    /// When they first wrote.
    created_at: String,
    /// All conversations with them that the asker may see.
    conversation_count: u64,
}

/// A contact and what was said before.
#[derive(Object)]
struct OneContact {
    /// The contact.
    contact: ContactView,
    /// Newest activity first, at most 50.
    conversations: Vec<ConversationRow>,
    /// The snapshot this was read at.
    change: u64,
}

/// What to change.
#[derive(Object)]
struct ContactPatch {
    /// The name shown; empty for what their mail says.
    #[oai(validator(max_length = 400))]
    name: String,
}

pub(in crate::http) struct Contacts;

#[OpenApi]
impl Contacts {
    /// A contact and what was said before. It is there for whoever may see one of its conversations.
    #[oai(path = "/contacts/:id", method = "get", operation_id = "get_contact")]
    async fn get(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<OneContact>> {
        let rows = caller.rows()?;
        let contact: domain::Contact =
            rows.find(ContactId(id.0)).map_err(broken)?.ok_or_else(|| problem(Error::NotFound))?;
        let query = ListQuery { contact: Some(contact.id), ..ListQuery::default() };
        let page = views::list(&rows, &caller.who().scope, &query, None, LISTED).map_err(problem)?;
        if page.items.is_empty() {
            return Err(problem(Error::NotFound));
        }
        let renderer = renderer(&caller, &rows);
        let conversations: Vec<ConversationRow> =
            page.items.iter().map(|conversation| renderer.row(conversation)).collect::<poem::Result<_>>()?;
        let count = views::count_with(&rows, &caller.who().scope, contact.id).map_err(problem)?;
        let identity = |identity: &domain::contact::Identity| IdentityView {
            kind: match identity.kind {
                IdentityKind::Email => String::from("email"),
            },
            value: identity.shown.clone(),
            verified: identity.verified_at.is_some(),
        };
        Ok(Json(OneContact {
            contact: ContactView {
                id: contact.id.0,
                name: conversations.first().and_then(|newest| newest.contact.name.clone()),
                identities: contact.identities.iter().map(identity).collect(),
                created_at: contact.created_at.rfc3339(),
                conversation_count: count as u64,
            },
            conversations,
            change: rows.last_change().map_err(broken)?,
        }))
    }

    /// Sets the name shown.
    #[oai(path = "/contacts/:id", method = "patch", operation_id = "update_contact")]
    async fn update(
        &self,
        caller: Caller,
        id: Path<u64>,
        body: JsonBody<ContactPatch>,
    ) -> poem::Result<Json<OneContact>> {
        caller.desk().rename_contact(caller.who(), ContactId(id.0), body.0.name).await.map_err(problem)?;
        self.get(caller, id).await
    }
}
