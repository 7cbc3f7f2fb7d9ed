//! Inboxes: named places with an address of their own from the first minute.

use serde::{Deserialize, Serialize};

use super::InboxId;
use crate::base::{Timestamp, text};

/// A named place where conversations live.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inbox {
    /// Its id.
    pub id: InboxId,
    /// The name shown.
    pub name: String,
    /// Local part of its fallback address on the installation's host name; lower case, unique.
    pub local_part: String,
    /// The name in From when it is not "Agent, Inbox".
    #[serde(default)]
    pub from_name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Inbox {
    /// Whether somebody who types `wanted`, in lower case, means this one: its name, local part, or fallback address on
    /// `hostname`.
    pub fn is_called(&self, wanted: &str, hostname: &str) -> bool {
        let address = || wanted.strip_suffix(hostname).and_then(|rest| rest.strip_suffix('@'));
        self.local_part == wanted || self.name.to_lowercase() == wanted || address() == Some(&self.local_part)
    }
}

/// Longest local part we give out, in bytes (RFC 5321 allows 64).
pub const MAX_LOCAL_PART: usize = 40;

/// Local parts that RFC 2142 and RFC 5321 give a meaning, or that the program uses itself.
pub const RESERVED_LOCAL_PARTS: [&str; 7] =
    ["postmaster", "abuse", "reply", "bounce", "mailer-daemon", "no-reply", "noreply"];

/// A local part made from a name: `Zwroty i reklamacje` → `zwroty-i-reklamacje`. Empty when the name
/// has no letter or digit.
pub fn local_part_from_name(name: &str) -> String {
    let mut out = String::new();
    for c in text::fold(name).chars() {
        if out.len() >= MAX_LOCAL_PART {
            break;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    String::from(out.trim_end_matches('-'))
}

/// Whether `local` may stand before the @ of a fallback address: lower-case letters, digits and
/// single dots, hyphens or underscores between them, not reserved.
pub fn is_valid_local_part(local: &str) -> bool {
    let parts_fine = local
        .split(['.', '-', '_'])
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    parts_fine && local.len() <= MAX_LOCAL_PART && !RESERVED_LOCAL_PARTS.contains(&local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_part_comes_from_the_name() {
        assert_eq!(local_part_from_name("Zwroty i reklamacje"), "zwroty-i-reklamacje");
        assert_eq!(local_part_from_name("  Obsługa / Sklep! "), "obsluga-sklep");
        assert_eq!(local_part_from_name("客服"), "");
        assert!(is_valid_local_part("hello") && is_valid_local_part("a.b-c_d"));
        for bad in ["", "a..b", "-a", "A", "a+b", "postmaster", "a b", "ż"] {
            assert!(!is_valid_local_part(bad), "{bad}");
        }
    }
}
