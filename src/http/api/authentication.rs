//! Whether a mail is from whom it says it is, as the interface shows it.

use poem_openapi::{Enum, Object};

use crate::domain;
use crate::domain::authentication;

/// What follows from all that was found.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum Verdict {
    /// The domain in From itself sent or signed it.
    Pass,
    /// The domain in From says how its mail is known, and this is not.
    Fail,
    /// Nothing speaks for it, nothing against it.
    None,
    /// The name servers could not be asked.
    Temperror,
    /// Not found out yet.
    Checking,
}

/// What a domain asks to be done with mail that only claims to be its own.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum Policy {
    /// Nothing.
    None,
    /// To set it aside.
    Quarantine,
    /// To refuse it.
    Reject,
}

/// SPF. Results here and below: `pass`, `fail`, `softfail`, `neutral`, `none`, `temperror`, `permerror`.
#[derive(Object, Clone, Debug)]
pub struct SpfView {
    /// For the reverse-path; for the client's name where that is empty.
    pub result: String,
    /// Of which domain.
    pub domain: String,
    /// Whether that is the domain in From.
    pub aligned: bool,
    /// For the client's own name.
    pub helo: String,
}

/// One DKIM signature.
#[derive(Object, Clone, Debug)]
pub struct DkimView {
    /// What became of it.
    pub result: String,
    /// Who signed.
    pub domain: String,
    /// With which key.
    pub selector: String,
    /// Whether that is the domain in From.
    pub aligned: bool,
    /// Why it does not hold: `from_not_signed`, `length`, `changed`, `expired`, `no_key`, `broken`, `unreachable`.
    pub reason: Option<String>,
}

/// DMARC.
#[derive(Object, Clone, Debug)]
pub struct DmarcView {
    /// What became of it.
    pub result: String,
    /// The domain in From.
    pub domain: String,
    /// What it asks for; left out where it publishes nothing.
    pub policy: Option<Policy>,
}

/// The name of the sending address.
#[derive(Object, Clone, Debug)]
pub struct IprevView {
    /// What became of it.
    pub result: String,
    /// The address.
    pub address: String,
    /// Its name.
    pub name: Option<String>,
}

/// What was found about a mail's sender.
#[derive(Object, Clone, Debug)]
pub struct AuthenticationView {
    /// What follows.
    pub verdict: Verdict,
    /// Whether the sending server may send for the envelope's domain.
    pub spf: Option<SpfView>,
    /// Signatures.
    pub dkim: Vec<DkimView>,
    /// What the domain in From says.
    pub dmarc: Option<DmarcView>,
    /// Whether the sending server's address has a name that leads back to it.
    pub iprev: Option<IprevView>,
}

impl From<&domain::Authentication> for AuthenticationView {
    fn from(found: &domain::Authentication) -> AuthenticationView {
        let dkim = |one: &authentication::Dkim| DkimView {
            result: one.result.clone(),
            domain: one.domain.clone(),
            selector: one.selector.clone(),
            aligned: one.aligned,
            reason: one.reason.clone(),
        };
        AuthenticationView {
            verdict: match found.verdict {
                domain::Verdict::Pass => Verdict::Pass,
                domain::Verdict::Fail => Verdict::Fail,
                domain::Verdict::None => Verdict::None,
                domain::Verdict::Temperror => Verdict::Temperror,
                domain::Verdict::Checking => Verdict::Checking,
            },
            spf: found.spf.as_ref().map(|spf| SpfView {
                result: spf.result.clone(),
                domain: spf.domain.clone(),
                aligned: spf.aligned,
                helo: spf.helo.clone(),
            }),
            dkim: found.dkim.iter().map(dkim).collect(),
            dmarc: found.dmarc.as_ref().map(|dmarc| DmarcView {
                result: dmarc.result.clone(),
                domain: dmarc.domain.clone(),
                policy: dmarc.policy.map(|policy| match policy {
                    authentication::Policy::None => Policy::None,
                    authentication::Policy::Quarantine => Policy::Quarantine,
                    authentication::Policy::Reject => Policy::Reject,
                }),
            }),
            iprev: found.iprev.as_ref().map(|iprev| IprevView {
                result: iprev.result.clone(),
                address: iprev.address.to_string(),
                name: iprev.name.clone(),
            }),
        }
    }
}
