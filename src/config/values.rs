//! The kinds of values a key can hold. Each reads itself from TOML or says what is allowed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use toml::Value;

use super::cidr::Cidr;

/// A kind of value: how it is read, and what is said when it cannot be.
pub(super) trait Kind: Sized {
    /// What a right value looks like, continuing "must be …".
    const ALLOWED: &'static str;

    /// What the key holds when nobody sets it and there is no default: only optional keys have it.
    fn absent() -> Option<Self> {
        None
    }

    /// The value, or `None` when `value` is not of this kind.
    fn read(value: &Value) -> Option<Self>;
}

impl<T: Kind> Kind for Option<T> {
    const ALLOWED: &'static str = T::ALLOWED;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Some)
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Kind for $type {
            const ALLOWED: &'static str = "a whole number";
            fn read(value: &Value) -> Option<Self> {
                value.as_integer().and_then(|number| number.try_into().ok())
            }
        }
    )*};
}
numbers!(u16, u32, u64, usize);

impl Kind for String {
    const ALLOWED: &'static str = "a text that is not empty";

    fn read(value: &Value) -> Option<Self> {
        value.as_str().filter(|text| !text.is_empty()).map(String::from)
    }
}

impl Kind for PathBuf {
    const ALLOWED: &'static str = "a path in quotes";

    fn read(value: &Value) -> Option<Self> {
        String::read(value).map(PathBuf::from)
    }
}

impl Kind for SocketAddr {
    const ALLOWED: &'static str = "an address and a port, like \"127.0.0.1:8080\" or \"[::]:8080\"";

    fn read(value: &Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl Kind for bool {
    const ALLOWED: &'static str = "true or false";

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

/// Name servers: addresses, each with a port when it is not 53.
impl Kind for Vec<SocketAddr> {
    const ALLOWED: &'static str = "a list of addresses, like [\"9.9.9.9\", \"127.0.0.1:5353\"]";

    fn read(value: &Value) -> Option<Self> {
        let one = |text: &str| {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)))
        };
        match value {
            Value::Array(items) => items.iter().map(|item| one(item.as_str()?)).collect(),
            Value::String(list) if list.trim().is_empty() => Some(Vec::new()),
            Value::String(list) => list.split(',').map(one).collect(),
            _ => None,
        }
    }
}

impl Kind for Vec<Cidr> {
    const ALLOWED: &'static str = "a list of addresses or blocks, like [\"127.0.0.1\", \"10.0.0.0/8\"]";

    fn read(value: &Value) -> Option<Self> {
        let one = |item: &Value| item.as_str()?.trim().parse().ok();
        match value {
            Value::Array(items) => items.iter().map(one).collect(),
            Value::String(list) if list.trim().is_empty() => Some(Vec::new()),
            Value::String(list) => list.split(',').map(|item| item.trim().parse().ok()).collect(),
            _ => None,
        }
    }
}

/// A filter for the log that has been read once and found right.
#[derive(Clone, Debug)]
pub struct LogFilter(pub String);

impl Kind for LogFilter {
    const ALLOWED: &'static str = "a level or a filter, like \"info\" or \"info,frontdesk=debug\"";

    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| LogFilter(text.to_owned()))
    }
}

/// A host name: A-labels of letters, digits and hyphens, lower case, at most 253 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hostname(pub String);

impl Hostname {
    /// The name the machine gives itself, `localhost` when that is no host name.
    pub fn of_this_machine() -> Hostname {
        let name =
            std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
        name.ok().and_then(|name| Hostname::parse(name.trim())).unwrap_or_else(|| Hostname(String::from("localhost")))
    }

    /// Reads a host name; names in other scripts become A-labels (RFC 5890).
    pub fn parse(text: &str) -> Option<Hostname> {
        let name = idna::domain_to_ascii_strict(text).ok()?;
        let good =
            !name.is_empty() && name.len() <= 253 && name.split('.').all(is_label) && name.parse::<IpAddr>().is_err();
        good.then_some(Hostname(name))
    }
}

fn is_label(label: &str) -> bool {
    let inside = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    !label.is_empty() && label.len() <= 63 && inside && !label.starts_with('-') && !label.ends_with('-')
}

impl Kind for Hostname {
    const ALLOWED: &'static str = "a host name, like \"desk.example.com\"";

    fn read(value: &Value) -> Option<Self> {
        Hostname::parse(value.as_str()?)
    }
}

/// The address people and mails reach the web side at: scheme, host and port, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    authority: String,
}

impl PublicUrl {
    /// Reads `https://desk.example.com`, with or without a port and a slash at the end.
    pub fn parse(text: &str) -> Option<PublicUrl> {
        let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            _ => return None,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let usual = if https { ":443" } else { ":80" };
        let rest = rest.strip_suffix(usual).unwrap_or(rest);
        let authority = if rest.starts_with('[') { v6_authority(rest)? } else { named_authority(rest)? };
        Some(PublicUrl { https, authority })
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host, and port where it is not the scheme's usual one: what a browser sends as `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Scheme, host and port: what a browser sends as `Origin`. Links are this plus a path.
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

fn named_authority(text: &str) -> Option<String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (text, None),
    };
    let host = match host.parse::<std::net::Ipv4Addr>() {
        Ok(address) => address.to_string(),
        Err(_) => Hostname::parse(host)?.0,
    };
    Some(port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

fn v6_authority(text: &str) -> Option<String> {
    let (address, rest) = text.strip_prefix('[')?.split_once(']')?;
    let address: std::net::Ipv6Addr = address.parse().ok()?;
    match rest.strip_prefix(':') {
        Some(port) => Some(format!("[{address}]:{}", port.parse::<u16>().ok()?)),
        None => rest.is_empty().then(|| format!("[{address}]")),
    }
}

impl Kind for PublicUrl {
    const ALLOWED: &'static str = "an address without a path, like \"https://desk.example.com\"";

    fn read(value: &Value) -> Option<Self> {
        PublicUrl::parse(value.as_str()?)
    }
}

/// How the connection to the relay is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayTls {
    /// TLS from the first byte (RFC 8314), usually port 465.
    Required,
    /// `STARTTLS` before anything else; never without it. Usually port 587.
    StartTls,
    /// No TLS: for a relay on this machine or on a network of one's own.
    None,
}

impl RelayTls {
    /// The port that usually goes with it.
    pub fn usual_port(self) -> u16 {
        match self {
            RelayTls::Required => 465,
            RelayTls::StartTls => 587,
            RelayTls::None => 25,
        }
    }
}

impl Kind for RelayTls {
    const ALLOWED: &'static str = "\"required\", \"starttls\" or \"none\"";

    fn read(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "required" => Some(RelayTls::Required),
            "starttls" => Some(RelayTls::StartTls),
            "none" => Some(RelayTls::None),
            _ => None,
        }
    }
}

/// A certificate chain and its private key, both in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}
