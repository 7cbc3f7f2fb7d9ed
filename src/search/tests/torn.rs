//! A directory torn in any way opens: as it was, or empty and saying so. Never a crash.

use std::fs;
use std::path::Path;

use super::*;

type Harm = fn(&Path);

const HARMS: [(&str, Harm); 6] = [
    ("emptied", |file| fs::write(file, b"").unwrap()),
    ("halved", |file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("zeroed", |file| {
        let length = fs::read(file).unwrap().len();
        fs::write(file, vec![0; length]).unwrap();
    }),
    ("scrambled", |file| {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes.iter_mut().skip(middle).take(8).for_each(|byte| *byte ^= 0x5a);
        fs::write(file, bytes).unwrap();
    }),
    ("replaced", |file| fs::write(file, b"{\"hello\": [1, 2]}").unwrap()),
    ("removed", |file| fs::remove_file(file).unwrap()),
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn whatever_is_torn_the_index_opens() {
    let trial = Trial::with(&["hello world", "hello again", "zażółć gęślą jaźń", "a", "b"]);
    let mut batch = trial.index.batch().unwrap();
    batch.delete_message(2).unwrap();
    batch.put_message(&message(9, "hello moon")).unwrap();
    batch.commit(5).unwrap();
    drop(trial.index);
    let whole = trial.dir.path().join("search");
    let torn = trial.dir.path().join("torn").join("search");
    let names = fs::read_dir(&whole).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.filter(|name| !name.to_string_lossy().ends_with(".lock")).collect();
    assert!(names.len() > 8);
    let (mut rebuilt, mut kept) = (0, 0);
    for (how, harm) in HARMS {
        for name in &names {
            copy(&whole, &torn);
            harm(&torn.join(name));
            let (index, state) = Index::open(&torn, Settings { verify: true, ..Settings::default() })
                .unwrap_or_else(|error| panic!("{name:?} {how}: {error}"));
            let query = parse("hello ").unwrap();
            let found = index.count(&query, &Scope::default(), 10).unwrap().conversations;
            match state {
                OpenState::UpTo(change) => {
                    kept += 1;
                    assert_eq!((change, found), (5, 2), "{name:?} {how}");
                }
                OpenState::Rebuilt(_) => {
                    rebuilt += 1;
                    assert_eq!((index.change(), found), (0, 0), "{name:?} {how}");
                    let mut batch = index.batch().unwrap();
                    batch.put_message(&message(1, "hello")).unwrap();
                    batch.commit(7).unwrap();
                    assert_eq!(index.count(&query, &Scope::default(), 10).unwrap().conversations, 1);
                }
                OpenState::Fresh => panic!("{name:?} {how}: taken for a new one"),
            }
            drop(index);
            fs::remove_dir_all(trial.dir.path().join("torn")).unwrap();
        }
    }
    assert!(rebuilt > 20, "{rebuilt} rebuilt, {kept} kept");
}

#[test]
fn a_directory_of_something_else_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search");
    fs::create_dir_all(path.join("folder")).unwrap();
    fs::write(path.join("meta.json"), "{}").unwrap();
    let (index, state) = Index::open(&path, Settings::default()).unwrap();
    assert!(matches!(state, OpenState::Rebuilt(_)));
    drop(index);
    assert!(!path.join("folder").exists());
}

#[test]
fn an_index_of_another_version_is_replaced() {
    let trial = Trial::with(&["hello"]);
    let path = trial.dir.path().join("search");
    drop(trial.index);
    let meta = fs::read_to_string(path.join("meta.json")).unwrap();
    fs::write(path.join("meta.json"), meta.replace("frontdesk 1 ", "frontdesk 999 ")).unwrap();
    let (_, state) = Index::open(&path, Settings::default()).unwrap();
    assert_eq!(state, OpenState::Rebuilt("it is of another version".to_owned()));
}
