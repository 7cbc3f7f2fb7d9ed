//! Big stores, filled through the desk: each mail is taken and filed as one that came by SMTP is, in batches as
//! large as the store carries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frontdesk::base::Timestamp;
use frontdesk::desk::Desk;
use frontdesk::desk::inbound::{Known, Mail, Taken};
use frontdesk::desk::reading::Read;
use frontdesk::domain::incoming::Recipient;
use frontdesk::domain::{BlobId, Incoming};
use frontdesk::mail::{parse, quotes};
use frontdesk::search;
use frontdesk::store::Prepared;
use futures_util::future::try_join_all;

use super::letters::{Letter, Letters};
use super::program::{open_desk, set_up};
use super::report;

/// Mails prepared ahead of the store's thread.
const CHUNK: usize = 4096;
/// Mails filed in one closure.
const SLICE: usize = 64;
/// Cache of the store while it is filled.
const CACHE: usize = 1 << 30;
/// Days before now in which the mails came.
const DAYS: i64 = 6;

/// A store that is filled; its directory goes with it unless it is kept.
pub struct Filled {
    pub dir: PathBuf,
    pub token: String,
    _temporary: Option<tempfile::TempDir>,
}

/// A store with `messages` messages, with a search index or without one.
pub fn filled(bench: &'static str, messages: usize, indexed: bool) -> Filled {
    let kind = if indexed { "indexed" } else { "plain" };
    let Some(kept) = std::env::var_os("BENCH_DATA") else {
        let temporary = tempfile::tempdir().unwrap();
        let token = fill(bench, temporary.path(), messages, indexed);
        return Filled { dir: temporary.path().to_owned(), token, _temporary: Some(temporary) };
    };
    let kept = PathBuf::from(kept).join(format!("{kind}-{messages}"));
    let token_file = kept.join("token");
    if !token_file.exists() {
        let _ = std::fs::remove_dir_all(&kept);
        let token = fill(bench, &kept, messages, indexed);
        std::fs::write(&token_file, token).unwrap();
    }
    // The bench works on a copy.
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    assert!(Command::new("cp").arg("-a").arg(&kept).arg(&dir).status().unwrap().success());
    // What was copied must not be written back while something is measured.
    assert!(Command::new("sync").status().unwrap().success());
    let token = std::fs::read_to_string(token_file).unwrap();
    Filled { dir, token, _temporary: Some(temporary) }
}

/// Fills `dir` and gives an API token of the owner.
fn fill(bench: &'static str, dir: &Path, messages: usize, indexed: bool) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let desk = open_desk(dir, CACHE);
    let (token, took) = runtime.block_on(async {
        let token = set_up(&desk).await;
        let start = Instant::now();
        mails(&desk, messages).await;
        (token, start.elapsed())
    });
    report::note(bench, format!("filling with {messages} messages"), rate(messages, took));
    if indexed {
        let start = Instant::now();
        index(&desk, dir);
        report::note(bench, format!("indexing {messages} messages"), rate(messages, start.elapsed()));
    }
    desk.store.close();
    token
}

fn rate(count: usize, took: Duration) -> String {
    format!("{:.0} s, {:.0}/s", took.as_secs_f64(), count as f64 / took.as_secs_f64())
}

/// Makes the search index of what is in the store.
fn index(desk: &Arc<Desk>, dir: &Path) {
    let settings = search::Settings { writer_heap_bytes: 200 << 20, ..search::Settings::default() };
    let (index, _) = search::Index::open(&frontdesk::app::index_dir(dir), settings).unwrap();
    let indexer = search::Indexer::new(Arc::new(index), Arc::clone(&desk.store));
    let to = *desk.store.committed().borrow();
    indexer.catch_up(to, &|| false).unwrap();
}

/// A letter, ready for the store's thread.
struct Ready {
    raw: Prepared,
    mail: Mail,
    parsed: parse::Parsed,
}

async fn mails(desk: &Arc<Desk>, messages: usize) {
    let Known::Inbox(recipient) = desk.recipient("hello", "desk.example").unwrap() else { panic!("no inbox") };
    let end = desk.clock.now();
    let step = DAYS * 86_400_000 / messages.max(1) as i64;
    let prepare = move |mut letters: Letters, from: usize, count: usize| {
        let ready = |(at, letter): (usize, Letter)| {
            let received_at = Timestamp(end.millis() - step * (messages - from - at) as i64);
            ready(letter, recipient.clone(), received_at)
        };
        let chunk: Vec<Letter> = (0..count).map(|_| letters.everyday()).collect();
        (chunk.into_iter().enumerate().map(ready).collect::<Vec<_>>(), letters)
    };
    let chunk_at = |from: usize| CHUNK.min(messages - from);
    let mut ahead = Some(prepare(Letters::new(1), 0, chunk_at(0)));
    let mut done = 0;
    while let Some((chunk, letters)) = ahead.take() {
        let next = done + chunk.len();
        let prepare = prepare.clone();
        let coming = (next < messages).then(|| {
            let count = chunk_at(next);
            tokio::task::spawn_blocking(move || prepare(letters, next, count))
        });
        take_and_file(desk, chunk).await;
        done = next;
        if let Some(coming) = coming {
            ahead = Some(coming.await.unwrap());
        }
    }
}

fn ready(letter: Letter, recipient: Recipient, received_at: Timestamp) -> Ready {
    let trace = format!("Return-Path: <{}>\r\n", letter.from);
    Ready {
        raw: Prepared::from_bytes(&letter.bytes),
        parsed: parse::parse(&letter.bytes),
        mail: Mail {
            received_at,
            mail_from: Some(letter.from),
            peer: None,
            helo: None,
            recipients: vec![recipient],
            trace,
        },
    }
}

async fn take_and_file(desk: &Arc<Desk>, chunk: Vec<Ready>) {
    let mut parsed = Vec::new();
    let taken = chunk.into_iter().map(|ready| {
        parsed.push((ready.mail.clone(), ready.parsed));
        desk.take(ready.raw, ready.mail)
    });
    let taken = try_join_all(taken.collect::<Vec<_>>()).await.unwrap();
    let mut read: Vec<Read> = Vec::new();
    for (taken, (mail, parsed)) in taken.into_iter().zip(parsed) {
        let Taken::Stored(id) = taken else { panic!("two letters are the same") };
        let incoming = Incoming {
            id,
            raw: BlobId(0),
            received_at: mail.received_at,
            peer: None,
            helo: None,
            fetched: false,
            mail_from: mail.mail_from,
            recipients: mail.recipients,
            trace: mail.trace,
            attempts: 0,
            deliveries: Vec::new(),
        };
        let quote = quotes::quote_from_line(&parsed.text);
        read.push(Read::new(&incoming, parsed, quote));
    }
    let mut slices = Vec::new();
    while !read.is_empty() {
        let rest = read.split_off(read.len().min(SLICE));
        slices.push(desk.file(std::mem::replace(&mut read, rest)));
    }
    try_join_all(slices).await.unwrap();
}
