//! Automatic replies: who gets one, who never does, and that machines do not talk to each other for long.

use frontdesk::domain::mail_domain::DkimAlgorithm;
use serde_json::{Value, json};

use crate::support::dns::Misbehaves;
use crate::support::signed::SigningDomain;
use crate::support::sink::Arrived;
use crate::support::{Client, Dns, Sink, TestServer, smtp};

/// Allows the address that tests send from.
const ALLOWS: &str = "v=spf1 ip4:127.0.0.1 -all";
const HELP: &str = "help@tarnina.example";
const DAY: i64 = 24 * 3600;

/// A server with an address of its own that answers by itself.
async fn server(dns: &Dns) -> (TestServer, Client) {
    let address = dns.address;
    let server = TestServer::start_with(|config| config.dns.servers = vec![address]).await;
    let owner = server.owner().await;
    answer_from(&owner, HELP, json!({})).await;
    (server, owner)
}

/// What the channel says, with some of it otherwise.
fn reply(but: Value) -> Value {
    let hours = json!({ "zone": "Europe/Warsaw", "week": [{ "day": 1, "from": "09:00", "to": "17:00" }],
        "closed": ["2026-12-25"] });
    let mut reply = json!({ "enabled": true, "subject": "", "when": "always", "hours": hours,
        "text": "<p>Hello {{contact.name}}, this is number {{conversation.number}}.</p>" });
    for (key, value) in but.as_object().unwrap() {
        reply[key] = value.clone();
    }
    reply
}

/// Adds a channel that answers by itself; gives its path.
async fn answer_from(owner: &Client, address: &str, but: Value) -> String {
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let new = json!({ "kind": "email", "inbox": inbox, "address": address });
    let channel = owner.post("/channels", new).await.expect(201)["id"].clone();
    let path = format!("/channels/{channel}");
    owner.patch(&path, json!({ "auto_reply": reply(but) })).await.expect(200);
    path
}

/// A mail to the channel with further header lines.
fn written(from: &str, subject: &str, headers: &str) -> String {
    format!(
        "From: {from}\r\nTo: {HELP}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@there.example>\r\n{headers}\r\nWords\r\n"
    )
}

/// Takes a mail and waits until everything about it is decided; gives what has been sent since.
async fn taken(server: &TestServer, envelope: &str, to: &str, mail: &str) -> Vec<Arrived> {
    let before = server.sink.arrived().len();
    smtp::send(server.smtp(), envelope, &[to], mail.as_bytes()).await.unwrap();
    server.filed().await;
    quiet(server).await;
    server.sink.arrived().split_off(before)
}

/// Waits until no job is due and nothing is being sent.
async fn quiet(server: &TestServer) {
    use frontdesk::domain::message::DeliveryState;
    use frontdesk::domain::{Job, Message};
    use frontdesk::store::Rows;
    let is_sent =
        |message: &Message| !matches!(&message.delivery, Some(delivery) if delivery.state == DeliveryState::Sending);
    server
        .until("nothing is left to do", || {
            let rows = server.running().desk.store.read().unwrap();
            let waits = rows.all::<Job>().unwrap().iter().all(|job| job.due_at > server.clock.now());
            waits && rows.all::<Message>().unwrap().iter().all(is_sent)
        })
        .await;
}

fn header(mail: &Arrived, name: &str) -> Option<String> {
    let head = mail.text().replace("\r\n ", " ").replace("\r\n\t", " ");
    let head = head.split("\r\n\r\n").next().unwrap().to_owned();
    let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_a_conversation_is_answered_once_a_day() {
    let dns = Dns::start();
    let shop = SigningDomain::publish(&dns, "shop.example", DkimAlgorithm::Ed25519);
    let (mut server, owner) = server(&dns).await;
    let mail = shop.sign(&written("Jan <jan@shop.example>", "Tents", ""));
    let sent = taken(&server, "jan@shop.example", HELP, &mail).await;
    let [sent] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((sent.from.as_str(), sent.to.as_slice()), ("", &[String::from("jan@shop.example")][..]));
    let list = owner.get("/conversations").await.expect(200);
    let id = list["items"][0]["id"].as_u64().unwrap();
    for (name, value) in [
        ("Auto-Submitted", "auto-replied"),
        ("X-Auto-Response-Suppress", "All"),
        ("In-Reply-To", "<Tents@there.example>"),
        ("References", "<Tents@there.example>"),
        ("Subject", "Re: Tents"),
    ] {
        assert_eq!(header(sent, name).as_deref(), Some(value), "{}", sent.text());
    }
    assert_eq!(header(sent, "Precedence"), None);
    assert!(header(sent, "From").unwrap().ends_with("<help@tarnina.example>"), "{}", sent.text());
    assert!(sent.text().contains("DKIM-Signature: v=1"), "{}", sent.text());
    assert!(sent.text().contains(&format!("Hello Jan, this is number {id}.")), "{}", sent.text());
    // It stands in the thread, and nothing else is as if somebody had answered.
    let row = &list["items"][0];
    assert_eq!(
        (&row["last"]["kind"], &row["assignee"], &row["state"]),
        (&json!("inbound"), &json!(null), &json!("open"))
    );
    assert_eq!((&row["message_count"], &row["unread"]), (&json!(2), &json!(true)));
    let thread = owner.get(&format!("/conversations/{id}/messages")).await.expect(200);
    let items: Vec<_> = thread["items"].as_array().unwrap().iter().filter(|one| one["kind"] != "event").collect();
    assert_eq!(
        (&items[1]["kind"], &items[1]["automatic"], &items[1]["author"]),
        (&json!("outbound"), &json!(true), &json!(null))
    );
    assert_eq!((&items[0]["automatic"], &items[1]["delivery"]["state"]), (&json!(false), &json!("sent")));
    assert_eq!(thread["reply_one"]["to"][0]["email"], "jan@shop.example");
    // An agent who has not seen it is not held back.
    let seen = items[0]["id"].clone();
    assert!(seen.is_u64());
    let list = owner.get("/conversations?view=sent").await.expect(200);
    assert_eq!(list["items"], json!([]), "nobody has answered");
    // Not again today, whatever the tag, after a restart either; again tomorrow.
    server.restart().await;
    for envelope in ["jan@shop.example", "JAN@shop.example", "jan+2@shop.example"] {
        let mail = shop.sign(&written(&format!("Jan <{envelope}>"), &format!("More{}", envelope.len()), ""));
        assert!(taken(&server, envelope, HELP, &mail).await.is_empty(), "{envelope}");
    }
    server.pass(DAY - 60).await;
    let mail = shop.sign(&written("Jan <jan@shop.example>", "Late", ""));
    assert!(taken(&server, "jan@shop.example", HELP, &mail).await.is_empty());
    server.pass(120).await;
    let mail = shop.sign(&written("Jan <jan@shop.example>", "Tomorrow", ""));
    assert_eq!(taken(&server, "jan@shop.example", HELP, &mail).await.len(), 1);
    // What joins a conversation is not answered.
    let reply_to = header(sent, "Reply-To").unwrap();
    let address = reply_to.split(['<', '>']).nth(1).unwrap_or(&reply_to).to_owned();
    server.pass(2 * DAY).await;
    let answer = shop.sign(&written("Jan <jan@shop.example>", "Again", ""));
    assert!(taken(&server, "jan@shop.example", &address, &answer).await.is_empty());
    let joined = owner_of(&server).await.get(&format!("/conversations/{id}")).await.expect(200);
    assert_eq!(joined["conversation"]["message_count"], 3);
    server.stop().await;
}

async fn owner_of(server: &TestServer) -> Client {
    server.owner().await
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_lists_forgers_and_ourselves_are_not_answered() {
    let dns = Dns::start();
    dns.txt("strict.example", "v=spf1 -all").txt("_dmarc.strict.example", "v=DMARC1; p=none");
    let (server, owner) = server(&dns).await;
    owner
        .put(
            "/filters",
            json!({ "allow": [], "deny": ["denied.example"],
        "kinds": { "automatic": false, "bulk": false, "role": false, "unsubscribe": false } }),
        )
        .await
        .expect(200);
    let mut number = 0;
    for (from, envelope, headers) in [
        ("a", "a", "Auto-Submitted: auto-replied\r\n"),
        ("a", "a", "Auto-Submitted: auto-generated\r\n"),
        ("a", "a", "Precedence: bulk\r\n"),
        ("a", "a", "Precedence: list\r\n"),
        ("a", "a", "Precedence: junk\r\n"),
        ("a", "a", "Precedence: auto_reply\r\n"),
        ("a", "a", "List-Id: <l.there.example>\r\n"),
        ("a", "a", "List-Unsubscribe: <mailto:u@there.example>\r\n"),
        ("a", "a", "List-Help: <mailto:u@there.example>\r\n"),
        ("a", "a", "X-Auto-Response-Suppress: OOF, DR\r\n"),
        ("a", "a", "X-Auto-Response-Suppress: All\r\n"),
        ("a", "a", "X-Autoreply: yes\r\n"),
        ("a", "a", "X-Autorespond: yes\r\n"),
        ("a", "a", "Date: Fri, 27 Feb 2026 08:00:00 +0000\r\n"),
        ("a", "", ""),
        ("mailer-daemon", "a", ""),
        ("a", "mailer-daemon", ""),
        ("postmaster", "postmaster", ""),
        ("no-reply", "no-reply", ""),
        ("noreply", "noreply", ""),
        ("do-not-reply", "do-not-reply", ""),
        ("owner-list", "owner-list", ""),
        ("list-request", "list-request", ""),
        ("a", "bounces+17=x", ""),
        ("help@tarnina.example", "a", ""),
        ("a", "help@tarnina.example", ""),
        ("hello@desk.example", "hello@desk.example", ""),
        ("a@strict.example", "a@strict.example", ""),
        ("a@denied.example", "b", ""),
        ("a@there.example, b@there.example", "a", ""),
    ] {
        number += 1;
        let whole = |name: &str| match name {
            "" => String::new(),
            name if name.contains('@') => name.to_owned(),
            name => format!("{name}{number}@there{number}.example").replace(&format!("{name}{number}"), name),
        };
        let mail = written(&whole(from), &format!("n{number}"), headers);
        let before = server.sink.arrived().len();
        // Two senders are refused at the door already.
        if smtp::send(server.smtp(), &whole(envelope), &[HELP], mail.as_bytes()).await.is_ok() {
            server.filed().await;
            quiet(&server).await;
        }
        assert_eq!(server.sink.arrived().len(), before, "From {from}, envelope {envelope}, {headers}");
    }
    let own = written("c@there.example", "own", "").replace(HELP, "hello@desk.example");
    // A blind copy, and the inbox's own address, which says nothing by itself.
    let blind = written("c@there.example", "blind", "").replace(HELP, "somebody@there.example");
    assert!(taken(&server, "c@there.example", HELP, &blind).await.is_empty());
    assert!(taken(&server, "c@there.example", "hello@desk.example", &own).await.is_empty());
    // The same sender without any of that.
    assert_eq!(taken(&server, "c@there.example", HELP, &written("c@there.example", "plain", "")).await.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_before_it_is_known_whose_a_mail_is() {
    let dns = Dns::start();
    dns.misbehave("slow.example", Misbehaves::Silent);
    let (server, owner) = server(&dns).await;
    smtp::send(server.smtp(), "a@slow.example", &[HELP], written("a@slow.example", "Slow", "").as_bytes())
        .await
        .unwrap();
    server.filed().await;
    let list = owner.get("/conversations").await.expect(200);
    let thread = owner.get(&format!("/conversations/{}/messages", list["items"][0]["id"])).await.expect(200);
    assert_eq!(thread["items"][0]["authentication"]["verdict"], "checking");
    assert!(server.sink.arrived().is_empty());
    // Its name server still says nothing: the mail proves nothing, and is answered as such.
    let verdict = async || {
        let path = format!("/messages/{}", thread["items"][0]["id"]);
        owner.get(&path).await.expect(200)["message"]["authentication"]["verdict"].clone()
    };
    server.until_it("the verdict is there", async || verdict().await == "temperror").await;
    server.pass(10).await;
    server.until("it is answered", || server.sink.arrived().len() == 1).await;
    assert_eq!(header(&server.sink.arrived()[0], "Subject").as_deref(), Some("We have received your message"));
    quiet(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_be_somebody_else_hears_nothing_of_what_was_written() {
    let dns = Dns::start();
    dns.txt("safe.example", ALLOWS);
    let evil = SigningDomain::publish(&dns, "evil.example", DkimAlgorithm::Ed25519);
    let (server, owner) = server(&dns).await;
    let text = "<p>Hi {{contact.name}}! <a href=\"{{contact.name}}\">x</a></p>";
    let path = format!("/channels/{}", owner.get("/channels").await.expect(200)["items"][0]["id"]);
    let subject = "Thank\r\nBcc: x@y.example you";
    owner.patch(&path, json!({ "auto_reply": reply(json!({ "text": text, "subject": subject })) })).await.expect(200);
    // Nothing speaks for it: neither its subject nor its name come back to the address that it names.
    let from = "Buy at evil <victim+cheap-pills@there.example>";
    let sent = taken(&server, "victim+cheap-pills@there.example", HELP, &written(from, "BUY-NOW", "")).await;
    assert_eq!(header(&sent[0], "Subject").as_deref(), Some("Thank Bcc: x@y.example you"));
    assert_eq!(header(&sent[0], "Bcc"), None);
    assert!(sent[0].text().contains("Hi victim@there.example!"), "{}", sent[0].text());
    for said in ["BUY-NOW\r", "Buy at", "cheap-pills@there.example!"] {
        assert!(!sent[0].text().contains(said), "{said} in {}", sent[0].text());
    }
    // Signed by its author, with somebody else's address in the envelope.
    let mail = evil.sign(&written("Buy <a@evil.example>", "BUY-NOW2", ""));
    let sent = taken(&server, "victim@elsewhere.example", HELP, &mail).await;
    assert_eq!(sent[0].to, ["victim@elsewhere.example"]);
    assert!(!sent[0].text().contains("Subject: Re") && !sent[0].text().contains("Hi Buy"), "{}", sent[0].text());
    assert_eq!(header(&sent[0], "Reply-To"), None, "the conversation's own address is its author's alone");
    // A name of its own, escaped.
    let sent = taken(&server, "b@safe.example", HELP, &written("\"B & \\\"C\\\"\" <b@safe.example>", "Fine", "")).await;
    assert_eq!(header(&sent[0], "Subject").as_deref(), Some("Re: Fine"));
    assert!(sent[0].text().contains("Hi B &amp; "), "{}", sent[0].text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_a_minute_and_a_domain() {
    let dns = Dns::start();
    dns.txt("safe.example", ALLOWS);
    let (server, _owner) = server(&dns).await;
    let mut sent = Vec::new();
    for number in 0..5 {
        let from = format!("u{number}@there.example");
        sent.push(taken(&server, &from, HELP, &written(&from, &format!("t{number}"), "")).await.len());
    }
    assert_eq!(sent, [1, 1, 1, 0, 0], "nothing speaks for them");
    sent.clear();
    for number in 0..20 {
        let from = format!("u{number}@safe.example");
        sent.push(taken(&server, &from, HELP, &written(&from, &format!("s{number}"), "")).await.len());
    }
    assert_eq!(sent.iter().sum::<usize>(), 17, "with the three before there are twenty in this minute: {sent:?}");
    server.pass(61).await;
    let from = "u99@safe.example";
    assert_eq!(taken(&server, from, HELP, &written(from, "minute", "")).await.len(), 1);
    // Who was left out is greeted the next time.
    assert_eq!(taken(&server, "u19@safe.example", HELP, &written("u19@safe.example", "next", "")).await.len(), 1);
    let from = "u9@there.example";
    assert!(taken(&server, from, HELP, &written(from, "still", "")).await.is_empty());
    server.pass(DAY).await;
    assert_eq!(taken(&server, from, HELP, &written(from, "day", "")).await.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_and_words_are_the_channels_own() {
    let dns = Dns::start();
    let (server, owner) = server(&dns).await;
    let path = format!("/channels/{}", owner.get("/channels").await.expect(200)["items"][0]["id"]);
    // It is Monday, ten o'clock in Warsaw.
    for (when, from, sent) in [("outside_hours", "a@x.example", 0), ("inside_hours", "b@x.example", 1)] {
        owner.patch(&path, json!({ "auto_reply": reply(json!({ "when": when })) })).await.expect(200);
        assert_eq!(taken(&server, from, HELP, &written(from, when, "")).await.len(), sent, "{when}");
    }
    let off = reply(json!({ "enabled": false, "text": "" }));
    owner.patch(&path, json!({ "auto_reply": off })).await.expect(200);
    assert!(taken(&server, "c@x.example", HELP, &written("c@x.example", "off", "")).await.is_empty());
    let week = |spans: Value| json!({ "zone": "UTC", "week": spans, "closed": [] });
    for (field, but) in [
        ("auto_reply.text", json!({ "text": " <p> </p>" })),
        ("auto_reply.text", json!({ "text": "x".repeat(10_001) })),
        ("auto_reply.zone", json!({ "hours": { "zone": "Mars/Base", "week": [], "closed": [] } })),
        ("auto_reply.week", json!({ "hours": week(json!([{ "day": 1, "from": "17:00", "to": "09:00" }])) })),
        ("auto_reply.week", json!({ "hours": week(json!([{ "day": 9, "from": "09:00", "to": "10:00" }])) })),
        ("auto_reply.week", json!({ "hours": week(json!([{ "day": 1, "from": "9", "to": "10:00" }])) })),
        ("auto_reply.week", json!({ "when": "inside_hours", "hours": week(json!([])) })),
        ("auto_reply.closed", json!({ "hours": { "zone": "UTC", "week": [], "closed": ["2026-02-30"] } })),
    ] {
        let refused = owner.patch(&path, json!({ "auto_reply": reply(but.clone()) })).await.refused(400, "invalid");
        assert_eq!(refused["field"], field, "{but}");
    }
    let kept =
        owner.patch(&path, json!({ "auto_reply": reply(json!({ "text": "<p onclick=x>Hi<script>1</script></p>" })) }));
    let kept = kept.await.expect(200);
    assert_eq!(kept["auto_reply"]["text"], "<p>Hi</p>");
    assert_eq!(kept["auto_reply"]["hours"], reply(json!({}))["hours"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answering_machine_joins_the_thread_and_wakes_nobody() {
    let dns = Dns::start();
    let (server, owner) = server(&dns).await;
    let sent = taken(&server, "jan@shop.example", HELP, &written("jan@shop.example", "Hi", "")).await;
    let id = owner.get("/conversations").await.expect(200)["items"][0]["id"].as_u64().unwrap();
    owner.patch(&format!("/conversations/{id}"), json!({ "state": "closed", "unread": false })).await.expect(200);
    let about = format!("In-Reply-To: {}\r\nAuto-Submitted: auto-replied\r\n", header(&sent[0], "Message-ID").unwrap());
    let away = written("jan@shop.example", "Away", &about);
    assert!(taken(&server, "jan@shop.example", HELP, &away).await.is_empty());
    let row = owner.get(&format!("/conversations/{id}")).await.expect(200)["conversation"].clone();
    assert_eq!((&row["state"], &row["unread"], &row["message_count"]), (&json!("closed"), &json!(false), &json!(3)));
    let thread = owner.get(&format!("/conversations/{id}/messages")).await.expect(200);
    let newest = thread["items"].as_array().unwrap().iter().rfind(|one| one["kind"] == "inbound").unwrap().clone();
    assert_eq!((&newest["subject"], &newest["automatic"]), (&json!("Away"), &json!(true)));
    // A machine that only passes on what a person wrote does.
    let helpdesk = written("jan@shop.example", "Ticket", &about.replace("auto-replied", "auto-generated"));
    taken(&server, "jan@shop.example", HELP, &helpdesk).await;
    let row = owner.get(&format!("/conversations/{id}")).await.expect(200)["conversation"].clone();
    assert_eq!((&row["state"], &row["unread"]), (&json!("open"), &json!(true)));
    server.stop().await;
}

/// An address on loopback of this very process.
fn host(number: u8) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{number}", 64 + (process >> 8) % 128, process % 256)
}

/// An installation that takes the mail of a domain at its MX, and answers by itself.
async fn installation(dns: &Dns, domain: &str, number: u8) -> TestServer {
    let (address, place) = (dns.address, host(number));
    dns.mx(domain, 10, &format!("mx.{domain}")).address_of(&format!("mx.{domain}"), &place).txt(domain, ALLOWS);
    let server = TestServer::start_with(|config| {
        config.dns.servers = vec![address];
        config.relay = None;
        config.delivery.private_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.smtp.listen = format!("{place}:25").parse().unwrap();
    })
    .await;
    answer_from(&server.owner().await, &format!("help@{domain}"), json!({})).await;
    server
}

/// How many automatic mails an installation has sent.
async fn automatic(server: &TestServer) -> usize {
    use frontdesk::store::Rows;
    let rows = server.running().desk.store.read().unwrap();
    let all = rows.all::<frontdesk::domain::Message>().unwrap();
    all.iter().filter(|message| message.automatic && message.delivery.is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_and_an_answering_machine_say_one_thing_each_in_a_day() {
    let dns = Dns::start();
    let (one, other) = (installation(&dns, "one.example", 31).await, installation(&dns, "other.example", 32).await);
    // Somebody's answering machine of the worst kind: it answers everything, says nowhere that it is one, and begins
    // anew each time.
    let away = Sink::at(&format!("{}:25", host(33)));
    dns.mx("away.example", 10, "mx.away.example").address_of("mx.away.example", &host(33)).txt("away.example", ALLOWS);
    let to_help =
        |domain: &str, from: &str, subject: &str| written(from, subject, "").replace(HELP, &format!("help@{domain}"));
    let mut answered = 0;
    for hour in 0..24 {
        for (server, domain, from) in
            [(&one, "one.example", "help@other.example"), (&other, "other.example", "help@one.example")]
        {
            // As their people would write with a program of their own.
            let mail = to_help(domain, from, &format!("h{hour}.{domain}"));
            smtp::send(server.smtp(), from, &[&format!("help@{domain}")], mail.as_bytes()).await.unwrap();
        }
        if hour == 0 {
            let mail = to_help("one.example", "jan@away.example", "first");
            smtp::send(one.smtp(), "jan@away.example", &["help@one.example"], mail.as_bytes()).await.unwrap();
        }
        for _ in 0..3 {
            for server in [&one, &other] {
                server.filed().await;
                quiet(server).await;
            }
        }
        for arrived in away.arrived().split_off(answered) {
            answered += 1;
            let domain = if arrived.text().contains("help@one.example") { "one.example" } else { "other.example" };
            let server = if domain == "one.example" { &one } else { &other };
            let mail = to_help(domain, "jan@away.example", &format!("away{answered}"));
            smtp::send(server.smtp(), "jan@away.example", &[&format!("help@{domain}")], mail.as_bytes()).await.unwrap();
        }
        for server in [&one, &other] {
            server.filed().await;
            quiet(server).await;
            server.pass(3599).await;
        }
    }
    assert_eq!(away.arrived().len(), 1, "the machine was answered once");
    assert_eq!((automatic(&one).await, automatic(&other).await), (2, 1));
    // What the others said by themselves lies there, set aside, and began nothing.
    for (server, from) in [(&one, "help@other.example"), (&other, "help@one.example")] {
        let list = server.owner().await.get("/conversations?view=filtered&limit=100").await.expect(200);
        let rows = list["items"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0]["contact"]["email"], from);
    }
    one.stop().await;
    other.stop().await;
}
