//! Where outgoing mail ends in tests: an independent SMTP server.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use mailin_embedded::response::{BAD_HELLO, INVALID_CREDENTIALS, OK};
use mailin_embedded::{Handler, Response, Server, SslConfig};

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
        let handler = Take { arrived: Arc::clone(&arrived), answers: Arc::clone(&answers), now: Arrived::default() };
        std::thread::spawn(move || {
            let mut server = Server::new(handler);
            server.with_name("sink.example").with_ssl(SslConfig::None).unwrap().with_tcp_listener(listener);
            server.serve().unwrap();
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
    now: Arrived,
}

impl Handler for Take {
    fn helo(&mut self, _ip: IpAddr, domain: &str) -> Response {
        if domain.is_empty() { BAD_HELLO } else { OK }
    }

    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        self.now = Arrived { from: from.to_owned(), ..Arrived::default() };
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        let answers = self.answers.lock().unwrap();
        let code = answers.iter().find(|(word, _)| to.contains(word.as_str())).map(|(_, code)| *code);
        match code {
            Some(code) => Response::custom(code, format!("{code} not this one")),
            None => {
                self.now.to.push(to.to_owned());
                OK
            }
        }
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.now.bytes.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.arrived.lock().unwrap().push(std::mem::take(&mut self.now));
        OK
    }

    fn auth_plain(&mut self, _: &str, _: &str, _: &str) -> Response {
        INVALID_CREDENTIALS
    }
}
