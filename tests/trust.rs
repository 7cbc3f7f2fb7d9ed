//! Whether a mail is from whom it says it is: what is found, shown, and done about it. All mail here comes from
//! 127.0.0.1, which only those domains allow that say so.

use frontdesk::domain::mail_domain::DkimAlgorithm;
use serde_json::{Value, json};

use crate::support::dns::Misbehaves;
use crate::support::signed::SigningDomain;
use crate::support::smtp::{self, Smtp};
use crate::support::{Client, Dns, Live, TestServer, mail, mail_with};

/// Allows the address that tests send from.
const ALLOWS: &str = "v=spf1 ip4:127.0.0.1 -all";
/// Allows nobody.
const FORBIDS: &str = "v=spf1 -all";
/// Asks for forgeries to be refused.
const REJECT: &str = "v=DMARC1; p=reject";

async fn server(dns: &Dns) -> TestServer {
    let address = dns.address;
    TestServer::start_with(|config| config.dns.servers = vec![address]).await
}

/// The conversation that has this subject, in whatever place, and its messages.
async fn found(owner: &Client, subject: &str) -> (Value, Vec<Value>) {
    for place in ["inbox", "spam"] {
        let list = owner.get(&format!("/conversations?place={place}&limit=100")).await.expect(200);
        let found = list["items"].as_array().unwrap().iter().find(|item| item["subject"] == subject);
        if let Some(conversation) = found {
            let thread = owner.get(&format!("/conversations/{}/messages", conversation["id"])).await.expect(200);
            return (conversation.clone(), thread["items"].as_array().unwrap().clone());
        }
    }
    panic!("no conversation {subject:?}");
}

/// Takes a mail and gives its first message, once its sender is known.
async fn verified(server: &TestServer, owner: &Client, from: &str, subject: &str, mail: &str) -> Value {
    server.receive(from, "hello@desk.example", mail).await;
    let verdict = async || found(owner, subject).await.1[0]["authentication"]["verdict"].clone();
    server.until_it("the verdict is there", async || verdict().await != "checking").await;
    found(owner, subject).await.1.remove(0)
}

/// The lines of a mail's trace with this field's name.
fn lines<'a>(message: &'a Value, name: &str) -> Vec<&'a str> {
    let trace = message["trace"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    trace.filter(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase()))).collect()
}

/// How a mail is signed.
enum How<'a> {
    Plain,
    Signed(&'a SigningDomain),
    /// By a program that is not ours.
    Elsewhere(&'a SigningDomain),
    /// Words were put below.
    Longer(&'a SigningDomain),
    /// Words were put below, and the signature says how long the body is without.
    Cut(&'a SigningDomain),
    /// The signature leaves From out.
    NotFrom(&'a SigningDomain),
}

impl How<'_> {
    fn made(&self, mail: &str) -> String {
        match self {
            How::Plain => mail.to_owned(),
            How::Signed(domain) => domain.sign(mail),
            How::Elsewhere(domain) => domain.sign_elsewhere(mail),
            How::Longer(domain) => domain.sign(mail) + "Words put below\r\n",
            How::Cut(domain) => domain.sign_over(mail, &["From", "Subject"], true) + "Words put below\r\n",
            How::NotFrom(domain) => domain.sign_over(mail, &["Subject", "To"], false),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_verified_by_what_its_domain_signs_and_publishes() {
    let dns = Dns::start();
    let rsa = SigningDomain::publish(&dns, "rsa.example", DkimAlgorithm::Rsa2048);
    let curve = SigningDomain::publish(&dns, "curve.example", DkimAlgorithm::Ed25519);
    let evil = SigningDomain::publish(&dns, "evil.example", DkimAlgorithm::Ed25519);
    dns.txt("_dmarc.rsa.example", REJECT).txt("rsa.example", FORBIDS);
    dns.txt("evil.example", ALLOWS).txt("plain.example", ALLOWS);
    dns.txt("spf.example", ALLOWS).txt("_dmarc.spf.example", "v=DMARC1; p=none");
    dns.txt("bounces.wide.example", ALLOWS).txt("_dmarc.wide.example", REJECT);
    dns.txt("bounces.strict.example", ALLOWS).txt("_dmarc.strict.example", "v=DMARC1; p=quarantine; aspf=s");
    let server = server(&dns).await;
    let owner = server.owner().await;
    use How::{Cut, Elsewhere, Longer, NotFrom, Plain, Signed};
    for (case, from, envelope, how, verdict, dkim, spf) in [
        ("rsa, reject", "a@rsa.example", "a@rsa.example", Signed(&rsa), "pass", "pass", "fail"),
        ("ed25519, nothing published", "a@curve.example", "a@curve.example", Signed(&curve), "pass", "pass", "none"),
        ("rsa, made elsewhere", "a@rsa.example", "a@rsa.example", Elsewhere(&rsa), "pass", "pass", "fail"),
        ("ed25519, made elsewhere", "a@curve.example", "a@curve.example", Elsewhere(&curve), "pass", "pass", "none"),
        ("another case", "A <a@RSA.Example>", "a@x.example", Signed(&rsa), "pass", "pass", "none"),
        ("words changed", "a@rsa.example", "a@rsa.example", Longer(&rsa), "fail", "fail changed", "fail"),
        ("words put below a length", "a@rsa.example", "a@rsa.example", Cut(&rsa), "fail", "fail length", "fail"),
        ("another From", "a@rsa.example", "a@rsa.example", NotFrom(&rsa), "fail", "fail from_not_signed", "fail"),
        ("not signed", "a@rsa.example", "a@rsa.example", Plain, "fail", "", "fail"),
        ("another's signature", "a@rsa.example", "e@evil.example", Signed(&evil), "fail", "pass", "pass"),
        ("another's, nothing published", "a@quiet.example", "e@evil.example", Signed(&evil), "none", "pass", "pass"),
        ("SPF alone, published", "a@spf.example", "a@spf.example", Plain, "pass", "", "pass"),
        ("SPF alone, nothing published", "a@plain.example", "a@plain.example", Plain, "pass", "", "pass"),
        ("SPF of one below", "a@wide.example", "b@bounces.wide.example", Plain, "pass", "", "pass"),
        ("the same, strict", "a@strict.example", "b@bounces.strict.example", Plain, "fail", "", "pass"),
        ("nothing known", "a@quiet.example", "a@quiet.example", Plain, "none", "", "none"),
        ("nobody in From", "Anna", "a@spf.example", Plain, "none", "", "pass"),
    ] {
        let raw = how.made(&mail(from, case, "Words"));
        let message = verified(&server, &owner, envelope, case, &raw).await;
        let seen = &message["authentication"];
        assert_eq!(seen["verdict"], verdict, "{case}: {seen:#}");
        assert_eq!(seen["spf"]["result"], spf, "{case}: {seen:#}");
        let of = |one: &Value| format!("{} {}", one["result"].as_str().unwrap(), one["reason"].as_str().unwrap_or(""));
        let signatures: Vec<String> = seen["dkim"].as_array().unwrap().iter().map(of).collect();
        assert_eq!(signatures.join(",").trim_end(), dkim, "{case}: {seen:#}");
        assert_eq!(lines(&message, "Authentication-Results").len(), 1, "{case}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_is_told_in_full() {
    let dns = Dns::start();
    let shop = SigningDomain::publish(&dns, "shop.example", DkimAlgorithm::Ed25519);
    dns.txt("_dmarc.shop.example", "v=DMARC1; p=quarantine").txt("shop.example", ALLOWS);
    dns.ptr("127.0.0.1", "mx.shop.example").address_of("mx.shop.example", "127.0.0.1");
    let server = server(&dns).await;
    let owner = server.owner().await;
    let raw = shop.sign(&mail("Anna <a@shop.example>", "Hi", "Words"));
    let message = verified(&server, &owner, "a@shop.example", "Hi", &raw).await;
    let seen = &message["authentication"];
    assert_eq!(seen["spf"], json!({ "result": "pass", "domain": "shop.example", "aligned": true, "helo": "none" }));
    let signature =
        json!({ "result": "pass", "domain": "shop.example", "selector": "s1", "aligned": true, "reason": null });
    assert_eq!(seen["dkim"], json!([signature]));
    assert_eq!(seen["dmarc"], json!({ "result": "pass", "domain": "shop.example", "policy": "quarantine" }));
    assert_eq!(seen["iprev"], json!({ "result": "pass", "address": "127.0.0.1", "name": "localhost" }));
    let line = lines(&message, "Authentication-Results")[0];
    for part in ["desk.example;", "dkim=pass header.d=shop.example", "smtp.mailfrom=a@shop.example", "dmarc=pass"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_say_was_found_is_not_believed() {
    let dns = Dns::start();
    dns.txt("_dmarc.shop.example", "v=DMARC1; p=none").txt("shop.example", FORBIDS);
    let server = server(&dns).await;
    let owner = server.owner().await;
    let lie = "Authentication-Results: desk.example; dkim=pass header.d=shop.example; dmarc=pass\r\n";
    let raw = mail_with("a@shop.example", "Lie", lie, "Words");
    let mut smtp = Smtp::connect(server.smtp()).await;
    assert!(smtp.say("EHLO x;dkim=pass(\"(<>;spf=pass").await.starts_with("250"));
    smtp.deliver("\"a; dmarc=pass\"@shop.example", &["hello@desk.example"], raw.as_bytes()).await.unwrap();
    server.filed().await;
    let (_, messages) = found(&owner, "Lie").await;
    assert_eq!(messages[0]["authentication"]["verdict"], "fail", "{}", messages[0]["authentication"]);
    let results = lines(&messages[0], "Authentication-Results");
    assert_eq!(results.len(), 1, "{results:?}");
    let outside: String = results[0].replace("\\\"", "").split('"').step_by(2).collect();
    assert!(
        !outside.contains("dkim=pass") && !outside.contains("dmarc=pass") && !outside.contains("spf=pass"),
        "{outside}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_two_authors_is_refused_with_words() {
    let server = TestServer::start().await;
    let two = mail("a@evil.example", "Two", "Words").replace("To:", "From: ewa@desk.example\r\nTo:");
    let mut smtp = Smtp::greeted(server.smtp()).await;
    for raw in [two, mail("a@evil.example, ewa@desk.example", "Two", "Words")] {
        let refused = smtp.deliver("a@evil.example", &["hello@desk.example"], raw.as_bytes()).await.unwrap_err();
        assert!(refused.starts_with("550 5.6.0 Message names more than one author"), "{refused}");
    }
    // The session goes on.
    smtp.deliver("a@x.example", &["hello@desk.example"], mail("a@x.example", "One", "Words").as_bytes()).await.unwrap();
    server.filed().await;
    assert_eq!(server.owner().await.get("/conversations").await.expect(200)["items"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_signatures_are_looked_at_and_harm_nobody() {
    let dns = Dns::start();
    let server = server(&dns).await;
    let owner = server.owner().await;
    let tag =
        |b: &str, h: &str| format!("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h={h}; bh=AAAA; b={b}\r\n");
    let mut cases: Vec<String> = (0..=8).map(|n| tag(&"A".repeat(n), "from")).collect();
    cases.push(tag("AAAA", ""));
    cases.push(tag("AAAA", "from").repeat(500));
    cases.push(String::from("DKIM-Signature:\r\n"));
    cases.push(format!("DKIM-Signature: v=1; d={}; s=s; b=A\r\n", "d".repeat(7000)));
    for (at, header) in cases.iter().enumerate() {
        let subject = format!("Case {at}");
        let raw = format!("{header}{}", mail("a@x.example", &subject, "Words"));
        let message = verified(&server, &owner, "a@x.example", &subject, &raw).await;
        assert_eq!(message["authentication"]["verdict"], "none", "{header:.200}");
        assert!(message["authentication"]["dkim"].as_array().unwrap().len() <= 10, "{header:.200}");
    }
    let mut raw = b"DKIM-Signature: v=1; d=\xff\xfe; s=\x80; h=from; b=\xff\r\n".to_vec();
    raw.extend(mail("a@x.example", "Bytes", "Words").into_bytes());
    smtp::send(server.smtp(), "a@x.example", &["hello@desk.example"], &raw).await.unwrap();
    server.filed().await;
    assert_eq!(found(&owner, "Bytes").await.1[0]["authentication"]["verdict"], "none");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_people_see_is_the_one_that_is_verified() {
    let dns = Dns::start();
    dns.txt("evil.example", ALLOWS).txt("desk.example", FORBIDS).txt("_dmarc.desk.example", REJECT);
    let server = server(&dns).await;
    let owner = server.owner().await;
    for (at, from) in [
        "\"a <x@evil.example>\"@desk.example",
        "\"b@desk.example\" <x@evil.example>",
        "b@desk.example <x@evil.example>",
        "<b@desk.example> <x@evil.example>",
        "(b@desk.example) x@evil.example",
        "x@evil.example (b@desk.example)",
        "=?utf-8?q?b=40desk.example=00?= <x@evil.example>",
        "=?utf-8?q?b=40desk.example=0A?= <x@evil.example>",
        "x@evil.example.",
        "X <x@EVIL.example>",
        "\"\\\"\" <x@evil.example>, ",
        "Team: x@evil.example;",
        "x@evil.example\r\n\t (\r\n b@desk.example )",
        "<@desk.example:x@evil.example>",
    ]
    .iter()
    .enumerate()
    {
        let subject = format!("Case {at}");
        let message = verified(&server, &owner, "x@evil.example", &subject, &mail(from, &subject, "Words")).await;
        let shown = message["from"]["email"].as_str().unwrap().to_lowercase();
        let verdict = message["authentication"]["verdict"].as_str().unwrap();
        // A pass is about evil.example, so that has to be what people see.
        let domain = shown.rsplit_once('@').map_or("", |(_, domain)| domain).trim_end_matches('.');
        assert!(verdict != "pass" || domain == "evil.example", "{from}: {verdict}, shown as {shown}");
        assert!(
            verdict != "none" || domain != "evil.example" || message["defects"] != json!([]),
            "{from}: {message:#}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgery_lies_where_its_domain_asks_until_somebody_brings_it_back() {
    let dns = Dns::start();
    for (domain, policy) in [("none.example", "none"), ("aside.example", "quarantine"), ("away.example", "reject")] {
        dns.txt(domain, FORBIDS).txt(&format!("_dmarc.{domain}"), &format!("v=DMARC1; p={policy}"));
    }
    let server = server(&dns).await;
    let owner = server.owner().await;
    for (domain, place, reason) in [
        ("none.example", "inbox", Value::Null),
        ("aside.example", "spam", json!("dmarc_fail")),
        ("away.example", "spam", json!("dmarc_fail")),
    ] {
        let email = format!("a@{domain}");
        let message = verified(&server, &owner, &email, domain, &mail(&email, domain, "Words")).await;
        assert_eq!(message["authentication"]["verdict"], "fail", "{domain}");
        let (conversation, _) = found(&owner, domain).await;
        assert_eq!((&conversation["place"], &conversation["place_reason"]), (&json!(place), &reason), "{domain}");
    }
    let (conversation, _) = found(&owner, "away.example").await;
    let path = format!("/conversations/{}", conversation["id"]);
    owner.patch(&path, json!({ "place": "inbox" })).await.expect(200);
    let (conversation, _) = found(&owner, "away.example").await;
    assert_eq!((&conversation["place"], &conversation["place_reason"]), (&json!("inbox"), &Value::Null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgery_that_is_found_out_late_is_put_away_unless_somebody_has_taken_it_up() {
    let dns = Dns::start();
    dns.misbehave("late.example", Misbehaves::Silent);
    let server = server(&dns).await;
    let owner = server.owner().await;
    for subject in ["Untouched", "Taken up"] {
        server.receive("a@late.example", "hello@desk.example", &mail("a@late.example", subject, "Words")).await;
    }
    let (taken, _) = found(&owner, "Taken up").await;
    let comment = json!({ "client_id": "1", "kind": "comment", "text": "I have called them" });
    owner.post(&format!("/conversations/{}/messages", taken["id"]), comment).await.expect(201);
    dns.forget("late.example").txt("late.example", FORBIDS).txt("_dmarc.late.example", REJECT);
    for (subject, place, reason) in [("Untouched", "spam", json!("dmarc_fail")), ("Taken up", "inbox", Value::Null)] {
        let verdict = async || found(&owner, subject).await.1[0]["authentication"]["verdict"].clone();
        server.until_it("the verdict is there", async || verdict().await == "fail").await;
        let (conversation, _) = found(&owner, subject).await;
        assert_eq!((&conversation["place"], &conversation["place_reason"]), (&json!(place), &reason), "{subject}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_long_is_shown_as_it_is_found() {
    let dns = Dns::start();
    dns.misbehave("late.example", Misbehaves::Silent);
    let mut server = server(&dns).await;
    let owner = server.owner().await;
    let start = std::time::Instant::now();
    server.receive("a@late.example", "hello@desk.example", &mail("a@late.example", "Late", "Words")).await;
    assert!(start.elapsed().as_secs() < 3, "the mail waited {:?}", start.elapsed());
    let (_, messages) = found(&owner, "Late").await;
    assert_eq!(messages[0]["authentication"]["verdict"], "checking");
    let mut live = Live::of(&owner, server.http(), None).await;
    let id = messages[0]["id"].clone();
    let frames = live.until("the verdict", |frame| {
        frame["message"]["id"] == id && frame["message"]["authentication"]["verdict"] != "checking"
    });
    let frames = frames.await;
    assert!(start.elapsed().as_secs() < 20, "it took {:?}", start.elapsed());
    let seen = &frames.last().unwrap()["message"];
    assert_eq!(seen["authentication"]["verdict"], "temperror", "{seen:#}");
    assert_eq!(lines(seen, "Authentication-Results").len(), 1);
    // What was under way at a stop is found out after the start.
    server.receive("a@late.example", "hello@desk.example", &mail("a@late.example", "Again", "Words")).await;
    dns.forget("late.example").txt("late.example", ALLOWS);
    server.restart().await;
    let owner = server.owner().await;
    let verdict = async || found(&owner, "Again").await.1[0]["authentication"]["verdict"].clone();
    server.until_it("the verdict is there", async || verdict().await == "pass").await;
    server.stop().await;
}
