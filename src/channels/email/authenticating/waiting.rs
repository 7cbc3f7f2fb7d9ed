//! How long filing waits for what is found out about a mail, and finding it out later.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{Authenticator, Verified};
use crate::desk::authenticating::Found;
use crate::desk::{Desk, Error};
use crate::domain::authentication::{Authentication, Peer};
use crate::domain::{Incoming, JobId};
use crate::mail::address::contact_key;
use crate::mail::parse::Address;

/// Longest that a mail waits for its verdict before it is shown without.
const AT_ONCE: Duration = Duration::from_millis(300);
/// Longest that one waits which would join a conversation.
const BEFORE_JOINING: Duration = Duration::from_secs(3);
/// Bytes above which hashing a mail would hold others up.
const LARGE: usize = 1 << 20;

/// A question that is being answered while the mail is read.
pub struct Asked {
    task: AbortOnDropHandle<Verified>,
    peer: Peer,
    since: Instant,
}

impl Authenticator {
    /// Begins to find out about a mail; none where it is not known who handed it over.
    pub fn ask(self: &Arc<Authenticator>, incoming: &Incoming, raw: &Bytes) -> Option<Asked> {
        let helo = match &incoming.helo {
            Some(helo) if incoming.peer.is_some() => helo.clone(),
            _ if incoming.fetched => String::new(),
            _ => return None,
        };
        let peer = Peer { address: incoming.peer, helo, mail_from: incoming.mail_from.clone() };
        Some(Asked { task: self.begin(raw.clone(), peer.clone()), peer, since: Instant::now() })
    }

    #[expect(clippy::disallowed_methods, reason = "who asks waits for the end, or brings it about by going away")]
    fn begin(self: &Arc<Authenticator>, raw: Bytes, peer: Peer) -> AbortOnDropHandle<Verified> {
        let this = Arc::clone(self);
        AbortOnDropHandle::new(if raw.len() > LARGE {
            let runtime = Handle::current();
            tokio::task::spawn_blocking(move || runtime.block_on(this.verify(&raw, &peer)))
        } else {
            tokio::spawn(async move { this.verify(&raw, &peer).await })
        })
    }
}

impl Asked {
    /// What was found out in time. `from` is who the mail is from as it was read; `joins` is asked when the answer is
    /// late.
    pub async fn answer(mut self, from: &[Address], joins: impl FnOnce() -> bool) -> Found {
        let mut answer = tokio::time::timeout_at(self.since + AT_ONCE, &mut self.task).await;
        if answer.is_err() && joins() {
            answer = tokio::time::timeout_at(self.since + BEFORE_JOINING, &mut self.task).await;
        }
        match answer {
            Ok(done) => found(done.unwrap_or_else(broken), author(from)),
            Err(_) => Found { authentication: Authentication::checking(self.peer), ..Found::default() },
        }
    }
}

/// Finds out later what took too long.
pub struct Checking {
    /// The desk.
    pub desk: Arc<Desk>,
    /// Who finds out.
    pub authenticator: Arc<Authenticator>,
    /// When the program ends: what is not known by then is asked again when it has started.
    pub stop: CancellationToken,
}

impl Checking {
    /// Does one job.
    ///
    /// # Errors
    /// In words; the job is tried again.
    pub async fn run(&self, job: JobId) -> Result<(), String> {
        let words = |error: Error| error.to_string();
        let Some(open) = self.desk.begin_authenticating(job).await.map_err(words)? else { return Ok(()) };
        let raw = {
            let rows = self.desk.store.read().map_err(|error| error.to_string())?;
            let blob = self.desk.store.blob(&rows, open.raw).and_then(|blob| blob.into_bytes());
            Bytes::from(blob.map_err(|error| error.to_string())?)
        };
        let verified = tokio::select! {
            done = self.authenticator.begin(raw, open.peer) => done.unwrap_or_else(broken),
            () = self.stop.cancelled() => return Ok(()),
        };
        let author = open.from.as_deref().and_then(domain);
        self.desk.record_authentication(job, found(verified, author)).await.map_err(words)
    }
}

/// A panic costs the verdict and nothing else.
fn broken(error: tokio::task::JoinError) -> Verified {
    tracing::error!(%error, "nothing could be found out about the sender of a mail");
    Verified::default()
}

/// The verdict is about the domain that people see, or about nobody.
fn found(verified: Verified, author: Option<String>) -> Found {
    let Verified { mut authentication, results, author: other } = verified;
    let disagrees = !results.is_empty() && author != other;
    if disagrees {
        authentication.verdict = crate::domain::Verdict::None;
    }
    Found { authentication, results, disagrees }
}

/// The domain of the only mailbox in From.
fn author(from: &[Address]) -> Option<String> {
    match from {
        [only] => domain(&only.email),
        _ => None,
    }
}

fn domain(email: &str) -> Option<String> {
    contact_key(email).rsplit_once('@').map(|(_, domain)| domain.to_owned())
}
