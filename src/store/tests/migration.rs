//! From one layout to the next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::script::{Model, Numbers, run};
use crate::base::Timestamp;
use crate::domain::Inbox;
use crate::store::migrate::{self, Step};
use crate::store::open::Parts;
use crate::store::{Error, Result, Rows, Settings, Store, Table, Writer, restore};

fn open(dir: &Path, steps: &'static [Step], settings: &Settings) -> Result<Arc<Store>> {
    Store::open_with(dir, settings, Parts { steps, ..Parts::default() })
}

fn at(millis: i64) -> Settings {
    Settings { now: Timestamp(1_795_377_600_000 + millis), ..Settings::default() }
}

fn shout(writer: &mut Writer<'_>) -> Result<()> {
    for mut inbox in writer.all::<Inbox>()? {
        inbox.name.make_ascii_uppercase();
        writer.put(&inbox)?;
    }
    Ok(())
}

fn note(writer: &mut Writer<'_>) -> Result<()> {
    let shouted = writer.all::<Inbox>()?.iter().all(|inbox| inbox.name.starts_with("BOX"));
    writer.set("noted", &shouted)
}

fn fail(writer: &mut Writer<'_>) -> Result<()> {
    shout(writer)?;
    writer.set("noted", &true)?;
    Err(Error::Damaged("a step that does not work".into()))
}

async fn first_layout() -> (tempfile::TempDir, Model) {
    let (dir, store) = super::open();
    let mut model = Model::default();
    run(&store, &mut Numbers(3), &mut model, 40).await;
    store.close();
    (dir, model)
}

fn backups(dir: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(dir.join("backups")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn layout(store: &Store) -> u64 {
    migrate::layout(&store.read().unwrap()).unwrap()
}

fn names(store: &Store) -> Vec<String> {
    store.read().unwrap().all::<Inbox>().unwrap().into_iter().map(|inbox| inbox.name).collect()
}

#[tokio::test]
async fn the_missing_steps_run_in_order_behind_a_backup() {
    let (dir, model) = first_layout().await;
    drop(open(dir.path(), &[shout], &at(0)).unwrap());
    let store = open(dir.path(), &[shout, note], &at(61_000)).unwrap();
    assert_eq!(layout(&store), 3);
    assert_eq!(store.read().unwrap().setting::<bool>("noted").unwrap(), Some(true));
    assert!(!names(&store).is_empty() && names(&store).iter().all(|name| name.starts_with("BOX")));
    assert!(store.check(true).unwrap().is_clean());
    drop(store);
    // Nothing is left to do, so nothing is backed up.
    drop(open(dir.path(), &[shout, note], &at(99_000)).unwrap());
    let found = backups(dir.path());
    let expected = ["before-layout-2-20261122T200000000Z", "before-layout-3-20261122T200101000Z"];
    assert_eq!(found.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect::<Vec<_>>(), expected);
    // What was before can be had again, by the program that made it.
    let before = dir.path().join("before");
    restore(&found[0], &before).unwrap();
    model.compare(&Store::open(&before, &Settings::default()).unwrap());
    assert!(matches!(restore(&found[1], &dir.path().join("after")), Err(Error::Newer { found: 2, known: 1 })));
    // And that program leaves the newer store alone.
    assert!(matches!(Store::open(dir.path(), &Settings::default()), Err(Error::Newer { found: 3, known: 1 })));
    assert!(matches!(Store::open_to_read(dir.path(), &Settings::default()), Err(Error::Newer { found: 3, .. })));
}

#[tokio::test]
async fn several_steps_at_once_are_one_transaction() {
    let (dir, _) = first_layout().await;
    let store = open(dir.path(), &[shout, note], &at(0)).unwrap();
    assert_eq!((layout(&store), store.read().unwrap().setting("noted").unwrap()), (3, Some(true)));
    assert_eq!(backups(dir.path()).len(), 1);
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_old_layout_and_one_backup_however_often() {
    let (dir, model) = first_layout().await;
    for round in 0..3 {
        assert!(matches!(open(dir.path(), &[shout, fail], &at(round)), Err(Error::Damaged(_))));
    }
    assert_eq!(backups(dir.path()).len(), 1);
    let store = open(dir.path(), &[], &at(0)).unwrap();
    model.compare(&store);
    assert_eq!((layout(&store), store.read().unwrap().setting::<bool>("noted").unwrap()), (1, None));
    // When something was written between, the next try makes a backup of its own.
    store.write::<_, Error, _>(|writer| writer.set("between", &1)).await.unwrap();
    drop(store);
    assert!(open(dir.path(), &[shout, fail], &at(9)).is_err());
    assert_eq!(backups(dir.path()).len(), 2);
}

#[tokio::test]
async fn without_a_backup_no_step_runs() {
    let (dir, model) = first_layout().await;
    let full = Settings { min_free_bytes: u64::MAX, min_free_percent: 101, ..at(0) };
    assert!(matches!(open(dir.path(), &[shout], &full), Err(Error::Full)));
    assert_eq!(backups(dir.path()), Vec::<PathBuf>::new());
    std::fs::remove_dir(dir.path().join("backups")).unwrap();
    std::fs::write(dir.path().join("backups"), b"in the way").unwrap();
    assert!(open(dir.path(), &[shout], &at(0)).is_err());
    model.compare(&open(dir.path(), &[], &at(0)).unwrap());
}

#[tokio::test]
async fn an_empty_store_begins_with_the_last_layout() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &[shout, fail], &at(0)).unwrap();
    assert_eq!((layout(&store), backups(dir.path()).len()), (3, 0));
    assert_eq!(store.read().unwrap().table_sizes().unwrap().keys().collect::<Vec<_>>(), [Table::Meta.name()]);
}
