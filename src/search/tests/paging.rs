//! One row a conversation, newest hit first, pages that neither repeat nor miss.

use std::collections::HashSet;

use super::*;

/// 60 messages in 7 conversations; several share their moment.
fn thread(id: u64) -> Document {
    let at_ms = NOW.millis() + i64::try_from(id * 31 % 17).unwrap() * 1000;
    Document { conversation_id: id % 7, at_ms, ..message(id, "hello") }
}

#[test]
fn pages_are_rows_of_conversations_newest_hit_first() {
    let trial = Trial::new((1..=60).map(thread));
    let query = parse("hello ").unwrap();
    let scope = Scope::default();
    let mut newest: Vec<(i64, u64, u64)> = Vec::new();
    for conversation in 0..7 {
        let of_it = (1..=60).map(thread).filter(|document| document.conversation_id == conversation);
        newest.push(of_it.map(|document| (document.at_ms, document.message_id, conversation)).max().unwrap());
    }
    newest.sort_unstable_by(|a, b| b.cmp(a));
    for limit in [1, 2, 3, 6, 7, 50] {
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let page = trial.index.search(&Request { query: &query, scope: &scope, limit, cursor }, &|_| None).unwrap();
            assert!(page.items.len() <= limit && !page.items.is_empty());
            rows.extend(page.items.iter().map(|hit| (hit.at_ms, hit.message_id, hit.conversation_id)));
            let Some(next) = page.next else { break };
            cursor = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(rows, newest, "pages of {limit}");
    }
}

#[test]
fn order_holds_across_many_segments_and_merges() {
    let trial = Trial::new([]);
    for round in 0..30_u64 {
        let mut batch = trial.index.batch().unwrap();
        (0..5).for_each(|n| batch.add(&message(1 + n * 30 + round, "hello")).unwrap());
        batch.commit(round + 2).unwrap();
    }
    let query = parse("hello ").unwrap();
    let request = Request { query: &query, scope: &Scope::default(), limit: 200, cursor: None };
    let ids: Vec<u64> =
        trial.index.search(&request, &|_| None).unwrap().items.iter().map(|hit| hit.message_id).collect();
    assert_eq!(ids, (1..=150).rev().collect::<Vec<_>>());
}

#[test]
fn counts_stop_at_their_bound() {
    let trial = Trial::new((1..=60).map(thread));
    let query = parse("hello ").unwrap();
    let count = |bound| trial.index.count(&query, &Scope::default(), bound).unwrap();
    assert_eq!(count(100), Count { conversations: 7, more: false });
    assert_eq!(count(7), Count { conversations: 7, more: false });
    assert_eq!(count(6), Count { conversations: 6, more: true });
}

#[test]
fn only_cursors_are_read_as_cursors() {
    let cursor = Cursor { at_ms: -5, message_id: 9 };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for text in ["", ".", "5", "5.", ".5", "a.b", "5.-1", "5.5.5"] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
}

#[test]
fn a_query_without_conditions_finds_nothing() {
    let trial = Trial::with(&["hello"]);
    for text in ["", "  ", "()", "***", "from:", "-"] {
        let query = parse(text).unwrap();
        assert!(query.is_empty(), "{text:?}");
        assert_eq!(trial.index.count(&query, &Scope::default(), 5).unwrap().conversations, 0);
    }
    let all: HashSet<u64> = trial.find("-zebra ").into_iter().collect();
    assert_eq!(all, HashSet::from([1]));
}
