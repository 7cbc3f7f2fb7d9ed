//! The form of a message on the wire, and what it asks of the server. Pure.

use std::borrow::Cow;
use std::fmt::Write;

use super::super::address::Mailbox;
use super::connect::Capabilities;

/// Bytes of the message written at once.
pub(super) const PIECE: usize = 64 << 10;

/// The message with every line end CR LF and the last one left out, since the end mark brings it.
///
/// No CR or LF stands alone in it, so no receiver, however lax, sees its end too early once lettre has
/// doubled the dots that start lines.
pub(super) fn wire_form(message: &[u8]) -> Cow<'_, [u8]> {
    let whole = if has_stray_line_end(message) { Cow::Owned(with_crlf(message)) } else { Cow::Borrowed(message) };
    match whole {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.strip_suffix(b"\r\n").unwrap_or(bytes)),
        Cow::Owned(mut bytes) => {
            if bytes.ends_with(b"\r\n") {
                bytes.truncate(bytes.len() - 2);
            }
            Cow::Owned(bytes)
        }
    }
}

fn has_stray_line_end(message: &[u8]) -> bool {
    let mut after_cr = false;
    for &byte in message {
        if after_cr != (byte == b'\n') {
            return true;
        }
        after_cr = byte == b'\r';
    }
    after_cr
}

fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 32 + 2);
    let mut bytes = message.iter().peekable();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if(|&&next| next == b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    out
}

/// What a message asks of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Bytes, line ends included.
    size: u64,
    /// It has bytes above 127 (RFC 6152).
    eight_bit: bool,
    /// Its headers or its sender have (RFC 6531).
    pub(super) smtputf8: bool,
}

impl Needs {
    pub(super) fn of(wire_form: &[u8], from: Option<&Mailbox>) -> Needs {
        let headers = wire_form.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(wire_form.len());
        let header = wire_form.get(..headers).unwrap_or_default();
        Needs {
            size: wire_form.len() as u64 + 2,
            eight_bit: !wire_form.is_ascii(),
            smtputf8: !header.is_ascii() || from.is_some_and(|from| !from.is_ascii()),
        }
    }

    /// Why the server cannot carry it, if so.
    pub(super) fn unmet(self, can: &Capabilities) -> Option<String> {
        if let Some(limit) = can.size.filter(|&limit| limit > 0 && self.size > limit) {
            return Some(format!("the server takes messages up to {limit} bytes; this one has {}", self.size));
        }
        if self.smtputf8 && !can.smtputf8 {
            return Some(String::from("the server does not know international addresses (SMTPUTF8)"));
        }
        if self.eight_bit && !can.eight_bit {
            return Some(String::from("the server takes only ASCII (no 8BITMIME) and the message is not"));
        }
        None
    }
}

/// MAIL FROM with the parameters that the server knows.
pub(super) fn mail_command(from: Option<&Mailbox>, can: &Capabilities, needs: Needs, utf8: bool) -> String {
    let mut line = match from {
        Some(from) => format!("MAIL FROM:<{from}>"),
        None => String::from("MAIL FROM:<>"),
    };
    if can.size.is_some() {
        let _ = write!(line, " SIZE={}", needs.size);
    }
    if needs.eight_bit {
        line.push_str(" BODY=8BITMIME");
    }
    if utf8 {
        line.push_str(" SMTPUTF8");
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn line_ends_become_crlf_and_the_last_one_is_left_out() {
        for (message, expected) in [
            ("a\r\n", "a"),
            ("a\r\n\r\n", "a\r\n"),
            ("a", "a"),
            ("", ""),
            ("a\nb\rc\r\nd\n", "a\r\nb\r\nc\r\nd"),
            ("\r\r\n\n", "\r\n\r\n"),
            ("x\r", "x"),
            ("a\n.\nb\r.\r", "a\r\n.\r\nb\r\n."),
        ] {
            assert_eq!(wire_form(message.as_bytes()), expected.as_bytes(), "{message:?}");
        }
        assert!(matches!(wire_form(b"a\r\nb\r\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn parameters_follow_what_the_relay_said() {
        let from = Mailbox::parse("help@ours.example").unwrap();
        let all = Capabilities { size: Some(100), eight_bit: true, smtputf8: true };
        let none = Capabilities { size: None, eight_bit: false, smtputf8: false };
        let plain = Needs::of(b"a: b\r\n\r\nc", Some(&from));
        let body = Needs::of("a: b\r\n\r\nż".as_bytes(), Some(&from));
        let header = Needs::of("a: ż\r\n\r\nc".as_bytes(), None);
        assert_eq!(mail_command(Some(&from), &all, plain, false), "MAIL FROM:<help@ours.example> SIZE=11\r\n");
        assert_eq!(mail_command(Some(&from), &none, plain, false), "MAIL FROM:<help@ours.example>\r\n");
        assert_eq!(mail_command(None, &all, body, false), "MAIL FROM:<> SIZE=12 BODY=8BITMIME\r\n");
        assert_eq!((plain.unmet(&none), header.unmet(&all)), (None, None));
        assert!(body.unmet(&none).unwrap().contains("8BITMIME"));
        assert!(header.unmet(&none).unwrap().contains("SMTPUTF8"));
        let small = Capabilities { size: Some(10), ..all };
        assert!(plain.unmet(&small).unwrap().contains("10 bytes"));
    }

    proptest! {
        #[test]
        fn no_line_end_stands_alone(message in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'x')], 0..40)
        ) {
            let wire = wire_form(&message).into_owned();
            prop_assert!(!has_stray_line_end(&wire));
            let text: Vec<u8> = message.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
            let kept: Vec<u8> = wire.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
            prop_assert_eq!(text, kept);
        }
    }
}
