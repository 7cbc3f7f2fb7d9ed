//! Where the demo's outgoing mail ends: an SMTP server of ours on this machine that puts each mail in a file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::base::random;
use crate::channels::email::{
    Accepted, Body, Envelope, Intake, IntakeError, Mailbox, Receiver, RecipientAnswer, Settings, StorageState,
};

/// Runs it until `stop`; gives where it listens.
#[expect(clippy::disallowed_methods, reason = "ends with its token, and holds nothing that could be lost")]
pub(super) async fn run(dir: PathBuf, hostname: String, stop: CancellationToken) -> anyhow::Result<SocketAddr> {
    let receiver = Receiver::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Settings::new(hostname)).await?;
    let address = receiver.local_addr()?;
    tokio::spawn(receiver.run(Outbox { dir }, stop));
    Ok(address)
}

struct Outbox {
    dir: PathBuf,
}

impl Intake for Outbox {
    type Body = Sent;

    async fn recipient(&self, _sender: Option<&Mailbox>, _recipient: &Mailbox) -> RecipientAnswer {
        RecipientAnswer::Accept
    }

    fn storage(&self) -> StorageState {
        StorageState::Fine
    }

    async fn begin(&self) -> Result<Sent, IntakeError> {
        Ok(Sent { dir: self.dir.clone(), bytes: Vec::new() })
    }
}

struct Sent {
    dir: PathBuf,
    bytes: Vec<u8>,
}

impl Body for Sent {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(self, envelope: Envelope) -> Result<Accepted, IntakeError> {
        let id = random::token();
        let name = format!("{}-{id}.eml", envelope.received_at.millis());
        tokio::fs::write(self.dir.join(name), &self.bytes).await.map_err(|_| IntakeError::TryLater)?;
        Ok(Accepted { id })
    }
}
