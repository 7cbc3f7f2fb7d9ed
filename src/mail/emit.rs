//! Writes a parsed page by the rules of [`super::policy`], in the form in which the sanitiser writes.

use std::collections::{HashMap, HashSet};

use super::dom::{Data, Dom, Element, Id};
use super::policy::{self, MAX_REMOTE, QUOTE_CLASS, REL, REMOTE, Rule};
use super::style;

/// Finds the address of the part that a Content-ID names.
pub(super) type Cid<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Runs of siblings to be folded: the first node of each and its last.
pub(super) type Folds = HashMap<Id, Id>;

/// What the writing found out on its way.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Elements that wanted something from another server.
    pub(super) remote: u32,
    /// The page brings colours of its own.
    pub(super) colours: bool,
    /// Addresses given to the page's own images.
    pub(super) images: HashSet<String>,
    /// Where images of other servers are, each by the number it is marked with.
    pub(super) remote_addresses: Vec<String>,
}

/// How images are judged.
pub(super) enum Pass<'a> {
    /// The sender's own page: Content-IDs are resolved, and images of other servers are marked if `remote` says so.
    First { cid: Cid<'a>, remote: bool },
    /// A page that went through the first pass: only addresses given there stay.
    Again(&'a HashSet<String>),
}

/// Writes the page; `folds` are wrapped as quoted history.
pub(super) fn write(dom: &Dom, pass: &Pass<'_>, folds: &Folds) -> (String, Found) {
    let mut writer = Writer { dom, pass, folds, out: String::new(), found: Found::default(), todo: Vec::new() };
    let frame = writer.frame();
    if let Some(frame) = &frame {
        writer.out.push_str(frame);
    }
    writer.queue_children(dom.root());
    while let Some(step) = writer.todo.pop() {
        match step {
            Step::Node(id) => writer.node(id),
            Step::End(tag) => writer.end(tag),
        }
    }
    if frame.is_some() {
        writer.out.push_str("</div>");
    }
    let out = writer.out.trim().to_owned();
    (out, writer.found)
}

enum Step<'a> {
    Node(Id),
    End(&'a str),
}

struct Writer<'a> {
    dom: &'a Dom,
    pass: &'a Pass<'a>,
    folds: &'a Folds,
    out: String,
    found: Found,
    todo: Vec<Step<'a>>,
}

impl<'a> Writer<'a> {
    /// The body's own colours and direction, as the start of an element around everything.
    fn frame(&mut self) -> Option<String> {
        let body = self.dom.element(self.dom.root()).filter(|element| element.tag() == "body")?;
        self.count(body);
        let mut declared = body.attr("style").unwrap_or_default().to_owned();
        for (attribute, property) in [("bgcolor", "background-color"), ("text", "color")] {
            if let Some(value) = body.attr(attribute) {
                declared = format!("{property}:{value};{declared}");
            }
        }
        let mut out = String::new();
        if let Some(kept) = style::filter(&declared) {
            self.found.colours |= style::has_colour(&kept);
            push_attribute(&mut out, "style", &kept);
        }
        if let Some(dir) = body.attr("dir").and_then(|dir| policy::attribute("div", "dir", dir)) {
            push_attribute(&mut out, "dir", &dir);
        }
        (!out.is_empty()).then(|| format!("<div{out}>"))
    }

    fn queue_children(&mut self, id: Id) {
        let mut ends: HashMap<Id, usize> = HashMap::new();
        let children = self.dom.children(id);
        for (place, child) in children.iter().enumerate() {
            if let Some(last) = self.folds.get(child) {
                ends.insert(*last, place);
            }
        }
        for child in children.iter().rev() {
            if ends.contains_key(child) {
                self.todo.push(Step::End("div"));
            }
            self.todo.push(Step::Node(*child));
        }
    }

    fn node(&mut self, id: Id) {
        if self.folds.contains_key(&id) {
            self.out.push_str("<div class=\"");
            self.out.push_str(QUOTE_CLASS);
            self.out.push_str("\">");
        }
        let dom = self.dom;
        match dom.data(id) {
            Data::Text(text) => self.text(text),
            Data::Element(element) => self.element(id, element),
            Data::Other => {}
        }
    }

    fn text(&mut self, text: &str) {
        // A parser takes the line end behind <pre> away, each time it reads the page.
        let text = if self.out.ends_with("<pre>") { text.trim_start_matches(['\n', '\r']) } else { text };
        push_escaped(&mut self.out, text, false);
    }

    fn element(&mut self, id: Id, element: &'a Element) {
        let tag = element.tag();
        let rule = policy::rule(tag);
        if rule != Rule::Drop || matches!(tag, "input" | "source") {
            self.count(element);
        }
        match rule {
            Rule::Drop => {}
            Rule::Unwrap => self.queue_children(id),
            Rule::Keep => {
                self.start(tag, element);
                if !policy::is_void(tag) {
                    self.todo.push(Step::End(tag));
                    self.queue_children(id);
                }
            }
        }
    }

    fn start(&mut self, tag: &str, element: &Element) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in element.attrs() {
            if tag == "img" && name == "src" {
                self.mark_remote(value);
            }
            let kept = match (tag, name) {
                ("img", "src") => self.image(value),
                ("img", REMOTE) if matches!(self.pass, Pass::First { .. }) => None,
                _ => policy::attribute(tag, name, value),
            };
            let Some(kept) = kept else { continue };
            self.found.colours |= match name {
                "bgcolor" | "color" => true,
                "style" => style::has_colour(&kept),
                _ => false,
            };
            push_attribute(&mut self.out, name, &kept);
        }
        if tag == "a" {
            push_attribute(&mut self.out, "target", "_blank");
            push_attribute(&mut self.out, "rel", REL);
        }
        self.out.push('>');
    }

    fn end(&mut self, tag: &str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    fn image(&mut self, src: &str) -> Option<String> {
        let src = src.trim();
        if policy::is_data_image(src) {
            return Some(src.to_owned());
        }
        let given = match self.pass {
            Pass::First { cid, .. } => cid(&super::clean::cid_of(src)?)?,
            Pass::Again(images) => images.get(src)?.clone(),
        };
        self.found.images.insert(given.clone());
        Some(given)
    }

    /// Writes instead of the address of another server's image the number under which it is kept.
    fn mark_remote(&mut self, src: &str) {
        let number = u32::try_from(self.found.remote_addresses.len()).unwrap_or(MAX_REMOTE);
        if !matches!(self.pass, Pass::First { remote: true, .. }) || number >= MAX_REMOTE {
            return;
        }
        if let Some(address) = policy::remote_address(src) {
            push_attribute(&mut self.out, REMOTE, &number.to_string());
            self.found.remote_addresses.push(address);
        }
    }

    /// Counts an element that would ask another server for something.
    fn count(&mut self, element: &Element) {
        let wants = element.attrs().any(|(name, value)| match name {
            "src" | "srcset" | "background" | "poster" | "lowsrc" | "dynsrc" => is_remote(value),
            "style" => value.to_ascii_lowercase().contains("url(") && value.contains("//"),
            _ => false,
        });
        self.found.remote += u32::from(wants);
    }
}

fn is_remote(value: &str) -> bool {
    let value = value.trim_start().to_ascii_lowercase();
    ["http:", "https:", "//"].iter().any(|start| value.starts_with(start))
}

fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_escaped(out, value, true);
    out.push('"');
}

/// Escapes as HTML fragments are serialised (HTML standard section 13.3).
pub(super) fn push_escaped(out: &mut String, text: &str, in_attribute: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if in_attribute => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}
