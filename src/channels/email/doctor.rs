//! What the domain name system says about the installation and its domains, and what it should say, for mail to arrive
//! and to be believed. Asks only; changes nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures_util::future::join_all;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{MessageAuthenticator, SpfResult};

use crate::desk::workspace::Relay;
use crate::domain::MailDomain;
use crate::domain::mail_domain::{DkimKey, KeyState};
use crate::net::Resolver;
use crate::net::resolver::LookupError;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The host name's addresses.
    Host,
    /// The names of those addresses.
    ReverseName,
    /// Where the domain's mail goes.
    Mx,
    /// Who may send for the domain (RFC 7208).
    Spf,
    /// What verifies its signatures (RFC 6376).
    Dkim,
    /// What is to become of mail that is not verified (RFC 9989).
    Dmarc,
}

impl Check {
    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Check::Host => "host",
            Check::ReverseName => "reverse_name",
            Check::Mx => "mx",
            Check::Spf => "spf",
            Check::Dkim => "dkim",
            Check::Dmarc => "dmarc",
        }
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Passes,
    /// It is not there.
    Missing,
    /// It is there, and should be another.
    Change,
    /// It is not needed here.
    NotNeeded,
    /// It cannot be said: the name servers do not answer, or somebody else has a say in it.
    Unknown,
}

impl Verdict {
    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Passes => "passes",
            Verdict::Missing => "missing",
            Verdict::Change => "change",
            Verdict::NotNeeded => "not_needed",
            Verdict::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub check: Check,
    /// What was found.
    pub verdict: Verdict,
    /// Stable code of the sentence about it.
    pub code: &'static str,
    /// What the sentence needs.
    pub args: BTreeMap<&'static str, String>,
    /// The kind of record: A, MX, TXT, PTR.
    pub kind: &'static str,
    /// The record's name.
    pub name: String,
    /// What it should say, where that is known.
    pub record: Option<String>,
}

/// What there is to look at.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The installation's host name.
    pub hostname: String,
    /// The domain.
    pub domain: MailDomain,
    /// Whether mail to it is to come here by its MX record.
    pub takes_mail: bool,
    /// The relay its mail leaves through.
    pub relay: Option<Relay>,
}

fn finding(check: Check, verdict: Verdict, code: &'static str, kind: &'static str, name: &str) -> Finding {
    Finding { check, verdict, code, args: BTreeMap::new(), kind, name: String::from(name), record: None }
}

impl Finding {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Finding {
        self.args.insert(name, value.into());
        self
    }

    fn record(mut self, value: impl Into<String>) -> Finding {
        self.record = Some(value.into());
        self
    }
}

/// Looks at everything about a domain, in the order in which people set it up.
pub async fn examine(resolver: &Resolver, patient: &Patient) -> Vec<Finding> {
    let host = resolver.addresses(&patient.hostname);
    let name = patient.domain.name.as_str();
    let dmarc_name = format!("_dmarc.{name}");
    let (host, mx, texts, dmarc) = tokio::join!(host, resolver.mx(name), resolver.txt(name), resolver.txt(&dmarc_name));
    let addresses = host.clone().unwrap_or_default();
    let named = if patient.relay.is_none() { addresses.as_slice() } else { &[] };
    let names = join_all(named.iter().map(|address| of_name(resolver, *address, &patient.hostname)));
    let signing = patient.domain.keys.iter().filter(|key| !matches!(key.state, KeyState::Retired(_)));
    let keys = join_all(signing.map(async |key| {
        let name = key.record_name(name);
        of_dkim(key, &name, resolver.txt(&name).await)
    }));
    // All at once: where nobody answers, each of them takes its whole time.
    let (names, keys, spf) = tokio::join!(names, keys, of_spf(resolver, patient, &addresses, texts));
    let mut out = Vec::new();
    if patient.relay.is_none() || patient.takes_mail {
        out.push(of_host(&patient.hostname, &host));
    }
    out.extend(names);
    out.push(of_mx(patient, mx.map(|found| found.into_iter().map(|one| one.host).collect())));
    out.push(spf);
    out.extend(keys);
    out.push(of_dmarc(name, dmarc));
    out
}

/// A domain examined.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether there are keys that wait for their records, and those are there.
    pub next_keys_published: bool,
}

/// Whether the records of a domain's next keys are published, so that they can sign.
pub async fn next_keys_published(resolver: &Resolver, domain: &MailDomain) -> bool {
    let mut any = false;
    for key in domain.keys.iter().filter(|key| key.state == KeyState::Next) {
        let name = key.record_name(&domain.name);
        let found = of_dkim(key, &name, resolver.txt(&name).await);
        if found.verdict != Verdict::Passes {
            return false;
        }
        any = true;
    }
    any
}

fn unknown(check: Check, kind: &'static str, name: &str, error: &LookupError) -> Finding {
    finding(check, Verdict::Unknown, "no_answer", kind, name).with("words", error.to_string())
}

fn of_host(host: &str, found: &Result<Vec<IpAddr>, LookupError>) -> Finding {
    match found {
        Ok(addresses) => {
            let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            finding(Check::Host, Verdict::Passes, "host_ok", "A", host).with("addresses", all.join(", "))
        }
        Err(error @ LookupError::Failed(_)) => unknown(Check::Host, "A", host, error),
        Err(_) => finding(Check::Host, Verdict::Missing, "host_missing", "A", host),
    }
}

async fn of_name(resolver: &Resolver, address: IpAddr, host: &str) -> Finding {
    let about =
        |verdict, code| finding(Check::ReverseName, verdict, code, "PTR", &address.to_string()).with("host", host);
    match resolver.names(address).await {
        Ok(names) if names.iter().any(|name| name == host) => about(Verdict::Passes, "ptr_ok"),
        Ok(names) => about(Verdict::Change, "ptr_other").with("found", names.join(", ")).record(host),
        Err(error @ LookupError::Failed(_)) => unknown(Check::ReverseName, "PTR", &address.to_string(), &error),
        Err(_) => about(Verdict::Missing, "ptr_missing").record(host),
    }
}

fn of_mx(patient: &Patient, found: Result<Vec<String>, LookupError>) -> Finding {
    let (name, host) = (patient.domain.name.as_str(), patient.hostname.as_str());
    let about = |verdict, code| finding(Check::Mx, verdict, code, "MX", name).with("host", host);
    if !patient.takes_mail {
        return about(Verdict::NotNeeded, "mx_not_needed");
    }
    let record = format!("10 {host}.");
    match found {
        Ok(hosts) if hosts.first().is_some_and(|first| first == host) => about(Verdict::Passes, "mx_ok"),
        Ok(hosts) if hosts.iter().any(|one| one == host) => {
            about(Verdict::Change, "mx_later").with("found", hosts.join(", ")).record(record)
        }
        Ok(hosts) => about(Verdict::Change, "mx_other").with("found", hosts.join(", ")).record(record),
        // The host name's own address takes its mail without one (RFC 5321 section 5.1).
        Err(LookupError::NoRecord) if name == host => about(Verdict::Passes, "mx_implicit"),
        Err(error @ LookupError::Failed(_)) => unknown(Check::Mx, "MX", name, &error),
        Err(_) => about(Verdict::Missing, "mx_missing").record(record),
    }
}

async fn of_spf(
    resolver: &Resolver,
    patient: &Patient,
    addresses: &[IpAddr],
    texts: Result<Vec<String>, LookupError>,
) -> Finding {
    let (name, host) = (patient.domain.name.as_str(), patient.hostname.as_str());
    let about = |verdict, code| finding(Check::Spf, verdict, code, "TXT", name);
    let is_spf = |text: &&String| text.to_ascii_lowercase().split(' ').next() == Some("v=spf1");
    let records: Vec<String> = match texts {
        Ok(texts) => texts.iter().filter(is_spf).cloned().collect(),
        Err(error @ LookupError::Failed(_)) => return unknown(Check::Spf, "TXT", name, &error),
        Err(_) => Vec::new(),
    };
    let ours = if name == host { String::from("v=spf1 a -all") } else { format!("v=spf1 a:{host} ~all") };
    match (records.as_slice(), &patient.relay) {
        ([], Some(relay)) => about(Verdict::Missing, "spf_missing_relay").with("relay", relay.host.clone()),
        ([], None) => about(Verdict::Missing, "spf_missing").record(ours),
        ([_, _, ..], _) => about(Verdict::Change, "spf_many").with("count", records.len().to_string()),
        ([found], Some(relay)) => {
            about(Verdict::Unknown, "spf_relay").with("found", found.clone()).with("relay", relay.host.clone())
        }
        ([found], None) => {
            let Some(hickory) = resolver.hickory() else {
                return unknown(Check::Spf, "TXT", name, &LookupError::NoRecord);
            };
            let authenticator = MessageAuthenticator(hickory.clone());
            let sender = format!("postmaster@{name}");
            for address in addresses {
                let asked = SpfParameters::verify_mail_from(*address, host, host, &sender);
                let result = authenticator.verify_spf(asked).await.result();
                match result {
                    SpfResult::Pass => {}
                    SpfResult::TempError => {
                        let words = LookupError::Failed(String::from("no answer"));
                        return unknown(Check::Spf, "TXT", name, &words);
                    }
                    SpfResult::PermError => return about(Verdict::Change, "spf_broken").with("found", found.clone()),
                    _ => {
                        let lacks = about(Verdict::Change, "spf_lacks").with("address", address.to_string());
                        return lacks.with("found", found.clone()).record(with_host(found, host));
                    }
                }
            }
            match addresses.first() {
                Some(address) => about(Verdict::Passes, "spf_ok").with("address", address.to_string()),
                None => about(Verdict::Unknown, "spf_no_address").with("host", host),
            }
        }
    }
}

/// An SPF record with our host among those who may send: before what it says about all others.
fn with_host(record: &str, host: &str) -> String {
    let mut words: Vec<String> = record.split_whitespace().map(String::from).collect();
    let is_last = |word: &String| {
        let word = word.to_ascii_lowercase();
        word.trim_start_matches(['+', '-', '~', '?']) == "all" || word.starts_with("redirect=")
    };
    let at = words.iter().position(is_last).unwrap_or(words.len());
    words.insert(at, format!("a:{host}"));
    words.join(" ")
}

fn of_dkim(key: &DkimKey, name: &str, found: Result<Vec<String>, LookupError>) -> Finding {
    let about = |verdict, code| {
        let about = finding(Check::Dkim, verdict, code, "TXT", name);
        about.with("selector", key.selector.clone()).with("algorithm", key.algorithm.tag())
    };
    match found {
        Ok(texts) if texts.iter().any(|text| tag(text, "p") == tag(&key.record_value(), "p")) => {
            about(Verdict::Passes, "dkim_ok").record(key.record_value())
        }
        Ok(_) => about(Verdict::Change, "dkim_other").record(key.record_value()),
        Err(error @ LookupError::Failed(_)) => unknown(Check::Dkim, "TXT", name, &error).record(key.record_value()),
        Err(_) => about(Verdict::Missing, "dkim_missing").record(key.record_value()),
    }
}

fn of_dmarc(domain: &str, found: Result<Vec<String>, LookupError>) -> Finding {
    let name = format!("_dmarc.{domain}");
    let about = |verdict, code| finding(Check::Dmarc, verdict, code, "TXT", &name);
    let suggestion = "v=DMARC1; p=none";
    let is_dmarc = |text: &&String| text.to_ascii_lowercase().replace(' ', "").starts_with("v=dmarc1");
    match found {
        Ok(texts) => {
            let records: Vec<&String> = texts.iter().filter(is_dmarc).collect();
            match records.as_slice() {
                [] => about(Verdict::Missing, "dmarc_missing").record(suggestion),
                [record] => match tag(record, "p").unwrap_or_default().to_ascii_lowercase().as_str() {
                    "none" => about(Verdict::Passes, "dmarc_none"),
                    policy @ ("quarantine" | "reject") => about(Verdict::Passes, "dmarc_ok").with("policy", policy),
                    _ => about(Verdict::Change, "dmarc_broken").with("found", record.as_str()).record(suggestion),
                },
                many => about(Verdict::Change, "dmarc_many").with("count", many.len().to_string()),
            }
        }
        Err(error @ LookupError::Failed(_)) => unknown(Check::Dmarc, "TXT", &name, &error),
        Err(_) => about(Verdict::Missing, "dmarc_missing").record(suggestion),
    }
}

/// The value of a tag in a list of them (RFC 6376 section 3.2), without white space.
fn tag(record: &str, name: &str) -> Option<String> {
    let pairs = record.split(';').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| key.trim() == name);
    found.next().map(|(_, value)| value.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_host_is_added_to_a_record_that_is_there() {
        for (record, wanted) in [
            ("v=spf1 mx -all", "v=spf1 mx a:desk.example -all"),
            ("v=spf1 include:x.example ~ALL", "v=spf1 include:x.example a:desk.example ~ALL"),
            ("v=spf1 redirect=x.example", "v=spf1 a:desk.example redirect=x.example"),
            ("v=spf1", "v=spf1 a:desk.example"),
        ] {
            assert_eq!(with_host(record, "desk.example"), wanted);
        }
    }

    #[test]
    fn policies_are_read_as_they_are_written() {
        let of = |texts: &[&str]| {
            let found = texts.iter().map(|text| String::from(*text)).collect();
            of_dmarc("a.example", Ok(found)).code
        };
        assert_eq!(of(&["v=DMARC1; p=none"]), "dmarc_none");
        assert_eq!(of(&["V=DMARC1;p = Reject ; rua=mailto:x@y.example"]), "dmarc_ok");
        assert_eq!(of(&["hello"]), "dmarc_missing");
        assert_eq!(of(&["v=DMARC1; sp=none"]), "dmarc_broken");
        assert_eq!(of(&["v=DMARC1; p=none", "v=DMARC1; p=reject"]), "dmarc_many");
        assert_eq!(of_dmarc("a.example", Err(LookupError::Failed(String::new()))).verdict, Verdict::Unknown);
    }
}
