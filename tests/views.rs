//! Lists, filters and counts, and what time does to conversations.

use std::collections::BTreeSet;

use frontdesk::domain::Role;
use frontdesk::store::Table;
use serde_json::{Value, json};

use crate::support::smtp::Smtp;
use crate::support::{Client, TestServer, mail};

const HELLO: &str = "hello@desk.example";
const DAY: i64 = 86_400;

/// Brings `count` conversations in, over one connection for each fifty.
async fn many(server: &TestServer, name: &str, count: usize) {
    for first in (0..count).step_by(50) {
        let mut smtp = Smtp::greeted(server.smtp()).await;
        for number in first..count.min(first + 50) {
            let from = format!("{name}-{number}@far.example");
            let letter = mail(&from, &format!("{name} {number}"), "Words");
            smtp.deliver(&from, &[HELLO], letter.as_bytes()).await.unwrap();
        }
    }
    server.filed().await;
}

fn ids(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// All rows of a list, by its cursors.
async fn all(client: &Client, filter: &str, limit: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/conversations?limit={limit}&{filter}{cursor}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        rows.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

async fn patch(client: &Client, id: u64, body: Value) {
    client.patch(&format!("/conversations/{id}"), body).await.expect(200);
}

async fn row(client: &Client, id: u64) -> Value {
    client.get(&format!("/conversations/{id}")).await.expect(200)["conversation"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_every_conversation_once_while_mail_comes_in() {
    let server = TestServer::start().await;
    for batch in ["one", "two", "three"] {
        many(&server, batch, 15).await;
        server.clock.advance_millis(1);
    }
    let owner = server.owner().await;
    let before: BTreeSet<u64> = ids(&owner.get("/conversations?limit=200").await.expect(200)).into_iter().collect();
    assert_eq!(before.len(), 45);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for number in 0.. {
        let page = owner.get(&format!("/conversations?limit=7{cursor}")).await.expect(200);
        seen.extend(ids(&page));
        let from = format!("new-{number}@far.example");
        server.receive(&from, HELLO, &mail(&from, "New", "Words")).await;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 45);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), before);
    let times: Vec<_> = all(&owner, "", 9).await.iter().map(|row| row["last_activity_at"].to_string()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
    for wrong in ["x", "1", "1.x", "99999999999999999999.1"] {
        assert_eq!(
            owner.get(&format!("/conversations?cursor={wrong}")).await.refused(400, "invalid")["field"],
            "cursor"
        );
    }
    server.stop().await;
}

/// Thirty conversations, as different as they come; the owner, an agent, one who sees only what is theirs.
async fn mixed() -> (TestServer, [Client; 3]) {
    let server = TestServer::start().await;
    let ala = server.add_agent("Ala Nowak", "ala@desk.example", Role::Agent).await;
    let olga = server.add_restricted("Olga Mała", "olga@desk.example").await;
    let owner = server.owner().await;
    let second = owner.post("/inboxes", json!({ "name": "Wholesale" })).await.expect(201)["id"].clone();
    many(&server, "c", 30).await;
    let own = owner.get("/me").await.json()["agent"]["id"].clone();
    for (at, id) in ids(&owner.get("/conversations?limit=100").await.json()).into_iter().enumerate() {
        let assignee = [json!(null), own.clone(), json!(ala), json!(olga)][at % 4].clone();
        let mut body = json!({
            "assignee": assignee,
            "tags": if at % 3 == 0 { vec!["late"] } else { vec![] },
            "unread": at % 5 != 0,
        });
        if at % 2 == 1 {
            body["inbox"] = second.clone();
        }
        match at % 7 {
            1 => body["state"] = json!("closed"),
            2 => body["snoozed_until"] = json!("2026-03-20T09:00:00Z"),
            3 => body["place"] = json!("spam"),
            4 => body["place"] = json!("trash"),
            5 => body["place"] = json!("filtered"),
            _ => {}
        }
        if at % 6 == 0 {
            let said = json!({ "client_id": format!("{id}"), "kind": "reply", "text": "Hello" });
            owner.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
        }
        patch(&owner, id, body).await;
    }
    let clients = [owner, server.sign_in("ala@desk.example").await, server.sign_in("olga@desk.example").await];
    (server, clients)
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_out_and_in_what_they_say() {
    let (server, clients) = mixed().await;
    let me = [1, 2, 3].map(|id| json!(id));
    for (client, me) in clients.iter().zip(me) {
        let mut everything = Vec::new();
        for place in ["inbox", "filtered", "spam", "trash"] {
            everything.extend(all(client, &format!("place={place}"), 100).await);
        }
        assert_eq!(everything.len(), if me == 3 { 7 } else { 30 });
        let contact = everything[0]["contact"]["id"].clone();
        let contact_filter = format!("contact={contact}");
        type Fits = Box<dyn Fn(&Value) -> bool>;
        let table: Vec<(&str, Fits)> = vec![
            ("", Box::new(|_| true)),
            ("state=open", Box::new(|row| row["state"] == "open")),
            ("state=snoozed", Box::new(|row| row["state"] == "snoozed")),
            ("state=closed", Box::new(|row| row["state"] == "closed")),
            ("inbox=2", Box::new(|row| row["inbox"] == 2)),
            ("tag=late", Box::new(|row| row["tags"] == json!(["late"]))),
            ("tag=nothing", Box::new(|_| false)),
            ("assignee=none", Box::new(|row| row["assignee"].is_null())),
            (
                "assignee=me",
                Box::new({
                    let me = me.clone();
                    move |row| row["assignee"] == me
                }),
            ),
            (
                "assignee=2&inbox=1&state=open",
                Box::new(|row| row["assignee"] == 2 && row["inbox"] == 1 && row["state"] == "open"),
            ),
            ("view=sent", Box::new(|row| row["last"]["kind"] == "outbound")),
        ];
        for (filter, fits) in table {
            for place in ["inbox", "filtered", "spam", "trash"] {
                if filter == "view=sent" && place != "inbox" {
                    continue;
                }
                let expected =
                    everything.iter().filter(|row| row["place"] == place && fits(row)).map(|row| row["id"].clone());
                let found = all(client, &format!("place={place}&{filter}"), 3).await;
                let found: Vec<_> = found.iter().map(|row| row["id"].clone()).collect();
                let in_order = all(client, &format!("place={place}&{filter}"), 100).await;
                assert_eq!(found, in_order.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), "{filter}: pages");
                let sorted = |ids: Vec<Value>| ids.iter().map(Value::as_u64).collect::<BTreeSet<_>>();
                assert_eq!(sorted(found), sorted(expected.collect()), "{place} {filter}");
            }
        }
        // With a contact, everything is shown, wherever it lies.
        let beside = all(client, &contact_filter, 100).await;
        assert!(!beside.is_empty() && beside.iter().all(|row| row["contact"]["id"] == contact));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_those_of_the_lists() {
    let (server, clients) = mixed().await;
    let views = [
        ("all", "state=open"),
        ("mine", "state=open&assignee=me"),
        ("unassigned", "state=open&assignee=none"),
        ("snoozed", "state=snoozed"),
        ("closed", "state=closed"),
        ("sent", "view=sent"),
        ("filtered", "place=filtered"),
        ("spam", "place=spam"),
        ("trash", "place=trash"),
    ];
    for client in &clients {
        let counts = client.get("/counts").await.expect(200);
        for (view, filter) in views {
            assert_eq!(counts["views"][view], all(client, filter, 50).await.len(), "{view}");
        }
        let open = all(client, "state=open", 50).await;
        assert_eq!(counts["unread"], open.iter().filter(|row| row["unread"] == true).count());
        for (inbox, count) in counts["inboxes"].as_object().unwrap() {
            assert_eq!(*count, all(client, &format!("state=open&inbox={inbox}"), 50).await.len(), "inbox {inbox}");
        }
    }
    // Above a hundred they say so, and no more.
    many(&server, "more", 110).await;
    let counts = clients[0].get("/counts").await.expect(200);
    assert_eq!(
        (&counts["views"]["all"], &counts["unread"], &counts["inboxes"]["1"]),
        (&json!(100), &json!(100), &json!(100))
    );
    let exact = clients[0].get("/inboxes").await.json();
    assert!(exact["items"][0]["open_count"].as_u64().unwrap() > 110, "{exact}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snoozed_conversation_comes_back_by_the_clock_or_with_an_answer() {
    let mut server = TestServer::start().await;
    many(&server, "s", 3).await;
    let owner = server.owner().await;
    let [a, b, c] = ids(&owner.get("/conversations").await.json()).try_into().unwrap();
    patch(&owner, a, json!({ "snoozed_until": "2026-03-02T10:00:00Z" })).await;
    patch(&owner, b, json!({ "state": "snoozed", "snoozed_until": "2026-03-03T09:00:00+01:00" })).await;
    patch(&owner, c, json!({ "state": "snoozed" })).await;
    for wrong in ["2026-03-02T08:00:00Z", "2099-01-01T00:00:00Z", "tomorrow"] {
        let answer = owner.patch(&format!("/conversations/{a}"), json!({ "snoozed_until": wrong })).await;
        assert_eq!(answer.refused(400, "invalid")["field"], "snoozed_until");
    }
    assert_eq!(row(&owner, a).await["snoozed_until"], "2026-03-02T10:00:00.000Z");
    assert_eq!(all(&owner, "state=open", 10).await.len(), 0);
    server.pass(3599).await;
    assert_eq!(row(&owner, a).await["state"], "snoozed");
    server.pass(10).await;
    server.until_it("it is back", async || row(&owner, a).await["state"] == "open").await;
    let thread = owner.get(&format!("/conversations/{a}/messages")).await.json();
    let last = thread["items"].as_array().unwrap().last().unwrap()["event"].clone();
    assert_eq!((&last["code"], &last["actor"]), (&json!("unsnoozed"), &Value::Null));
    // The time comes while the server is off.
    server.restart_after(|_| {}).await;
    server.pass(DAY).await;
    let owner = server.owner().await;
    server
        .until_it("the second is back", async || {
            server.clock.advance_millis(1000);
            row(&owner, b).await["state"] == "open"
        })
        .await;
    // One without a time waits for an answer.
    let row_c = row(&owner, c).await;
    assert_eq!((&row_c["state"], &row_c["snoozed_until"]), (&json!("snoozed"), &Value::Null));
    let said = json!({ "client_id": "1", "kind": "reply", "text": "And?" });
    owner.post(&format!("/conversations/{c}/messages"), said).await.expect(201);
    server.pass(15).await;
    server.until("the reply has arrived", || !server.sink.arrived().is_empty()).await;
    let sent = server.sink.arrived().remove(0).text();
    let id = sent.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap().to_owned();
    let from = row_c["contact"]["email"].as_str().unwrap().to_owned();
    let headers = format!("In-Reply-To: {id}\r\n");
    server.receive(&from, HELLO, &crate::support::mail_with(&from, "Re: s", &headers, "Here")).await;
    assert_eq!(row(&owner, c).await["state"], "open");
    server.stop().await;
}

fn blobs(server: &TestServer) -> u64 {
    let report = server.running().desk.store.check(true).unwrap();
    assert!(report.is_clean(), "{:#?}", report.faults);
    report.rows[Table::Blobs.name()]
}

#[tokio::test(flavor = "multi_thread")]
async fn trash_is_emptied_after_thirty_days_to_the_last_byte() {
    let server = TestServer::start().await;
    let large = mail("big@far.example", "Large", &"A line of some length, many times over.\n".repeat(10_000));
    server.receive("big@far.example", HELLO, &large).await;
    many(&server, "t", 3).await;
    let owner = server.owner().await;
    let rows = all(&owner, "", 10).await;
    let id = |subject: &str| rows.iter().find(|row| row["subject"] == subject).unwrap()["id"].as_u64().unwrap();
    let (large, small, saved, kept) = (id("Large"), id("t 0"), id("t 1"), id("t 2"));
    let message = owner.get(&format!("/conversations/{large}/messages")).await.json()["items"][0]["id"].clone();
    let said = json!({ "client_id": "1", "kind": "comment", "text": "a comment" });
    owner.post(&format!("/conversations/{small}/messages"), said).await.expect(201);
    owner.put(&format!("/conversations/{small}/draft?kind=reply"), json!({ "text": "a draft" })).await.expect(200);
    for id in [large, small, saved] {
        patch(&owner, id, json!({ "place": "trash" })).await;
    }
    let files = || walk(&server.dir().join("blobs"));
    let (blobs_before, files_before) = (blobs(&server), files());
    server.pass(29 * DAY).await;
    let owner = server.owner().await;
    patch(&owner, saved, json!({ "place": "inbox" })).await;
    server.pass(700).await;
    assert_eq!(row(&owner, large).await["place"], "trash");
    server.pass(2 * DAY).await;
    let owner = server.owner().await;
    for id in [large, small] {
        server
            .until_it("it is gone", async || {
                server.clock.advance_millis(60_000);
                owner.get(&format!("/conversations/{id}")).await.status == 404
            })
            .await;
    }
    owner.get(&format!("/messages/{message}/raw")).await.refused(404, "not_found");
    assert_eq!(row(&owner, saved).await["place"], "inbox");
    row(&owner, kept).await;
    // Raw mail and words of two mails, and the words of the comment.
    server.until("the blobs are gone", || blobs(&server) == blobs_before - 5).await;
    server.until("the large file is gone", || files() < files_before).await;
    server.indexed().await;
    assert_eq!(owner.get("/search?q=is:trash").await.json()["items"], json!([]));
    assert_eq!(owner.get("/search?q=length").await.json()["items"], json!([]));
    server.stop().await;
}

/// Files in a directory and below.
fn walk(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unread_is_each_agents_own() {
    let server = TestServer::start().await;
    let (ewa, letter) = (server.owner().await, mail("a@b.example", "Order", "Words"));
    server.add_agent("Ala Nowak", "ala@desk.example", Role::Agent).await;
    let ala = server.sign_in("ala@desk.example").await;
    server.receive("a@b.example", HELLO, &letter).await;
    let id = ids(&ewa.get("/conversations").await.json())[0];
    let unread = async || {
        let mut found = Vec::new();
        for client in [&ewa, &ala] {
            let (row, counts) = (row(client, id).await, client.get("/counts").await.json());
            assert_eq!(counts["unread"], i32::from(row["unread"] == true));
            found.push(row["unread"] == true);
        }
        (found[0], found[1])
    };
    let say = async |client: &Client, number: &str| {
        let said = json!({ "client_id": number, "kind": "comment", "text": "hm" });
        client.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
    };
    assert_eq!(unread().await, (true, true));
    patch(&ewa, id, json!({ "unread": false })).await;
    assert_eq!(unread().await, (false, true));
    patch(&ewa, id, json!({ "unread": true })).await;
    assert_eq!(unread().await, (true, true));
    // Who writes has read what was there; to the others it is news.
    say(&ala, "1").await;
    assert_eq!(unread().await, (true, false));
    patch(&ewa, id, json!({ "unread": false })).await;
    say(&ewa, "2").await;
    assert_eq!(unread().await, (false, true));
    // A mark that is set by hand stands, whoever spoke last.
    patch(&ewa, id, json!({ "unread": true })).await;
    assert_eq!(unread().await, (true, true));
    patch(&ewa, id, json!({ "unread": false })).await;
    // What was there before somebody came is not new to them.
    server.add_agent("Jan Kos", "jan@desk.example", Role::Viewer).await;
    let jan = server.sign_in("jan@desk.example").await;
    assert_eq!(row(&jan, id).await["unread"], false);
    server.receive("c@d.example", HELLO, &mail("c@d.example", "Next", "Words")).await;
    let next = ids(&jan.get("/conversations").await.json())[0];
    assert_eq!(row(&jan, next).await["unread"], true);
    patch(&jan, next, json!({ "unread": false })).await;
    assert_eq!(row(&jan, next).await["unread"], false);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_are_changed_at_once() {
    let server = TestServer::start().await;
    many(&server, "b", 300).await;
    let owner = server.owner().await;
    let found: Vec<u64> = all(&owner, "", 200).await.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 300);
    for pieces in found.chunks(25) {
        let body = json!({ "state": "closed", "tags": ["done"], "assignee": 1, "unread": false });
        let work = pieces.iter().map(|id| patch(&owner, *id, body.clone()));
        futures_util::future::join_all(work).await;
    }
    assert_eq!(all(&owner, "state=closed&tag=done", 200).await.len(), 300);
    let counts = owner.get("/counts").await.json();
    assert_eq!(
        (&counts["views"]["all"], &counts["views"]["closed"], &counts["unread"]),
        (&json!(0), &json!(100), &json!(0))
    );
    assert_eq!(owner.get("/inboxes").await.json()["items"][0]["open_count"], 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_the_names_that_counts_have() {
    let server = TestServer::start().await;
    let letter = mail("often@far.example", "Often", "Words");
    for number in 0..60 {
        let letter = letter.replace("Often", &format!("Often {number}"));
        crate::support::smtp::send(server.smtp(), "often@far.example", &[HELLO], letter.as_bytes()).await.unwrap();
    }
    server.filed().await;
    let owner = server.owner().await;
    let found = ids(&owner.get("/conversations").await.json());
    patch(&owner, found[0], json!({ "assignee": 1 })).await;
    patch(&owner, found[1], json!({ "state": "closed" })).await;
    patch(&owner, found[2], json!({ "place": "spam" })).await;
    let counts = owner.get("/counts").await.json();
    for (view, count) in counts["views"].as_object().unwrap() {
        let listed = all(&owner, &format!("view={view}"), 50).await.len();
        assert_eq!(listed as u64, count.as_u64().unwrap(), "{view}");
    }
    assert_eq!(owner.get("/conversations?view=everything").await.status, 400);
    let contact = row(&owner, found[0]).await["contact"]["id"].clone();
    assert_eq!(owner.get(&format!("/contacts/{contact}")).await.json()["contact"]["conversation_count"], 60);
    server.stop().await;
}
