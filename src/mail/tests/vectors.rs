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

const VECTORS: &[&str] = &[
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"x\" onerror='alert(1)' / onload=x>",
    "<svg><script>alert(1)</script></svg>",
    "<svg onload=alert(1)>",
    "<svg><animate xlink:href=#a attributeName=href values=javascript:alert(1) /><a id=a><text>x</text></a></svg>",
    "<svg><set attributeName=onmouseover to=alert(1) />",
    "<svg><use href=\"data:image/svg+xml;base64,AAAA#x\"></svg>",
    "<svg><feImage xlink:href=https://t.example/a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math><mtext><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><annotation-xml encoding=text/html><style><img src=x onerror=alert(1)></style>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
    "<title><img title=\"</title><img src=x onerror=alert(1)>\">",
    "<xmp><img title=\"</xmp><img src=x onerror=alert(1)>\"></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe><img title=\"</iframe><img src=x onerror=alert(1)>\">",
    "<noembed><img title=\"</noembed><img src=x onerror=alert(1)>\">",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=1?><script>alert(1)</script>",
    "<template><script>alert(1)</script></template>",
    "<select><option><style><img src=x onerror=alert(1)></style></select>",
    "<table><style><img src=x onerror=alert(1)></style>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\" &#14; javascript:alert(1)\">x</a>",
    "<a href=\"java&#9;script:alert(1)\">x</a>",
    "<a href=\"jav&#x0A;ascript:alert(1)\">x</a>",
    "<a href=JaVaScRiPt&colon;alert(1)>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href=vbscript:x xlink:href=javascript:y>x</a>",
    "<a href='https://x.example' target=_self rel=opener ping=https://t.example>x</a>",
    "<form action=https://t.example><input type=image src=https://t.example/x><button formaction=javascript:x>Go</button></form>",
    "<base href=https://t.example/><a href=x>x</a>",
    "<meta http-equiv=refresh content='0;url=https://t.example'>",
    "<link rel=stylesheet href=https://t.example><link rel=dns-prefetch href=//t.example>",
    "<object data=https://t.example></object><embed src=https://t.example><applet code=x>",
    "<body background=https://t.example/a onload=alert(1)><table background=https://t.example/b>",
    "<img srcset='https://t.example/a 2x'><picture><source srcset=https://t.example/b></picture>",
    "<video poster=https://t.example/a src=//t.example/b><track src=x></video><audio src=x>",
    "<img lowsrc=https://t.example/a dynsrc=https://t.example/b>",
    "<style>@import 'https://t.example'; @font-face{src:url(https://t.example)} p{background:url(x)}</style>",
    "<p style='background:url(https://t.example/a)'>x",
    "<p style='background:u\\72 l(https://t.example/a)'>x",
    "<p style='background-image:URL( \"https://t.example\" )'>x",
    "<p style='background:image-set(\"https://t.example\" 1x)'>x",
    "<p style='--a:url(https://t.example);background:var(--a)'>x",
    "<p style='list-style:url(https://t.example)'>x",
    "<p style='cursor:url(https://t.example),auto;content:url(x)'>x",
    "<p style='background:url(https://t.example'>x",
    "<p style='color:red;/*' title='*/background:url(x)'>x",
    "<p style='position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:9999'>x",
    "<p style=\"width:expression(alert(1));behavior:url(x);-moz-binding:url(x)\">x",
    "<p style='font-family:\"</style><img src=x onerror=alert(1)>\"'>x",
    "<div class='fd-quote evil'>x</div><div class=btn-danger id=app name=app>x</div>",
    "<a id=location name=cookie href=#x>x</a>",
    "<marquee onstart=alert(1)>x</marquee><details open ontoggle=alert(1)>x</details><dialog open>x</dialog>",
    "<frameset onload=alert(1)><frame src=javascript:x>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<image src=x onerror=alert(1)>",
    "<pre>\n\n\n\nx</pre><listing>\n\nx</listing>",
    "<p><table><b><tr><td>x</table></b></p><a><table><a>x</a></table></a>",
    "<table><tr><a href=https://x.example><td>x</a></table><li><ul><p></li>",
    "&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;script&amp;gt;",
    "<img src=`x` alt=`` onerror=alert(1)>",
    "<div title='&quot;><img src=x onerror=alert(1)>'>x</div>",
    "<a href=\"https://x.example/&quot;onmouseover=&quot;alert(1)\">x</a>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='><img src=data:text/html;base64,AAAA>",
    "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "<p>a\u{202e}b&#x202e;c</p>",
    "<button><p>x</button><b><object><p>y</b></object>",
    "<ruby><rtc><style><img src=x onerror=alert(1)></style>",
];

#[test]
fn every_known_trick_is_inert() {
    for vector in VECTORS {
        check(vector);
        check(&format!("<div><p>before {vector} after</p><table><tr><td>{vector}"));
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
        let html = html_from_text(&text.concat());
        prop_assert_eq!(harmful(&html), None, "{}", html);
        let dom = Dom::document(&html).unwrap();
        let mut todo = dom.children(dom.root()).to_vec();
        while let Some(id) = todo.pop() {
            todo.extend(dom.children(id));
            prop_assert!(dom.element(id).is_none_or(|e| matches!(e.tag(), "p" | "br" | "a")));
        }
    }
}
