//! A disk that fills up: mail is put off before it is full, nothing acknowledged is lost when it is, and all is
//! well again once there is room. Needs root, for a small file system of its own; says so and passes without.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::{self, Process};
use crate::support::smtp::Smtp;
use crate::support::{Client, PATIENCE, mail};

const HELLO: &str = "hello@desk.example";

/// A small file system in memory, gone with the value.
struct SmallDisk {
    dir: PathBuf,
    _parent: tempfile::TempDir,
}

impl SmallDisk {
    /// None without the right to mount one.
    fn of(megabytes: u32) -> Option<SmallDisk> {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("disk");
        std::fs::create_dir(&dir).unwrap();
        let disk = SmallDisk { dir, _parent: parent };
        let mounted = disk.mount(&format!("size={megabytes}m,mode=0700"));
        if !mounted {
            println!("skipped: a small file system cannot be mounted here, which needs root");
            return None;
        }
        Some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        process::done(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.dir))
    }

    /// Gives it another size.
    fn resize(&self, megabytes: u32) {
        assert!(self.mount(&format!("remount,size={megabytes}m")));
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn free(&self) -> u64 {
        fs4::available_space(&self.dir).unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A process that was killed may hold it a moment longer.
        for _ in 0..50 {
            if process::done(Command::new("umount").arg(&self.dir)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A mail with a file that cannot be pressed together.
fn filling(from: &str, kilobytes: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut line = || -> String {
        let mut bytes = [0; 54];
        for byte in &mut bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        data_encoding::BASE64.encode(&bytes) + "\r\n"
    };
    let lines: String = (0..kilobytes * 1024 / 74).map(|_| line()).collect();
    let head = format!("From: {from}\r\nSubject: Filling\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\n");
    format!("{head}Content-Transfer-Encoding: base64\r\n\r\n{lines}")
}

fn prepare(dir: &Path, free: u64) -> (impl Fn() -> Process + use<>, String) {
    let dir = dir.to_path_buf();
    process::add_owner(&dir);
    let token = process::told(&dir, &["token", "create", "--agent", "ewa@desk.example"], "");
    let serve = move || {
        Process::serve_with(&dir, |command| {
            command.env("FRONTDESK_STORE__MIN_FREE_BYTES", free.to_string());
        })
    };
    (serve, token)
}

/// The senders of all mails.
async fn senders(client: &Client) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/conversations?limit=200{cursor}")).await.expect(200);
        let rows = page["items"].as_array().unwrap();
        all.extend(rows.iter().map(|row| row["contact"]["email"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Waits until pages are told that there is so much room.
async fn wait_for_room(client: &Client, room: &str, since: &Value) {
    let start = Instant::now();
    while client.get("/me").await.expect(200)["disk"] != room {
        assert!(start.elapsed() < PATIENCE, "not {room}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let frames = client.get(&format!("/changes?after={since}")).await.expect(200);
    let frames = frames["items"].as_array().unwrap();
    assert!(frames.iter().any(|frame| frame["type"] == "me"), "{frames:?}");
}

/// Waits until exactly these have written.
async fn wait_for(client: &Client, expected: &BTreeSet<String>) {
    let start = Instant::now();
    loop {
        let found = senders(client).await;
        let once: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!(once.len(), found.len(), "more than once");
        let lost: Vec<_> = expected.difference(&once).collect();
        if lost.is_empty() {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "acknowledged and lost: {lost:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until MAIL is answered so.
async fn wait_for_mail(server: &Process, code: &str) {
    let start = Instant::now();
    loop {
        let reply = Smtp::greeted(server.smtp).await.say("MAIL FROM:<a@far.example>").await;
        if reply.starts_with(code) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{reply}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_put_off_before_the_disk_is_full_and_taken_again_afterwards() {
    let Some(disk) = SmallDisk::of(128) else { return };
    let (serve, token) = prepare(&disk.data(), 24 << 20);
    let server = serve();
    let client = Client::new(server.http).with_token(&token);
    client.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    let mut taken = BTreeSet::new();
    let mut send = async |name: &str| {
        let from = format!("{name}@far.example");
        let letter = mail(&from, name, "Words");
        let answer = Smtp::greeted(server.smtp).await.deliver(&from, &[HELLO], letter.as_bytes()).await;
        if answer.is_ok() {
            taken.insert(from);
        }
        answer
    };
    send("before").await.unwrap();
    let change = async || client.get("/me").await.expect(200)["change"].clone();
    assert_eq!(client.get("/me").await.expect(200)["disk"], "enough");
    let ballast = disk.dir.join("ballast");
    let all_but = |megabytes: u64| vec![0; usize::try_from(disk.free() - (megabytes << 20)).unwrap()];
    let since = change().await;
    std::fs::write(&ballast, all_but(60)).unwrap();
    wait_for_room(&client, "scarce", &since).await;
    send("meanwhile").await.unwrap();
    let since = change().await;
    std::fs::remove_file(&ballast).unwrap();
    std::fs::write(&ballast, all_but(20)).unwrap();
    wait_for_room(&client, "low", &since).await;
    wait_for_mail(&server, "452 4.3.1").await;
    assert!(send("while").await.unwrap_err().starts_with("452"));
    // Files are not taken either; reading and working go on.
    client.upload("a.txt", "text/plain", b"file".to_vec()).await.refused(503, "storage_low");
    assert_eq!(client.get("//healthz").await.refused(503, "unavailable")["detail"], "the disk is nearly full");
    client.get("/conversations/1/messages").await.expect(200);
    client.patch("/conversations/1", json!({ "place": "trash" })).await.expect(200);
    client.patch("/conversations/1", json!({ "place": "inbox" })).await.expect(200);
    let since = change().await;
    std::fs::remove_file(&ballast).unwrap();
    wait_for_room(&client, "enough", &since).await;
    client.get("//healthz").await.expect(200);
    send("after").await.unwrap();
    wait_for(&client, &taken).await;
    assert!(server.terminate().0.success());
    assert!(process::told(&disk.data(), &["check"], "").ends_with("all is well"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::of(40) else { return };
    let (serve, token) = prepare(&disk.data(), 0);
    let server = serve();
    let client = Client::new(server.http).with_token(&token);
    client.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    let mut taken = BTreeSet::new();
    let mut refused = 0;
    for number in 0..2000 {
        let from = format!("m{number}@far.example");
        // Small ones go together into one file, large ones have each their own.
        let letter = filling(&from, if number % 4 == 0 { 400 } else { 100 }, number);
        let Some(mut smtp) = Smtp::try_connect(server.smtp).await else { break };
        smtp.say("EHLO client.example").await;
        match smtp.deliver(&from, &[HELLO], letter.as_bytes()).await {
            Ok(reply) if reply.ends_with("\r\n") => drop(taken.insert(from)),
            Ok(_) => {}
            Err(reply) if reply.is_empty() || reply.starts_with('4') => refused += 1,
            Err(reply) => panic!("{reply}"),
        }
        if refused >= 20 {
            break;
        }
    }
    assert!(disk.free() < 4 << 20, "{} bytes are free", disk.free());
    assert!(taken.len() > 20, "{} mails were taken", taken.len());
    // It has ended by itself, in words that help, or it still answers.
    let answers = client.try_send(reqwest::Method::GET, "/conversations", json!({})).await.is_some();
    println!("{} mails taken; the server {}", taken.len(), if answers { "still answers" } else { "has ended" });
    if answers {
        server.kill();
    } else {
        let (status, log) = server.ended();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("Nothing that was acknowledged is lost"), "{log}");
    }
    disk.resize(128);
    assert!(process::told(&disk.data(), &["check"], "").ends_with("all is well"));
    let server = serve();
    let client = Client::new(server.http).with_token(&token);
    let letter = mail("again@far.example", "Again", "Words");
    Smtp::greeted(server.smtp).await.deliver("again@far.example", &[HELLO], letter.as_bytes()).await.unwrap();
    taken.insert(String::from("again@far.example"));
    wait_for(&client, &taken).await;
    assert!(server.terminate().0.success());
    assert!(process::told(&disk.data(), &["check"], "").ends_with("all is well"));
}
