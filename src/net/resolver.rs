//! Asking the domain name system: mail exchangers, addresses, texts, names of addresses.
//!
//! One resolver and one cache for everything that asks. It tells what is not there from what cannot be said now, and
//! never takes longer than [`LIMIT`], whatever servers answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// Longest any question takes.
pub const LIMIT: Duration = Duration::from_secs(10);
/// Longest one try at one server takes.
const TRY: Duration = Duration::from_secs(3);
/// Tries at each server.
const TRIES: usize = 2;
/// Longest an answer is kept, whatever it says.
const LONGEST_KEPT: Duration = Duration::from_secs(3600);
/// Longest it is remembered that something is not there.
const ABSENCE_KEPT: Duration = Duration::from_secs(300);
/// Answers kept.
const KEPT: u64 = 8192;
/// Records of one answer that are looked at.
const MOST: usize = 50;
/// Bytes of text records of one name that are looked at.
const MOST_TEXT: usize = 16 << 10;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The name does not exist (NXDOMAIN), or is no name.
    #[error("the name does not exist")]
    NoName,
    /// The name exists, without a record of this kind.
    #[error("there is no such record")]
    NoRecord,
    /// It cannot be said now.
    #[error("the name servers do not say: {0}")]
    Failed(String),
}

/// A mail exchanger of a domain (RFC 5321 section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchanger {
    /// Lower comes first.
    pub preference: u16,
    /// Its host name in lower case, without a dot at its end; empty for the null MX (RFC 7505).
    pub host: String,
}

/// Asks the domain name system. Cloning shares it.
#[derive(Clone)]
pub struct Resolver {
    /// Or why there is nobody to ask.
    inner: Result<TokioResolver, String>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Asks `servers`, or those that `/etc/resolv.conf` names when none are given. Where there is nobody to ask every
    /// question fails, which may pass: nothing is lost by it.
    pub fn new(servers: &[SocketAddr]) -> Resolver {
        let inner = Resolver::build(servers);
        if let Err(words) = &inner {
            tracing::error!(words, "the domain name system cannot be asked: mail waits, and is not verified");
        }
        Resolver { inner }
    }

    fn build(servers: &[SocketAddr]) -> Result<TokioResolver, String> {
        let (config, mut options) = if servers.is_empty() {
            hickory_resolver::system_conf::read_system_conf()
                .map_err(|error| format!("/etc/resolv.conf names no name server ({error}); set dns.servers"))?
        } else {
            let named = servers.iter().map(|address| name_server(*address)).collect();
            (ResolverConfig::from_parts(None, Vec::new(), named), ResolverOpts::default())
        };
        options.timeout = TRY;
        options.attempts = TRIES;
        options.cache_size = KEPT;
        options.positive_max_ttl = Some(LONGEST_KEPT);
        options.negative_max_ttl = Some(ABSENCE_KEPT);
        options.use_hosts_file = ResolveHosts::Never;
        options.try_tcp_on_error = true;
        // Names are asked for as they are: a search list would find other people's hosts.
        options.ndots = 0;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
        builder.build().map_err(|error| error.to_string())
    }

    /// The resolver inside, for a library that asks by itself; none where there is nobody to ask.
    pub fn hickory(&self) -> Option<&TokioResolver> {
        self.inner.as_ref().ok()
    }

    /// The mail exchangers of a domain, best first.
    ///
    /// # Errors
    /// [`LookupError::NoRecord`] when it has none: its own addresses take its mail then.
    pub async fn mx(&self, domain: &str) -> Result<Vec<Exchanger>, LookupError> {
        let mut found = self
            .records(domain, RecordType::MX, |data| match data {
                RData::MX(mx) => Some(Exchanger { preference: mx.preference, host: host_of(&mx.exchange) }),
                _ => None,
            })
            .await?;
        found.sort();
        Ok(found)
    }

    /// The addresses of a host, IPv6 first, as the system's own resolver has it.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let v6 = self.records(host, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(IpAddr::from(address.0)),
            _ => None,
        });
        let v4 = self.records(host, RecordType::A, |data| match data {
            RData::A(address) => Some(IpAddr::from(address.0)),
            _ => None,
        });
        match tokio::join!(v6, v4) {
            (Ok(v6), Ok(v4)) => Ok([v6, v4].concat()),
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
            (Err(failed @ LookupError::Failed(_)), _) | (_, Err(failed)) => Err(failed),
        }
    }

    /// The text records of a name, each put together.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, LookupError> {
        let mut left = MOST_TEXT;
        self.records(name, RecordType::TXT, move |data| {
            let RData::TXT(txt) = data else { return None };
            let whole: Vec<u8> = txt.txt_data.iter().flat_map(|piece| piece.iter().copied()).collect();
            left = left.checked_sub(whole.len())?;
            Some(String::from_utf8_lossy(&whole).into_owned())
        })
        .await
    }

    /// The names of an address.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub async fn names(&self, address: IpAddr) -> Result<Vec<String>, LookupError> {
        let name = Name::from(address);
        self.records(&name.to_ascii(), RecordType::PTR, |data| match data {
            RData::PTR(name) => Some(host_of(&name.0)),
            _ => None,
        })
        .await
    }

    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        pick: impl FnMut(&RData) -> Option<T>,
    ) -> Result<Vec<T>, LookupError> {
        let mut name = Name::from_ascii(name).map_err(|_| LookupError::NoName)?;
        name.set_fqdn(true);
        let inner = self.inner.as_ref().map_err(|words| LookupError::Failed(words.clone()))?;
        let answered = tokio::time::timeout(LIMIT, inner.lookup(name, kind)).await;
        let answer = answered.map_err(|_| LookupError::Failed(String::from("no answer in time")))?.map_err(why)?;
        let found: Vec<T> = answer.answers().iter().map(|record| &record.data).filter_map(pick).take(MOST).collect();
        if found.is_empty() { Err(LookupError::NoRecord) } else { Ok(found) }
    }
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = address.port());
    NameServerConfig::new(address.ip(), true, connections)
}

fn host_of(name: &Name) -> String {
    name.to_lowercase().to_ascii().trim_end_matches('.').to_owned()
}

fn why(error: NetError) -> LookupError {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => LookupError::NoName,
            ResponseCode::NoError => LookupError::NoRecord,
            other => LookupError::Failed(other.to_string()),
        },
        other => LookupError::Failed(other.to_string()),
    }
}
