//! Every section and every key: type, default, range and what people read about it in `config.example.toml`.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::Relay;
use super::cidr::Cidr;
use super::source::Source;
use super::values::{Hostname, LogFilter, PublicUrl, RelayTls, TlsFiles};
use crate::base::Secret;

/// One section as the example file shows it.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) keys: &'static [Key],
}

impl Definition {
    /// The section's keys, for an error.
    pub(super) fn names(&self) -> String {
        self.keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
    }
}

/// One key as the example file shows it. `example` is TOML: the default, or what one could write.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) example: &'static str,
    pub(super) optional: bool,
    pub(super) range: Option<RangeInclusive<i64>>,
}

/// A section that can be read.
pub(super) trait Section: Sized {
    /// How the example file shows it.
    const DEFINITION: Definition;

    /// Takes every key of the section; `None` after a problem.
    fn read(source: &mut Source) -> Option<Self>;
}

/// Whether a type belongs to a key that may stay unset.
macro_rules! is_optional {
    (Option<$inner:ty>) => {
        true
    };
    ($other:ty) => {
        false
    };
}

macro_rules! range {
    () => {
        None
    };
    ($range:expr) => {
        Some($range)
    };
}

/// Declares a section: a struct, how it is read and how it is shown, in one place.
macro_rules! section {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $struct:ident in $name:literal {
            $($(#[doc = $key_doc:literal])+ $key:ident: [$($type:tt)+] = $example:literal $(in $range:expr)?;)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        $vis struct $struct {
            $($(#[doc = $key_doc])+ pub $key: $($type)+,)+
        }

        impl Section for $struct {
            const DEFINITION: Definition = Definition {
                name: $name,
                doc: &[$($doc),+],
                keys: &[$(Key {
                    name: stringify!($key),
                    doc: &[$($key_doc),+],
                    example: $example,
                    optional: is_optional!($($type)+),
                    range: range!($($range)?),
                }),+],
            };

            fn read(source: &mut Source) -> Option<Self> {
                $(let $key = source.take::<$($type)+>($name, stringify!($key), $example, range!($(&($range))?));)+
                Some(Self { $($key: $key?),+ })
            }
        }
    };
}

section! {
    /// What belongs to no section.
    pub(super) struct General in "" {
        /// The directory of everything that must not be lost: store, mail, search index, secret key.
        data_dir: [PathBuf] = "\"./data\"";
        /// The name this machine greets other mail servers with and writes into message ids.
        /// When unset: the machine's own name.
        hostname: [Option<Hostname>] = "\"desk.example.com\"";
        /// What is logged: error, warn, info, debug or trace, also by part, like "info,frontdesk::http=debug".
        log: [LogFilter] = "\"info\"";
    }
}

section! {
    /// The web side: agents' pages and the HTTP interface.
    pub struct Http in "http" {
        /// Address and port to listen on.
        listen: [SocketAddr] = "\"127.0.0.1:8080\"";
        /// The address people reach it at, without a path. Links in mails are made of it, and requests
        /// under another name are refused. With https, cookies are sent over TLS only.
        public_url: [Option<PublicUrl>] = "\"https://desk.example.com\"";
        /// Certificate chain in PEM, to speak TLS without a proxy in front. Needs tls_key.
        tls_cert: [Option<PathBuf>] = "\"/etc/frontdesk/tls/fullchain.pem\"";
        /// Private key in PEM.
        tls_key: [Option<PathBuf>] = "\"/etc/frontdesk/tls/privkey.pem\"";
        /// Proxies whose X-Forwarded-For header is believed: addresses or blocks. Nobody else's is.
        trusted_proxies: [Vec<Cidr>] = "[]";
        /// How many connections may be open at once.
        max_connections: [usize] = "4096" in 1..=1_000_000;
        /// How many of them may come from one address (from one /64 for IPv6). Trusted proxies are exempt.
        max_connections_per_address: [usize] = "256" in 1..=1_000_000;
        /// The largest file an agent can attach.
        max_upload_bytes: [u64] = "26214400" in 1..=1_073_741_824;
    }
}

section! {
    /// The receiver of mail. While four fifths of its connections are taken, nobody is waited for longer than
    /// ten seconds.
    pub struct Smtp in "smtp" {
        /// Address and port to listen on. Mail from the world comes to port 25.
        listen: [SocketAddr] = "\"127.0.0.1:2525\"";
        /// Certificate chain in PEM for STARTTLS. Needs tls_key. When unset: the one of [http], else one that the
        /// program makes for itself, which keeps mail from being read on its way but proves nobody's name.
        tls_cert: [Option<PathBuf>] = "\"/etc/frontdesk/tls/fullchain.pem\"";
        /// Private key in PEM.
        tls_key: [Option<PathBuf>] = "\"/etc/frontdesk/tls/privkey.pem\"";
        /// The largest mail that is accepted.
        max_message_bytes: [u64] = "52428800" in 65_536..=1_073_741_824;
        /// How many connections may be open at once.
        max_connections: [usize] = "1000" in 1..=1_000_000;
        /// How many of them may come from one address (from one /64 for IPv6).
        max_connections_per_address: [usize] = "50" in 1..=1_000_000;
        /// How long a client may take for its next command, all of it, in seconds (RFC 5321 asks for 300).
        command_timeout_seconds: [u64] = "300" in 5..=3600;
        /// How long a client may take for the next piece of a mail, in seconds (RFC 5321 asks for 180). A mail
        /// that keeps us waiting for longer than that in all has to come at 1 KiB a second on average.
        data_timeout_seconds: [u64] = "180" in 5..=3600;
    }
}

section! {
    /// What is fetched for an agent who asks for it, such as the pictures of a newsletter.
    pub struct Fetch in "fetch" {
        /// Networks of your own that may be asked too: addresses or blocks. Beside them, only the public
        /// internet ever is.
        private_networks: [Vec<Cidr>] = "[]";
    }
}

section! {
    /// The domain name system, which is asked where mail goes and whether mail is what it says.
    pub struct Dns in "dns" {
        /// The name servers to ask: addresses, with a port when it is not 53. When there are none: those that
        /// /etc/resolv.conf names.
        servers: [Vec<SocketAddr>] = "[]";
    }
}

section! {
    /// Mail that goes straight to the recipients' own servers: all of it while no relay is set.
    pub struct Delivery in "delivery" {
        /// Networks of your own where mail servers stand: addresses or blocks. Beside them, mail is delivered to
        /// the public internet only.
        private_networks: [Vec<Cidr>] = "[]";
        /// Whether servers are also reached by IPv6. Off where this machine's IPv6 address has no name (PTR):
        /// many servers refuse mail from such.
        ipv6: [bool] = "true";
    }
}

section! {
    /// Mailboxes elsewhere that mail is fetched from by IMAP.
    pub struct Imap in "imap" {
        /// Networks of your own where such servers stand: addresses or blocks. Beside them, only servers in the public
        /// internet are asked.
        private_networks: [Vec<Cidr>] = "[]";
    }
}

section! {
    /// The server that outgoing mail is handed to. When host is unset, agents with the right to manage
    /// the workspace can name a relay in the settings; without one, mail goes straight to the recipients' servers.
    pub(super) struct RawRelay in "relay" {
        /// Its host name.
        host: [Option<String>] = "\"smtp.example.com\"";
        /// Its port. When unset: the usual one, 465, 587 or 25, by the value of tls.
        port: [Option<u16>] = "465" in 1..=65535;
        /// How the connection is secured: "required" (TLS from the first byte), "starttls" (never
        /// without it) or "none" (only for a relay on your own network).
        tls: [RelayTls] = "\"required\"";
        /// The user name, when the relay asks for one. Needs password_file.
        username: [Option<String>] = "\"desk@example.com\"";
        /// A file that holds the password alone, readable by the server's user only.
        password_file: [Option<PathBuf>] = "\"/etc/frontdesk/relay-password\"";
    }
}

section! {
    /// The store.
    pub struct Store in "store" {
        /// How much of the database is kept in memory.
        cache_bytes: [usize] = "25165824" in 1_048_576..=1_099_511_627_776;
        /// Below this much free disk no new mail is accepted (senders are told to try later).
        min_free_bytes: [u64] = "1073741824" in 0..=1_099_511_627_776;
        /// The same as a share of the disk, in percent. The larger of the two counts.
        min_free_percent: [u64] = "5" in 0..=90;
    }
}

section! {
    /// The search index.
    pub struct Search in "search" {
        /// Memory for what is being indexed. More makes rebuilding a large index faster.
        writer_heap_bytes: [usize] = "20971520" in 15_000_000..=4_000_000_000;
    }
}

section! {
    /// Passwords and sessions.
    pub struct Auth in "auth" {
        /// Memory of one password hash (Argon2id), in KiB. Counts for passwords set from then on.
        argon2_memory_kib: [u32] = "19456" in 8_192..=4_194_304;
        /// Passes over that memory.
        argon2_iterations: [u32] = "2" in 1..=100;
        /// Lanes.
        argon2_parallelism: [u32] = "1" in 1..=16;
        /// How many passwords are checked at once; others wait. Bounds the memory of sign-ins.
        max_parallel_hashes: [usize] = "2" in 1..=64;
        /// How long a sign-in lasts without use, in days.
        session_days: [u32] = "30" in 1..=365;
    }
}

section! {
    /// What is deleted when.
    pub struct Retention in "retention" {
        /// How long conversations stay in the trash, in days.
        trash_days: [u32] = "30" in 1..=3650;
        /// How long conversations stay among the spam, in days.
        spam_days: [u32] = "90" in 1..=3650;
    }
}

/// Every section, in the order of the example file.
pub(super) const ALL: &[Definition] = &[
    General::DEFINITION,
    Http::DEFINITION,
    Smtp::DEFINITION,
    Dns::DEFINITION,
    Delivery::DEFINITION,
    Imap::DEFINITION,
    RawRelay::DEFINITION,
    Store::DEFINITION,
    Search::DEFINITION,
    Auth::DEFINITION,
    Fetch::DEFINITION,
    Retention::DEFINITION,
];

impl Http {
    /// The certificate to serve with; `None` when the proxy in front has it.
    pub fn tls(&self) -> Option<TlsFiles> {
        tls_files(&self.tls_cert, &self.tls_key)
    }
}

impl Smtp {
    /// The certificate of its own to offer STARTTLS with.
    pub fn tls(&self) -> Option<TlsFiles> {
        tls_files(&self.tls_cert, &self.tls_key)
    }
}

fn tls_files(cert: &Option<PathBuf>, key: &Option<PathBuf>) -> Option<TlsFiles> {
    Some(TlsFiles { cert: cert.clone()?, key: key.clone()? })
}

/// Refuses half a certificate.
pub(super) fn check_http(http: &Http, source: &mut Source) {
    both_or_neither("http", &http.tls_cert, &http.tls_key, source);
}

/// Refuses half a certificate.
pub(super) fn check_smtp(smtp: &Smtp, source: &mut Source) {
    both_or_neither("smtp", &smtp.tls_cert, &smtp.tls_key, source);
}

fn both_or_neither(section: &str, cert: &Option<PathBuf>, key: &Option<PathBuf>, source: &mut Source) {
    if cert.is_some() != key.is_some() {
        let set = if cert.is_some() { "tls_cert" } else { "tls_key" };
        source.refuse(&format!("{section}.{set}"), "tls_cert and tls_key must be set together");
    }
}

/// Reads the password and puts the parts together.
pub(super) fn check_relay(raw: RawRelay, source: &mut Source) -> Option<Relay> {
    let Some(host) = raw.host else {
        if raw.username.is_some() || raw.password_file.is_some() {
            source.refuse("relay.host", "must be set when username or password_file is");
        }
        return None;
    };
    let credentials = match (raw.username, raw.password_file) {
        (Some(username), Some(file)) => match std::fs::read_to_string(&file) {
            Ok(text) => Some((username, Secret::new(text.trim_end_matches(['\r', '\n'])))),
            Err(error) => {
                source.refuse("relay.password_file", &format!("{} cannot be read: {error}", file.display()));
                None
            }
        },
        (None, None) => None,
        _ => {
            source.refuse("relay.username", "username and password_file must be set together");
            None
        }
    };
    Some(Relay { host, port: raw.port.unwrap_or_else(|| raw.tls.usual_port()), tls: raw.tls, credentials })
}
