//! Sizes, numbers and patience.

use std::time::Duration;

use super::super::settings::{Settings, Timeouts};
use super::support::{Memory, Server, settings};

#[tokio::test]
async fn a_thousand_recipients_and_no_more() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 250);
    let group: String = (0..1001).map(|n| format!("RCPT TO:<u{n}@ours.example>\r\n")).collect();
    let (mut good, mut over) = (0, 0);
    for piece in group.as_bytes().chunks(8 << 10) {
        client.send(piece).await;
    }
    for _ in 0..1001 {
        match client.reply().await.get(..9) {
            Some("250 2.1.5") => good += 1,
            Some("452 4.5.3") => over += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((good, over), (1000, 1));
    assert_eq!(client.ask("DATA").await, 354);
    assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
    assert_eq!(server.last().0.rcpt_to.len(), 1000);
}

#[tokio::test]
async fn a_hundred_mails_a_session() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    for _ in 0..100 {
        client.open_data().await;
        assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
    }
    assert_eq!(client.ask("MAIL FROM:<a@b.example>").await, 421);
    assert_eq!((client.code().await, server.count()), (0, 100));
}

#[tokio::test]
async fn sizes_are_held_at_mail_and_at_the_end() {
    let mut small = settings();
    small.limits.data.message = 100;
    let server = Server::with(small, Memory::default()).await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("MAIL FROM:<a@b.example> SIZE=101").await, 552);
    assert_eq!(client.ask("MAIL FROM:<a@b.example> SIZE=18446744073709551616").await, 552);
    assert_eq!(client.ask("MAIL FROM:<a@b.example> SIZE=100").await, 250);
    assert_eq!(client.ask("RCPT TO:<help@ours.example>").await, 250);
    assert_eq!(client.ask("DATA").await, 354);
    let message = format!("a: b\r\n\r\n{}\r\n", "x".repeat(90));
    assert_eq!(message.len(), 100);
    client.send(&message).await;
    assert_eq!(client.ask(".").await, 250);
    client.open_data().await;
    client.send(format!("{message}\r\n")).await;
    client.send(".\r\n").await;
    assert!(client.reply().await.starts_with("552 5.3.4"));
    assert_eq!(server.count(), 1);
    assert_eq!(client.ask("NOOP").await, 250);
}

#[tokio::test]
async fn what_never_ends_is_cut_off() {
    let mut small = settings();
    small.limits.data.message = 1 << 20;
    let server = Server::with(small, Memory::default()).await;
    for (head, piece, code) in [
        ("", "x".repeat(64 << 10), 500),
        ("MAIL", "\r\n".repeat(16 << 10), 0),
        ("DATA", "x".repeat(64 << 10), 554),
        ("DATA", "a: xxxxxxxxxx\r\n".repeat(4 << 10), 552),
        ("DATA", "\r\n".repeat(16 << 10), 552),
        ("DATA", "\n".repeat(16 << 10), 554),
    ] {
        let mut client = server.greeted().await;
        if head == "DATA" {
            client.open_data().await;
        }
        let mut sent = 0;
        while client.send(&piece).await && sent < 64 << 20 {
            sent += piece.len();
        }
        assert!(sent < 32 << 20, "{head:?} took {sent} bytes");
        // The reply may be lost all the same when more is under way than is read before closing.
        let codes = client.codes_until_end().await;
        assert!(code == 0 || codes.iter().all(|&got| got == code), "{codes:?}");
    }
    assert_eq!(server.count(), 0);
    assert_eq!(server.greeted().await.ask("NOOP").await, 250);
}

#[tokio::test]
async fn long_lines_headers_and_loops_are_refused() {
    let server = Server::start().await;
    let long = |n: usize| format!("a: b\r\n\r\n{}\r\n", "x".repeat(n));
    let fields = |n: usize| format!("{}\r\nbody\r\n", "X-A: b\r\n".repeat(n));
    let hops = |n: usize| format!("{}\r\nbody\r\n", "Received: from a by b\r\n".repeat(n));
    for (message, code) in [
        (long(8192), "250"),
        (long(8193), "554 5.6.0"),
        (fields(1000), "250"),
        (fields(1001), "552 5.3.4"),
        (format!("X: y\r\n{}\r\nbody\r\n", " 12345678901234567890\r\n".repeat(12_000)), "552 5.3.4"),
        (format!("\r\n{}", "Not-A: header\r\n".repeat(30_000)), "250"),
        (hops(100), "250"),
        (hops(101), "554 5.4.6"),
        (format!("{}\r\nbody\r\n", "__proto__: 1\r\nconstructor: 2\r\n".repeat(400)), "250"),
    ] {
        let mut client = server.greeted().await;
        client.open_data().await;
        client.send(&message).await;
        client.send(".\r\n").await;
        let reply = client.reply().await;
        assert!(reply.starts_with(code), "{} bytes: {reply}", message.len());
        assert_eq!(client.ask("NOOP").await, 250, "the session goes on");
    }
}

#[tokio::test]
async fn command_lines_are_bounded() {
    let server = Server::start().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask(&format!("NOOP {}", "x".repeat(2041))).await, 250);
    let mut client = server.greeted().await;
    assert_eq!(client.ask(&format!("NOOP {}", "x".repeat(2042))).await, 500);
    assert_eq!(client.code().await, 0);
}

#[tokio::test]
async fn connections_are_counted_by_address_and_in_all() {
    let mut few = settings();
    few.limits.count_loopback = true;
    few.limits.connections_per_address = 3;
    let server = Server::with(few.clone(), Memory::default()).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(server.client().await);
    }
    assert_eq!(server.silent().await.codes_until_end().await, [421]);
    assert_eq!(open.pop().unwrap().ask("QUIT").await, 221);
    let mut freed = false;
    for _ in 0..100 {
        freed |= server.silent().await.code().await == 220;
        if freed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(freed, "a closed connection makes room");

    few.limits.count_loopback = false;
    few.limits.connections = 5;
    let server = Server::with(few, Memory::default()).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(server.client().await);
    }
    assert_eq!(server.silent().await.codes_until_end().await, [421]);
}

#[tokio::test]
async fn patience_ends_and_ends_sooner_under_load() {
    let mut hasty = settings();
    hasty.timeouts.command = Duration::from_millis(60);
    hasty.timeouts.data = Duration::from_millis(60);
    let server = Server::with(hasty, Memory::default()).await;
    let mut idle = server.greeted().await;
    let mut stuck = server.greeted().await;
    stuck.open_data().await;
    stuck.send("a: b").await;
    assert_eq!(idle.codes_until_end().await, [421]);
    assert_eq!(stuck.codes_until_end().await, [421]);
    assert_eq!(server.count(), 0);

    let mut busy = settings();
    busy.limits.connections = 5;
    busy.timeouts.under_load = Duration::from_millis(60);
    let server = Server::with(busy, Memory::default()).await;
    let mut idlers = Vec::new();
    for _ in 0..4 {
        idlers.push(server.greeted().await);
    }
    // With the first one gone there is room again, and the others keep their time.
    assert_eq!(idlers.remove(0).codes_until_end().await, [421]);
}

#[tokio::test]
async fn a_trickle_does_not_hold_a_place_for_ever() {
    let timeouts = settings().timeouts;
    let short = Duration::from_millis(150);
    for (in_data, hasty) in [
        (false, Timeouts { session: short, ..timeouts.clone() }),
        (false, Timeouts { command: short, ..timeouts.clone() }),
        (true, Timeouts { message: short, ..timeouts.clone() }),
        (true, Timeouts { data: short, ..timeouts.clone() }),
    ] {
        let words = format!("{hasty:?}");
        let server = Server::with(Settings { timeouts: hasty, ..settings() }, Memory::default()).await;
        let mut client = server.greeted().await;
        if in_data {
            client.open_data().await;
        }
        let start = std::time::Instant::now();
        while client.send("x").await && start.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{words}");
    }
}

#[tokio::test]
async fn a_slow_sender_at_an_honest_rate_is_borne() {
    let mut hasty = settings();
    hasty.timeouts.data = Duration::from_millis(300);
    let server = Server::with(hasty, Memory::default()).await;
    let mut client = server.greeted().await;
    client.open_data().await;
    client.send("a: b\r\n\r\n").await;
    for _ in 0..12 {
        client.send(format!("{}\r\n", "x".repeat(1000))).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(client.ask(".").await, 250);
}

#[tokio::test]
async fn many_slow_clients_do_not_keep_a_good_sender_out() {
    let mut few = settings();
    few.limits.connections = 20;
    few.timeouts.under_load = Duration::from_millis(200);
    let server = Server::with(few, Memory::default()).await;
    let mut slow = Vec::new();
    for n in 0..20 {
        let mut client = server.greeted().await;
        if n % 2 == 0 && client.ask("MAIL FROM:<a@b.example>").await == 250 {
            client.ask("RCPT TO:<help@ours.example>").await;
            client.ask("DATA").await;
        }
        slow.push(client);
    }
    let drip = async {
        loop {
            for client in &mut slow {
                client.send("x").await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let sender = async {
        loop {
            let mut client = server.silent().await;
            if client.code().await == 220 && client.ask("EHLO good.example").await == 250 {
                client.open_data().await;
                assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = sender => {}
        () = drip => {}
        () = tokio::time::sleep(Duration::from_secs(8)) => panic!("the good sender did not get through"),
    }
}
