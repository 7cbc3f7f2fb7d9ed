//! The accept loop of the web side: one listener, HTTP/1.1, a poem endpoint behind it.
//!
//! It exists because poem's own server bounds neither time nor connections. What is bounded here:
//! connections (in all, and per address), the time for a first byte, a head, a body and a reader,
//! the size of heads and bodies, and the time a stop may take. Never knows a route.

mod admission;
mod body;
mod client;
mod connection;
mod exchange;
mod guard;
mod head;
mod pace;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use poem::endpoint::ToDynEndpoint;
use poem::{EndpointExt, IntoEndpoint};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Cidr;
use admission::Admission;
use body::Budget;
use connection::Shared;

pub use admission::neighbourhood;
pub use client::ClientAddress;
pub use tls::{load_tls, server_config};

/// How often it is told at most that nothing can be accepted: it may go on for hours.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What the server holds clients to.
#[derive(Clone)]
pub struct Settings {
    /// Peers whose `X-Forwarded-For` is believed; they are exempt from the cap per address.
    pub trusted_proxies: Vec<Cidr>,
    /// Connections open at once; further ones wait in the backlog.
    pub max_connections: usize,
    /// Connections open at once from one IPv4 address or one IPv6 /64; further ones are closed.
    pub max_connections_per_address: usize,
    /// `None` speaks plain HTTP; with an empty slot connections are closed until it is filled.
    pub tls: Option<Arc<ArcSwapOption<rustls::ServerConfig>>>,
    /// The largest request body, in bytes, where `bodies` says nothing else.
    pub max_body_bytes: u64,
    /// Bytes of request bodies in memory at once; further ones are answered with 503.
    pub max_bodies_bytes: usize,
    /// Paths (whole, as `/api/v1/attachments`) that take larger bodies, as a stream, or only smaller ones; how large.
    pub bodies: Vec<(String, u64)>,
    /// How long things may take.
    pub times: Times,
}

/// How long things may take, and how slow they may be.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// From the connection to the first byte, and for the TLS handshake.
    pub first_byte: Duration,
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For one piece of a body, in or out, when the other side holds it up.
    pub stall: Duration,
    /// Time in all that the other side may hold a body up before the rate counts.
    pub grace: Duration,
    /// Bytes a second that the other side must then have moved on average while it was waited for.
    pub min_rate: u64,
    /// Reading on after a refusal, so that the client can read why.
    pub linger: Duration,
    /// For requests under way when the server stops.
    pub stop: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            first_byte: Duration::from_secs(15),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            min_rate: 1024,
            linger: Duration::from_secs(1),
            stop: Duration::from_secs(20),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            trusted_proxies: Vec::new(),
            max_connections: 4096,
            max_connections_per_address: 256,
            tls: None,
            max_body_bytes: 2 << 20,
            max_bodies_bytes: 64 << 20,
            bodies: Vec::new(),
            times: Times::default(),
        }
    }
}

impl Settings {
    /// What the file says, and the defaults for the rest. TLS and the bodies of single paths are the caller's to add.
    pub fn from_config(config: &crate::config::Http) -> Settings {
        Settings {
            trusted_proxies: config.trusted_proxies.clone(),
            max_connections: config.max_connections,
            max_connections_per_address: config.max_connections_per_address,
            ..Settings::default()
        }
    }
}

/// A bound listener that has not begun to accept.
pub struct HttpServer {
    listener: TcpListener,
    local: SocketAddr,
    settings: Settings,
}

impl HttpServer {
    /// Binds `address`; port 0 lets the system choose.
    ///
    /// # Errors
    /// What the system says, with the address.
    pub async fn bind(address: SocketAddr, settings: Settings) -> io::Result<HttpServer> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(named)?;
        let local = listener.local_addr()?;
        Ok(HttpServer { listener, local, settings })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves `endpoint` until `shutdown`; then stops accepting, lets requests under way finish for
    /// [`Times::stop`], and closes what is left. Upgraded connections count as under way.
    pub async fn run<E>(self, endpoint: E, shutdown: CancellationToken)
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        let kill = CancellationToken::new();
        let tracker = TaskTracker::new();
        let grace = self.settings.times.stop;
        let admission = Admission::new(self.settings.max_connections, self.settings.max_connections_per_address);
        let shared = Arc::new(Shared {
            endpoint: Box::new(ToDynEndpoint(endpoint.into_endpoint().map_to_response())),
            local: self.local,
            budget: Budget::new(self.settings.max_bodies_bytes),
            settings: self.settings,
            stop: shutdown.clone(),
            kill: kill.clone(),
            tracker: tracker.clone(),
        });
        accept_until(&shutdown, self.listener, &admission, &shared).await;
        tracker.close();
        if tokio::time::timeout(grace, tracker.wait()).await.is_err() {
            tracing::warn!(connections = tracker.len(), "closing connections that did not finish in time");
            kill.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(1), tracker.wait()).await;
        }
    }
}

/// Accepts until told to stop; the listener closes with the return.
async fn accept_until(
    shutdown: &CancellationToken,
    listener: TcpListener,
    admission: &Arc<Admission>,
    shared: &Arc<Shared>,
) {
    let mut trouble = Backoff::default();
    let mut told: Option<Instant> = None;
    loop {
        let accepted = async {
            let slot = admission.slot().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            both = accepted => both,
        };
        match accepted {
            Ok((stream, peer)) => {
                trouble = Backoff::default();
                let exempt = client::is_listed(&shared.settings.trusted_proxies, peer.ip());
                if let Some(permit) = admission.admit(slot, peer.ip(), exempt) {
                    start(shared, stream, peer, permit);
                } else {
                    tracing::debug!(%peer, "too many connections from one address");
                }
            }
            Err(error) => {
                if let Some(pause) = trouble.after(&error) {
                    if told.is_none_or(|at| at.elapsed() >= TELL_AGAIN) {
                        tracing::warn!(%error, "cannot accept connections");
                        told = Some(Instant::now());
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

fn start(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr, permit: admission::Permit) {
    let _ = stream.set_nodelay(true);
    // The tracker is waited for in `run`; a panic inside ends one connection.
    shared.tracker.spawn(connection::serve(Arc::clone(shared), stream, peer, permit));
}

/// How long to wait after a failed accept: without a pause, running out of file descriptors spins.
#[derive(Default)]
struct Backoff {
    failures: u32,
}

impl Backoff {
    /// `None` when the failure concerns one connection alone and the next may be tried at once.
    fn after(&mut self, error: &io::Error) -> Option<Duration> {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return None;
        }
        self.failures = (self.failures + 1).min(5);
        Some(Duration::from_millis(50 << self.failures))
    }
}

#[cfg(test)]
mod tests;
