//! A mail arrives: it is safe, it is filed, it can be read, byte for byte.

use serde_json::json;

use crate::support::{TestServer, mail, mail_with, smtp};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_becomes_a_conversation_and_its_bytes_are_kept() {
    let server = TestServer::start().await;
    let letter = mail("Oliver Grant <oliver@fell.example>", "Rain covers", "Hello,\n.dots\nare kept");
    server.receive("oliver@fell.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    let row = &page["items"][0];
    assert_eq!(row["subject"], "Rain covers");
    assert_eq!(row["contact"]["name"], "Oliver Grant");
    assert_eq!(row["contact"]["email"], "oliver@fell.example");
    assert_eq!((&row["state"], &row["place"], &row["unread"]), (&json!("open"), &json!("inbox"), &json!(true)));
    assert_eq!(row["message_count"], 1);
    assert_eq!(row["last"]["preview"], "Hello, .dots are kept");
    let thread = owner.get(&format!("/conversations/{}/messages", row["id"])).await.expect(200);
    let message = &thread["items"][0];
    assert_eq!(message["kind"], "inbound");
    assert_eq!(message["text"], "Hello,\n.dots\nare kept\n");
    assert_eq!(thread["reply_to"]["to"][0]["email"], "oliver@fell.example");
    let trace = message["trace"].as_array().unwrap();
    assert!(trace[0].as_str().unwrap().starts_with("Authentication-Results: desk.example; spf=none "), "{trace:?}");
    assert_eq!(trace[1], "Return-Path: <oliver@fell.example>");
    let received = trace[2].as_str().unwrap();
    assert!(
        received.starts_with("Received: from client.example ([127.0.0.1]) by desk.example with ESMTP id "),
        "{received}"
    );
    assert!(received.contains(" for <hello@desk.example>; ") && trace.len() == 3, "{trace:?}");
    let raw = owner.get(&format!("/messages/{}/raw", message["id"])).await;
    assert_eq!(raw.headers["content-type"], "message/rfc822");
    assert_eq!(String::from_utf8(raw.bytes).unwrap(), letter);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_mail_twice_is_stored_once_and_a_restart_keeps_it() {
    let mut server = TestServer::start().await;
    let letter = mail("a@b.example", "Once", "only");
    for _ in 0..3 {
        server.receive("a@b.example", "hello@desk.example", &letter).await;
    }
    server.restart().await;
    server.receive("a@b.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    assert_eq!(owner.get("/conversations").await.expect(200)["items"].as_array().unwrap().len(), 1);
    // After a week it is news again.
    server.pass(8 * 86_400).await;
    server.pass(700).await;
    server.receive("a@b.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    assert_eq!(owner.get("/conversations").await.expect(200)["items"].as_array().unwrap().len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_addresses_are_taken() {
    let server = TestServer::start().await;
    let letter = mail("a@b.example", "Hi", "there");
    let try_to = async |to: &str| smtp::send(server.smtp(), "a@b.example", &[to], letter.as_bytes()).await;
    assert!(try_to("nobody@desk.example").await.unwrap_err().starts_with("550 5.1.1"));
    assert!(try_to("hello@elsewhere.example").await.unwrap_err().starts_with("550 5.7.1"));
    assert!(try_to("hello%elsewhere.example@desk.example").await.unwrap_err().starts_with("550"));
    for ours in
        ["HELLO@Desk.Example", "hello+shop@desk.example", "postmaster@desk.example", "abuse@desk.example", "postmaster"]
    {
        try_to(ours).await.unwrap();
    }
    server.filed().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mail_to_two_inboxes_is_a_conversation_in_each_and_they_are_linked() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    owner.post("/inboxes", json!({ "name": "Wholesale" })).await.expect(201);
    let to = ["hello@desk.example", "wholesale@desk.example", "hello+again@desk.example"];
    let letter = mail("a@b.example", "Both", "of you");
    smtp::send(server.smtp(), "a@b.example", &to, letter.as_bytes()).await.unwrap();
    server.filed().await;
    let page = owner.get("/conversations").await.expect(200);
    let rows = page["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["related"][0], rows[1]["id"]);
    assert_eq!(rows[1]["related"][0], rows[0]["id"]);
    assert_ne!(rows[0]["inbox"], rows[1]["inbox"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_parsed_is_shown_as_it_came() {
    let server = TestServer::start().await;
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(40_000);
    let letter = format!("From: a@b.example\r\nSubject: Deep\r\n{deep}end\r\n");
    server.receive("a@b.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    assert_eq!(page["items"][0]["trouble"], "unreadable");
    let thread = owner.get(&format!("/conversations/{}/messages", page["items"][0]["id"])).await.expect(200);
    let message = &thread["items"][0];
    assert_eq!(message["defects"][0], "too_deep");
    let raw = owner.get(&format!("/messages/{}/raw", message["id"])).await;
    assert!(raw.bytes == letter.as_bytes());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_joins_its_thread_and_a_stranger_with_the_same_ids_does_not() {
    let server = TestServer::start().await;
    let first = mail_with("a@b.example", "Order", "Message-ID: <one@b.example>\r\n", "first");
    server.receive("a@b.example", "hello@desk.example", &first).await;
    let next = mail_with("a@b.example", "Re: Order", "In-Reply-To: <one@b.example>\r\n", "second");
    server.receive("a@b.example", "hello@desk.example", &next).await;
    let stranger = mail_with("x@evil.example", "Re: Order", "In-Reply-To: <one@b.example>\r\n", "let me in");
    server.receive("x@evil.example", "hello@desk.example", &stranger).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    let rows = page["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let (foreign, own) = (&rows[0], &rows[1]);
    assert_eq!((&foreign["contact"]["email"], &foreign["message_count"]), (&json!("x@evil.example"), &json!(1)));
    assert_eq!(own["message_count"], 2);
    assert_eq!(foreign["related"][0], own["id"]);
    server.stop().await;
}
