//! The quotation under an answer. What a stranger wrote is mailed on only in its cleaned form.

use super::clean;
use super::emit::push_escaped;
use super::policy::QUOTE_CLASS;
use super::text;

/// A quotation in both forms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotation {
    /// Attribution and lines marked with `>`, ending in a line end.
    pub text: String,
    /// `<div class="fd-quote">` with attribution and block quote.
    pub html: String,
}

/// Quotes a message under `attribution` ("On 3 May 2026 Jan wrote:"). HTML is cleaned here, whatever
/// was done to it before, and loses its images; without any, or where it is blocked, the text stands in.
pub fn quote_reply(original_text: &str, original_html: Option<&str>, attribution: &str) -> Quotation {
    let cleaned = original_html.map(|html| clean::clean(html, |_| None)).filter(|cleaned| cleaned.blocked.is_none());
    let body = cleaned.map_or_else(|| text::html_from_text(original_text), |cleaned| cleaned.html);
    let mut html = format!("<div class=\"{QUOTE_CLASS}\"><p>");
    push_escaped(&mut html, attribution, false);
    html.push_str("</p><blockquote type=\"cite\">");
    html.push_str(&body);
    html.push_str("</blockquote></div>");
    Quotation { text: quote_text(original_text, attribution), html }
}

fn quote_text(original: &str, attribution: &str) -> String {
    let mut out = format!("{attribution}\n");
    for line in original.trim_end().lines() {
        out.push_str(if line.is_empty() || line.starts_with('>') { ">" } else { "> " });
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::quotes;

    #[test]
    fn hostile_html_is_not_mailed_onward() {
        let quoted =
            quote_reply("Hi", Some("<p onclick=x>Hi<script>1</script><img src=http://t.example/x></p>"), "<b>, 3 May:");
        assert_eq!(
            quoted.html,
            "<div class=\"fd-quote\"><p>&lt;b&gt;, 3 May:</p><blockquote type=\"cite\"><p>Hi<img></p></blockquote></div>"
        );
    }

    #[test]
    fn our_own_quotation_is_recognised_again() {
        let quoted = quote_reply("a\n\n> b\n", None, "On 3 May 2026 at 10:00 Jan wrote:");
        assert_eq!(quoted.text, "On 3 May 2026 at 10:00 Jan wrote:\n> a\n>\n>> b\n");
        assert_eq!(quotes::quote_from_line(&format!("Thanks\n\n{}", quoted.text)), Some(2));
        assert!(clean::clean_message(&format!("<p>Thanks</p>{}", quoted.html), |_| None).has_quote);
    }
}
