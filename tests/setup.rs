//! The first run: a one-time link makes one owner, once.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::process::{self, Process};
use crate::support::{Client, PATIENCE, TestServer};

fn form(token: &str, number: usize) -> Value {
    json!({
        "token": token, "workspace_name": "Tarnina", "name": "Ewa Lis", "email": format!("ewa{number}@desk.example"),
        "password": "correct horse battery", "inbox_name": "Hello", "language": "pl",
    })
}

async fn link(server: &TestServer) -> String {
    server.running().desk.open_setup().await.unwrap().expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_makes_an_owner_who_is_signed_in() {
    let server = TestServer::start_empty(|_| {}).await;
    let (old, token) = (link(&server).await, link(&server).await);
    let client = server.anonymous();
    for wrong in ["", "x", &old, &token[1..], &format!("{token}x")] {
        client.get(&format!("/setup?token={wrong}")).await.refused(404, "not_found");
        client.post("/setup", form(wrong, 1)).await.refused(404, "not_found");
    }
    assert_eq!(client.get(&format!("/setup?token={token}")).await.expect(200)["needed"], true);
    // What is not acceptable does not spend the link.
    for (field, value) in [("password", "short"), ("email", "no address"), ("name", " "), ("language", "xx")] {
        let mut wrong = form(&token, 1);
        wrong[field] = json!(value);
        assert_eq!(client.post("/setup", wrong).await.refused(400, "invalid")["field"], field);
    }
    let done = client.post("/setup", form(&token, 1)).await;
    assert_eq!(done.expect(201)["agent"]["role"], "owner");
    let cookie = done.headers["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap();
    let owner = server.anonymous().with_session(cookie);
    let me = owner.get("/me").await.expect(200);
    assert_eq!((&me["workspace"]["name"], &me["language"]), (&json!("Tarnina"), &json!("pl")));
    assert_eq!(owner.get("/inboxes").await.json()["items"][0]["fallback_address"], "hello@desk.example");
    // It is spent, and no other one opens the door again.
    for spent in [token, link(&server).await] {
        client.get(&format!("/setup?token={spent}")).await.refused(404, "not_found");
        client.post("/setup", form(&spent, 2)).await.refused(404, "not_found");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_owner() {
    let server = TestServer::start_empty(|_| {}).await;
    let token = link(&server).await;
    let client = server.anonymous();
    let tries = (0..20).map(|number| client.post("/setup", form(&token, number)));
    let answers = futures_util::future::join_all(tries).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(404)), (1, 19));
    let rows = server.running().desk.store.read().unwrap();
    use frontdesk::store::Rows;
    assert_eq!(rows.all::<frontdesk::domain::Agent>().unwrap().len(), 1);
    assert_eq!(rows.all::<frontdesk::domain::Inbox>().unwrap().len(), 1);
    drop(rows);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_tells_the_link_to_its_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run/setup-link.txt");
    let read = || std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
    let wait = async || {
        let start = std::time::Instant::now();
        loop {
            if let Some(link) = read() {
                return link;
            }
            assert!(start.elapsed() < PATIENCE);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let server = Process::serve(dir.path());
    let first = wait().await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(first.starts_with(&format!("http://{}/set-up#", server.http)), "{first}");
    assert!(server.terminate().0.success());
    assert!(!file.exists());
    // The next start makes a new one; once it is used, there is none.
    let server = Process::serve(dir.path());
    let second = wait().await;
    let said = || server.said().contains(second.trim());
    let start = std::time::Instant::now();
    while !said() {
        assert!(start.elapsed() < PATIENCE, "{}", server.said());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(server.log().contains("run/setup-link.txt") && !server.log().contains("set-up#"), "{}", server.log());
    let token = |link: &str| link.trim().split_once('#').unwrap().1.to_owned();
    let client = Client::new(server.http);
    client.post("/setup", form(&token(&first), 1)).await.refused(404, "not_found");
    client.post("/setup", form(&token(&second), 1)).await.expect(201);
    assert!(server.terminate().0.success());
    let server = Process::serve(dir.path());
    Client::new(server.http).get(&format!("/setup?token={}", token(&second))).await.refused(404, "not_found");
    assert!(!file.exists());
    assert!(server.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_does_not_get_the_link() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::serve_with(dir.path(), |command| {
        command.env("JOURNAL_STREAM", "8:1234");
    });
    let start = std::time::Instant::now();
    while !server.log().contains("run/setup-link.txt") {
        assert!(start.elapsed() < PATIENCE, "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    server.ask_to_end();
    let (status, printed) = server.ended_with_all();
    assert!(status.success() && !printed.contains("set-up#"), "{printed}");
}

#[test]
fn listening_beyond_this_machine_without_tls_is_warned_of_once() {
    for (listen, proxies, warned) in
        [("0.0.0.0:0", None, 1), ("[::]:0", None, 1), ("127.0.0.1:0", None, 0), ("0.0.0.0:0", Some("10.0.0.1"), 0)]
    {
        let dir = tempfile::tempdir().unwrap();
        let server = Process::serve_with(dir.path(), |command| {
            command.env("FRONTDESK_HTTP__LISTEN", listen);
            command.envs(proxies.map(|proxies| ("FRONTDESK_HTTP__TRUSTED_PROXIES", proxies)));
        });
        let (status, log) = server.terminate();
        assert!(status.success());
        assert_eq!(log.matches("without TLS").count(), warned, "{listen} {proxies:?}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_agent_of_the_command_line_comes_with_an_inbox() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().join("data");
    // What begins nothing makes no directory.
    let typo = process::run(&here, &["token", "create", "--agent", "ewa@desk.example"], "");
    assert!(!typo.status.success() && !here.exists());
    let server = Process::serve(&here);
    let write = async |to: &str| {
        let letter = crate::support::mail("a@b.example", "Hi", "there");
        crate::support::smtp::send(server.smtp, "a@b.example", &[to], letter.as_bytes()).await
    };
    for role in ["postmaster@desk.example", "postmaster", "abuse@desk.example"] {
        assert!(write(role).await.unwrap_err().starts_with("451"), "{role}");
    }
    let add = |email: &'static str| {
        let arguments = ["agent", "add", "--email", email, "--name", "Ewa Lis", "--role", "owner", "--password-stdin"];
        process::told(&here, &arguments, crate::support::PASSWORD)
    };
    assert_eq!(add("ewa@desk.example"), "added ewa@desk.example (owner) and the inbox Office: office@desk.example");
    assert_eq!(add("ala@desk.example"), "added ala@desk.example (owner)");
    for to in ["postmaster@desk.example", "postmaster", "office@desk.example"] {
        write(to).await.unwrap();
    }
    assert!(server.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_never_starts_on_an_installation() {
    let dir = tempfile::tempdir().unwrap();
    process::add_owner(dir.path());
    let demo = process::run(dir.path(), &["demo"], "");
    let words = String::from_utf8_lossy(&demo.stderr).into_owned();
    assert!(!demo.status.success() && words.contains("not a demo's"), "{words}");
    assert!(!dir.path().join("outbox").exists());
}

#[test]
fn who_reads_only_the_head_of_a_document_is_not_told_off() {
    for command in ["openapi", "config"] {
        let mut child = process::start(process::frontdesk(std::path::Path::new("nowhere")).arg(command)).unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && words.is_empty(), "{command}: {words}");
    }
}
