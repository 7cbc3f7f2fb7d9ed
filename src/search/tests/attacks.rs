//! Queries meant to hurt: each is answered or refused at once.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

/// The shortest of three runs: the machine may be busy with something else.
fn quickest(run: impl Fn()) -> Duration {
    let timed = || {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    timed().min(timed()).min(timed())
}

#[test]
fn hostile_queries_are_answered_or_refused_at_once() {
    let trial = Trial::with(&["aaa aab aac zażółć", "order 20418", "* + ?"]);
    let queries = [
        "(".repeat(20_000),
        "(".repeat(1000),
        format!("{}a{}", "(".repeat(400), ")".repeat(400)),
        "-(".repeat(500),
        "x".repeat(10_000_000),
        "a ".repeat(500),
        "a-".repeat(500),
        "a OR ".repeat(200),
        "a* b* c* ".to_owned(),
        "*".to_owned(),
        "*^2".to_owned(),
        "a*".to_owned(),
        "/((a+)+)+$/".to_owned(),
        "reklamacja~2".to_owned(),
        "a[b TO c]".to_owned(),
        "[* TO *]".to_owned(),
        "before:99999 after:-1 ".to_owned(),
        "after:0000 before:9999".to_owned(),
        "after:99999y".to_owned(),
        "\"".repeat(1000),
        "from:".repeat(200),
        "\u{301}".repeat(500),
        "\u{0}\u{1}\u{202e}".to_owned(),
        "ﷺ".repeat(330),
        "𝔞".repeat(250),
        "字".repeat(333),
        "IN(a b) {\"match\": {}}".to_owned(),
    ];
    for query in queries {
        let parsed = quickest(|| drop(parse(&query)));
        assert!(parsed < Duration::from_millis(50), "{:.40}: {parsed:?}", query);
        if let Ok(query) = parse(&query) {
            let request = Request { query: &query, scope: &Scope::default(), limit: 50, cursor: None };
            let found = quickest(|| drop(trial.index.search(&request, &|_| Some("aaa aab".to_owned())).unwrap()));
            assert!(found < Duration::from_secs(1), "{query:?}: {found:?}");
        }
    }
}

#[test]
fn bounds_have_their_own_errors() {
    assert_eq!(parse(&"x".repeat(1001)), Err(ParseError { problem: Problem::TooLong, at: 1000 }));
    assert!(parse(&"x".repeat(1000)).is_ok());
    assert_eq!(parse(&"a ".repeat(51)), Err(ParseError { problem: Problem::TooManyWords, at: 100 }));
    assert!(parse(&"a ".repeat(50)).is_ok());
    assert_eq!(parse(&"(".repeat(11)), Err(ParseError { problem: Problem::TooDeep, at: 10 }));
    assert!(parse(&"(".repeat(10)).is_ok());
}

#[test]
fn a_search_past_its_time_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { time_limit: Duration::ZERO, ..Settings::default() };
    let (index, _) = Index::open(&dir.path().join("search"), settings).unwrap();
    let mut batch = index.batch().unwrap();
    batch.add(&message(1, "anything")).unwrap();
    batch.commit(1).unwrap();
    let query = parse("anything").unwrap();
    let request = Request { query: &query, scope: &Scope::default(), limit: 1, cursor: None };
    assert!(matches!(index.search(&request, &|_| None), Err(Error::TooSlow)));
    assert!(matches!(index.count(&query, &Scope::default(), 9), Err(Error::TooSlow)));
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,60}|[-()\"*: a-cOR]{0,60}|(is|from|tag|before):[-a-z0-9\"(]{0,20}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.at <= text.len());
        }
    }
}
