//! Settings of the workspace: the relay and its password.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Client, TestServer};

/// A port that counts who comes; who comes is sent away.
fn relay() -> (u16, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, came)
}

async fn try_relay(owner: &Client) {
    owner.post("/settings/relay/test", json!({ "to": "x@far.example" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relays_password_is_told_to_no_other_server() {
    let server = TestServer::start_with(|config| config.relay = None).await;
    let owner = server.owner().await;
    let ((ours, came), (other, came_elsewhere)) = (relay(), relay());
    let first = json!({ "host": "127.0.0.1", "port": ours, "tls": "none", "username": "ewa", "password": "secret" });
    owner.put("/settings/relay", first.clone()).await.expect(200);
    let without = |changes: Value| {
        let mut body = first.clone();
        body.as_object_mut().unwrap().remove("password");
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    for changes in [
        json!({ "host": "localhost" }),
        json!({ "port": other }),
        json!({ "tls": "starttls" }),
        json!({ "username": "jan" }),
    ] {
        let refused = owner.put("/settings/relay", without(changes.clone())).await.refused(400, "invalid");
        assert_eq!((&refused["field"], &refused["reason"]), (&json!("password"), &json!("required")), "{changes}");
    }
    let kept = owner.put("/settings/relay", without(json!({}))).await.expect(200);
    assert_eq!((&kept["port"], &kept["has_password"]), (&json!(ours), &json!(true)));
    try_relay(&owner).await;
    assert_eq!((came.load(Ordering::SeqCst), came_elsewhere.load(Ordering::SeqCst)), (1, 0));
    // Nobody signs in: nothing is required, and nothing is kept.
    let nobody = owner.put("/settings/relay", without(json!({ "username": null, "port": other }))).await.expect(200);
    assert_eq!(nobody["has_password"], false);
    owner.put("/settings/relay", without(json!({ "port": other }))).await.refused(400, "invalid");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_as_it_should_be_is_told_by_its_member() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    for (path, body, field, reason) in [
        ("/sessions", json!({ "email": "ewa@desk.example" }), "password", "required"),
        ("/inboxes", json!({ "name": [] }), "name", "malformed"),
        ("/conversations", json!([]), "body", "malformed"),
        (
            "/conversations",
            json!({ "inbox": 1, "client_id": "a", "subject": "s", "to": [{ "email": "a@b.example" }, { "name": "B" }] }),
            "to.1.email",
            "required",
        ),
    ] {
        let refused = owner.post(path, body.clone()).await.refused(400, "invalid");
        assert_eq!((&refused["field"], &refused["reason"]), (&json!(field), &json!(reason)), "{body}: {refused}");
    }
    server.stop().await;
}
