//! What may stand in shown HTML: elements, attributes and their values.
//!
//! Everything is an allow list. The same rules are used when the tree is written and again by the
//! sanitiser that runs last.

use std::collections::{HashMap, HashSet};

use super::style;
use crate::base::text::is_hidden;

/// The class of a folded quotation, the only class that is let through.
pub(super) const QUOTE_CLASS: &str = "fd-quote";
/// Longest image that may stand inside the page itself, encoded, in bytes: 64 KB of pixels.
const MAX_DATA_IMAGE: usize = 90_000;
const MAX_LINK: usize = 8_192;
const MAX_TITLE: usize = 1_000;
/// The attribute that says which of the message's remote images stands here: only ours, never the sender's.
pub(super) const REMOTE: &str = "data-remote";
/// Remote images of one page that can be shown.
pub(super) const MAX_REMOTE: u32 = 200;
/// What every link says about itself.
pub(super) const REL: &str = "noopener noreferrer";

/// Elements that stay.
const KEPT: &[&str] = &[
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// Elements that go with everything in them.
const DROPPED: &[&str] = &[
    "applet", "audio", "canvas", "datalist", "embed", "frameset", "iframe", "link", "map", "math", "meta", "noembed",
    "noframes", "noscript", "object", "optgroup", "option", "script", "select", "style", "svg", "template", "textarea",
    "title", "video", "base", "input", "param", "source", "track",
];

/// What happens to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It stays, with the attributes that may.
    Keep,
    /// Its content stays.
    Unwrap,
    /// Nothing of it stays.
    Drop,
}

/// The rule for an element by its name; the empty name stands for everything that is not HTML.
pub(super) fn rule(tag: &str) -> Rule {
    if tag.is_empty() || DROPPED.contains(&tag) {
        Rule::Drop
    } else if KEPT.contains(&tag) {
        Rule::Keep
    } else {
        Rule::Unwrap
    }
}

/// Whether an element has no content and no end tag.
pub(super) fn is_void(tag: &str) -> bool {
    matches!(tag, "br" | "col" | "hr" | "img" | "wbr")
}

/// The value that an attribute may keep; `None` removes it. Images' `src` is judged elsewhere.
pub(super) fn attribute(tag: &str, name: &str, value: &str) -> Option<String> {
    let lower = value.trim().to_ascii_lowercase();
    let one_of = |known: &[&str]| known.contains(&lower.as_str()).then(|| lower.clone());
    let table = matches!(tag, "table" | "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "col" | "colgroup");
    match (name, tag) {
        ("style", _) => style::filter(value),
        ("class", "div") => (value == QUOTE_CLASS).then(|| value.to_owned()),
        ("dir", _) => one_of(&["ltr", "rtl", "auto"]),
        ("lang", _) => is_word(&lower, 35, "-").then_some(lower),
        ("title", _) | ("alt", "img") => words(value),
        (REMOTE, "img") => number(&lower, MAX_REMOTE - 1),
        ("align", _) => one_of(&["left", "right", "center", "justify", "middle", "top", "bottom", "absmiddle"]),
        ("valign", _) => one_of(&["top", "middle", "bottom", "baseline"]),
        ("href", "a") => link(value),
        ("bgcolor", _) if table => is_word(&lower, 30, "#").then_some(lower),
        ("color", "font" | "hr") => is_word(&lower, 30, "#").then_some(lower),
        ("face", "font") => is_word(&lower, 200, " ,-").then_some(lower),
        ("size", "font" | "hr") => is_word(&lower, 4, "+-").then_some(lower),
        ("width" | "height", "img" | "hr") => length(&lower),
        ("width" | "height", _) if table => length(&lower),
        ("border" | "hspace" | "vspace", "img") | ("border" | "cellpadding" | "cellspacing", "table") => {
            number(&lower, 200)
        }
        ("colspan" | "rowspan", "td" | "th") | ("span", "col" | "colgroup") => number(&lower, 100),
        ("start", "ol") | ("value", "li") => number(&lower, 100_000),
        ("type", "ol" | "ul" | "li") => one_of(&["disc", "circle", "square", "1"]).or_else(|| list_type(value)),
        ("nowrap", "td" | "th") | ("noshade", "hr") => Some(String::new()),
        ("scope", "th") => one_of(&["row", "col", "rowgroup", "colgroup"]),
        _ => None,
    }
}

fn list_type(value: &str) -> Option<String> {
    matches!(value, "a" | "A" | "i" | "I").then(|| value.to_owned())
}

fn is_word(value: &str, longest: usize, also: &str) -> bool {
    (1..=longest).contains(&value.len()) && value.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

fn length(value: &str) -> Option<String> {
    let digits = value.strip_suffix('%').or(value.strip_suffix("px")).unwrap_or(value);
    let fits = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    fits.then(|| value.to_owned())
}

fn number(value: &str, most: u32) -> Option<String> {
    value.parse::<u32>().ok().filter(|n| *n <= most).map(|n| n.to_string())
}

fn words(value: &str) -> Option<String> {
    let clean: String = value.chars().filter(|c| !c.is_control() && !is_hidden(*c)).collect();
    (clean.len() <= MAX_TITLE).then_some(clean)
}

/// A link to the web, to a mailbox or to a telephone. Browsers drop tabs and line ends from
/// addresses, so they go before the scheme is read.
fn link(value: &str) -> Option<String> {
    let bare: String =
        value.trim_matches(|c: char| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let lower = bare.get(..8.min(bare.len())).unwrap_or(&bare).to_ascii_lowercase();
    let known = ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    let proper = known && bare.len() <= MAX_LINK && !bare.contains(|c: char| c.is_control());
    (proper && ammonia::Url::parse(&bare).is_ok()).then_some(bare)
}

/// The address of another server's image, as it can be asked for. An address without a scheme means https.
pub(super) fn remote_address(src: &str) -> Option<String> {
    let src = src.trim();
    let whole = if src.starts_with("//") { format!("https:{src}") } else { src.to_owned() };
    link(&whole).filter(|address| {
        let scheme = address.get(..8.min(address.len())).unwrap_or_default().to_ascii_lowercase();
        scheme.starts_with("http://") || scheme.starts_with("https://")
    })
}

/// Whether `src` is a small raster image that the page carries itself.
pub(super) fn is_data_image(src: &str) -> bool {
    let Some(rest) = src.strip_prefix("data:image/") else { return false };
    let Some((kind, data)) = rest.split_once(";base64,") else { return false };
    matches!(kind, "png" | "jpeg" | "jpg" | "gif" | "webp")
        && data.len() <= MAX_DATA_IMAGE
        && data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

/// The sanitiser with these rules; `images` are the addresses that our own images have in this page.
pub(super) fn sanitiser(images: HashSet<String>) -> ammonia::Builder<'static> {
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(KEPT.iter().copied().collect())
        .clean_content_tags(DROPPED.iter().copied().collect())
        .generic_attributes(["style", "dir", "lang", "title", "align", "valign"].into())
        .tag_attributes(tag_attributes())
        .tag_attribute_values(HashMap::from([("div", HashMap::from([("class", HashSet::from([QUOTE_CLASS]))]))]))
        .set_tag_attribute_values(HashMap::from([("a", HashMap::from([("target", "_blank")]))]))
        .link_rel(Some(REL))
        .url_schemes(["http", "https", "mailto", "tel", "data", "cid"].into())
        .strip_comments(true)
        .attribute_filter(move |tag, name, value| match (tag, name) {
            ("a", "target" | "rel") => Some(value.into()),
            ("img", "src") => (is_data_image(value) || images.contains(value)).then(|| value.into()),
            _ => attribute(tag, name, value).map(Into::into),
        });
    builder
}

fn tag_attributes() -> HashMap<&'static str, HashSet<&'static str>> {
    let cell = ["bgcolor", "width", "height"];
    let mut out: HashMap<_, HashSet<_>> = HashMap::new();
    for tag in ["table", "td", "th", "tr", "tbody", "thead", "tfoot", "col", "colgroup"] {
        out.entry(tag).or_default().extend(cell);
    }
    for (tag, more) in [
        ("a", &["href"][..]),
        ("img", &["src", "data-remote", "alt", "width", "height", "border", "hspace", "vspace"]),
        ("table", &["border", "cellpadding", "cellspacing"]),
        ("td", &["colspan", "rowspan", "nowrap"]),
        ("th", &["colspan", "rowspan", "nowrap", "scope"]),
        ("col", &["span"]),
        ("colgroup", &["span"]),
        ("font", &["color", "face", "size"]),
        ("hr", &["color", "size", "width", "height", "noshade"]),
        ("ol", &["start", "type"]),
        ("ul", &["type"]),
        ("li", &["value", "type"]),
    ] {
        out.entry(tag).or_default().extend(more);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_kinds_of_links_stay() {
        for good in [
            "https://x.example/a?b=c",
            " http://x.example ",
            "mailto:a@x.example?subject=hi",
            "TEL:+48123",
            "ht\ntps://x.example",
        ] {
            let once = link(good).unwrap_or_else(|| panic!("{good}"));
            assert_eq!(link(&once), Some(once));
        }
        for bad in [
            "javascript:alert(1)",
            "java\tscript:alert(1)",
            " \u{1}javascript:x",
            "JaVaScRiPt:x",
            "vbscript:x",
            "data:text/html,x",
            "//x.example",
            "/api/v1/me",
            "x",
            "",
            "#a",
            "http:x.example",
            "https:/\\x",
            "file:///etc/passwd",
            "cid:a",
            "blob:x",
            "http://[",
            "&#106;avascript:x",
            "javascript&colon;x",
            "view-source:http://x",
            "feed:javascript:x",
            "\u{200b}javascript:x",
        ] {
            assert_eq!(link(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn only_small_raster_images_may_be_carried_along() {
        assert!(is_data_image("data:image/png;base64,iVBORw0KGgo="));
        for bad in [
            "data:image/svg+xml;base64,AAAA",
            "data:text/html;base64,AAAA",
            "data:image/png,x",
            "data:image/png;base64,<>",
            "DATA:image/png;base64,AA",
        ] {
            assert!(!is_data_image(bad), "{bad}");
        }
        assert!(!is_data_image(&format!("data:image/png;base64,{}", "A".repeat(MAX_DATA_IMAGE + 1))));
    }

    #[test]
    fn no_element_has_two_rules() {
        assert!(KEPT.iter().all(|tag| !DROPPED.contains(tag)));
        assert_eq!(
            (rule("svg"), rule(""), rule("form"), rule("td")),
            (Rule::Drop, Rule::Drop, Rule::Unwrap, Rule::Keep)
        );
    }
}
