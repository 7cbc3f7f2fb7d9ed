//! Signing in and out: what it tells, when it is braked, what ends it, and that no secret is ever logged.

use frontdesk::config::PublicUrl;
use frontdesk::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::process::{self, Process};
use crate::support::{Client, PASSWORD, TestServer, api::Answer, mail, smtp};

const NEW: &str = "a new password entirely";

async fn try_in(server: &TestServer, email: &str, password: &str) -> Answer {
    server.anonymous().sign_in(email, password).await
}

/// What of an answer can be compared.
fn seen(answer: &Answer) -> (u16, Value, Vec<String>) {
    let names = answer.headers.keys().map(|name| name.to_string());
    (answer.status, answer.json(), names.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_unknown_and_switched_off_look_the_same() {
    let server = TestServer::start().await;
    let id = server.add_agent("Jan Kos", "jan@desk.example", Role::Agent).await;
    server.owner().await.patch(&format!("/agents/{id}"), json!({ "active": false })).await.expect(200);
    let wrong = try_in(&server, "ewa@desk.example", "not the password").await;
    wrong.refused(401, "unauthorized");
    assert!(wrong.headers.get("set-cookie").is_none());
    let unknown = try_in(&server, "nobody@desk.example", PASSWORD).await;
    let off = try_in(&server, "jan@desk.example", PASSWORD).await;
    assert_eq!(seen(&wrong), seen(&unknown));
    assert_eq!(seen(&wrong), seen(&off));
    // Neither case nor spaces around the address matter.
    try_in(&server, " EWA@desk.example ", PASSWORD).await.expect(201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_braked_and_nobody_is_locked_out_for_good() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        try_in(&server, "ewa@desk.example", "guess").await.refused(401, "unauthorized");
    }
    let mut waits = Vec::new();
    for _ in 0..20 {
        let answer = try_in(&server, "ewa@desk.example", "guess").await;
        if answer.status == 401 {
            continue;
        }
        let wait = answer.refused(429, "rate_limited")["retry_after"].as_i64().unwrap();
        waits.push(wait);
        // The right password has to wait as well, or guessing would go on.
        try_in(&server, "ewa@desk.example", PASSWORD).await.refused(429, "rate_limited");
        server.clock.advance_millis(wait * 1000);
    }
    assert!(waits.len() >= 9, "{waits:?}");
    assert!(waits.is_sorted() && waits[0] <= 2, "{waits:?}");
    assert!((60..=900).contains(waits.last().unwrap()), "{waits:?}");
    // Who waits gets in, and starts anew.
    try_in(&server, "ewa@desk.example", "guess").await;
    server.clock.advance_millis(901_000);
    try_in(&server, "ewa@desk.example", PASSWORD).await.expect(201);
    try_in(&server, "ewa@desk.example", "guess").await.refused(401, "unauthorized");
    try_in(&server, "ewa@desk.example", PASSWORD).await.expect(201);
    // A session that is open does not feel the brake.
    let owner = server.owner().await;
    for _ in 0..7 {
        try_in(&server, "ewa@desk.example", "guess").await;
    }
    owner.get("/me").await.expect(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_at_once_are_braked_like_tries_in_a_row() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let hashed = || server.running().desk.access.hashed();
    let before = hashed();
    let tries = (0..50).map(|_| try_in(&server, "ewa@desk.example", "guess"));
    let answers = futures_util::future::join_all(tries).await;
    let wrong = answers.iter().filter(|answer| answer.status == 401).count();
    assert!(answers.iter().all(|answer| matches!(answer.status, 401 | 429)));
    assert_eq!((wrong, hashed() - before), (6, 6), "five that are free, and one that brings the wait");
    // Neither other accounts nor who is signed in feel it.
    server.add_agent("Jan Kos", "jan@desk.example", Role::Agent).await;
    let jan = server.sign_in("jan@desk.example").await;
    // The password is asked for again when it is changed, and guessing it there is no better.
    let change = |current: &str| json!({ "password": { "current": current, "new": NEW } });
    for _ in 0..6 {
        owner.patch("/me", change("guess")).await.refused(400, "invalid");
    }
    owner.patch("/me", change(PASSWORD)).await.refused(429, "rate_limited");
    jan.patch("/me", change(PASSWORD)).await.expect(200);
    server.clock.advance_millis(2000);
    owner.patch("/me", change(PASSWORD)).await.expect(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_nobody_has_costs_one_hash_as_well() {
    let server = TestServer::start().await;
    for email in ["ewa@desk.example", "nobody@desk.example"] {
        let before = server.running().desk.access.hashed();
        let answer = try_in(&server, email, "guess").await.refused(401, "unauthorized");
        assert_eq!(answer["detail"], "wrong e-mail or password");
        assert_eq!(server.running().desk.access.hashed() - before, 1, "{email}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_out_of_reach_and_signing_out_ends_it() {
    let server = TestServer::start().await;
    let mut client = server.anonymous();
    let answer = client.sign_in("ewa@desk.example", PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let mut parts = cookie.split("; ");
    assert!(parts.next().unwrap().starts_with("frontdesk="));
    assert_eq!(parts.collect::<Vec<_>>(), ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=2592000"]);
    assert!(!String::from_utf8(answer.bytes).unwrap().contains(client.cookie().split_once('=').unwrap().1));
    let other = server.owner().await;
    let out = client.delete("/sessions/current").await;
    out.expect(204);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    client.get("/me").await.refused(401, "unauthorized");
    other.get("/me").await.expect(200);
    // Another site cannot sign anybody out or in.
    let evil = |method, path| other.request(method, path).header("origin", "http://evil.example");
    other.finish(evil(Method::DELETE, "/sessions/current")).await.refused(403, "bad_origin");
    other.get("/me").await.expect(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let ours = PublicUrl::parse("https://desk.example");
    let server = TestServer::start_empty(|config| config.http.public_url = ours).await;
    let id = server.add_agent("Ewa Lis", "ewa@desk.example", Role::Owner).await;
    let client = server.anonymous();
    let request = |method, path, cookie: &str| {
        let request = client.request(method, path).header("host", "desk.example");
        let request = request.header("origin", "https://desk.example");
        if cookie.is_empty() { request } else { request.header("cookie", cookie) }
    };
    let body = json!({ "email": "ewa@desk.example", "password": PASSWORD });
    let answer = client.finish(request(Method::POST, "/sessions", "").json(&body)).await;
    answer.expect(201);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-frontdesk=") && cookie.ends_with("; Secure"), "{cookie}");
    let own = cookie.split(';').next().unwrap();
    client.finish(request(Method::GET, "/me", own)).await.expect(200);
    // A neighbour under the same domain can set the plain name: it does not count.
    let plain = format!("frontdesk={}", server.token(id, false).await);
    client.finish(request(Method::GET, "/me", &plain)).await.refused(401, "unauthorized");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lasts_while_it_is_used() {
    let server = TestServer::start().await;
    let used = server.owner().await;
    let idle = server.owner().await;
    for _ in 0..4 {
        server.clock.advance_millis(20 * 86_400_000);
        let me = used.get("/me").await;
        me.expect(200);
        // The browser is told as well, or it would drop the cookie.
        let cookie = me.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with(used.cookie()) && cookie.ends_with("Max-Age=2592000"), "{cookie}");
        assert!(used.get("/me").await.headers.get("set-cookie").is_none(), "once a day at most");
    }
    idle.get("/me").await.refused(401, "unauthorized");
    server.clock.advance_millis(31 * 86_400_000);
    used.get("/me").await.refused(401, "unauthorized");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_what_was_open_before() {
    let server = TestServer::start().await;
    let (here, there) = (server.owner().await, server.owner().await);
    let id = here.get("/me").await.json()["agent"]["id"].as_u64().unwrap();
    let token = server.anonymous().with_token(&server.token(id, true).await);
    let change = |current: &str, new: &str| json!({ "password": { "current": current, "new": new } });
    let wrong = here.patch("/me", change("not it at all", NEW)).await.refused(400, "invalid");
    assert_eq!(wrong["field"], "password.current");
    let short = here.patch("/me", change(PASSWORD, "short")).await.refused(400, "invalid");
    assert!(short["field"].as_str().unwrap().starts_with("password"), "{short}");
    for client in [&here, &there, &token] {
        client.get("/me").await.expect(200);
    }
    here.patch("/me", change(PASSWORD, NEW)).await.expect(200);
    here.get("/me").await.expect(200);
    there.get("/me").await.refused(401, "unauthorized");
    token.get("/me").await.refused(401, "unauthorized");
    try_in(&server, "ewa@desk.example", PASSWORD).await.refused(401, "unauthorized");
    try_in(&server, "ewa@desk.example", NEW).await.expect(201);
    // One that a manager sets ends them all.
    let jan = server.add_agent("Jan Kos", "jan@desk.example", Role::Agent).await;
    let session = server.sign_in("jan@desk.example").await;
    here.patch(&format!("/agents/{jan}"), json!({ "password": NEW })).await.expect(200);
    session.get("/me").await.refused(401, "unauthorized");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_token_and_sessions_are_not_without_number() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let id = owner.get("/me").await.json()["agent"]["id"].as_u64().unwrap();
    let first = server.owner().await;
    // With the two above there are 101: the oldest goes.
    let rest = futures_util::future::join_all((0..99).map(|_| server.token(id, false))).await;
    owner.get("/me").await.refused(401, "unauthorized");
    first.get("/me").await.expect(200);
    let tokens = futures_util::future::join_all((0..501).map(|_| server.token(id, true))).await;
    let with = |token: &String| server.anonymous().with_token(token);
    with(&tokens[500]).get("/me").await.expect(200);
    let change = json!({ "password": { "current": PASSWORD, "new": NEW } });
    first.patch("/me", change).await.expect(200);
    first.get("/me").await.expect(200);
    for token in [&rest[0], &rest[98], &tokens[0], &tokens[499], &tokens[500]] {
        with(token).get("/me").await.refused(401, "unauthorized");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_whole_or_nothing() {
    let server = TestServer::start().await;
    let id = server.owner().await.get("/me").await.json()["agent"]["id"].as_u64().unwrap();
    let token = server.token(id, true).await;
    let with = |token: &str| server.anonymous().with_token(token);
    assert!(token.len() >= 43, "at least 256 bits");
    with(&token).get("/me").await.expect(200);
    for wrong in ["", "x", &token[1..], &format!("{token}x"), &token.to_uppercase()] {
        with(wrong).get("/me").await.refused(401, "unauthorized");
    }
    // A token outlives any session.
    server.clock.advance_millis(400 * 86_400_000);
    with(&token).get("/me").await.expect(200);
    let request = server.anonymous().request(Method::GET, &format!("/me?token={token}"));
    server.anonymous().finish(request).await.refused(401, "unauthorized");
    server.stop().await;
}

/// Marked words that must not be found in the log.
struct Marks {
    password: String,
    token: String,
    cookie: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_even_at_trace() {
    let dir = tempfile::tempdir().unwrap();
    let agent = ["agent", "add", "--email", "ewa@desk.example", "--name", "Ewa", "--role", "owner", "--password-stdin"];
    process::told(dir.path(), &agent, "marked-password-1");
    let server = Process::serve_with(dir.path(), |command| {
        command.env("FRONTDESK_LOG", "trace");
    });
    let token = process::told(dir.path(), &["token", "create", "--agent", "ewa@desk.example"], "");
    let mut owner = Client::new(server.http);
    owner.sign_in("ewa@desk.example", "marked-password-1").await.expect(201);
    let cookie = owner.cookie().split_once('=').unwrap().1.to_owned();
    let marks = Marks { password: String::from("marked-password"), token, cookie };
    let own = format!("{}-own", marks.password);
    Client::new(server.http).sign_in("ewa@desk.example", "marked-password-2").await.expect(401);
    Client::new(server.http).with_token(&marks.token).get("/me").await.expect(200);
    let change = json!({ "password": { "current": "marked-password-1", "new": own } });
    owner.patch("/me", change).await.expect(200);
    owner.post("/inboxes", json!({ "name": "Hello" })).await.expect(201);
    let relay = json!({ "host": "127.0.0.1", "port": 1, "tls": "none", "username": "u", "password": own });
    owner.put("/settings/relay", relay).await.expect(200);
    owner.post("/settings/relay/test", json!({ "to": "x@far.example" })).await.expect(200);
    let letter = mail("x@far.example", "marked-subject", "marked-body of a mail");
    smtp::send(server.smtp, "x@far.example", &["hello@desk.example"], letter.as_bytes()).await.unwrap();
    let start = std::time::Instant::now();
    let id = loop {
        let page = owner.get("/conversations").await.expect(200);
        if let Some(row) = page["items"].get(0) {
            break row["id"].clone();
        }
        assert!(start.elapsed() < crate::support::PATIENCE);
    };
    let messages = format!("/conversations/{id}/messages");
    owner.get(&messages).await.expect(200);
    let reply = json!({ "client_id": "1", "kind": "reply", "text": "marked-body of a reply" });
    owner.post(&messages, reply).await.expect(201);
    owner.put(&format!("/conversations/{id}/draft?kind=comment"), json!({ "text": "marked-body" })).await.expect(200);
    owner.get("/search?q=marked-body").await.expect(200);
    let (status, log) = server.terminate();
    assert!(status.success(), "{status}");
    assert!(log.contains("DEBUG") && log.contains("took a mail"), "it logs everything: {log}");
    assert!(!log.contains('\u{1b}'), "no colours but on a terminal");
    for mark in [marks.password.as_str(), "marked-body", "marked-subject", &marks.token, &marks.cookie] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(mark)).collect();
        assert!(lines.is_empty(), "{mark} is in the log: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_and_revoked_beside_a_server_and_without_one() {
    let dir = tempfile::tempdir().unwrap();
    process::add_owner(dir.path());
    let token = |arguments: &[&str]| process::told(dir.path(), &[&["token"], arguments].concat(), "");
    assert_eq!(token(&["list"]), "");
    let first = token(&["create", "--agent", "ewa@desk.example"]);
    let server = Process::serve(dir.path());
    let second = token(&["create", "--agent", "ewa@desk.example"]);
    let clients = [&first, &second].map(|token| Client::new(server.http).with_token(token));
    // A session is no token.
    let mut page = Client::new(server.http);
    page.sign_in("ewa@desk.example", PASSWORD).await.expect(201);
    let listed = token(&["list", "--agent", "ewa@desk.example"]);
    let ids: Vec<&str> = listed.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{listed}");
    assert!(listed.lines().all(|line| line.ends_with("\tewa@desk.example")), "{listed}");
    assert!(!listed.contains(&first) && !listed.contains(&second), "{listed}");
    for client in &clients {
        client.get("/me").await.expect(200);
    }
    assert_eq!(token(&["revoke", ids[0]]), format!("token {} is revoked", ids[0]));
    clients[0].get("/me").await.refused(401, "unauthorized");
    clients[1].get("/me").await.expect(200);
    for wrong in [ids[0], "999"] {
        let output = process::run(dir.path(), &["token", "revoke", wrong], "");
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no token"));
    }
    page.get("/me").await.expect(200);
    assert!(server.terminate().0.success());
    token(&["revoke", ids[1]]);
    assert_eq!(token(&["list"]), "");
    let unknown = process::run(dir.path(), &["token", "list", "--agent", "x@desk.example"], "");
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_signed_in_sends_little() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    let body = |size: usize| json!({ "email": "ewa@desk.example", "password": "x".repeat(size) });
    for path in ["/sessions", "/setup"] {
        assert_eq!(client.post(path, body(17_000)).await.status, 413, "{path}");
    }
    assert_ne!(client.post("/sessions", body(15_000)).await.status, 413);
    server.stop().await;
}
