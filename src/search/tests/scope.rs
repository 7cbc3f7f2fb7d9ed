//! What may not be read is not found, not counted, and not told by any query.

use super::*;

fn house() -> Trial {
    let mine = |id, inbox, assignee| Document { inbox, assignee, ..message(id, "secret plan") };
    let away = |id, place| Document { place, ..message(id, "secret plan") };
    Trial::new([
        mine(1, 1, None),
        mine(2, 1, Some(7)),
        mine(3, 2, Some(7)),
        mine(4, 2, Some(8)),
        away(5, Place::Spam),
        away(6, Place::Trash),
        away(7, Place::Filtered),
    ])
}

const QUERIES: [&str; 14] = [
    "secret ",
    "secr",
    "s",
    "\"secret plan\" ",
    "-nothing ",
    "secret OR plan ",
    "is:open ",
    "from:anna ",
    "after:1990 ",
    "inbox:sales OR inbox:support ",
    "assignee:ola OR secret ",
    "is:spam OR is:trash OR secret ",
    "-inbox:support ",
    "-is:spam ",
];

#[test]
fn a_scope_bounds_every_query_and_its_count() {
    let trial = house();
    let cases = [
        (Scope { inboxes: Some(vec![1]), only_assignee: None }, vec![1, 2, 5, 6, 7]),
        (Scope { inboxes: Some(vec![2]), only_assignee: None }, vec![3, 4]),
        (Scope { inboxes: Some(vec![1, 2]), only_assignee: Some(7) }, vec![2, 3]),
        (Scope { inboxes: Some(vec![2]), only_assignee: Some(7) }, vec![3]),
        (Scope { inboxes: None, only_assignee: Some(8) }, vec![4]),
        (Scope { inboxes: Some(vec![3]), only_assignee: None }, vec![]),
        (Scope { inboxes: Some(vec![]), only_assignee: None }, vec![]),
    ];
    for (scope, allowed) in &cases {
        for query in QUERIES {
            let found = trial.find_in(query, scope);
            assert!(found.iter().all(|id| allowed.contains(id)), "{query:?} in {scope:?} found {found:?}");
        }
        let all: Vec<u64> = allowed.iter().copied().filter(|id| *id != 5 && *id != 6).collect();
        assert_eq!(trial.find_in("secret ", scope), all);
    }
}

#[test]
fn spam_and_trash_are_found_only_when_asked_for() {
    let trial = house();
    assert_eq!(trial.find("secret "), [1, 2, 3, 4, 7]);
    assert_eq!(trial.find("is:spam secret "), [5]);
    assert_eq!(trial.find("is:trash "), [6]);
    assert_eq!(trial.find("is:spam OR is:trash "), [5, 6]);
    assert_eq!(trial.find("-is:spam "), [1, 2, 3, 4, 7]);
    assert_eq!(trial.find("is:filtered "), [7]);
}

#[test]
fn filters_find_what_the_conversation_is() {
    let mut documents = vec![message(1, "a"), message(2, "a"), message(3, "a")];
    documents[1].state = State::Closed;
    documents[1].tags = vec!["VIP".to_owned(), "późna dostawa".to_owned()];
    documents[1].kind = Kind::Outbound;
    documents[2].has_attachment = true;
    documents[2].assignee = Some(7);
    documents[2].at_ms -= 40 * DAY;
    let trial = Trial::new(documents);
    for (query, expected) in [
        ("is:open ", vec![1, 3]),
        ("is:closed ", vec![2]),
        ("tag:vip ", vec![2]),
        ("tag:\"pozna dostawa\" ", vec![2]),
        ("tag:dostawa ", vec![]),
        ("is:sent ", vec![2]),
        ("is:received ", vec![1, 3]),
        ("has:attachment ", vec![3]),
        ("assignee:me ", vec![3]),
        ("assignee:none ", vec![1, 2]),
        ("is:assigned ", vec![3]),
        ("after:30d ", vec![1, 2]),
        ("before:30d ", vec![3]),
        ("after:2026-03-31 before:2026-04-01 a ", vec![1, 2]),
        ("-after:30d ", vec![3]),
    ] {
        assert_eq!(trial.find(query), expected, "{query}");
    }
}
