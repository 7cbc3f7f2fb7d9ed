//! Where outgoing mail ends in tests: an SMTP server that shares no code with the program.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A mail that arrived.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    pub from: String,
    pub to: Vec<String>,
    pub bytes: Vec<u8>,
}

impl Arrived {
    /// The mail as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// What the sink says to recipients that contain a word.
type Answers = Arc<Mutex<Vec<(String, u16)>>>;

/// A mail server that keeps what it gets.
pub struct Sink {
    pub address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Answers,
}

impl Sink {
    /// Starts one. Its thread ends with the test process.
    pub fn start() -> Sink {
        Sink::at("127.0.0.1:0")
    }

    /// One at an address. Below port 1024 that takes rights which root has, or
    /// `sysctl net.ipv4.ip_unprivileged_port_start=25`.
    pub fn at(address: &str) -> Sink {
        let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("cannot listen on {address}: {error}"));
        let address = listener.local_addr().unwrap();
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let answers: Answers = Arc::default();
        let take = Take { arrived: Arc::clone(&arrived), answers: Arc::clone(&answers) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let take = take.clone();
                std::thread::spawn(move || {
                    // Whoever goes away in the middle has sent nothing.
                    let _ = take.talk(stream?);
                    io::Result::Ok(())
                });
            }
        });
        Sink { address, arrived, answers }
    }

    /// What has arrived.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// Answers recipients that contain `word` with `code`.
    pub fn answer(&self, word: &str, code: u16) {
        self.answers.lock().unwrap().push((word.to_owned(), code));
    }

    /// Takes all recipients again.
    pub fn be_kind(&self) {
        self.answers.lock().unwrap().clear();
    }
}

#[derive(Clone)]
struct Take {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Answers,
}

impl Take {
    /// One connection (RFC 5321), with nothing but 8BITMIME beyond the least that a server has.
    fn talk(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let say = |words: &str| (&stream).write_all(format!("{words}\r\n").as_bytes());
        let mut now: Option<Arrived> = None;
        say("220 sink.example ESMTP")?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let path =
                || line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned());
            match (verb.as_str(), path(), &mut now) {
                ("EHLO", ..) => say("250-sink.example\r\n250 8BITMIME")?,
                ("HELO" | "NOOP", ..) => say("250 OK")?,
                ("RSET", ..) => {
                    now = None;
                    say("250 OK")?;
                }
                ("MAIL", Some(from), None) => {
                    now = Some(Arrived { from, ..Arrived::default() });
                    say("250 OK")?;
                }
                ("RCPT", Some(to), Some(now)) => match self.refusal(&to) {
                    Some(code) => say(&format!("{code} {code} not this one"))?,
                    None => {
                        now.to.push(to);
                        say("250 OK")?;
                    }
                },
                ("DATA", _, Some(arrived)) if !arrived.to.is_empty() => {
                    say("354 Go on")?;
                    arrived.bytes = read_data(&mut reader)?;
                    self.arrived.lock().unwrap().extend(now.take());
                    say("250 OK")?;
                }
                ("QUIT", ..) => return say("221 Goodbye"),
                _ => say("503 Not now")?,
            }
        }
    }

    /// What is said to a recipient that is not taken.
    fn refusal(&self, to: &str) -> Option<u16> {
        let answers = self.answers.lock().unwrap();
        answers.iter().find(|(word, _)| to.contains(word.as_str())).map(|(_, code)| *code)
    }
}

/// The mail up to the dot that stands alone, without the dots that were put before others.
fn read_data(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_slice() {
            b".\r\n" => return Ok(bytes),
            [b'.', rest @ ..] => bytes.extend_from_slice(rest),
            all => bytes.extend_from_slice(all),
        }
    }
}
