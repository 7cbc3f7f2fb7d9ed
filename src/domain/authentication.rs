//! Whether a mail is from whom it says it is: what was found about its sender, and what follows.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What follows from all that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The From domain itself sent or signed it.
    Pass,
    /// The From domain says how its mail is known (DMARC), and this is not.
    Fail,
    /// Nothing speaks for it, nothing against it.
    #[default]
    None,
    /// The name servers could not be asked.
    Temperror,
    /// Not found out yet.
    Checking,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 5] = [Verdict::Pass, Verdict::Fail, Verdict::None, Verdict::Temperror, Verdict::Checking];

    /// The name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::None => "none",
            Verdict::Temperror => "temperror",
            Verdict::Checking => "checking",
        }
    }
}

/// What a domain asks to be done with mail that only claims to be its own (RFC 7489 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Nothing.
    None,
    /// To set it aside.
    Quarantine,
    /// To refuse it.
    Reject,
}

impl Policy {
    /// The name, as the domain's record writes it.
    pub fn name(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }
}

/// All that was found about the sender of one mail. Results are those of RFC 8601: `pass`, `fail`, `softfail`,
/// `neutral`, `none`, `policy`, `temperror`, `permerror`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Authentication {
    /// What follows.
    pub verdict: Verdict,
    /// Whether the sending server may send for the envelope's domain.
    pub spf: Option<Spf>,
    /// Signatures, those of the From domain first.
    pub dkim: Vec<Dkim>,
    /// What the From domain says.
    pub dmarc: Option<Dmarc>,
    /// Whether the sending server's address has a name that leads back to it.
    pub iprev: Option<Iprev>,
    /// Who handed it over, for finding out later; none once everything is known.
    pub peer: Option<Peer>,
}

impl Authentication {
    /// Not found out yet.
    pub fn checking(peer: Peer) -> Authentication {
        Authentication { verdict: Verdict::Checking, peer: Some(peer), ..Authentication::default() }
    }

    /// Whether it is a forgery that the domain in From asks to be kept from people.
    pub fn is_unwanted(&self) -> bool {
        let policy = self.dmarc.as_ref().and_then(|dmarc| dmarc.policy);
        self.verdict == Verdict::Fail && matches!(policy, Some(Policy::Quarantine | Policy::Reject))
    }
}

/// Who handed a mail over, as the session said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The address it came from; none for what was fetched from a mailbox elsewhere.
    pub address: Option<IpAddr>,
    /// What the client called itself; empty where there was none.
    pub helo: String,
    /// The reverse-path; none for `<>`.
    #[serde(default)]
    pub mail_from: Option<String>,
}

/// SPF (RFC 7208).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spf {
    /// For the reverse-path; for the client's name where that is empty.
    pub result: String,
    /// Of which domain.
    pub domain: String,
    /// Whether that is the domain in From, as DMARC has it.
    pub aligned: bool,
    /// For the client's own name.
    pub helo: String,
}

/// One DKIM signature (RFC 6376).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dkim {
    /// What became of it.
    pub result: String,
    /// Who signed.
    pub domain: String,
    /// With which key.
    pub selector: String,
    /// Whether that is the domain in From, as DMARC has it.
    pub aligned: bool,
    /// Why it does not hold, as a stable code: `from_not_signed`, `length`, `changed`, `expired`, `no_key`, `broken`,
    /// `unreachable`.
    #[serde(default)]
    pub reason: Option<String>,
}

/// DMARC (RFC 7489).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dmarc {
    /// What became of it; `none` where the domain publishes nothing.
    pub result: String,
    /// The domain in From.
    pub domain: String,
    /// What it asks for; none where it publishes nothing.
    pub policy: Option<Policy>,
}

/// The sending server's address and name (RFC 8601 section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iprev {
    /// What became of it.
    pub result: String,
    /// The address.
    pub address: IpAddr,
    /// Its name.
    pub name: Option<String>,
}
