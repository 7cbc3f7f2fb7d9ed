//! Names of folders: UTF-8 for people, modified UTF-7 on the wire (RFC 3501 section 5.1.3).

use data_encoding::{BASE64_NOPAD, Encoding};

/// The name as it goes into a command.
pub(super) fn encode(name: &str) -> String {
    let mut out = String::new();
    let mut wide: Vec<u8> = Vec::new();
    let flush = |wide: &mut Vec<u8>, out: &mut String| {
        if !wide.is_empty() {
            out.push('&');
            out.push_str(&base64().encode(wide));
            out.push('-');
            wide.clear();
        }
    };
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut wide, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            wide.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut wide, &mut out);
    out
}

/// The name as people see it; none for one that could not be written back.
pub(super) fn decode(wire: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(wire).ok()?;
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, behind)) = rest.split_once('&') {
        out.push_str(plain);
        let (coded, behind) = behind.split_once('-')?;
        if coded.is_empty() {
            out.push('&');
        } else {
            let bytes = base64().decode(coded.as_bytes()).ok()?;
            let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = behind;
    }
    out.push_str(rest);
    (encode(&out) == text && !out.chars().any(char::is_control)).then_some(out)
}

fn base64() -> Encoding {
    let mut specification = BASE64_NOPAD.specification();
    specification.symbols = specification.symbols.replace('/', ",");
    specification.check_trailing_bits = false;
    specification.encoding().unwrap_or(BASE64_NOPAD)
}

/// A string in quotes, for a command; none for what quotes cannot hold.
pub(super) fn quote(text: &str) -> Option<String> {
    if !text.chars().all(|c| matches!(c, ' '..='~')) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_servers_write_them() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Wysłane", "Wys&AUI-ane"),
            ("Q&A", "Q&-A"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        }
        for odd in [&b"&"[..], b"&AUI", b"&!-", b"\xff", b"&2D0-", b"Wys\xc5\x82ane", b"&AGE-"] {
            assert_eq!(decode(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn quotes_hold_what_they_can() {
        assert_eq!(quote(r#"a "b" \c"#).as_deref(), Some(r#""a \"b\" \\c""#));
        assert_eq!(quote("a\r\nb"), None);
        assert_eq!(quote("ż"), None);
    }
}
