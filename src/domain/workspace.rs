//! The installation's own settings, kept in the store.

use serde::{Deserialize, Serialize};

/// The workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workspace {
    /// The company's name.
    pub name: String,
    /// Two-letter language for what the program writes by itself.
    pub language: String,
}

/// How mail leaves, when the configuration file does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelaySettings {
    /// Host name of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: RelayTls,
    /// Who signs in there.
    #[serde(default)]
    pub username: Option<String>,
    /// The password, sealed with the installation's key.
    #[serde(default)]
    pub sealed_password: Option<Vec<u8>>,
}

/// How the connection to a relay is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayTls {
    /// TLS from the first byte.
    Required,
    /// STARTTLS, and nothing is sent without it.
    StartTls,
    /// In the clear: for a relay on the same machine.
    None,
}

impl RelayTls {
    /// The name, as the interface and the configuration write it.
    pub fn name(self) -> &'static str {
        match self {
            RelayTls::Required => "required",
            RelayTls::StartTls => "starttls",
            RelayTls::None => "none",
        }
    }

    /// The value of that name.
    pub fn parse(name: &str) -> Option<RelayTls> {
        [RelayTls::Required, RelayTls::StartTls, RelayTls::None].into_iter().find(|tls| tls.name() == name)
    }
}
