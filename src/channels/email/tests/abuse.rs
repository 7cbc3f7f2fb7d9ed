//! Clients that relay, guess, talk out of turn or speak another protocol.

use std::time::Duration;

use super::super::trace;
use super::support::{Memory, Server, settings};

#[tokio::test]
async fn nothing_is_relayed() {
    let server = Server::start().await;
    for path in [
        "a@other.example",
        "a%b@ours.example",
        "other.example!a@ours.example",
        "\"a@b\"@ours.example",
        "@ours.example:a@other.example",
        "@other.example:help@ours.example",
        "help@OURS.example.other.example",
        "help%other.example@ours.example",
        "help@[127.0.0.1]",
        "help@[IPv6:::1]",
        "help@xn--ours-.example.org",
    ] {
        let mut client = server.greeted().await;
        assert_eq!(client.ask("MAIL FROM:<help@ours.example>").await, 250);
        client.send(format!("RCPT TO:<{path}>\r\n")).await;
        let reply = client.reply().await;
        assert!(reply.starts_with("550 5.7.1") || reply.starts_with("501"), "{path}: {reply}");
        assert!(matches!(client.ask("DATA").await, 503 | 554));
    }
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<help@ours.example>").await, 250);
    for path in ["help+anything@ours.example", "HELP@OURS.EXAMPLE", "\"help\"@ours.example"] {
        assert_eq!(client.ask(&format!("RCPT TO:<{path}>")).await, 250, "{path}");
    }
}

#[tokio::test]
async fn control_characters_never_reach_a_header() {
    let server = Server::start().await;
    for path in [
        "a\r\nX: y@b.example",
        "a\nb@c.example",
        "a\0b@c.example",
        "a\tb@c.example",
        "a%0d%0aX:y@b.example",
        "\"a\r\n\"@b.example",
    ] {
        for command in ["MAIL FROM", "RCPT TO"] {
            let mut client = server.greeted().await;
            if command == "RCPT TO" {
                assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
            }
            let code = client.ask(&format!("{command}:<{path}>")).await;
            assert!(matches!(code, 500 | 501 | 553), "{command} {path:?}: {code}");
        }
    }
    let mut client = server.client().await;
    assert_eq!(client.ask("EHLO evil;\"(by)x").await, 250);
    client.open_data().await;
    assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
    let header = trace::received(&server.last().0, "mx.ours.example", "1");
    assert!(
        header.starts_with("Received: from evil???by?x ([127.0.0.1])\r\n\tby mx.ours.example with ESMTP\r\n"),
        "{header}"
    );
}

#[tokio::test]
async fn junk_behind_a_path_is_refused() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    for (command, code) in [
        ("MAIL FROM:<a@b.example>junk", 501),
        ("MAIL FROM:<a@b.example> AUTH=<>", 555),
        ("MAIL FROM:<a@b.example> SIZE=1 size=2", 501),
        ("MAIL FROM:<a@b.example>", 250),
        ("RCPT TO:<help@ours.example>>", 501),
        ("RCPT TO:<help@ours.example>x", 501),
        ("RCPT TO:<help@ours.example> X=1", 555),
        ("RCPT TO:<help@ours.example> X=1 X=1", 501),
    ] {
        assert_eq!(client.ask(command).await, code, "{command}");
    }
}

#[tokio::test]
async fn chunking_and_login_are_not_there() {
    let server = Server::start().await;
    for command in [
        "BDAT -1",
        "BDAT 0",
        "BDAT 0 LAST",
        "BDAT 9223372036854775808",
        "BDAT 18446744073709551615 LAST",
        "BDAT",
        "AUTH",
        "AUTH LOGIN",
    ] {
        let mut client = server.greeted().await;
        assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
        assert_eq!(client.ask(command).await, 502, "{command}");
        assert_eq!(client.ask("NOOP").await, 250);
    }
    // A chunk sent along is text, not commands.
    let mut client = server.greeted().await;
    client.send("BDAT 40 LAST\r\nMAIL FROM:<a@b.example>\r\n").await;
    assert_eq!(client.codes_until_end().await, [503]);
}

#[tokio::test]
async fn talking_out_of_turn_ends_the_session() {
    let server = Server::start().await;
    let group = "MAIL FROM:<a@b.example>\r\nRCPT TO:<help@ours.example>\r\nDATA\r\na: b\r\n\r\nc\r\n.\r\nQUIT\r\n";
    let mut hello = server.silent().await;
    hello.send(format!("EHLO a\r\n{group}")).await;
    assert_eq!(hello.codes_until_end().await, [220, 503]);
    let mut data = server.greeted().await;
    data.send(group).await;
    assert_eq!(data.codes_until_end().await, [250, 250, 503]);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn talking_before_the_greeting_ends_the_session() {
    let mut watchful = settings();
    watchful.timeouts.greeting = Some(Duration::from_millis(500));
    let server = Server::with(watchful, Memory::default()).await;
    let mut early = server.silent().await;
    early.send("EHLO a\r\n").await;
    assert_eq!(early.codes_until_end().await, [521]);
    assert_eq!(server.greeted().await.ask("NOOP").await, 250);
}

#[tokio::test]
async fn browsers_are_sent_away() {
    let server = Server::start().await;
    let mut client = server.silent().await;
    client.send("POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO a\r\nMAIL FROM:<a@b.example>\r\n").await;
    assert_eq!(client.codes_until_end().await, [220, 554]);
}

#[tokio::test]
async fn guessing_is_slow_and_short() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
    let mut codes = Vec::new();
    let start = std::time::Instant::now();
    for n in 0..20 {
        codes.push(client.ask(&format!("RCPT TO:<guess{n}@ours.example>")).await);
    }
    assert!(start.elapsed() >= Duration::from_millis(9 * 5), "held back past the tenth");
    assert!(codes[..19].iter().all(|&code| code == 550) && codes[19] == 421, "{codes:?}");
    assert_eq!(client.code().await, 0);
}

#[tokio::test]
async fn mail_between_guesses_does_not_help() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    let mut guesses = 0;
    'session: loop {
        assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
        for n in 0..5 {
            guesses += 1;
            if client.ask(&format!("RCPT TO:<guess{n}@ours.example>")).await == 421 {
                break 'session;
            }
        }
        assert_eq!(client.ask("RCPT TO:<help@ours.example>").await, 250);
        assert_eq!(client.ask("DATA").await, 354);
        assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
    }
    assert_eq!(guesses, 20);
}

#[tokio::test]
async fn errors_and_idle_commands_have_a_budget() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    let mut codes = Vec::new();
    for _ in 0..20 {
        codes.push(client.ask("XYZZY").await);
    }
    assert!(codes[..19].iter().all(|&code| code == 500) && codes[19] == 421, "{codes:?}");
    let mut client = server.greeted().await;
    let mut count = 0;
    while client.ask("NOOP").await == 250 {
        count += 1;
    }
    assert_eq!(count, 99, "the EHLO counts as well");
}
