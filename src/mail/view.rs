//! A parsed mail as it may be shown: text, clean HTML, and where quoted history begins.

use std::collections::HashMap;

use super::clean::{self, Blocked};
use super::parse::Parsed;
use super::quotes;

/// What a page or an app may show of a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The body as text with `\n` line ends.
    pub text: String,
    /// The 0-based line of `text` at which quoted history begins.
    pub quote_from_line: Option<usize>,
    /// Clean HTML; `None` when there is none or it may not be shown.
    pub html: Option<String>,
    /// Why there is HTML that is not shown.
    pub html_blocked: Option<Blocked>,
    /// How many elements wanted something from another server.
    pub remote_images: u32,
    /// The HTML brings colours of its own.
    pub own_colours: bool,
    /// Text or HTML has folded history.
    pub has_quote: bool,
}

/// The view of `parsed`; `cid_url` gives the address of a part by its index, for images in the HTML.
pub fn view(parsed: &Parsed, cid_url: impl Fn(u32) -> String) -> View {
    let quote_from_line = quotes::quote_from_line(&parsed.text);
    let mut out =
        View { text: parsed.text.clone(), quote_from_line, has_quote: quote_from_line.is_some(), ..View::default() };
    let Some(html) = &parsed.html else { return out };
    // Only parts of this very mail can be named, whatever the Content-ID says.
    let named = parsed.parts.iter().rev().filter_map(|part| Some((part.content_id.as_deref()?, part.index)));
    let named: HashMap<&str, u32> = named.collect();
    let cleaned = clean::clean_message(html, |id| named.get(id).map(|index| cid_url(*index)));
    out.html_blocked = cleaned.blocked;
    out.remote_images = cleaned.remote_images;
    out.own_colours = cleaned.own_colours;
    out.has_quote |= cleaned.has_quote;
    out.html = cleaned.blocked.is_none().then_some(cleaned.html);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse::Part;

    #[test]
    fn images_of_the_mail_are_shown_and_others_are_not() {
        let part = Part { index: 3, content_id: Some("a@b".into()), ..Part::default() };
        let html = "<p>Hi<img src='cid:a@b'><img src='cid:other@b'><img src='http://t.example/x'></p>".to_owned();
        let parsed = Parsed { text: "Hi\n> old\n".into(), html: Some(html), parts: vec![part], ..Parsed::default() };
        let seen = view(&parsed, |index| format!("/api/v1/attachments/{index}"));
        assert_eq!(
            seen.html.as_deref(),
            Some("<p>Hi<img src=\"/api/v1/attachments/3\"><img><img data-remote=\"0\"></p>")
        );
        assert_eq!((seen.remote_images, seen.quote_from_line, seen.has_quote), (1, Some(1), true));
    }

    #[test]
    fn text_alone_and_blocked_html_are_told_apart() {
        let text = Parsed { text: "Hi".into(), ..Parsed::default() };
        assert_eq!(view(&text, |_| String::new()).html_blocked, None);
        let deep = Parsed { html: Some("<div>".repeat(9_000)), ..text };
        let seen = view(&deep, |_| String::new());
        assert_eq!((seen.html, seen.html_blocked), (None, Some(Blocked::TooDeep)));
    }
}
