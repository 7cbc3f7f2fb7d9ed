//! A mail server that follows a script and keeps what it is sent, byte for byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// How the server behaves.
#[derive(Clone)]
pub(super) struct Script {
    /// Answers to commands that start so, tried before the usual ones; `\n` stands for a line end, an empty
    /// answer closes the connection, `hang` waits for ever.
    pub(super) answers: Vec<(&'static str, &'static str)>,
    pub(super) tls: Option<TlsAcceptor>,
    /// TLS from the first byte rather than STARTTLS.
    pub(super) implicit: bool,
}

impl Script {
    pub(super) fn new(answers: &[(&'static str, &'static str)]) -> Script {
        Script { answers: answers.to_vec(), tls: None, implicit: false }
    }

    pub(super) fn secured(tls: TlsAcceptor, implicit: bool) -> Script {
        Script { answers: Vec::new(), tls: Some(tls), implicit }
    }

    fn answer<'a>(&'a self, line: &str, usual: &'a str) -> &'a str {
        self.answers.iter().find(|(start, _)| line.starts_with(start)).map_or(usual, |(_, answer)| answer)
    }
}

/// What came in.
#[derive(Default, Debug)]
pub(super) struct Seen {
    pub(super) commands: Vec<String>,
    /// The bytes of each message as they stood on the wire, up to and with the end mark.
    pub(super) messages: Vec<Vec<u8>>,
}

pub(super) struct Capture {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Mutex<Seen>>,
    _running: AbortOnDropHandle<()>,
}

impl Capture {
    #[expect(clippy::disallowed_methods, reason = "a test owns the task and ends it when dropped")]
    pub(super) async fn start(script: Script) -> Capture {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Seen>>::default());
        let shared = Arc::clone(&seen);
        let running = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let _ = serve(&script, &shared, socket).await;
            }
        }));
        Capture { address, seen, _running: running }
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().messages.clone()
    }
}

async fn serve(script: &Script, seen: &Mutex<Seen>, mut socket: TcpStream) -> std::io::Result<()> {
    match &script.tls {
        Some(tls) if script.implicit => {
            session(script, seen, &mut tls.accept(socket).await?, true, true).await.map(drop)
        }
        Some(tls) => {
            if session(script, seen, &mut socket, false, true).await? {
                session(script, seen, &mut tls.accept(socket).await?, true, false).await?;
            }
            Ok(())
        }
        None => session(script, seen, &mut socket, false, true).await.map(drop),
    }
}

/// True when TLS is to begin.
async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    script: &Script,
    seen: &Mutex<Seen>,
    stream: &mut S,
    secure: bool,
    greet: bool,
) -> std::io::Result<bool> {
    if greet && !say(stream, script.answer("greeting", "220 capture ESMTP")).await? {
        return Ok(false);
    }
    let mut input = Vec::new();
    while let Some(line) = until(stream, &mut input, b"\r\n").await? {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let mark = if secure { "tls " } else { "" };
        seen.lock().unwrap().commands.push(format!("{mark}{line}"));
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let usual = match verb.as_str() {
            "EHLO" if !secure && script.tls.is_some() => "250-capture\n250-8BITMIME\n250 STARTTLS",
            "EHLO" => "250-capture\n250-SIZE 1000000\n250-8BITMIME\n250-SMTPUTF8\n250 AUTH PLAIN LOGIN",
            "STARTTLS" => "220 go",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let answer = script.answer(&line, usual);
        if !say(stream, answer).await? || verb == "QUIT" {
            return Ok(false);
        }
        if verb == "STARTTLS" && answer.starts_with("220") {
            return Ok(true);
        }
        if verb == "DATA" && answer.starts_with("354") {
            let Some(message) = until(stream, &mut input, b"\r\n.\r\n").await? else { return Ok(false) };
            seen.lock().unwrap().messages.push(message);
            if !say(stream, script.answer("message", "250 kept")).await? {
                return Ok(false);
            }
        }
    }
    Ok(false)
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, answer: &str) -> std::io::Result<bool> {
    if answer == "hang" {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    stream.write_all(format!("{}\r\n", answer.replace('\n', "\r\n")).as_bytes()).await?;
    stream.flush().await?;
    Ok(!answer.is_empty())
}

async fn until<S: AsyncRead + Unpin>(
    stream: &mut S,
    input: &mut Vec<u8>,
    end: &[u8],
) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(at) = input.windows(end.len()).position(|window| window == end) {
            return Ok(Some(input.drain(..at + end.len()).collect()));
        }
        if stream.read_buf(input).await? == 0 {
            return Ok(None);
        }
    }
}
