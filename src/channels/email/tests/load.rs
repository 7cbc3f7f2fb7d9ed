//! The session alone, without a store: an intake that throws everything away.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::*;

struct Discard;

impl Intake for Discard {
    type Body = Discard;

    async fn recipient(&self, _: Option<&Mailbox>, _: &Mailbox) -> RecipientAnswer {
        RecipientAnswer::Accept
    }

    fn storage(&self) -> StorageState {
        StorageState::Fine
    }

    async fn begin(&self) -> Result<Discard, IntakeError> {
        Ok(Discard)
    }
}

impl Body for Discard {
    async fn write(&mut self, _: &[u8]) -> Result<(), IntakeError> {
        Ok(())
    }

    async fn finish(self, _: Envelope) -> Result<Accepted, IntakeError> {
        Ok(Accepted { id: String::from("1") })
    }
}

/// Listens for a load generator: `FRONTDESK_DISCARD=127.0.0.1:2525,30 cargo test discard_server -- --ignored`
/// serves for thirty seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a server for measuring by hand"]
async fn discard_server() {
    let told = std::env::var("FRONTDESK_DISCARD").expect("FRONTDESK_DISCARD=address,seconds");
    let (address, seconds) = told.split_once(',').unwrap();
    let receiver = Receiver::bind(address.parse().unwrap(), Settings::new("discard.example")).await.unwrap();
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let timer = async move {
        tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap())).await;
        stop.cancel();
    };
    tokio::join!(receiver.run(Discard, shutdown), timer);
}
