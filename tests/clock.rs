//! A clock that was wrong for a while: what was said keeps its order, and what waits does not wait for ever.

use serde_json::json;

use crate::support::{TestServer, mail, mail_with};

const HELLO: &str = "hello@desk.example";
const YEAR: i64 = 365 * 24 * 3600;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_a_year_ahead_does_not_hold_replies_or_turn_threads_around() {
    let server = TestServer::start().await;
    server.clock.advance_millis(YEAR * 1000);
    let owner = server.owner().await;
    server.receive("jan@shop.example", HELLO, &mail("Jan <jan@shop.example>", "Tents", "One, from the future")).await;
    let id = owner.get("/conversations").await.expect(200)["items"][0]["id"].as_u64().unwrap();
    let path = format!("/conversations/{id}/messages");
    let say = |client_id: &str, text: &str| json!({ "client_id": client_id, "kind": "reply", "text": text });
    owner.post(&path, say("1", "Two, from the future")).await.expect(201);
    assert!(server.sink.arrived().is_empty());

    server.clock.advance_millis(-YEAR * 1000);
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    let sent = server.sink.arrived().remove(0).text();
    let reply_to = sent.lines().find(|line| line.starts_with("Reply-To:")).unwrap();
    let address = reply_to.split(['<', '>']).nth(1).unwrap();
    let elsewhere = "Reply-To: jan@home.example\r\n";
    let answer = mail_with("Jan <jan@shop.example>", "Re: Tents", elsewhere, "Three, by the right clock");
    server.receive("jan@shop.example", address, &answer).await;
    owner.post(&path, json!({ "client_id": "2", "kind": "comment", "text": "Four" })).await.expect(201);

    let thread = owner.get(&path).await.expect(200);
    let items = thread["items"].as_array().unwrap();
    let kinds: Vec<&str> =
        items.iter().map(|item| item["kind"].as_str().unwrap()).filter(|kind| *kind != "event").collect();
    assert_eq!(kinds, ["inbound", "outbound", "inbound", "comment"]);
    assert_eq!(thread["reply_one"]["to"][0]["email"], "jan@home.example", "the newest mail is answered");
    // Page by page as well.
    let last = items.last().unwrap()["id"].as_u64().unwrap();
    let before = owner.get(&format!("{path}?before={last}&limit=100")).await.expect(200);
    assert_eq!(before["items"].as_array().unwrap().len(), items.len() - 1);
    server.stop().await;
}
