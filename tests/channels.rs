//! The team's own addresses: mail to them finds its inbox, and answers go out under them, signed.

mod auto_reply;
mod fetching;

use serde_json::{Value, json};

use frontdesk::domain::Role;

use crate::support::{Client, TestServer, mail, smtp};

async fn add(owner: &Client, inbox: &Value, address: &str) -> Value {
    owner.post("/channels", json!({ "kind": "email", "inbox": inbox, "address": address })).await.expect(201)
}

async fn refuses(server: &TestServer, to: &str, words: &str) {
    let said = smtp::send(server.smtp(), "o@fell.example", &[to], mail("o@fell.example", "x", "x").as_bytes()).await;
    assert!(said.clone().is_err_and(|said| said.starts_with(words)), "{to}: {said:?}");
}

fn addressed(to: &str, subject: &str) -> String {
    mail("o@fell.example", subject, "x").replace("hello@desk.example", to)
}

async fn remove(owner: &Client, path: &str) {
    assert_eq!(owner.delete(path).await.status, 204, "{path}");
}

async fn inbox(owner: &Client) -> Value {
    owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone()
}

async fn first_id(owner: &Client) -> u64 {
    owner.get("/conversations").await.expect(200)["items"][0]["id"].as_u64().unwrap()
}

fn header(mail: &str, name: &str) -> Option<String> {
    let head = mail.split("\r\n\r\n").next().unwrap().replace("\r\n\t", " ").replace("\r\n ", " ");
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(":").map(|value| value.trim().to_owned());
    head.lines().find_map(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_the_teams_own_takes_mail_and_answers_under_its_name() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let inbox = inbox(&owner).await;
    refuses(&server, "help@tarnina.example", "550 5.7.1").await;
    let channel = add(&owner, &inbox, "Help@Tarnina.Example").await;
    assert_eq!((&channel["address"], &channel["way_in"]), (&json!("help@tarnina.example"), &json!("mx")));
    server.receive("o@fell.example", "help@tarnina.example", &mail("o@fell.example", "Tent", "Where?")).await;
    let id = first_id(&owner).await;
    let thread = owner.get(&format!("/conversations/{id}/messages")).await.expect(200);
    assert_eq!(thread["reply_to"]["from"], "help@tarnina.example");
    let said = json!({ "client_id": "1", "kind": "reply", "text": "On its way." });
    owner.post(&format!("/conversations/{id}/messages"), said).await.expect(201);
    server.pass(11).await;
    server.until("the reply has arrived", || !server.sink.arrived().is_empty()).await;
    let arrived = server.sink.arrived().remove(0);
    let text = arrived.text();
    let from = header(&text, "From").unwrap();
    assert!(from.contains("Ewa Lis, ") && from.contains("<help@tarnina.example>"), "{from}");
    assert!(header(&text, "Message-ID").unwrap().ends_with("@tarnina.example>"), "{text}");
    let back = header(&text, "Reply-To").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    assert!(back.starts_with("reply+") && back.ends_with("@tarnina.example"), "{back}");
    let signatures: Vec<&str> = text.lines().filter(|line| line.starts_with("DKIM-Signature:")).collect();
    assert_eq!(signatures.len(), 2, "{text}");
    server.receive("o@fell.example", &back, &mail("o@fell.example", "Re: Tent", "Thanks")).await;
    let row = owner.get(&format!("/conversations/{id}")).await.expect(200);
    assert_eq!(row["conversation"]["message_count"], 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_strays_and_roles_of_a_domain_find_their_inbox() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let first = inbox(&owner).await;
    let second = owner.post("/inboxes", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let help = add(&owner, &first, "help@tarnina.example").await;
    let sales = add(&owner, &second, "sales@tarnina.example").await;
    let change =
        async |channel: &Value, patch: Value| owner.patch(&format!("/channels/{}", channel["id"]), patch).await;
    let at = async |to: &str| {
        server.receive("o@fell.example", to, &addressed(to, &format!("To {to}"))).await;
        owner.get("/conversations").await.expect(200)["items"][0]["inbox"].clone()
    };
    assert_eq!(at("SALES+spring@Tarnina.example").await, second);
    refuses(&server, "nobody@tarnina.example", "550 5.1.1").await;
    change(&sales, json!({ "plus_tags": false })).await.expect(200);
    refuses(&server, "sales+spring@tarnina.example", "550 5.1.1").await;
    change(&help, json!({ "catch_all": true })).await.expect(200);
    change(&sales, json!({ "catch_all": true })).await.refused(409, "catch_all_in_use");
    assert_eq!(at("nobody@tarnina.example").await, first);
    assert_eq!(at("postmaster@tarnina.example").await, first);
    change(&help, json!({ "catch_all": false })).await.expect(200);
    assert_eq!(at("abuse@tarnina.example").await, first);
    remove(&owner, &format!("/channels/{}", sales["id"])).await;
    refuses(&server, "sales@tarnina.example", "550 5.1.1").await;
    // The fallback address is not a channel's to lose.
    assert_eq!(at("sales@desk.example").await, second);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_mail_is_answered_under_the_address_it_was_sent_to() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let inbox = inbox(&owner).await;
    let new = json!({ "kind": "email", "inbox": inbox, "address": "office@tarnina.example", "way_in": "forward" });
    owner.post("/channels", new).await.expect(201);
    let letter = addressed("Office@Tarnina.example", "Hi");
    server.receive("o@fell.example", "hello@desk.example", &letter).await;
    let thread = owner.get(&format!("/conversations/{}/messages", first_id(&owner).await)).await.expect(200);
    assert_eq!(thread["reply_to"]["from"], "office@tarnina.example");
    let blind = addressed("list@lists.example", "Blind");
    server.receive("p@fell.example", "hello@desk.example", &blind).await;
    let thread = owner.get(&format!("/conversations/{}/messages", first_id(&owner).await)).await.expect(200);
    assert_eq!(thread["reply_to"]["from"], "office@tarnina.example");
    let named = addressed("hello@desk.example", "By name");
    server.receive("q@fell.example", "hello@desk.example", &named).await;
    let thread = owner.get(&format!("/conversations/{}/messages", first_id(&owner).await)).await.expect(200);
    assert_eq!(thread["reply_to"]["from"], "hello@desk.example");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_addresses_are_refused_with_a_reason() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let inbox = inbox(&owner).await;
    add(&owner, &inbox, "help@tarnina.example").await;
    let refused = async |inbox: Value, address: &str, status: u16, code: &str| {
        let new = json!({ "kind": "email", "inbox": inbox, "address": address });
        owner.post("/channels", new).await.refused(status, code)
    };
    refused(inbox.clone(), "HELP@tarnina.example", 409, "address_in_use").await;
    for address in [
        "help",
        "a b@tarnina.example",
        "a@desk.example",
        "x@localhost",
        "reply@tarnina.example",
        "a+b@tarnina.example",
        "a@tarnina.example\r\nBcc: x@y.example",
        "żółw@tarnina.example",
        "\"a b\"@tarnina.example",
    ] {
        let refusal = refused(inbox.clone(), address, 400, "invalid").await;
        assert_eq!(refusal["field"], "address", "{address}");
    }
    refused(json!(999), "x@tarnina.example", 400, "invalid").await;
    server.add_agent("Jan", "jan@desk.example", Role::Agent).await;
    let agent = server.sign_in("jan@desk.example").await;
    let new = json!({ "kind": "email", "inbox": inbox, "address": "y@tarnina.example" });
    agent.post("/channels", new).await.refused(403, "forbidden");
    agent.get("/domains").await.refused(403, "forbidden");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_has_keys_which_can_be_changed_and_lives_as_long_as_its_addresses() {
    let mut server = TestServer::start().await;
    let owner = server.owner().await;
    let channel = add(&owner, &inbox(&owner).await, "help@tarnina.example").await;
    let domain = async |owner: &Client| {
        let list = owner.get("/domains").await.expect(200);
        list["items"].as_array().unwrap().iter().find(|one| one["name"] == "tarnina.example").cloned().unwrap()
    };
    let one = domain(&owner).await;
    let keys = one["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    let record = keys[0]["record_value"].as_str().unwrap();
    assert!(record.starts_with("v=DKIM1; k=rsa; p=MIIBIj") && record.len() > 390, "{record}");
    assert!(keys[1]["record_value"].as_str().unwrap().starts_with("v=DKIM1; k=ed25519; p="));
    assert_eq!(keys[0]["record_name"], "fd202603r._domainkey.tarnina.example");
    let path = format!("/domains/{}", one["id"]);
    owner.post(&format!("{path}/activate"), json!({})).await.refused(409, "no_next_keys");
    owner.post(&format!("{path}/rotate"), json!({})).await.expect(200);
    owner.post(&format!("{path}/rotate"), json!({})).await.refused(409, "rotation_under_way");
    server.restart().await;
    let owner = server.owner().await;
    let states = |one: &Value| -> Vec<String> {
        one["keys"].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&domain(&owner).await), ["active", "active", "next", "next"]);
    let done = owner.post(&format!("{path}/activate"), json!({})).await.expect(200);
    assert_eq!(states(&done), ["retired", "retired", "active", "active"]);
    owner.delete(&path).await.refused(409, "domain_in_use");
    remove(&owner, &format!("/channels/{}", channel["id"])).await;
    remove(&owner, &path).await;
    server.stop().await;
}
