//! Who may read the data directory: its user alone, whatever others set up around it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::support::process::{self, Process};
use crate::support::smtp::{self, Smtp};
use crate::support::{Client, PASSWORD, PATIENCE, TestServer, mail};

const HELLO: &str = "hello@desk.example";

/// What others may do with what lies below `dir`, path by path.
fn open_to_others(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            found.push(format!("{} {mode:o}", path.display()));
        }
        if metadata.is_dir() {
            found.extend(open_to_others(&path));
        }
    }
    found
}

/// As most systems have it: what is made may be read by everybody.
fn usual_umask() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
}

fn large() -> String {
    mail("jan@shop.example", "Large", &"A line of a large mail, again and again.\n".repeat(10_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_read_what_a_server_wrote() {
    usual_umask();
    let dir = tempfile::tempdir().unwrap();
    // Made beforehand, as an administrator would.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    process::add_owner(dir.path());
    let server = Process::serve(dir.path());
    let mut owner = Client::new(server.http);
    owner.sign_in("ewa@desk.example", PASSWORD).await.expect(201);
    owner.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    let mut smtp = Smtp::greeted(server.smtp).await;
    let small = mail("jan@shop.example", "Small", "Hello.");
    for mail in [&small, &large()] {
        smtp.deliver("jan@shop.example", &[HELLO], mail.as_bytes()).await.unwrap();
    }
    let start = std::time::Instant::now();
    while owner.get("/search?q=again").await.json()["items"].as_array().is_none_or(Vec::is_empty) {
        assert!(start.elapsed() < PATIENCE, "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    process::told(dir.path(), &["backup", dir.path().join("backup").to_str().unwrap()], "");
    assert_eq!(open_to_others(dir.path()), [""; 0], "while it runs");
    assert!(server.terminate().0.success());
    assert_eq!(open_to_others(dir.path()), [""; 0], "after it ran");
    let copy = tempfile::tempdir().unwrap();
    process::told(copy.path(), &["restore", dir.path().join("backup").to_str().unwrap()], "");
    assert_eq!(open_to_others(copy.path()), [""; 0], "restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_and_the_index_are_private_whatever_the_umask() {
    usual_umask();
    let server = TestServer::start().await;
    server.receive("jan@shop.example", HELLO, &mail("jan@shop.example", "Small", "Hello.")).await;
    smtp::send(server.smtp(), "jan@shop.example", &[HELLO], large().as_bytes()).await.unwrap();
    server.filed().await;
    assert_eq!(open_to_others(&server.dir().join("blobs")), [""; 0]);
    for name in ["blobs", "search", "run"] {
        let mode = std::fs::metadata(server.dir().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
    server.stop().await;
}
