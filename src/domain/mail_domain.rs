//! Domains the team sends from: their DKIM keys, and how their mail leaves.

use serde::{Deserialize, Serialize};

use super::DomainId;
use super::workspace::RelaySettings;
use crate::base::Timestamp;

/// A domain of the team's own. The installation's host name is one too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailDomain {
    /// Its id.
    pub id: DomainId,
    /// Its name in lower-case A-labels. Unique.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// Its DKIM keys, oldest first.
    #[serde(default)]
    pub keys: Vec<DkimKey>,
    /// Its own relay; without one its mail leaves as the workspace's does.
    #[serde(default)]
    pub relay: Option<RelaySettings>,
}

/// A DKIM key (RFC 6376).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DkimKey {
    /// The name its record stands under, before `._domainkey.`.
    pub selector: String,
    /// What kind of key.
    pub algorithm: DkimAlgorithm,
    /// The public half as the record has it after `p=`, decoded.
    pub public: Vec<u8>,
    /// The private half, PKCS #8, sealed with the installation's key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it signs.
    pub state: KeyState,
}

/// What kind of key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DkimAlgorithm {
    /// RSA of 2048 bits with SHA-256: what everybody verifies.
    Rsa2048,
    /// Ed25519 (RFC 8463): small and quick; those who do not know it pass over it.
    Ed25519,
}

impl DkimAlgorithm {
    /// Both, in the order in which their signatures stand.
    pub const ALL: [DkimAlgorithm; 2] = [DkimAlgorithm::Rsa2048, DkimAlgorithm::Ed25519];

    /// The name after `k=`.
    pub fn tag(self) -> &'static str {
        match self {
            DkimAlgorithm::Rsa2048 => "rsa",
            DkimAlgorithm::Ed25519 => "ed25519",
        }
    }
}

/// Whether a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It signs.
    Active,
    /// It will once its record is published.
    Next,
    /// It signs no more since then; mail under way may still be verified with it.
    Retired(Timestamp),
}

impl MailDomain {
    /// The keys that sign.
    pub fn signing(&self) -> impl Iterator<Item = &DkimKey> {
        self.keys.iter().filter(|key| key.state == KeyState::Active)
    }
}

impl DkimKey {
    /// The name of its DNS record in `domain`.
    pub fn record_name(&self, domain: &str) -> String {
        format!("{}._domainkey.{domain}", self.selector)
    }

    /// The value of its DNS record (RFC 6376 section 3.6.1).
    pub fn record_value(&self) -> String {
        let key = data_encoding::BASE64.encode(&self.public);
        format!("v=DKIM1; k={}; p={key}", self.algorithm.tag())
    }
}
