//! What the receiver can be told: names, limits, patience.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio_rustls::TlsAcceptor;

use super::data::DataLimits;
use crate::base::Clock;

/// Everything the receiver is started with.
#[derive(Clone)]
pub struct Settings {
    /// The name in the greeting and in `Received`: the host's own, as its MX record says it.
    pub hostname: String,
    /// How much of anything.
    pub limits: Limits,
    /// How long to wait for anything.
    pub timeouts: Timeouts,
    /// TLS for STARTTLS, not offered while empty. Renewed certificates are stored here while running.
    pub tls: Arc<ArcSwapOption<TlsAcceptor>>,
    /// The time for envelopes.
    pub clock: Clock,
}

impl Settings {
    /// The defaults under the given name, without TLS.
    pub fn new(hostname: impl Into<String>) -> Settings {
        Settings {
            hostname: hostname.into(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            tls: Arc::new(ArcSwapOption::empty()),
            clock: Clock::System,
        }
    }
}

/// How much of anything.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one IPv4 address or one IPv6 /64.
    pub connections_per_address: usize,
    /// Whether that holds for this machine too. Off, since a proxy or filter in front connects from here.
    pub count_loopback: bool,
    /// Recipients a message; RFC 5321 section 4.5.3.1.8 asks for at least 100.
    pub recipients: usize,
    /// Messages a session.
    pub mails: u32,
    /// Errors before answers to further ones are slowed down.
    pub soft_errors: u32,
    /// Errors before the session is closed.
    pub hard_errors: u32,
    /// Unknown recipients in a session, messages taken or not, before it is closed.
    pub unknown_recipients: u32,
    /// Commands that lead nowhere (NOOP, RSET, VRFY and the like) between two messages.
    pub idle_commands: u32,
    /// Bytes of a command line, its line end included.
    pub command_line: usize,
    /// Bytes a second that must have come of a message on average, once [`Timeouts::data`] has been waited in all.
    pub data_rate: u64,
    /// What a message may be.
    pub data: DataLimits,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 1000,
            connections_per_address: 50,
            count_loopback: false,
            recipients: 1000,
            mails: 100,
            soft_errors: 10,
            hard_errors: 20,
            unknown_recipients: 20,
            idle_commands: 100,
            command_line: 2048,
            data_rate: 1024,
            data: DataLimits::default(),
        }
    }
}

/// How long to wait for anything (RFC 5321 section 4.5.3.2).
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For clients that talk before the greeting, which only bad ones do. None does not look, zero looks without waiting: every
    /// wait is paid by each honest client too, and commands sent ahead of EHLO's answer are refused anyway.
    pub greeting: Option<Duration>,
    /// For the next command, to the end of its line.
    pub command: Duration,
    /// For the next bytes of a message.
    pub data: Duration,
    /// For a whole message.
    pub message: Duration,
    /// For a whole session.
    pub session: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// Instead of `command` and `data` while four fifths of the connections are taken.
    pub under_load: Duration,
    /// For messages under way when the receiver is stopped.
    pub stop: Duration,
    /// How long answers are held back past the soft error limit.
    pub tarpit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Timeouts {
            greeting: Some(Duration::ZERO),
            command: minutes(5),
            data: minutes(3),
            message: minutes(30),
            session: minutes(60),
            handshake: Duration::from_secs(30),
            under_load: Duration::from_secs(10),
            stop: Duration::from_secs(30),
            tarpit: Duration::from_secs(1),
        }
    }
}
