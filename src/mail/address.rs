//! E-mail addresses fit for an envelope, and the key by which a contact is known.
//!
//! What passes [`Mailbox::parse`] can be written into SMTP commands and header fields as it is:
//! no control byte, no angle bracket, no bare space. It says nothing about who owns the address.

use std::fmt;

use idna::AsciiDenyList;

/// Longest local part in bytes (RFC 5321 section 4.5.3.1.1).
pub const MAX_LOCAL: usize = 64;
/// Longest domain in bytes, as A-labels (RFC 5321 section 4.5.3.1.2).
pub const MAX_DOMAIN: usize = 255;

/// Why a text is not an address for an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@`, or nothing before or behind it.
    #[error("not of the form name@domain")]
    Form,
    /// The part before the `@` is too long or has characters that it may not have.
    #[error("the part before the @ is not valid")]
    Local,
    /// The part behind the `@` is not a domain name.
    #[error("the domain is not valid")]
    Domain,
    /// A local part outside ASCII where only ASCII can be carried (RFC 6531).
    #[error("the part before the @ has characters outside ASCII")]
    NeedsSmtpUtf8,
}

/// An address that may stand in an envelope: local part as written, domain as lower-case A-labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    local: String,
    domain: String,
}

impl Mailbox {
    /// Reads `text`; a local part outside ASCII is an error unless `smtputf8`.
    pub fn parse(text: &str, smtputf8: bool) -> Result<Mailbox, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Form)?;
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::Form);
        }
        if !local.is_ascii() && !smtputf8 {
            return Err(AddressError::NeedsSmtpUtf8);
        }
        if !valid_local(local) {
            return Err(AddressError::Local);
        }
        let domain = domain_key(domain).ok_or(AddressError::Domain)?;
        Ok(Mailbox { local: local.to_owned(), domain })
    }

    /// The part before the `@`, as it was written.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in lower-case A-labels.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// A domain name in lower-case A-labels, one trailing dot dropped; `None` for what is no host name.
///
/// Address literals (`[192.0.2.1]`) are refused: nobody answers customers there.
pub fn domain_key(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if domain.len() > MAX_DOMAIN * 4 {
        return None;
    }
    let ascii = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::STD3).ok()?;
    let fits = ascii.len() <= MAX_DOMAIN && ascii.split('.').all(valid_label);
    fits.then(|| ascii.into_owned())
}

fn valid_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn valid_local(local: &str) -> bool {
    if local.len() > MAX_LOCAL {
        return false;
    }
    match local.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(valid_quoted),
        None => local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)),
    }
}

/// `atext` of RFC 5322 section 3.2.3, widened by RFC 6532 to printable characters outside ASCII.
fn is_atext(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        _ if c.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(c),
        _ => !c.is_control() && !c.is_whitespace() && !crate::base::text::is_hidden(c),
    }
}

/// The inside of a quoted local part, without what would end it, a path or a line early.
fn valid_quoted(inside: &str) -> bool {
    inside.chars().all(|c| c == ' ' || c == '.' || is_atext(c) || "(),:;@[]".contains(c))
}

/// The key by which a contact's address is compared: local part lower-cased (the plus tag kept),
/// domain as lower-case A-labels. What is no address is only trimmed and lower-cased.
pub fn contact_key(email: &str) -> String {
    let email = email.trim();
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let domain = domain_key(domain).unwrap_or_else(|| domain.to_lowercase());
            format!("{}@{domain}", local.to_lowercase())
        }
        None => email.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_pass() {
        for text in ["ewa@tarnina.example", "a.b+c@x-y.example", "\"a b\"@x.example", "O'Neil@EXAMPLE.com."] {
            assert!(Mailbox::parse(text, false).is_ok(), "{text}");
        }
        let idn = Mailbox::parse("jan@żółw.example", false).unwrap();
        assert_eq!(idn.to_string(), "jan@xn--w-uga1v8h.example");
    }

    #[test]
    fn what_could_break_a_command_or_header_is_refused() {
        let long_local = format!("{}@x.example", "a".repeat(65));
        let long_domain = format!("a@{}.example", "b.".repeat(140));
        for text in [
            "",
            "a",
            "@x.example",
            "a@",
            "a b@x.example",
            "a@x\r\nRCPT TO:<b@y>",
            "a>@x.example",
            "<a@x.example>",
            "a\0@x.example",
            "a..b@x.example",
            ".a@x.example",
            "a@x..example",
            "a@-x.example",
            "a@[127.0.0.1]",
            "a@x_y.example",
            "\"a\"b\"@x.example",
            "\"a\\\"@x.example",
            "a\u{202e}@x.example",
            "a@xn--example-.example",
            "a@x.example\u{2028}",
            "a,b@x.example",
            &long_local,
            &long_domain,
        ] {
            assert!(Mailbox::parse(text, true).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_local_part_outside_ascii_needs_the_extension() {
        assert_eq!(Mailbox::parse("zoë@x.example", false), Err(AddressError::NeedsSmtpUtf8));
        assert_eq!(Mailbox::parse("zoë@x.example", true).unwrap().local(), "zoë");
    }

    #[test]
    fn contact_keys_fold_case_and_keep_the_plus_tag() {
        assert_eq!(contact_key(" Jan+Shop@Żółw.Example "), "jan+shop@xn--w-uga1v8h.example");
        assert_eq!(contact_key("Nobody"), "nobody");
        assert_ne!(contact_key("a@xn--example-.test"), contact_key("a@example.test"));
    }
}
