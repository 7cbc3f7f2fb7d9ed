//! Every rule that writes, one file a family: functions over a `Writer`, actor and input in, result out.
//!
//! [`Desk`] is what channels and http hold: each of its methods is one thing that happens, in one
//! transaction. Never a network call, a channel or HTTP. What is to be sent is said here; how is the
//! channel's.

pub mod access;
pub mod agents;
pub mod attachments;
pub mod authenticating;
pub mod auto_reply;
pub mod bounces;
mod brake;
pub mod channels;
pub mod contacts;
pub mod conversations;
pub mod domains;
pub mod drafts;
mod enclosing;
mod error;
mod events;
pub mod export;
pub mod filing;
pub mod filters;
mod forwarding;
pub mod idempotency;
pub mod import;
pub mod inbound;
pub mod inboxes;
mod letters;
pub mod mailboxes;
pub mod outgoing;
pub mod polling;
pub mod reading;
mod recipients;
pub mod replies;
pub mod retention;
mod said;
mod scheduled;
mod senders;
pub mod sending;
pub mod setup;
pub mod threading;
mod undo;
pub mod views;
pub mod words;
pub mod workspace;
mod writing;

use std::sync::Arc;

pub use access::Who;
pub use error::{Error, Result};
pub use recipients::Suggested;

use crate::base::{Clock, Timestamp};
use crate::domain::Actor;
use crate::store::Store;

/// Seconds in which a reply can be taken back.
pub const UNDO_SECONDS: i64 = 10;

/// The rules, with what they need: the store, the time, the installation's host name.
pub struct Desk {
    /// The store.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Clock,
    /// The host name of fallback and reply addresses, lower case.
    pub hostname: String,
    /// Signing in.
    pub access: access::Access,
    /// How mail leaves, when the configuration file says it.
    pub configured_relay: Option<workspace::Relay>,
    /// DKIM signers that were made.
    pub signers: domains::Signers,
    /// The key that seals secrets in the store.
    pub seal: workspace::Seal,
}

/// When something happens, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
}

impl Desk {
    /// Now, by `actor`.
    pub fn act(&self, actor: Actor) -> Act {
        Act { at: self.clock.now(), actor }
    }
}
