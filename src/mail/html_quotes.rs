//! Finds the quoted history at the end of an HTML message, by the marks that mail programs leave and
//! by the words people read. It chooses nodes of the tree; the writer wraps them.

use super::dom::{Data, Dom, Element, Id};
use super::emit::Folds;
use super::quotes::{self, Seen};
use super::text::{self, Flow};

/// How a mail program marks quoted history.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// An element that holds all of it.
    Holds,
    /// An element from which on all is quoted.
    Begins,
}

/// The runs of nodes that are quoted history; empty when there is none, or it is not a tail.
pub(super) fn folds(dom: &Dom) -> Folds {
    let flow = text::flow(dom);
    let lines: Vec<Seen<'_>> =
        flow.lines.iter().map(|line| Seen { text: &line.text, quoted: line.quote > 0 }).collect();
    let by_words =
        quotes::find(&lines).and_then(|line| Some((line, flow.lines.get(line..)?.iter().find_map(|l| l.first)?)));
    let by_mark = marked(dom, &flow, &lines);
    let start = match (by_words, by_mark) {
        (Some(words), Some(mark)) => Some(if words.0 <= mark.0 { words } else { mark }),
        (words, mark) => words.or(mark),
    };
    start.and_then(|(_, node)| wrap(dom, node)).unwrap_or_default()
}

fn mark(element: &Element) -> Option<Mark> {
    let id = element.attr("id").unwrap_or_default();
    if matches!(id, "divRplyFwdMsg" | "appendonsend" | "mail-editor-reference-message-container") {
        return Some(Mark::Begins);
    }
    let cited = element.tag() == "blockquote" && element.attr("type").is_some_and(|t| t.eq_ignore_ascii_case("cite"));
    let classes = ["gmail_quote", "yahoo_quoted", "protonmail_quote", "zmail_extra", "tutanota_quote", "fd-quote"];
    if cited || classes.iter().any(|class| element.has_class(class)) {
        return Some(Mark::Holds);
    }
    ["moz-cite-prefix", "OutlookMessageHeader"].iter().any(|class| element.has_class(class)).then_some(Mark::Begins)
}

/// How many marked elements are looked at; answers woven into more are not history to be folded.
const MAX_MARKS: usize = 200;

/// The earliest marked element whose content is the tail of the message, and its line.
fn marked(dom: &Dom, flow: &Flow, lines: &[Seen<'_>]) -> Option<(usize, Id)> {
    let own = lines.iter().position(|line| !line.text.trim().is_empty())?;
    let mut spans: Vec<_> = flow.spans.iter().filter(|(id, _, _)| dom.element(*id).and_then(mark).is_some()).collect();
    spans.sort_by_key(|(id, start, _)| (*start, *id));
    for (id, start, end) in spans.into_iter().take(MAX_MARKS) {
        let inside = lines.get(*start..*end).unwrap_or_default();
        if inside.iter().take(2).any(|line| quotes::is_forward(line.text)) {
            return None;
        }
        let holds = dom.element(*id).and_then(mark) == Some(Mark::Holds);
        let tail = if holds {
            is_tail(inside, lines.get(*end..).unwrap_or_default())
        } else {
            ends_quoted(lines.get(*end..).unwrap_or_default())
        };
        if tail && *start > own {
            return Some((*start, *id));
        }
    }
    None
}

/// Whether nothing of the writer's own stands behind or between what is quoted.
fn is_tail(inside: &[Seen<'_>], behind: &[Seen<'_>]) -> bool {
    let quoted = inside.iter().position(|line| line.quoted).unwrap_or(inside.len());
    let between = inside.iter().skip(quoted).any(|line| !line.quoted && !line.text.trim().is_empty());
    !between && behind.iter().all(|line| line.text.trim().is_empty())
}

/// Whether what follows a mark is either all unmarked, or marked to its end.
fn ends_quoted(behind: &[Seen<'_>]) -> bool {
    let mut rest = behind.iter().filter(|line| !line.text.trim().is_empty()).skip_while(|line| !line.quoted);
    rest.all(|line| line.quoted)
}

/// The runs from `node` to the end of the page. `None` where a fold would break a table or paragraph.
fn wrap(dom: &Dom, node: Id) -> Option<Folds> {
    let mut at = node;
    while let Some(parent) = dom.parent(at).filter(|_| at != dom.root()) {
        let before = dom.children(parent).iter().take_while(|child| **child != at);
        if parent == dom.root() || before.into_iter().any(|child| is_visible(dom, *child)) {
            break;
        }
        at = parent;
    }
    let mut out = Folds::new();
    let mut first = Some(at);
    while at != dom.root() {
        let parent = dom.parent(at)?;
        let siblings = dom.children(parent);
        let place = siblings.iter().position(|child| *child == at)?;
        let start =
            first.take().or_else(|| siblings.get(place + 1..)?.iter().copied().find(|child| is_visible(dom, *child)));
        if let (Some(start), Some(last)) = (start, siblings.last()) {
            if !holds_blocks(dom, parent) {
                return None;
            }
            out.insert(start, *last);
        }
        at = parent;
    }
    Some(out)
}

/// Whether a `div` may stand among the children of this element.
fn holds_blocks(dom: &Dom, id: Id) -> bool {
    let tag = dom.element(id).map_or("", |element| element.tag());
    id == dom.root()
        || matches!(
            tag,
            "div"
                | "td"
                | "th"
                | "blockquote"
                | "li"
                | "dd"
                | "section"
                | "article"
                | "main"
                | "center"
                | "span"
                | "font"
                | "b"
                | "strong"
                | "i"
                | "em"
                | "u"
                | "small"
                | "body"
                | "form"
        )
}

fn is_visible(dom: &Dom, id: Id) -> bool {
    let mut todo = vec![id];
    while let Some(id) = todo.pop() {
        match dom.data(id) {
            Data::Text(text) if !text.trim_matches(|c: char| c.is_whitespace()).is_empty() => return true,
            Data::Element(element) => match element.tag() {
                "img" | "hr" => return true,
                tag if super::policy::rule(tag) == super::policy::Rule::Drop => {}
                _ => todo.extend(dom.children(id)),
            },
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::mail::clean::clean_message;

    /// What stays visible when quotations are folded.
    fn visible(html: &str) -> String {
        let cleaned = clean_message(html, |_| None);
        assert_eq!(cleaned.blocked, None);
        let mut out = cleaned.html.as_str();
        let shown = out.split_once("<div class=\"fd-quote\">").map(|(before, _)| before);
        out = shown.unwrap_or(out);
        crate::mail::text::text_from_html(out).trim().to_owned()
    }

    #[test]
    fn tails_of_many_clients_are_folded() {
        for html in [
            "<div dir=ltr>Mine</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=ltr class=gmail_attr>On Mon, 3 Nov 2025 at 10:00, Jan &lt;<a href=mailto:j@x.example>j@x.example</a>&gt; wrote:<br></div><blockquote class=gmail_quote style='margin:0'>old</blockquote></div>",
            "<div dir=ltr>Mine</div><br><div class=gmail_quote><div class=gmail_attr>w unknown tongue 3.11 Jan:<br></div><blockquote class=gmail_quote>old</blockquote></div>",
            "<html><body lang=EN-US><div class=WordSection1><p class=MsoNormal>Mine<o:p></o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>From:</b> Jan &lt;j@x&gt; <br><b>Sent:</b> Monday<br><b>To:</b> Ewa<br><b>Subject:</b> RE: x<o:p></o:p></p></div></div><p class=MsoNormal>old</p></div></body></html>",
            "<div>Mine</div><div id=appendonsend></div><hr style='display:inline-block;width:98%'><div id=divRplyFwdMsg dir=ltr><font face=Calibri><b>Od:</b> Jan<br><b>Wysłano:</b> pon<br><b>Do:</b> Ewa<br><b>Temat:</b> x</font><div>&nbsp;</div></div><div>old</div>",
            "<div>Mine<br><div><br><blockquote type=cite><div>On 3 Nov 2025, at 10:00, Jan &lt;j@x&gt; wrote:</div><br><div>old</div></blockquote></div></div>",
            "<p>Mine</p><div class=moz-cite-prefix>On 3/11/2025 10:00, Jan wrote:<br></div><blockquote type=cite cite='mid:x'>old</blockquote>",
            "<div>Mine</div><div id=yahoo_quoted_1 class=yahoo_quoted><div>On Monday, 3 November 2025 at 10:00:00 CET, Jan &lt;j@x&gt; wrote:</div><div>old</div></div>",
            "<div>Mine</div><div class=protonmail_quote>On Monday, Jan wrote:<br><blockquote class=protonmail_quote type=cite>old</blockquote></div>",
            "<div>Mine</div><div>W dniu 3.11.2025 o 10:00, Jan pisze:</div><blockquote>old</blockquote>",
            "<p>Mine</p><p>-----Ursprüngliche Nachricht-----</p><p>Von: Jan</p><p>old</p>",
            "<p>Mine</p><div class=fd-quote><p>Ewa:</p><blockquote>old</blockquote></div>",
        ] {
            assert_eq!(visible(html).trim_end_matches(['_', '-', ' ', '\n']), "Mine", "{html}");
            let cleaned = clean_message(html, |_| None);
            assert!(cleaned.has_quote && cleaned.html.contains("old"));
        }
    }

    #[test]
    fn answers_below_or_between_and_forwards_are_not_folded() {
        for html in [
            "<div class=gmail_quote><div class=gmail_attr>On 3 Nov 2025, Jan wrote:</div><blockquote>old</blockquote></div><div>below</div>",
            "<div>Hi</div><div class=gmail_quote><div>On 3 Nov 2025, Jan wrote:</div><blockquote>old</blockquote><div>between</div><blockquote>older</blockquote><div>end</div></div>",
            "<div>Hi</div><p class=moz-cite-prefix>On 3 Nov 2025, Jan wrote:</p><blockquote type=cite>old</blockquote><p>below</p>",
            "<div>FYI</div><div class=gmail_quote><div class=gmail_attr>---------- Forwarded message ---------<br>From: Jan<br>Date: x<br>Subject: y<br>To: z</div><p>text</p></div>",
            "<blockquote type=cite>only this</blockquote>",
            "<p>No quotation here.</p>",
        ] {
            assert!(!clean_message(html, |_| None).has_quote, "{html}");
        }
    }

    #[test]
    fn a_fold_may_span_levels_but_never_tears_a_table() {
        let html =
            "<div><div>Mine</div><div>On 3 Nov 2025 at 10:00 Jan wrote:</div></div><div>old</div><div>older</div>";
        let cleaned = clean_message(html, |_| None);
        assert_eq!(
            cleaned.html,
            "<div><div>Mine</div><div class=\"fd-quote\"><div>On 3 Nov 2025 at 10:00 Jan wrote:</div></div></div><div class=\"fd-quote\"><div>old</div><div>older</div></div>"
        );
        let torn = "<table><tr><td>Mine</td></tr><tr><td>On 3 Nov 2025 at 10:00 Jan wrote:</td></tr><tr><td>old</td></tr></table>";
        assert!(!clean_message(torn, |_| None).has_quote);
    }
}
