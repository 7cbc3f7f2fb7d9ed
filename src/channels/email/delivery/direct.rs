//! Delivery to the recipients' own servers (RFC 5321 section 5): who they are, in which order they are tried, and
//! which of them are left alone for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::{DeliveryTimeouts, Failure, Outcome, OutgoingEnvelope, Pool, RecipientResult, Results, Security, Server};
use crate::base::{Clock, Timestamp};
use crate::config::Cidr;
use crate::net::resolver::{Exchanger, LookupError};
use crate::net::{Guard, Resolver};

/// Exchangers of a domain that are tried.
const EXCHANGERS: usize = 5;
/// Addresses of all of them that are tried.
const ADDRESSES: usize = 8;
/// How long a domain none of whose servers could be reached is left alone, in seconds.
const LEFT_ALONE: i64 = 120;
/// Domains remembered as not to be reached.
const REMEMBERED: usize = 10_000;

/// How mail goes straight to where it belongs.
#[derive(Clone, Debug)]
pub struct Direct {
    /// Whom to ask where that is.
    pub resolver: Resolver,
    /// What we call ourselves in EHLO.
    pub hello_name: String,
    /// Networks of the administrator's own that may be reached beside the public internet.
    pub networks: Arc<[Cidr]>,
    /// Whether IPv6 is used.
    pub ipv6: bool,
    /// How long to wait for what.
    pub timeouts: DeliveryTimeouts,
    /// Domains that could not be reached.
    pub unreachable: Arc<Unreachable>,
}

/// Domains none of whose servers could be reached a moment ago, with what was found: the rest of their mail does not
/// wait for each of them again.
#[derive(Debug)]
pub struct Unreachable {
    clock: Clock,
    known: Mutex<HashMap<String, (Timestamp, String)>>,
}

impl Unreachable {
    /// Nothing is known yet.
    pub fn new(clock: Clock) -> Unreachable {
        Unreachable { clock, known: Mutex::default() }
    }

    fn of(&self, domain: &str) -> Option<String> {
        let now = self.clock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| (*since..since.plus_seconds(LEFT_ALONE)).contains(&now));
        known.get(domain).map(|(_, words)| words.clone())
    }

    fn note(&self, domain: &str, words: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REMEMBERED {
            known.insert(domain.to_owned(), (self.clock.now(), words.to_owned()));
        }
    }
}

/// A server of a domain that is worth a try.
struct Candidate {
    host: String,
    address: IpAddr,
}

impl Direct {
    /// Sends `message` to recipients of one domain and gives a result for each, in their order. A domain that could not
    /// be reached a moment ago is left alone, unless the caller insists.
    pub async fn deliver(
        &self,
        domain: &str,
        envelope: &OutgoingEnvelope,
        message: &[u8],
        pool: &Pool,
        insist: bool,
    ) -> Vec<RecipientResult> {
        let failed = |failure: Failure| {
            let mut results = Results::new(&envelope.recipients);
            results.rest(&failure);
            results.finish(&self.server(String::new(), None))
        };
        if let Some(words) = self.unreachable.of(domain).filter(|_| !insist) {
            return failed(Failure::new(Outcome::Deferred, words));
        }
        let candidates = match self.candidates(domain).await {
            Ok(candidates) => candidates,
            Err(failure) => return failed(failure),
        };
        let (mut last, mut answered) = (None, false);
        for candidate in candidates {
            let server = self.server(candidate.host, Some(candidate.address));
            let mut results = Results::new(&envelope.recipients);
            let Err(failure) = super::attempt(&server, envelope, message, Some(pool), &mut results).await else {
                return results.finish(&server);
            };
            // A word about this mail or its recipients: another server of the domain would say the same. Who says
            // "not now" before that, or nothing, leaves it to the next one.
            let settled = results.any() || failure.outcome == Outcome::Refused;
            answered |= settled || failure.connection_stands;
            results.rest(&failure);
            last = Some((results.finish(&server), failure.reply));
            if settled {
                break;
            }
        }
        match last {
            Some((results, words)) => {
                if !answered {
                    self.unreachable.note(domain, &words);
                }
                results
            }
            None => failed(Failure::new(Outcome::Deferred, format!("no server of {domain} has an address"))),
        }
    }

    fn server(&self, host: String, address: Option<IpAddr>) -> Server {
        Server {
            host,
            address,
            port: 25,
            tls: Security::Opportunistic,
            credentials: None,
            hello_name: self.hello_name.clone(),
            extra_roots: Vec::new(),
            timeouts: self.timeouts.clone(),
        }
    }

    /// The addresses to try, best first.
    async fn candidates(&self, domain: &str) -> Result<Vec<Candidate>, Failure> {
        let mut found = Vec::new();
        let mut trouble = None;
        let (mut forbidden, mut named) = (false, Vec::new());
        for exchanger in self.exchangers(domain).await?.into_iter().take(EXCHANGERS) {
            let addresses = match self.resolver.addresses(&exchanger.host).await {
                Ok(addresses) => addresses,
                Err(LookupError::Failed(words)) => {
                    trouble = Some(format!("{}: the name servers do not say: {words}", exchanger.host));
                    continue;
                }
                Err(LookupError::NoName | LookupError::NoRecord) => {
                    named.push(exchanger.host);
                    continue;
                }
            };
            let guard = Guard::Public { also: &self.networks };
            for address in addresses {
                if address.is_ipv6() && !self.ipv6 {
                    continue;
                }
                if !guard.allows(address) {
                    forbidden = true;
                } else if found.len() < ADDRESSES {
                    found.push(Candidate { host: exchanger.host.clone(), address });
                }
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        Err(match trouble {
            Some(words) => Failure::new(Outcome::Deferred, words),
            None if forbidden => {
                let words = format!("the servers of {domain} are in a private network that mail is not delivered to");
                Failure::new(Outcome::Refused, words)
            }
            None => {
                let words = format!("no server of {domain} has an address ({})", named.join(", "));
                Failure::new(Outcome::Deferred, words)
            }
        })
    }

    /// The exchangers of a domain, best first, those of one preference in no order; the domain itself when it names
    /// none (RFC 5321 section 5.1).
    async fn exchangers(&self, domain: &str) -> Result<Vec<Exchanger>, Failure> {
        let found = match self.resolver.mx(domain).await {
            Ok(found) => found,
            Err(LookupError::NoRecord) => vec![Exchanger { preference: 0, host: domain.to_owned() }],
            Err(LookupError::NoName) => {
                return Err(Failure::new(Outcome::Refused, format!("the domain {domain} does not exist")));
            }
            Err(LookupError::Failed(words)) => {
                let words = format!("{domain}: the name servers do not say where its mail goes: {words}");
                return Err(Failure::new(Outcome::Deferred, words));
            }
        };
        if found.iter().all(|exchanger| exchanger.host.is_empty()) {
            return Err(Failure::new(Outcome::Refused, format!("the domain {domain} takes no mail (null MX)")));
        }
        let mut keyed: Vec<(u16, [u8; 8], Exchanger)> = found
            .into_iter()
            .filter(|exchanger| !exchanger.host.is_empty())
            .map(|exchanger| (exchanger.preference, crate::base::random::bytes::<8>(), exchanger))
            .collect();
        keyed.sort_by_key(|(preference, any, _)| (*preference, *any));
        Ok(keyed.into_iter().map(|(.., exchanger)| exchanger).collect())
    }
}
