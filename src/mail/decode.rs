//! Transfer encodings and character sets, leniently: every byte string decodes to something.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Content-Transfer-Encoding (RFC 2045 section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transfer {
    /// 7bit, 8bit, binary and whatever nobody knows.
    #[default]
    Identity,
    /// Quoted-printable.
    QuotedPrintable,
    /// Base64.
    Base64,
}

impl Transfer {
    /// Reads the header field's value.
    pub(super) fn of(value: &str) -> Transfer {
        match value.trim().to_ascii_lowercase().as_str() {
            "base64" => Transfer::Base64,
            "quoted-printable" => Transfer::QuotedPrintable,
            _ => Transfer::Identity,
        }
    }

    /// The content without its encoding.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Transfer::Identity => bytes.to_vec(),
            Transfer::QuotedPrintable => quoted_printable(bytes),
            Transfer::Base64 => base64(bytes),
        }
    }
}

/// Decodes base64; whatever is not of its alphabet is skipped (RFC 2045 section 6.8).
fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in bytes {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // Padding ends a group; several encoded strings may follow each other.
                (bits, count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.extend((bits >> count).to_be_bytes().last());
        }
    }
    out
}

/// Decodes quoted-printable; what is not valid stays as it is (RFC 2045 section 6.7).
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.trim_ascii_end();
        let ending = match line {
            [.., b'\r', b'\n'] => &b"\r\n"[..],
            [.., b'\n'] => &b"\n"[..],
            _ => line.get(content.len()..).unwrap_or_default(),
        };
        let (content, ending) = match content.strip_suffix(b"=") {
            Some(joined) => (joined, &b""[..]),
            None => (content, ending),
        };
        let mut rest = content;
        while let Some((byte, tail)) = rest.split_first() {
            rest = tail;
            match (byte, tail) {
                (b'=', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    out.push(hex(*high) << 4 | hex(*low));
                    rest = after;
                }
                _ => out.push(*byte),
            }
        }
        out.extend_from_slice(ending);
    }
    out
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a' - 10),
    }
}

/// Text of `bytes` in the declared character set, and whether that set was wrong or unknown.
///
/// Without a usable declaration: UTF-8 if it is that, else a guess.
pub(super) fn to_text(bytes: &[u8], charset: Option<&str>) -> (String, bool) {
    let name = charset.unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "utf-8" | "utf8" => {
            let text = String::from_utf8_lossy(bytes);
            let wrong = matches!(text, std::borrow::Cow::Owned(_));
            (text.into_owned(), wrong)
        }
        "" | "us-ascii" | "ascii" | "unknown-8bit" | "default" => undeclared(bytes),
        _ => match charset_decoder(name.as_bytes()) {
            Some(decoder) => (decoder(bytes), false),
            None => (undeclared(bytes).0, true),
        },
    }
}

fn undeclared(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (guess(bytes), true),
    }
}

/// Reads bytes that are not UTF-8 and say nothing about themselves: central European when letters
/// of those sets stand inside words where western sets have signs, else western European.
pub(super) fn guess(bytes: &[u8]) -> String {
    let (mut latin2, mut cp1250) = (0_u32, 0_u32);
    for window in bytes.windows(2) {
        let [a, b] = window else { continue };
        for (byte, beside) in [(a, b), (b, a)] {
            if !beside.is_ascii_alphabetic() {
                continue;
            }
            latin2 += u32::from(matches!(byte, 0xb1 | 0xb6 | 0xbc | 0xa1 | 0xa6 | 0xac));
            cp1250 += u32::from(matches!(byte, 0xb9 | 0x9c | 0x9f | 0xa5 | 0x8c | 0x8f));
        }
    }
    let name: &[u8] = match (latin2, cp1250) {
        (0, 0) => b"windows-1252",
        (a, b) if a >= b => b"iso-8859-2",
        _ => b"windows-1250",
    };
    charset_decoder(name).map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decoder| decoder(bytes))
}

/// Joins the lines that `format=flowed` broke (RFC 3676 section 4), keeping quote depth and signature.
pub(super) fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut joining: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        if joining != Some(depth) {
            if joining.is_some() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 {
                out.push(' ');
            }
        }
        let flows = content.ends_with(' ') && content != "-- ";
        out.push_str(if flows && delete_space { content.strip_suffix(' ').unwrap_or(content) } else { content });
        joining = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_encodings_forgive() {
        assert_eq!(Transfer::Base64.decode(b"SGVs\r\nbG8*=\r\nIQ=="), b"Hello!");
        assert_eq!(Transfer::of(" BASE64 ").decode(b"####"), b"");
        assert_eq!(Transfer::QuotedPrintable.decode(b"a=3D=\r\nb =C5=BB  \r\nc=zz=4"), "a=b Ż\r\nc=zz=4".as_bytes());
        assert_eq!(Transfer::QuotedPrintable.decode(b"=\n=\nx="), b"x");
        assert_eq!(Transfer::of("x-uuencode").decode(b"raw"), b"raw");
    }

    #[test]
    fn character_sets_are_declared_or_guessed() {
        assert_eq!(to_text(b"za\xbf\xf3\xb3\xe6", Some("ISO-8859-2")), ("zażółć".into(), false));
        assert_eq!(to_text(b"b\xb1d\xbc, g\xea\xb6l\xb1", None), ("bądź, gęślą".into(), true));
        assert_eq!(to_text(b"b\xb9d\x9f", Some("us-ascii")), ("bądź".into(), true));
        assert_eq!(to_text(b"caf\xe9", None), ("café".into(), true));
        assert_eq!(to_text("żółw".as_bytes(), Some("no-such-set")), ("żółw".into(), true));
        assert_eq!(to_text(b"a\xff", Some("utf-8")), ("a\u{fffd}".into(), true));
    }

    #[test]
    fn flowed_text_is_joined() {
        assert_eq!(unflow("One \ntwo\n> q \n> r\n-- \nEwa\n", false), "One two\n> q r\n-- \nEwa\n");
        assert_eq!(unflow("zu \nsammen", true), "zusammen\n");
    }
}
