//! Connections that wait for the next mail to the same server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::Instant;

use super::connect::Capabilities;

/// How long a connection waits for another mail.
const IDLE: Duration = Duration::from_secs(2);
/// Mails on one connection: some servers count them.
const MAILS: u32 = 100;
/// Connections that wait, in all.
const WAITING: usize = 200;
/// Longest a goodbye takes.
const GOODBYE: Duration = Duration::from_secs(5);

/// A connection on which MAIL may be said.
pub(super) struct Ready {
    pub(super) connection: AsyncSmtpConnection,
    pub(super) can: Capabilities,
    pub(super) mails: u32,
}

/// What a connection is to: the server and how it was secured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) address: Option<IpAddr>,
    pub(super) user: Option<String>,
    pub(super) verified: bool,
}

/// Connections that wait for the next mail. They are given back after each mail, and closed after two seconds.
#[derive(Default)]
pub struct Pool(Mutex<HashMap<PoolKey, Vec<(Ready, Instant)>>>);

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    fn waiting(&self) -> MutexGuard<'_, HashMap<PoolKey, Vec<(Ready, Instant)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to that server, if one waits.
    pub(super) fn take(&self, key: &PoolKey) -> Option<Ready> {
        let mut waiting = self.waiting();
        let of_server = waiting.get_mut(key)?;
        let (ready, since) = of_server.pop()?;
        if of_server.is_empty() {
            waiting.remove(key);
        }
        (since.elapsed() < IDLE).then_some(ready)
    }

    /// Keeps a connection for the next mail; gives it back when it is to be closed instead.
    pub(super) fn keep(&self, key: &PoolKey, ready: Ready) -> Option<Ready> {
        let mut waiting = self.waiting();
        if ready.mails >= MAILS || waiting.values().map(Vec::len).sum::<usize>() >= WAITING {
            return Some(ready);
        }
        waiting.entry(key.clone()).or_default().push((ready, Instant::now()));
        None
    }

    /// Closes those that have waited for long enough, or all of them.
    pub async fn tidy(&self, all: bool) {
        let mut over = Vec::new();
        self.waiting().retain(|_, of_server| {
            let (stay, go) =
                std::mem::take(of_server).into_iter().partition(|(_, since)| !all && since.elapsed() < IDLE);
            *of_server = stay;
            over.extend::<Vec<_>>(go);
            !of_server.is_empty()
        });
        futures_util::future::join_all(over.into_iter().map(|(ready, _)| goodbye(ready))).await;
    }
}

/// Says goodbye; a server that does not answer changes nothing.
pub(super) async fn goodbye(mut ready: Ready) {
    let _ = tokio::time::timeout(GOODBYE, ready.connection.quit()).await;
}
