//! Mail fetched from mailboxes elsewhere: each mail once, nothing changed there, and words when it does not work.

use frontdesk::config::Config;
use serde_json::{Value, json};

use crate::support::dovecot::{Dovecot, USER};
use crate::support::process::{self, Process};
use crate::support::{Client, PASSWORD, PATIENCE, TestServer, mail};

const ADDRESS: &str = "office@tarnina.example";

fn from_here(config: &mut Config) {
    config.imap.private_networks = vec!["127.0.0.1/32".parse().unwrap()];
}

fn letter(subject: &str) -> String {
    mail("Ola <o@fell.example>", subject, "x").replace("hello@desk.example", ADDRESS)
}

async fn connect(owner: &Client, imap: Value) -> Value {
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let new = json!({ "kind": "email", "inbox": inbox, "address": ADDRESS, "way_in": "imap", "imap": imap });
    owner.post("/channels", new).await.expect(201)
}

fn with(mut imap: Value, changes: Value) -> Value {
    imap.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    imap
}

async fn channel(owner: &Client) -> Value {
    owner.get("/channels").await.expect(200)["items"][0].clone()
}

/// Subjects of all conversations, in the order of the alphabet.
async fn subjects(owner: &Client) -> Vec<String> {
    let list = owner.get("/conversations?limit=100").await.expect(200);
    let mut found: Vec<String> =
        list["items"].as_array().unwrap().iter().map(|row| row["subject"].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

async fn until_there(server: &TestServer, owner: &Client, expected: &[&str]) {
    server.until_it(&format!("{expected:?} are there"), async || subjects(owner).await == expected).await;
}

/// Waits until a mail that comes now is seen at once: the folder has been read to its end.
async fn connected(server: &TestServer, dovecot: &Dovecot) {
    server.until("somebody waits for mail", || dovecot.doveadm(&["who"]).contains(USER)).await;
    server
        .until("the folder is known", || {
            use frontdesk::store::{Direction, Key, Rows, Table};
            let rows = server.running().desk.store.read().unwrap();
            !rows.ids(Table::Polled, &Key::new(), None, Direction::Forward, 1).unwrap().is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_of_a_mailbox_elsewhere_arrives_as_it_comes_and_stays_there_unmarked() {
    let dovecot = Dovecot::start();
    dovecot.save("INBOX", &letter("Long ago"));
    let server = TestServer::start_with(from_here).await;
    let owner = server.owner().await;
    let made = connect(&owner, dovecot.body()).await;
    assert_eq!((&made["way_in"], &made["state"]), (&json!("imap"), &json!("ok")));
    assert!(!made.to_string().contains("wort-und-tat"), "{made}");
    connected(&server, &dovecot).await;
    dovecot.save("INBOX", &letter("Tent"));
    until_there(&server, &owner, &["Tent"]).await;
    dovecot.save("INBOX", &letter("Boat"));
    until_there(&server, &owner, &["Boat", "Tent"]).await;
    let flags = dovecot.flags("INBOX");
    assert!(flags.lines().count() == 4 && !flags.contains("Seen"), "{flags}");
    let thread = owner.get("/conversations").await.expect(200)["items"][0]["id"].as_u64().unwrap();
    let thread = owner.get(&format!("/conversations/{thread}/messages")).await.expect(200);
    assert_eq!(thread["reply_to"]["from"], ADDRESS);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_catches_up_and_takes_each_mail_once() {
    let mut dovecot = Dovecot::start();
    let mut server = TestServer::start_with(from_here).await;
    let owner = server.owner().await;
    connect(&owner, dovecot.body()).await;
    connected(&server, &dovecot).await;
    dovecot.save("INBOX", &letter("One"));
    until_there(&server, &owner, &["One"]).await;
    let saving = |_: &std::path::Path| {
        dovecot.lay("1", &letter("Three"));
        dovecot.lay("2", &letter("Two"));
    };
    server.restart_after(saving).await;
    let owner = server.owner().await;
    until_there(&server, &owner, &["One", "Three", "Two"]).await;
    // Numbered anew, all of it is looked at again, and nothing of it taken.
    dovecot.doveadm(&["mailbox", "update", "-u", USER, "--uid-validity", "777", "INBOX"]);
    dovecot.save("INBOX", &letter("Zero"));
    dovecot.down();
    dovecot.up();
    server
        .until_it("it is connected again", async || {
            server.pass(60).await;
            subjects(&owner).await == ["One", "Three", "Two", "Zero"]
        })
        .await;
    let rows = server.running().desk.store.read().unwrap();
    assert_eq!(frontdesk::store::Rows::newest_id::<frontdesk::domain::Incoming>(&rows).unwrap(), 4);
    drop(rows);
    assert_eq!(channel(&owner).await["state"], "ok", "it was away for less than ten minutes of failure");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_done_with_mail_that_was_taken_is_done_and_nothing_else() {
    let dovecot = Dovecot::start();
    dovecot.folder("Done");
    dovecot.folder("Wysłane & co");
    dovecot.save("INBOX", &letter("Before"));
    let server = TestServer::start_with(from_here).await;
    let owner = server.owner().await;
    let made = connect(&owner, with(dovecot.body(), json!({ "after": "move", "move_to": "Done" }))).await;
    connected(&server, &dovecot).await;
    dovecot.save("INBOX", &letter("Moved"));
    until_there(&server, &owner, &["Moved"]).await;
    server.until("it is moved", || dovecot.subjects("Done") == ["Moved"]).await;
    assert_eq!(dovecot.subjects("INBOX"), ["Before"]);
    let set = async |imap: Value| {
        let path = format!("/channels/{}", made["id"]);
        let kept = with(dovecot.body(), json!({ "secret": null }));
        owner.patch(&path, json!({ "imap": with(kept, imap) })).await.expect(200);
    };
    set(json!({ "after": "mark_seen", "folders": ["INBOX", "Wysłane & co"] })).await;
    server
        .until("both folders are known", || {
            use frontdesk::store::{Direction, Key, Rows, Table};
            let rows = server.running().desk.store.read().unwrap();
            rows.ids(Table::Polled, &Key::new(), None, Direction::Forward, 3).unwrap().len() == 2
        })
        .await;
    dovecot.save("Wysłane & co", &letter("Second folder"));
    dovecot.save("INBOX", &letter("Seen"));
    until_there(&server, &owner, &["Moved", "Second folder", "Seen"]).await;
    server.until("it is marked", || dovecot.flags("INBOX").contains("Seen")).await;
    assert_eq!(dovecot.flags("INBOX").matches("Seen").count(), 1, "what was there before is as it was");
    set(json!({ "after": "delete" })).await;
    connected(&server, &dovecot).await;
    dovecot.save("INBOX", &letter("Taken away"));
    until_there(&server, &owner, &["Moved", "Second folder", "Seen", "Taken away"]).await;
    server.until("it is gone", || dovecot.subjects("INBOX") == ["Before", "Seen"]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_cannot_be_read_says_why_and_mends_itself() {
    let mut dovecot = Dovecot::start();
    let server = TestServer::start_with(from_here).await;
    let owner = server.owner().await;
    let made = connect(&owner, with(dovecot.body(), json!({ "secret": "wrong" }))).await;
    let state = async || channel(&owner).await["state"].clone();
    let fault = async || channel(&owner).await["fault"]["code"].clone();
    server.until_it("the login is refused", async || state().await == "broken").await;
    assert_eq!(fault().await, "login_refused");
    assert_eq!(owner.get("/me").await.expect(200)["broken_channels"], json!([ADDRESS]));
    // The inbox's own address takes mail all the same.
    server.receive("o@fell.example", "hello@desk.example", &mail("o@fell.example", "By hand", "x")).await;
    assert_eq!(subjects(&owner).await, ["By hand"]);
    let path = format!("/channels/{}", made["id"]);
    owner.patch(&path, json!({ "imap": dovecot.body() })).await.expect(200);
    server.until_it("it works", async || state().await == "ok").await;
    assert_eq!(owner.get("/me").await.expect(200)["broken_channels"], json!([]));
    dovecot.down();
    server
        .until_it("nobody answers for long", async || {
            server.pass(120).await;
            state().await == "broken"
        })
        .await;
    assert_eq!(fault().await, "unreachable");
    dovecot.up();
    server
        .until_it("it works again", async || {
            server.pass(600).await;
            state().await == "ok"
        })
        .await;
    connected(&server, &dovecot).await;
    dovecot.save("INBOX", &letter("Back"));
    until_there(&server, &owner, &["Back", "By hand"]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_a_mailbox_says_what_is_wrong() {
    let dovecot = Dovecot::start();
    dovecot.folder("Sprzedaż");
    let server = TestServer::start_with(from_here).await;
    let owner = server.owner().await;
    let tried = async |changes: Value| {
        let imap = with(dovecot.body(), changes);
        owner.post("/channels/check", json!({ "imap": imap })).await.expect(200)
    };
    let good = tried(json!({})).await;
    assert_eq!((&good["outcome"], &good["folders"]), (&json!("ok"), &json!(["INBOX", "Sprzedaż"])));
    let starttls = json!({ "security": "starttls", "port": dovecot.plain.port() });
    assert_eq!(tried(starttls).await["outcome"], "ok");
    let strange = tried(json!({ "fingerprint": null })).await;
    assert_eq!((&strange["outcome"], &strange["fingerprint"]), (&json!("tls"), &json!(dovecot.fingerprint)));
    assert_eq!(tried(json!({ "fingerprint": "00".repeat(32) })).await["outcome"], "tls");
    let wrong = tried(json!({ "secret": "wrong" })).await;
    assert_eq!(wrong["outcome"], "login_refused");
    assert!(wrong["words"].as_str().unwrap().contains("Authentication failed"), "{wrong}");
    assert_eq!(tried(json!({ "login": "xoauth2" })).await["outcome"], "login_refused");
    let missing = tried(json!({ "folders": ["Nowhere"] })).await;
    assert_eq!((&missing["outcome"], missing["folders"].as_array().unwrap().len()), (&json!("folder_missing"), 2));
    assert_eq!(tried(json!({ "after": "move", "move_to": "Nowhere" })).await["outcome"], "folder_missing");
    assert_eq!(tried(json!({ "port": 1 })).await["outcome"], "unreachable");
    server.stop().await;

    let server = TestServer::start().await;
    let owner = server.owner().await;
    let inside = owner.post("/channels/check", json!({ "imap": dovecot.body() })).await.expect(200);
    assert_eq!(inside["outcome"], "unreachable", "nobody looks about in a private network");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_is_taken_once_however_often_the_process_is_killed() {
    const MAILS: usize = 120;
    let dovecot = Dovecot::start();
    dovecot.drop_in((0..MAILS).map(|number| letter(&format!("Mail {number:03}"))));
    let dir = tempfile::tempdir().unwrap();
    process::add_owner(dir.path());
    let serve = || {
        Process::serve_with(dir.path(), |command| {
            command.env("FRONTDESK_IMAP__PRIVATE_NETWORKS", "127.0.0.1/32");
        })
    };
    let mut running = serve();
    let sign_in = async |running: &Process| {
        let mut owner = Client::new(running.http);
        owner.sign_in("ewa@desk.example", PASSWORD).await.expect(201);
        owner
    };
    let owner = sign_in(&running).await;
    owner.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    connect(&owner, with(dovecot.body(), json!({ "since": "2020-01-01T00:00:00Z" }))).await;
    for round in 1..=5_u64 {
        tokio::time::sleep(std::time::Duration::from_millis(round * 97)).await;
        running.kill();
        running = serve();
    }
    let owner = sign_in(&running).await;
    let expected: Vec<String> = (0..MAILS).map(|number| format!("Mail {number:03}")).collect();
    let start = std::time::Instant::now();
    loop {
        let mut found = Vec::new();
        let mut path = String::from("/conversations?limit=100");
        loop {
            let page = owner.get(&path).await.expect(200);
            found.extend(
                page["items"].as_array().unwrap().iter().map(|row| row["subject"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/conversations?limit=100&cursor={next}");
        }
        found.sort();
        if found == expected {
            break;
        }
        assert!(found.len() <= MAILS && start.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    running.kill();
}
