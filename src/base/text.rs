//! Helpers for text that strangers wrote: bounds that respect characters, control characters out.

/// `text` cut to at most `bytes` bytes, never inside a character.
pub fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while end > 0 && !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// `text` in one line: control characters, line ends and runs of white space become one space each,
/// ends trimmed, characters that reorder or hide text dropped, cut to at most `bytes` bytes.
pub fn one_line(text: &str, bytes: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes));
    let mut gap = false;
    for c in text.chars() {
        if is_hidden(c) {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            gap = !out.is_empty();
            continue;
        }
        if out.len() + c.len_utf8() + usize::from(gap) > bytes {
            break;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Whether `c` changes the order of text or takes no room: bidirectional controls (UAX 9),
/// zero-width characters, the byte order mark, soft hyphen.
pub fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Lower case with diacritics folded away (`Żółć` → `zolc`), for comparing what people type.
pub fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::is_combining_mark;
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ł' => out.push('l'),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ı' => out.push('i'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("zażółć", 4), "zaż");
        assert_eq!(cut("zażółć", 3), "za");
        assert_eq!(cut("abc", 9), "abc");
    }

    #[test]
    fn one_line_has_no_controls_and_keeps_its_bound() {
        assert_eq!(one_line(" a\r\n\tb\u{202e}c\0 d ", 99), "a bc d");
        assert_eq!(one_line("ab cd", 3), "ab");
        assert!(one_line(&"ż ".repeat(99), 10).len() <= 10);
    }

    #[test]
    fn folding_takes_diacritics_away() {
        assert_eq!(fold("ZAŻÓŁĆ gęślą Straße"), "zazolc gesla strasse");
    }
}
