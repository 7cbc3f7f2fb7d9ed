//! A server with an intake that keeps mail in memory, and a client that says exactly what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::super::*;
use crate::base::{Clock, Timestamp};

pub(super) type Mails = Arc<Mutex<Vec<(Envelope, Vec<u8>)>>>;

/// Knows `help@ours.example` (with any tag) and a thousand `uN@ours.example`.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) mails: Mails,
    pub(super) low: bool,
    pub(super) failing: Option<IntakeError>,
    pub(super) slow_commit: Duration,
}

pub(super) struct MemoryBody(Memory, Vec<u8>);

impl Intake for Memory {
    type Body = MemoryBody;

    async fn recipient(&self, _: Option<&Mailbox>, recipient: &Mailbox) -> RecipientAnswer {
        if recipient.domain() == "busy.example" {
            return RecipientAnswer::TryLater;
        }
        // The bare postmaster, without a domain, is ours as well.
        if !["", "ours.example"].contains(&recipient.domain()) {
            return RecipientAnswer::NoRelay;
        }
        let local = recipient.local().to_ascii_lowercase();
        let numbered = local.strip_prefix('u').is_some_and(|n| n.parse::<u32>().is_ok());
        let known = numbered || local.split('+').next() == Some("help") || local == "żółw";
        if known { RecipientAnswer::Accept } else { RecipientAnswer::Unknown }
    }

    fn storage(&self) -> StorageState {
        if self.low { StorageState::Low } else { StorageState::Fine }
    }

    async fn begin(&self) -> Result<MemoryBody, IntakeError> {
        Ok(MemoryBody(self.clone(), Vec::new()))
    }
}

impl Body for MemoryBody {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        assert!(bytes.len() <= 64 << 10);
        self.1.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(self, envelope: Envelope) -> Result<Accepted, IntakeError> {
        tokio::time::sleep(self.0.slow_commit).await;
        if let Some(error) = self.0.failing {
            return Err(error);
        }
        assert_eq!(envelope.size, self.1.len() as u64);
        let mut mails = self.0.mails.lock().unwrap();
        mails.push((envelope, self.1));
        Ok(Accepted { id: mails.len().to_string() })
    }
}

/// A running receiver; stops when dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) mails: Mails,
    pub(super) shutdown: CancellationToken,
    running: AbortOnDropHandle<()>,
}

pub(super) fn settings() -> Settings {
    let mut settings = Settings::new("mx.ours.example");
    settings.clock = Clock::fake(Timestamp(1_700_000_000_000));
    settings.timeouts.tarpit = Duration::from_millis(5);
    settings.timeouts.greeting = None;
    settings
}

impl Server {
    pub(super) async fn start() -> Server {
        Server::with(settings(), Memory::default()).await
    }

    #[expect(clippy::disallowed_methods, reason = "a test owns the task and ends it when dropped")]
    pub(super) async fn with(settings: Settings, intake: Memory) -> Server {
        let receiver = Receiver::bind("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
        let (address, shutdown, mails) =
            (receiver.local_addr().unwrap(), CancellationToken::new(), Arc::clone(&intake.mails));
        let running = AbortOnDropHandle::new(tokio::spawn(receiver.run(intake, shutdown.clone())));
        Server { address, mails, shutdown, running }
    }

    /// Connects and reads the greeting.
    pub(super) async fn client(&self) -> Client<TcpStream> {
        let mut client = self.silent().await;
        assert!(client.reply().await.starts_with("220 mx.ours.example ESMTP"));
        client
    }

    /// Connects, greets and has been greeted.
    pub(super) async fn greeted(&self) -> Client<TcpStream> {
        let mut client = self.client().await;
        assert_eq!(client.ask("EHLO client.example").await, 250);
        client
    }

    /// Connects and nothing else.
    pub(super) async fn silent(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address).await.unwrap())
    }

    pub(super) fn count(&self) -> usize {
        self.mails.lock().unwrap().len()
    }

    pub(super) fn last(&self) -> (Envelope, Vec<u8>) {
        self.mails.lock().unwrap().last().cloned().unwrap()
    }

    /// Waits for the receiver to have ended by itself.
    pub(super) async fn ended(self) {
        tokio::time::timeout(Duration::from_secs(10), self.running).await.unwrap().unwrap();
    }
}

pub(super) struct Client<S> {
    pub(super) stream: S,
    input: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) fn new(stream: S) -> Client<S> {
        Client { stream, input: Vec::new() }
    }

    /// Writes bytes; whether the other side still takes them.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// One reply with all its lines; empty when the connection ended.
    pub(super) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        while let Some(line) = self.line().await {
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(&line);
            if last {
                break;
            }
        }
        reply
    }

    /// The code of the next reply, 0 when the connection ended.
    pub(super) async fn code(&mut self) -> u16 {
        self.reply().await.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Sends a command and gives the code of its reply.
    pub(super) async fn ask(&mut self, command: &str) -> u16 {
        self.send(format!("{command}\r\n")).await;
        self.code().await
    }

    /// The codes of all replies until the other side closes.
    pub(super) async fn codes_until_end(&mut self) -> Vec<u16> {
        let mut codes = Vec::new();
        loop {
            match self.code().await {
                0 => return codes,
                code => codes.push(code),
            }
        }
    }

    /// MAIL, RCPT to `help@ours.example` and DATA, up to the 354.
    pub(super) async fn open_data(&mut self) {
        assert_eq!(self.ask("MAIL FROM:<anna@shop.example>").await, 250);
        assert_eq!(self.ask("RCPT TO:<help@ours.example>").await, 250);
        assert_eq!(self.ask("DATA").await, 354);
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.input.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=at).collect();
                assert!(line.ends_with(b"\r\n"), "replies end with CRLF");
                assert!(line.len() <= 512, "replies are at most 512 bytes");
                return Some(String::from_utf8(line).unwrap());
            }
            let read = tokio::time::timeout(Duration::from_secs(10), self.stream.read_buf(&mut self.input)).await;
            if read.expect("an answer within ten seconds").unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}
