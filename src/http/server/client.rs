//! Who is at the other end: the peer, or what a trusted proxy says about it.

use std::net::IpAddr;

use poem::http::HeaderMap;
use poem::http::header::{FORWARDED, HeaderName};
use poem::{FromRequest, Request, RequestBody};

use crate::config::Cidr;

/// The address a request comes from, for limits, the audit log and sessions. Every request has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let peer = || request.remote_addr().as_socket_addr().map(|peer| ClientAddress(peer.ip().to_canonical()));
        let known = request.extensions().get::<ClientAddress>().copied().or_else(peer);
        // Only a test that calls an endpoint without a connection has neither.
        Ok(known.unwrap_or(ClientAddress(IpAddr::from([0, 0, 0, 0]))))
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers by which proxies speak about a client. Nothing behind this file may believe them.
const HEARSAY: [HeaderName; 10] = [
    FORWARDED,
    FORWARDED_FOR,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-remote-user"),
    HeaderName::from_static("x-forwarded-user"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("true-client-ip"),
];

/// Whether one of `blocks` holds `address`.
pub(super) fn is_listed(blocks: &[Cidr], address: IpAddr) -> bool {
    blocks.iter().any(|block| block.contains(address))
}

/// The client's address; takes every header by which anybody could claim another one out.
pub(super) fn identify(headers: &mut HeaderMap, peer: IpAddr, trusted: &[Cidr]) -> ClientAddress {
    let mut client = peer.to_canonical();
    if is_listed(trusted, client) {
        // Each proxy appends whom it heard: from the right, the first that is no proxy is the client.
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Ok(address) = entry.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !is_listed(trusted, client) {
                break;
            }
        }
    }
    for name in HEARSAY {
        headers.remove(name);
    }
    ClientAddress(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identified(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        headers.append("x-real-ip", "198.51.100.99".parse().unwrap());
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let client = identify(&mut headers, peer.parse().unwrap(), &trusted);
        assert!(headers.is_empty(), "hearsay is taken out");
        client.0.to_string()
    }

    #[test]
    fn forwarded_for_is_believed_from_listed_peers_only() {
        let table: [(&str, &[&str], &str); 9] = [
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.5, 198.51.100.7, 10.1.1.1"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.5", "198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            ("127.0.0.1", &["198.51.100.7, nonsense"], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["2001:db8::7"], "2001:db8::7"),
        ];
        for (peer, lines, expected) in table {
            assert_eq!(identified(peer, lines), expected, "{peer} {lines:?}");
        }
    }
}
