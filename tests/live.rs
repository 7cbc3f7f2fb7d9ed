//! The live socket: what happens is seen at once, and nothing is missed by who was away.

use frontdesk::domain::Role;
use serde_json::{Value, json};

use crate::support::{Client, Live, TestServer, mail, mail_with};

const HELLO: &str = "hello@desk.example";

async fn write_in(server: &TestServer, from: &str, subject: &str) {
    server.receive(from, HELLO, &mail(from, subject, "Some words")).await;
}

async fn now(client: &Client) -> u64 {
    client.get("/conversations").await.expect(200)["change"].as_u64().unwrap()
}

/// The same frames by asking for them.
async fn changes_after(client: &Client, mut after: u64) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let page = client.get(&format!("/changes?after={after}")).await.expect(200);
        frames.extend(page["items"].as_array().unwrap().iter().cloned());
        if page["last"] == after {
            return frames;
        }
        after = page["last"].as_u64().unwrap();
    }
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_mail_is_seen_as_conversation_message_and_counts() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let mut live = Live::of(&owner, server.http(), None).await;
    write_in(&server, "a@b.example", "News").await;
    let frames = live.until("counts", |frame| frame["type"] == "counts" && frame["views"]["all"] == 1).await;
    let of = |kind: &str| frames.iter().find(|frame| frame["type"] == kind).unwrap();
    assert_eq!(of("conversation")["conversation"]["subject"], "News");
    assert_eq!(of("conversation")["conversation"]["unread"], true);
    assert_eq!(of("message")["message"]["text"], "Some words\n");
    assert_eq!((&of("counts")["unread"], &of("counts")["views"]["unassigned"]), (&json!(1), &json!(1)));
    // A change of the agent's own is seen by their other pages as well.
    let id = of("conversation")["conversation"]["id"].clone();
    owner.patch(&format!("/conversations/{id}"), json!({ "unread": false })).await.expect(200);
    live.until("it is read", |frame| frame["conversation"]["unread"] == false).await;
    owner.post("/inboxes", json!({ "name": "Wholesale" })).await.expect(201);
    live.until("the inbox", |frame| frame["type"] == "inboxes").await;
    owner.patch("/me", json!({ "language": "pl" })).await.expect(200);
    let frames = live.until("the agent", |frame| frame["type"] == "me").await;
    assert!(types(&frames).contains(&"agents"), "{frames:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_misses_nothing_even_over_a_restart() {
    let mut server = TestServer::start().await;
    let owner = server.owner().await;
    write_in(&server, "a@b.example", "First").await;
    let seen = now(&owner).await;
    let first = owner.get("/conversations").await.expect(200)["items"][0]["id"].clone();
    let live = Live::of(&owner, server.http(), None).await;
    drop(live);
    for subject in ["Second", "Third"] {
        write_in(&server, "a@b.example", subject).await;
    }
    owner.patch(&format!("/conversations/{first}"), json!({ "tags": ["late"] })).await.expect(200);
    let mut live = Live::of(&owner, server.http(), Some(seen)).await;
    let all = |frame: &Value| frame["type"] == "counts";
    let frames = live.until("everything", all).await;
    let subjects = |frames: &[Value]| -> Vec<String> {
        let rows = frames.iter().filter(|frame| frame["type"] == "conversation");
        rows.map(|frame| frame["conversation"]["subject"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(subjects(&frames), ["First", "Second", "Third"]);
    assert_eq!(frames, changes_after(&owner, seen).await);
    // The server stops: the socket ends, and whoever comes back is told the rest.
    let last = frames.last().unwrap()["change"].as_u64().unwrap();
    write_in(&server, "a@b.example", "Fourth").await;
    server.restart().await;
    live.rest().await;
    write_in(&server, "a@b.example", "Fifth").await;
    let owner = server.owner().await;
    let mut live = Live::of(&owner, server.http(), Some(last)).await;
    let frames = live.until("everything", all).await;
    assert_eq!(subjects(&frames), ["Fourth", "Fifth"]);
    assert_eq!(frames, changes_after(&owner, last).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_does_not_fit_the_log_means_reload() {
    let server = TestServer::start().await;
    write_in(&server, "a@b.example", "Old").await;
    let owner = server.owner().await;
    // A backup was put back: the page has seen more than there is.
    let ahead = now(&owner).await + 1000;
    let mut live = Live::of(&owner, server.http(), Some(ahead)).await;
    assert_eq!(live.next().await.unwrap()["type"], "reset");
    owner.get(&format!("/changes?after={ahead}")).await.refused(410, "changes_trimmed");
    // From then on all is as usual.
    write_in(&server, "a@b.example", "New").await;
    live.until("the new one", |frame| frame["conversation"]["subject"] == "New").await;
    // The log is kept for 30 days.
    server.pass(31 * 86_400).await;
    let owner = server.owner().await;
    server.until_it("the log is trimmed", async || owner.get("/changes?after=0").await.status == 410).await;
    let mut live = Live::of(&owner, server.http(), Some(0)).await;
    assert_eq!(live.next().await.unwrap()["type"], "reset");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_pages_and_agents_get_in() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let agent = owner.get("/me").await.json()["agent"]["id"].as_u64().unwrap();
    let bearer = format!("Bearer {}", server.token(agent, true).await);
    let (cookie, ours) = (owner.cookie().to_owned(), format!("http://{}", server.http()));
    let evil = "http://evil.example";
    let table: [(&[(&str, &str)], Option<u16>); 10] = [
        (&[("cookie", &cookie), ("origin", &ours)], None),
        (&[("authorization", &bearer)], None),
        (&[("cookie", &cookie)], Some(403)),
        (&[("cookie", &cookie), ("origin", evil)], Some(403)),
        (&[("cookie", &cookie), ("origin", "null")], Some(403)),
        (&[("cookie", &cookie), ("origin", &ours), ("origin", evil)], Some(403)),
        (&[("cookie", &cookie), ("authorization", &bearer), ("origin", evil)], Some(403)),
        (&[], Some(401)),
        (&[("origin", &ours)], Some(401)),
        (&[("cookie", "frontdesk=made-up"), ("origin", &ours)], Some(401)),
    ];
    for (headers, expected) in table {
        let headers: Vec<(&'static str, &str)> = headers
            .iter()
            .map(|(name, value)| {
                (["cookie", "origin", "authorization"].into_iter().find(|known| known == name).unwrap(), *value)
            })
            .collect();
        let status = Live::open(server.http(), None, &headers).await.err();
        assert_eq!(status, expected, "{headers:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_ends_with_the_session() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let id = server.add_agent("Jan Kos", "jan@desk.example", Role::Agent).await;
    let open = async || {
        let jan = server.sign_in("jan@desk.example").await;
        let live = Live::of(&jan, server.http(), None).await;
        (jan, live)
    };
    // Signed out: what happens then is not told any more.
    let (jan, mut live) = open().await;
    jan.delete("/sessions/current").await.expect(204);
    write_in(&server, "a@b.example", "Secret").await;
    assert_eq!(live.rest().await, Vec::<Value>::new());
    // A new password ends the other sessions.
    let (jan, mut live) = open().await;
    let (other, mut own) = open().await;
    let password = json!({ "password": { "current": crate::support::PASSWORD, "new": crate::support::PASSWORD } });
    other.patch("/me", password).await.expect(200);
    assert_eq!(live.rest().await, Vec::<Value>::new());
    own.until("the agent", |frame| frame["type"] == "me").await;
    jan.get("/me").await.refused(401, "unauthorized");
    // Switched off.
    owner.patch(&format!("/agents/{id}"), json!({ "active": false })).await.expect(200);
    own.rest().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_is_gone() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let id = server.add_restricted("Jan Kos", "jan@desk.example").await;
    let jan = server.sign_in("jan@desk.example").await;
    write_in(&server, "a@b.example", "Order").await;
    write_in(&server, "x@y.example", "Foreign").await;
    let page = owner.get("/conversations").await.expect(200);
    let of = |subject: &str| {
        let rows = page["items"].as_array().unwrap();
        format!("/conversations/{}", rows.iter().find(|row| row["subject"] == subject).unwrap()["id"])
    };
    let (order, foreign) = (of("Order"), of("Foreign"));
    let from = now(&owner).await;
    let mut live = Live::of(&jan, server.http(), None).await;
    owner.patch(&order, json!({ "assignee": id })).await.expect(200);
    live.until("it is given", |frame| frame["conversation"]["subject"] == "Order").await;
    let counts = live.until("counts", |frame| frame["type"] == "counts").await;
    assert_eq!(counts.last().unwrap()["views"]["all"], 1);
    owner.patch(&order, json!({ "assignee": null })).await.expect(200);
    let frames = live.until("counts", |frame| frame["type"] == "counts").await;
    let gone = frames.iter().find(|frame| frame["type"] == "gone").unwrap();
    assert_eq!(format!("/conversations/{}", gone["conversation_id"]), order);
    jan.get(&order).await.refused(404, "not_found");
    // What is said in it and elsewhere is not told.
    let comment = json!({ "client_id": "1", "kind": "comment", "text": "between us" });
    owner.post(&format!("{order}/messages"), comment.clone()).await.expect(201);
    owner.post(&format!("{foreign}/messages"), comment).await.expect(201);
    owner.patch(&foreign, json!({ "assignee": id })).await.expect(200);
    let frames = live.until("it is given", |frame| frame["conversation"]["subject"] == "Foreign").await;
    let told = frames.iter().filter(|frame| frame["type"] == "message" && frame["message"]["kind"] == "comment");
    assert!(told.count() <= 1, "{frames:#?}");
    assert!(frames.iter().all(|frame| frame["conversation"]["subject"] != "Order"), "{frames:#?}");
    let asked = changes_after(&jan, from).await;
    assert!(asked.iter().all(|frame| frame["conversation"]["subject"] != "Order"), "{asked:#?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_ends_when_the_session_has_run_out() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let mut live = Live::of(&owner, server.http(), None).await;
    server.pass(31 * 86_400).await;
    write_in(&server, "a@b.example", "Secret").await;
    let told = live.rest().await;
    assert!(told.iter().all(|frame| frame["type"] == "ping"), "{told:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_broke_off_comes_again_whole() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let mut seen = now(&owner).await;
    for subject in ["First", "Second", "Third"] {
        write_in(&server, "a@b.example", subject).await;
    }
    // Three conversations, three messages, counts, and the end: the line breaks behind each of them.
    let mut whole = Vec::new();
    for length in 1..=8 {
        let mut live = Live::of(&owner, server.http(), Some(seen)).await;
        let before = seen;
        whole.clear();
        for _ in 0..length {
            let frame = live.next().await.unwrap();
            if frame["type"] == "caught_up" {
                seen = frame["change"].as_u64().unwrap();
            }
            whole.push(frame);
        }
        assert_eq!(seen > before, length == 8, "{whole:#?}");
    }
    let told = whole.iter().filter(|frame| frame["type"] == "message").count();
    assert_eq!((told, types(&whole).last().copied(), seen), (3, Some("caught_up"), now(&owner).await));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_says_is_short_and_without_effect() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let mut live = Live::of(&owner, server.http(), None).await;
    live.say("x".repeat(4096)).await;
    write_in(&server, "a@b.example", "News").await;
    live.until("it goes on", |frame| frame["conversation"]["subject"] == "News").await;
    live.say("x".repeat(4097)).await;
    live.rest().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_mail_arrives_cut_and_can_be_had_whole() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let mut live = Live::of(&owner, server.http(), None).await;
    let line = format!("{}\n", "\"".repeat(70));
    server.receive("a@b.example", HELLO, &mail("a@b.example", "Long", &line.repeat((3 << 20) / 71))).await;
    let mut frames = live.until("the mail", |frame| frame["message"]["kind"] == "inbound").await;
    let message = frames.pop().unwrap()["message"].take();
    let length = |message: &Value| message["text"].as_str().unwrap().len();
    assert_eq!((&message["cut"], length(&message)), (&json!(true), 256 << 10));
    let path = format!("/messages/{}", message["id"]);
    let whole = owner.get(&path).await.expect(200)["message"].take();
    assert_eq!(whole["cut"], false);
    assert!(length(&whole) > 1_000_000, "{}", length(&whole));
    // Nobody else's.
    server.add_restricted("Jan Kos", "jan@desk.example").await;
    server.sign_in("jan@desk.example").await.get(&path).await.refused(404, "not_found");
    // The same socket goes on.
    write_in(&server, "a@b.example", "Next").await;
    live.until("the next one", |frame| frame["conversation"]["subject"] == "Next").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_threads_come_in_pages_and_batches_of_bearable_size() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let from = now(&owner).await;
    let mut text = format!("{}\n", "long words ".repeat(6)).repeat((300 << 10) / 67);
    for number in 0..20 {
        let headers = format!("Message-ID: <{number}@b.example>\r\nIn-Reply-To: <0@b.example>\r\n");
        text.push_str(&number.to_string());
        server.receive("a@b.example", HELLO, &mail_with("a@b.example", "Order", &headers, &text)).await;
    }
    let listed = owner.get("/conversations").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let thread = format!("/conversations/{}/messages", listed["items"][0]["id"]);
    let said = |items: &Value| -> Vec<u64> {
        let items = items.as_array().unwrap().iter().filter(|item| item["kind"] == "inbound");
        items.map(|item| item["id"].as_u64().unwrap()).collect()
    };
    let (mut ids, mut pages, mut before) = (Vec::new(), 0, String::new());
    loop {
        let page = owner.get(&format!("{thread}?limit=200{before}")).await.expect(200);
        assert!(page.to_string().len() < 5 << 20);
        pages += 1;
        ids.extend(said(&page["items"]).into_iter().rev());
        if page["earlier"] == false {
            break;
        }
        before = format!("&before={}", page["items"][0]["id"]);
    }
    assert!(pages == 2 && ids.len() == 20 && ids.is_sorted_by(|a, b| a > b), "{pages} {ids:?}");
    // What happened comes in batches of the same size.
    let (mut told, mut after) = (std::collections::BTreeSet::new(), from);
    loop {
        let page = owner.get(&format!("/changes?after={after}")).await.expect(200);
        assert!(page.to_string().len() < 5 << 20);
        let frames = page["items"].as_array().unwrap();
        told.extend(frames.iter().filter_map(|frame| frame["message"]["id"].as_u64()));
        if page["last"] == after {
            break;
        }
        after = page["last"].as_u64().unwrap();
    }
    assert!(ids.iter().all(|id| told.contains(id)), "{told:?}");
    server.stop().await;
}
