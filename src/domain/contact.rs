//! People outside.

use serde::{Deserialize, Serialize};

use super::ContactId;
use crate::base::Timestamp;

/// A known person outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The name shown, if one is known.
    pub name: Option<String>,
    /// Whether an agent set the name: mail does not overwrite it then.
    #[serde(default)]
    pub named_by_agent: bool,
    /// How the person is reached; (kind, value) is unique in the workspace.
    pub identities: Vec<Identity>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Contact {
    /// The first e-mail address, as it was written.
    pub fn email(&self) -> &str {
        self.identities.iter().find(|i| i.kind == IdentityKind::Email).map_or("", |i| i.shown.as_str())
    }

    /// The name, else the address.
    pub fn label(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or_else(|| self.email())
    }
}

/// One way a contact is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Of which kind.
    pub kind: IdentityKind,
    /// The normalised value it is found by.
    pub value: String,
    /// The value as it was written.
    pub shown: String,
    /// When it was verified, if ever.
    #[serde(default)]
    pub verified_at: Option<Timestamp>,
}

/// Kinds of identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// An e-mail address: domain as A-label, local part lower case, plus-tag kept.
    Email,
}

impl IdentityKind {
    /// The number that stands for the kind in keys.
    pub fn code(self) -> u8 {
        match self {
            IdentityKind::Email => 1,
        }
    }
}
