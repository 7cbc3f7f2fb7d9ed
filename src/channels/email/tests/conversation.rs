//! What a well-behaved client meets.

use std::time::Duration;

use super::super::*;
use super::support::{Memory, Server, settings};
use crate::base::Timestamp;

#[tokio::test]
async fn a_mail_arrives_as_it_was_sent() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<Anna@Shop.example> SIZE=40 BODY=8BITMIME").await, 250);
    assert_eq!(client.ask("RCPT TO:<help+17@OURS.example>").await, 250);
    assert_eq!(client.ask("RCPT TO:<u1@ours.example>").await, 250);
    assert_eq!(client.ask("RCPT TO:<u1@ours.example>").await, 250);
    assert_eq!(client.ask("DATA").await, 354);
    client.send("Subject: za\u{17c}\r\n\r\n..dot\r\n...\r\n\r\n.\r\n").await;
    assert_eq!(client.reply().await, "250 2.0.0 Ok: queued as 1\r\n");
    assert_eq!(client.ask("QUIT").await, 221);
    let (envelope, message) = server.last();
    assert_eq!(String::from_utf8(message).unwrap(), "Subject: za\u{17c}\r\n\r\n.dot\r\n..\r\n\r\n");
    assert_eq!(envelope.mail_from.unwrap().to_string(), "Anna@shop.example");
    let to: Vec<String> = envelope.rcpt_to.iter().map(Mailbox::to_string).collect();
    assert_eq!(to, ["help+17@ours.example", "u1@ours.example"]);
    assert_eq!((envelope.helo.as_str(), envelope.esmtp, envelope.tls), ("client.example", true, None));
    assert_eq!((envelope.eight_bit, envelope.smtputf8), (true, false));
    assert_eq!(envelope.received_at, Timestamp(1_700_000_000_000));
}

#[tokio::test]
async fn the_greeting_says_what_we_can_and_nothing_else() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send("EHLO client.example\r\n").await;
    let lines: Vec<String> = client.reply().await.lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            "250-mx.ours.example",
            "250-PIPELINING",
            "250-SIZE 52428800",
            "250-8BITMIME",
            "250-ENHANCEDSTATUSCODES",
            "250 SMTPUTF8"
        ]
    );
    client.send("HELO client.example\r\n").await;
    assert_eq!(client.reply().await, "250 mx.ours.example\r\n");
}

#[tokio::test]
async fn commands_have_their_codes() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for (command, code) in [
        ("MAIL FROM:<a@b>", 503),
        ("ehlo x", 250),
        ("noop", 250),
        ("HELP", 214),
        ("VRFY anna", 252),
        ("EXPN list", 502),
        ("AUTH PLAIN AGEAYg==", 502),
        ("STARTTLS", 454),
        ("RCPT TO:<help@ours.example>", 503),
        ("DATA", 503),
        ("MAIL FROM:<a@b.example>", 250),
        ("MAIL FROM:<a@b.example>", 503),
        ("DATA", 503),
        ("RCPT TO:<nobody@ours.example>", 550),
        ("DATA", 554),
        ("RSET", 250),
        ("RCPT TO:<help@ours.example>", 503),
        ("QUIT", 221),
    ] {
        assert_eq!(client.ask(command).await, code, "{command}");
    }
    assert_eq!(client.code().await, 0);
}

#[tokio::test]
async fn a_pipelined_group_is_answered_in_order() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    client
        .send("MAIL FROM:<a@b.example>\r\nRCPT TO:<nobody@ours.example>\r\nRCPT TO:<help@ours.example>\r\nDATA\r\n")
        .await;
    for code in [250, 550, 250, 354] {
        assert_eq!(client.code().await, code);
    }
    // The message may head the next group (RFC 2920 section 3.1).
    client.send("a: b\r\n\r\nc\r\n.\r\nMAIL FROM:<a@b.example>\r\nRSET\r\nQUIT\r\n").await;
    assert_eq!(client.codes_until_end().await, [250, 250, 250, 221]);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn bounces_have_one_recipient() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<>").await, 250);
    assert_eq!(client.ask("RCPT TO:<help@ours.example>").await, 250);
    assert_eq!(client.ask("RCPT TO:<u1@ours.example>").await, 452);
    assert_eq!(client.ask("DATA").await, 354);
    assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
    assert_eq!(server.last().0.mail_from, None);
    assert_eq!(server.last().0.rcpt_to.len(), 1);
}

#[tokio::test]
async fn postmaster_and_abuse_are_always_there() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
    for (path, code) in [
        ("postmaster", 250),
        ("POSTMASTER@ours.example", 250),
        ("abuse@Ours.Example", 250),
        ("abuse@other.example", 550),
        ("webmaster@ours.example", 550),
    ] {
        assert_eq!(client.ask(&format!("RCPT TO:<{path}>")).await, code, "{path}");
    }
}

#[tokio::test]
async fn international_addresses_need_their_extension() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<ż@b.example>").await, 553);
    assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
    assert_eq!(client.ask("RCPT TO:<żółw@ours.example>").await, 553);
    assert_eq!(client.ask("RSET").await, 250);
    assert_eq!(client.ask("MAIL FROM:<ż@b.example> SMTPUTF8").await, 250);
    assert_eq!(client.ask("RCPT TO:<żółw@ours.example>").await, 250);
    assert_eq!(client.ask("DATA").await, 354);
    assert_eq!(client.ask("a: ż\r\n\r\n.").await, 250);
    assert!(server.last().0.smtputf8);
}

#[tokio::test]
async fn trouble_on_our_side_is_temporary() {
    for (intake, command, code) in [
        (Memory { low: true, ..Memory::default() }, "MAIL FROM:<a@b.example>", "452 4.3.1"),
        (Memory { failing: Some(IntakeError::TryLater), ..Memory::default() }, "a: b\r\n\r\n.", "451 4.3.0"),
        (Memory { failing: Some(IntakeError::StorageLow), ..Memory::default() }, "a: b\r\n\r\n.", "452 4.3.1"),
        (Memory { failing: Some(IntakeError::TooLarge), ..Memory::default() }, "a: b\r\n\r\n.", "552 5.3.4"),
    ] {
        let server = Server::with(settings(), intake).await;
        let mut client = server.greeted().await;
        if !command.starts_with("MAIL") {
            client.open_data().await;
        }
        client.send(format!("{command}\r\n")).await;
        assert!(client.reply().await.starts_with(code), "{code}");
        assert_eq!(client.ask("NOOP").await, 250);
        assert_eq!(server.count(), 0);
    }
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
    assert_eq!(client.ask("RCPT TO:<a@busy.example>").await, 451);
}

#[tokio::test]
async fn the_250_waits_for_the_commit() {
    let intake = Memory { slow_commit: Duration::from_millis(150), ..Memory::default() };
    let server = Server::with(settings(), intake).await;
    let mut client = server.greeted().await;
    client.open_data().await;
    client.send("a: b\r\n\r\n.\r\n").await;
    let early = tokio::time::timeout(Duration::from_millis(75), client.reply()).await;
    assert!(early.is_err(), "no reply before the commit");
    assert_eq!(client.code().await, 250);
    assert_eq!(server.count(), 1);
}
