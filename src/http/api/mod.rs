//! The interface under `/api/v1`: one file a resource, its types first, then its operations.
//!
//! A handler asks who it is, reads or calls one desk function, and answers. Types here are the interface's
//! own, converted by hand from the domain's, so that a new field is a decision.

mod agents;
mod attachments;
mod authentication;
mod auto_reply;
mod body;
mod caller;
mod changes;
mod channels;
mod contacts;
mod conversations;
mod counts;
mod doctor;
mod document;
mod domains;
mod drafts;
mod failure;
mod filters;
mod images;
mod inboxes;
mod mailboxes;
mod me;
mod messages;
mod outgoing;
mod render;
mod search;
mod sessions;
mod settings;
mod setup;
mod shown;
mod types;

use std::sync::Arc;

use poem_openapi::OpenApiService;

pub use caller::of_request;
pub use caller::{Caller, SESSION_COOKIE, SESSION_COOKIE_SECURE};
pub use changes::{Again, CaughtUp, Frame, Hello, Ping, frames_after};
pub use document::document;
pub(in crate::http) use document::parts;
pub use images::Images;
pub use shown::Shown;

use crate::desk::Desk;

/// What the operations share.
pub struct State {
    /// The rules and the store.
    pub desk: Arc<Desk>,
    /// The search index.
    pub search: Arc<crate::search::Indexer>,
    /// Cleaned HTML of messages that were looked at lately, and who renders when.
    pub shown: Shown,
    /// Whether people come by https: cookies are marked Secure then.
    pub secure: bool,
    /// Sends a trial mail through a relay, or directly.
    pub try_relay: TryRelay,
    /// Tries whether a mailbox elsewhere can be read.
    pub check_mailbox: CheckMailbox,
    /// Asks the domain name system about a domain.
    pub examine: Examine,
    /// Fetches images that mails refer to.
    pub images: Images,
    /// Most bytes of one upload.
    pub max_upload_bytes: u64,
}

/// Sends a trial mail: given by whoever knows how mail leaves.
pub type TryRelay = Box<
    dyn Fn(
            Option<crate::desk::workspace::Relay>,
            String,
        ) -> futures_util::future::BoxFuture<'static, crate::desk::sending::Outcome>
        + Send
        + Sync,
>;

/// Tries a mailbox elsewhere: given by whoever knows how it is read.
pub type CheckMailbox = Box<
    dyn Fn(
            crate::desk::mailboxes::Account,
        ) -> futures_util::future::BoxFuture<'static, crate::channels::email::imap::Checked>
        + Send
        + Sync,
>;

/// Looks at a domain that takes mail here or not and sends through a relay or not.
pub type Examine = Box<
    dyn Fn(
            crate::domain::MailDomain,
            bool,
            Option<crate::desk::workspace::Relay>,
        ) -> futures_util::future::BoxFuture<'static, crate::channels::email::doctor::Examined>
        + Send
        + Sync,
>;

/// The groups of operations, at most 16 in one.
type Groups = (
    (sessions::Sessions, me::Me, setup::SetupApi, mailboxes::Mailboxes),
    (agents::Agents, inboxes::Inboxes, channels::Channels, domains::Domains, doctor::Doctor, settings::Settings),
    (
        conversations::Conversations,
        messages::Messages,
        drafts::Drafts,
        attachments::Attachments,
        images::ImagesApi,
        outgoing::OutgoingApi,
    ),
    (contacts::Contacts, filters::FiltersApi, search::Search, counts::CountsApi, changes::Changes),
);

/// The service with all operations and its document.
pub(in crate::http) fn service() -> OpenApiService<Groups, ()> {
    let groups = (
        (sessions::Sessions, me::Me, setup::SetupApi, mailboxes::Mailboxes),
        (agents::Agents, inboxes::Inboxes, channels::Channels, domains::Domains, doctor::Doctor, settings::Settings),
        (
            conversations::Conversations,
            messages::Messages,
            drafts::Drafts,
            attachments::Attachments,
            images::ImagesApi,
            outgoing::OutgoingApi,
        ),
        (contacts::Contacts, filters::FiltersApi, search::Search, counts::CountsApi, changes::Changes),
    );
    OpenApiService::new(groups, "Frontdesk", "1").server("/api/v1").description(
        "One inbox for a team's mail. Ids are integers, times are RFC 3339 in UTC, errors are problems (RFC 9457) with a stable code. The answer to each GET says in `Frontdesk-Change` which change it holds: ask `/changes` or `/live` for what came after it.",
    )
}
