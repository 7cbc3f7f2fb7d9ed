//! An agent answers: the reply goes out, its states are seen, it can be taken back, it is held when stale.

use serde_json::{Value, json};

use frontdesk::store::Rows;

use crate::support::{Client, TestServer, mail, mail_with};

async fn one_conversation(server: &TestServer) -> (Client, u64) {
    let letter = mail("Oliver Grant <oliver@fell.example>", "Rain covers", "Where are they?");
    server.receive("oliver@fell.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    let id = page["items"][0]["id"].as_u64().unwrap();
    (owner, id)
}

async fn last(owner: &Client, id: u64, kind: &str) -> Value {
    let thread = owner.get(&format!("/conversations/{id}/messages")).await.expect(200);
    let items = thread["items"].as_array().unwrap();
    items.iter().rev().find(|message| message["kind"] == kind).cloned().unwrap_or_default()
}

fn reply(client_id: &str, text: &str) -> Value {
    json!({ "client_id": client_id, "kind": "reply", "text": text })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_delivered_and_the_answer_to_it_joins() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let said = owner.post(&format!("/conversations/{id}/messages"), reply("1", "On Thursday.")).await.expect(201);
    assert_eq!(said["message"]["delivery"]["state"], "queued");
    assert_eq!(said["conversation"]["assignee"], owner.get("/me").await.json()["agent"]["id"]);
    server.pass(11).await;
    server.until("the reply has arrived", || !server.sink.arrived().is_empty()).await;
    let arrived = server.sink.arrived().remove(0);
    let text = arrived.text();
    assert!(arrived.from.starts_with("bounce+") && arrived.from.ends_with("@desk.example"), "{}", arrived.from);
    assert_eq!(arrived.to, ["oliver@fell.example"]);
    assert!(text.contains("Subject: Re: Rain covers") && text.contains("On Thursday."), "{text}");
    assert!(text.contains("Ewa Lis") && text.contains("multipart/alternative"), "{text}");
    let reply_to = text.lines().find(|line| line.starts_with("Reply-To:")).unwrap();
    let address = reply_to.split(['<', '>']).nth(1).unwrap().to_owned();
    assert!(address.starts_with("reply+") && address.ends_with("@desk.example"), "{reply_to}");
    let delivered = async || last(&owner, id, "outbound").await["delivery"]["state"] == "sent";
    for _ in 0..200 {
        if delivered().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let message = last(&owner, id, "outbound").await;
    assert_eq!(message["delivery"]["state"], "sent");
    assert_eq!(message["delivery"]["attempts"][0]["outcome"], "accepted");
    server.receive("oliver@fell.example", &address, &mail("oliver@fell.example", "Re: other words", "Thanks")).await;
    let row = owner.get(&format!("/conversations/{id}")).await.expect(200);
    assert_eq!(row["conversation"]["message_count"], 3);
    assert_eq!(row["conversation"]["last"]["preview"], "Thanks");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_can_be_taken_back_within_ten_seconds_and_not_later() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let said = owner.post(&path, reply("1", "Oh no")).await.expect(201);
    let message = said["message"]["id"].as_u64().unwrap();
    server.pass(9).await;
    let taken = owner.post(&format!("/messages/{message}/cancel"), json!({})).await.expect(200);
    assert_eq!(taken["message"]["delivery"]["state"], "cancelled");
    server.pass(60).await;
    assert!(server.sink.arrived().is_empty());
    let said = owner.post(&path, reply("2", "Yes")).await.expect(201);
    server.pass(11).await;
    let late = owner.post(&format!("/messages/{}/cancel", said["message"]["id"]), json!({})).await;
    late.refused(409, "too_late");
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_reply_is_held_and_says_what_came_between() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let seen = owner.get(&path).await.expect(200)["change"].as_u64().unwrap();
    owner.patch(&format!("/conversations/{id}"), json!({ "tags": ["late"] })).await.expect(200);
    let mut mine = reply("1", "As I said");
    mine["last_seen_change"] = json!(seen);
    let comment = json!({ "client_id": "c", "kind": "comment", "text": "wait!" });
    owner.post(&path, comment).await.expect(201);
    let held = owner.post(&path, mine.clone()).await.refused(409, "stale_reply");
    assert_eq!(held["since"][0]["kind"], "comment");
    mine["last_seen_change"] = json!(owner.get(&path).await.expect(200)["change"]);
    owner.post(&path, mine).await.expect(201);
    server.pass(11).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_is_done_once_and_a_reused_id_is_refused() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let one = owner.post(&path, reply("same", "Hello")).await.expect(201);
    let two = owner.post(&path, reply("same", "Hello")).await.expect(201);
    assert_eq!(one["message"]["id"], two["message"]["id"]);
    owner.post(&path, reply("same", "Other words")).await.refused(409, "client_id_reused");
    server.pass(11).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_delays_of_the_relay_are_seen_and_tried_again() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    server.sink.answer("oliver", 451);
    server.sink.answer("accounts", 550);
    let mut both = reply("1", "Hello");
    both["to"] = json!([{ "email": "oliver@fell.example" }]);
    both["cc"] = json!([{ "email": "accounts@fell.example", "name": "Accounts" }]);
    owner.post(&path, both).await.expect(201);
    server.pass(11).await;
    let state = async || last(&owner, id, "outbound").await["delivery"].clone();
    for _ in 0..200 {
        if state().await["state"] == "retrying" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let delivery = state().await;
    assert_eq!(delivery["state"], "retrying", "{delivery}");
    assert_eq!(delivery["recipients"][0]["state"], "retrying");
    assert_eq!(delivery["recipients"][1]["state"], "failed");
    assert!(delivery["recipients"][1]["reply"].as_str().unwrap().contains("not this one"), "{delivery}");
    server.sink.be_kind();
    server.pass(301).await;
    server.until("the second try has arrived", || server.sink.arrived().len() == 1).await;
    assert_eq!(server.sink.arrived()[0].to, ["oliver@fell.example"]);
    for _ in 0..200 {
        if state().await["state"] == "failed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let row = owner.get(&format!("/conversations/{id}")).await.expect(200);
    assert_eq!(row["conversation"]["trouble"], "delivery_failed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_files_come_and_go_with_the_reply() {
    let mut server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let draft = format!("/conversations/{id}/draft?kind=reply");
    owner.get(&draft).await.refused(404, "not_found");
    let file = owner.upload("photo.png", "text/html", b"\x89PNG\r\n\x1a\n0000".to_vec()).await.expect(201);
    let file = file["attachment"]["id"].clone();
    let saved = owner.put(&draft, json!({ "text": "Half a", "attachments": [file] })).await.expect(200);
    assert_eq!(saved["draft"]["revision"], 1);
    server.restart().await;
    let owner = server.owner().await;
    let kept = owner.get(&draft).await.expect(200);
    assert_eq!(kept["draft"]["text"], "Half a");
    let got = owner.get(&format!("/attachments/{file}")).await;
    assert_eq!(got.headers["content-type"], "image/png");
    let mut with_file = reply("1", "Half a sentence");
    with_file["attachments"] = json!([file, file]);
    owner.post(&format!("/conversations/{id}/messages"), with_file).await.expect(201);
    owner.get(&draft).await.refused(404, "not_found");
    server.pass(11).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    // Named twice, it is sent once, and it is the message's now.
    assert_eq!(server.sink.arrived()[0].text().matches("Content-Disposition: attachment").count(), 1);
    let files = last(&owner, id, "outbound").await["attachments"].clone();
    assert_eq!((files.as_array().unwrap().len(), &files[0]["name"]), (1, &json!("photo.png")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_an_unusual_message_id_can_be_answered() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let long = |bytes: usize| format!("{}@far.example", "x".repeat(bytes - "@far.example".len()));
    for (at, id) in [long(250), long(251), long(512), String::from("żółw@far.example")].into_iter().enumerate() {
        let from = format!("sender{at}@far.example");
        let letter = mail_with(&from, "Hello", &format!("Message-ID: <{id}>\r\n"), "Words");
        server.receive(&from, "hello@desk.example", &letter).await;
        let page = owner.get("/conversations").await.expect(200);
        let items = page["items"].as_array().unwrap();
        let row = items.iter().find(|row| row["contact"]["email"] == from).unwrap();
        let answer = owner.post(&format!("/conversations/{}/messages", row["id"]), reply(&from, "Yes")).await;
        assert_eq!(answer.status, 201, "{id}: {}", answer.json());
    }
    server.pass(11).await;
    server.until("the replies have arrived", || server.sink.arrived().len() == 4).await;
    let named = server.sink.arrived().iter().filter(|mail| mail.text().contains("\r\nIn-Reply-To: ")).count();
    assert_eq!(named, 1, "an id that fits into a line is named");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_reply_back_undoes_what_it_did() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let before = owner.get(&format!("/conversations/{id}")).await.expect(200)["conversation"].clone();
    let file = owner.upload("offer.txt", "text/plain", b"our best price".to_vec()).await.expect(201);
    let file = file["attachment"]["id"].clone();
    let mut said = reply("1", "The wrong zanzibar words");
    said["attachments"] = json!([file]);
    said["and_close"] = json!(true);
    said["cc"] = json!([{ "email": "wrong@other.example" }]);
    let said = owner.post(&path, said).await.expect(201);
    assert_eq!(said["conversation"]["state"], "closed");
    server.indexed().await;
    let found = async || owner.get("/search?q=zanzibar").await.expect(200)["items"].as_array().unwrap().len();
    let sent = async || owner.get("/conversations?view=sent").await.expect(200)["items"].as_array().unwrap().len();
    assert_eq!((found().await, sent().await), (1, 1));

    let cancel = format!("/messages/{}/cancel", said["message"]["id"]);
    server.add_agent("Tomek", "tomek@desk.example", frontdesk::domain::Role::Agent).await;
    server.sign_in("tomek@desk.example").await.post(&cancel, json!({})).await.refused(403, "forbidden");
    let taken = owner.post(&cancel, json!({})).await.expect(200);
    assert_eq!(taken["message"]["attachments"], json!([]));
    let after = owner.get(&format!("/conversations/{id}")).await.expect(200)["conversation"].clone();
    for field in ["state", "assignee", "last", "last_activity_at", "has_attachments"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    server.indexed().await;
    assert_eq!((found().await, sent().await), (0, 0));
    // The other one does not take part, though the reply named them.
    server.receive("wrong@other.example", "hello@desk.example", &mail("wrong@other.example", "Rain covers", "?")).await;
    assert_eq!(owner.get("/conversations").await.expect(200)["items"].as_array().unwrap().len(), 2);

    // The file is the draft's again, and goes out with the next reply.
    let draft = json!({ "text": "The right words", "attachments": [file] });
    owner.put(&format!("/conversations/{id}/draft?kind=reply"), draft).await.expect(200);
    let mut again = reply("2", "The right words");
    again["attachments"] = json!([file]);
    owner.post(&path, again).await.expect(201);
    server.pass(11).await;
    server.until("the reply has arrived", || !server.sink.arrived().is_empty()).await;
    assert!(server.sink.arrived()[0].text().contains("offer.txt"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_again_can_be_stopped_for_who_does_not_have_it() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    server.sink.answer("oliver", 451);
    let mut said = reply("1", "Hello");
    said["cc"] = json!([{ "email": "accounts@fell.example" }]);
    let said = owner.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
    server.pass(11).await;
    let state = async || last(&owner, id, "outbound").await["delivery"].clone();
    server.until_it("it is tried again", async || state().await["state"] == "retrying").await;
    owner.post(&format!("/messages/{}/cancel", said["message"]["id"]), json!({})).await.expect(200);
    let delivery = state().await;
    let states: Vec<_> = delivery["recipients"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!((delivery["state"].clone(), states), (json!("sent"), vec![json!("cancelled"), json!("sent")]));
    server.pass(7200).await;
    assert_eq!(server.sink.arrived().len(), 1);
    server.stop().await;
}

/// The job that sends the only message there is to send.
fn only_job(server: &TestServer) -> frontdesk::domain::Job {
    let rows = server.running().desk.store.read().unwrap();
    rows.all::<frontdesk::domain::Job>().unwrap().pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sending_ends_the_program_is_given_up_and_can_be_tried_again() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let said = owner.post(&format!("/conversations/{id}/messages"), reply("1", "Hello")).await.expect(201);
    let message = said["message"]["id"].as_u64().unwrap();
    let job = only_job(&server).id;
    // Five times a try begins, and nothing is heard of it: so it looks when the program has ended.
    for _ in 0..5 {
        assert!(server.running().desk.begin_sending(job).await.unwrap().is_some());
    }
    server.expect_error("a job is given up");
    server.pass(301).await;
    let failed = async || last(&owner, id, "outbound").await["delivery"]["state"] == "failed";
    server.until_it("the message is given up", failed).await;
    assert!(server.sink.arrived().is_empty());
    let shown = last(&owner, id, "outbound").await;
    assert!(shown["delivery"]["recipients"][0]["reply"].as_str().unwrap().contains("5 times"), "{shown}");
    assert_eq!(last(&owner, id, "event").await["event"]["code"], "delivery_failed");
    assert_eq!(owner.get(&format!("/conversations/{id}")).await.json()["conversation"]["trouble"], "delivery_failed");
    assert!(only_job(&server).parked.is_some());
    owner.post(&format!("/messages/{message}/retry"), json!({})).await.expect(200);
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    let sent = async || last(&owner, id, "outbound").await["delivery"]["state"] == "sent";
    server.until_it("the reply is sent", sent).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_very_stale_says_what_came_between() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let seen = owner.get(&path).await.expect(200)["change"].as_u64().unwrap();
    for number in 0..400 {
        let tags = json!({ "tags": [format!("a{number}"), "b"], "unread": number % 2 == 0 });
        owner.patch(&format!("/conversations/{id}"), tags).await.expect(200);
    }
    let comment = json!({ "client_id": "c", "kind": "comment", "text": "wait!" });
    owner.post(&path, comment).await.expect(201);
    assert!(owner.get(&path).await.json()["change"].as_u64().unwrap() > seen + 1000);
    let mut mine = reply("1", "As I said");
    mine["last_seen_change"] = json!(seen);
    let held = owner.post(&path, mine).await.refused(409, "stale_reply");
    let since: Vec<&Value> = held["since"].as_array().unwrap().iter().map(|said| &said["kind"]).collect();
    assert_eq!(since, ["comment"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_one_of_our_own_addresses_goes_to_who_wrote() {
    let server = TestServer::start().await;
    let headers = "Reply-To: hello@desk.example\r\n";
    let letter = crate::support::mail_with("oliver@fell.example", "Loop", headers, "Hello");
    server.receive("oliver@fell.example", "hello@desk.example", &letter).await;
    let owner = server.owner().await;
    let id = owner.get("/conversations").await.json()["items"][0]["id"].as_u64().unwrap();
    let said = owner.post(&format!("/conversations/{id}/messages"), reply("1", "Hi")).await.expect(201);
    assert_eq!(said["message"]["to"][0]["email"], "oliver@fell.example");
    server.pass(11).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_leaves_nothing_and_is_not_said_again() {
    let server = TestServer::start_with(|config| config.retention.trash_days = 1).await;
    let owner = server.owner().await;
    owner.post("/inboxes", json!({ "name": "Second" })).await.expect(201);
    let letter = mail("two@far.example", "Both", "Words");
    let to = ["hello@desk.example", "second@desk.example"];
    crate::support::smtp::send(server.smtp(), "two@far.example", &to, letter.as_bytes()).await.unwrap();
    server.filed().await;
    let page = owner.get("/conversations").await.expect(200);
    let [gone, kept] = [0, 1].map(|at: usize| format!("/conversations/{}", page["items"][at]["id"]));
    let begin = json!({ "client_id": "b", "inbox": 1, "to": [{ "email": "x@far.example" }],
        "subject": "Begun", "text": "Hello" });
    let begun = owner.post("/conversations", begin.clone()).await.expect(201);
    let begun = format!("/conversations/{}", begun["conversation"]["id"]);
    server.pass(11).await;
    server.until("it has arrived", || server.sink.arrived().len() == 1).await;
    for path in [&gone, &begun] {
        owner.patch(path, json!({ "place": "trash", "unread": false })).await.expect(200);
    }
    server.pass(2 * 86_400).await;
    let owner = server.owner().await;
    for path in [&gone, &begun] {
        server
            .until_it("it is gone", async || {
                server.clock.advance_millis(60_000);
                owner.get(path).await.status == 404
            })
            .await;
    }
    assert_eq!(owner.get(&kept).await.expect(200)["conversation"]["related"], json!([]));
    owner.post("/conversations", begin).await.refused(404, "not_found");
    // Read marks that are left over would be faults now.
    server.stop().await;
}
