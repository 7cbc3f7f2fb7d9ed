//! Delivery against servers that are strict, slow, unwilling or in disguise.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailin_embedded::{Handler, Response, SslConfig, response};

use super::super::delivery::{self, DeliveryTimeouts};
use super::super::{Mailbox, Outcome, OutgoingEnvelope, RecipientResult, Security, Server};
use super::capture::{Capture, Script};
use super::certificates::{self, Flaw};
use crate::base::Secret;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn relay(port: u16) -> Server {
    let short = Duration::from_millis(400);
    Server {
        host: String::from("localhost"),
        address: None,
        port,
        tls: Security::None,
        credentials: None,
        hello_name: String::from("ours.example"),
        extra_roots: Vec::new(),
        timeouts: DeliveryTimeouts {
            connect: short * 10,
            greeting: short,
            command: short,
            data: short,
            chunk: short,
            end: short,
        },
    }
}

async fn deliver(server: &Server, envelope: &OutgoingEnvelope, message: &[u8]) -> Vec<RecipientResult> {
    delivery::deliver(server, envelope, message, None).await
}

fn envelope(recipients: &[&str]) -> OutgoingEnvelope {
    let mailbox = |text: &&str| Mailbox::parse(text).unwrap();
    OutgoingEnvelope { from: Some(mailbox(&"help@ours.example")), recipients: recipients.iter().map(mailbox).collect() }
}

async fn send(script: Script, message: &str) -> (Capture, RecipientResult) {
    let capture = Capture::start(script).await;
    let mut results =
        deliver(&relay(capture.address.port()), &envelope(&["anna@shop.example"]), message.as_bytes()).await;
    assert_eq!(results.len(), 1);
    (capture, results.remove(0))
}

#[tokio::test]
async fn a_message_goes_out_with_the_verbs_in_order() {
    let (capture, result) = send(Script::new(&[]), MESSAGE).await;
    assert_eq!((result.outcome, result.reply.as_str()), (Outcome::Accepted, "250 kept"));
    let expected = [
        "EHLO ours.example",
        "EHLO ours.example",
        "MAIL FROM:<help@ours.example> SIZE=22",
        "RCPT TO:<anna@shop.example>",
        "DATA",
        "QUIT",
    ];
    assert_eq!(capture.commands(), expected);
    assert_eq!(capture.messages(), [format!("{MESSAGE}.\r\n").into_bytes()]);
}

/// Where a lax server might see the end of a message.
fn lax_ends(wire: &[u8]) -> usize {
    let is_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    wire.windows(3).filter(|w| is_end(w[0]) && w[1] == b'.' && is_end(w[2])).count()
}

#[tokio::test]
async fn no_text_ends_the_message_early() {
    for terminator in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r.\r",
        "\r.\r\n",
        "\r.\n",
        "\n.\r",
        "\r\n.\r\n",
        "\r\r\n.\r\n",
        "\r\n.\r\r\n",
        "\n\n.\n\n",
        "\r\n..\r\n",
        "\r..\r",
        "\n\r.\n\r",
        ".\r\n",
        "\r\n.\r\n.\r\n.\r\n",
        "\r",
        "\n",
        "\r\n.",
    ] {
        let message = format!("Subject: x\n\nfirst{terminator}MAIL FROM:<ceo@ours.example>\r\nDATA\r\nend{terminator}");
        let (capture, result) = send(Script::new(&[]), &message).await;
        assert_eq!(result.outcome, Outcome::Accepted, "{terminator:?}");
        let messages = capture.messages();
        assert_eq!(messages.len(), 1, "{terminator:?}");
        let wire = &messages[0];
        assert_eq!(lax_ends(wire), 1, "{terminator:?}: {}", String::from_utf8_lossy(wire));
        let crlf = String::from_utf8(wire.clone()).unwrap().replace("\r\n", "");
        assert!(!crlf.contains(['\r', '\n']), "{terminator:?} left a bare line end");
        assert_eq!(capture.commands().iter().filter(|line| line.starts_with("MAIL")).count(), 1);
    }
}

#[tokio::test]
async fn each_recipient_is_judged_on_its_own() {
    let capture = Capture::start(Script::new(&[
        ("RCPT TO:<no@", "550-5.1.1 nobody\n550 5.1.1 of that name"),
        ("RCPT TO:<later@", "451 4.2.1 full"),
    ]))
    .await;
    let to = envelope(&["no@shop.example", "anna@shop.example", "later@shop.example", "bob@shop.example"]);
    let results = deliver(&relay(capture.address.port()), &to, MESSAGE.as_bytes()).await;
    let told: Vec<_> =
        results.iter().map(|result| (result.recipient.local(), result.outcome, result.reply.as_str())).collect();
    assert_eq!(
        told,
        [
            ("no", Outcome::Refused, "550 5.1.1 nobody of that name"),
            ("anna", Outcome::Accepted, "250 kept"),
            ("later", Outcome::Deferred, "451 4.2.1 full"),
            ("bob", Outcome::Accepted, "250 kept"),
        ]
    );
    assert_eq!(capture.messages().len(), 1);
}

#[tokio::test]
async fn unwilling_servers_defer_or_refuse() {
    for (start, answer, outcome) in [
        ("greeting", "554 go away", Outcome::Error),
        ("greeting", "421 busy", Outcome::Deferred),
        ("greeting", "", Outcome::Deferred),
        ("greeting", "hello there", Outcome::Deferred),
        ("greeting", "hang", Outcome::Deferred),
        ("MAIL", "451 not now", Outcome::Deferred),
        ("MAIL", "550 not you", Outcome::Refused),
        ("MAIL", "hang", Outcome::Deferred),
        ("RCPT", "550 nobody", Outcome::Refused),
        ("RCPT", "421 closing", Outcome::Deferred),
        ("RCPT", "", Outcome::Deferred),
        ("DATA", "451 no", Outcome::Deferred),
        ("DATA", "554 no", Outcome::Refused),
        ("DATA", "250 what", Outcome::Deferred),
        ("message", "452 full", Outcome::Deferred),
        ("message", "554 spam", Outcome::Refused),
        ("message", "hang", Outcome::Deferred),
        ("message", "", Outcome::Deferred),
        ("QUIT", "hang", Outcome::Accepted),
    ] {
        let (_, result) = send(Script::new(&[(start, answer)]), MESSAGE).await;
        assert_eq!(result.outcome, outcome, "{start} {answer:?}: {}", result.reply);
        assert!(!result.reply.is_empty());
        if answer.starts_with(['4', '5']) {
            assert_eq!(result.reply, answer, "the remote words are kept");
        }
    }
    let gone = deliver(&relay(1), &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
    assert_eq!(gone[0].outcome, Outcome::Deferred);
}

#[tokio::test]
async fn remote_words_are_bounded_and_tame() {
    let long: &'static str = Box::leak(format!("550 \u{7}\u{202e}{}", "ż".repeat(400)).into_boxed_str());
    let (_, result) = send(Script::new(&[("RCPT", long)]), MESSAGE).await;
    assert!(result.reply.len() <= 500 && result.reply.starts_with("550 ż"), "{}", result.reply);
    let endless: &'static str = Box::leak(format!("250-{}", "x".repeat(200_000)).into_boxed_str());
    let (_, result) = send(Script::new(&[("EHLO", endless)]), MESSAGE).await;
    assert_eq!(result.outcome, Outcome::Deferred);
}

#[tokio::test]
async fn a_relay_is_asked_only_for_what_it_can() {
    let bare = Script::new(&[("EHLO", "250 capture")]);
    let (capture, result) = send(bare.clone(), MESSAGE).await;
    assert_eq!(result.outcome, Outcome::Accepted);
    assert!(capture.commands().contains(&String::from("MAIL FROM:<help@ours.example>")));
    let (capture, result) = send(bare, "Subject: hi\r\n\r\nżółw\r\n").await;
    assert_eq!(result.outcome, Outcome::Refused, "{}", result.reply);
    assert!(capture.messages().is_empty());
    let (capture, _) = send(Script::new(&[]), "Subject: hi\r\n\r\nżółw\r\n").await;
    assert!(capture.commands().contains(&String::from("MAIL FROM:<help@ours.example> SIZE=24 BODY=8BITMIME")));
    let (capture, result) = send(Script::new(&[("EHLO", "250-capture\n250 SIZE 21")]), MESSAGE).await;
    assert_eq!((result.outcome, capture.messages().len()), (Outcome::Refused, 0));

    let capture = Capture::start(Script::new(&[("EHLO", "250-capture\n250 8BITMIME")])).await;
    let to = envelope(&["żółw@shop.example", "anna@shop.example"]);
    let results = deliver(&relay(capture.address.port()), &to, MESSAGE.as_bytes()).await;
    assert_eq!((results[0].outcome, results[1].outcome), (Outcome::Refused, Outcome::Accepted));
}

#[tokio::test]
async fn tls_is_checked_and_never_skipped() {
    for implicit in [true, false] {
        for flaw in [Flaw::None, Flaw::WrongName, Flaw::Expired, Flaw::SelfSigned] {
            let (acceptor, root) = certificates::server(flaw);
            let capture = Capture::start(Script::secured(acceptor, implicit)).await;
            let mut relay = relay(capture.address.port());
            relay.tls = if implicit { Security::Required } else { Security::StartTls };
            relay.timeouts.greeting = Duration::from_secs(5);
            relay.extra_roots = vec![root];
            relay.credentials = Some((String::from("anna"), Secret::new("hunter2")));
            let results = deliver(&relay, &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
            let (good, sent) = (flaw == Flaw::None, capture.messages().len());
            let expected = if good { (Outcome::Accepted, 1) } else { (Outcome::Error, 0) };
            assert_eq!((results[0].outcome, sent), expected, "{implicit} {flaw:?}: {}", results[0].reply);
            let clear = capture
                .commands()
                .iter()
                .any(|line| !line.starts_with("tls ") && !line.starts_with("EHLO") && line != "STARTTLS");
            assert!(!clear, "{:?}", capture.commands());
            // Nobody vouches for it once the test's own authority is not trusted.
            relay.extra_roots.clear();
            let results = deliver(&relay, &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
            assert_eq!(results[0].outcome, Outcome::Error);
        }
    }
}

#[tokio::test]
async fn starttls_is_not_done_without() {
    for script in [
        Script::new(&[]),
        Script::new(&[("EHLO", "250 STARTTLS"), ("STARTTLS", "502 no")]),
        Script::new(&[("EHLO", "250-x\n250 STARTTLS"), ("STARTTLS", "220 go\n250-injected\n250 AUTH PLAIN")]),
    ] {
        let capture = Capture::start(script).await;
        let relay = Server { tls: Security::StartTls, ..relay(capture.address.port()) };
        let results = deliver(&relay, &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
        assert_eq!(results[0].outcome, Outcome::Error, "{}", results[0].reply);
        assert!(capture.messages().is_empty());
    }
}

#[tokio::test]
async fn login_works_and_its_failure_does_not_tell_the_password() {
    let login = |port| Server { credentials: Some((String::from("anna"), Secret::new("hunter2"))), ..relay(port) };
    let capture = Capture::start(Script::new(&[])).await;
    let results = deliver(&login(capture.address.port()), &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
    assert_eq!(results[0].outcome, Outcome::Accepted);
    assert!(capture.commands().contains(&String::from("AUTH PLAIN AGFubmEAaHVudGVyMg==")));
    for (answer, outcome) in
        [("535 5.7.8 hunter2 AGFubmEAaHVudGVyMg== is wrong", Outcome::Error), ("454 later, hunter2", Outcome::Deferred)]
    {
        let capture = Capture::start(Script::new(&[("AUTH", answer)])).await;
        let results = deliver(&login(capture.address.port()), &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
        assert_eq!(results[0].outcome, outcome);
        assert!(
            !results[0].reply.contains("hunter2") && !results[0].reply.contains("aHVudGVy"),
            "{}",
            results[0].reply
        );
        assert!(capture.messages().is_empty());
    }
    let capture = Capture::start(Script::new(&[("EHLO", "250 capture")])).await;
    let results = deliver(&login(capture.address.port()), &envelope(&["a@b.example"]), MESSAGE.as_bytes()).await;
    assert_eq!(results[0].outcome, Outcome::Error, "no way to log in");
}

/// Sender, recipients, message.
type Received = (String, Vec<String>, Vec<u8>);

#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Received>>>);

impl Handler for Inbox {
    fn data_start(&mut self, _: &str, from: &str, _: bool, to: &[String]) -> Response {
        self.0.lock().unwrap().push((from.to_owned(), to.to_vec(), Vec::new()));
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.lock().unwrap().last_mut().unwrap().2.extend_from_slice(bytes);
        Ok(())
    }
}

#[tokio::test]
async fn an_independent_server_receives_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, inbox) = (listener.local_addr().unwrap().port(), Inbox::default());
    let handler = inbox.clone();
    // It has no way to be stopped; it ends with the test process.
    std::thread::spawn(move || {
        let mut server = mailin_embedded::Server::new(handler);
        server.with_name("independent").with_ssl(SslConfig::None).unwrap().with_tcp_listener(listener);
        let _ = server.serve();
    });
    let results = deliver(
        &Server { timeouts: DeliveryTimeouts::default(), ..relay(port) },
        &envelope(&["anna@shop.example", "bob@shop.example"]),
        b"Subject: hi\n\n.dot\n..\nend",
    )
    .await;
    assert!(results.iter().all(|result| result.outcome == Outcome::Accepted), "{results:?}");
    let mails = inbox.0.lock().unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].0, "help@ours.example");
    assert_eq!(mails[0].1, ["anna@shop.example", "bob@shop.example"]);
    assert_eq!(String::from_utf8_lossy(&mails[0].2), "Subject: hi\r\n\r\n.dot\r\n..\r\nend\r\n");
}

#[tokio::test]
async fn our_own_receiver_takes_our_own_mail() {
    let server = super::support::Server::start().await;
    let results = deliver(
        &relay(server.address.port()),
        &envelope(&["help@ours.example", "nobody@ours.example"]),
        MESSAGE.as_bytes(),
    )
    .await;
    assert_eq!((results[0].outcome, results[1].outcome), (Outcome::Accepted, Outcome::Refused));
    assert_eq!(server.last().1, MESSAGE.as_bytes());
}
