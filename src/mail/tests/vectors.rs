//! Attacks on whoever shows HTML mail: scripts, tricks on parsers, requests to other servers.

use proptest::prelude::*;

use crate::mail::clean::{clean, clean_message};
use crate::mail::dom::{Data, Dom, Id};
use crate::mail::text::html_from_text;

/// What could run, load or submit anything, searched for in the tree that a browser would build.
fn harmful(html: &str) -> Option<String> {
    let dom = Dom::document(html).ok()?;
    let mut todo: Vec<Id> = dom.children(dom.root()).to_vec();
    while let Some(id) = todo.pop() {
        todo.extend(dom.children(id));
        let Data::Element(element) = dom.data(id) else { continue };
        let tag = element.tag();
        const NEVER: &[&str] = &[
            "script", "style", "svg", "math", "iframe", "object", "embed", "form", "input", "button", "meta", "base",
            "link", "textarea", "select", "video", "audio", "source", "template", "noscript", "title",
        ];
        if tag.is_empty() || NEVER.contains(&tag) {
            return Some(format!("<{tag}>"));
        }
        for (name, value) in element.attrs() {
            let lower = value.to_lowercase();
            let fine = match name {
                "href" => ["http://", "https://", "mailto:", "tel:"].iter().any(|s| lower.starts_with(s)),
                "src" => lower.starts_with("data:image/png;base64,") || lower.starts_with("data:image/gif;base64,"),
                "style" => !["url", "(", "expression", "position", "\\", "@", "import", "<"]
                    .iter()
                    .any(|bad| lower.contains(bad)),
                "class" => value == "fd-quote",
                "target" => value == "_blank",
                "rel" => value == "noopener noreferrer",
                "id" | "name" | "background" | "srcset" | "poster" | "formaction" | "action" | "ping" => false,
                other => !other.starts_with("on") && !other.contains(':'),
            };
            if !fine {
                return Some(format!("<{tag} {name}={value}>"));
            }
        }
    }
    None
}

/// Without the places of pictures of other servers: they are ours to give, so cleaning takes them away.
fn without_places(html: &str) -> String {
    let mut pieces = html.split(" data-remote=\"");
    let first = pieces.next().unwrap_or_default().to_owned();
    first + &pieces.filter_map(|piece| piece.split_once('"')).map(|(_, rest)| rest).collect::<String>()
}

fn check(html: &str) {
    for cleaned in [clean(html, |_| None), clean_message(html, |_| None)] {
        assert_eq!(harmful(&cleaned.html), None, "{html}\n{}", cleaned.html);
        if cleaned.blocked.is_none() {
            assert_eq!(clean(&cleaned.html, |_| None).html, without_places(&cleaned.html), "{html}");
        }
    }
}

/// One of the tricks that are kept where the journeys in a browser read them as well.
#[derive(serde::Deserialize)]
struct Vector {
    row: String,
    name: String,
    /// The page of the mail.
    html: Option<String>,
    /// How often the page is said, one within the other.
    times: Option<usize>,
    /// What follows after that.
    after: Option<String>,
    /// The text of the mail, beside its page or alone.
    text: Option<String>,
    /// Lines of a whole mail, from the first header that is its own.
    raw: Option<Vec<String>>,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/html.json"));
    serde_json::from_str(text).expect("the vectors can be read")
}

/// With the addresses of a stranger's server and with words in their places.
fn filled(text: &str) -> String {
    let text = text.replace("{{canary}}", "https://t.example").replace("{{host}}", "//t.example");
    text.replace("{{letter}}", "the letter itself")
}

#[test]
fn every_known_trick_is_inert() {
    for vector in vectors() {
        let name = format!("{} {}", vector.row, vector.name);
        if let Some(html) = &vector.html {
            let page = filled(html).repeat(vector.times.unwrap_or(1)) + vector.after.as_deref().unwrap_or_default();
            check(&page);
            check(&format!("<div><p>before {page} after</p><table><tr><td>{page}"));
        }
        if let Some(text) = &vector.text {
            assert_only_text(&html_from_text(&filled(text)));
        }
        if let Some(lines) = &vector.raw {
            let parsed = crate::mail::parse::parse(filled(&lines.join("\r\n")).as_bytes());
            let shown = crate::mail::view::view(&parsed, |_| String::from("data:image/gif;base64,AAAA"));
            let page = shown.html.unwrap_or_else(|| panic!("{name} has no page"));
            assert_eq!(harmful(&page), None, "{name}");
            assert!(page.contains("the letter itself"), "{name}");
        }
    }
}

/// Every case of products like ours that pages of mail can show; the rest of them are proven elsewhere.
#[test]
fn every_kind_of_trick_is_among_them() {
    let rows: std::collections::BTreeSet<String> = vectors().into_iter().map(|vector| vector.row).collect();
    for row in ["C1", "C2", "C3", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "C17", "C20", "C21"] {
        assert!(rows.contains(row), "{row}");
    }
}

#[test]
fn what_is_called_harmful_is_found() {
    assert!(
        harmful("<p onclick=x>").is_some() && harmful("<svg>").is_some() && harmful("<a href=javascript:x>").is_some()
    );
    assert!(harmful("<p style='x:url(y)'>").is_some() && harmful("<img src=http://x>").is_some());
    assert_eq!(harmful("<p style=\"color:red\"><a href=\"https://x.example\">"), None);
}

/// Pieces from which pages are put together at random.
fn piece() -> impl Strategy<Value = String> {
    let tags = prop::sample::select(vec![
        "div",
        "p",
        "b",
        "a",
        "i",
        "font",
        "table",
        "tr",
        "td",
        "tbody",
        "caption",
        "pre",
        "span",
        "blockquote",
        "svg",
        "math",
        "mtext",
        "mglyph",
        "style",
        "script",
        "title",
        "textarea",
        "select",
        "option",
        "form",
        "button",
        "template",
        "noscript",
        "iframe",
        "object",
        "li",
        "ul",
        "h1",
        "center",
        "foreignObject",
        "annotation-xml",
        "img",
        "br",
        "hr",
        "nobr",
        "xmp",
        "body",
        "html",
        "head",
        "frameset",
        "plaintext",
    ]);
    let attributes = prop::sample::select(vec![
        "",
        " href=javascript:x",
        " href=https://x.example",
        " style='color:red;background:url(x)'",
        " onload=x",
        " class=fd-quote",
        " src=https://t.example",
        " title='</style><script>'",
        " title='-->'",
        " id=x",
        " align=center",
        " width=10",
        " encoding=text/html",
        " src='data:image/png;base64,AAAA'",
    ]);
    prop_oneof![
        4 => (tags.clone(), attributes).prop_map(|(tag, attribute)| format!("<{tag}{attribute}>")),
        3 => tags.prop_map(|tag| format!("</{tag}>")),
        1 => prop::sample::select(vec!["x", "\n", " ", "<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&amp;lt;", "\u{a0}", "<", "\"", "'", "\r\n"]).prop_map(str::to_owned),
        1 => ".{0,6}",
    ]
}

proptest! {
    #![proptest_config(crate::base::soak::cases(250))]

    #[test]
    fn random_pages_are_inert_and_stable(pieces in prop::collection::vec(piece(), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn text_never_becomes_other_elements(text in prop::collection::vec(prop_oneof![
        prop::sample::select(vec!["http://", "https://x.example/", "a@b.co", "<", ">", "\"", "'", "&", "]", "[", "(", "\n", " ", "<img/src=x/onerror=1>", "javascript:", "?", "@"]).prop_map(str::to_owned),
        ".{0,5}",
    ], 0..20)) {
        assert_only_text(&html_from_text(&text.concat()));
    }
}

/// Paragraphs, line breaks and links are all that text may become.
fn assert_only_text(html: &str) {
    assert_eq!(harmful(html), None, "{html}");
    let dom = Dom::document(html).unwrap();
    let mut todo = dom.children(dom.root()).to_vec();
    while let Some(id) = todo.pop() {
        todo.extend(dom.children(id));
        assert!(dom.element(id).is_none_or(|e| matches!(e.tag(), "p" | "br" | "a")), "{html}");
    }
}
