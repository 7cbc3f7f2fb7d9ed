//! Delivery of our mail to a server, a relay or the recipients' own: every recipient judged on its own, remote words
//! kept.
//!
//! lettre's connection reads and writes the protocol; it is driven verb by verb, since its own sending stops
//! at the first refused recipient and knows no time-outs. Never the queue: what to try again, and when, is a job's.

mod connect;
pub mod direct;
mod form;
mod pool;
mod wire;

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::commands::Data;
use lettre::transport::smtp::response::Response;
use rustls_pki_types::CertificateDer;

use super::address::Mailbox;
use crate::base::Secret;
use crate::base::text::one_line;
pub use pool::Pool;
use pool::{PoolKey, Ready};

/// The longest text of a remote answer that is kept, in bytes.
const REPLY_MAX: usize = 500;

/// A mail server that takes our mail.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name, which its certificate must bear, or its address.
    pub host: String,
    /// The address to go to; none when the name is to be resolved.
    pub address: Option<IpAddr>,
    /// Its port, usually 465, 587 or 25.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Security,
    /// User and password, if it wants them.
    pub credentials: Option<(String, Secret)>,
    /// What we call ourselves in EHLO: a host name or an address literal.
    pub hello_name: String,
    /// Authorities trusted besides the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How long to wait for what.
    pub timeouts: DeliveryTimeouts,
}

impl Server {
    /// Its name, and its address where that is known, for people.
    fn place(&self) -> String {
        match self.address {
            Some(address) if address.to_string() != self.host => format!("{} [{address}]", self.host),
            _ => self.host.clone(),
        }
    }

    fn key(&self) -> PoolKey {
        PoolKey {
            host: self.host.clone(),
            port: self.port,
            address: self.address,
            user: self.credentials.as_ref().map(|(user, _)| user.clone()),
            verified: matches!(self.tls, Security::Required | Security::StartTls),
        }
    }
}

/// How a connection to a server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (port 465).
    Required,
    /// STARTTLS, without which nothing is sent. The certificate must be the server's.
    StartTls,
    /// STARTTLS where it is offered, whatever the certificate; else in the clear. For the recipients' own servers,
    /// which nobody can make better (RFC 7435).
    Opportunistic,
    /// In the clear. A password is then sent only to this machine or a private network.
    None,
}

/// How long to wait for what (RFC 5321 section 4.5.3.2).
#[derive(Clone, Debug)]
pub struct DeliveryTimeouts {
    /// Connecting, and each TLS handshake.
    pub connect: Duration,
    /// The greeting and the answers to EHLO and AUTH, together.
    pub greeting: Duration,
    /// The answer to MAIL and to each RCPT.
    pub command: Duration,
    /// The answer to DATA.
    pub data: Duration,
    /// Writing a piece of the message.
    pub chunk: Duration,
    /// The answer to the end of the message.
    pub end: Duration,
}

impl Default for DeliveryTimeouts {
    fn default() -> DeliveryTimeouts {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        DeliveryTimeouts {
            connect: minutes(1),
            greeting: minutes(5),
            command: minutes(5),
            data: minutes(2),
            chunk: minutes(3),
            end: minutes(10),
        }
    }
}

/// From whom and to whom.
#[derive(Clone, Debug)]
pub struct OutgoingEnvelope {
    /// The reverse path; `None` is the null sender, for mail that must not be answered by machines.
    pub from: Option<Mailbox>,
    /// The recipients.
    pub recipients: Vec<Mailbox>,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientResult {
    /// The recipient, as given.
    pub recipient: Mailbox,
    /// What became of it.
    pub outcome: Outcome,
    /// The remote words, or ours where it did not come to any: one line, at most 500 bytes.
    pub reply: String,
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has taken the message for it.
    Accepted,
    /// Not now: a 4yz answer, no connection, or one that broke. Try again.
    Deferred,
    /// Never: a 5yz answer about this message or recipient.
    Refused,
    /// The relay cannot be used as it is set up: certificate, login, no STARTTLS. Try again, and tell the administrator.
    Error,
}

/// Sends `message` (CRLF or LF lines, headers first) and gives a result for each recipient, in their order.
///
/// A connection that breaks after the message was sent is [`Outcome::Deferred`]: it may arrive twice, so
/// its Message-ID must stay the same. With a pool, connections wait there for the next mail.
pub async fn deliver(
    server: &Server,
    envelope: &OutgoingEnvelope,
    message: &[u8],
    pool: Option<&Pool>,
) -> Vec<RecipientResult> {
    let mut results = Results::new(&envelope.recipients);
    if let Err(failure) = attempt(server, envelope, message, pool, &mut results).await {
        results.rest(&failure);
    }
    results.finish(server)
}

async fn attempt(
    server: &Server,
    envelope: &OutgoingEnvelope,
    message: &[u8],
    pool: Option<&Pool>,
    results: &mut Results,
) -> Result<(), Failure> {
    let wire_form = form::wire_form(message);
    let needs = form::Needs::of(&wire_form, envelope.from.as_ref());
    let key = server.key();
    if let Some(waiting) = pool.and_then(|pool| pool.take(&key)) {
        let done = converse(server, waiting, envelope, needs, &wire_form, pool, results).await;
        match done {
            // It closed while it waited: nothing was sent on it.
            Err(failure) if failure.unheard => {}
            other => return other,
        }
    }
    let (connection, can) = connect::open(server).await?;
    let ready = Ready { connection, can, mails: 0 };
    converse(server, ready, envelope, needs, &wire_form, pool, results).await
}

/// One mail on a connection, which is kept for the next or closed.
async fn converse(
    server: &Server,
    mut ready: Ready,
    envelope: &OutgoingEnvelope,
    needs: form::Needs,
    message: &[u8],
    pool: Option<&Pool>,
    results: &mut Results,
) -> Result<(), Failure> {
    let outcome = match needs.unmet(&ready.can) {
        Some(reason) => Err(Failure::new(Outcome::Refused, reason)),
        None => transaction(server, &mut ready, envelope, needs, message, results).await,
    };
    ready.mails += 1;
    let clean = outcome.is_ok() && results.taken();
    let over = match pool {
        Some(pool) if clean => pool.keep(&server.key(), ready),
        _ => Some(ready),
    };
    if let Some(ready) = over {
        // Whatever came of it stands; a server that does not say goodbye changes nothing.
        let limit = Duration::from_secs(5).min(server.timeouts.command);
        let _ = tokio::time::timeout(limit, pool::goodbye(ready)).await;
    }
    outcome
}

async fn transaction(
    server: &Server,
    ready: &mut Ready,
    envelope: &OutgoingEnvelope,
    needs: form::Needs,
    message: &[u8],
    results: &mut Results,
) -> Result<(), Failure> {
    let times = &server.timeouts;
    let Ready { connection, can, mails } = ready;
    let utf8 = can.smtputf8 && (needs.smtputf8 || envelope.recipients.iter().any(|to| !to.is_ascii()));
    let mail = form::mail_command(envelope.from.as_ref(), can, needs, utf8);
    let begun = command(times.command, "MAIL", connection.command(mail)).await;
    begun.map_err(|failure| Failure { unheard: *mails > 0 && !failure.connection_stands, ..failure })?;
    let mut taken = Vec::new();
    for (at, recipient) in envelope.recipients.iter().enumerate() {
        if !recipient.is_ascii() && !utf8 {
            results.set(at, Outcome::Refused, "the server does not know international addresses (SMTPUTF8)");
            continue;
        }
        match command(times.command, "RCPT", connection.command(format!("RCPT TO:<{recipient}>\r\n"))).await {
            Ok(_) => taken.push(at),
            Err(failure) if failure.connection_stands => results.set(at, failure.outcome, &failure.reply),
            Err(failure) => return Err(failure),
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let ready = command(times.data, "DATA", connection.command(Data)).await?;
    if !ready.has_code(354) {
        return Err(Failure::new(Outcome::Deferred, "the server gave a strange answer to DATA"));
    }
    let pieces = message.chunks(form::PIECE);
    let limit = times.end + times.chunk * u32::try_from(pieces.len() + 1).unwrap_or(u32::MAX / 1000);
    let done = command(limit, "the message", connection.message_iter(pieces)).await?;
    for at in taken {
        results.set(at, Outcome::Accepted, &words(&done));
    }
    Ok(())
}

/// Why a step failed.
#[derive(Clone, Debug)]
struct Failure {
    outcome: Outcome,
    reply: String,
    /// The server answered, so the session can go on.
    connection_stands: bool,
    /// The connection had waited, and broke before anything was said on it.
    unheard: bool,
}

impl Failure {
    fn new(outcome: Outcome, reply: impl Into<String>) -> Failure {
        Failure { outcome, reply: reply.into(), connection_stands: false, unheard: false }
    }

    /// What lettre says, in our terms.
    fn from_smtp(error: &SmtpError) -> Failure {
        let Some(code) = error.status() else {
            let outcome = if error.is_client() { Outcome::Error } else { Outcome::Deferred };
            return Failure::new(outcome, error.to_string());
        };
        let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let code = u16::from(code);
        Failure {
            outcome: if code < 500 { Outcome::Deferred } else { Outcome::Refused },
            reply: format!("{code} {said}"),
            // 421 says that the server closes (RFC 5321 section 3.8).
            connection_stands: code != 421,
            unheard: false,
        }
    }

    /// A refusal while logging in is about the relay, not about the message.
    fn of_setup(mut self) -> Failure {
        if self.outcome == Outcome::Refused {
            self.outcome = Outcome::Error;
        }
        self
    }
}

/// One exchange with the server within `limit`.
async fn command<T>(
    limit: Duration,
    what: &str,
    exchange: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, exchange).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(Failure::from_smtp(&error)),
        Err(_) => Err(Failure::new(Outcome::Deferred, format!("timed out waiting for the answer to {what}"))),
    }
}

fn words(response: &Response) -> String {
    let said: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), said.join(" "))
}

/// One slot a recipient, filled as answers come.
struct Results(Vec<(Mailbox, Option<(Outcome, String)>)>);

impl Results {
    fn new(recipients: &[Mailbox]) -> Results {
        Results(recipients.iter().map(|recipient| (recipient.clone(), None)).collect())
    }

    fn set(&mut self, at: usize, outcome: Outcome, reply: &str) {
        if let Some((_, slot)) = self.0.get_mut(at) {
            *slot = Some((outcome, reply.to_owned()));
        }
    }

    /// All that have no answer yet share this failure.
    fn rest(&mut self, failure: &Failure) {
        for (_, slot) in &mut self.0 {
            slot.get_or_insert_with(|| (failure.outcome, failure.reply.clone()));
        }
    }

    /// Whether anything was said about a recipient.
    fn any(&self) -> bool {
        self.0.iter().any(|(_, slot)| slot.is_some())
    }

    /// Whether the server has the message for somebody: it is through with it then.
    fn taken(&self) -> bool {
        self.0.iter().any(|(_, slot)| slot.as_ref().is_some_and(|(outcome, _)| *outcome == Outcome::Accepted))
    }

    fn finish(self, server: &Server) -> Vec<RecipientResult> {
        let clean = |reply: &str| one_line(&connect::without_secrets(server, reply), REPLY_MAX);
        let unanswered = || (Outcome::Deferred, String::from("no answer"));
        let results = self.0.into_iter().map(|(recipient, slot)| {
            let (outcome, reply) = slot.unwrap_or_else(unanswered);
            RecipientResult { recipient, outcome, reply: clean(&reply) }
        });
        results.collect()
    }
}
