//! What an agent writes a mail of: pictures in the text, what is passed on, what leaves later, and how it looks outside.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::sink::Arrived;
use crate::support::{Client, TestServer};

/// A GIF of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// A letter of Oliver's with a copy to accounts, a picture in the text and a list beside it.
const LETTER: &str = "From: Oliver Grant <oliver@fell.example>\r\nTo: hello@desk.example\r\n\
    Cc: accounts@fell.example\r\nSubject: Rain covers\r\nMessage-ID: <letter@fell.example>\r\n\
    Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
    --m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <p>The <b>seam</b> is open.</p><script>x()</script><img src=\"cid:seam@fell\">\
    <img src=\"https://track.example/p.gif\">\r\n\
    --r\r\nContent-Type: image/gif\r\nContent-ID: <seam@fell>\r\nContent-Disposition: inline; filename=seam.gif\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nR0lGODlhAQABAAAAACw=\r\n--r--\r\n\
    --m\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=list.csv\r\n\r\nsize;count\r\n--m--\r\n";

async fn one_conversation(server: &TestServer) -> (Client, u64) {
    server.receive("oliver@fell.example", "hello@desk.example", LETTER).await;
    let owner = server.owner().await;
    let page = owner.get("/conversations").await.expect(200);
    (owner, page["items"][0]["id"].as_u64().unwrap())
}

async fn thread(client: &Client, id: u64) -> Value {
    client.get(&format!("/conversations/{id}/messages")).await.expect(200)
}

/// The newest message of a kind.
async fn last(client: &Client, id: u64, kind: &str) -> Value {
    let thread = thread(client, id).await;
    thread["items"].as_array().unwrap().iter().rev().find(|one| one["kind"] == kind).cloned().unwrap()
}

async fn upload(client: &Client, query: &str, bytes: &[u8]) -> crate::support::api::Answer {
    let request = client.request(Method::POST, &format!("/attachments?{query}"));
    client.finish(request.header("content-type", "image/svg+xml").body(bytes.to_vec())).await
}

/// The mail to this address, once it has left.
async fn sent_to(server: &TestServer, to: &str) -> Arrived {
    let here = |mail: &Arrived| mail.to.iter().any(|one| one == to);
    server.until("the mail has arrived", || server.sink.arrived().iter().any(here)).await;
    server.sink.arrived().into_iter().find(here).unwrap()
}

/// The words of a mail in both forms, as a reader sees them.
fn words_of(mail: &Arrived) -> (String, Option<String>) {
    let parsed = frontdesk::mail::parse::parse(&mail.bytes);
    (parsed.text, parsed.html)
}

/// Fields of the header, each once.
fn fields(mail: &Arrived) -> Vec<String> {
    let text = mail.text();
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let named = head.lines().filter(|line| !line.starts_with([' ', '\t']));
    let names = named.map(|line| line.split(':').next().unwrap_or_default().to_lowercase());
    // One signature a key.
    names.filter(|name| name != "dkim-signature").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_in_the_text_is_sent_with_it_and_shown_in_the_thread() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let seen = upload(&owner, "name=seam.gif&inline=true", PIXEL).await.expect(201)["attachment"].clone();
    let unseen = upload(&owner, "name=other.gif&inline=true", PIXEL).await.expect(201)["attachment"].clone();
    assert_eq!((&seen["type"], &seen["inline"]), (&json!("image/gif"), &json!(true)), "its bytes say what it is");
    let cid = seen["content_id"].as_str().unwrap();
    let html = format!("<p>Like this: <img src=\"cid:{cid}\" alt=\"The seam\"><img src=\"cid:foreign@x\"></p>");
    let draft = format!("/conversations/{id}/draft?kind=reply");
    let files = json!([seen["id"], unseen["id"]]);
    let saved =
        owner.put(&draft, json!({ "html": html, "text": "Like this:", "attachments": files })).await.expect(200);
    assert_eq!(saved["draft"]["attachments"][0]["content_id"], cid);
    let body = json!({ "client_id": "1", "kind": "reply", "html": html, "attachments": files });
    let said = owner.post(&format!("/conversations/{id}/messages"), body.clone()).await.expect(201);
    let again = owner.post(&format!("/conversations/{id}/messages"), body).await.expect(201);
    assert_eq!(said["message"]["id"], again["message"]["id"]);
    server.pass(11).await;
    let mail = sent_to(&server, "oliver@fell.example").await.text();
    assert!(mail.contains("multipart/related") && mail.contains(&format!("Content-ID: <{cid}>")), "{mail}");
    assert!(mail.contains("image/gif") && mail.contains("seam.gif"), "{mail}");
    assert!(!mail.contains("other.gif") && !mail.contains("foreign@x"), "what the text does not show is not sent");
    let shown = last(&owner, id, "outbound").await;
    assert_eq!(shown["attachments"].as_array().unwrap().len(), 1);
    let picture = format!("<img src=\"/api/v1/attachments/{}\" alt=\"The seam\">", seen["id"]);
    assert!(shown["html"].as_str().unwrap().contains(&picture), "{shown}");
    assert_eq!(owner.get(&format!("/attachments/{}", seen["id"])).await.bytes, PIXEL);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_or_not_the_writers_own_does_not_come_into_the_text() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    for bytes in [&b"<svg onload=x()>"[..], b"", b"%PDF-1.7", b"BM"] {
        let refused = upload(&owner, "name=a.png&inline=true", bytes).await.refused(400, "invalid");
        assert_eq!(refused["field"], "body", "{bytes:?}");
    }
    let mut large = PIXEL.to_vec();
    large.resize(10 * 1024 * 1024 + 1, 0);
    upload(&owner, "name=a.gif&inline=true", &large).await.refused(413, "too_large");
    server.add_agent("Jan Nowak", "jan@desk.example", frontdesk::domain::Role::Agent).await;
    let other = server.sign_in("jan@desk.example").await;
    let theirs = upload(&other, "name=theirs.gif&inline=true", PIXEL).await.expect(201)["attachment"].clone();
    let html = format!("<p>x<img src=\"cid:{}\"></p>", theirs["content_id"].as_str().unwrap());
    let body = json!({ "client_id": "1", "kind": "reply", "html": html, "attachments": [theirs["id"]] });
    owner.post(&format!("/conversations/{id}/messages"), body).await.refused(400, "invalid");
    // Nothing but a picture that was taken out again is nothing.
    let mine = upload(&owner, "name=mine.gif&inline=true", PIXEL).await.expect(201)["attachment"].clone();
    let body = json!({ "client_id": "2", "kind": "reply", "html": "<p></p>", "attachments": [mine["id"]] });
    owner.post(&format!("/conversations/{id}/messages"), body).await.refused(400, "invalid");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_passed_on_and_who_gets_it_is_not_let_in() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let original = last(&owner, id, "inbound").await;
    let supplier = json!([{ "name": "Mill", "email": "mill@cloth.example" }]);
    let body = json!({ "client_id": "f", "kind": "reply", "to": supplier, "html": "<p>Can you <b>look</b>?</p>",
        "forward_of": original["id"] });
    let said = owner.post(&path, body.clone()).await.expect(201);
    assert_eq!(said["message"]["forward_of"], original["id"]);
    assert_eq!(owner.post(&path, body).await.expect(201)["message"]["id"], said["message"]["id"]);
    server.pass(11).await;
    let mail = sent_to(&server, "mill@cloth.example").await;
    let (text, html) = words_of(&mail);
    let html = html.unwrap();
    for (part, whole) in [("look", &text), ("From: Oliver Grant <oliver@fell.example>", &text), ("seam", &text)] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    assert!(html.contains("<b>look</b>") && html.contains("<b>seam</b>") && html.contains("cid:seam@fell"), "{html}");
    assert!(!html.contains("script") && !html.contains("track.example"), "{html}");
    let raw = mail.text();
    assert!(raw.contains("Subject: Fwd: Rain covers") && raw.contains("list.csv") && raw.contains("<seam@fell>"));
    assert!(
        !raw.contains("reply+") && !raw.to_lowercase().contains("\r\nin-reply-to"),
        "no way into the thread: {raw}"
    );
    // An answer goes to the one who wrote, as before.
    assert_eq!(thread(&owner, id).await["reply_to"]["to"][0]["email"], "oliver@fell.example");
    let message_id = said["message"]["message_id"].as_str().unwrap();
    let token = last(&owner, id, "outbound").await;
    assert_eq!(token["message_id"], message_id);
    let answer = format!("In-Reply-To: <{message_id}>\r\nReferences: <{message_id}>\r\n");
    let answer = crate::support::mail_with("mill@cloth.example", "Re: Fwd: Rain covers", &answer, "We see it.");
    server.receive("mill@cloth.example", "hello@desk.example", &answer).await;
    let rows = owner.get("/conversations").await.expect(200);
    let beside = rows["items"].as_array().unwrap().iter().find(|one| one["id"] != id).expect("a conversation beside");
    assert_eq!((&beside["contact"]["email"], &beside["related"]), (&json!("mill@cloth.example"), &json!([id])));
    assert_eq!(beside["message_count"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_is_chosen_and_belongs_to_the_conversation() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    server.receive("eve@far.example", "hello@desk.example", &crate::support::mail("eve@far.example", "X", "Y")).await;
    let path = format!("/conversations/{id}/messages");
    let original = last(&owner, id, "inbound").await;
    let files = original["attachments"].as_array().unwrap().clone();
    let with = |client: &str, more: Value| {
        let mut body = json!({ "client_id": client, "kind": "reply", "to": [{ "email": "mill@cloth.example" }],
            "text": "See", "forward_of": original["id"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let foreign = original["id"].as_u64().unwrap() + 1;
    let cases = [
        ("forward_of", json!({ "forward_of": foreign })),
        ("forward_of", json!({ "forward_of": 99_999 })),
        ("forward_files", json!({ "forward_files": [9_999] })),
        ("to", json!({ "to": null })),
    ];
    for (at, (field, more)) in cases.into_iter().enumerate() {
        let refused = owner.post(&path, with(&format!("c{at}"), more)).await.refused(400, "invalid");
        assert_eq!(refused["field"], field, "{refused}");
    }
    let list = files.iter().find(|file| file["name"] == "list.csv").unwrap();
    let chosen = with("ok", json!({ "forward_files": [list["id"]], "plain": true }));
    let said = owner.post(&path, chosen.clone()).await.expect(201);
    assert_eq!(said["message"]["attachments"].as_array().unwrap().len(), 1);
    owner.post(&format!("/messages/{}/cancel", said["message"]["id"]), json!({})).await.expect(200);
    let mut again = chosen;
    again["client_id"] = json!("again");
    owner.post(&path, again).await.expect(201);
    server.pass(11).await;
    let mail = sent_to(&server, "mill@cloth.example").await;
    assert!(mail.text().contains("list.csv") && !mail.text().contains("seam.gif"), "{}", mail.text());
    assert!(!mail.text().contains("text/html"), "plain: {}", mail.text());
    let kept = owner.get(&format!("/attachments/{}", list["id"])).await;
    assert_eq!(kept.status, 200, "what was taken back took nothing from the original");
    let draft = format!("/conversations/{id}/draft?kind=reply");
    let body = json!({ "text": "", "forward_of": original["id"], "forward_files": [list["id"]] });
    let saved = owner.put(&draft, body).await.expect(200);
    assert_eq!(saved["draft"]["forward_files"], json!([list["id"]]));
    owner.put(&draft, json!({ "text": "", "forward_of": foreign })).await.refused(400, "invalid");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_leave_later_leaves_then_and_not_before() {
    let mut server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let at = |seconds: i64| server.clock.now().plus_seconds(seconds).rfc3339();
    let later =
        |client: &str, at: String| json!({ "client_id": client, "kind": "reply", "text": "Later", "send_at": at });
    for (client, at) in [("p", at(-60)), ("f", at(400 * 86_400)), ("n", String::from("soon"))] {
        let refused = owner.post(&path, later(client, at)).await.refused(400, "invalid");
        assert_eq!(refused["field"], "send_at");
    }
    let when = at(6 * 86_400);
    let said = owner.post(&path, later("1", when.clone())).await.expect(201);
    assert_eq!(said["message"]["delivery"]["send_at"], json!(when));
    // The thread goes on without it.
    server
        .receive(
            "oliver@fell.example",
            "hello@desk.example",
            &crate::support::mail("oliver@fell.example", "Rain covers", "Hello?"),
        )
        .await;
    assert_eq!(thread(&owner, id).await["reply_to"]["to"][0]["email"], "oliver@fell.example");
    server.restart().await;
    server.pass(5 * 86_400).await;
    assert!(server.sink.arrived().is_empty(), "not before its time");
    server.sink.answer("oliver", 451);
    server.pass(86_400 + 60).await;
    let owner = server.owner().await;
    let state = async || last(&owner, id, "outbound").await["delivery"]["state"].clone();
    server.until_it("its days of trying begin when it may leave", async || state().await == "retrying").await;
    server.sink.be_kind();
    server.pass(600).await;
    let mail = sent_to(&server, "oliver@fell.example").await;
    assert!(mail.text().contains("Later"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_time_can_be_taken_back_or_sent_at_once() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let path = format!("/conversations/{id}/messages");
    let when = server.clock.now().plus_seconds(90_000).rfc3339();
    let later = |client: &str| json!({ "client_id": client, "kind": "reply", "text": "Later", "send_at": when });
    let first = owner.post(&path, later("1")).await.expect(201);
    server.pass(3600).await;
    let taken = owner.post(&format!("/messages/{}/cancel", first["message"]["id"]), json!({})).await.expect(200);
    assert_eq!(taken["message"]["delivery"]["state"], "cancelled");
    owner
        .post(&format!("/messages/{}/send_now", first["message"]["id"]), json!({}))
        .await
        .refused(409, "not_scheduled");
    let second = owner.post(&path, later("2")).await.expect(201);
    let now = format!("/messages/{}/send_now", second["message"]["id"]);
    owner.post(&now, json!({})).await.expect(200);
    owner.post(&now, json!({})).await.refused(409, "not_scheduled");
    server.pass(1).await;
    let mail = sent_to(&server, "oliver@fell.example").await;
    let dated = frontdesk::mail::parse::parse(&mail.bytes).date_ms.unwrap();
    assert!((server.clock.now().millis() - dated).abs() < 60_000, "it has the date of when it left");
    assert_eq!(fields(&mail).iter().filter(|name| *name == "date").count(), 1);
    server.pass(2 * 86_400).await;
    assert_eq!(server.sink.arrived().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_of_the_writers_begins_a_header_of_its_own() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let evil = "x\r\nBcc: evil@far.example\u{2028}\0, evil@far.example";
    let file = upload(&owner, &format!("name={}&inline=true", crate::support::api::encoded(evil)), PIXEL).await;
    let file = file.expect(201)["attachment"].clone();
    let html = format!("<p>a<img src=\"cid:{}\" alt=\"{evil}\"></p>", file["content_id"].as_str().unwrap());
    let original = last(&owner, id, "inbound").await;
    let body = json!({ "client_id": "1", "kind": "reply", "to": [{ "name": evil, "email": "mill@cloth.example" }],
        "html": html, "attachments": [file["id"]], "forward_of": original["id"] });
    owner.post(&format!("/conversations/{id}/messages"), body).await.expect(201);
    let begin = json!({ "client_id": "2", "inbox": 1, "to": [{ "name": evil, "email": "two@cloth.example" }],
        "subject": evil, "text": evil, "plain": true });
    owner.post("/conversations", begin).await.expect(201);
    server.pass(11).await;
    for to in ["mill@cloth.example", "two@cloth.example"] {
        let mail = sent_to(&server, to).await;
        assert_eq!(mail.to, [to], "one recipient in the envelope");
        let named = fields(&mail);
        assert!(!named.contains(&String::from("bcc")), "{named:?}");
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "each field once: {named:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_well_made_for_any_mail_program() {
    let server = TestServer::start().await;
    let (owner, id) = one_conversation(&server).await;
    let long = "żółw ".repeat(2000);
    let html = format!("<p>{long}</p><blockquote><p>zażółć</p></blockquote><ul><li>jeden</li></ul>");
    let body = json!({ "client_id": "1", "kind": "reply", "html": html });
    owner.post(&format!("/conversations/{id}/messages"), body).await.expect(201);
    server.pass(11).await;
    let mail = sent_to(&server, "oliver@fell.example").await;
    let raw = mail.text();
    assert!(mail.bytes.is_ascii() && raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
    for kind in ["text/plain", "text/html"] {
        let line = raw.lines().find(|line| line.contains(&format!("Content-Type: {kind}"))).unwrap();
        assert!(line.to_lowercase().contains("charset=\"utf-8\"") || line.contains("charset=utf-8"), "{line}");
    }
    let (text, html) = words_of(&mail);
    let html = html.unwrap();
    let flat = |text: &str| {
        text.split_whitespace().filter(|word| !word.starts_with(['>', '-', '*', '•'])).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(flat(&text), flat(&frontdesk::mail::text::text_from_html(&html)));
    assert!(!html.contains("class=") && !html.contains("<style") && html.contains("border-left:2px"), "{html}");
    server.stop().await;
}
