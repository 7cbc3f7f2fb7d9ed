//! Who may do what: every route of the interface, asked by everybody, about everything.
//!
//! The table below is the rule. A route without a line in it fails the test.

use std::collections::BTreeSet;

use frontdesk::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestServer, api::Answer, mail_with};

/// `own`: assigned to the restricted agent; `foreign`: not; `shared`: one of theirs and one that is not;
/// `missing`: nothing has that id.
const TABLE: &str = include_str!("vectors/permissions.txt");

const MISSING: u64 = 999_999;

/// One line of the table.
struct Line {
    method: Method,
    path: String,
    object: String,
    statuses: Vec<u16>,
}

fn lines() -> Vec<Line> {
    let line = |text: &str| {
        let (what, statuses) = text.split_once('|').unwrap();
        let mut what = what.split_whitespace().map(str::to_owned);
        Line {
            method: what.next().unwrap().parse().unwrap(),
            path: what.next().unwrap(),
            object: what.next().unwrap(),
            statuses: statuses.split_whitespace().map(|status| status.parse().unwrap()).collect(),
        }
    };
    TABLE.trim().lines().skip(1).map(line).collect()
}

/// Everybody, and one conversation for the restricted agent and one that is not theirs.
struct World {
    server: TestServer,
    /// Ids in the order of the table; none for who is not an agent.
    askers: Vec<(&'static str, Option<u64>)>,
    /// What the deactivated agent still holds: a session's token and a bearer's.
    stale: [String; 2],
    inbox: u64,
    channel: u64,
    domain: u64,
    /// (conversation, contact, inbound message, its file, outbound message): own and foreign.
    objects: [[u64; 5]; 2],
    /// A contact with an own and a foreign conversation.
    shared: u64,
}

impl World {
    async fn new() -> World {
        let server = TestServer::start().await;
        let owner = server.owner().await;
        let ewa = owner.get("/me").await.json()["agent"]["id"].as_u64().unwrap();
        let viewer = server.add_agent("Wit Patrzy", "viewer@desk.example", Role::Viewer).await;
        let agent = server.add_agent("Ala Nowak", "agent@desk.example", Role::Agent).await;
        let restricted = server.add_restricted("Olga Mała", "restricted@desk.example").await;
        let admin = server.add_agent("Adam Duda", "admin@desk.example", Role::Admin).await;
        let gone = server.add_agent("Dora Była", "gone@desk.example", Role::Owner).await;
        let stale = [server.token(gone, false).await, server.token(gone, true).await];
        owner.patch(&format!("/agents/{gone}"), json!({ "active": false })).await.expect(200);
        let inbox = owner.get("/inboxes").await.json()["items"][0]["id"].as_u64().unwrap();
        let new = json!({ "kind": "email", "inbox": inbox, "address": "help@tarnina.example" });
        let channel = owner.post("/channels", new).await.expect(201)["id"].as_u64().unwrap();
        let domain = owner.post("/domains", json!({ "name": "unused.example" })).await.expect(201);
        let domain = domain["id"].as_u64().unwrap();
        let mut objects = Vec::new();
        for (name, assignee) in [("own", Some(restricted)), ("foreign", None)] {
            objects.push(conversation(&server, &owner, name, assignee).await);
        }
        let shared = shared(&server, &owner, restricted).await;
        let askers = [("anonymous", None), ("viewer", Some(viewer)), ("agent", Some(agent))];
        let more =
            [("restricted", Some(restricted)), ("admin", Some(admin)), ("owner", Some(ewa)), ("deactivated", None)];
        let askers = askers.into_iter().chain(more).collect();
        World { server, askers, stale, inbox, channel, domain, objects: objects.try_into().unwrap(), shared }
    }

    /// The asker with a session, or with a bearer token.
    async fn client(&self, name: &str, bearer: bool) -> Client {
        let client = self.server.anonymous();
        let id = self.askers.iter().find(|(known, _)| *known == name).unwrap().1;
        let token = match (id, name) {
            (Some(id), _) => self.server.token(id, bearer).await,
            (None, "deactivated") => self.stale[usize::from(bearer)].clone(),
            (None, _) if bearer => String::from("made-up"),
            (None, _) => return client,
        };
        if bearer { client.with_token(&token) } else { client.with_session(&token) }
    }

    fn id(&self, path: &str, object: &str) -> u64 {
        let [conversation, contact, message, file, sent] = match object {
            "own" => self.objects[0],
            "foreign" => self.objects[1],
            "agent" => return self.askers[2].1.unwrap(),
            "shared" => return self.shared,
            "owner" => return self.askers[5].1.unwrap(),
            _ => return MISSING,
        };
        match path.split('/').nth(1).unwrap() {
            "conversations" => conversation,
            "contacts" => contact,
            "messages" if path.ends_with("raw") => message,
            "messages" | "outgoing" => sent,
            "attachments" => file,
            "inboxes" => self.inbox,
            "channels" => self.channel,
            "domains" => self.domain,
            other => panic!("no object for {other}"),
        }
    }
}

/// A mail with a file, and a reply to it that waits.
async fn conversation(server: &TestServer, owner: &Client, name: &str, assignee: Option<u64>) -> [u64; 5] {
    let parts = "Content-Type: multipart/mixed; boundary=b\r\n";
    let body =
        "--b\nContent-Type: text/plain\n\nWords\n--b\nContent-Disposition: attachment; filename=a.txt\n\nfile\n--b--";
    let letter = mail_with(&format!("{name}@far.example"), name, parts, body).replacen(
        "Content-Type: text/plain; charset=utf-8\r\n",
        "",
        1,
    );
    server.receive("x@far.example", "hello@desk.example", &letter).await;
    let page = owner.get("/conversations?limit=200").await.expect(200);
    let rows = page["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["subject"] == name).unwrap();
    let path = format!("/conversations/{}", row["id"]);
    let said =
        owner.post(&format!("{path}/messages"), json!({ "client_id": name, "kind": "reply", "text": "Hi" })).await;
    owner.patch(&path, json!({ "assignee": assignee })).await.expect(200);
    let message = owner.get(&format!("{path}/messages")).await.json()["items"][0].clone();
    let ids = [
        &row["id"],
        &row["contact"]["id"],
        &message["id"],
        &message["attachments"][0]["id"],
        &said.expect(201)["message"]["id"],
    ];
    ids.map(|id| id.as_u64().unwrap())
}

/// Two conversations with one contact, one of them for the restricted agent; gives the contact.
async fn shared(server: &TestServer, owner: &Client, restricted: u64) -> u64 {
    for subject in ["shared one", "shared two"] {
        let letter = mail_with("Known Name <shared@far.example>", subject, "", "Words");
        server.receive("x@far.example", "hello@desk.example", &letter).await;
    }
    let page = owner.get("/conversations?limit=2").await.expect(200);
    owner
        .patch(&format!("/conversations/{}", page["items"][0]["id"]), json!({ "assignee": restricted }))
        .await
        .expect(200);
    page["items"][0]["contact"]["id"].as_u64().unwrap()
}

/// A good request for a route; `once` differs each time.
fn body_of(method: &Method, path: &str, world: &World, once: u64) -> Option<Value> {
    if *method == Method::GET || *method == Method::DELETE {
        return None;
    }
    let name = format!("Name {once}");
    Some(match path {
        "/sessions" => json!({ "email": "ewa@desk.example", "password": crate::support::PASSWORD }),
        "/setup" => json!({ "token": "wrong", "workspace_name": "x", "name": "x", "email": "x@y.example",
            "password": "long enough to be one", "inbox_name": "x", "language": "en" }),
        "/me" => json!({ "language": "pl" }),
        "/agents" => {
            json!({ "name": name, "email": format!("a{once}@desk.example"), "role": "agent", "password": "long enough" })
        }
        "/agents/{id}" | "/inboxes" | "/inboxes/{id}" | "/settings/workspace" | "/contacts/{id}" => {
            json!({ "name": name })
        }
        "/channels" => {
            json!({ "kind": "email", "inbox": world.inbox, "address": format!("a{once}@tarnina.example") })
        }
        "/channels/{id}" => json!({ "signature": name }),
        "/channels/{id}/check" => json!({}),
        "/channels/check" => {
            json!({ "imap": { "host": "127.0.0.1", "port": 9, "user": "nobody", "secret": "nothing" } })
        }
        "/filters" => json!({ "allow": [], "deny": [format!("d{once}@far.example")] }),
        "/conversations/{id}/block" => json!({}),
        "/domains" => json!({ "name": format!("d{once}.example") }),
        "/domains/{id}/rotate" | "/domains/{id}/activate" | "/domains/{id}/check" => json!({}),
        "/settings/relay" | "/domains/{id}/relay" => json!({ "host": "relay.example", "port": 25, "tls": "starttls" }),
        "/settings/relay/test" => json!({ "to": "x@far.example" }),
        "/conversations" => json!({ "client_id": name, "inbox": world.inbox, "to": [{ "email": "new@far.example" }],
            "subject": name, "text": "Hello" }),
        "/conversations/{id}" => json!({ "tags": [name] }),
        "/conversations/{id}/messages" => json!({ "client_id": name, "kind": "comment", "text": name }),
        "/conversations/{id}/draft" => json!({ "text": name }),
        "/messages/{id}/cancel"
        | "/messages/{id}/retry"
        | "/messages/{id}/send_now"
        | "/outgoing/{id}/cancel"
        | "/outgoing/{id}/retry" => {
            json!({})
        }
        other => panic!("no body for {method} {other}"),
    })
}

/// The same, sent.
async fn ask(client: &Client, world: &World, line: &Line, once: u64, spoil: impl FnOnce(&mut Value)) -> Answer {
    let path = line.path.replace("{id}", &world.id(&line.path, &line.object).to_string()).replace("{number}", "0");
    if line.path == "/attachments" {
        return client.upload("a.txt", "text/plain", format!("file {once}").into_bytes()).await;
    }
    let query = match line.path.as_str() {
        "/setup" if line.method == Method::GET => "?token=wrong",
        "/search" => "?q=words",
        "/changes" => "?after=0",
        path if path.ends_with("draft") => "?kind=reply",
        _ => "",
    };
    let mut body = body_of(&line.method, &line.path, world, once);
    if let Some(body) = &mut body {
        spoil(body);
    }
    client.send(line.method.clone(), &format!("{path}{query}"), body).await
}

/// (method, path) of every route in the document.
fn routes() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(frontdesk::http::api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| -> Vec<(String, String)> {
        methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn every_route_has_its_lines() {
    let lines = lines();
    let told: BTreeSet<_> = lines.iter().map(|line| (line.method.to_string(), line.path.clone())).collect();
    assert_eq!(told, routes());
    for line in lines {
        assert_eq!(line.statuses.len(), 7, "{} {}", line.method, line.path);
        assert_eq!(line.object == "-", !line.path.contains("{id}"), "{} {}", line.method, line.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_what_the_table_says() {
    let world = World::new().await;
    let (mut once, mut wrong) = (0, Vec::new());
    for line in lines() {
        for (at, (name, _)) in world.askers.iter().enumerate() {
            for bearer in [false, true] {
                once += 1;
                let client = world.client(name, bearer).await;
                let answer = ask(&client, &world, &line, once, |_| {}).await;
                let expected = line.statuses[at];
                if answer.status != expected {
                    let told = String::from_utf8_lossy(&answer.bytes).into_owned();
                    wrong.push(format!(
                        "{} {} {} by {name}: {}, not {expected}: {told}",
                        line.method, line.path, line.object, answer.status
                    ));
                }
                if expected >= 400 {
                    assert_eq!(answer.headers["content-type"], "application/problem+json");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.server.stop().await;
}

/// Fields that are the server's, whatever a client says.
fn hostile() -> Value {
    let text = r#"{
        "id": 1, "created_at": "1999-01-01T00:00:00Z", "at": "1999-01-01T00:00:00Z", "updated_at": "1999-01-01T00:00:00Z",
        "last_activity_at": "1999-01-01T00:00:00Z", "sent_at": "1999-01-01T00:00:00Z", "owner": 3, "author": 3, "actor": 3,
        "agent": { "id": 1, "role": "owner" }, "role": "owner", "active": false, "only_assigned": false, "may": { "manage": true },
        "password_hash": "x", "token_hash": "x", "api": true, "session": 1, "contact": 1, "identity": "x@evil.example",
        "identities": [{ "kind": "email", "value": "x@evil.example", "verified": true }], "verified": true,
        "conversation": 1, "message": 1, "message_id": "<x@evil.example>", "message_count": 99, "token": "x",
        "participants": ["x@evil.example"], "related": [1], "last": null, "trouble": "unreadable", "channel": "chat",
        "from": { "email": "x@evil.example" }, "reply_to": [{ "email": "x@evil.example" }], "headers": ["X: y"], "raw": 1,
        "delivery": { "state": "sent" }, "event": { "code": "closed" }, "revision": 99, "hostname": "evil.example",
        "workspace": { "name": "x", "hostname": "evil.example" }, "fallback_address": "x@evil.example", "source": "config",
        "has_password": true, "change": 1, "read_from": 0, "open_count": 99, "named_by_agent": true, "assignee": 3,
        "state": "closed", "place": "spam", "inbox": 2, "unread": true, "__proto__": { "role": "owner" }
    }"#;
    serde_json::from_str(text).unwrap()
}

/// The names of the fields that a route's body has.
fn schema_of(method: &Method, path: &str) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(frontdesk::http::api::document()).unwrap();
    let body = &document["paths"][path][method.as_str().to_lowercase()]["requestBody"]["content"];
    let Some(content) = body.as_object().and_then(|content| content.values().next()) else { return BTreeSet::new() };
    let Some(name) = content["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next()) else {
        return BTreeSet::new();
    };
    document["components"]["schemas"][name]["properties"].as_object().unwrap().keys().cloned().collect()
}

/// An answer without what differs from server to server.
fn without_chance(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for name in ["message_id", "port", "trace", "record_value", "record"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(|field| *field = without_chance(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_chance(item.take())),
        _ => {}
    }
    value
}

/// Sends every body to a new server, each spoilt by `spoil`; what was answered, and all there is in the end.
async fn play(spoil: fn(&Line, &mut Value)) -> Vec<(String, Value)> {
    let world = World::new().await;
    let mut story = Vec::new();
    let mut once = 0;
    for line in lines().iter().filter(|line| line.object != "missing" && line.path != "/settings/relay/test") {
        if line.path == "/search" {
            world.server.indexed().await;
        }
        for name in ["restricted", "owner"] {
            once += 1;
            let client = world.client(name, false).await;
            let answer = ask(&client, &world, line, once, |body| spoil(line, body)).await;
            story.push((
                format!("{} {} {} by {name}: {}", line.method, line.path, line.object, answer.status),
                without_chance(answer.json()),
            ));
        }
    }
    let owner = world.client("owner", false).await;
    for path in [
        "/agents",
        "/inboxes",
        "/channels",
        "/domains",
        "/filters",
        "/settings/workspace",
        "/settings/relay",
        "/conversations?limit=200",
        "/counts",
        "/changes?after=0",
    ] {
        story.push((path.to_owned(), without_chance(owner.get(path).await.expect(200))));
    }
    world.server.stop().await;
    story
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_server_are_not_the_clients_to_set() {
    let plain = play(|_, _| {}).await;
    let spoilt = play(|line, body| {
        let known = schema_of(&line.method, &line.path);
        for (name, value) in hostile().as_object().unwrap() {
            if !known.contains(name) {
                body[name] = value.clone();
            }
        }
    })
    .await;
    assert_eq!(plain.len(), spoilt.len());
    for (one, other) in plain.iter().zip(&spoilt) {
        assert_eq!(one, other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_object_in_a_request_is_asked_about_as_well() {
    let world = World::new().await;
    let [own, foreign] = world.objects;
    let restricted = world.client("restricted", false).await;
    let agent = world.client("agent", false).await;
    let file = agent.upload("a.txt", "text/plain", b"mine".to_vec()).await.expect(201)["attachment"]["id"].clone();
    restricted.get(&format!("/attachments/{file}")).await.refused(404, "not_found");
    let messages = format!("/conversations/{}/messages", own[0]);
    // Somebody else's upload, a file of a mail, and nothing at all look the same.
    let mut told = BTreeSet::new();
    for id in [file.as_u64().unwrap(), foreign[3], own[3], MISSING] {
        let body = json!({ "client_id": format!("{id}"), "kind": "comment", "text": "x", "attachments": [id] });
        told.insert(restricted.post(&messages, body).await.refused(400, "invalid").to_string());
        let body = json!({ "text": "x", "attachments": [id] });
        let draft = format!("/conversations/{}/draft?kind=comment", own[0]);
        told.insert(restricted.put(&draft, body).await.refused(400, "invalid").to_string());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    restricted.get(&format!("{messages}?before={}", foreign[2])).await.refused(404, "not_found");
    let patch = async |body: Value| agent.patch(&format!("/conversations/{}", own[0]), body).await;
    patch(json!({ "inbox": MISSING })).await.refused(400, "invalid");
    patch(json!({ "assignee": MISSING })).await.refused(400, "invalid");
    let gone = agent.get("/agents").await.json();
    let gone = gone["items"].as_array().unwrap().iter().find(|agent| agent["active"] == false).unwrap().clone();
    patch(json!({ "assignee": gone["id"] })).await.refused(400, "invalid");
    // Lists asked for with somebody else's ids are empty, and count nothing.
    let all = restricted.get("/conversations").await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    for filter in [
        format!("contact={}", foreign[1]),
        String::from("assignee=none"),
        format!("assignee={}", world.askers[5].1.unwrap()),
    ] {
        let page = restricted.get(&format!("/conversations?{filter}")).await.expect(200);
        assert_eq!((&page["items"], &page["next"]), (&json!([]), &Value::Null), "{filter}");
    }
    let counts = restricted.get("/counts").await.expect(200);
    assert_eq!(
        (&counts["views"]["all"], &counts["views"]["unassigned"], &counts["views"]["sent"]),
        (&json!(2), &json!(0), &json!(1))
    );
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_away_by_what_stands_beside() {
    let world = World::new().await;
    let [own, foreign] = world.objects;
    let (owner, agent) = (world.client("owner", false).await, world.client("agent", false).await);
    let restricted = world.client("restricted", false).await;
    // Writing to an address does not give the name of who has it, and does not let them be renamed.
    let begin = json!({ "client_id": "b", "inbox": world.inbox, "to": [{ "email": "shared@far.example" }],
        "subject": "Again", "text": "Hello" });
    let named = |answer: &Value| answer["conversation"]["contact"]["name"].clone();
    let begun = restricted.post("/conversations", begin.clone()).await.expect(201);
    let path = format!("/conversations/{}", begun["conversation"]["id"]);
    assert_eq!(named(&begun), Value::Null);
    assert_eq!(named(&restricted.get(&path).await.expect(200)), Value::Null);
    assert_eq!(named(&owner.get(&path).await.expect(200)), "Known Name");
    // The same request again is not a way past the door.
    owner.patch(&path, json!({ "assignee": null })).await.expect(200);
    restricted.post("/conversations", begin).await.refused(404, "not_found");
    // One mail to two inboxes: the other conversation is there for who may see it.
    owner.post("/inboxes", json!({ "name": "Second" })).await.expect(201);
    let letter = mail_with("two@far.example", "Both", "", "Words");
    let to = ["hello@desk.example", "second@desk.example"];
    crate::support::smtp::send(world.server.smtp(), "two@far.example", &to, letter.as_bytes()).await.unwrap();
    world.server.filed().await;
    let page = owner.get("/conversations?limit=2").await.expect(200);
    let first = format!("/conversations/{}", page["items"][0]["id"]);
    let id = world.askers.iter().find(|(known, _)| *known == "restricted").unwrap().1;
    owner.patch(&first, json!({ "assignee": id })).await.expect(200);
    assert_eq!(owner.get(&first).await.json()["conversation"]["related"], json!([page["items"][1]["id"]]));
    assert_eq!(restricted.get(&first).await.json()["conversation"]["related"], json!([]));
    // How much lies in an inbox is said of what they see.
    let open = async |client: &Client| client.get("/inboxes").await.json()["items"][0]["open_count"].clone();
    assert_eq!((open(&owner).await, open(&restricted).await), (json!(6), json!(2)));
    // Only who wrote a message takes it back, and who manages.
    agent.post(&format!("/messages/{}/cancel", own[4]), json!({})).await.refused(403, "forbidden");
    let said = json!({ "client_id": "s", "kind": "reply", "text": "Mine" });
    let said = agent.post(&format!("/conversations/{}/messages", foreign[0]), said).await.expect(201);
    agent.post(&format!("/messages/{}/cancel", said["message"]["id"]), json!({})).await.expect(200);
    // Who may only read looks after nothing.
    let viewer = world.askers.iter().find(|(known, _)| *known == "viewer").unwrap().1;
    owner.patch(&first, json!({ "assignee": viewer })).await.refused(400, "invalid");
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_cannot_lift_themselves() {
    let world = World::new().await;
    let admin = world.client("admin", false).await;
    let owner = world.client("owner", false).await;
    let id = |name: &str| world.askers.iter().find(|(known, _)| *known == name).unwrap().1.unwrap();
    let new = json!({ "name": "x", "email": "n@desk.example", "role": "owner", "password": "long enough" });
    admin.post("/agents", new).await.refused(403, "forbidden");
    for (who, patch) in [
        ("admin", json!({ "role": "owner" })),
        ("agent", json!({ "role": "owner" })),
        ("owner", json!({ "password": "long enough" })),
    ] {
        admin.patch(&format!("/agents/{}", id(who)), patch).await.refused(403, "forbidden");
    }
    // Whoever was the last owner stays one.
    for patch in [json!({ "role": "agent" }), json!({ "active": false })] {
        owner.patch(&format!("/agents/{}", id("owner")), patch).await.refused(409, "last_owner");
    }
    // A role that is taken away is gone with the next request.
    let agent = world.client("agent", false).await;
    owner.patch(&format!("/agents/{}", id("agent")), json!({ "role": "viewer" })).await.expect(200);
    agent
        .patch(&format!("/conversations/{}", world.objects[0][0]), json!({ "tags": [] }))
        .await
        .refused(403, "read_only");
    owner
        .patch(&format!("/agents/{}", id("admin")), json!({ "role": "agent", "only_assigned": true }))
        .await
        .expect(200);
    admin.get("/settings/relay").await.refused(403, "forbidden");
    admin.get(&format!("/conversations/{}", world.objects[0][0])).await.refused(404, "not_found");
    world.server.stop().await;
}
