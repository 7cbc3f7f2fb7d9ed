//! Short forms of what people wrote, for rows in lists.

use crate::base::text;

/// Longest preview, bytes.
const PREVIEW: usize = 200;
/// Longest subject kept on a conversation, bytes.
const SUBJECT: usize = 400;

/// The first words of a message: no quoted history, one line.
pub fn preview(body: &str, quote_from_line: Option<usize>) -> String {
    let lines = body.lines().take(quote_from_line.unwrap_or(usize::MAX));
    let mut out = String::new();
    for line in lines.filter(|line| !line.trim_start().starts_with('>')) {
        let line = line.trim();
        if !line.is_empty() {
            out.push_str(line);
            out.push(' ');
        }
        if out.len() > PREVIEW * 2 {
            break;
        }
    }
    text::one_line(&out, PREVIEW)
}

/// A subject in one line.
pub fn subject(subject: &str) -> String {
    text::one_line(subject, SUBJECT)
}

/// A subject for an answer: `Re: ` in front, once.
pub fn reply_subject(original: &str) -> String {
    let known = ["re:", "odp:", "aw:", "sv:", "vs:", "antw:"];
    let lower = original.trim_start().to_lowercase();
    if known.iter().any(|prefix| lower.starts_with(prefix)) {
        subject(original)
    } else {
        subject(&format!("Re: {original}"))
    }
}

/// A subject for what is passed on: `Fwd: ` in front, once.
pub fn forward_subject(original: &str) -> String {
    let known = ["fwd:", "fw:", "pd:", "wg:"];
    let lower = original.trim_start().to_lowercase();
    if known.iter().any(|prefix| lower.starts_with(prefix)) {
        subject(original)
    } else {
        subject(&format!("Fwd: {original}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_leaves_quotes_out() {
        assert_eq!(preview("Hello\n\n> old\nthere\nOn Monday X wrote:\n> y", Some(4)), "Hello there");
        assert!(preview(&"ż".repeat(1000), None).len() <= PREVIEW);
    }

    #[test]
    fn re_stands_once() {
        assert_eq!(reply_subject("Order"), "Re: Order");
        assert_eq!(reply_subject("RE: Order"), "RE: Order");
        assert_eq!(reply_subject("Odp: Zamówienie"), "Odp: Zamówienie");
    }
}
