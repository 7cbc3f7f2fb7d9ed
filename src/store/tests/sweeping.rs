//! Giving room back while everybody reads.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::attachment;
use super::disk::{Disk, Fault, Replay};
use super::power::{new_store, room, settings};
use super::script::Numbers;
use crate::base::{Clock, Timestamp};
use crate::domain::{Attachment, AttachmentId, BlobId, attachment::Source};
use crate::store::hold::Hold;
use crate::store::*;

/// The bytes of the blob of that number.
fn bytes(n: u64) -> Vec<u8> {
    let mut numbers = Numbers(n);
    (0..200 + n % 300).flat_map(|_| numbers.next().to_le_bytes()).collect()
}

/// Stores `count` blobs, each named by an attachment of the same number.
async fn fill(store: &Store, count: u64) -> Result<()> {
    for from in (0..count).step_by(50) {
        let prepared = (from..from + 50).map(|n| Prepared::from_bytes(&bytes(n + 1))).collect();
        let put = |writer: &mut Writer<'_>, new: &[NewBlob]| {
            new.iter().try_for_each(|new| {
                let blob = writer.add_blob(new)?;
                let id = AttachmentId(writer.next_id::<Attachment>()?);
                assert_eq!(id.0, blob.0);
                writer.put(&attachment(id, blob))
            })
        };
        store.write_with::<_, Error, _>(prepared, put).await?;
    }
    Ok(())
}

async fn delete(store: &Store, ids: impl Iterator<Item = u64>) {
    let ids: Vec<u64> = ids.collect();
    for ids in ids.chunks(100) {
        let ids = ids.to_vec();
        let gone =
            move |writer: &mut Writer<'_>| ids.iter().try_for_each(|id| writer.delete::<Attachment>(AttachmentId(*id)));
        store.write::<_, Error, _>(gone).await.unwrap();
    }
    store.sweep_blobs(usize::MAX).await.unwrap();
}

fn ids(rows: &Reader) -> Vec<u64> {
    rows.ids(Table::Attachments, &Key::new(), None, Direction::Forward, usize::MAX).unwrap()
}

/// Whether every blob that `rows` name can be read and is right.
fn read_all(store: &Store, rows: &Reader) {
    for id in ids(rows) {
        let Source::Blob(blob) = rows.get::<Attachment>(AttachmentId(id)).unwrap().source else { continue };
        assert!(store.blob(rows, blob).unwrap().into_bytes().unwrap() == bytes(id), "{id}");
    }
}

fn segments(dir: &Path) -> (usize, u64) {
    let lengths = blobs::Blobs::open(&dir.join("blobs"), false).unwrap().segments().unwrap();
    (lengths.len(), lengths.values().sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn segments_are_rewritten_under_readers_and_writers() {
    let room = room();
    let store = Store::open(room.path(), &settings()).unwrap();
    fill(&store, 800).await.unwrap();
    let (count, length) = segments(room.path());
    assert!(count > 8, "{count}");
    let beside = Store::open_to_read(room.path(), &settings()).unwrap();
    let old_beside = beside.read().unwrap();
    assert_eq!(store.sweep_segments(100).await.unwrap(), Swept::default());
    delete(&store, (1..=800).filter(|id| id % 3 != 0)).await;

    let ended = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (store, ended) = (Arc::clone(&store), Arc::clone(&ended));
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    let rows = store.read().unwrap();
                    std::thread::yield_now();
                    read_all(&store, &rows);
                }
            })
        })
        .collect();
    let deleting = async {
        for id in (3..=300).step_by(3) {
            let gone = move |writer: &mut Writer<'_>| writer.delete::<Attachment>(AttachmentId(id));
            store.write::<_, Error, _>(gone).await.unwrap();
        }
    };
    let sweeping = async {
        let mut freed = 0;
        for _ in 0..count {
            freed += store.sweep_segments(2).await.unwrap().freed;
        }
        freed
    };
    let ((), mut freed) = tokio::join!(deleting, sweeping);
    freed += store.sweep_segments(100).await.unwrap().freed;
    ended.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());

    assert!(freed > length / 2, "{freed} of {length}");
    assert!(segments(room.path()).1 < length / 2);
    // A snapshot from before in another process, which nobody waited for, still finds what lives.
    for id in (303..=800).filter(|id| id % 3 == 0) {
        assert!(beside.blob(&old_beside, BlobId(id)).unwrap().into_bytes().unwrap() == bytes(id));
    }
    assert!(beside.blob(&old_beside, BlobId(1)).is_err());
    drop((old_beside, beside));
    assert!(store.check(true).unwrap().is_clean());
    drop(store);
    let store = Store::open(room.path(), &settings()).unwrap();
    let rows = store.read().unwrap();
    assert_eq!(ids(&rows), (301..=800).filter(|id| id % 3 == 0).collect::<Vec<_>>());
    read_all(&store, &rows);
    assert!(store.check(true).unwrap().is_clean());
}

#[tokio::test]
async fn nothing_is_removed_while_somebody_copies() {
    let room = room();
    let store = Store::open(room.path(), &settings()).unwrap();
    fill(&store, 300).await.unwrap();
    delete(&store, (1..=300).filter(|id| id % 5 != 0)).await;
    let before = segments(room.path());
    let hold = Hold::keep(store.blobs.dir()).unwrap();
    let swept = store.sweep_segments(100).await.unwrap();
    assert!(swept.moved > 0 && swept.freed == 0 && swept.segments == 0, "{swept:?}");
    assert!(segments(room.path()).0 >= before.0);
    drop(hold);
    let swept = store.sweep_segments(100).await.unwrap();
    assert!(swept.freed > 0 && swept.moved == 0, "{swept:?}");
    read_all(&store, &store.read().unwrap());
    assert!(store.check(true).unwrap().is_clean());
}

#[tokio::test]
async fn nothing_is_removed_that_a_snapshot_leads_to() {
    let room = room();
    let store = Store::open(room.path(), &settings()).unwrap();
    fill(&store, 300).await.unwrap();
    let old = store.read().unwrap();
    delete(&store, 1..=290).await;
    assert_eq!(store.sweep_segments(100).await.unwrap().freed, 0);
    read_all(&store, &old);
    assert_eq!(ids(&old).len(), 300);
    drop(old);
    assert!(store.sweep_segments(100).await.unwrap().freed > 0);
    assert_eq!(store.sweep_blobs(1000).await.unwrap(), 290);
    read_all(&store, &store.read().unwrap());
}

#[tokio::test]
async fn a_segment_with_a_damaged_record_is_let_be() {
    let room = room();
    let store = Store::open(room.path(), &settings()).unwrap();
    fill(&store, 300).await.unwrap();
    delete(&store, (1..=300).filter(|id| id % 5 != 0)).await;
    let path = blobs::segment_path(store.blobs.dir(), 1);
    let mut content = std::fs::read(&path).unwrap();
    content.chunks_exact_mut(100).for_each(|piece| piece[50] ^= 1);
    std::fs::write(&path, &content).unwrap();
    let swept = store.sweep_segments(100).await.unwrap();
    assert!(swept.damaged == 1 && swept.segments > 0, "{swept:?}");
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn a_disk_that_fails_during_a_sweep_loses_nothing() {
    const EIO: i32 = 5;
    let room = room();
    let home = tempfile::tempdir_in(room.path()).unwrap();
    let disk = Disk::new(new_store(room.path()).rows, None);
    let store = disk.open(home.path(), &settings()).unwrap();
    fill(&store, 300).await.unwrap();
    delete(&store, (1..=300).filter(|id| id % 5 != 0)).await;
    drop(store);
    let rows = disk.rows();
    for at in 1.. {
        let dir = tempfile::tempdir_in(room.path()).unwrap();
        copy(&home.path().join("blobs"), &dir.path().join("blobs"));
        let disk = Disk::new(rows.clone(), Some(Fault { at, errno: EIO, lasting: at % 2 == 0 }));
        let swept = match disk.open(dir.path(), &settings()) {
            Ok(store) => store.sweep_segments(100).await,
            Err(error) => Err(error),
        };
        // The rows as a power cut leaves them, beside the segments that are really there.
        let mut replay = Replay::rows(rows.clone());
        disk.events().iter().for_each(|event| replay.feed(event));
        let left = Disk::new(replay.cut(&mut Numbers(at)).rows, None);
        let store = left.open(dir.path(), &settings()).unwrap();
        let reader = store.read().unwrap();
        assert_eq!(ids(&reader).len(), 60);
        read_all(&store, &reader);
        assert!(store.check(true).unwrap().is_clean());
        if !disk.has_failed() {
            assert!(at > 10 && swept.unwrap().freed > 0, "{at}");
            return;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn orphans_go_after_a_day_and_what_is_named_stays() {
    let room = room();
    let store = Store::open(room.path(), &settings()).unwrap();
    let large = |n: u8| {
        let mut writer = store.blob_writer();
        writer.write(&vec![n; blobs::SMALL + 1]).unwrap();
        writer.finish().unwrap()
    };
    let keep = |writer: &mut Writer<'_>, new: &[NewBlob]| {
        let blob = writer.add_blob(&new[0])?;
        let id = AttachmentId(writer.next_id::<Attachment>()?);
        writer.put(&attachment(id, blob)).map(|()| id)
    };
    store.write_with::<_, Error, _>(vec![large(1)], keep).await.unwrap();
    let dead = store.write_with::<_, Error, _>(vec![large(2)], keep).await.unwrap();
    // A write that is refused leaves its file.
    let refuse = |_: &mut Writer<'_>, _: &[NewBlob]| Err::<(), _>(Error::Damaged("refused".into()));
    store.write_with::<_, Error, _>(vec![large(3)], refuse).await.unwrap_err();
    store.write::<_, Error, _>(move |writer| writer.delete::<Attachment>(dead)).await.unwrap();
    let files = || {
        let shards = std::fs::read_dir(room.path().join("blobs/files")).unwrap();
        shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    assert_eq!(files(), 3);
    let now = Clock::System.now();
    assert_eq!(store.sweep_orphans(now.plus_seconds(ORPHAN_HOURS * 3600 - 60), 10).await.unwrap(), 0);
    let later: Timestamp = now.plus_seconds(ORPHAN_HOURS * 3600 + 60);
    assert_eq!(store.sweep_orphans(later, 0).await.unwrap(), 0);
    let hold = Hold::keep(store.blobs.dir()).unwrap();
    assert_eq!(store.sweep_orphans(later, 10).await.unwrap(), 0);
    drop(hold);
    assert_eq!(store.sweep_orphans(later, 10).await.unwrap(), 1);
    assert_eq!((files(), store.sweep_blobs(10).await.unwrap(), files()), (2, 1, 1));
    assert!(store.check(true).unwrap().is_clean());
}
