//! Mail that means harm, or was made by broken programs: nothing is lost, nothing is believed, nothing runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::smtp::{self, Smtp};
use crate::support::{Client, TestServer, mail, mail_with};

const HELLO: &str = "hello@desk.example";

/// Mails that other projects test their parsers with: where each collection may lie, and how many it has at least.
/// `make packages` installs the first two, the third comes with our dependencies.
fn collections() -> [(&'static str, Vec<PathBuf>, usize); 3] {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap();
    let crates = entries(&home.join("registry/src")).into_iter().flat_map(|registry| entries(&registry));
    let parsers = crates.filter(|path| path.to_string_lossy().contains("/mail-parser-"));
    [
        ("enmime", vec![PathBuf::from("/usr/share/gocode/src/github.com/jhillyerd/enmime/testdata")], 90),
        (
            "libpython3-testsuite",
            (9..16).map(|minor| format!("/usr/lib/python3.{minor}/test/test_email/data").into()).collect(),
            60,
        ),
        ("mail-parser", parsers.map(|path| path.join("resources")).collect(), 100),
    ]
}

/// All those mails, each once; a collection that is installed has to be whole.
fn torture_mails() -> BTreeMap<Vec<u8>, PathBuf> {
    let mut mails = BTreeMap::new();
    for (name, folders, least) in collections() {
        // What a parser is to make of them, and under which licence they are, are no mails.
        let no_mail = |path: &PathBuf| path.extension().is_some_and(|end| end == "json") || path.ends_with("COPYING");
        let found: Vec<PathBuf> =
            folders.iter().flat_map(|folder| files(folder)).filter(|path| !no_mail(path)).collect();
        if found.is_empty() && name != "mail-parser" && std::env::var_os("CI").is_none() {
            println!("skipped: the mails of {name} are not installed");
            continue;
        }
        assert!(found.len() >= least, "{name} has {} mails, not {least}", found.len());
        mails.extend(found.into_iter().map(|path| (with_crlf(&std::fs::read(&path).unwrap()), path)));
    }
    mails
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).map(|found| found.map(|entry| entry.unwrap().path()).collect());
    found.unwrap_or_default()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The bytes with every line ended by CRLF, as a mail program sends them.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 100);
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\r' => {
                rest.next_if_eq(&&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(*other),
        }
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

async fn conversations(client: &Client) -> Vec<Value> {
    let mut rows = Vec::new();
    // Mail of machines is set aside.
    for view in ["all", "filtered", "spam"] {
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("/conversations?view={view}&limit=200{cursor}")).await.expect(200);
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    rows
}

async fn thread(client: &Client, row: &Value) -> Vec<Value> {
    let page = client.get(&format!("/conversations/{}/messages?limit=200", row["id"])).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The only message of the conversation with this subject.
async fn message(client: &Client, subject: &str) -> Value {
    let rows = conversations(client).await;
    let row = rows.iter().find(|row| row["subject"] == subject).unwrap_or_else(|| panic!("{subject}: {rows:#?}"));
    thread(client, row).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_mails_are_kept_to_the_byte_and_can_be_read() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let mails = torture_mails();
    let pairs: Vec<_> = mails.iter().collect();
    let sessions = pairs.chunks(25).map(async |chunk| {
        let mut kept = Vec::new();
        let mut smtp = Smtp::greeted(server.smtp()).await;
        for (bytes, path) in chunk {
            match smtp.deliver("torture@far.example", &[HELLO], bytes).await {
                Ok(_) => kept.push((*bytes).clone()),
                Err(reply) => assert!(reply.starts_with("55"), "{}: {reply}", path.display()),
            }
        }
        server.anonymous().get("//healthz").await.expect(200);
        kept
    });
    let kept: BTreeSet<Vec<u8>> = futures_util::future::join_all(sessions).await.into_iter().flatten().collect();
    println!("{} of {} mails were taken", kept.len(), mails.len());
    assert!(kept.len() * 10 > mails.len() * 9, "{} of {} were refused", mails.len() - kept.len(), mails.len());
    server.filed().await;
    let mut found = BTreeSet::new();
    for row in conversations(&owner).await {
        for message in thread(&owner, &row).await.iter().filter(|message| message["kind"] == "inbound") {
            let raw = owner.get(&format!("/messages/{}/raw", message["id"])).await;
            assert_eq!(raw.status, 200);
            let path = mails.get(&raw.bytes).unwrap_or_else(|| panic!("not as it was sent: {message:#?}"));
            assert!(found.insert(raw.bytes), "{} is there twice", path.display());
            for file in message["attachments"].as_array().unwrap() {
                let got = owner.get(&format!("/attachments/{}", file["id"])).await;
                assert_eq!(
                    (got.status, got.bytes.len() as u64),
                    (200, file["size"].as_u64().unwrap()),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert_eq!(found.len(), kept.len(), "every mail that was acknowledged is there");
    server.stop().await;
}

/// What some server has taken for the end of a message, and neighbours.
const TERMINATORS: [&str; 24] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r.\r",
    "\r.\r\n",
    "\r.\n",
    "\n.\r",
    "\r\n.\r\r\n",
    "\r\r\n.\r\n",
    "\r\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n.\0\n",
    "\0\r\n.\n",
    "\n\n.\n\n",
    "\r\n.\n\r\n",
    "\n.\n\r\n",
    "\r\r.\r\r",
    "\r\n..\r\n",
    "\n..\n",
    "\r\n..\n",
    "\r..\r\n",
    "\r\n. \r\n",
    "\r\n.\t\n",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_end_of_data_but_the_one_makes_a_second_mail() {
    let server = TestServer::start().await;
    let second = format!("MAIL FROM:<ewa@desk.example>\r\nRCPT TO:<{HELLO}>\r\nDATA\r\nSubject: forged\r\n\r\nx");
    let mut acknowledged = Vec::new();
    for (number, terminator) in TERMINATORS.iter().enumerate() {
        let mut smtp = Smtp::greeted(server.smtp()).await;
        for command in ["MAIL FROM:<x@far.example>".to_owned(), format!("RCPT TO:<{HELLO}>"), "DATA".to_owned()] {
            assert!(smtp.say(&command).await.starts_with(['2', '3']));
        }
        let head = format!("From: x@far.example\r\nSubject: mail {number}\r\n\r\nfirst");
        smtp.raw(format!("{head}{terminator}{second}\r\n.\r\nQUIT\r\n").as_bytes()).await;
        let replies = smtp.rest().await;
        let taken = replies.iter().filter(|reply| reply.starts_with("250")).count();
        assert!(taken <= 1 && !replies.iter().any(|reply| reply.starts_with("354")), "{terminator:?}: {replies:?}");
        let stray = terminator.replace("\r\n", "").contains(['\r', '\n']);
        assert_eq!(taken == 0, stray, "{terminator:?}: {replies:?}");
        acknowledged.extend((taken == 1).then(|| format!("mail {number}")));
    }
    server.filed().await;
    let owner = server.owner().await;
    let mut subjects = Vec::new();
    for row in conversations(&owner).await {
        for message in thread(&owner, &row).await {
            subjects.push(message["subject"].as_str().unwrap().to_owned());
        }
    }
    subjects.sort();
    acknowledged.sort();
    assert_eq!(subjects, acknowledged, "exactly those that were acknowledged, and no forged one");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_thousand_nested_boxes_harm_nobody() {
    let server = TestServer::start().await;
    let boxes = format!("{}\r\n", "<div>".repeat(1000)).repeat(200);
    let html =
        format!("From: x@far.example\r\nSubject: Boxes\r\nContent-Type: text/html\r\n\r\n{boxes}deep inside\r\n");
    let both = format!(
        "From: x@far.example\r\nSubject: Both\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain words\r\n--b\r\nContent-Type: text/html\r\n\r\n{boxes}deep inside\r\n--b--\r\n"
    );
    for letter in [&html, &both] {
        server.receive("x@far.example", HELLO, letter).await;
    }
    let owner = server.owner().await;
    for (subject, letter) in [("Boxes", &html), ("Both", &both)] {
        let message = message(&owner, subject).await;
        assert_eq!((&message["html"], &message["html_blocked"]), (&Value::Null, &json!("too_deep")), "{subject}");
        let raw = owner.get(&format!("/messages/{}/raw", message["id"])).await;
        assert!(raw.bytes == letter.as_bytes());
    }
    assert_eq!(message(&owner, "Both").await["text"], "plain words");
    server.indexed().await;
    assert_eq!(owner.get("/search?q=plain").await.expect(200)["items"][0]["subject"], "Both");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_headers_are_refused_and_many_are_kept() {
    let server = TestServer::start().await;
    let headers = |count: usize| -> String { (0..count).map(|number| format!("X-{number}: __proto__\r\n")).collect() };
    let letter = |subject: &str, headers: &str| mail_with("x@far.example", subject, headers, "Words");
    let send = async |letter: String| smtp::send(server.smtp(), "x@far.example", &[HELLO], letter.as_bytes()).await;
    send(letter("Many", &headers(990))).await.unwrap();
    send(letter("Odd", "__proto__: x\r\nconstructor: y\r\n: empty\r\n\tfolded\r\n")).await.unwrap();
    for refused in
        [headers(1100), format!("X: {}\r\n", "x".repeat(9000)), "X: 1234567890\r\n 1234567890\r\n".repeat(12_000)]
    {
        let reply = send(letter("Refused", &refused)).await.unwrap_err();
        assert!(reply.starts_with("55") || reply.starts_with("500"), "{reply}");
    }
    let loops = "Received: from a by b; Mon, 2 Mar 2026 09:00:00 +0000\r\n".repeat(101);
    assert!(send(letter("Loop", &loops)).await.unwrap_err().starts_with("554 5.4.6"));
    server.filed().await;
    let owner = server.owner().await;
    let subjects: Vec<_> = conversations(&owner).await.iter().map(|row| row["subject"].clone()).collect();
    assert_eq!(subjects, ["Odd", "Many"]);
    server.anonymous().get("//healthz").await.expect(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_mails_are_shown_without_their_oddities() {
    let server = TestServer::start().await;
    let long = format!("Subject: {}\r\n", "a very long subject ".repeat(300));
    let folded = format!("Subject: start\r\n{}", " and on\r\n".repeat(5000));
    let header = |line: &[u8]| [b"From: x@far.example\r\n".as_slice(), line, b"\r\nwords\r\n"].concat();
    let odd: Vec<(&str, Vec<u8>)> = vec![
        ("empty", b"\r\n".to_vec()),
        ("two empty lines", b"\r\n\r\n".to_vec()),
        ("no header", b"just some words\r\n".to_vec()),
        ("no body", b"Subject: no body\r\n".to_vec()),
        ("zeros", header(b"Subject: ze\0ro\r\nX-\0: \0\r\n")),
        ("zeros in the body", b"Subject: zero body\r\n\r\nze\0ro \x07 bell \x1b[31m red\r\n".to_vec()),
        ("no characters", header(b"Subject: \xff\xfe\xc0\x80\xed\xa0\x80\r\nTo: \xff <\xff@\xff>\r\n")),
        ("long subject", header(long.as_bytes())),
        ("folded subject", header(folded.as_bytes())),
        ("hidden line", header(b"Subject: =?utf-8?b?aGlkZGVuDQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?=\r\n")),
        ("turned around", header("Subject: \u{202e}gpj.exe\u{202c}\u{200b}\r\n".as_bytes())),
        ("long address", header(format!("Reply-To: {}@far.example\r\n", "x".repeat(7000)).as_bytes())),
        ("many people", header(format!("To: {}\r\n", "a@b.example,\r\n ".repeat(5000)).as_bytes())),
        ("year 99999", header(b"Date: Mon, 1 Jan 99999 99:99:99 +9999\r\nSubject: date\r\n")),
        ("comments", header(format!("Date: {}\r\n", "(".repeat(7000)).as_bytes())),
    ];
    for (name, bytes) in &odd {
        smtp::send(server.smtp(), "x@far.example", &[HELLO], bytes)
            .await
            .unwrap_or_else(|reply| panic!("{name}: {reply}"));
    }
    server.filed().await;
    let owner = server.owner().await;
    let rows = conversations(&owner).await;
    let mut raw = BTreeSet::new();
    for row in &rows {
        for message in thread(&owner, row).await {
            for text in [&row["subject"], &message["subject"], &row["last"]["preview"], &row["contact"]["name"]] {
                let text = text.as_str().unwrap_or_default();
                assert!(!text.contains(char::is_control), "{text:?}");
                assert!(text.len() <= 1000, "{} bytes", text.len());
            }
            raw.insert(owner.get(&format!("/messages/{}/raw", message["id"])).await.bytes);
        }
    }
    assert_eq!(raw, odd.into_iter().map(|(_, bytes)| bytes).collect());
    let all = serde_json::to_string(&rows).unwrap();
    assert!(!all.contains('\u{202e}'), "nothing turns the line around");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_an_agent_by_writing_their_address() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    server.receive("a@b.example", HELLO, &mail("a@b.example", "Order", "Where is it?")).await;
    let row = conversations(&owner).await.remove(0);
    let said = json!({ "client_id": "1", "kind": "reply", "text": "On its way" });
    owner.post(&format!("/conversations/{}/messages", row["id"]), said).await.expect(201);
    server.pass(15).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    let sent = server.sink.arrived().remove(0).text();
    let of = |name: &str| sent.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let (id, address) = (of("Message-ID:"), of("Reply-To:").split(['<', '>']).nth(1).unwrap().to_owned());
    let ours = "Ewa Lis <ewa@desk.example>";
    let answers = format!("In-Reply-To: {id}\r\nReferences: {id}\r\n");
    let forged = [
        (HELLO, mail_with(ours, "Re: Order", &answers, "forged by references")),
        (HELLO, mail_with(ours, "Re: [#1] Order", "", "forged by number")),
        (
            HELLO,
            mail_with(ours, "Re: Order", &format!("From: a@b.example\r\n{answers}Sender: {ours}\r\n"), "forged twice"),
        ),
        (HELLO, mail_with(&format!("\"{ours}\" <x@evil.example>"), "Re: Order", &answers, "forged by name")),
        (&address, mail_with(ours, "Re: Order", &answers, "forged with the address of the thread")),
        (&address[..address.len() - "@desk.example".len() - 1], mail_with(ours, "Re: Order", "", "cut")),
    ];
    for (to, letter) in &forged {
        let to = if to.contains('@') { (*to).to_owned() } else { format!("{to}@desk.example") };
        // A reply address that is not whole is nobody's; a mail of two writers is nobody's mail.
        let taken = smtp::send(server.smtp(), "ewa@desk.example", &[&to], letter.as_bytes()).await;
        let refused = ["\r\n\r\ncut", "\r\n\r\nforged twice"].iter().any(|end| letter.contains(end));
        assert_eq!(taken.is_ok(), !refused, "{taken:?}");
    }
    server.filed().await;
    server.pass(3600).await;
    for row in conversations(&owner).await {
        for message in thread(&owner, &row).await {
            let text = message["text"].as_str().unwrap();
            if text.starts_with("forged") {
                assert_eq!((&message["kind"], &message["author"]), (&json!("inbound"), &Value::Null), "{text}");
                assert_eq!(row["last"]["kind"], "inbound");
            }
        }
        assert_eq!((&row["state"], row["id"] == 1), (&json!("open"), row["assignee"] == 1), "{row}");
    }
    // Nobody got into the thread, and nothing goes out by itself.
    let own: Vec<_> =
        thread(&owner, &row).await.iter().filter(|m| m["kind"] == "inbound").map(|m| m["text"].clone()).collect();
    assert_eq!(own, ["Where is it?\n"]);
    assert_eq!(server.sink.arrived().len(), 1);
    server.stop().await;
}

const CANARY: &str = "<img src=x onerror=canary()>\"'&{{7*7}}<script>canary()</script>";

/// Names and attributes of each tag, and the values of attributes.
fn tags(html: &str) -> Vec<(String, Vec<String>)> {
    let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap().to_lowercase());
    let parts = |tag: String| {
        let pieces: Vec<_> = tag.split('"').map(str::to_owned).collect();
        let values = pieces.iter().skip(1).step_by(2).cloned().collect();
        (pieces.iter().step_by(2).cloned().collect::<String>(), values)
    };
    tags.map(parts).collect()
}

fn assert_harmless(value: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(html) = fields.get("html").and_then(Value::as_str) {
                for (tag, values) in tags(html) {
                    let bad = ["script", " on", "/on", "svg", "iframe", "form", "input", "srcdoc"];
                    assert!(!bad.iter().any(|bad| tag.contains(bad)), "{tag} in {html}");
                    assert_eq!(tag.matches('=').count(), values.len(), "{tag} in {html}");
                    let worse = ["javascript:", "data:text", "vbscript:"];
                    assert!(
                        !values.iter().any(|value| worse.iter().any(|bad| value.contains(bad))),
                        "{values:?} in {html}"
                    );
                    assert!(!values.iter().any(|value| value.contains("fixed")), "{values:?} in {html}");
                }
            }
            fields.values().for_each(assert_harmless);
        }
        Value::Array(items) => items.iter().for_each(assert_harmless),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_in_every_field_comes_back_as_text_alone() {
    let server = TestServer::start().await;
    let quoted = CANARY.replace('"', "\\\"");
    let word = |text: &str| format!("=?utf-8?b?{}?=", data_encoding::BASE64.encode(text.as_bytes()));
    let head = format!(
        "From: \"{quoted}\" <a@b.example>\r\nTo: \"{quoted}\" <{HELLO}>\r\nCc: \"{quoted}\" <c@d.example>\r\nReply-To: \"{quoted}\" <r@b.example>\r\nSubject: {}\r\nMessage-ID: <{CANARY}@b.example>\r\nReferences: <{CANARY}@b.example>\r\nX-Mailer: {CANARY}\r\nList-Id: {CANARY}\r\nDate: {CANARY}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
        word(CANARY)
    );
    let parts = [
        format!(
            "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\n{CANARY}\r\nhttps://far.example/{CANARY}\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>{CANARY}</p><a href=\"javascript:canary()\">a</a><a href='https://far.example/\" onclick=\"canary()'>b</a><svg onload=canary()><iframe srcdoc='<script>canary()</script>'></iframe><form action=https://evil.example><input></form><img src=\"cid:{CANARY}\"><div style=\"position:fixed;top:0\">over</div>\r\n--c--"
        ),
        format!(
            "Content-Type: text/html; name=\"{quoted}.html\"\r\nContent-Disposition: attachment; filename=\"{quoted}.html\"\r\nContent-ID: <{CANARY}>\r\n\r\n<script>canary()</script>"
        ),
        String::from(
            "Content-Type: image/svg+xml\r\nContent-Disposition: inline; filename=\"a.svg\"\r\n\r\n<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"canary()\"/>",
        ),
        format!(
            "Content-Type: image/png; name=\"x\r\n y: z\"\r\nContent-Disposition: inline; filename*=utf-8''%0d%0aX-Injected:%20yes%22{}.png\r\n\r\n<script>canary()</script>",
            "%E2%80%AE"
        ),
    ];
    let letter = format!("{head}--b\r\n{}\r\n--b--\r\n", parts.join("\r\n--b\r\n"));
    server.receive("a@b.example", HELLO, &letter).await;
    server.indexed().await;
    let owner = server.owner().await;
    let row = conversations(&owner).await.remove(0);
    assert_eq!((row["subject"].as_str(), row["contact"]["name"].as_str()), (Some(CANARY), Some(CANARY)));
    let message = thread(&owner, &row).await.remove(0);
    assert_eq!(message["attachments"].as_array().unwrap().len(), 3);
    assert!(message["text"].as_str().unwrap().starts_with(CANARY));
    assert!(message["html"].as_str().unwrap().contains("over"), "{message:#?}");
    let quoting = json!({ "client_id": "1", "kind": "comment", "html": format!("<b>see</b>{}", message["html"].as_str().unwrap()) });
    owner.post(&format!("/conversations/{}/messages", row["id"]), quoting).await.expect(201);
    let own = json!({ "client_id": "2", "kind": "reply", "html": format!("<p>ours {CANARY}</p>") });
    owner.post(&format!("/conversations/{}/messages", row["id"]), own).await.expect(201);
    for path in [
        "/conversations",
        "/changes?after=0",
        "/search?q=canary",
        "/contacts/1",
        "/conversations/1/messages",
        "/counts",
    ] {
        let answer = owner.get(path).await;
        assert_harmless(&answer.expect(200));
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/json"), "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    for file in message["attachments"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        assert!(!name.contains(['\r', '\n', '/', '\\', '\u{202e}']), "{name:?}");
        let got = owner.get(&format!("/attachments/{}", file["id"])).await;
        let header = |name: &str| got.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/octet-stream", "{name}");
        assert!(header("content-disposition").starts_with("attachment; filename="), "{name}");
        assert!(
            header("content-security-policy").starts_with("sandbox") && header("x-content-type-options") == "nosniff"
        );
        assert!(got.headers.get("x-injected").is_none() && got.headers.get("y").is_none());
    }
    let raw = owner.get(&format!("/messages/{}/raw", message["id"])).await;
    assert!(
        raw.bytes == letter.as_bytes()
            && raw.headers["content-disposition"].to_str().unwrap().starts_with("attachment")
    );
    // What goes out is as harmless.
    server.pass(15).await;
    server.until("the reply has arrived", || server.sink.arrived().len() == 1).await;
    let sent = frontdesk::mail::parse::parse(&server.sink.arrived()[0].bytes);
    assert_harmless(&json!({ "html": sent.html }));
    server.stop().await;
}
