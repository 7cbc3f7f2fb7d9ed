//! Makes a stranger's HTML fit to be shown or sent on: no script, no request to another server, no
//! form, nothing that reaches out of its frame.
//!
//! The page is parsed under limits, written anew by an allow list, and then given to the sanitiser,
//! which must leave it as it is. Nothing may touch the result afterwards.

use std::borrow::Cow;
use std::collections::HashSet;

use super::dom::{Dom, TooDeep};
use super::emit::{self, Folds, Pass};
use super::{html_quotes, policy, thread};

/// Longest HTML that is cleaned, in bytes, large images within it not counted.
pub const MAX_HTML: usize = 2 * 1024 * 1024;
/// How often a page may change under re-parsing before it is given up as a trick.
const MAX_PASSES: usize = 6;
/// Length from which an image inside the page is taken out before the page is measured.
const LARGE_DATA: usize = 100_000;

/// Why HTML is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Longer than [`MAX_HTML`].
    TooLarge,
    /// Nested or woven too deeply to be read in bounded time.
    TooDeep,
    /// Reads differently each time it is read.
    Unreadable,
}

impl Blocked {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Blocked::TooLarge => "too_large",
            Blocked::TooDeep => "too_deep",
            Blocked::Unreadable => "unreadable",
        }
    }
}

impl From<TooDeep> for Blocked {
    fn from(_: TooDeep) -> Blocked {
        Blocked::TooDeep
    }
}

/// Cleaned HTML and what was found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// A fragment that may be shown; empty when blocked.
    pub html: String,
    /// How many elements wanted something from another server.
    pub remote_images: u32,
    /// Where images of other servers are; the one at place n stands in the page as `<img data-remote="n">`, without
    /// an address. For received messages only.
    pub remote_addresses: Vec<String>,
    /// The page brings colours of its own and may not be readable on others.
    pub own_colours: bool,
    /// There were style sheets, which are gone.
    pub had_styles: bool,
    /// Some of it is quoted history, in `<div class="fd-quote">`.
    pub has_quote: bool,
    /// Why there is nothing to show.
    pub blocked: Option<Blocked>,
}

/// Cleans a page; `cid` gives the address of the part that a Content-ID names, if it may be shown.
///
/// A page without images of its own comes out of a second cleaning unchanged.
pub fn clean(html: &str, cid: impl Fn(&str) -> Option<String>) -> Cleaned {
    blocked_or(run(html, &cid, false))
}

/// Cleans a received message: as [`clean`], with the quoted history at its end folded and
/// images of other servers marked, so that they can be fetched when somebody asks.
pub fn clean_message(html: &str, cid: impl Fn(&str) -> Option<String>) -> Cleaned {
    blocked_or(run(html, &cid, true))
}

/// Cleans what an agent wrote before it is sent. Its own inline images keep their `cid:` addresses;
/// images from other servers go, so that no customer is tracked through us.
pub fn clean_outgoing(html: &str) -> Result<String, Blocked> {
    run(html, &|id| Some(format!("cid:{id}")), false).map(|cleaned| cleaned.html)
}

/// The same for words that are sent with pictures: of `cid:` addresses those stay that name one of them.
pub fn clean_words(html: &str, pictures: &[String]) -> Result<String, Blocked> {
    let known = |id: &str| pictures.iter().any(|picture| picture == id).then(|| format!("cid:{id}"));
    run(html, &known, false).map(|cleaned| cleaned.html)
}

fn blocked_or(result: Result<Cleaned, Blocked>) -> Cleaned {
    result.unwrap_or_else(|reason| Cleaned { blocked: Some(reason), ..Cleaned::default() })
}

fn run(html: &str, cid: &dyn Fn(&str) -> Option<String>, received: bool) -> Result<Cleaned, Blocked> {
    let html = without_large_data(html);
    if html.len() > MAX_HTML {
        return Err(Blocked::TooLarge);
    }
    let dom = Dom::document(&html)?;
    let folds = if received { html_quotes::folds(&dom) } else { Folds::new() };
    let had_styles =
        dom.elements().any(|element| element.tag() == "style" && !element.attrs().any(|(n, _)| n == "src"));
    let (first, found) = emit::write(&dom, &Pass::First { cid, remote: received }, &folds);
    drop(dom);
    let html = settle(first, &found.images)?;
    let has_quote = html.contains("<div class=\"fd-quote\">");
    Ok(Cleaned {
        html,
        remote_images: found.remote,
        remote_addresses: found.remote_addresses,
        own_colours: found.colours,
        had_styles,
        has_quote,
        blocked: None,
    })
}

/// Reads and writes the page until it stays as it is, here and under the sanitiser. What cannot be
/// settled is meant to be read differently by somebody.
fn settle(mut html: String, images: &HashSet<String>) -> Result<String, Blocked> {
    let sanitiser = policy::sanitiser(images.clone());
    for _ in 0..MAX_PASSES {
        if html.len() > MAX_HTML * 2 {
            return Err(Blocked::TooLarge);
        }
        let dom = Dom::fragment(&html)?;
        let (again, _) = emit::write(&dom, &Pass::Again(images), &Folds::new());
        drop(dom);
        if again != html {
            html = again;
            continue;
        }
        let sanitised = sanitiser.clean(&html).to_string();
        if sanitised == html {
            return Ok(html);
        }
        html = sanitised;
    }
    Err(Blocked::Unreadable)
}

/// The Content-ID that a `cid:` address names (RFC 2392).
pub(super) fn cid_of(src: &str) -> Option<String> {
    let rest = src.trim().get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).and(src.trim().get(4..))?;
    thread::normalise_id(&percent_decoded(rest))
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).filter(|_| *byte == b'%');
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Every Content-ID that a page mentions, found without parsing it.
pub fn cids(html: &str) -> HashSet<String> {
    let mut out = HashSet::new();
    let mut rest = html;
    while let Some(place) = rest.find(':') {
        let (before, after) = (rest.get(..place).unwrap_or_default(), rest.get(place + 1..).unwrap_or_default());
        let scheme = before.len().checked_sub(3).and_then(|at| before.get(at..));
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid")) {
            let end = after.find(['"', '\'', '>', '<', ' ', ')', '\n', '\r', '\t']).unwrap_or(after.len());
            let id = after.get(..end.min(1_024)).unwrap_or_default().replace("&amp;", "&");
            out.extend(thread::normalise_id(&percent_decoded(&id)));
        }
        rest = after;
    }
    out
}

/// Takes out what nobody will see: images inside the page that are too large to stay.
fn without_large_data(html: &str) -> Cow<'_, str> {
    if html.len() < LARGE_DATA {
        return Cow::Borrowed(html);
    }
    let mut out = String::new();
    let mut rest = html;
    while let Some(place) = rest.find(";base64,") {
        let (before, data) = rest.split_at(place);
        out.push_str(before);
        let end =
            data.bytes().position(|b| !(b.is_ascii_alphanumeric() || b"+/=;,".contains(&b))).unwrap_or(data.len());
        let (run, tail) = data.split_at(end);
        out.push_str(if run.len() > LARGE_DATA { "" } else { run });
        rest = tail;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        let cleaned = clean(html, |_| None);
        assert_eq!(cleaned.blocked, None, "{html}");
        cleaned.html
    }

    #[test]
    fn a_newsletter_keeps_its_looks() {
        let html = "<html><head><title>T</title><style>p{color:red}</style></head><body bgcolor=\"#222222\" text=white style='margin:0'>\
            <table width=\"600\" align=center cellpadding=0 bgcolor=#FFF><tr><td valign=top style=\"padding:8px;font-family:Arial\">\
            <font color=\"#C00\" size=4>Sale</font> <a href=\"https://x.example/?a=1&amp;b=2\" onclick=x class=btn id=y>Shop</a></td></tr></table></body></html>";
        let cleaned = clean(html, |_| None);
        assert_eq!(
            cleaned.html,
            "<div style=\"color:white;background-color:#222222;margin:0\"><table width=\"600\" align=\"center\" cellpadding=\"0\" bgcolor=\"#fff\"><tbody><tr>\
             <td valign=\"top\" style=\"padding:8px;font-family:arial\"><font color=\"#c00\" size=\"4\">Sale</font> \
             <a href=\"https://x.example/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer\">Shop</a></td></tr></tbody></table></div>"
        );
        assert!(cleaned.own_colours && cleaned.had_styles && cleaned.remote_images == 0);
    }

    #[test]
    fn images_come_from_the_mail_itself_or_not_at_all() {
        let html = "<img src='cid:Logo%40x' width=10><img src=CID:none><img src=https://t.example/p.gif alt=p><img srcset='//t.example/a 1x'>\
            <img src=/api/v1/attachments/9><td background=http://t.example/b><div style='background:url(http://t.example/c)'>x</div>\
            <img src='data:image/png;base64,AAAA'><img src='data:image/svg+xml;base64,AAAA'>";
        let cleaned = clean(html, |id| (id == "Logo@x").then(|| "/api/v1/attachments/5".to_owned()));
        assert_eq!(
            cleaned.html,
            "<img src=\"/api/v1/attachments/5\" width=\"10\"><img><img alt=\"p\"><img><img><div>x</div><img src=\"data:image/png;base64,AAAA\"><img>"
        );
        assert_eq!(cleaned.remote_images, 3);
        assert_eq!(clean("<table><tr><td background=http://t.example/b>", |_| None).remote_images, 1);
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_blocked_fast() {
        let started = crate::mail::tests::cost::Meter::start();
        let reason = |html: &str| clean(html, |_| None).blocked;
        assert_eq!(reason(&"<div>".repeat(200_000)), Some(Blocked::TooDeep));
        assert_eq!(reason(&"x ".repeat(MAX_HTML)), Some(Blocked::TooLarge));
        assert!(started.elapsed().as_millis() < 1_000, "{:?}", started.elapsed());
        let photo = format!("<p>hi<img src='data:image/jpeg;base64,{}'>", "A".repeat(MAX_HTML));
        assert_eq!(shown(&photo), "<p>hi<img></p>");
    }

    #[test]
    fn re_parsing_cannot_multiply_a_page() {
        let formats: String = (0..150).map(|n| format!("<b title={n}>")).collect();
        let hostile = format!("<p>{formats}{}", "<object><p>x</p></object><button><p>x</button>".repeat(8_000));
        let started = crate::mail::tests::cost::Meter::start();
        assert!(clean(&hostile, |_| None).blocked.is_some());
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn content_ids_are_text_not_patterns() {
        let seen = clean("<img src='cid:.*'><img src='cid:$1'>", |id| (id == "logo").then(|| "/x".into()));
        assert_eq!(seen.html, "<img><img>");
        let ids = cids("<img src=\"cid:a%40b\"> <img src='CID:c&amp;d'> acid:x cid:");
        assert!(ids.contains("a@b") && ids.contains("c&d"));
    }

    #[test]
    fn what_an_agent_wrote_keeps_its_inline_images_only() {
        let html = "<p onclick=x>Hi <img src='cid:a@b'><img src='https://t.example/x'><script>1</script></p>";
        assert_eq!(clean_outgoing(html).unwrap(), "<p>Hi <img src=\"cid:a@b\"><img></p>");
    }

    #[test]
    fn images_of_other_servers_are_numbered_and_the_numbers_are_ours() {
        let html = "<img data-remote=7 src='http://a.example/1'><img src='//b.example/2?x=1&amp;y' data-remote=0>\
                    <img src='ftp://c.example/3'><img data-remote=1><img src='cid:x' data-remote=1>\
                    <img src=' HTTPS://d.example/\n4 '><img src='javascript:alert(1)'><p data-remote=0>p</p>";
        let cleaned = clean_message(html, |_| None);
        let marked =
            "<img data-remote=\"0\"><img data-remote=\"1\"><img><img><img><img data-remote=\"2\"><img><p>p</p>";
        assert_eq!(cleaned.html, marked);
        let addresses = ["http://a.example/1", "https://b.example/2?x=1&y", "HTTPS://d.example/4"];
        assert_eq!(cleaned.remote_addresses, addresses);
        let many = clean_message(&"<img src='http://a.example/x'>".repeat(300), |_| None);
        assert_eq!((many.remote_addresses.len(), many.remote_images), (200, 300));
        assert!(clean(html, |_| None).remote_addresses.is_empty());
    }
}
