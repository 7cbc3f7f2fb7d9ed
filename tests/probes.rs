//! What `mailin-embedded` 0.8, the receiver that was tried first, does with mail that every mail server meets.
//!
//! These are the reasons for a receiver of our own (docs/decisions/003). Each test states what is so today; one
//! that fails tells that its reason has gone.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailin_embedded::response::{OK, TRANSACTION_FAILED};
use mailin_embedded::{Handler, Response, Server};

/// Longest an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a silence has to last to count as one.
const SILENCE: Duration = Duration::from_millis(300);
/// Lines longer than this are measured, not kept.
const KEPT: usize = 1000;

/// What the server handed to its handler.
#[derive(Clone, Default)]
struct Seen {
    refuses: bool,
    lines: Arc<Mutex<Vec<Vec<u8>>>>,
    longest: Arc<AtomicUsize>,
    messages: Arc<AtomicUsize>,
}

impl Handler for Seen {
    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.longest.fetch_max(line.len(), Ordering::SeqCst);
        if line.len() <= KEPT {
            self.lines.lock().unwrap().push(line.to_vec());
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.messages.fetch_add(1, Ordering::SeqCst);
        if self.refuses { TRANSACTION_FAILED } else { OK }
    }
}

/// Starts a server as it comes. Its thread ends with the test process.
fn start(refuses: bool) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen { refuses, ..Seen::default() };
    let handler = seen.clone();
    std::thread::spawn(move || {
        let mut server = Server::new(handler);
        server.with_name("probe.example").with_tcp_listener(listener);
        server.serve().unwrap();
    });
    (address, seen)
}

/// A client that says what it likes.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The code of the next reply, all of its lines read.
    fn reply(&mut self) -> u16 {
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let (code, rest) = line.split_at_checked(3).expect("a reply");
            if !rest.starts_with('-') {
                return code.parse().unwrap();
            }
        }
    }

    /// Says it and gives the code of the reply.
    fn ask(&mut self, line: &str) -> u16 {
        self.say(format!("{line}\r\n"));
        self.reply()
    }

    /// From the greeting to the 354 reply.
    fn begin_message(&mut self) {
        assert_eq!(self.reply(), 220);
        assert_eq!(self.ask("EHLO client.example"), 250);
        assert_eq!(self.ask("MAIL FROM:<a@b.example>"), 250);
        assert_eq!(self.ask("RCPT TO:<c@d.example>"), 250);
        assert_eq!(self.ask("DATA"), 354);
    }

    fn hears_nothing(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(SILENCE)).unwrap();
        let error = self.0.fill_buf().map(<[u8]>::to_vec).err();
        error.is_some_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}

#[test]
fn mailin_refuses_bounces_and_declared_sizes() {
    let (address, _) = start(false);
    let mut client = Client::connect(address);
    assert_eq!(client.reply(), 220);
    assert_eq!(client.ask("EHLO client.example"), 250);
    // Every bounce has the null sender (RFC 5321, 4.5.5); most senders declare the size (RFC 1870).
    assert_eq!(client.ask("MAIL FROM:<>"), 500);
    assert_eq!(client.ask("MAIL FROM:<a@b.example> SIZE=1000"), 500);
    assert_eq!(client.ask("MAIL FROM:<a@b.example>"), 250);
}

#[test]
fn mailin_takes_a_lone_line_feed_before_the_dot_for_the_end_of_a_message() {
    let (address, seen) = start(false);
    let mut client = Client::connect(address);
    client.begin_message();
    client.say(
        "Subject: one\r\n\r\nfirst\n.\r\n\
         MAIL FROM:<smuggled@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: two\r\n\r\nsecond\r\n.\r\n",
    );
    // Sent as one message, between servers that know only CR LF . CR LF.
    assert_eq!([(); 5].map(|()| client.reply()), [250, 250, 250, 354, 250]);
    assert_eq!(seen.messages.load(Ordering::SeqCst), 2);
}

#[test]
fn mailin_keeps_a_line_in_memory_however_long_it_grows() {
    const LENGTH: usize = 16 << 20;
    let (address, seen) = start(false);
    let mut client = Client::connect(address);
    client.begin_message();
    let piece = vec![b'x'; 64 << 10];
    for _ in 0..LENGTH / piece.len() {
        client.say(&piece);
    }
    client.say("\r\n.\r\n");
    assert_eq!(client.reply(), 250);
    // RFC 5321, 4.5.3.1.6: a line has 1,000 bytes.
    assert!(seen.longest.load(Ordering::SeqCst) > LENGTH);
}

#[test]
fn mailin_takes_commands_for_text_after_a_refused_message() {
    let (address, seen) = start(true);
    let mut client = Client::connect(address);
    client.begin_message();
    client.say("text\r\n.\r\n");
    assert_eq!(client.reply(), 554);
    // The transaction is over (RFC 5321, 4.1.1.4), and the client goes on with the next one.
    client.say("RSET\r\nMAIL FROM:<next@b.example>\r\n.\r\n");
    assert_eq!(client.reply(), 554);
    let lines = seen.lines.lock().unwrap().clone();
    assert_eq!(lines, [&b"text\r\n"[..], b"RSET\r\n", b"MAIL FROM:<next@b.example>\r\n"]);
}

#[test]
fn mailin_serves_four_connections_and_lets_the_fifth_wait() {
    let (address, _) = start(false);
    let mut clients = [(); 4].map(|()| Client::connect(address));
    for client in &mut clients {
        assert_eq!(client.reply(), 220);
    }
    let mut fifth = Client::connect(address);
    assert!(fifth.hears_nothing());
    for client in &mut clients {
        assert_eq!(client.ask("NOOP"), 250);
    }
    assert!(fifth.hears_nothing(), "the four are idle, and the fifth still waits");
    let [first, _second, _third, _fourth] = clients;
    drop(first);
    assert_eq!(fifth.reply(), 220);
}
