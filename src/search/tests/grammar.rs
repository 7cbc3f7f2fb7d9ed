//! The query language, as a table: a query and the tree it means.

use super::super::query::Node;
use super::*;

/// A tree as text: terse, but telling every difference.
fn show(node: &Node) -> String {
    let list = |name: &str, nodes: &[Node]| format!("{name}({})", nodes.iter().map(show).collect::<Vec<_>>().join(" "));
    match node {
        Node::And(nodes) => list("and", nodes),
        Node::Or(nodes) => list("or", nodes),
        Node::Not(node) => format!("not({})", show(node)),
        Node::Word { field, raw, prefix } => format!("{field:?}:{raw}{}", if *prefix { "*" } else { "" }),
        Node::Phrase { field, folded, prefix } => {
            format!("{field:?}:'{}{}'", folded.join(" "), if *prefix { "*" } else { "" })
        }
        Node::Before(at) => format!("<{}", Timestamp(*at).rfc3339()),
        Node::After(at) => format!(">={}", Timestamp(*at).rfc3339()),
        other => format!("{other:?}"),
    }
}

fn tree(query: &str) -> String {
    parse(query)
        .map(|query| query.root.as_ref().map(show).unwrap_or_default())
        .unwrap_or_else(|error| error.to_string())
}

#[test]
fn words_phrases_and_their_combinations() {
    for (query, expected) in [
        ("", ""),
        ("   ", ""),
        ("faktura ", "Any:faktura"),
        ("faktura", "Any:faktura*"),
        ("faktura zaległa ", "and(Any:faktura Any:zaległa)"),
        ("fakt* zaległa ", "and(Any:fakt* Any:zaległa)"),
        ("a OR b c ", "or(Any:a and(Any:b Any:c))"),
        ("a or b ", "and(Any:a Any:or Any:b)"),
        ("a AND b ", "and(Any:a Any:b)"),
        ("a OR ", "Any:a"),
        ("OR a ", "Any:a"),
        ("(a OR b) c ", "and(or(Any:a Any:b) Any:c)"),
        ("(a OR b", "or(Any:a Any:b*)"),
        ("a) b ", "and(Any:a Any:b)"),
        ("() ", ""),
        ("-a ", "not(Any:a)"),
        ("b -a", "and(Any:b not(Any:a))"),
        ("-(a OR b) c ", "and(not(or(Any:a Any:b)) Any:c)"),
        ("-\"a b\" ", "not(Any:'a b')"),
        ("a - b ", "and(Any:a Any:b)"),
        ("--a ", "Any:a"),
        ("\"Żółta Faktura\" ", "Any:'zolta faktura'"),
        ("„żółta faktura” ", "Any:'zolta faktura'"),
        ("\"faktura\"", "Any:'faktura'"),
        ("\"otwarty cudzy", "Any:'otwarty cudzy'"),
        ("\"\" ", ""),
        ("*** !!! ", ""),
        ("T-204 ", "Any:'t 204'"),
        ("T-204", "Any:'t 204*'"),
        ("https://example.com/x ", "Any:'https example com x'"),
        ("re:faktura 12:30 ", "and(Any:'re faktura' Any:'12 30')"),
        ("customer's ", "Any:customer"),
    ] {
        assert_eq!(tree(query), expected, "{query:?}");
    }
}

#[test]
fn operators() {
    for (query, expected) in [
        ("from:anna", "From:anna*"),
        ("FROM:anna ", "From:anna"),
        ("from:anna@example.com ", "From:'anna example com'"),
        ("from:\"Anna Kowalska\" ", "From:'anna kowalska'"),
        ("to:biuro subject:faktura ", "and(To:biuro Subject:faktura)"),
        ("(from:anna) ", "From:anna"),
        ("-from:anna", "not(From:anna)"),
        ("from: anna ", "Any:anna"),
        ("is: ", ""),
        ("is:open ", "State(Open)"),
        ("is:snoozed ", "State(Snoozed)"),
        ("is:closed ", "State(Closed)"),
        ("is:spam ", "Place(Spam)"),
        ("is:trash ", "Place(Trash)"),
        ("is:filtered ", "Place(Filtered)"),
        ("is:assigned ", "Assigned"),
        ("is:unassigned ", "not(Assigned)"),
        ("is:sent ", "Kind(Outbound)"),
        ("is:comment ", "Kind(Comment)"),
        ("has:attachment ", "Attachment"),
        ("inbox:Sales ", "Inbox([2])"),
        ("assignee:me ", "Assignee([7])"),
        ("assignee:none ", "not(Assigned)"),
        ("assignee:\"Ola Nowak\" ", "Assignee([7])"),
        ("tag:VIP ", "Tag(\"vip\")"),
        ("tag:\"późna  dostawa\" ", "Tag(\"pozna dostawa\")"),
        ("before:2026-03-31 ", "<2026-03-31T00:00:00.000Z"),
        ("after:2026-03 ", ">=2026-03-01T00:00:00.000Z"),
        ("after:2026 ", ">=2026-01-01T00:00:00.000Z"),
        ("after:7d ", ">=2026-03-24T12:00:00.000Z"),
        ("after:2h ", ">=2026-03-31T10:00:00.000Z"),
        ("before:yesterday ", "<2026-03-30T00:00:00.000Z"),
        ("after:today ", ">=2026-03-31T00:00:00.000Z"),
    ] {
        assert_eq!(tree(query), expected, "{query:?}");
    }
}

#[test]
fn dates_begin_at_the_askers_midnight() {
    let warsaw = TimeZone::get("Europe/Warsaw").unwrap();
    let asker = Asker { me: None, now: NOW, zone: &warsaw, names: &House };
    let query = Query::parse("after:2026-03-31 before:2026-01-05 ", &asker).unwrap();
    let root = query.root.as_ref().map(show).unwrap();
    assert_eq!(root, "and(>=2026-03-30T22:00:00.000Z <2026-01-04T23:00:00.000Z)");
}

#[test]
fn mistakes_say_what_and_where() {
    let cases = [
        ("x before:soon ", Problem::BadDate("soon".to_owned()), 2),
        ("before:2026-02-30 ", Problem::BadDate("2026-02-30".to_owned()), 0),
        ("after:99999d99 ", Problem::BadDate("99999d99".to_owned()), 0),
        ("ż is:blue ", Problem::UnknownIs("blue".to_owned()), 3),
        ("has:fun ", Problem::UnknownHas("fun".to_owned()), 0),
        ("inbox:nowhere ", Problem::UnknownInbox("nowhere".to_owned()), 0),
        ("-assignee:nobody ", Problem::UnknownAgent("nobody".to_owned()), 1),
    ];
    for (query, problem, at) in cases {
        assert_eq!(parse(query), Err(ParseError { problem, at }), "{query:?}");
    }
    let program = Asker { me: None, now: NOW, zone: &TimeZone::UTC, names: &House };
    let nobody = Query::parse("assignee:me ", &program).unwrap_err();
    assert_eq!(nobody.problem, Problem::UnknownAgent("me".to_owned()));
    assert_eq!(nobody.problem.code(), "query_unknown_agent");
}
