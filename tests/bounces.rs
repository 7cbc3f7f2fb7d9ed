//! Mail that comes back is found on the very message and recipient; what only pretends to be a report is ordinary mail.

use serde_json::{Value, json};

use crate::support::sink::Arrived;
use crate::support::{Client, TestServer, mail, smtp};

/// A conversation with a reply that has gone out; gives the conversation, the message and the mail as it arrived.
async fn replied(server: &TestServer, email: &str) -> (Client, u64, u64, Arrived) {
    server.receive(email, "hello@desk.example", &mail(email, "Hi", "Words")).await;
    let owner = server.owner().await;
    let id = owner.get("/conversations").await.expect(200)["items"][0]["id"].as_u64().unwrap();
    let said = json!({ "client_id": email, "kind": "reply", "text": "An answer", "and_close": true });
    let said = owner.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
    let before = server.sink.arrived().len();
    server.pass(11).await;
    server.until("the reply has arrived", || server.sink.arrived().len() > before).await;
    let message = said["message"]["id"].as_u64().unwrap();
    server.until_it("sent", async || delivery(&owner, message).await["state"] == "sent").await;
    (owner, id, message, server.sink.arrived().pop().unwrap())
}

async fn delivery(owner: &Client, id: u64) -> Value {
    owner.get(&format!("/messages/{id}")).await.expect(200)["message"]["delivery"].clone()
}

async fn state(owner: &Client, id: u64) -> Value {
    owner.get(&format!("/conversations/{id}")).await.expect(200)["conversation"].clone()
}

/// A standard report about `email`, with the header of the mail that it is about.
fn report(email: &str, action: &str, status: &str, about: &str) -> String {
    format!(
        "From: Mail Delivery System <MAILER-DAEMON@mx.far.example>\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.example\r\n\r\n\
         Final-Recipient: rfc822; {email}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status} No such user here\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {about}\r\n\r\n--b--\r\n"
    )
}

fn message_id(mail: &Arrived) -> String {
    let head = mail.text().replace("\r\n ", " ").replace("\r\n\t", " ");
    let line = head.lines().find(|line| line.starts_with("Message-ID:")).unwrap();
    line.trim_start_matches("Message-ID:").trim().to_owned()
}

async fn bounce(server: &TestServer, to: &str, report: &str) {
    smtp::send(server.smtp(), "", &[to], report.as_bytes()).await.unwrap();
    server.filed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_to_the_return_path_marks_the_message_and_its_recipient() {
    let mut server = TestServer::start().await;
    let (owner, id, message, arrived) = replied(&server, "o@far.example").await;
    assert!(arrived.from.starts_with("bounce+") && arrived.from.ends_with("@desk.example"), "{}", arrived.from);
    assert_eq!(state(&owner, id).await["state"], "closed");
    bounce(&server, &arrived.from.to_uppercase(), &report("o@far.example", "failed", "5.1.1", "<x@y.example>")).await;
    let row = state(&owner, id).await;
    assert_eq!((&row["state"], &row["trouble"]), (&json!("open"), &json!("delivery_failed")));
    let told = delivery(&owner, message).await;
    assert_eq!((&told["state"], &told["recipients"][0]["state"]), (&json!("failed"), &json!("failed")));
    assert_eq!(told["recipients"][0]["reply"], "550 5.1.1 No such user here");
    assert_eq!(told["attempts"].as_array().unwrap().last().unwrap()["outcome"], "bounced");
    let thread = owner.get(&format!("/conversations/{id}/messages")).await.expect(200);
    let kinds: Vec<_> = thread["items"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert!(kinds.contains(&&json!("inbound")), "{kinds:?}");
    assert_eq!(thread["reply_to"]["to"][0]["email"], "o@far.example", "answers do not go to machines");
    assert_eq!(owner.get("/conversations").await.expect(200)["items"].as_array().unwrap().len(), 1);
    // The address is not written to again, after a restart either, until somebody insists.
    server.restart().await;
    let owner = server.owner().await;
    let again = json!({ "client_id": "2", "kind": "reply", "text": "Still there?" });
    let again = owner.post(&format!("/conversations/{id}/messages"), again).await.expect(201);
    let again = again["message"]["id"].as_u64().unwrap();
    server.pass(11).await;
    server.until_it("not sent", async || delivery(&owner, again).await["state"] == "failed").await;
    let words = delivery(&owner, again).await["recipients"][0]["reply"].as_str().unwrap().to_owned();
    assert!(words.starts_with("Not sent: mail to this address came back on 2026-03-02: 550 5.1.1"), "{words}");
    let before = server.sink.arrived().len();
    owner.post(&format!("/messages/{again}/retry"), json!({})).await.expect(200);
    server.until("it is sent after all", || server.sink.arrived().len() > before).await;
    server.until_it("sent", async || delivery(&owner, again).await["state"] == "sent").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_elsewhere_counts_by_the_message_id_that_only_recipients_know() {
    let server = TestServer::start().await;
    let (owner, id, message, arrived) = replied(&server, "o@far.example").await;
    let about = message_id(&arrived);
    bounce(&server, "hello@desk.example", &report("o@far.example", "delayed", "4.4.1", &about)).await;
    assert_eq!(state(&owner, id).await["state"], "closed", "a delay is no news to act on");
    assert_eq!(delivery(&owner, message).await["state"], "sent");
    bounce(&server, "hello@desk.example", &report("o@far.example", "failed", "5.2.2", &about)).await;
    assert_eq!(delivery(&owner, message).await["recipients"][0]["state"], "failed");
    // A full mailbox is emptied some day: the address is written to again.
    let said = json!({ "client_id": "2", "kind": "reply", "text": "Now?" });
    let said = owner.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
    server.pass(11).await;
    let again = said["message"]["id"].as_u64().unwrap();
    server.until_it("sent", async || delivery(&owner, again).await["state"] == "sent").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_report_is_ordinary_mail_and_changes_nothing() {
    let server = TestServer::start().await;
    let (owner, id, message, arrived) = replied(&server, "o@far.example").await;
    let forged = report("o@far.example", "failed", "5.1.1", "<made.up@desk.example>");
    bounce(&server, "hello@desk.example", &forged).await;
    assert_eq!(delivery(&owner, message).await["state"], "sent");
    assert_eq!(state(&owner, id).await["state"], "closed");
    let list = owner.get("/conversations?view=filtered").await.expect(200);
    assert_eq!(list["items"][0]["contact"]["email"], "MAILER-DAEMON@mx.far.example");
    // Every letter of the return path counts.
    let (local, domain) = arrived.from.split_once('@').unwrap();
    for at in [7, 15, local.len() - 1] {
        let mut wrong = local.to_owned();
        let other = if &wrong[at..=at] == "a" { "b" } else { "a" };
        wrong.replace_range(at..=at, other);
        let said = smtp::send(server.smtp(), "", &[&format!("{wrong}@{domain}")], forged.as_bytes()).await;
        assert!(said.clone().is_err_and(|said| said.starts_with("550 5.1.1")), "{wrong}: {said:?}");
    }
    // An answering machine that writes to the return path says nothing about delivery.
    let away = mail("o@far.example", "Away", "Back on Monday");
    bounce(&server, &arrived.from, &away).await;
    assert_eq!(delivery(&owner, message).await["state"], "sent");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_recipients_only_the_one_it_came_back_from_is_marked() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let new = json!({ "client_id": "1", "inbox": inbox, "subject": "Both", "text": "Hello",
        "to": [{ "email": "a@far.example" }, { "email": "b@far.example" }] });
    let begun = owner.post("/conversations", new).await.expect(201);
    let message = begun["message"]["id"].as_u64().unwrap();
    server.pass(11).await;
    server.until_it("sent", async || delivery(&owner, message).await["state"] == "sent").await;
    let path = server.sink.arrived()[0].from.clone();
    bounce(&server, &path, &report("b@far.example", "failed", "5.1.1", "<x@y.example>")).await;
    let told = delivery(&owner, message).await;
    let states: Vec<_> = told["recipients"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["sent", "failed"]);
    // A stranger among the recipients of the report is nobody of ours.
    bounce(&server, &path, &report("c@far.example", "failed", "5.1.1", "<x@y.example>")).await;
    assert_eq!(delivery(&owner, message).await["recipients"][0]["state"], "sent");
    server.stop().await;
}
