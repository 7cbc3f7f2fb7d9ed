//! Taking mail in: the receiver's questions answered by the desk.

use std::sync::Arc;

use super::address::Mailbox;
use super::intake::{Accepted, Body, Envelope, Intake, IntakeError, RecipientAnswer, StorageState};
use super::trace;
use crate::base::random;
use crate::desk::inbound::{Known, Mail, Taken};
use crate::desk::{Desk, Error};
use crate::domain::incoming::Recipient;
use crate::store::BlobWriter;

/// Puts what the receiver takes in on the desk.
pub struct Taking {
    desk: Arc<Desk>,
}

impl Taking {
    /// Takes mail in for `desk`.
    pub fn new(desk: Arc<Desk>) -> Taking {
        Taking { desk }
    }

    fn known(&self, recipient: &Mailbox) -> Result<Known, Error> {
        // The bare postmaster has no domain: it is this machine's (RFC 5321, 4.5.1).
        let domain = if recipient.domain().is_empty() { self.desk.hostname.as_str() } else { recipient.domain() };
        self.desk.recipient(recipient.local(), domain)
    }
}

impl Taking {
    /// Whether an inbox takes mail from this sender. What comes to an address that we gave out for one conversation
    /// is about that.
    fn admits(&self, sender: Option<&Mailbox>, recipient: &Recipient) -> RecipientAnswer {
        let Some(sender) = sender.filter(|_| recipient.token.is_none()) else { return RecipientAnswer::Accept };
        match self.desk.denies(&sender.to_string(), recipient.inbox) {
            Ok(true) => RecipientAnswer::Denied,
            Ok(false) => RecipientAnswer::Accept,
            Err(error) => {
                tracing::error!(%error, "whether a sender is kept out could not be looked up");
                RecipientAnswer::TryLater
            }
        }
    }
}

impl Intake for Taking {
    type Body = Letter;

    async fn recipient(&self, sender: Option<&Mailbox>, recipient: &Mailbox) -> RecipientAnswer {
        match self.known(recipient) {
            Ok(Known::Inbox(known)) => self.admits(sender, &known),
            Ok(Known::Nobody) => RecipientAnswer::Unknown,
            Ok(Known::NotOurs) => RecipientAnswer::NoRelay,
            Ok(Known::NotYet) => RecipientAnswer::TryLater,
            Err(error) => {
                tracing::error!(%error, "a recipient could not be looked up");
                RecipientAnswer::TryLater
            }
        }
    }

    fn storage(&self) -> StorageState {
        if self.desk.store.space().is_low() { StorageState::Low } else { StorageState::Fine }
    }

    async fn begin(&self) -> Result<Letter, IntakeError> {
        Ok(Letter { desk: Arc::clone(&self.desk), writer: Some(self.desk.store.blob_writer()) })
    }
}

/// One message while it arrives.
pub struct Letter {
    desk: Arc<Desk>,
    writer: Option<BlobWriter>,
}

impl Body for Letter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        let writer = self.writer.as_mut().ok_or(IntakeError::TryLater)?;
        writer.write(bytes).map_err(|error| refusal(&error.into()))
    }

    async fn finish(mut self, envelope: Envelope) -> Result<Accepted, IntakeError> {
        let writer = self.writer.take().ok_or(IntakeError::TryLater)?;
        let raw = if writer.is_large() {
            let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
            finished.map_err(|_| IntakeError::TryLater)?
        } else {
            writer.finish()
        };
        let raw = raw.map_err(|error| refusal(&error.into()))?;
        let id = random::token();
        let taking = Taking { desk: Arc::clone(&self.desk) };
        let mut recipients = Vec::new();
        for address in &envelope.rcpt_to {
            match taking.known(address).map_err(|error| refusal(&error))? {
                Known::Inbox(recipient) => recipients.push(recipient),
                // It was known at RCPT: an inbox renamed since. The sender is to try again and be told.
                Known::Nobody | Known::NotOurs | Known::NotYet => return Err(IntakeError::TryLater),
            }
        }
        let trace = [trace::return_path(&envelope), trace::received(&envelope, &self.desk.hostname, &id)].concat();
        let mail_from = envelope.mail_from.as_ref().map(ToString::to_string);
        let mail = Mail {
            received_at: envelope.received_at,
            mail_from,
            peer: Some(envelope.peer.ip().to_canonical()),
            helo: Some(envelope.helo),
            recipients,
            trace,
        };
        let taken = self.desk.take(raw, mail).await.map_err(|error| refusal(&error))?;
        tracing::debug!(mail.id = id, again = (taken == Taken::Again), "took a mail");
        Ok(Accepted { id })
    }
}

/// The desk's refusals as the receiver says them.
fn refusal(error: &Error) -> IntakeError {
    match error {
        Error::StorageLow => IntakeError::StorageLow,
        Error::TooLarge => IntakeError::TooLarge,
        other => {
            tracing::error!(error = %other, "a mail could not be taken; its sender is told to try later");
            IntakeError::TryLater
        }
    }
}
