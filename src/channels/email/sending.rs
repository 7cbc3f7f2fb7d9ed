//! Sending replies: the queue's job, carried out through the relay.

use std::sync::Arc;
use std::time::Duration;

use super::address::Mailbox;
use super::delivery::{self, DeliveryTimeouts, OutgoingEnvelope, deliver};
use crate::base::{Secret, random};
use crate::desk::sending::{Outcome, OutcomeKind};
use crate::desk::workspace::Relay;
use crate::desk::{Desk, Error};
use crate::domain::JobId;
use crate::domain::workspace::RelayTls;
use crate::jobs::Work;
use crate::mail::build::{Outgoing, build};
use crate::mail::parse::Address;

/// Longest one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Longest a trial from the settings page may take.
const TRIAL_LIMIT: Duration = Duration::from_secs(30);

/// Sends what the queue says.
pub struct Sending {
    desk: Arc<Desk>,
}

impl Sending {
    /// Sends for `desk`.
    pub fn new(desk: Arc<Desk>) -> Sending {
        Sending { desk }
    }
}

impl Work for Sending {
    async fn run(&self, job: JobId) -> Result<(), String> {
        let words = |error: Error| error.to_string();
        let Some(plan) = self.desk.begin_sending(job).await.map_err(words)? else { return Ok(()) };
        let (relay, raw) = {
            let rows = self.desk.store.read().map_err(|error| error.to_string())?;
            let relay = self.desk.relay(&rows);
            let raw = self.desk.store.blob(&rows, plan.raw).and_then(|blob| blob.into_bytes());
            (relay, raw.map_err(|error| error.to_string())?)
        };
        let outcomes = match relay {
            Ok((_, Some(relay))) => send(&self.desk, relay, &plan.from, &plan.recipients, &raw, TRY_LIMIT).await,
            Ok((_, None)) => vec![error("No relay for outgoing mail is set.")],
            Err(refused) => vec![error(&refused.to_string())],
        };
        self.desk.record_sending(job, outcomes).await.map_err(words)
    }
}

/// Sends a trial mail through `relay` and tells what the remote server said.
pub async fn try_relay(desk: &Desk, relay: Relay, to: String) -> Outcome {
    let host = desk.hostname.clone();
    let from = format!("postmaster@{host}");
    let mail = Outgoing {
        from: Address { name: Some(String::from("Frontdesk")), email: from.clone() },
        to: vec![Address { name: None, email: to.clone() }],
        subject: format!("A trial from {host}"),
        text: String::from("Outgoing mail works: this came through the relay.\n"),
        message_id: format!("{}@{host}", random::token()),
        date_ms: desk.clock.now().millis(),
        headers: vec![(String::from("Auto-Submitted"), String::from("auto-generated"))],
        ..Outgoing::default()
    };
    let Ok(raw) = build(&mail) else { return error("This address cannot be written to.") };
    let outcomes = send(desk, relay, &from, &[to], &raw, TRIAL_LIMIT).await;
    outcomes.into_iter().next().unwrap_or_else(|| error("Nothing was sent."))
}

/// Makes one try.
async fn send(
    desk: &Desk,
    relay: Relay,
    from: &str,
    recipients: &[String],
    raw: &[u8],
    limit: Duration,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut good = Vec::new();
    for recipient in recipients {
        match Mailbox::parse(recipient) {
            Ok(mailbox) => good.push((recipient.clone(), mailbox)),
            Err(_) => outcomes.push(Outcome {
                recipient: Some(recipient.clone()),
                kind: OutcomeKind::Refused,
                reply: String::from("This is not an address."),
            }),
        }
    }
    let envelope = OutgoingEnvelope {
        from: Mailbox::parse(from).ok(),
        recipients: good.iter().map(|(_, mailbox)| mailbox.clone()).collect(),
    };
    let relay = relay_of(desk, relay);
    let Ok(results) = tokio::time::timeout(limit, deliver(&relay, &envelope, raw)).await else {
        outcomes.push(error("The relay took too long."));
        return outcomes;
    };
    for result in results {
        let recipient = good.iter().find(|(_, mailbox)| *mailbox == result.recipient).map(|(text, _)| text.clone());
        let kind = match result.outcome {
            delivery::Outcome::Accepted => OutcomeKind::Accepted,
            delivery::Outcome::Deferred => OutcomeKind::Deferred,
            delivery::Outcome::Refused => OutcomeKind::Refused,
            delivery::Outcome::Error => OutcomeKind::Error,
        };
        outcomes.push(Outcome { recipient, kind, reply: result.reply });
    }
    outcomes
}

fn relay_of(desk: &Desk, relay: Relay) -> delivery::Relay {
    delivery::Relay {
        host: relay.host,
        port: relay.port,
        tls: match relay.tls {
            RelayTls::Required => delivery::RelayTls::Required,
            RelayTls::StartTls => delivery::RelayTls::StartTls,
            RelayTls::None => delivery::RelayTls::None,
        },
        credentials: relay.credentials.map(|(user, password): (String, Secret)| (user, password)),
        hello_name: desk.hostname.clone(),
        extra_roots: Vec::new(),
        timeouts: DeliveryTimeouts::default(),
    }
}

fn error(words: &str) -> Outcome {
    Outcome { recipient: None, kind: OutcomeKind::Error, reply: String::from(words) }
}
