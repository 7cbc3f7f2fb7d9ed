//! Envelope addresses (RFC 5321 section 4.1.2, RFC 6531): strict reading, safe writing.
//!
//! A [`Mailbox`] holds no control character, no character that hides or reorders text, and is
//! within the lengths of RFC 5321, so it can be written into a command or a header as it is.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::base::text::is_hidden;

/// The longest local part, in bytes (RFC 5321 section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// The longest domain, in bytes (section 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;
/// The longest path without its angle brackets, in bytes (section 4.5.3.1.3).
const PATH_MAX: usize = 254;

/// A checked `local@domain`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    local: String,
    domain: String,
}

/// Why a text is no [`Mailbox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not of the form `local@domain`, or with characters that must not be there.
    #[error("bad address syntax")]
    Syntax,
    /// Local part, domain or whole longer than RFC 5321 section 4.5.3.1 has it.
    #[error("address too long")]
    TooLong,
}

impl Mailbox {
    /// Reads `local@domain`; the local part may be a quoted string, the domain an address literal.
    ///
    /// The domain is lower-cased and, where it is not ASCII, turned into its A-label form. Labels
    /// that claim to be A-labels and are not are refused.
    pub fn parse(text: &str) -> Result<Mailbox, AddressError> {
        if text.len() > PATH_MAX {
            return Err(AddressError::TooLong);
        }
        if text.chars().any(|c| c.is_control() || is_hidden(c)) || smells_of_encoded_control(text) {
            return Err(AddressError::Syntax);
        }
        let (local, domain) = match text.strip_prefix('"') {
            Some(rest) => quoted_local(rest)?,
            None => plain_local(text)?,
        };
        if local.len() > LOCAL_MAX {
            return Err(AddressError::TooLong);
        }
        Ok(Mailbox { local, domain: read_domain(domain)? })
    }

    /// The recipient `<postmaster>` without a domain (RFC 5321 section 4.5.1): its domain is empty.
    pub fn bare_postmaster() -> Mailbox {
        Mailbox { local: String::from("postmaster"), domain: String::new() }
    }

    /// The local part as it was meant: without the quotes, its case as it was sent.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain: lower case, A-labels, or an address literal in brackets; empty for the bare postmaster.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether it can be sent without SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii()
    }

    /// Whether it is a role that every domain with mail must accept: postmaster (RFC 5321 section 4.5.1)
    /// or abuse (RFC 2142).
    pub fn is_required_role(&self) -> bool {
        self.local.eq_ignore_ascii_case("postmaster") || self.local.eq_ignore_ascii_case("abuse")
    }

    /// Whether the local part asks for another hop: `user%host`, `host!user`, `"user@host"`.
    pub fn is_routed(&self) -> bool {
        self.local.contains(['%', '!', '@'])
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_atom(&self.local) {
            f.write_str(&self.local)?;
        } else {
            f.write_str("\"")?;
            for c in self.local.chars() {
                if matches!(c, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
        }
        if self.domain.is_empty() { Ok(()) } else { write!(f, "@{}", self.domain) }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

/// `%0d`, `%0a`, `%00`: nobody's mailbox, but some later reader might decode it.
fn smells_of_encoded_control(text: &str) -> bool {
    text.as_bytes().windows(3).any(|w| matches!(w, [b'%', b'0', b'd' | b'D' | b'a' | b'A' | b'0']))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
}

/// A trailing dot is let through: some mobile carriers gave out such addresses, and it harms nobody.
fn is_dot_atom(local: &str) -> bool {
    !local.is_empty()
        && !local.starts_with('.')
        && !local.contains("..")
        && local.chars().all(|c| is_atext(c) || c == '.')
}

fn plain_local(text: &str) -> Result<(String, &str), AddressError> {
    let (local, domain) = text.split_once('@').ok_or(AddressError::Syntax)?;
    if is_dot_atom(local) { Ok((local.to_owned(), domain)) } else { Err(AddressError::Syntax) }
}

/// Reads what follows the opening quote; gives the local part without quoting and the domain.
fn quoted_local(rest: &str) -> Result<(String, &str), AddressError> {
    let mut local = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let domain = rest.get(at + 1..).and_then(|tail| tail.strip_prefix('@'));
                return domain.map(|domain| (local, domain)).ok_or(AddressError::Syntax);
            }
            '\\' => local.push(chars.next().ok_or(AddressError::Syntax)?.1),
            other => local.push(other),
        }
    }
    Err(AddressError::Syntax)
}

fn read_domain(domain: &str) -> Result<String, AddressError> {
    if domain.len() > DOMAIN_MAX {
        return Err(AddressError::TooLong);
    }
    if let Some(literal) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        return read_literal(literal);
    }
    let lower = domain.to_ascii_lowercase();
    let needs_idna = !lower.is_ascii() || lower.split('.').any(|label| label.starts_with("xn--"));
    let ascii = if needs_idna { idna::domain_to_ascii(&lower).map_err(|_| AddressError::Syntax)? } else { lower };
    if ascii.len() > DOMAIN_MAX {
        return Err(AddressError::TooLong);
    }
    let good_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if ascii.split('.').all(good_label) { Ok(ascii) } else { Err(AddressError::Syntax) }
}

fn read_literal(literal: &str) -> Result<String, AddressError> {
    if let Ok(v4) = literal.parse::<Ipv4Addr>() {
        return Ok(format!("[{v4}]"));
    }
    let v6 = literal.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).and_then(|_| literal.get(5..));
    match v6.and_then(|text| text.parse::<Ipv6Addr>().ok()) {
        Some(v6) => Ok(format!("[IPv6:{v6}]")),
        None => Err(AddressError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Mailbox::parse(text).ok().map(|mailbox| mailbox.to_string())
    }

    #[test]
    fn addresses_are_read_and_written_back_in_one_form() {
        for (text, expected) in [
            ("Anna.Kowalska+x@Shop.Example", "Anna.Kowalska+x@shop.example"),
            ("\"anna\"@shop.example", "anna@shop.example"),
            ("\"a b\\\"c\"@shop.example", "\"a b\\\"c\"@shop.example"),
            ("\"a@b\"@shop.example", "\"a@b\"@shop.example"),
            ("carrier.@docomo.example", "carrier.@docomo.example"),
            ("żółw@żółw.example", "żółw@xn--w-uga1v8h.example"),
            ("a@[127.0.0.1]", "a@[127.0.0.1]"),
            ("a@[ipv6:::1]", "a@[IPv6:::1]"),
            ("a@localhost", "a@localhost"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_could_leave_a_header_or_a_command_is_refused() {
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a@b c",
            "a b@c",
            "a@b>",
            "<a@b",
            "a@b\r\nX: y",
            "a\0@b",
            "a\t@b",
            "a@b\n",
            "a%0d%0aX@b",
            "a%0A@b",
            "..a@b",
            "a..b@c",
            ".a@b",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a@-b",
            "a@b-",
            "\"a\"b@c",
            "\"a@b",
            "\"a\r\n\"@b",
            "a@[127.0.0.256]",
            "a@[x]",
            "a@[]",
            "a\u{202e}@b",
            "a\u{85}@b",
            "a@xn--example-.org",
            "a@xn--a.org",
            "a@exa$mple",
            "a@b@c",
        ] {
            assert_eq!(Mailbox::parse(text), Err(AddressError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_held() {
        let local = |n: usize| format!("{}@b.example", "a".repeat(n));
        assert!(Mailbox::parse(&local(64)).is_ok());
        assert_eq!(Mailbox::parse(&local(65)), Err(AddressError::TooLong));
        let label = "a".repeat(63);
        assert!(Mailbox::parse(&format!("a@{label}.{label}.{label}")).is_ok());
        assert_eq!(Mailbox::parse(&format!("a@{label}.{label}.{label}.{label}")), Err(AddressError::TooLong));
        assert_eq!(Mailbox::parse(&format!("a@{}", "b".repeat(64))), Err(AddressError::Syntax));
    }

    #[test]
    fn routes_and_roles_are_told_apart() {
        for text in ["a%b@c", "b!a@c", "\"a@b\"@c"] {
            assert!(Mailbox::parse(text).unwrap().is_routed(), "{text}");
        }
        assert!(!Mailbox::parse("a+b@c").unwrap().is_routed());
        assert!(Mailbox::parse("PostMaster@c").unwrap().is_required_role());
        assert_eq!(Mailbox::bare_postmaster().to_string(), "postmaster");
    }
}
