//! The demo, as a newcomer starts it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::api::Client;
use crate::support::process::Process;
use crate::support::{PATIENCE, mail, smtp};

/// What stands behind a word at the start of a line.
fn word(said: &str, before: &str) -> String {
    let line = said.lines().find_map(|line| line.trim_start().strip_prefix(before));
    line.unwrap_or_else(|| panic!("no {before}: {said}")).split_whitespace().next().unwrap().to_owned()
}

async fn subjects(client: &Client) -> Vec<String> {
    let list = client.get("/conversations?limit=100").await.expect(200);
    let subject = |one: &Value| one["subject"].as_str().unwrap_or_default().to_owned();
    list["items"].as_array().unwrap().iter().map(subject).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_starts_is_tried_and_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(dir.path());
    let said = demo.said();
    let email = word(&said, "sign in");
    let mut client = Client::new(demo.http);
    client.sign_in(&email, &word(&said, &format!("sign in    {email}  with the password"))).await.expect(201);
    let before = subjects(&client).await;
    assert!(before.len() > 20, "{before:?}");

    let to = word(&said, "send mail  to");
    let letter = mail("anna@example.org", "A tent for four", "Do you have one?");
    smtp::send(demo.smtp, "anna@example.org", &[&to], letter.as_bytes()).await.unwrap();
    let begun = std::time::Instant::now();
    while !subjects(&client).await.iter().any(|subject| subject == "A tent for four") {
        assert!(begun.elapsed() < PATIENCE, "the mail is not in the list");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let outbox = word(&said, "replies    end in");
    assert!(Path::new(&outbox).starts_with(dir.path()), "{outbox}");
    let (status, log) = demo.terminate();
    assert!(status.success(), "{log}");
    assert!(!log.contains("ERROR"), "{log}");

    let demo = Process::demo(dir.path());
    let mut client = Client::new(demo.http);
    client.sign_in(&email, "tarnina-demo").await.expect(201);
    assert!(subjects(&client).await.iter().any(|subject| subject == "A tent for four"));
    assert!(demo.terminate().0.success());
}
