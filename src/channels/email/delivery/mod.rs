//! Delivery of our mail through a relay: one connection, every recipient judged on its own, remote words kept.
//!
//! lettre's connection reads and writes the protocol; it is driven verb by verb, since its own sending stops
//! at the first refused recipient and knows no time-outs. Never the queue: what to try again, and when, is a job's.

mod connect;
mod form;
mod wire;

use std::future::Future;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Data;
use lettre::transport::smtp::response::Response;
use rustls_pki_types::CertificateDer;

use super::address::Mailbox;
use crate::base::Secret;
use crate::base::text::one_line;
use connect::Capabilities;

/// The longest text of a remote answer that is kept, in bytes.
const REPLY_MAX: usize = 500;

/// A mail server that takes our mail.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its name, which its certificate must bear, or its address.
    pub host: String,
    /// Its port, usually 465, 587 or 25.
    pub port: u16,
    /// How the connection is secured.
    pub tls: RelayTls,
    /// User and password, if it wants them.
    pub credentials: Option<(String, Secret)>,
    /// What we call ourselves in EHLO: a host name or an address literal.
    pub hello_name: String,
    /// Authorities trusted besides the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How long to wait for what.
    pub timeouts: DeliveryTimeouts,
}

/// How a connection to a relay is secured. There is no falling back to the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayTls {
    /// TLS from the first byte (port 465).
    Required,
    /// STARTTLS, without which nothing is sent.
    StartTls,
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
/// its Message-ID must stay the same.
pub async fn deliver(relay: &Relay, envelope: &OutgoingEnvelope, message: &[u8]) -> Vec<RecipientResult> {
    let mut results = Results::new(&envelope.recipients);
    if let Err(failure) = attempt(relay, envelope, message, &mut results).await {
        results.rest(&failure);
    }
    results.finish(relay)
}

async fn attempt(
    relay: &Relay,
    envelope: &OutgoingEnvelope,
    message: &[u8],
    results: &mut Results,
) -> Result<(), Failure> {
    let (mut connection, can) = connect::open(relay).await?;
    let wire_form = form::wire_form(message);
    let needs = form::Needs::of(&wire_form, envelope.from.as_ref());
    let outcome = match needs.unmet(&can) {
        Some(reason) => Err(Failure::new(Outcome::Refused, reason)),
        None => transaction(relay, &mut connection, &can, envelope, needs, &wire_form, results).await,
    };
    // Whatever came of it stands; a server that does not say goodbye changes nothing.
    let _ = tokio::time::timeout(Duration::from_secs(5).min(relay.timeouts.command), connection.quit()).await;
    outcome
}

async fn transaction(
    relay: &Relay,
    connection: &mut AsyncSmtpConnection,
    can: &Capabilities,
    envelope: &OutgoingEnvelope,
    needs: form::Needs,
    message: &[u8],
    results: &mut Results,
) -> Result<(), Failure> {
    let times = &relay.timeouts;
    let utf8 = can.smtputf8 && (needs.smtputf8 || envelope.recipients.iter().any(|to| !to.is_ascii()));
    let mail = form::mail_command(envelope.from.as_ref(), can, needs, utf8);
    command(times.command, "MAIL", connection.command(mail)).await?;
    let mut taken = Vec::new();
    for (at, recipient) in envelope.recipients.iter().enumerate() {
        if !recipient.is_ascii() && !utf8 {
            results.set(at, Outcome::Refused, "the relay does not know international addresses (SMTPUTF8)");
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
        return Err(Failure::new(Outcome::Deferred, "the relay gave a strange answer to DATA"));
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
}

impl Failure {
    fn new(outcome: Outcome, reply: impl Into<String>) -> Failure {
        Failure { outcome, reply: reply.into(), connection_stands: false }
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

    fn finish(self, relay: &Relay) -> Vec<RecipientResult> {
        let clean = |reply: &str| one_line(&connect::without_secrets(relay, reply), REPLY_MAX);
        let unanswered = || (Outcome::Deferred, String::from("no answer"));
        let results = self.0.into_iter().map(|(recipient, slot)| {
            let (outcome, reply) = slot.unwrap_or_else(unanswered);
            RecipientResult { recipient, outcome, reply: clean(&reply) }
        });
        results.collect()
    }
}
