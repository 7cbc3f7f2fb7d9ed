//! HTML as a tree, parsed as a browser does, with limits that hold while it is being parsed.
//!
//! The parser's own time grows with the square of the nesting, so a page beyond the limits is given
//! up in the middle. The tree is only read; what leaves this room goes through [`super::emit`].

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, Parser, QualName, local_name, ns};

/// Deepest nesting of open elements.
pub(super) const MAX_OPEN: usize = 200;
/// Most nodes of one page.
const MAX_NODES: usize = 200_000;
/// Most separators that one tag or comment may hold: the tokenizer compares each attribute of a tag
/// with all before it.
const MAX_SEPARATORS: usize = 6_000;
/// How much is parsed before the limits are looked at again, in bytes.
const CHUNK: usize = 2_048;

/// The page is too deep or too intricate to be parsed in bounded time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

/// Place of a node in its [`Dom`].
pub(super) type Id = usize;

/// An element: name and attributes.
#[derive(Debug)]
pub(super) struct Element {
    name: QualName,
    attrs: Vec<Attribute>,
}

impl Element {
    /// The local name in lower case; empty for SVG, MathML and what else is not HTML.
    pub(super) fn tag(&self) -> &str {
        if self.name.ns == ns!(html) { &self.name.local } else { "" }
    }

    /// Attributes in the order in which they were written.
    pub(super) fn attrs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attrs.iter().map(|attr| (&*attr.name.local, &*attr.value))
    }

    /// The value of an attribute.
    pub(super) fn attr(&self, name: &str) -> Option<&str> {
        self.attrs().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether the class attribute has this token.
    pub(super) fn has_class(&self, class: &str) -> bool {
        self.attr("class").is_some_and(|value| value.split_ascii_whitespace().any(|token| token == class))
    }
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Data {
    /// An element.
    Element(Element),
    /// Text, entities resolved.
    Text(String),
    /// The document, comments, declarations.
    Other,
}

#[derive(Debug)]
struct Node {
    parent: Option<Id>,
    children: Vec<Id>,
    depth: usize,
    data: Data,
}

/// A parsed page.
#[derive(Debug)]
pub(super) struct Dom {
    nodes: Vec<Node>,
    root: Id,
}

impl Dom {
    /// Parses a whole page, or as much of one as a mail sends.
    pub(super) fn document(html: &str) -> Result<Dom, TooDeep> {
        let dom = feed(html5ever::parse_document(Sink::default(), ParseOpts::default()), html)?;
        let html = dom.find_child(dom.root, "html").unwrap_or(dom.root);
        let root = dom.find_child(html, "body").unwrap_or(html);
        Ok(Dom { root, ..dom })
    }

    /// Parses what stands inside a `div`, as the sanitiser does.
    pub(super) fn fragment(html: &str) -> Result<Dom, TooDeep> {
        let context = QualName::new(None, ns!(html), local_name!("div"));
        let parser = html5ever::parse_fragment(Sink::default(), ParseOpts::default(), context, Vec::new(), false);
        let dom = feed(parser, html)?;
        let root = dom.find_child(dom.root, "html").unwrap_or(dom.root);
        Ok(Dom { root, ..dom })
    }

    /// The node whose children are the page: its body.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// Children in order.
    pub(super) fn children(&self, id: Id) -> &[Id] {
        self.nodes.get(id).map_or(&[], |node| &node.children)
    }

    /// The node above.
    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.nodes.get(id)?.parent
    }

    /// What the node is.
    pub(super) fn data(&self, id: Id) -> &Data {
        self.nodes.get(id).map_or(&Data::Other, |node| &node.data)
    }

    /// The element at `id`, if it is one.
    pub(super) fn element(&self, id: Id) -> Option<&Element> {
        match self.data(id) {
            Data::Element(element) => Some(element),
            _ => None,
        }
    }

    /// Every element, in no particular order.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        (0..self.nodes.len()).filter_map(|id| self.element(id))
    }

    fn find_child(&self, id: Id, tag: &str) -> Option<Id> {
        self.children(id).iter().copied().find(|child| self.element(*child).is_some_and(|e| e.tag() == tag))
    }
}

fn feed(mut parser: Parser<Sink>, html: &str) -> Result<Dom, TooDeep> {
    let mut rest = html;
    let (mut separators, mut seen) = (0, 0);
    while !rest.is_empty() {
        let mut end = CHUNK.min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (chunk, tail) = rest.split_at(end);
        parser.process(StrTendril::from(chunk));
        let sink = &parser.tokenizer.sink.sink;
        if sink.over.get() {
            return Err(TooDeep);
        }
        // No node since the last look: everything is still inside one tag or comment.
        separators = if sink.calls.get() == seen { separators } else { 0 } + count_separators(chunk);
        seen = sink.calls.get();
        if separators > MAX_SEPARATORS {
            return Err(TooDeep);
        }
        rest = tail;
    }
    let (dom, over) = parser.finish();
    if over { Err(TooDeep) } else { Ok(dom) }
}

/// How many attributes `chunk` can begin at most.
fn count_separators(chunk: &str) -> usize {
    let mut last = b' ';
    let mut count = 0;
    for byte in chunk.bytes() {
        let begins_word = last.is_ascii_whitespace() && !byte.is_ascii_whitespace();
        count += usize::from(begins_word || matches!(byte, b'/' | b'"' | b'\''));
        last = byte;
    }
    count
}

/// Receives the tree from the parser.
#[derive(Debug)]
struct Sink {
    nodes: RefCell<Vec<Node>>,
    over: Cell<bool>,
    calls: Cell<u64>,
}

impl Default for Sink {
    fn default() -> Sink {
        let document = Node { parent: None, children: Vec::new(), depth: 0, data: Data::Other };
        Sink { nodes: RefCell::new(vec![document]), over: Cell::new(false), calls: Cell::new(0) }
    }
}

impl Sink {
    fn create(&self, data: Data) -> Id {
        self.calls.set(self.calls.get() + 1);
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= MAX_NODES {
            self.over.set(true);
        }
        nodes.push(Node { parent: None, children: Vec::new(), depth: 0, data });
        nodes.len() - 1
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(parent) = nodes.get_mut(id).and_then(|node| node.parent.take()) else { return };
        if let Some(above) = nodes.get_mut(parent)
            && let Some(place) = above.children.iter().rposition(|child| *child == id)
        {
            above.children.remove(place);
        }
    }

    /// Puts `child` under `parent`, before the child at `place`; text joins the text before it.
    fn insert(&self, parent: Id, place: usize, child: NodeOrText<Id>) {
        self.calls.set(self.calls.get() + 1);
        let child = match child {
            NodeOrText::AppendNode(id) => {
                self.detach(id);
                id
            }
            NodeOrText::AppendText(text) => {
                if self.extend_text(parent, place, &text) {
                    return;
                }
                self.create(Data::Text(text.into()))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes.get(parent).map_or(0, |node| node.depth + 1);
        // The html and body elements stand above the page's own.
        if depth > MAX_OPEN + 3 {
            self.over.set(true);
        }
        if let Some(node) = nodes.get_mut(child) {
            node.parent = Some(parent);
            node.depth = depth;
        }
        if let Some(above) = nodes.get_mut(parent) {
            let place = place.min(above.children.len());
            above.children.insert(place, child);
        }
    }

    fn extend_text(&self, parent: Id, place: usize, text: &str) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let Some(before) = nodes.get(parent).and_then(|node| node.children.get(place.checked_sub(1)?)).copied() else {
            return false;
        };
        match nodes.get_mut(before).map(|node| &mut node.data) {
            Some(Data::Text(known)) => {
                known.push_str(text);
                true
            }
            _ => false,
        }
    }

    fn child_count(&self, id: Id) -> usize {
        self.nodes.borrow().get(id).map_or(0, |node| node.children.len())
    }
}

/// An element's name, handed to the parser by value.
#[derive(Debug)]
struct Name(QualName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl TreeSink for Sink {
    type Handle = Id;
    type Output = (Dom, bool);
    type ElemName<'a> = Name;

    fn finish(self) -> (Dom, bool) {
        (Dom { nodes: self.nodes.into_inner(), root: 0 }, self.over.get())
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Name {
        match self.nodes.borrow().get(*target).map(|node| &node.data) {
            Some(Data::Element(element)) => Name(element.name.clone()),
            _ => Name(QualName::new(None, ns!(), LocalName::from(""))),
        }
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Id {
        self.create(Data::Element(Element { name, attrs }))
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        self.create(Data::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        self.create(Data::Other)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        self.insert(*parent, self.child_count(*parent), child);
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        let placed = self.nodes.borrow().get(*element).is_some_and(|node| node.parent.is_some());
        if placed {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// Templates keep their content where it stands; all of it is dropped later.
    fn get_template_contents(&self, target: &Id) -> Id {
        *target
    }

    fn same_node(&self, x: &Id, y: &Id) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, child: NodeOrText<Id>) {
        if let NodeOrText::AppendNode(id) = &child {
            self.detach(*id);
        }
        let found = {
            let nodes = self.nodes.borrow();
            nodes.get(*sibling).and_then(|node| node.parent).and_then(|parent| {
                let place = nodes.get(parent)?.children.iter().rposition(|child| child == sibling)?;
                Some((parent, place))
            })
        };
        if let Some((parent, place)) = found {
            self.insert(parent, place, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Id, attrs: Vec<Attribute>) {
        if let Some(Data::Element(element)) = self.nodes.borrow_mut().get_mut(*target).map(|node| &mut node.data) {
            let missing = |attr: &Attribute| element.attrs.iter().all(|known| known.name != attr.name);
            let new: Vec<_> = attrs.into_iter().filter(missing).collect();
            element.attrs.extend(new);
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        let moved = self.nodes.borrow_mut().get_mut(*node).map(|node| std::mem::take(&mut node.children));
        for child in moved.unwrap_or_default() {
            if let Some(node) = self.nodes.borrow_mut().get_mut(child) {
                node.parent = None;
            }
            self.append(new_parent, NodeOrText::AppendNode(child));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(dom: &Dom) -> Vec<String> {
        let text = |id| if let Data::Text(text) = dom.data(id) { Some(text.clone()) } else { None };
        (0..dom.nodes.len()).filter_map(text).collect()
    }

    #[test]
    fn pages_are_parsed_as_browsers_do() {
        let dom = Dom::document("<!doctype html><title>t</title><body bgcolor=red>a<p>b<table>c<td>d").unwrap();
        assert_eq!(dom.element(dom.root()).unwrap().attr("bgcolor"), Some("red"));
        assert_eq!(texts(&dom), ["t", "a", "b", "c", "d"]);
        assert!(Dom::document("<frameset><frame>").is_ok());
    }

    #[test]
    fn nesting_nodes_and_attributes_are_bounded_in_time() {
        let started = crate::mail::tests::cost::Meter::start();
        let formats: String = (0..2_000).map(|n| format!("<p><b c={n}>")).collect();
        let attributes: String = (0..20_000).map(|n| format!("a{n} ")).collect();
        for hostile in [
            "<div>".repeat(200_000),
            "<b>".repeat(200_000),
            "<table><td>".repeat(50_000),
            "<table><b>".repeat(50_000),
            "<svg><g>".repeat(50_000),
            format!("<div {attributes}>"),
            formats,
        ] {
            assert_eq!(Dom::document(&hostile).unwrap_err(), TooDeep, "{}", &hostile[..20]);
        }
        assert!(Dom::document(&"<p><b>x</b>".repeat(10_000)).is_ok());
        assert!(started.elapsed().as_secs() < 8, "{:?}", started.elapsed());
    }
}
