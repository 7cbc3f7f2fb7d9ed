//! Opening TCP connections outward: resolves the name itself, judges every address, connects to what it judged.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::address::is_public;
use crate::config::Cidr;

/// The most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Where a connection may go.
#[derive(Clone, Copy, Debug)]
pub enum Guard<'a> {
    /// Anywhere. For hosts that the administrator wrote into the configuration.
    Anywhere,
    /// To the public internet (see [`is_public`]). For hosts that anybody else may have named.
    Public {
        /// Networks that the administrator allows beside it.
        also: &'a [Cidr],
    },
}

impl Guard<'_> {
    /// Whether a connection may go to an address.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Guard::Anywhere => true,
            Guard::Public { also } => is_public(address) || also.iter().any(|network| network.contains(address)),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Under [`Guard::Public`] every failure is this one, so that nobody learns from it what stands inside.
    #[error("the host cannot be reached")]
    Unreachable,
    /// The name does not resolve.
    #[error("the name of the host does not resolve")]
    NotFound,
    /// It took longer than allowed.
    #[error("connecting timed out")]
    TimedOut,
    /// The last address tried answered so.
    #[error("connecting failed: {0}")]
    Failed(io::Error),
}

/// Connects to `host` (a name or an address, no brackets) within `timeout`, resolving included.
///
/// Addresses are tried in the order of the system's resolver, those that `guard` forbids left out, and the
/// time left is shared among them. The socket goes to the very address that was judged.
pub async fn dial(host: &str, port: u16, timeout: Duration, guard: Guard<'_>) -> Result<TcpStream, DialError> {
    let dialled = try_dial(host, port, Instant::now() + timeout, guard).await;
    match guard {
        Guard::Anywhere => dialled,
        Guard::Public { .. } => dialled.map_err(|error| {
            tracing::debug!(host, port, %error, "guarded connection failed");
            DialError::Unreachable
        }),
    }
}

/// Connects to one address within `timeout`.
///
/// # Errors
/// [`DialError::Unreachable`] for one that `guard` forbids; else [`DialError::TimedOut`] or [`DialError::Failed`].
pub async fn dial_address(address: SocketAddr, timeout: Duration, guard: Guard<'_>) -> Result<TcpStream, DialError> {
    if !guard.allows(address.ip()) {
        return Err(DialError::Unreachable);
    }
    match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
        Ok(stream) => stream.map_err(DialError::Failed),
        Err(_) => Err(DialError::TimedOut),
    }
}

async fn try_dial(host: &str, port: u16, end: Instant, guard: Guard<'_>) -> Result<TcpStream, DialError> {
    let found = timeout_at(end, tokio::net::lookup_host((host, port))).await.map_err(|_| DialError::TimedOut)?;
    let addresses = allowed(found.map_err(|_| DialError::NotFound)?, guard);
    let mut outcome = Err(if addresses.is_empty() { DialError::NotFound } else { DialError::TimedOut });
    for (tried, address) in addresses.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(1);
        outcome = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Err(DialError::Failed(error)),
            Err(_) => Err(DialError::TimedOut),
        };
    }
    outcome
}

fn allowed(found: impl Iterator<Item = SocketAddr>, guard: Guard<'_>) -> Vec<SocketAddr> {
    found.filter(|address| guard.allows(address.ip())).take(MOST_ADDRESSES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn an_administrators_host_may_be_anywhere() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = dial("127.0.0.1", port, SOON, Guard::Anywhere).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().port(), port);
        drop(listener);
        assert!(matches!(dial("127.0.0.1", port, SOON, Guard::Anywhere).await, Err(DialError::Failed(_))));
    }

    #[tokio::test]
    async fn no_spelling_of_this_machine_passes_the_guard() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in [
            "127.0.0.1",
            "localhost",
            "localhost.",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0.0.0.0",
            "0",
            "::1",
            "::ffff:127.0.0.1",
            "::",
            "64:ff9b::7f00:1",
            "",
        ] {
            let dialled = dial(host, port, SOON, Guard::Public { also: &[] }).await;
            assert!(matches!(dialled, Err(DialError::Unreachable)), "{host:?}");
        }
        let knocked = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(knocked.is_err(), "nobody knocked");
    }

    #[test]
    fn of_a_mixed_answer_only_the_public_part_is_tried() {
        let answer = ["127.0.0.1:80", "8.8.8.8:80", "[::1]:80", "10.0.0.1:80"].map(|text| text.parse().unwrap());
        let good: SocketAddr = "8.8.8.8:80".parse().unwrap();
        assert_eq!(allowed(answer.into_iter(), Guard::Public { also: &[] }), [good]);
        assert_eq!(allowed(answer.into_iter(), Guard::Anywhere), answer);
    }
}
