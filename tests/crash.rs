//! The process is killed, again and again, while mail and comments come in: what was acknowledged is there,
//! once, and the data is whole. And how it is stopped, and who may stand beside it.
//!
//! `FRONTDESK_ROUNDS` makes the loop longer.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::process::{self, Process};
use crate::support::smtp::Smtp;
use crate::support::{Client, Live, PASSWORD, PATIENCE, mail};

const HELLO: &str = "hello@desk.example";
/// Conversations that comments and tags go to.
const TALKS: u64 = 2;

/// Something that is sent until it is acknowledged: its name, and how it goes out.
#[derive(Clone, Debug)]
struct Item {
    name: String,
    talk: u64,
    words: String,
}

/// What the outside was told.
#[derive(Default)]
struct Ledger {
    mails: Vec<String>,
    comments: Vec<Item>,
    /// Sent, and the answer did not come: sent again in the next round.
    unsure_mails: Vec<Item>,
    unsure_comments: Vec<Item>,
    /// The number in the tag: acknowledged, and tried.
    tag: (u64, u64),
}

type Shared = Arc<Mutex<Ledger>>;

/// A number below `bound`, another each time.
fn any(bound: u64) -> u64 {
    RandomState::new().hash_one(0) % bound
}

fn letter(item: &Item) -> String {
    mail(&format!("{}@far.example", item.name), &item.name, &item.words)
}

/// Sends mails over one connection until the server is gone.
async fn send_mails(server: std::net::SocketAddr, round: u64, connection: u64, ledger: Shared) {
    let mut smtp = None;
    for number in 0.. {
        let again = ledger.lock().unwrap().unsure_mails.pop();
        let size = if any(20) == 0 { 8000 } else { any(40) as usize };
        let words = "Some words of a letter that is not read by anybody.\n".repeat(size);
        let item = again.unwrap_or_else(|| Item { name: format!("r{round}c{connection}n{number}"), talk: 0, words });
        if number % 90 == 0 {
            smtp = Smtp::try_connect(server).await;
            if let Some(smtp) = &mut smtp {
                smtp.say("EHLO client.example").await;
            }
        }
        let answer = match &mut smtp {
            Some(smtp) => smtp.deliver(&format!("{}@far.example", item.name), &[HELLO], letter(&item).as_bytes()).await,
            None => Err(String::new()),
        };
        let mut ledger = ledger.lock().unwrap();
        match answer {
            Ok(reply) if reply.ends_with("\r\n") => ledger.mails.push(item.name),
            Ok(cut) | Err(cut) if !cut.ends_with("\r\n") => return ledger.unsure_mails.push(item),
            other => panic!("{other:?}"),
        }
    }
}

/// Comments and tags until the server is gone.
async fn write(client: Client, round: u64, ledger: Shared) {
    for number in 0.. {
        let again = ledger.lock().unwrap().unsure_comments.pop();
        let name = format!("comment-{round}-{number}.");
        let item = again.unwrap_or_else(|| Item { words: name.clone(), name, talk: 1 + any(TALKS) });
        let body = json!({ "client_id": item.name, "kind": "comment", "text": item.words });
        match client.try_send(Method::POST, &format!("/conversations/{}/messages", item.talk), body).await {
            Some(answer) if answer.status == 201 => ledger.lock().unwrap().comments.push(item),
            Some(answer) if answer.status < 500 => panic!("{answer:?}"),
            _ => return ledger.lock().unwrap().unsure_comments.push(item),
        }
        let next = {
            let mut ledger = ledger.lock().unwrap();
            ledger.tag.1 += 1;
            ledger.tag.1
        };
        let body = json!({ "tags": [format!("tag-{next}")] });
        match client.try_send(Method::PATCH, "/conversations/1", body).await {
            Some(answer) if answer.status == 200 => ledger.lock().unwrap().tag.0 = next,
            _ => return,
        }
    }
}

/// Everything there is: mails, and comments by conversation, each with how often.
async fn all(client: &Client) -> (BTreeMap<String, usize>, BTreeMap<(u64, String), usize>) {
    let (mut mails, mut comments) = (BTreeMap::new(), BTreeMap::new());
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/conversations?limit=200{cursor}")).await.expect(200);
        for row in page["items"].as_array().unwrap().iter().filter(|row| row["id"].as_u64() > Some(TALKS)) {
            let Some(name) = row["contact"]["email"].as_str().unwrap().strip_suffix("@far.example") else { continue };
            let name = name.to_owned();
            // One that was met at each of several kills is filed without being read, under its sender.
            assert!(row["subject"] == *name || row["trouble"] == "unreadable", "{row}");
            *mails.entry(name).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for talk in 1..=TALKS {
        let mut before = String::new();
        loop {
            let page = client.get(&format!("/conversations/{talk}/messages?limit=200{before}")).await.expect(200);
            let items = page["items"].as_array().unwrap();
            for message in items.iter().filter(|message| message["kind"] == "comment") {
                *comments.entry((talk, message["text"].as_str().unwrap().trim().to_owned())).or_default() += 1;
            }
            match page["earlier"].as_bool() {
                Some(true) => before = format!("&before={}", items[0]["id"]),
                _ => break,
            }
        }
    }
    (mails, comments)
}

/// Whether all that was acknowledged is there, once. Mail is filed a moment after its acknowledgement.
async fn compare(client: &Client, ledger: &Shared, round: u64) {
    let start = std::time::Instant::now();
    loop {
        let (mails, comments) = all(client).await;
        let twice: Vec<_> = mails.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "round {round}: more than once: {twice:?}");
        let twice: Vec<_> = comments.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "round {round}: more than once: {twice:?}");
        let missing: Vec<String> = {
            let ledger = ledger.lock().unwrap();
            let lost = ledger.comments.iter().find(|item| !comments.contains_key(&(item.talk, item.words.clone())));
            assert!(lost.is_none(), "round {round}: {lost:?} was acknowledged and is lost");
            ledger.mails.iter().filter(|name| !mails.contains_key(*name)).cloned().collect()
        };
        if missing.is_empty() {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "round {round}: acknowledged and lost: {missing:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let row = client.get("/conversations/1").await.expect(200)["conversation"].clone();
    let number = |tag: &Value| tag.as_str().unwrap().trim_start_matches("tag-").parse::<u64>().unwrap();
    let found = row["tags"].get(0).map_or(0, number);
    let (acknowledged, tried) = ledger.lock().unwrap().tag;
    assert!((acknowledged..=tried).contains(&found), "round {round}: tag {found}, not {acknowledged} to {tried}");
}

/// Whether the index has what was acknowledged: a few of the mails, once it is not behind.
async fn search(client: &Client, ledger: &Shared, round: u64) {
    let start = std::time::Instant::now();
    loop {
        let index = client.get("/search?q=word").await.expect(200)["index"].clone();
        if (&index["ready"], &index["behind"]) == (&json!(true), &json!(0)) {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "round {round}: the index is behind: {index}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let names: Vec<String> = {
        let mails = &ledger.lock().unwrap().mails;
        let picked = (0..8).filter_map(|_| mails.get(any(mails.len().max(1) as u64) as usize));
        picked.chain(mails.last()).cloned().collect()
    };
    for name in names {
        // The address of one that was filed unread is searched as well. The blank ends the word.
        let page = client.get(&format!("/search?q={name}%20")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "round {round}: {name} was acknowledged, and the search finds {page}");
    }
}

/// Another program that sends mail, where it is installed. It does not say which of its mails were acknowledged.
fn smtp_source(server: std::net::SocketAddr) -> Option<Child> {
    let mut command = Command::new("smtp-source");
    command.args(["-c", "-s", "2", "-m", "20", "-l", "3000", "-f", "load@source.example", "-t", HELLO]);
    command.arg(format!("inet:{}:{}", server.ip(), server.port())).stdout(Stdio::null()).stderr(Stdio::null());
    process::start(&mut command).ok()
}

fn check(dir: &Path, round: u64) {
    let output = process::run(dir, &["check"], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.ends_with("all is well\n"), "round {round}: {said}{error}");
}

/// An installation with two conversations, and a token for its owner.
async fn prepared(dir: &Path) -> String {
    process::add_owner(dir);
    let token = process::told(dir, &["token", "create", "--agent", "ewa@desk.example"], "");
    let server = Process::serve(dir);
    let client = Client::new(server.http).with_token(&token);
    client.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    for number in 0..TALKS {
        let body = json!({ "client_id": number.to_string(), "inbox": 1, "to": [{ "email": "x@far.example" }],
            "subject": format!("Talk {number}"), "text": "Hello" });
        client.post("/conversations", body).await.expect(201);
    }
    assert!(server.terminate().0.success());
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_being_killed() {
    let rounds = std::env::var("FRONTDESK_ROUNDS").map_or(30, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let token = prepared(dir.path()).await;
    let ledger = Shared::default();
    for round in 0..rounds {
        let server = Process::serve(dir.path());
        let client = Client::new(server.http).with_token(&token);
        compare(&client, &ledger, round).await;
        if round % 3 == 1 {
            search(&client, &ledger, round).await;
        }
        let mut load = JoinSet::new();
        for connection in 0..3 {
            load.spawn(send_mails(server.smtp, round, connection, Arc::clone(&ledger)));
        }
        load.spawn(write(client.clone(), round, Arc::clone(&ledger)));
        let source = smtp_source(server.smtp);
        tokio::time::sleep(Duration::from_millis(50 + any(950))).await;
        server.kill();
        if let Some(mut source) = source {
            // It may have ended by itself.
            let _ = source.kill();
            source.wait().unwrap();
        }
        for ended in load.join_all().await {
            let () = ended;
        }
        check(dir.path(), round);
    }
    // Once more with all that was never answered, and an orderly end.
    let server = Process::serve(dir.path());
    let client = Client::new(server.http).with_token(&token);
    let (mails, comments) = {
        let mut ledger = ledger.lock().unwrap();
        (std::mem::take(&mut ledger.unsure_mails), std::mem::take(&mut ledger.unsure_comments))
    };
    for item in mails {
        let mut smtp = Smtp::greeted(server.smtp).await;
        let from = format!("{}@far.example", item.name);
        smtp.deliver(&from, &[HELLO], letter(&item).as_bytes()).await.unwrap();
        ledger.lock().unwrap().mails.push(item.name);
    }
    for item in comments {
        let body = json!({ "client_id": item.name, "kind": "comment", "text": item.words });
        client.post(&format!("/conversations/{}/messages", item.talk), body).await.expect(201);
        ledger.lock().unwrap().comments.push(item);
    }
    compare(&client, &ledger, rounds).await;
    search(&client, &ledger, rounds).await;
    assert!(server.terminate().0.success());
    check(dir.path(), rounds);
    let ledger = ledger.lock().unwrap();
    let (mails, comments) = (ledger.mails.len(), ledger.comments.len());
    println!("{rounds} rounds, {mails} mails and {comments} comments acknowledged");
    assert!(
        mails > 5 * rounds as usize && comments > rounds as usize,
        "{mails} mails and {comments} comments are no test"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_never_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    process::add_owner(dir.path());
    let server = Process::serve(dir.path());
    let second = process::run(dir.path(), &["serve"], "");
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{words}");
    assert!(words.contains("cannot open the data in") && words.contains(&server.id().to_string()), "{words}");
    // It has not touched what the first one left for scripts.
    let told = std::fs::read_to_string(dir.path().join("run/addresses.json")).unwrap();
    assert!(told.contains(&server.http.to_string()), "{told}");
    Client::new(server.http).sign_in("ewa@desk.example", PASSWORD).await.expect(201);
    assert!(server.terminate().0.success());
    // A lock that a killed one left behind is no obstacle.
    Process::serve(dir.path()).kill();
    let server = Process::serve(dir.path());
    assert!(server.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_stands_beside_a_server_at_work() {
    let dir = tempfile::tempdir().unwrap();
    let token = prepared(dir.path()).await;
    let server = Process::serve(dir.path());
    let ledger = Shared::default();
    let mut load = JoinSet::new();
    load.spawn(send_mails(server.smtp, 0, 0, Arc::clone(&ledger)));
    load.spawn(write(Client::new(server.http).with_token(&token), 0, Arc::clone(&ledger)));
    for round in 0..5 {
        check(dir.path(), round);
    }
    let (before, start) = (ledger.lock().unwrap().mails.len(), std::time::Instant::now());
    while ledger.lock().unwrap().mails.len() == before {
        assert!(start.elapsed() < PATIENCE, "mail is taken while it is checked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.kill();
    load.join_all().await;
    check(dir.path(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn being_asked_to_end_it_finishes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let token = prepared(dir.path()).await;
    let server = Process::serve(dir.path());
    let (http, smtp) = (server.http, server.smtp);
    let bearer = format!("Bearer {token}");
    let mut live = Live::open(http, None, &[("authorization", &bearer)]).await.unwrap();
    live.next().await.unwrap();
    let mut idle = Smtp::greeted(smtp).await;
    let _silent = tokio::net::TcpStream::connect(http).await.unwrap();
    // One mail is under way: half of it has come.
    let mut busy = Smtp::greeted(smtp).await;
    for command in ["MAIL FROM:<a@far.example>", "RCPT TO:<hello@desk.example>", "DATA"] {
        assert!(busy.say(command).await.starts_with(['2', '3']));
    }
    let (first, rest) = ("From: under-way@far.example\r\nSubject: under-way\r\n", "\r\nWords\r\n.\r\n");
    busy.raw(first.as_bytes()).await;
    server.ask_to_end();
    live.rest().await;
    assert!(idle.rest().await.concat().starts_with("421"));
    busy.raw(rest.as_bytes()).await;
    assert!(busy.reply().await.starts_with("250"));
    let start = std::time::Instant::now();
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(!dir.path().join("run/addresses.json").exists());
    check(dir.path(), 0);
    let server = Process::serve(dir.path());
    let ledger = Shared::default();
    ledger.lock().unwrap().mails.push(String::from("under-way"));
    compare(&Client::new(server.http).with_token(&token), &ledger, 0).await;
    assert!(server.terminate().0.success());
}
