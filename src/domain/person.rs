//! A name and an address, as they stand in a mail's headers.

use serde::{Deserialize, Serialize};

/// Somebody in From, To or Cc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The display name, if there was one.
    #[serde(default)]
    pub name: Option<String>,
    /// The address as written.
    pub email: String,
}

impl Person {
    /// The name, else the address.
    pub fn label(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.email)
    }
}
