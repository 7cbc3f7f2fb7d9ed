//! Backups: what goes in comes out, and nothing else goes in.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::store::migrate::LAYOUT;
use crate::store::tests::open;
use crate::store::tests::script::{Model, Numbers, run};
use crate::store::{Settings, Store};

const NOW: Timestamp = Timestamp(1_795_377_600_000);

/// A store with a little of everything, and what must be in it.
async fn filled(count: usize) -> (tempfile::TempDir, Arc<Store>, Model) {
    let (dir, store) = open();
    fs::write(dir.path().join(SECRET), b"sealed with this").unwrap();
    let (mut numbers, mut model) = (Numbers(count as u64), Model::default());
    run(&store, &mut numbers, &mut model, count).await;
    (dir, store, model)
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let (dir, store, mut model) = filled(120).await;
    let to = dir.path().join("all.fdbackup");
    let report = store.backup(&to, NOW, true).unwrap();
    assert_eq!((report.change, report.secrets), (model.change, true));
    assert_eq!(report.size, fs::metadata(&to).unwrap().len());
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let taken = model.clone();
    // What comes later is not in it.
    run(&store, &mut Numbers(5), &mut model, 20).await;
    let target = dir.path().join("new/data");
    let restored = restore(&to, &target).unwrap();
    assert_eq!((restored.created_at, restored.change, restored.rows), (NOW, report.change, report.rows));
    assert_eq!(fs::read(target.join(SECRET)).unwrap(), b"sealed with this");
    assert!(!target.join("restoring").exists());
    let again = Store::open(&target, &Settings::default()).unwrap();
    taken.compare(&again);
    // And it can be written to.
    let mut taken = taken;
    run(&again, &mut Numbers(6), &mut taken, 30).await;
    taken.compare(&again);
    model.compare(&store);
}

#[tokio::test]
async fn secrets_may_stay_behind_and_names_are_not_taken_twice() {
    let (dir, store, _) = filled(10).await;
    let to = dir.path().join("plain.fdbackup");
    assert!(!store.backup(&to, NOW, false).unwrap().secrets);
    let before = fs::read(&to).unwrap();
    assert!(matches!(store.backup(&to, NOW, true), Err(Error::Archive(_))));
    assert_eq!(fs::read(&to).unwrap(), before);
    let target = dir.path().join("restored");
    restore(&to, &target).unwrap();
    assert!(!target.join(SECRET).exists());
    // A full directory is left alone.
    assert!(matches!(restore(&to, &target), Err(Error::Archive(_))));
    assert!(target.join("frontdesk.redb").exists());
}

#[tokio::test]
async fn a_reader_beside_the_server_makes_the_same_backup() {
    let (dir, store, model) = filled(40).await;
    let beside = Store::open_to_read(dir.path(), &Settings::default()).unwrap();
    let to = dir.path().join("beside.fdbackup");
    beside.backup(&to, NOW, true).unwrap();
    restore(&to, &dir.path().join("restored")).unwrap();
    model.compare(&Store::open(&dir.path().join("restored"), &Settings::default()).unwrap());
    drop(store);
}

#[tokio::test]
async fn backups_are_right_while_the_store_is_written() {
    let (dir, store, mut model) = filled(40).await;
    let (at, mut made) = (dir.path().join("backups"), Vec::new());
    fs::create_dir(&at).unwrap();
    let writing = Arc::clone(&store);
    let busy = async {
        let mut models = vec![model.clone()];
        for round in 0..40 {
            run(&writing, &mut Numbers(round), &mut model, 5).await;
            models.push(model.clone());
            writing.sweep_blobs(50).await.unwrap();
        }
        models
    };
    let (backing, folder) = (Arc::clone(&store), at.clone());
    let copies = tokio::task::spawn_blocking(move || {
        for n in 0..6 {
            made.push(backing.backup(&folder.join(format!("{n}.fdbackup")), NOW, true).unwrap());
        }
        made
    });
    let (models, copies) = tokio::join!(busy, copies);
    for copy in copies.unwrap() {
        let target = copy.path.with_extension("restored");
        restore(&copy.path, &target).unwrap();
        // A batch may have been half through: then there is no model of that very moment, but it was checked.
        if let Some(model) = models.iter().find(|model| model.change == copy.change) {
            model.compare(&Store::open(&target, &Settings::default()).unwrap());
        }
    }
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_leaves_nothing() {
    let (dir, store, _) = filled(40).await;
    let folder = dir.path().join("out");
    fs::create_dir(&folder).unwrap();
    let segment = dir.path().join("blobs/segment-000001");
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(store.backup(&folder.join("a"), NOW, true), Err(Error::Damaged(_))));
    fs::write(&segment, &whole).unwrap();
    let full = Settings { min_free_bytes: u64::MAX, min_free_percent: 101, ..Settings::default() };
    let beside = Store::open_to_read(dir.path(), &full).unwrap();
    assert!(matches!(beside.backup(&folder.join("a"), NOW, true), Err(Error::Full)));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// A member of a tar archive as somebody else might make it.
#[derive(Clone)]
struct Member {
    name: Vec<u8>,
    kind: tar::EntryType,
    link: Option<&'static str>,
    size: u64,
    bytes: Vec<u8>,
}

fn member(name: &str, bytes: &[u8]) -> Member {
    Member {
        name: name.into(),
        kind: tar::EntryType::Regular,
        link: None,
        size: bytes.len() as u64,
        bytes: bytes.into(),
    }
}

fn pack(members: &[Member], to: &Path) {
    let mut packer = zstd::stream::write::Encoder::new(fs::File::create(to).unwrap(), 1).unwrap();
    for member in members {
        let mut header = tar::Header::new_ustar();
        let split = if member.name.len() > 100 { "blobs/files/".len() } else { 0 };
        let (prefix, name) = member.name.split_at(split);
        let fields = header.as_ustar_mut().unwrap();
        fields.prefix[..split.saturating_sub(1)].copy_from_slice(&prefix[..split.saturating_sub(1)]);
        fields.name[..name.len()].copy_from_slice(name);
        header.set_entry_type(member.kind);
        if let Some(link) = member.link {
            header.set_link_name(link).unwrap();
        }
        header.set_size(member.size);
        header.set_cksum();
        packer.write_all(header.as_bytes()).unwrap();
        packer.write_all(&member.bytes).unwrap();
        packer.write_all(&vec![0; member.bytes.len().next_multiple_of(512) - member.bytes.len()]).unwrap();
    }
    packer.write_all(&[0; 1024]).unwrap();
    packer.finish().unwrap();
}

fn unpack(from: &Path) -> Vec<Member> {
    let mut archive = tar::Archive::new(zstd::stream::read::Decoder::new(fs::File::open(from).unwrap()).unwrap());
    let mut members = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.push(member(entry.path().unwrap().to_str().unwrap(), &bytes));
    }
    members
}

/// Changes the manifest of an archive.
fn declare(members: &mut [Member], change: impl FnOnce(&mut Manifest)) {
    let mut manifest: Manifest = serde_json::from_slice(&members[0].bytes).unwrap();
    change(&mut manifest);
    members[0] = member(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
}

fn entry(name: &str, bytes: &[u8]) -> Entry {
    Entry { name: name.into(), size: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
}

/// Everything below a directory.
fn listing(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(listing(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

type Spoil = fn(&mut Vec<Member>);

fn add(members: &mut Vec<Member>, added: Member) {
    declare(members, |manifest| manifest.files.push(entry(std::str::from_utf8(&added.name).unwrap(), &added.bytes)));
    members.push(added);
}

const SPOILED: &[(&str, Spoil)] = &[
    ("a name that climbs", |all| add(all, member("../outside", b"x"))),
    ("a name that climbs within", |all| add(all, member("blobs/files/../../../outside", b"x"))),
    ("a segment that climbs", |all| add(all, member("blobs/segment-../../outside", b"x"))),
    ("a signed number", |all| add(all, member("blobs/segment-+00009", b"x"))),
    ("an absolute name", |all| add(all, member("/tmp/outside", b"x"))),
    ("a name with a backslash", |all| add(all, member("blobs\\segment-000009", b"x"))),
    ("another file of ours", |all| add(all, member("lock", b"x"))),
    ("the rows as a file", |all| add(all, member("frontdesk.redb", b"x"))),
    ("a name twice in both", |all| {
        let again = all.last().unwrap().clone();
        add(all, again);
    }),
    ("a member twice", |all| all.push(all.last().unwrap().clone())),
    ("a member that is not declared", |all| all.push(member("blobs/segment-000009", b"x"))),
    ("a member before the manifest", |all| all.insert(0, member("blobs/segment-000009", b"x"))),
    ("a member that is missing", |all| drop(all.pop())),
    ("two members in another order", |all| all.swap(1, 2)),
    ("a symbolic link", |all| {
        let mut link = member("secret.key", b"");
        (link.kind, link.link) = (tar::EntryType::Symlink, Some("/etc/passwd"));
        let last = all.len() - 1;
        declare(all, |manifest| manifest.files[last - 1] = entry("secret.key", b""));
        all[last] = link;
    }),
    ("a hard link", |all| {
        let mut link = member("secret.key", b"");
        (link.kind, link.link) = (tar::EntryType::Link, Some("../outside"));
        let last = all.len() - 1;
        declare(all, |manifest| manifest.files[last - 1] = entry("secret.key", b""));
        all[last] = link;
    }),
    ("a link through which a file goes", |all| {
        let mut link = member("blobs", b"");
        (link.kind, link.link) = (tar::EntryType::Symlink, Some("/tmp"));
        all.insert(1, link);
    }),
    ("a long name record", |all| {
        let mut long = member("././@LongLink", b"../outside\0");
        long.kind = tar::EntryType::GNULongName;
        all.insert(1, long);
    }),
    ("an extension record with a size", |all| {
        let mut extension = member("pax", b"18 size=999999999\n");
        extension.kind = tar::EntryType::XHeader;
        all.insert(1, extension);
    }),
    ("a directory", |all| {
        let mut folder = member("blobs", b"");
        folder.kind = tar::EntryType::Directory;
        all.insert(1, folder);
    }),
    ("a size in the manifest that is not the member's", |all| {
        declare(all, |manifest| manifest.files[0].size += 1);
    }),
    ("bytes that are not those of the hash", |all| {
        let last = all.last_mut().unwrap();
        last.bytes[0] ^= 1;
    }),
    ("a header that says more than comes", |all| all.last_mut().unwrap().size += 5000),
    ("a huge size in both", |all| {
        declare(all, |manifest| manifest.files.last_mut().unwrap().size = 1 << 50);
        all.last_mut().unwrap().size = 1 << 50;
    }),
    ("a bomb", |all| {
        let bomb = vec![0; 8 << 20];
        let last = all.last_mut().unwrap();
        (last.size, last.bytes) = (bomb.len() as u64, bomb);
    }),
    ("a bomb behind the end", |all| {
        let mut bomb = member("x", &vec![0; 8 << 20]);
        bomb.name.clear();
        all.push(bomb);
    }),
    ("a manifest that is a bomb", |all| all[0] = member(MANIFEST, &vec![b' '; 65 << 20])),
    ("a manifest that is not one", |all| all[0] = member(MANIFEST, b"[]")),
    ("a form of tomorrow", |all| declare(all, |manifest| manifest.format += 1)),
    ("another layout than the rows have", |all| declare(all, |manifest| manifest.layout = 0)),
    ("another last change than the rows have", |all| declare(all, |manifest| manifest.change += 1)),
    ("a table too many in the counts", |all| {
        declare(all, |manifest| assert!(manifest.tables.insert("more-1".into(), 0).is_none()));
    }),
    ("another number of rows", |all| {
        declare(all, |manifest| *manifest.tables.get_mut("inboxes-1").unwrap() += 1);
    }),
    ("rows out of order", |all| {
        let row = [&[0, 0, 0, 1, 0, 0, 0, 0, 9][..], &[0, 0, 0, 1, 0, 0, 0, 0, 8][..]].concat();
        add(all, member("tables/odd-1", &row));
        declare(all, |manifest| assert!(manifest.tables.insert("odd-1".into(), 2).is_none()));
    }),
    ("a row longer than its table", |all| {
        add(all, member("tables/odd-1", &[0, 0, 0, 1, 255, 255, 255, 255, 9]));
        declare(all, |manifest| assert!(manifest.tables.insert("odd-1".into(), 1).is_none()));
    }),
    ("rows whose blobs are gone", |all| {
        let gone = all.iter().position(|member| member.name.starts_with(b"blobs/segment")).unwrap();
        all.remove(gone);
        declare(all, |manifest| drop(manifest.files.remove(gone - 1)));
    }),
    ("rows that contradict each other", |all| {
        let index = all.iter().position(|member| member.name == b"tables/inbox-by-local-part-1").unwrap();
        all[index] = member("tables/inbox-by-local-part-1", b"");
        declare(all, |manifest| {
            manifest.files[index - 1] = entry("tables/inbox-by-local-part-1", b"");
            manifest.tables.insert("inbox-by-local-part-1".into(), 0);
        });
    }),
];

#[tokio::test]
async fn an_archive_that_is_not_what_it_says_is_refused_whole() {
    let (dir, store, model) = filled(60).await;
    let good = dir.path().join("good.fdbackup");
    store.backup(&good, NOW, true).unwrap();
    let members = unpack(&good);
    let room = tempfile::tempdir().unwrap();
    let archive = room.path().join("spoiled.fdbackup");
    let target = room.path().join("target");
    pack(&members, &archive);
    restore(&archive, &target).expect("unspoiled");
    model.compare(&Store::open(&target, &Settings::default()).unwrap());
    fs::remove_dir_all(&target).unwrap();
    for (what, spoil) in SPOILED {
        let mut spoiled = members.clone();
        spoil(&mut spoiled);
        pack(&spoiled, &archive);
        match restore(&archive, &target) {
            Err(Error::Archive(_) | Error::Full | Error::Damaged(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(listing(room.path()), std::slice::from_ref(&archive), "{what}");
        fs::create_dir(&target).unwrap();
        assert!(restore(&archive, &target).is_err(), "{what}");
        fs::remove_dir(&target).expect(what);
    }
}

#[tokio::test]
async fn a_cut_or_flipped_archive_is_refused() {
    let (dir, store, _) = filled(30).await;
    let good = dir.path().join("good.fdbackup");
    store.backup(&good, NOW, true).unwrap();
    let bytes = fs::read(&good).unwrap();
    let room = tempfile::tempdir().unwrap();
    let (archive, target) = (room.path().join("spoiled.fdbackup"), room.path().join("target"));
    let mut numbers = Numbers(1);
    for round in 0..40 {
        let mut spoiled = bytes.clone();
        let at = numbers.below(bytes.len() as u64) as usize;
        match round % 4 {
            0 => spoiled.truncate(at),
            1 => spoiled[at] ^= 1 << numbers.below(8),
            2 => spoiled.extend_from_slice(b"more"),
            _ => spoiled[at..].fill(0),
        }
        fs::write(&archive, &spoiled).unwrap();
        assert!(restore(&archive, &target).is_err(), "{round} at {at}");
        assert_eq!(listing(room.path()), std::slice::from_ref(&archive));
    }
}

#[tokio::test]
async fn whatever_is_changed_inside_comes_out_right_or_not_at_all() {
    let (dir, store, model) = filled(30).await;
    let good = dir.path().join("good.fdbackup");
    store.backup(&good, NOW, true).unwrap();
    let plain = zstd::decode_all(fs::File::open(&good).unwrap()).unwrap();
    let room = tempfile::tempdir().unwrap();
    let (archive, target) = (room.path().join("spoiled.fdbackup"), room.path().join("target"));
    let (mut numbers, mut refused) = (Numbers(2), 0);
    for round in 0..30 {
        let mut spoiled = plain.clone();
        let at = numbers.below(plain.len() as u64) as usize;
        match round % 3 {
            0 => spoiled[at] ^= 1 << numbers.below(8),
            1 => drop(spoiled.splice(at..(at + 512).min(plain.len()), [])),
            _ => spoiled[at / 512 * 512..][..512].fill(0),
        }
        fs::write(&archive, zstd::encode_all(&*spoiled, 1).unwrap()).unwrap();
        match restore(&archive, &target) {
            // Something that means nothing, such as padding.
            Ok(_) => {
                model.compare(&Store::open(&target, &Settings::default()).unwrap());
                fs::remove_dir_all(&target).unwrap();
            }
            Err(_) => refused += 1,
        }
        assert_eq!(listing(room.path()), std::slice::from_ref(&archive));
    }
    assert!(refused > 20, "{refused}");
}

#[tokio::test]
async fn a_newer_backup_is_told_apart() {
    let (dir, store, _) = filled(5).await;
    let good = dir.path().join("good.fdbackup");
    store.backup(&good, NOW, true).unwrap();
    let mut members = unpack(&good);
    declare(&mut members, |manifest| manifest.layout = LAYOUT + 3);
    pack(&members, &good);
    let refused = restore(&good, &dir.path().join("restored"));
    assert!(matches!(refused, Err(Error::Newer { found, known: LAYOUT }) if found == LAYOUT + 3), "{refused:?}");
}

#[tokio::test]
async fn half_a_restore_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("restoring")).unwrap();
    assert!(matches!(Store::open(dir.path(), &Settings::default()), Err(Error::Damaged(_))));
    let (dir, store, _) = filled(20).await;
    store.close();
    drop(store);
    fs::remove_file(dir.path().join("frontdesk.redb")).unwrap();
    assert!(matches!(Store::open(dir.path(), &Settings::default()), Err(Error::Damaged(_))));
}
