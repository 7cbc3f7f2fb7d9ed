//! The store from outside: what a write promises.

mod disk;
mod faults;
mod migration;
mod power;
mod random;
pub(super) mod script;
mod sweeping;

use std::sync::Arc;

use super::*;
use crate::base::Timestamp;
use crate::domain::{Actor, Attachment, AttachmentId, Inbox, InboxId, What, attachment::Source};

pub(super) fn open() -> (tempfile::TempDir, Arc<Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &Settings::default()).unwrap();
    (dir, store)
}

fn inbox(id: u64, local: &str) -> Inbox {
    Inbox { id: InboxId(id), name: local.into(), local_part: local.into(), from_name: None, created_at: Timestamp(1) }
}

async fn add_inbox(store: &Store, local: &'static str) -> Inbox {
    store
        .write::<_, Error, _>(move |writer| {
            let inbox = inbox(writer.next_id::<Inbox>()?, local);
            writer.put(&inbox)?;
            writer.change(Timestamp(2), Actor::System, What::Inbox(inbox.id))?;
            Ok(inbox)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let (dir, store) = open();
    let first = add_inbox(&store, "hello").await;
    let change = *store.committed().borrow();
    assert_eq!(change, 1);
    store.close();
    drop(store);
    let store = Store::open(dir.path(), &Settings::default()).unwrap();
    let rows = store.read().unwrap();
    assert_eq!(rows.get::<Inbox>(first.id).unwrap().name, "hello");
    assert_eq!(rows.unique(Table::InboxByLocalPart, &Key::new().text("hello")).unwrap(), Some(first.id.0));
    assert_eq!(rows.changes_after(0, 9).unwrap().len(), 1);
    assert!(store.check(true).unwrap().is_clean());
}

#[tokio::test]
async fn index_keys_follow_the_entity() {
    let (_dir, store) = open();
    let mut first = add_inbox(&store, "hello").await;
    first.local_part = "bye".into();
    let moved = first.clone();
    store.write::<_, Error, _>(move |writer| writer.put(&moved)).await.unwrap();
    let rows = store.read().unwrap();
    assert_eq!(rows.unique(Table::InboxByLocalPart, &Key::new().text("hello")).unwrap(), None);
    assert_eq!(rows.unique(Table::InboxByLocalPart, &Key::new().text("bye")).unwrap(), Some(first.id.0));
    store.write::<_, Error, _>(move |writer| writer.delete::<Inbox>(first.id)).await.unwrap();
    assert_eq!(store.read().unwrap().unique(Table::InboxByLocalPart, &Key::new().text("bye")).unwrap(), None);
    assert!(store.check(true).unwrap().is_clean());
}

#[tokio::test]
async fn a_refusal_leaves_no_trace_and_spares_the_others() {
    let (_dir, store) = open();
    let mut waiting = Vec::new();
    for n in 0..60_u64 {
        let store = Arc::clone(&store);
        waiting.push(async move {
            store
                .write::<u64, Error, _>(move |writer| {
                    let id = writer.next_id::<Inbox>()?;
                    writer.put(&inbox(id, &format!("box{n}")))?;
                    if n % 7 == 0 { Err(Error::Damaged("refused".into())) } else { Ok(id) }
                })
                .await
        });
    }
    let results = futures_util::future::join_all(waiting).await;
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(done, 51);
    let rows = store.read().unwrap();
    assert_eq!(rows.all::<Inbox>().unwrap().len(), 51);
    assert_eq!(rows.unique(Table::InboxByLocalPart, &Key::new().text("box7")).unwrap(), None);
    assert!(store.check(true).unwrap().is_clean());
}

#[tokio::test]
async fn blobs_small_and_large_come_back_and_die_with_their_row() {
    let (_dir, store) = open();
    let small = b"few words ".repeat(100);
    let large = vec![7_u8; blobs::SMALL * 3];
    let mut writer = store.blob_writer();
    large.chunks(10_000).try_for_each(|piece| writer.write(piece)).unwrap();
    let prepared = vec![Prepared::from_bytes(&small), writer.finish().unwrap()];
    let blobs = store
        .write_with::<_, Error, _>(prepared, |writer, new| {
            let mut ids = Vec::new();
            for blob in new {
                let blob = writer.add_blob(blob)?;
                let id = AttachmentId(writer.next_id::<Attachment>()?);
                writer.put(&attachment(id, blob))?;
                ids.push((id, blob));
            }
            Ok(ids)
        })
        .await
        .unwrap();
    let rows = store.read().unwrap();
    let read = |n: usize| store.blob(&rows, blobs[n].1).unwrap().into_bytes().unwrap();
    assert!(read(0) == small && read(1) == large);
    assert!(store.check(true).unwrap().is_clean());
    drop(rows);
    let gone: Vec<_> = blobs.iter().map(|(id, _)| *id).collect();
    store
        .write::<_, Error, _>(move |writer| gone.iter().try_for_each(|id| writer.delete::<Attachment>(*id)))
        .await
        .unwrap();
    assert!(store.blob(&store.read().unwrap(), blobs[1].1).is_err());
    assert_eq!(store.sweep_blobs(10).await.unwrap(), 2);
    assert_eq!(std::fs::read_dir(store.dir().join("blobs/tmp")).unwrap().count(), 0);
    assert!(store.check(true).unwrap().is_clean());
}

pub(super) fn attachment(id: AttachmentId, blob: crate::domain::BlobId) -> Attachment {
    Attachment {
        id,
        message: None,
        uploader: None,
        name: "a".into(),
        media_type: "text/plain".into(),
        size: 1,
        content_id: None,
        inline: false,
        source: Source::Blob(blob),
        created_at: Timestamp(0),
    }
}

#[tokio::test]
async fn one_process_serves_and_others_read() {
    let (dir, store) = open();
    add_inbox(&store, "hello").await;
    match Store::open(dir.path(), &Settings::default()) {
        Err(Error::InUse(pid)) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let (dir, store) = open();
    let newer = Key::id(migrate::LAYOUT + 1);
    store.write::<_, Error, _>(move |writer| writer.insert(Table::Meta, b"layout", newer.as_bytes())).await.unwrap();
    drop(store);
    assert!(matches!(Store::open(dir.path(), &Settings::default()), Err(Error::Newer { .. })));
}

#[tokio::test]
async fn a_check_sees_a_flipped_bit_in_a_large_blob() {
    let (dir, store) = open();
    let mut writer = store.blob_writer();
    writer.write(&vec![7; blobs::SMALL * 2]).unwrap();
    let prepared = vec![writer.finish().unwrap()];
    let put = |writer: &mut Writer<'_>, new: &[NewBlob]| {
        let blob = writer.add_blob(&new[0])?;
        let id = AttachmentId(writer.next_id::<Attachment>()?);
        writer.put(&attachment(id, blob))
    };
    store.write_with::<_, Error, _>(prepared, put).await.unwrap();
    assert!(store.check(true).unwrap().is_clean());
    let shard = std::fs::read_dir(dir.path().join("blobs/files")).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::read_dir(shard).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[12_345] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(store.check(true).unwrap().fault_count, 1);
    assert!(store.check(false).unwrap().is_clean());
}

#[tokio::test]
async fn what_a_power_cut_leaves_of_a_new_store_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("frontdesk.redb.new"), [0; 4096]).unwrap();
    let store = Store::open(dir.path(), &Settings::default()).unwrap();
    add_inbox(&store, "hello").await;
    let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["blobs", "frontdesk.redb", "lock"]);
}

/// Spoils a store, and gives what opening it again says.
async fn reopened(spoil: impl FnOnce(&mut Writer<'_>) -> Result<()> + Clone + Send + 'static) -> Result<Arc<Store>> {
    let (dir, store) = open();
    add_inbox(&store, "hello").await;
    let prepared = vec![Prepared::from_bytes(&[7; 5000])];
    let put = |writer: &mut Writer<'_>, new: &[NewBlob]| {
        let blob = writer.add_blob(&new[0])?;
        let id = AttachmentId(writer.next_id::<Attachment>()?);
        writer.put(&attachment(id, blob))
    };
    store.write_with::<_, Error, _>(prepared, put).await.unwrap();
    store.write::<_, Error, _>(move |writer| spoil.clone()(writer)).await.unwrap();
    drop(store);
    Store::open(dir.path(), &Settings::default())
}

#[tokio::test]
async fn what_contradicts_itself_is_not_opened() {
    assert!(reopened(|_| Ok(())).await.is_ok());
    let counter: fn(&mut Writer<'_>) -> Result<()> =
        |writer| writer.remove(Table::Meta, Table::Inboxes.name().as_bytes());
    let log: fn(&mut Writer<'_>) -> Result<()> = |writer| writer.remove(Table::Meta, b"change");
    let blob: fn(&mut Writer<'_>) -> Result<()> = |writer| {
        let elsewhere = blobs::Location::Segment(1, 1 << 30, 5);
        let stored = blobs::Stored { location: elsewhere, size: 5, refs: 1 };
        writer.insert(Table::Blobs, Key::id(1).as_bytes(), &rmp_serde::to_vec_named(&stored).unwrap())
    };
    for spoil in [counter, log, blob] {
        assert!(matches!(reopened(spoil).await, Err(Error::Damaged(_))));
    }
    // A log that was trimmed to its end is none.
    assert!(reopened(|writer| writer.remove(Table::Changes, Key::id(1).as_bytes())).await.is_ok());
}
