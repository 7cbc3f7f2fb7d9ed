//! The SMTP receiver: accepts connections within its caps and stops in order.
//!
//! What is said on a connection is `session`'s and `connection`'s.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::intake::Intake;
use super::reply;
use super::settings::Settings;

/// How long to rest when the system gives no socket, so that the loop does not spin.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// How often that is told at most: it may go on for hours.
const TELL_AGAIN: Duration = Duration::from_secs(60);
/// How long connections have to say goodbye once their time is up.
const GOODBYE: Duration = Duration::from_secs(10);

/// A bound listener, not yet answering.
#[derive(Debug)]
pub struct Receiver {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What all connections of a receiver share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// Stop at the next chance, but finish the message under way.
    pub(super) stop: CancellationToken,
    /// Stop now.
    pub(super) force: CancellationToken,
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({} open)", self.open())
    }
}

/// A connection's place among those allowed; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    network: Option<IpAddr>,
}

impl Receiver {
    /// Binds the address, so that failing does not wait until the program runs.
    pub async fn bind(address: SocketAddr, settings: Settings) -> io::Result<Receiver> {
        let listener = TcpListener::bind(address).await?;
        let shared = Arc::new(Shared {
            settings,
            stop: CancellationToken::new(),
            force: CancellationToken::new(),
            open: AtomicUsize::new(0),
            by_address: Mutex::new(HashMap::new()),
        });
        Ok(Receiver { listener, shared })
    }

    /// The address bound, with its port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `shutdown`; then accepts no more, lets messages under way arrive for
    /// [`super::settings::Timeouts::stop`], says 421 to everybody else and returns when all are gone.
    pub async fn run<I: Intake>(self, intake: I, shutdown: CancellationToken) {
        let Receiver { listener, shared } = self;
        let intake = Arc::new(intake);
        let tasks = TaskTracker::new();
        let mut told: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => admit(&shared, &intake, &tasks, socket, peer),
                Err(error) => {
                    if told.is_none_or(|at| at.elapsed() >= TELL_AGAIN) {
                        tracing::warn!(%error, "cannot accept SMTP connections");
                        told = Some(Instant::now());
                    }
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
        drop(listener);
        shared.stop.cancel();
        tasks.close();
        if tokio::time::timeout(shared.settings.timeouts.stop, tasks.wait()).await.is_err() {
            shared.force.cancel();
            if tokio::time::timeout(GOODBYE, tasks.wait()).await.is_err() {
                tracing::warn!(open = shared.open(), "SMTP connections did not end in time");
            }
        }
    }
}

fn admit<I: Intake>(shared: &Arc<Shared>, intake: &Arc<I>, tasks: &TaskTracker, socket: TcpStream, peer: SocketAddr) {
    let Some(place) = Place::take(shared, peer.ip()) else {
        tracing::debug!(%peer, "too many SMTP connections");
        // Best effort: a peer that cannot take one line at once learns of it by the closing.
        let _ = socket.try_write(reply::TOO_MANY_CONNECTIONS.0.as_bytes());
        return;
    };
    let (shared, intake) = (Arc::clone(shared), Arc::clone(intake));
    tasks.spawn(async move {
        // Replies are written whole, so waiting to fill a segment only costs time.
        let _ = socket.set_nodelay(true);
        Connection::new(socket, peer, intake, shared).run().await;
        drop(place);
    });
}

impl Shared {
    /// How many connections are open.
    fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How long to wait for a client whom we would give `usual` in quiet times.
    pub(super) fn patience(&self, usual: Duration) -> Duration {
        let busy = self.open() * 5 >= self.settings.limits.connections * 4;
        if busy { usual.min(self.settings.timeouts.under_load) } else { usual }
    }
}

impl Place {
    fn take(shared: &Arc<Shared>, ip: IpAddr) -> Option<Place> {
        let limits = &shared.settings.limits;
        if shared.open.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            shared.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let network = (limits.count_loopback || !ip.to_canonical().is_loopback()).then(|| network(ip));
        if let Some(network) = network {
            let mut counts = shared.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(network).or_insert(0);
            if *count >= limits.connections_per_address {
                shared.open.fetch_sub(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
        }
        Some(Place { shared: Arc::clone(shared), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        let Some(network) = self.network else { return };
        let mut counts = self.shared.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&network);
            }
        }
    }
}

/// What counts as one address: an IPv4 address, or the /64 that one IPv6 customer has.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
