//! Random messages and queries against a model that scans everything.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::super::analyze::{Forms, words};
use super::super::compile;
use super::super::query::{Node, TextField};
use super::*;

const WORDS: [&str; 8] = ["reklamacja", "Reklamacji", "żółć", "zolc", "order", "ORDERS", "T-204", "204"];

fn document() -> impl Strategy<Value = Document> {
    let text = || prop::collection::vec(prop::sample::select(&WORDS[..]), 0..6).prop_map(|words| words.join(" "));
    let place = prop::sample::select(vec![Place::Inbox, Place::Inbox, Place::Spam, Place::Trash]);
    let state = prop::sample::select(vec![State::Open, State::Closed]);
    (1..40_u64, 1..9_u64, -3..3_i64, 1..4_u64, place, state, prop::option::of(7..9_u64), text(), text()).prop_map(
        |(id, conversation, days, inbox, place, state, assignee, subject, body)| Document {
            conversation_id: conversation,
            at_ms: NOW.millis() + days * DAY,
            inbox,
            place,
            state,
            assignee,
            conversation_subject: subject.clone(),
            subject,
            ..message(id, &body)
        },
    )
}

fn query() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "reklamacją",
        "zolc",
        "order",
        "T-204",
        "204",
        "\"order reklamacja\"",
        "\"zolc\"",
        "rek*",
        "rekl*",
        "o*",
        "subject:order",
        "subject:rekl*",
        "is:open",
        "is:spam",
        "is:unassigned",
        "assignee:me",
        "inbox:sales",
        "after:today",
        "before:today",
        "nothing",
    ]);
    let part = (any::<bool>(), atom).prop_map(|(negated, atom)| format!("{}{atom}", if negated { "-" } else { "" }));
    let joined = prop::collection::vec((part, prop::sample::select(vec![" ", " ", " OR "])), 1..5);
    joined.prop_map(|parts| {
        let (mut text, last) = (String::new(), parts.len() - 1);
        for (n, (part, joint)) in parts.into_iter().enumerate() {
            text.push_str(&part);
            text.push_str(if n == last { " " } else { joint });
        }
        text
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    let inboxes = prop::option::of(prop::collection::vec(1..4_u64, 0..3));
    (inboxes, prop::option::weighted(0.3, 7..9_u64))
        .prop_map(|(inboxes, only_assignee)| Scope { inboxes, only_assignee })
}

fn texts(document: &Document, field: TextField) -> Vec<&str> {
    let subjects = [document.subject.as_str(), document.conversation_subject.as_str()];
    match field {
        TextField::Subject => subjects.to_vec(),
        TextField::From => vec![&document.from],
        TextField::To => vec![&document.to],
        TextField::Any => [&subjects[..], &[&document.from, &document.to, &document.body]].concat(),
    }
}

fn forms(text: &str) -> Vec<Forms> {
    let mut forms = Vec::new();
    words(text, |range| forms.push(Forms::of(&text[range])));
    forms
}

fn matches(document: &Document, node: &Node) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().all(|node| matches(document, node)),
        Node::Or(nodes) => nodes.iter().any(|node| matches(document, node)),
        Node::Not(node) => !matches(document, node),
        Node::Word { field, raw, prefix } => {
            let wanted = Forms::of(raw);
            texts(document, *field).iter().flat_map(|text| forms(text)).any(|word| {
                word.stems.iter().any(|stem| wanted.stems.contains(stem))
                    || (*prefix && word.folded.starts_with(&wanted.folded))
            })
        }
        Node::Phrase { field, folded, .. } => texts(document, *field).iter().any(|text| {
            let words: Vec<String> = forms(text).into_iter().map(|word| word.folded).collect();
            words.windows(folded.len()).any(|window| window == folded.as_slice())
        }),
        Node::State(state) => document.state == *state,
        Node::Place(place) => document.place == *place,
        Node::Kind(kind) => document.kind == *kind,
        Node::Assigned => document.assignee.is_some(),
        Node::Attachment => document.has_attachment,
        Node::Before(at) => document.at_ms < *at,
        Node::After(at) => document.at_ms >= *at,
        Node::Inbox(inboxes) => inboxes.contains(&document.inbox),
        Node::Assignee(agents) => document.assignee.is_some_and(|agent| agents.contains(&agent)),
        Node::Tag(_) => false,
    }
}

fn visible(document: &Document, root: &Node, scope: &Scope) -> bool {
    let hidden = matches!(document.place, Place::Spam | Place::Trash) && !compile::asks_for(root, document.place, true);
    !hidden
        && scope.inboxes.as_ref().is_none_or(|inboxes| inboxes.contains(&document.inbox))
        && scope.only_assignee.is_none_or(|agent| document.assignee == Some(agent))
}

proptest! {
    #![proptest_config(crate::base::soak::cases(24))]
    #[test]
    fn searches_agree_with_a_scan(
        batches in prop::collection::vec(prop::collection::vec(document(), 0..12), 1..5),
        deleted in prop::collection::vec(1..9_u64, 0..2),
        asked in prop::collection::vec((query(), scope()), 12),
    ) {
        let trial = Trial::new([]);
        let mut model: BTreeMap<u64, Document> = BTreeMap::new();
        for (documents, change) in batches.into_iter().zip(2..) {
            let mut batch = trial.index.batch().unwrap();
            for document in documents {
                batch.put_message(&document).unwrap();
                model.insert(document.message_id, document);
            }
            batch.commit(change).unwrap();
        }
        let mut batch = trial.index.batch().unwrap();
        for conversation in deleted {
            batch.delete_conversation(conversation).unwrap();
            model.retain(|_, document| document.conversation_id != conversation);
        }
        batch.commit(9).unwrap();
        for (text, scope) in asked {
            let query = parse(&text).unwrap();
            let root = query.root.as_ref().unwrap();
            let mut rows: Vec<_> = model.values()
                .filter(|document| visible(document, root, &scope) && matches(document, root))
                .map(|document| (document.at_ms, document.message_id, document.conversation_id))
                .collect();
            rows.sort_unstable_by(|a, b| b.cmp(a));
            let mut seen = HashSet::new();
            rows.retain(|row| seen.insert(row.2));
            let request = Request { query: &query, scope: &scope, limit: 100, cursor: None };
            let hits = trial.index.search(&request, &|_| None).unwrap();
            let found: Vec<_> = hits.items.iter().map(|hit| (hit.at_ms, hit.message_id, hit.conversation_id)).collect();
            prop_assert_eq!(found, rows.clone(), "{} in {:?}", text, scope);
            prop_assert_eq!(trial.index.count(&query, &scope, 100).unwrap().conversations, rows.len());
        }
    }
}
