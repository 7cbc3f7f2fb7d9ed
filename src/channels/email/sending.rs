//! Sending: the queue's job, carried out through a relay or straight to the recipients' servers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::address::Mailbox;
use super::delivery::direct::{Direct, Unreachable};
use super::delivery::{self, DeliveryTimeouts, OutgoingEnvelope, Pool, RecipientResult, Security, Server, deliver};
use crate::base::random;
use crate::config::Cidr;
use crate::desk::sending::{Outcome, OutcomeKind};
use crate::desk::workspace::Relay;
use crate::desk::{Desk, Error};
use crate::domain::JobId;
use crate::domain::workspace::RelayTls;
use crate::mail::build::{Outgoing, build};
use crate::mail::parse::Address;
use crate::net::Resolver;

/// Longest one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Longest a trial from the settings page may take.
const TRIAL_LIMIT: Duration = Duration::from_secs(30);
/// Mails under way at once to one relay or to one domain.
const TO_ONE: usize = 20;
/// How long mails under way have to come to their end when the program stops.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How often connections that wait for more mail are looked at.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// Sends what the queue says.
pub struct Sending {
    desk: Arc<Desk>,
    direct: Direct,
    pool: Pool,
    slots: Slots,
    stop: CancellationToken,
}

/// How many mails are under way to each relay and domain.
#[derive(Default)]
struct Slots(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Slots {
    /// Waits for a place among those that send to `place`.
    async fn take(&self, place: &str) -> Option<OwnedSemaphorePermit> {
        let slots = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody is under way there and nobody waits: each of them would hold it too.
            all.retain(|_, slots| Arc::strong_count(slots) > 1);
            Arc::clone(all.entry(place.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(TO_ONE))))
        };
        slots.acquire_owned().await.ok()
    }
}

impl Sending {
    /// Sends for `desk` until `stop`. `networks` may be reached beside the public internet.
    pub fn new(desk: Arc<Desk>, resolver: Resolver, networks: &[Cidr], ipv6: bool, stop: CancellationToken) -> Sending {
        let direct = Direct {
            resolver,
            hello_name: desk.hostname.clone(),
            networks: networks.into(),
            ipv6,
            timeouts: DeliveryTimeouts::default(),
            unreachable: Arc::new(Unreachable::new(desk.clock.clone())),
        };
        Sending { desk, direct, pool: Pool::default(), slots: Slots::default(), stop }
    }

    /// Closes connections that nothing more is sent on, until the end.
    pub async fn tidy(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            self.pool.tidy(false).await;
            tokio::select! {
                () = tokio::time::sleep(TIDY_EVERY) => {}
                () = self.stop.cancelled() => {}
            }
        }
        self.pool.tidy(true).await;
    }

    /// Sends a trial mail, through `relay` or directly, and tells what the remote server said.
    pub async fn trial(&self, relay: Option<Relay>, to: String) -> Outcome {
        let host = self.desk.hostname.clone();
        let from = format!("postmaster@{host}");
        let mail = Outgoing {
            from: Address { name: Some(String::from("Frontdesk")), email: from.clone() },
            to: vec![Address { name: None, email: to.clone() }],
            subject: format!("A trial from {host}"),
            text: String::from("Outgoing mail works: this is how it arrives.\n"),
            message_id: format!("{}@{host}", random::token()),
            date_ms: self.desk.clock.now().millis(),
            headers: vec![(String::from("Auto-Submitted"), String::from("auto-generated"))],
            ..Outgoing::default()
        };
        let Ok(raw) = build(&mail) else { return error("This address cannot be written to.") };
        let raw = self.desk.store.read().map_err(Error::from).and_then(|rows| self.desk.sign(&rows, &host, raw));
        let raw = match raw {
            Ok(raw) => raw,
            Err(refused) => return error(&refused.to_string()),
        };
        let outcomes = self.send(relay.as_ref(), Some(&from), &[to], &raw, true, TRIAL_LIMIT).await;
        outcomes.into_iter().next().unwrap_or_else(|| error("Nothing was sent."))
    }

    /// Makes one try for all of `recipients`.
    async fn send(
        &self,
        relay: Option<&Relay>,
        from: Option<&str>,
        recipients: &[String],
        raw: &[u8],
        insist: bool,
        limit: Duration,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut groups: BTreeMap<String, Vec<(String, Mailbox)>> = BTreeMap::new();
        for recipient in recipients {
            match Mailbox::parse(recipient) {
                Ok(mailbox) => {
                    let place = relay.map_or_else(|| mailbox.domain().to_owned(), |relay| relay.host.clone());
                    groups.entry(place).or_default().push((recipient.clone(), mailbox));
                }
                Err(_) => outcomes.push(Outcome {
                    recipient: Some(recipient.clone()),
                    kind: OutcomeKind::Refused,
                    reply: String::from("This is not an address."),
                }),
            }
        }
        let from = from.and_then(|from| Mailbox::parse(from).ok());
        let tries = groups.iter().map(|(place, group)| async {
            let envelope = OutgoingEnvelope {
                from: from.clone(),
                recipients: group.iter().map(|(_, mailbox)| mailbox.clone()).collect(),
            };
            let sent = async {
                let _place = self.slots.take(place).await;
                match relay {
                    Some(relay) => deliver(&server_of(&self.desk, relay), &envelope, raw, Some(&self.pool)).await,
                    None => self.direct.deliver(place, &envelope, raw, &self.pool, insist).await,
                }
            };
            match tokio::time::timeout(limit, sent).await {
                Ok(results) => results.into_iter().filter_map(|result| outcome(group, result)).collect::<Vec<_>>(),
                Err(_) => group.iter().map(|(email, _)| late(email)).collect(),
            }
        });
        outcomes.extend(futures_util::future::join_all(tries).await.into_iter().flatten());
        outcomes
    }
}

impl Sending {
    /// Some seconds after the program was told to stop: what was nearly done is done by then.
    async fn stopped(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    }
}

impl Sending {
    /// Does one job of the queue.
    ///
    /// # Errors
    /// In words; the job is tried again.
    pub async fn send_job(&self, job: JobId) -> Result<(), String> {
        let words = |error: Error| error.to_string();
        let Some(plan) = self.desk.begin_sending(job).await.map_err(words)? else { return Ok(()) };
        let (relay, raw) = {
            let rows = self.desk.store.read().map_err(|error| error.to_string())?;
            let domain = plan.from.rsplit_once('@').map_or("", |(_, domain)| domain);
            let relay = self.desk.relay_for(&rows, domain);
            let raw = self.desk.store.blob(&rows, plan.raw).and_then(|blob| blob.into_bytes());
            (relay, raw.map_err(|error| error.to_string())?)
        };
        let mut outcomes = match relay {
            _ if plan.recipients.is_empty() => Vec::new(),
            Ok(relay) => {
                let path = plan.return_path.as_deref();
                let sending = self.send(relay.as_ref(), path, &plan.recipients, &raw, plan.insist, TRY_LIMIT);
                tokio::select! {
                    outcomes = sending => outcomes,
                    () = self.stopped() => return self.desk.put_off_sending(job).await.map_err(words),
                }
            }
            Err(refused) => vec![error(&refused.to_string())],
        };
        outcomes.extend(plan.refused);
        self.desk.record_sending(job, outcomes).await.map_err(words)
    }
}

/// A result in the desk's words.
fn outcome(group: &[(String, Mailbox)], result: RecipientResult) -> Option<Outcome> {
    let recipient = group.iter().find(|(_, mailbox)| *mailbox == result.recipient).map(|(text, _)| text.clone())?;
    let kind = match result.outcome {
        delivery::Outcome::Accepted => OutcomeKind::Accepted,
        delivery::Outcome::Deferred => OutcomeKind::Deferred,
        delivery::Outcome::Refused => OutcomeKind::Refused,
        delivery::Outcome::Error => OutcomeKind::Error,
    };
    Some(Outcome { recipient: Some(recipient), kind, reply: result.reply })
}

fn late(recipient: &str) -> Outcome {
    Outcome {
        recipient: Some(String::from(recipient)),
        kind: OutcomeKind::Error,
        reply: String::from("The server took too long."),
    }
}

fn server_of(desk: &Desk, relay: &Relay) -> Server {
    Server {
        host: relay.host.clone(),
        address: None,
        port: relay.port,
        tls: match relay.tls {
            RelayTls::Required => Security::Required,
            RelayTls::StartTls => Security::StartTls,
            RelayTls::None => Security::None,
        },
        credentials: relay.credentials.clone(),
        hello_name: desk.hostname.clone(),
        extra_roots: Vec::new(),
        timeouts: DeliveryTimeouts::default(),
    }
}

fn error(words: &str) -> Outcome {
    Outcome { recipient: None, kind: OutcomeKind::Error, reply: String::from(words) }
}
