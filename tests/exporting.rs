//! Exporting with the program's own command, beside a running server, and bringing the mail into another installation.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::{self, Process};
use crate::support::{Client, PASSWORD, TestServer, mail};

/// The lines of a file of the export.
fn lines(dir: &Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join(format!("{name}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What can be compared of the mails of all threads that came or went: kind, subject, and the date of those that came.
async fn threads(client: &Client, view: &str) -> Vec<Vec<String>> {
    let page = client.get(&format!("/conversations?view={view}&limit=100")).await.expect(200);
    let mut all = Vec::new();
    for row in page["items"].as_array().unwrap() {
        let thread = client.get(&format!("/conversations/{}/messages", row["id"])).await.expect(200);
        let has_gone = |it: &&Value| it["kind"] == "inbound" || it["delivery"]["state"] == "sent";
        let date = |it: &Value| if it["kind"] == "inbound" { it["date"].to_string() } else { String::new() };
        let told = |it: &Value| format!("{} {} {}", it["kind"], it["subject"], date(it));
        let mut mails: Vec<_> = thread["items"].as_array().unwrap().iter().filter(has_gone).map(told).collect();
        mails.sort();
        all.push(mails);
    }
    all.sort();
    all
}

/// A server with a thread that has a file, a comment with another, a reply, and a reply that was taken back.
async fn lived_in() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let letter = "From: Oliver <oliver@fell.example>\r\nTo: hello@desk.example\r\nSubject: Rain covers\r\n\
        Date: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <1@fell.example>\r\nMIME-Version: 1.0\r\n\
        Authentication-Results: desk.example; dkim=pass\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nFrom here to there, żółw\r\n\
        --b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n--b--\r\n";
    server.receive("oliver@fell.example", "hello@desk.example", letter).await;
    server.receive("eve@far.example", "hello@desk.example", &mail("eve@far.example", "Poles", "How long?")).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    let is_it = |row: &&Value| row["subject"] == "Rain covers";
    let id = page["items"].as_array().unwrap().iter().find(is_it).unwrap()["id"].as_u64().unwrap();
    let path = format!("/conversations/{id}/messages");
    let note = owner.upload("note.txt", "text/plain", b"a secret note".to_vec()).await.expect(201);
    let note = note["attachment"]["id"].clone();
    let comment = json!({ "client_id": "1", "kind": "comment", "text": "Who knows?", "attachments": [note] });
    owner.post(&path, comment).await.expect(201);
    let oops = owner.post(&path, json!({ "client_id": "2", "kind": "reply", "text": "Oops" })).await.expect(201);
    owner.post(&format!("/messages/{}/cancel", oops["message"]["id"]), json!({})).await.expect(200);
    owner.post(&path, json!({ "client_id": "3", "kind": "reply", "text": "On Thursday." })).await.expect(201);
    server.pass(11).await;
    server.until("the reply has arrived", || !server.sink.arrived().is_empty()).await;
    let sent = async || {
        let thread = owner.get(&path).await.expect(200);
        thread["items"].as_array().unwrap().iter().any(|message| message["delivery"]["state"] == "sent")
    };
    server.until_it("the reply is sent", sent).await;
    (server, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_can_be_read_and_imported_elsewhere() {
    let (server, owner) = lived_in().await;
    let files = tempfile::tempdir().unwrap();
    let out = files.path().join("out");
    let told = process::told(server.dir(), &["export", out.to_str().unwrap()], "");
    assert!(told.contains("messages.jsonl: "), "{told}");

    let messages = lines(&out, "messages");
    let kinds = |kind: &str| messages.iter().filter(|message| message["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((kinds("inbound").len(), kinds("outbound").len(), kinds("comment").len()), (2, 2, 1));
    assert!(!kinds("event").is_empty());
    assert!(kinds("inbound").iter().all(|message| message["mbox"] == "hello.mbox"));
    assert_eq!(kinds("inbound")[0]["attachments"][0]["name"], "a.csv");
    assert!(kinds("inbound")[0]["text"].as_str().unwrap().starts_with("From here to there, żółw"));
    let reply = kinds("outbound").into_iter().find(|message| message["delivery"]["state"] == "sent").unwrap();
    assert_eq!((&reply["to"][0]["email"], &reply["text"]), (&json!("oliver@fell.example"), &json!("On Thursday.")));
    let comment = kinds("comment")[0];
    let file = comment["attachments"][0]["file"].as_str().unwrap();
    assert_eq!(std::fs::read(out.join("files").join(file)).unwrap(), b"a secret note");
    assert_eq!(lines(&out, "conversations").len(), 2);
    assert_eq!(lines(&out, "contacts").len(), 2);
    assert_eq!(lines(&out, "inboxes")[0]["address"], "hello@desk.example");
    assert_eq!(lines(&out, "agents")[0]["email"], "ewa@desk.example");

    let mbox = std::fs::read_to_string(out.join("mail/hello.mbox")).unwrap();
    assert_eq!(mbox.lines().filter(|line| line.starts_with("From ")).count(), 3, "{mbox}");
    assert!(mbox.contains(">From here to there") && !mbox.contains("dkim=pass") && !mbox.contains("Oops"));
    for file in std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
        let text = std::fs::read_to_string(&file).unwrap();
        for secret in ["argon2", "password", "token", "secret_key"] {
            assert!(!text.contains(secret), "{secret} in {}", file.display());
        }
    }

    let before = threads(&owner, "all").await;
    server.stop().await;
    let elsewhere = tempfile::tempdir().unwrap();
    process::add_owner(elsewhere.path());
    let path = out.join("mail/hello.mbox");
    let arguments = ["import", "mbox", path.to_str().unwrap(), "--inbox", "office", "--own", "hello@desk.example"];
    let told = process::told(elsewhere.path(), &arguments, "");
    assert!(told.starts_with("3 imported"), "{told}");
    let server = Process::serve(elsewhere.path());
    let mut client = Client::new(server.http);
    client.sign_in("ewa@desk.example", PASSWORD).await.expect(201);
    assert_eq!(threads(&client, "closed").await, before);
    assert!(server.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_inbox_alone_and_what_cannot_be_exported_is_said() {
    let (server, owner) = lived_in().await;
    owner.post("/inboxes", json!({ "name": "Returns" })).await.expect(201);
    server.receive("a@b.example", "returns@desk.example", &mail("a@b.example", "Back", "It leaks")).await;
    let files = tempfile::tempdir().unwrap();
    let out = files.path().join("out");
    let path = out.to_str().unwrap();
    process::told(server.dir(), &["export", path, "--inbox", "returns@desk.example"], "");
    assert_eq!(lines(&out, "conversations")[0]["subject"], "Back");
    let counts = ["inboxes", "conversations", "contacts", "messages"].map(|name| lines(&out, name).len());
    assert_eq!(counts, [1, 1, 1, 1]);
    assert!(!out.join("mail/hello.mbox").exists() && out.join("mail/returns.mbox").exists());
    for (arguments, words) in [
        (["export", path, "--inbox", "hello"], "is there already"),
        (["export", "/proc/nowhere/x", "--inbox", "hello"], "cannot make /proc/nowhere/x"),
        (["export", "else", "--inbox", "nobody"], "there is no inbox \"nobody\""),
    ] {
        let output = process::run(server.dir(), &arguments, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
    }
    server.stop().await;
}
