//! Taking a reply back: what it leaves behind, also when it is already being tried again.

use serde_json::{Value, json};

use crate::support::{Client, TestServer, mail, mail_with};

async fn one_conversation(server: &TestServer) -> (Client, String) {
    let letter = mail("Oliver Grant <oliver@fell.example>", "Rain covers", "Where are they?");
    server.receive("oliver@fell.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    let path = format!("/conversations/{}", page["items"][0]["id"]);
    (owner, path)
}

async fn row(owner: &Client, path: &str) -> Value {
    owner.get(path).await.expect(200)["conversation"].clone()
}

async fn cancel(owner: &Client, said: &Value) -> Value {
    let path = format!("/messages/{}/cancel", said["message"]["id"]);
    owner.post(&path, json!({})).await.expect(200)["message"].clone()
}

async fn delivery(owner: &Client, path: &str, said: &Value) -> Value {
    let thread = owner.get(&format!("{path}/messages")).await.expect(200);
    let items = thread["items"].as_array().unwrap();
    items.iter().find(|message| message["id"] == said["message"]["id"]).unwrap()["delivery"].clone()
}

async fn hits(server: &TestServer, owner: &Client, query: &str) -> usize {
    server.indexed().await;
    owner.get(&format!("/search?q={query}")).await.expect(200)["items"].as_array().unwrap().len()
}

async fn events(owner: &Client, path: &str) -> Vec<String> {
    let thread = owner.get(&format!("{path}/messages")).await.expect(200);
    let codes = thread["items"].as_array().unwrap().iter().filter_map(|one| one["event"]["code"].as_str());
    codes.map(String::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_taken_back_leaves_the_conversation_as_it_was() {
    let server = TestServer::start().await;
    let (owner, path) = one_conversation(&server).await;
    let before = row(&owner, &path).await;
    server.clock.advance_millis(60_000);
    let file = owner.upload("photo.png", "image/png", vec![7; 100]).await.expect(201)["attachment"]["id"].clone();
    let body = json!({ "client_id": "1", "kind": "reply", "text": "Embarrassing", "attachments": [file],
        "and_close": true, "cc": [{ "email": "accounts@fell.example" }] });
    let said = owner.post(&format!("{path}/messages"), body).await.expect(201);
    let after = row(&owner, &path).await;
    assert_eq!((&after["state"], &after["has_attachments"]), (&json!("closed"), &json!(true)));
    assert_ne!(after["assignee"], Value::Null);
    assert_eq!(hits(&server, &owner, "embarrassing").await, 1);
    let taken = cancel(&owner, &said).await;
    assert_eq!((&taken["delivery"]["state"], &taken["attachments"]), (&json!("cancelled"), &json!([])));
    let mut now = row(&owner, &path).await;
    // It stays in the thread, and the reader has read the mail.
    assert_eq!(now["message_count"], 2);
    now["message_count"] = before["message_count"].clone();
    now["unread"] = before["unread"].clone();
    assert_eq!(now, before);
    assert_eq!(owner.get("/conversations?view=sent").await.expect(200)["items"], json!([]));
    assert_eq!(hits(&server, &owner, "embarrassing").await, 0);
    assert_eq!(hits(&server, &owner, "is%3Asent").await, 0);
    // Whom only that reply was to does not take part.
    let answers = format!("In-Reply-To: <{}>\r\n", said["message"]["message_id"].as_str().unwrap());
    let stranger = mail_with("accounts@fell.example", "Re: Rain covers", &answers, "Pardon?");
    server.receive("accounts@fell.example", "hello@desk.example", &stranger).await;
    assert_eq!(owner.get("/conversations").await.expect(200)["items"].as_array().unwrap().len(), 2);
    // The file is there for the next try, also a day later.
    server.pass(20 * 3600).await;
    let draft = json!({ "text": "Better", "attachments": [file] });
    owner.put(&format!("{path}/draft?kind=reply"), draft).await.expect(200);
    let body = json!({ "client_id": "2", "kind": "reply", "text": "Better", "attachments": [file] });
    owner.post(&format!("{path}/messages"), body).await.expect(201);
    server.pass(11).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    assert!(server.sink.arrived()[0].text().contains("photo.png"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_since_stays_said() {
    let server = TestServer::start().await;
    let (owner, path) = one_conversation(&server).await;
    let say = async |id: &str| {
        let body = json!({ "client_id": id, "kind": "reply", "text": id });
        owner.post(&format!("{path}/messages"), body).await.expect(201)
    };
    let (first, second) = (say("first").await, say("second").await);
    // Whichever order they are taken back in, the row tells of what remains.
    cancel(&owner, &first).await;
    assert_eq!(row(&owner, &path).await["last"]["preview"], "second");
    cancel(&owner, &second).await;
    let now = row(&owner, &path).await;
    assert_eq!(now["last"], json!({ "kind": "inbound", "author": "Oliver Grant", "preview": "Where are they?" }));
    let third = say("third").await;
    owner.patch(&path, json!({ "assignee": null })).await.expect(200);
    server.receive("oliver@fell.example", "hello@desk.example", &mail("oliver@fell.example", "Other", "x")).await;
    cancel(&owner, &third).await;
    assert_eq!(row(&owner, &path).await["assignee"], Value::Null);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_author_or_a_manager_takes_a_message_back() {
    let server = TestServer::start().await;
    let (owner, path) = one_conversation(&server).await;
    for (name, role) in [("jan", frontdesk::domain::Role::Agent), ("ala", frontdesk::domain::Role::Agent)] {
        server.add_agent(name, &format!("{name}@desk.example"), role).await;
    }
    let (jan, ala) = (server.sign_in("jan@desk.example").await, server.sign_in("ala@desk.example").await);
    for (id, by) in [("1", &jan), ("2", &owner)] {
        let body = json!({ "client_id": id, "kind": "reply", "text": "Hello" });
        let said = jan.post(&format!("{path}/messages"), body).await.expect(201);
        let cancel = format!("/messages/{}/cancel", said["message"]["id"]);
        ala.post(&cancel, json!({})).await.refused(403, "forbidden");
        by.post(&cancel, json!({})).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_tried_again_is_taken_back_from_those_without_it() {
    let server = TestServer::start().await;
    let (owner, path) = one_conversation(&server).await;
    server.sink.answer("oliver", 451);
    let file = owner.upload("photo.png", "image/png", vec![7; 100]).await.expect(201)["attachment"]["id"].clone();
    let body = json!({ "client_id": "1", "kind": "reply", "text": "Hello", "and_close": true,
        "attachments": [file], "cc": [{ "email": "accounts@fell.example" }] });
    let said = owner.post(&format!("{path}/messages"), body).await.expect(201);
    server.pass(11).await;
    let state = async |wanted: &str, said: &Value| delivery(&owner, &path, said).await["state"] == wanted;
    server.until_it("it is tried again", async || state("retrying", &said).await).await;
    let delivery = cancel(&owner, &said).await["delivery"].clone();
    assert_eq!((&delivery["state"], &delivery["due_at"]), (&json!("sent"), &Value::Null));
    let states: Vec<_> = delivery["recipients"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["cancelled", "sent"]);
    assert_eq!(row(&owner, &path).await["state"], "closed", "somebody has got it");
    // Nobody has got this one.
    let body = json!({ "client_id": "2", "kind": "reply", "text": "Once more", "and_close": true });
    owner.patch(&path, json!({ "state": "open" })).await.expect(200);
    let said = owner.post(&format!("{path}/messages"), body).await.expect(201);
    server.pass(11).await;
    server.until_it("it is tried again", async || state("retrying", &said).await).await;
    assert_eq!(cancel(&owner, &said).await["delivery"]["state"], "cancelled");
    assert_eq!(row(&owner, &path).await["state"], "open");
    server.sink.be_kind();
    server.pass(3600).await;
    assert_eq!(server.sink.arrived().len(), 1);
    // What somebody has got keeps its file, also when uploads that were never sent are cleared away.
    server.pass(25 * 3600).await;
    server.running().desk.sweep_uploads().await.unwrap();
    let thread = owner.get(&format!("{path}/messages")).await.expect(200);
    let sent = thread["items"].as_array().unwrap().iter().find(|message| message["kind"] == "outbound").unwrap();
    assert_eq!(sent["attachments"][0]["id"], file);
    owner.get(&format!("/attachments/{file}")).await.expect(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_ends_when_something_was_sent() {
    let server = TestServer::start().await;
    let (owner, path) = one_conversation(&server).await;
    let trouble = async |wanted: Value| row(&owner, &path).await["trouble"] == wanted;
    let say = async |id: &str| {
        let body = json!({ "client_id": id, "kind": "reply", "text": id });
        let said = owner.post(&format!("{path}/messages"), body).await.expect(201);
        server.pass(11).await;
        said
    };
    server.sink.answer("oliver", 550);
    let first = say("first").await;
    server.until_it("there is trouble", async || trouble(json!("delivery_failed")).await).await;
    // Tried again, it is refused again.
    let retry = format!("/messages/{}/retry", first["message"]["id"]);
    owner.post(&retry, json!({})).await.expect(200);
    assert!(events(&owner, &path).await.contains(&String::from("send_retried")));
    server.until_it("it failed again", async || delivery(&owner, &path, &first).await["state"] == "failed").await;
    assert!(trouble(json!("delivery_failed")).await);
    // A later reply makes up for it.
    server.sink.be_kind();
    say("second").await;
    server.until_it("there is no trouble", async || trouble(Value::Null).await).await;
    server.stop().await;
}
