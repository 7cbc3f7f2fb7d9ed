//! Text out of HTML and HTML out of text.

use super::clean::{self, Blocked};
use super::dom::{Data, Dom, Id};
use super::emit::push_escaped;
use super::policy::{self, Rule};

/// Most levels of quotation that are drawn.
const MAX_QUOTE: usize = 20;

/// One line of a page as it reads.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The words, white space collapsed.
    pub(super) text: String,
    /// How many block quotes it stands in.
    pub(super) quote: usize,
    /// The first text node on it.
    pub(super) first: Option<Id>,
}

/// The page as lines, and for every element the lines between which it stands.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The lines in order; blank ones between paragraphs.
    pub(super) lines: Vec<Line>,
    /// Elements with the place of their first line and of the line behind their last.
    pub(super) spans: Vec<(Id, usize, usize)>,
}

/// The page as plain text: paragraphs, list items and quotations keep their form, the rest goes.
pub fn text_from_html(html: &str) -> String {
    let Ok(dom) = Dom::document(html) else { return stripped(html) };
    let mut out = String::new();
    for line in flow(&dom).lines {
        if line.quote > 0 {
            out.push_str(&">".repeat(line.quote.min(MAX_QUOTE)));
            if !line.text.is_empty() {
                out.push(' ');
            }
        }
        out.push_str(line.text.trim_end());
        out.push('\n');
    }
    let text = out.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// The text of a page that is too deep to be parsed: tags cut out in one pass.
fn stripped(html: &str) -> String {
    mail_parser::decoders::html::html_to_text(html)
}

/// Reads the page line by line.
pub(super) fn flow(dom: &Dom) -> Flow {
    let mut reader = Reader { dom, out: Flow::default(), line: Line::default(), quote: 0, pre: 0, gap: false };
    let mut todo = vec![Step::Enter(dom.root())];
    while let Some(step) = todo.pop() {
        match step {
            Step::Leave(id, start) => reader.leave(id, start),
            Step::Enter(id) => {
                if let Some(start) = reader.enter(id) {
                    todo.push(Step::Leave(id, start));
                    todo.extend(dom.children(id).iter().rev().map(|child| Step::Enter(*child)));
                }
            }
        }
    }
    reader.end_line(false);
    reader.out
}

enum Step {
    Enter(Id),
    Leave(Id, usize),
}

struct Reader<'a> {
    dom: &'a Dom,
    out: Flow,
    line: Line,
    quote: usize,
    pre: usize,
    /// A blank line is due before the next text.
    gap: bool,
}

impl Reader<'_> {
    /// Takes a node in; the place of its first line when its children are to be read too.
    fn enter(&mut self, id: Id) -> Option<usize> {
        match self.dom.data(id) {
            Data::Text(text) => {
                self.text(id, text);
                None
            }
            Data::Other => None,
            Data::Element(element) => {
                let tag = element.tag();
                if policy::rule(tag) == Rule::Drop {
                    return None;
                }
                self.start(tag);
                Some(self.out.lines.len())
            }
        }
    }

    fn start(&mut self, tag: &str) {
        match tag {
            "br" => self.end_line(true),
            "td" | "th" => self.space(),
            _ if is_block(tag) => self.end_line(false),
            _ => {}
        }
        self.gap |= is_paragraph(tag);
        match tag {
            "blockquote" => self.quote += 1,
            "pre" => self.pre += 1,
            "li" => self.line.text.push_str("- "),
            _ => {}
        }
    }

    fn leave(&mut self, id: Id, start: usize) {
        let tag = self.dom.element(id).map_or("", |element| element.tag());
        if is_block(tag) {
            self.end_line(false);
        }
        let end = self.out.lines.len() + usize::from(!self.line.text.trim().is_empty());
        self.out.spans.push((id, start, end));
        self.gap |= is_paragraph(tag);
        match tag {
            "blockquote" => self.quote = self.quote.saturating_sub(1),
            "pre" => self.pre = self.pre.saturating_sub(1),
            _ => {}
        }
    }

    fn text(&mut self, id: Id, text: &str) {
        if self.pre > 0 {
            for (place, piece) in text.split('\n').enumerate() {
                if place > 0 {
                    self.end_line(true);
                }
                self.line.first = self.line.first.or(Some(id));
                self.line.text.push_str(piece);
            }
            return;
        }
        for (place, word) in text.split(|c: char| c.is_ascii_whitespace() || c == '\u{a0}').enumerate() {
            if place > 0 {
                self.space();
            }
            if !word.is_empty() {
                self.line.first = self.line.first.or(Some(id));
                self.line.text.push_str(word);
            }
        }
    }

    fn space(&mut self) {
        if !self.line.text.is_empty() && !self.line.text.ends_with(' ') {
            self.line.text.push(' ');
        }
    }

    /// Ends the line; an empty one counts only when it is `asked` for.
    fn end_line(&mut self, asked: bool) {
        let mut line = std::mem::take(&mut self.line);
        line.quote = self.quote;
        let empty = line.text.trim().is_empty();
        if empty && !asked {
            return;
        }
        let after_blank = self.out.lines.last().is_none_or(|last| last.text.is_empty());
        if std::mem::take(&mut self.gap) && !after_blank {
            self.out.lines.push(Line { quote: self.quote, ..Line::default() });
        }
        if empty {
            line.text.clear();
        }
        self.out.lines.push(line);
    }
}

fn is_paragraph(tag: &str) -> bool {
    matches!(tag, "p" | "blockquote" | "ul" | "ol" | "dl" | "pre" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn is_block(tag: &str) -> bool {
    is_paragraph(tag)
        || matches!(
            tag,
            "div"
                | "tr"
                | "li"
                | "hr"
                | "section"
                | "article"
                | "header"
                | "footer"
                | "main"
                | "center"
                | "address"
                | "figure"
                | "figcaption"
                | "caption"
                | "dt"
                | "dd"
                | "form"
                | "fieldset"
                | "body"
                | "nav"
                | "aside"
        )
}

/// Plain text as HTML: escaped, paragraphs at blank lines, web and mail addresses as links. Emits no
/// other elements than `p`, `br` and `a`.
pub fn html_from_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for paragraph in text.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.trim().is_empty()) {
        out.push_str("<p>");
        for (place, line) in paragraph.split('\n').enumerate() {
            if place > 0 {
                out.push_str("<br>");
            }
            push_linked(&mut out, line);
        }
        out.push_str("</p>");
    }
    out
}

fn push_linked(out: &mut String, line: &str) {
    for (place, word) in line.split(' ').enumerate() {
        if place > 0 {
            out.push(' ');
        }
        match link_in(word) {
            Some((before, address, after, scheme)) => {
                push_escaped(out, before, false);
                out.push_str("<a href=\"");
                out.push_str(scheme);
                push_escaped(out, address, true);
                out.push_str("\" target=\"_blank\" rel=\"noopener noreferrer\">");
                push_escaped(out, address, false);
                out.push_str("</a>");
                push_escaped(out, after, false);
            }
            None => push_escaped(out, word, false),
        }
    }
}

/// The link in a word: what stands before it, the address, what stands behind, and its scheme if it
/// is not part of the address.
fn link_in(word: &str) -> Option<(&str, &str, &str, &'static str)> {
    let start = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min();
    let (start, scheme) = match start {
        Some(start) => (start, ""),
        None => (word.find(|c: char| !"<([{\"'".contains(c))?, "mailto:"),
    };
    let rest = word.get(start..)?;
    let stop =
        rest.find(|c: char| "<>\"'`{}[]|\\^".contains(c) || c.is_control() || c.is_whitespace()).unwrap_or(rest.len());
    let address = rest.get(..stop)?.trim_end_matches(|c: char| ".,;:!?)".contains(c));
    let fits = match scheme {
        "" => address.split_once("://").is_some_and(|(_, host)| host.chars().next().is_some_and(char::is_alphanumeric)),
        _ => super::address::Mailbox::parse(address, false)
            .is_ok_and(|m| m.domain().contains('.') && !m.local().starts_with('"')),
    };
    fits.then(|| {
        (word.get(..start).unwrap_or_default(), address, rest.get(address.len()..).unwrap_or_default(), scheme)
    })
}

/// The text beside an agent's HTML, cleaned first. See [`clean::clean_outgoing`].
pub fn text_of_outgoing(html: &str) -> Result<String, Blocked> {
    clean::clean_outgoing(html).map(|clean| text_from_html(&clean))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_reads_as_text() {
        let html = "<style>x</style><h1>Hello</h1><p>One\n two&nbsp;three<br>four</p><ul><li>a<li>b</ul><table><tr><td>1<td>2<tr><td>3</table><blockquote>q<blockquote>r</blockquote></blockquote><pre>x\n  y</pre>";
        assert_eq!(
            text_from_html(html),
            "Hello\n\nOne two three\nfour\n\n- a\n- b\n\n1 2\n3\n>\n> q\n>>\n>> r\n\nx\n  y\n"
        );
        assert_eq!(text_from_html("<div><script>alert(1)</script></div>"), "");
        assert!(text_from_html(&format!("{}deep", "<div>".repeat(5_000))).contains("deep"));
    }

    #[test]
    fn text_becomes_paragraphs_and_links() {
        assert_eq!(
            html_from_text("Hi <b>\r\nsee (https://x.example/a?b=1&c=2).\r\n\r\nmail ewa@x.example!"),
            "<p>Hi &lt;b&gt;<br>see (<a href=\"https://x.example/a?b=1&amp;c=2\" target=\"_blank\" rel=\"noopener noreferrer\">https://x.example/a?b=1&amp;c=2</a>).</p>\
             <p>mail <a href=\"mailto:ewa@x.example\" target=\"_blank\" rel=\"noopener noreferrer\">ewa@x.example</a>!</p>"
        );
        assert_eq!(
            html_from_text("\"a@a.co?]<img/src=x/onerror=1>"),
            "<p>\"<a href=\"mailto:a@a.co\" target=\"_blank\" rel=\"noopener noreferrer\">a@a.co</a>?]&lt;img/src=x/onerror=1&gt;</p>"
        );
    }
}
