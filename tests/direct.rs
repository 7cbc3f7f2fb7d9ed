//! Mail that goes straight to its recipients' servers: found by their MX, tried in order, secured where they can.
//!
//! The recipients' servers stand on loopback addresses of their own, on port 25, where mail goes.

use serde_json::{Value, json};

use crate::support::{Client, Sink, TestServer, mail};

async fn server() -> TestServer {
    TestServer::start_with(|config| {
        config.relay = None;
        config.delivery.private_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

/// An address on loopback of this very process.
fn host(number: u8) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{number}", 64 + (process >> 8) % 128, process % 256)
}

/// A reply to somebody at `domain`; gives the client and the message's id.
async fn reply_to(server: &TestServer, email: &str) -> (Client, u64) {
    server.receive(email, "hello@desk.example", &mail(email, "Hi", "Words")).await;
    let owner = server.owner().await;
    let id = owner.get("/conversations").await.expect(200)["items"][0]["id"].clone();
    let said = json!({ "client_id": email, "kind": "reply", "text": "An answer" });
    let said = owner.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
    server.pass(11).await;
    (owner, said["message"]["id"].as_u64().unwrap())
}

async fn delivery(owner: &Client, id: u64) -> Value {
    owner.get(&format!("/messages/{id}")).await.expect(200)["message"]["delivery"].clone()
}

async fn settled(server: &TestServer, owner: &Client, id: u64, state: &str) -> Value {
    server.until_it(state, async || delivery(owner, id).await["state"] == state).await;
    delivery(owner, id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_to_the_best_exchanger_that_answers() {
    let server = server().await;
    let dns = &server.dns;
    let sink = Sink::at(&format!("{}:25", host(1)));
    dns.mx("fell.example", 20, "second.fell.example").mx("fell.example", 10, "first.fell.example");
    dns.address_of("first.fell.example", &host(9)).address_of("second.fell.example", &host(1));
    let (owner, id) = reply_to(&server, "o@fell.example").await;
    settled(&server, &owner, id, "sent").await;
    let arrived = sink.arrived().remove(0);
    assert_eq!(arrived.to, ["o@fell.example"]);
    assert!(arrived.text().contains("DKIM-Signature: v=1; a=rsa-sha256"), "{}", arrived.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_without_an_exchanger_takes_mail_itself() {
    let server = server().await;
    let dns = &server.dns;
    let sink = Sink::at(&format!("{}:25", host(2)));
    dns.address_of("plain.example", &host(2));
    let (owner, id) = reply_to(&server, "o@plain.example").await;
    settled(&server, &owner, id, "sent").await;
    assert_eq!(sink.arrived().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_that_take_no_mail_are_given_up_at_once_with_the_reason() {
    let server = server().await;
    let dns = &server.dns;
    dns.mx("null.example", 0, ".");
    dns.mx("inside.example", 0, "mx.inside.example").address_of("mx.inside.example", "10.0.0.1");
    for (email, words) in [
        ("o@null.example", "takes no mail (null MX)"),
        ("o@nowhere.example", "does not exist"),
        ("o@inside.example", "private network"),
    ] {
        let (owner, id) = reply_to(&server, email).await;
        let delivery = settled(&server, &owner, id, "failed").await;
        let said = delivery["recipients"][0]["reply"].as_str().unwrap();
        assert!(said.contains(words), "{said}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_or_reached_now_is_tried_again() {
    let server = server().await;
    let dns = &server.dns;
    dns.mx("late.example", 0, "mx.late.example").address_of("mx.late.example", &host(3));
    let (owner, id) = reply_to(&server, "o@late.example").await;
    let first = settled(&server, &owner, id, "retrying").await;
    assert!(
        first["recipients"][0]["reply"].as_str().unwrap().contains(&format!("mx.late.example [{}]", host(3))),
        "{first}"
    );
    let (_, other) = reply_to(&server, "p@late.example").await;
    // The second does not wait for what the first has found out.
    settled(&server, &owner, other, "retrying").await;
    let sink = Sink::at(&format!("{}:25", host(3)));
    server.pass(400).await;
    settled(&server, &owner, id, "sent").await;
    settled(&server, &owner, other, "sent").await;
    let ids: Vec<String> = sink.arrived().iter().map(|mail| mail.to[0].clone()).collect();
    assert!(ids.contains(&String::from("o@late.example")) && ids.len() == 2, "{ids:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_in_several_domains_each_have_their_own_end() {
    let server = server().await;
    let dns = &server.dns;
    let sink = Sink::at(&format!("{}:25", host(4)));
    dns.address_of("good.example", &host(4)).mx("null.example", 0, ".");
    let owner = server.owner().await;
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let new = json!({ "client_id": "1", "inbox": inbox, "subject": "To all", "text": "Hello",
        "to": [{ "email": "a@good.example" }, { "email": "b@null.example" }], "cc": [{ "email": "c@good.example" }] });
    let begun = owner.post("/conversations", new).await.expect(201);
    server.pass(11).await;
    let delivery = settled(&server, &owner, begun["message"]["id"].as_u64().unwrap(), "failed").await;
    let states: Vec<_> = delivery["recipients"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["sent", "failed", "sent"]);
    assert_eq!(sink.arrived()[0].to, ["a@good.example", "c@good.example"]);
    assert_eq!(sink.arrived().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_listed_told_of_after_four_hours_and_given_up_after_five_days() {
    let server = server().await;
    let dns = &server.dns;
    dns.mx("late.example", 0, "mx.late.example").address_of("mx.late.example", &host(5));
    let (owner, id) = reply_to(&server, "o@late.example").await;
    settled(&server, &owner, id, "retrying").await;
    let queue = owner.get("/outgoing").await.expect(200);
    let one = &queue["items"][0];
    assert_eq!((&queue["waiting"], &one["message"], &one["attempts"]), (&json!(1), &json!(id), &json!(1)));
    assert_eq!(one["recipients"][0]["email"], "o@late.example");
    assert!(one["recipients"][0]["reply"].as_str().unwrap().contains("mx.late.example"), "{one}");
    let conversation = format!("/conversations/{}", one["conversation"]);
    let trouble = async || owner.get(&conversation).await.expect(200)["conversation"]["trouble"].clone();
    assert_eq!(trouble().await, Value::Null);
    for _ in 0..5 {
        let before = delivery(&owner, id).await["attempts"].as_array().unwrap().len();
        server.pass(3601).await;
        let more = async || delivery(&owner, id).await["attempts"].as_array().unwrap().len() > before;
        server.until_it("it was tried again", more).await;
        settled(&server, &owner, id, "retrying").await;
    }
    assert_eq!(trouble().await, "delivery_delayed");
    let said = owner.get(&format!("{conversation}/messages")).await.expect(200);
    let late = said["items"].as_array().unwrap().iter().filter(|one| one["event"]["code"] == "delivery_delayed");
    assert_eq!(late.count(), 1);
    server.pass(5 * 86_400).await;
    settled(&server, &owner, id, "failed").await;
    assert_eq!(trouble().await, "delivery_failed");
    assert_eq!(owner.get("/outgoing").await.expect(200)["waiting"], 0);
    let sink = Sink::at(&format!("{}:25", host(5)));
    owner.post(&format!("/outgoing/{id}/retry"), json!({})).await.expect(200);
    settled(&server, &owner, id, "sent").await;
    assert_eq!((sink.arrived().len(), trouble().await), (1, Value::Null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_for_later_that_was_tried_is_for_later_no_more() {
    let server = server().await;
    let dns = &server.dns;
    dns.mx("late.example", 0, "mx.late.example").address_of("mx.late.example", &host(6));
    let owner = server.owner().await;
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let new = json!({ "client_id": "1", "inbox": inbox, "subject": "Later", "text": "Hello",
        "to": [{ "email": "o@late.example" }], "send_at": "2026-03-02T10:00:00.000Z" });
    let begun = owner.post("/conversations", new).await.expect(201);
    let id = begun["message"]["id"].as_u64().unwrap();
    assert_eq!(begun["message"]["delivery"]["send_at"], "2026-03-02T10:00:00.000Z");
    server.pass(3601).await;
    settled(&server, &owner, id, "retrying").await;
    let sink = Sink::at(&format!("{}:25", host(6)));
    let again = owner.post(&format!("/outgoing/{id}/retry"), json!({})).await.expect(200);
    assert_eq!(again["message"]["delivery"]["send_at"], Value::Null);
    settled(&server, &owner, id, "sent").await;
    assert_eq!(sink.arrived().len(), 1);
    server.stop().await;
}
