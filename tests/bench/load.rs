//! Load by SMTP: Debian's `smtp-source`, and a generator of our own that sends real words and tells how long
//! each mail took.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use super::letters::{Letter, Letters};
use crate::support::smtp::stuffed;

/// Sends `mails` of 5 KB by 50 sessions with `smtp-source`, each on a connection of its own or on one that
/// is used again; gives mails a second. Its mails differ in their Message-ID, so each is stored.
pub fn smtp_source(to: SocketAddr, mails: usize, reuse: bool) -> f64 {
    let start = Instant::now();
    let mut command = Command::new("/usr/sbin/smtp-source");
    command.args(["-s", "50", "-l", "5120", "-m", &mails.to_string()]);
    command.args(["-f", "bench@load.example", "-t", "hello@desk.example"]);
    if reuse {
        command.arg("-d");
    }
    let status = command.arg(to.to_string()).status().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "smtp-source: {status}");
    mails as f64 / took.as_secs_f64()
}

/// A session that waits for every answer.
pub struct Session {
    stream: BufReader<TcpStream>,
    sent: usize,
    to: SocketAddr,
}

/// Mails on one connection: the receiver closes after a hundred.
const MAILS_A_SESSION: usize = 50;

impl Session {
    pub fn open(to: SocketAddr) -> Session {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut session = Session { stream: BufReader::new(stream), sent: 0, to };
        session.expect("220");
        session.say("HELO load.example\r\n", "250");
        session
    }

    /// Sends one mail; the time from its last byte to the 250.
    pub fn send(&mut self, from: &str, mail: &[u8]) -> Duration {
        if self.sent == MAILS_A_SESSION {
            self.say("QUIT\r\n", "221");
            *self = Session::open(self.to);
        }
        self.sent += 1;
        self.say(&format!("MAIL FROM:<{from}>\r\n"), "250");
        self.say("RCPT TO:<hello@desk.example>\r\n", "250");
        self.say("DATA\r\n", "354");
        let bytes = stuffed(mail);
        let start = Instant::now();
        self.stream.get_mut().write_all(&bytes).unwrap();
        self.expect("250");
        start.elapsed()
    }

    fn say(&mut self, line: &str, code: &str) {
        self.stream.get_mut().write_all(line.as_bytes()).unwrap();
        self.expect(code);
    }

    fn expect(&mut self, code: &str) {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            assert!(line.starts_with(code), "expected {code}: {line}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }
}

/// Sends `mails` everyday letters by `sessions` at once; mails a second.
pub fn everyday(to: SocketAddr, sessions: usize, mails: usize, seed: u64) -> f64 {
    let each = mails / sessions;
    let batches: Vec<Vec<_>> = (0..sessions as u64)
        .map(|session| {
            let mut letters = Letters::new(seed * 1000 + session + 1);
            (0..each).map(|_| letters.everyday()).collect()
        })
        .collect();
    send_all(to, &batches)
}

/// Sends each batch in a session of its own, all at once; mails a second.
pub fn send_all(to: SocketAddr, batches: &[Vec<Letter>]) -> f64 {
    let mails: usize = batches.iter().map(Vec::len).sum();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for batch in batches {
            scope.spawn(move || {
                let mut session = Session::open(to);
                for letter in batch {
                    session.send(&letter.from, &letter.bytes);
                }
            });
        }
    });
    mails as f64 / start.elapsed().as_secs_f64()
}
