//! A query's tree, and what the asker may read, to tantivy's queries.

use tantivy::Term;
use tantivy::query::{AllQuery, BooleanQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::analyze::Forms;
use super::at_range::AtRange;
use super::document::Place;
use super::prefix::PrefixQuery;
use super::query::{Node, Scope, TextField};
use super::schema::{Fields, START_CHARS, flag, kind_flag, place_flag, state_flag};
use super::steady::Steady;

/// How many words the last, unfinished word of a compound (`T-20`) may stand for, each segment.
const PHRASE_EXPANSIONS: u32 = 400;

type Boxed = Box<dyn Query>;

/// The query for `root` within `scope`. Spam and trash are left out unless the query asks for them.
pub(super) fn compile(root: &Node, scope: &Scope, fields: &Fields) -> Boxed {
    let compiler = Compiler { fields };
    let mut clauses = vec![(Occur::Must, compiler.node(root))];
    if let Some(inboxes) = &scope.inboxes {
        clauses.push((Occur::Must, ids(fields.inbox, inboxes)));
    }
    if let Some(agent) = scope.only_assignee {
        clauses.push((Occur::Must, ids(fields.assignee, &[agent])));
    }
    for place in [Place::Spam, Place::Trash] {
        if !asks_for(root, place, true) {
            clauses.push((Occur::MustNot, term(fields.flag, place_flag(place))));
        }
    }
    Box::new(BooleanQuery::new(clauses))
}

/// Whether the query says, outside a negation, that it wants what lies in `place`.
pub(super) fn asks_for(node: &Node, place: Place, positive: bool) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().any(|node| asks_for(node, place, positive)),
        Node::Not(node) => asks_for(node, place, !positive),
        Node::Place(asked) => positive && *asked == place,
        _ => false,
    }
}

struct Compiler<'a> {
    fields: &'a Fields,
}

impl Compiler<'_> {
    fn node(&self, node: &Node) -> Boxed {
        match node {
            Node::And(nodes) => self.all(nodes),
            Node::Or(nodes) => union(nodes.iter().map(|node| self.node(node)).collect()),
            Node::Not(_) => self.all(std::slice::from_ref(node)),
            Node::Word { field, raw, prefix } => self.word(*field, raw, *prefix),
            Node::Phrase { field, folded, prefix } => self.phrase(*field, folded, *prefix),
            Node::State(state) => self.flag(state_flag(*state)),
            Node::Place(place) => self.flag(place_flag(*place)),
            Node::Kind(kind) => self.flag(kind_flag(*kind)),
            Node::Assigned => self.flag(flag::ASSIGNED),
            Node::Attachment => self.flag(flag::ATTACHMENT),
            Node::Before(moment) => Box::new(AtRange { from: i64::MIN, to: *moment }),
            Node::After(moment) => Box::new(AtRange { from: *moment, to: i64::MAX }),
            Node::Inbox(inboxes) => ids(self.fields.inbox, inboxes),
            Node::Assignee(agents) => ids(self.fields.assignee, agents),
            Node::Tag(tag) => term(self.fields.tag, tag),
        }
    }

    fn all(&self, nodes: &[Node]) -> Boxed {
        let mut clauses: Vec<(Occur, Boxed)> = Vec::with_capacity(nodes.len() + 1);
        for node in nodes {
            clauses.push(match node {
                Node::Not(inside) => (Occur::MustNot, Box::new(Steady(self.node(inside)))),
                node => (Occur::Must, self.node(node)),
            });
        }
        if !clauses.iter().any(|(occur, _)| *occur == Occur::Must) {
            clauses.push((Occur::Must, Box::new(AllQuery)));
        }
        Box::new(BooleanQuery::new(clauses))
    }

    fn flag(&self, word: &str) -> Boxed {
        term(self.fields.flag, word)
    }

    fn word(&self, field: TextField, raw: &str, prefix: bool) -> Boxed {
        let forms = Forms::of(raw);
        let (exact, stems) = self.fields_of(field);
        let mut any: Vec<Boxed> = match stems {
            Some(stems) => forms.stems.iter().map(|stem| term(stems, stem)).collect(),
            None => vec![term(exact, &forms.folded)],
        };
        if prefix {
            any.push(self.beginning(field, exact, forms.folded));
        }
        union(any)
    }

    fn beginning(&self, field: TextField, exact: Field, prefix: String) -> Boxed {
        if field == TextField::Any && prefix.chars().count() <= START_CHARS {
            return term(self.fields.start, &prefix);
        }
        Box::new(PrefixQuery { field: exact, prefix })
    }

    fn phrase(&self, field: TextField, folded: &[String], prefix: bool) -> Boxed {
        let (exact, _) = self.fields_of(field);
        let terms: Vec<Term> = folded.iter().map(|word| Term::from_field_text(exact, word)).collect();
        match folded {
            [] => Box::new(EmptyQuery),
            [word] => term(exact, word),
            _ if prefix => {
                let mut query = PhrasePrefixQuery::new(terms);
                query.set_max_expansions(PHRASE_EXPANSIONS);
                Box::new(query)
            }
            _ => Box::new(PhraseQuery::new(terms)),
        }
    }

    /// The fields with the exact words and with the stems.
    fn fields_of(&self, field: TextField) -> (Field, Option<Field>) {
        match field {
            TextField::Any => (self.fields.text, Some(self.fields.stem)),
            TextField::Subject => (self.fields.subject, Some(self.fields.subject_stem)),
            TextField::From => (self.fields.from, None),
            TextField::To => (self.fields.to, None),
        }
    }
}

fn term(field: Field, text: &str) -> Boxed {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}

fn ids(field: Field, ids: &[u64]) -> Boxed {
    let term =
        |id: &u64| -> Boxed { Box::new(TermQuery::new(Term::from_field_u64(field, *id), IndexRecordOption::Basic)) };
    union(ids.iter().map(term).collect())
}

fn union(mut queries: Vec<Boxed>) -> Boxed {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.pop().unwrap_or_else(|| Box::new(EmptyQuery)),
        _ => Box::new(BooleanQuery::union(queries)),
    }
}
