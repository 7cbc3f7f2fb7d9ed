//! Searching: operators, two languages, what the asker may see, and an index that can be lost at any time.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::api::encoded;
use crate::support::process::{self, Process};
use crate::support::{Client, PATIENCE, TestServer, mail, mail_with, smtp};

/// Subjects of what is found, sorted.
async fn found(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/search?limit=100&q={}", encoded(query))).await.expect(200);
    let subject = |row: &Value| row["subject"].as_str().unwrap().to_owned();
    let mut subjects: Vec<String> = page["items"].as_array().unwrap().iter().map(subject).collect();
    subjects.sort();
    subjects
}

/// Four conversations: closed in English with a file, open in Polish elsewhere, spam, and one of the restricted agent's.
async fn filled() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    owner.post("/inboxes", json!({ "name": "Wholesale" })).await.expect(201);
    let olga = server.add_restricted("Olga Mała", "olga@desk.example").await;
    let parts = "Content-Type: multipart/mixed; boundary=b\r\n";
    let body = "--b\nContent-Type: text/plain\n\nPlease send the tents we ordered.\n--b\nContent-Disposition: attachment; filename=list.txt\n\nx\n--b--";
    let with_file = mail_with("Alice Stone <alice@far.example>", "Invoice 204", parts, body).replacen(
        "Content-Type: text/plain; charset=utf-8\r\n",
        "",
        1,
    );
    let polish = mail("Zażółć Gęś <bob@far.example>", "Reklamacja", "Namiot przecieka, proszę o zwrot pieniędzy.");
    let spam = mail("carol@evil.example", "Bargain", "An offer of tents");
    let other = mail("dan@far.example", "Delivery", "When do the tents arrive?");
    for (letter, to) in [(with_file, "hello"), (polish, "wholesale"), (spam, "hello"), (other, "hello")] {
        server.receive("x@far.example", &format!("{to}@desk.example"), &letter).await;
    }
    let page = owner.get("/conversations").await.expect(200);
    let patch = async |subject: &str, body: Value| {
        let row = page["items"].as_array().unwrap().iter().find(|row| row["subject"] == subject).unwrap();
        owner.patch(&format!("/conversations/{}", row["id"]), body).await.expect(200)["conversation"].clone()
    };
    patch("Bargain", json!({ "place": "spam" })).await;
    patch("Delivery", json!({ "assignee": olga })).await;
    let row = patch("Invoice 204", json!({ "tags": ["urgent"], "assignee": 1 })).await;
    let said = json!({ "client_id": "1", "kind": "reply", "text": "They left today.", "and_close": true });
    owner.post(&format!("/conversations/{}/messages", row["id"]), said).await.expect(201);
    server.indexed().await;
    (server, owner)
}

/// Queries and what they find.
const TABLE: [(&str, &[&str]); 41] = [
    ("tent", &["Delivery", "Invoice 204"]),
    ("TENTS", &["Delivery", "Invoice 204"]),
    ("ordering ", &["Invoice 204"]),
    ("namioty ", &["Reklamacja"]),
    ("namiotem ", &["Reklamacja"]),
    ("reklamacje ", &["Reklamacja"]),
    ("prosze ", &["Reklamacja"]),
    ("pieniedzy", &["Reklamacja"]),
    ("zazolc", &["Reklamacja"]),
    ("przec", &["Reklamacja"]),
    ("tents -ordered", &["Delivery"]),
    ("namiot OR ordered", &["Invoice 204", "Reklamacja"]),
    ("\"send the tents\"", &["Invoice 204"]),
    ("\"the send tents\"", &[]),
    ("left today", &["Invoice 204"]),
    ("left is:sent", &["Invoice 204"]),
    ("left is:received", &[]),
    ("from:alice", &["Invoice 204"]),
    ("from:stone", &["Invoice 204"]),
    ("from:far.example is:open", &["Delivery", "Reklamacja"]),
    ("to:alice", &["Invoice 204"]),
    ("to:hello is:open", &["Delivery", "Reklamacja"]),
    ("subject:invoice", &["Invoice 204"]),
    ("subject:tents", &[]),
    ("204", &["Invoice 204"]),
    ("is:closed", &["Invoice 204"]),
    ("is:open", &["Delivery", "Reklamacja"]),
    ("has:attachment", &["Invoice 204"]),
    ("inbox:wholesale", &["Reklamacja"]),
    ("-inbox:wholesale tents", &["Delivery", "Invoice 204"]),
    ("assignee:me", &["Invoice 204"]),
    ("assignee:olga", &["Delivery"]),
    ("assignee:none", &["Reklamacja"]),
    ("tag:urgent", &["Invoice 204"]),
    ("tag:URGENT", &["Invoice 204"]),
    ("tag:none", &[]),
    ("after:2026-03-01 tents", &["Delivery", "Invoice 204"]),
    ("before:2026-03-01 tents", &[]),
    ("offer", &[]),
    ("offer is:spam", &["Bargain"]),
    ("is:spam OR offer", &["Bargain"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn words_and_operators_find_what_they_say() {
    let (server, owner) = filled().await;
    let mut wrong = Vec::new();
    for (query, expected) in TABLE {
        let found = found(&owner, query).await;
        if found != expected {
            wrong.push(format!("{query:?} finds {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for query in
        ["is:nothing", "inbox:unknown", "assignee:nobody", "before:tomorrowish", "has:nothing", &"x".repeat(1001)]
    {
        let answer = owner.get(&format!("/search?q={}", encoded(query))).await;
        assert_eq!(answer.refused(400, "invalid")["field"], "q", "{query}");
    }
    // Days begin at the asker's midnight: at nine in London the second of March has not begun in Pago Pago.
    for (zone, expected) in [("", 0), ("&tz=Europe%2FWarsaw", 0), ("&tz=Pacific%2FPago_Pago", 2)] {
        let path = format!("/search?q={}{zone}", encoded("before:2026-03-02 tents"));
        let page = owner.get(&path).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{zone}");
    }
    let nowhere = owner.get("/search?q=tents&tz=Mars%2FOlympus").await.refused(400, "invalid");
    assert_eq!(nowhere["field"], "tz");
    // The words found are marked, and nothing in a snippet is markup.
    let hostile = mail("x@far.example", "Markup", "before <img src=x onerror=alert(1)> behind & done");
    server.receive("x@far.example", "hello@desk.example", &hostile).await;
    server.indexed().await;
    let page = owner.get("/search?q=onerror").await.expect(200);
    let snippet = page["items"][0]["hit"]["snippet"].as_str().unwrap().to_owned();
    assert!(snippet.contains("<img src=x \u{1}onerror\u{2}=alert(1)>"), "{snippet:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_asker_may_see_is_found() {
    let (server, owner) = filled().await;
    let olga = server.sign_in("olga@desk.example").await;
    for query in
        ["tents", "is:open", "-nothing", "namiot OR tents OR ordered", "(is:open OR is:closed)", "from:far.example"]
    {
        assert_eq!(found(&olga, query).await, ["Delivery"], "{query}");
    }
    for query in ["is:spam", "namiot", "assignee:none", "assignee:me ordered", "has:attachment", "tag:urgent"] {
        assert_eq!(found(&olga, query).await, [""; 0], "{query}");
    }
    // What is taken away is not found from that moment on, however far the index is.
    let page = owner.get("/conversations?assignee=2").await.expect(200);
    let path = format!("/conversations/{}", page["items"][0]["id"]);
    owner.patch(&path, json!({ "assignee": null })).await.expect(200);
    assert_eq!(found(&olga, "tents").await, [""; 0]);
    server.indexed().await;
    assert_eq!(found(&olga, "tents").await, [""; 0]);
    owner.patch(&path, json!({ "assignee": 2 })).await.expect(200);
    server.indexed().await;
    assert_eq!(found(&olga, "tents").await, ["Delivery"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_in_pages_newest_first() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    for number in 0..23 {
        let from = format!("p{number}@far.example");
        server.receive(&from, "hello@desk.example", &mail(&from, &format!("Page {number:02}"), "needle")).await;
        if number % 3 == 0 {
            server.clock.advance_millis(1000);
        }
    }
    server.indexed().await;
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = owner.get(&format!("/search?q=needle&limit=5{cursor}")).await.expect(200);
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let times: Vec<_> = rows.iter().map(|row| row["last_activity_at"].to_string()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| row["id"].as_u64()).collect();
    assert_eq!((rows.len(), ids.len()), (23, 23));
    owner.get("/search?q=needle&cursor=x").await.refused(400, "invalid");
    server.stop().await;
}

/// What every query of the table finds.
async fn everything(client: &Client) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for (query, _) in TABLE {
        all.push(found(client, query).await);
    }
    all
}

/// Spoils an index: every second file is cut in half, or filled with other bytes.
fn tear(dir: &Path, cut: bool) {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 4, "{files:?}");
    for file in files.iter().step_by(2).filter(|file| file.is_file()) {
        let bytes = std::fs::read(file).unwrap();
        let bytes = if cut { bytes[..bytes.len() / 2].to_vec() } else { vec![0x5a; bytes.len()] };
        std::fs::write(file, bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_torn_index_is_made_anew() {
    let (mut server, owner) = filled().await;
    let before = everything(&owner).await;
    let damages: [(&str, fn(&Path)); 6] = [
        ("deleted", |dir| std::fs::remove_dir_all(dir).unwrap()),
        ("empty", |dir| {
            std::fs::remove_dir_all(dir).unwrap();
            std::fs::create_dir(dir).unwrap();
        }),
        ("cut short", |dir| tear(dir, true)),
        ("overwritten", |dir| tear(dir, false)),
        ("without its list", |dir| std::fs::remove_file(dir.join("meta.json")).unwrap()),
        ("half thrown away", |dir| std::fs::rename(dir, dir.with_file_name("search.old")).unwrap()),
    ];
    for (name, damage) in damages {
        server.restart_after(|dir| damage(&dir.join("search"))).await;
        server.until("the index is there", || !server.running().indexer.is_filling()).await;
        server.indexed().await;
        assert_eq!(everything(&server.owner().await).await, before, "{name}");
    }
    assert!(!server.dir().join("search.old").exists());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_from_after_a_restored_backup_is_made_anew() {
    let (mut server, owner) = filled().await;
    let before = everything(&owner).await;
    let mut kept = Vec::new();
    server.restart_after(|dir| kept = std::fs::read(dir.join("frontdesk.redb")).unwrap()).await;
    for number in 0..5 {
        let letter = mail("late@far.example", &format!("Late {number}"), "afterwards tents");
        server.receive("late@far.example", "hello@desk.example", &letter).await;
    }
    server.indexed().await;
    server.restart_after(|dir| std::fs::write(dir.join("frontdesk.redb"), &kept).unwrap()).await;
    let owner = server.owner().await;
    server.receive("new@far.example", "hello@desk.example", &mail("new@far.example", "Anew", "reborn")).await;
    server.indexed().await;
    server.until_it("the new mail is found", async || found(&owner, "reborn").await == ["Anew"]).await;
    assert_eq!(
        everything(&owner).await,
        before.iter().zip(TABLE).map(|(found, (query, _))| with_new(found, query)).collect::<Vec<_>>()
    );
    assert_eq!(found(&owner, "afterwards").await, [""; 0]);
    server.stop().await;
}

/// What a query finds once the new mail is there.
fn with_new(found: &[String], query: &str) -> Vec<String> {
    let finds_new = ["is:open", "to:hello is:open", "assignee:none", "from:far.example is:open"].contains(&query);
    let mut found = found.to_vec();
    found.extend(finds_new.then(|| String::from("Anew")));
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn reindex_fills_the_index_from_the_store() {
    let dir = tempfile::tempdir().unwrap();
    process::add_owner(dir.path());
    let server = Process::serve(dir.path());
    let mut owner = Client::new(server.http);
    owner.sign_in("ewa@desk.example", crate::support::PASSWORD).await.expect(201);
    owner.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    for number in 0..3 {
        let letter = mail("a@far.example", &format!("Reindex {number}"), "needle");
        smtp::send(server.smtp, "a@far.example", &["hello@desk.example"], letter.as_bytes()).await.unwrap();
    }
    let wait = async |client: &Client| {
        let start = std::time::Instant::now();
        while found(client, "needle").await.len() < 3 {
            assert!(start.elapsed() < PATIENCE, "the index is not filled");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    wait(&owner).await;
    let beside = process::run(dir.path(), &["reindex"], "");
    let words = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(!beside.status.success() && words.starts_with("frontdesk: cannot open the data"), "{words}");
    assert_eq!(found(&owner, "needle").await.len(), 3);
    assert!(server.terminate().0.success());
    tear(&dir.path().join("search"), true);
    assert!(process::told(dir.path(), &["reindex"], "").starts_with("indexed 3 messages"));
    let server = Process::serve(dir.path());
    let mut owner = Client::new(server.http);
    owner.sign_in("ewa@desk.example", crate::support::PASSWORD).await.expect(201);
    wait(&owner).await;
    assert!(server.terminate().0.success());
}

/// A thread of 300 long mails is not read whole, or to its end, before the index has seen any of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_taken_in_message_by_message_and_can_be_stopped_between_two() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    server.receive("a@b.example", "hello@desk.example", &mail("a@b.example", "Long", "walnuts")).await;
    for n in 0..9 {
        let comment = json!({ "client_id": n.to_string(), "kind": "comment", "text": "hazelnuts" });
        owner.post("/conversations/1/messages", comment).await.expect(201);
    }
    server.indexed().await;
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::clone(&server.running().desk.store);
    let settings = frontdesk::search::Settings::default();
    let (index, _) = frontdesk::search::Index::open(&dir.path().join("search"), settings).unwrap();
    let indexer = frontdesk::search::Indexer::new(Arc::new(index), Arc::clone(&store));
    indexer.catch_up(*store.committed().borrow(), &|| false).unwrap();
    let before = indexer.index().change();
    owner.patch("/conversations/1", json!({ "tags": ["nuts"] })).await.expect(200);
    let last = *store.committed().borrow();
    let asked = Cell::new(0);
    let stopped = || {
        asked.set(asked.get() + 1);
        asked.get() > 5
    };
    indexer.catch_up(last, &stopped).unwrap();
    assert_eq!(indexer.index().change(), before, "it was stopped in the middle of the thread");
    assert!(asked.get() < 10, "{} messages were read after it was stopped", asked.get());
    indexer.catch_up(last, &|| false).unwrap();
    assert_eq!((indexer.index().change(), indexer.index().message_count()), (last, 10));
    drop((indexer, store));
    server.stop().await;
}
