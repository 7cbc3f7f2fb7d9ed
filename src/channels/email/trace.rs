//! The trace headers of a received message (RFC 5321 section 4.4), built beside it: the bytes received
//! are kept as they came.
//!
//! Whatever the client said stays inside its header.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use super::address::Mailbox;
use super::intake::Envelope;
use crate::base::Timestamp;

/// `Return-Path` with its line end; written at final delivery.
pub fn return_path(envelope: &Envelope) -> String {
    match &envelope.mail_from {
        Some(sender) => format!("Return-Path: <{sender}>\r\n"),
        None => String::from("Return-Path: <>\r\n"),
    }
}

/// `Received`, folded, with its line end. `by` is our host name, `id` our name for the message. The recipient
/// is named only when there is one: others may be blind copies.
pub fn received(envelope: &Envelope, by: &str, id: &str) -> String {
    let mut text = format!("Received: from {} ({})\r\n", safe(&envelope.helo), literal(envelope.peer));
    let _ = write!(text, "\tby {} with {}", safe(by), protocol(envelope));
    if let Some(tls) = envelope.tls {
        let _ = write!(text, " ({} {})", tls.version, tls.cipher);
    }
    let _ = write!(text, "\r\n\tid {}", safe(id));
    if let [recipient] = envelope.rcpt_to.as_slice() {
        let _ = write!(text, "\r\n\tfor <{recipient}>");
    }
    let _ = write!(text, ";\r\n\t{}\r\n", date(envelope.received_at));
    text
}

/// Where a mail was fetched from.
pub struct Fetched<'a> {
    /// The server.
    pub host: &'a str,
    /// The address whose mailbox it is.
    pub address: &'a str,
    /// When.
    pub at: Timestamp,
}

/// `Received` of a mail that was fetched from a mailbox elsewhere.
pub fn fetched(from: &Fetched<'_>, by: &str, id: &str) -> String {
    format!(
        "Received: from {}\r\n\tby {} with IMAP\r\n\tid {}\r\n\tfor <{}>;\r\n\t{}\r\n",
        safe(from.host),
        safe(by),
        safe(id),
        from.address,
        date(from.at)
    )
}

/// The reverse-path as the server that delivered a mail wrote it on top (RFC 5321 section 4.4); none for `<>`, and
/// where it wrote none.
pub fn said_return_path(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let fields = text.lines().take_while(|line| !line.is_empty());
    let path =
        fields.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("return-path"));
    let address = path?.1.trim().strip_prefix('<')?.strip_suffix('>')?;
    Mailbox::parse(address).ok().map(|mailbox| mailbox.to_string())
}

/// The names registered for `with` (RFC 3848, RFC 6531 section 4.3).
fn protocol(envelope: &Envelope) -> &'static str {
    match (envelope.smtputf8, envelope.esmtp, envelope.tls.is_some()) {
        (true, _, true) => "UTF8SMTPS",
        (true, _, false) => "UTF8SMTP",
        (false, true, true) => "ESMTPS",
        (false, true, false) => "ESMTP",
        (false, false, _) => "SMTP",
    }
}

fn literal(peer: SocketAddr) -> String {
    match peer.ip().to_canonical() {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    }
}

/// Letters, digits and the marks of host names and address literals; anything else becomes `?`.
fn safe(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    text.chars().take(255).map(|c| if keep(c) { c } else { '?' }).collect()
}

/// The date as RFC 5322 section 3.3 has it, in UTC.
fn date(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    jiff::fmt::rfc2822::to_string(&moment.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::intake::TlsInfo;
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            helo: String::from("mail.shop.example"),
            esmtp: true,
            peer: "192.0.2.7:4711".parse().unwrap(),
            tls: Some(TlsInfo { version: "TLSv1_3", cipher: "TLS13_AES_256_GCM_SHA384" }),
            mail_from: Some(Mailbox::parse("\"a b\"@shop.example").unwrap()),
            rcpt_to: vec![Mailbox::parse("help@desk.example").unwrap()],
            smtputf8: false,
            eight_bit: true,
            size: 1,
            received_at: Timestamp(1_700_000_000_007),
        }
    }

    #[test]
    fn trace_headers_have_their_form() {
        assert_eq!(return_path(&envelope()), "Return-Path: <\"a b\"@shop.example>\r\n");
        assert_eq!(
            received(&envelope(), "desk.example", "17"),
            "Received: from mail.shop.example ([192.0.2.7])\r\n\tby desk.example with ESMTPS (TLSv1_3 \
             TLS13_AES_256_GCM_SHA384)\r\n\tid 17\r\n\tfor <help@desk.example>;\r\n\t\
             Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
        assert_eq!(return_path(&Envelope { mail_from: None, ..envelope() }), "Return-Path: <>\r\n");
    }

    #[test]
    fn a_fetched_mail_says_where_it_comes_from() {
        let from = Fetched { host: "imap.shop.example", address: "help@shop.example", at: Timestamp(0) };
        let text = fetched(&from, "desk.example", "17");
        assert!(text.starts_with("Received: from imap.shop.example\r\n\tby desk.example with IMAP\r\n"), "{text}");
        for (head, path) in [
            (&b"Return-Path: <a@b.example>\r\nFrom: x\r\n\r\n"[..], Some("a@b.example")),
            (b"Received: x\r\nreturn-path:<a@b.example>\r\n\r\n", Some("a@b.example")),
            (b"Return-Path: <>\r\n\r\n", None),
            (b"From: x\r\n\r\nReturn-Path: <a@b.example>\r\n", None),
            (b"Return-Path: <a@b example>\r\n\r\n", None),
        ] {
            assert_eq!(said_return_path(head).as_deref(), path);
        }
    }

    #[test]
    fn a_hostile_name_stays_inside_its_header() {
        let hostile = Envelope { helo: String::from("a;b\r\nX-Evil: 1 (\"(<>"), ..envelope() };
        let text = received(&hostile, "desk.example", "17");
        let starts = text.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with('\t')).count();
        assert_eq!(starts, 1, "{text}");
        assert!(text.starts_with("Received: from a?b??X-Evil:?1?????? ([192.0.2.7])\r\n"), "{text}");
    }
}
