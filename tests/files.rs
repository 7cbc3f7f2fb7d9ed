//! Files: those of a mail as they were attached, kept apart from it, and given to nobody who has signed out.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestServer, smtp};

const HELLO: &str = "hello@desk.example";
/// Pictures in the text of the large mail.
const PICTURES: usize = 40;

/// A mail with a file of 600,000 bytes and small pictures, and how the file is written in it.
fn large() -> (String, String) {
    let line = format!("{}\r\n", "x".repeat(73));
    let file = line.repeat(8000);
    let mut mail = format!(
        "From: a@b.example\r\nTo: {HELLO}\r\nSubject: Large\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>see</p>\r\n\
         --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\n{file}"
    );
    for n in 0..PICTURES {
        let part = format!(
            "\r\n--b\r\nContent-Type: image/gif; name={n}.gif\r\nContent-ID: <{n}@x>\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nR0lGODlhAQABAAAAACw="
        );
        mail.push_str(&part);
    }
    mail.push_str("\r\n--b--\r\n");
    (mail, file)
}

/// The file of that many bytes under a directory.
fn of_size(dir: &Path, size: u64) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.into_iter().find_map(|entry| {
        let about = entry.metadata().unwrap();
        if about.is_dir() { of_size(&entry.path(), size) } else { (about.len() == size).then(|| entry.path()) }
    })
}

async fn attachments(client: &Client, conversation: u64) -> Vec<Value> {
    let page = client.get(&format!("/conversations/{conversation}/messages")).await.expect(200);
    page["items"][0]["attachments"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_a_file_of_a_large_mail_does_not_read_the_mail() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    owner.post("/inboxes", json!({ "name": "Wholesale" })).await.expect(201);
    let (mail, file) = large();
    let to = [HELLO, "wholesale@desk.example"];
    smtp::send(server.smtp(), "a@b.example", &to, mail.as_bytes()).await.unwrap();
    server.filed().await;
    let raw = owner.get("/messages/1/raw").await;
    assert!(raw.bytes == mail.as_bytes(), "the mail is kept as it came");
    // Out of reach, it is not missed.
    let path = of_size(&server.dir().join("blobs"), mail.len() as u64).expect("the mail has a file of its own");
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    for conversation in [1, 2] {
        let files = attachments(&owner, conversation).await;
        assert_eq!(files.len(), PICTURES + 1);
        for one in files {
            let got = owner.get(&format!("/attachments/{}", one["id"])).await;
            assert_eq!(got.status, 200, "{one}");
            assert_eq!(got.bytes.len() as u64, one["size"].as_u64().unwrap());
            if one["name"] == "plan.pdf" {
                assert!(got.bytes == file.as_bytes());
            } else {
                assert_eq!(got.headers["content-type"], "image/gif");
            }
        }
    }
    std::fs::rename(&away, &path).unwrap();
    // Each conversation goes with its own rows; what both name stays until the second is gone.
    let first = attachments(&owner, 1).await[0]["id"].clone();
    let second = attachments(&owner, 2).await[0]["id"].clone();
    owner.patch("/conversations/1", json!({ "place": "trash" })).await.expect(200);
    server.pass(31 * 86_400).await;
    let owner = server.owner().await;
    server
        .until_it("the trash is emptied", async || owner.get(&format!("/attachments/{first}")).await.status == 404)
        .await;
    assert!(owner.get(&format!("/attachments/{second}")).await.bytes == file.as_bytes());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_asked_for_each_time_and_sent_once() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let file = owner.upload("a.txt", "text/plain", b"Words".to_vec()).await.expect(201)["attachment"]["id"].clone();
    let path = format!("/attachments/{file}");
    let got = owner.get(&path).await;
    assert_eq!((got.status, got.headers["cache-control"].to_str().unwrap()), (200, "private, no-cache"));
    let tag = got.headers["etag"].to_str().unwrap();
    let again = owner.finish(owner.request(Method::GET, &path).header("if-none-match", tag)).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    assert_eq!(
        (&again.headers["etag"], &again.headers["cache-control"]),
        (&got.headers["etag"], &got.headers["cache-control"])
    );
    let other = owner.finish(owner.request(Method::GET, &path).header("if-none-match", "\"1\"")).await;
    assert_eq!((other.status, other.bytes.as_slice()), (200, b"Words".as_slice()));
    // The browser has it still, and does not show it to who comes next.
    owner.delete("/sessions/current").await.expect(204);
    let gone = owner.finish(owner.request(Method::GET, &path).header("if-none-match", tag)).await;
    gone.refused(401, "unauthorized");
    server.stop().await;
}
