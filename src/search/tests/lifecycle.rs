//! Opening, writing, replacing, deleting, giving up, reopening.

use std::path::Path;

use super::*;

fn open(dir: &Path) -> (Index, OpenState) {
    Index::open(dir, Settings { verify: true, ..Settings::default() }).unwrap()
}

#[test]
fn an_index_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Index>();
}

#[test]
fn a_reopened_index_knows_its_change() {
    let trial = Trial::with(&["hello"]);
    let dir = trial.dir.path().join("search");
    let mut batch = trial.index.batch().unwrap();
    batch.put_message(&message(2, "hello again")).unwrap();
    batch.commit(99).unwrap();
    assert_eq!(trial.index.change(), 99);
    drop(trial.index);
    let (index, state) = open(&dir);
    assert_eq!((state, index.change(), index.message_count()), (OpenState::UpTo(99), 99, 2));
}

#[test]
fn an_index_that_was_never_complete_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search");
    let (index, _) = open(&path);
    let mut batch = index.batch().unwrap();
    batch.add(&message(1, "hello")).unwrap();
    batch.commit(0).unwrap();
    assert_eq!(index.message_count(), 1);
    drop(index);
    let (index, state) = open(&path);
    assert!(matches!(state, OpenState::Rebuilt(_)));
    assert_eq!(index.message_count(), 0);
    assert!(!dir.path().join("search.old").exists());
}

#[test]
fn a_second_writer_is_refused_and_harms_nothing() {
    let trial = Trial::with(&["hello"]);
    let dir = trial.dir.path().join("search");
    assert!(matches!(Index::open(&dir, Settings::default()), Err(Error::InUse)));
    assert_eq!(trial.find("hello "), [1]);
}

#[test]
fn a_message_that_panics_is_left_out_and_nothing_else() {
    let trial = Trial::with(&["before"]);
    let mut batch = trial.index.batch().unwrap();
    batch.put_message(&Document { subject: PANICS.to_owned(), ..message(2, "hello") }).unwrap();
    batch.put_conversation(1003, [Ok(message(3, "hello behind"))]).unwrap();
    batch.commit(7).unwrap();
    assert_eq!(trial.index.change(), 7);
    assert_eq!(trial.find("hello"), [3]);
}

#[test]
fn documents_are_replaced_and_deleted() {
    let trial = Trial::new([]);
    let in_thread = |id, body: &str, state| Ok(Document { conversation_id: 5, state, ..message(id, body) });
    let mut batch = trial.index.batch().unwrap();
    batch.put_conversation(5, [in_thread(1, "one", State::Open), in_thread(2, "two", State::Open)]).unwrap();
    batch.put_message(&message(3, "three")).unwrap();
    batch.commit(2).unwrap();
    assert_eq!(trial.find("is:open "), [2, 3]);

    let mut batch = trial.index.batch().unwrap();
    batch.put_conversation(5, [in_thread(1, "one", State::Closed), in_thread(2, "zwei", State::Closed)]).unwrap();
    batch.put_conversation(5, [in_thread(1, "one", State::Closed), in_thread(2, "deux", State::Closed)]).unwrap();
    batch.commit(3).unwrap();
    assert_eq!((trial.find("is:open "), trial.find("is:closed ")), (vec![3], vec![2]));
    assert_eq!((trial.find("two "), trial.find("zwei "), trial.find("deux ")), (vec![], vec![], vec![2]));
    assert_eq!(trial.index.message_count(), 3);

    let mut batch = trial.index.batch().unwrap();
    batch.delete_conversation(5).unwrap();
    batch.delete_message(3).unwrap();
    batch.commit(4).unwrap();
    assert_eq!(trial.find("-nothing "), [0_u64; 0]);
    assert_eq!(trial.index.message_count(), 0);
}

#[test]
fn a_batch_that_is_dropped_leaves_no_trace() {
    let trial = Trial::with(&["hello"]);
    let mut batch = trial.index.batch().unwrap();
    batch.clear().unwrap();
    batch.put_message(&message(2, "hello")).unwrap();
    drop(batch);
    let mut batch = trial.index.batch().unwrap();
    batch.put_message(&message(3, "hello")).unwrap();
    batch.commit(2).unwrap();
    assert_eq!(trial.find("hello "), [1, 3]);
}

#[test]
fn purged_words_are_gone_from_the_disk() {
    let trial = Trial::with(&["hello", "pseudonymous"]);
    let dir = trial.dir.path().join("search");
    let segments = || -> Vec<String> {
        let names = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".term")).collect()
    };
    let knows = |word: &str| {
        let searcher = trial.index.searcher();
        let text = trial.index.fields.text;
        searcher
            .segment_readers()
            .iter()
            .any(|reader| reader.inverted_index(text).unwrap().terms().get(word).unwrap().is_some())
    };
    let before = segments();
    let mut batch = trial.index.batch().unwrap();
    batch.delete_message(2).unwrap();
    batch.commit(2).unwrap();
    assert!(knows("pseudonymous"));
    trial.index.purge_deleted().unwrap();
    assert!(knows("hello") && !knows("pseudonymous"));
    assert!(segments().iter().all(|segment| !before.contains(segment)));
    assert_eq!((trial.find("hello "), trial.index.change()), (vec![1], 2));
    drop(trial.index);
    assert_eq!(open(&dir).1, OpenState::UpTo(2));
}

#[test]
fn a_huge_body_is_bounded_and_found_by_its_beginning() {
    let body = format!("first {} last", "x".repeat(3_000_000));
    let words = format!("first {}last", "word ".repeat(200_000));
    let trial = Trial::with(&[&body, &words]);
    assert_eq!(trial.find("first "), [1, 2]);
    assert_eq!(trial.find("last "), [0_u64; 0]);
}
