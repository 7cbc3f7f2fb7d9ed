//! Connecting to a server: dialling, TLS, EHLO, login.
//!
//! TLS is ours rather than lettre's: the socket comes from `net`, the roots too, and lettre's STARTTLS keeps
//! bytes that came in the clear behind the server's answer and reads them as if they had come under TLS.

use std::io;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::wire::{Stream, Wire};
use super::{Failure, Outcome, Security, Server, command};
use crate::net::address::is_local;
use crate::net::{DialError, Guard, dial, dial_address, roots};

/// The longest answer read before TLS, in bytes.
const ANSWER_MAX: usize = 16 << 10;

/// What a server said it can, after login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// SIZE with its limit in bytes, 0 for none (RFC 1870).
    pub(super) size: Option<u64>,
    /// 8BITMIME.
    pub(super) eight_bit: bool,
    /// SMTPUTF8.
    pub(super) smtputf8: bool,
}

/// A connection on which MAIL may be said.
pub(super) async fn open(server: &Server) -> Result<(AsyncSmtpConnection, Capabilities), Failure> {
    if server.hello_name.is_empty() || !server.hello_name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::new(Outcome::Error, "our own host name is not set up right"));
    }
    let wire = match secure(server, reach(server).await?, server.tls).await {
        // Better in the clear than not at all, as the sender of a letter has no say in what the other side can.
        Err(Broken::Tls(_)) if server.tls == Security::Opportunistic => {
            secure(server, reach(server).await?, Security::None).await
        }
        other => other,
    };
    let wire = wire.map_err(Broken::failure)?;
    let setup = async {
        let hello = ClientId::Domain(server.hello_name.clone());
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await?;
        if let Some((user, password)) = &server.credentials {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        // lettre keeps of the first answer only what it uses itself; and what is offered may change with login.
        let answer = connection.command(Ehlo::new(hello)).await?;
        Ok((connection, capabilities(&answer)))
    };
    command(server.timeouts.greeting, "greeting and login", setup).await.map_err(Failure::of_setup)
}

/// A socket to the server: to the address that was judged, or by name to one that the administrator chose, which
/// often stands in a private network.
async fn reach(server: &Server) -> Result<TcpStream, Failure> {
    let limit = server.timeouts.connect;
    let dialled = match server.address {
        Some(address) => dial_address((address, server.port).into(), limit, Guard::Anywhere).await,
        None => dial(&server.host, server.port, limit, Guard::Anywhere).await,
    };
    dialled.map_err(|error| match error {
        DialError::NotFound => Failure::new(Outcome::Deferred, format!("{} does not resolve", server.host)),
        other => Failure::new(Outcome::Deferred, format!("{}: {other}", server.place())),
    })
}

fn capabilities(answer: &Response) -> Capabilities {
    let mut can = Capabilities::default();
    for line in answer.message().skip(1) {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word.to_ascii_uppercase().as_str() {
            "SIZE" => can.size = Some(rest.trim().parse().unwrap_or(0)),
            "8BITMIME" => can.eight_bit = true,
            "SMTPUTF8" => can.smtputf8 = true,
            _ => {}
        }
    }
    can
}

/// `text` with the password taken out, should a server repeat what it was sent.
pub(super) fn without_secrets(server: &Server, text: &str) -> String {
    let Some((user, password)) = server.credentials.as_ref().filter(|(_, password)| !password.is_empty()) else {
        return text.to_owned();
    };
    let encode = |text: String| data_encoding::BASE64.encode(text.as_bytes());
    let password = password.expose();
    let forms = [encode(format!("\0{user}\0{password}")), encode(password.to_owned()), password.to_owned()];
    forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "…"))
}

/// Why a connection is not secured.
enum Broken {
    /// TLS itself: the clear may be tried where that is allowed.
    Tls(Failure),
    Other(Failure),
}

impl Broken {
    fn failure(self) -> Failure {
        match self {
            Broken::Tls(failure) | Broken::Other(failure) => failure,
        }
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Broken {
        Broken::Other(failure)
    }
}

async fn secure(server: &Server, mut socket: TcpStream, tls: Security) -> Result<Wire, Broken> {
    let lost = |error: io::Error| Failure::new(Outcome::Deferred, format!("the connection broke: {error}"));
    let peer = socket.peer_addr().map_err(lost)?;
    let _ = socket.set_nodelay(true);
    let stall = server.timeouts.chunk;
    let preface: &'static [u8] = match tls {
        Security::None if server.credentials.is_some() && !is_local(peer.ip()) => {
            return Err(Failure::new(Outcome::Error, "a password is not sent over the internet in the clear").into());
        }
        Security::None => return Ok(Wire::new(Stream::Plain(socket), peer, b"", stall)),
        Security::Required => b"",
        Security::StartTls | Security::Opportunistic => {
            let greeted = tokio::time::timeout(server.timeouts.greeting, start_tls(server, &mut socket, tls)).await;
            let late = || Failure::new(Outcome::Deferred, "timed out waiting for STARTTLS");
            if !greeted.map_err(|_| late())?? {
                return Ok(Wire::new(Stream::Plain(socket), peer, b"220 in the clear\r\n", stall));
            }
            b"220 secured\r\n"
        }
    };
    let secured = tokio::time::timeout(server.timeouts.connect, handshake(server, socket, tls)).await;
    let late = || Broken::Tls(Failure::new(Outcome::Deferred, "timed out in the TLS handshake"));
    let stream = secured.map_err(|_| late())?.map_err(Broken::Tls)?;
    Ok(Wire::new(stream, peer, preface, stall))
}

async fn handshake(server: &Server, socket: TcpStream, tls: Security) -> Result<Stream, Failure> {
    let failed = |reason: String| Failure::new(Outcome::Error, format!("TLS with {} failed: {reason}", server.host));
    let name = ServerName::try_from(server.host.clone()).map_err(|error| failed(error.to_string()))?;
    let config = match tls {
        Security::Opportunistic => roots::unchecked_client_config(),
        _ => roots::client_config(&server.extra_roots),
    };
    let config = config.map_err(|error| failed(error.to_string()))?;
    match Box::pin(TlsConnector::from(config).connect(name, socket)).await {
        Ok(stream) => Ok(Stream::Secure(Box::new(stream))),
        Err(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            Err(failed(error.to_string()))
        }
        Err(error) => {
            Err(Failure::new(Outcome::Deferred, format!("the connection broke in the TLS handshake: {error}")))
        }
    }
}

/// From the greeting to the answer to STARTTLS, behind which no byte may have come in the clear. False when it is not
/// offered and need not be.
async fn start_tls(server: &Server, socket: &mut TcpStream, tls: Security) -> Result<bool, Failure> {
    ask(socket, "", "220").await?;
    let hello = ask(socket, &format!("EHLO {}\r\n", server.hello_name), "250").await;
    let hello = match hello {
        // One that knows no EHLO knows no STARTTLS either; what else it says is heard in the clear.
        Err(failure) if tls == Security::Opportunistic && failure.reply.starts_with('5') => return Ok(false),
        other => other?,
    };
    let offered =
        hello.lines().filter_map(|line| line.get(4..)).any(|word| word.trim().eq_ignore_ascii_case("STARTTLS"));
    if !offered {
        if tls == Security::Opportunistic {
            return Ok(false);
        }
        let words = format!("{} does not offer STARTTLS; nothing was sent", server.host);
        return Err(Failure::new(Outcome::Error, words));
    }
    match ask(socket, "STARTTLS\r\n", "220").await {
        Ok(_) => Ok(true),
        Err(failure) if tls == Security::Opportunistic && failure.connection_stands => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn ask(socket: &mut TcpStream, line: &str, code: &str) -> Result<String, Failure> {
    let lost = |error: io::Error| Failure::new(Outcome::Deferred, format!("the connection broke: {error}"));
    socket.write_all(line.as_bytes()).await.map_err(lost)?;
    let mut answer = Vec::with_capacity(512);
    let text = loop {
        if socket.read_buf(&mut answer).await.map_err(lost)? == 0 {
            return Err(Failure::new(Outcome::Deferred, "the server closed the connection"));
        }
        match one_answer(&answer) {
            Answer::Partial if answer.len() < ANSWER_MAX => {}
            Answer::Whole => break String::from_utf8_lossy(&answer).into_owned(),
            _ => return Err(Failure::new(Outcome::Error, "the server said more than one answer before TLS")),
        }
    };
    if text.starts_with(code) {
        return Ok(text);
    }
    let outcome = if text.starts_with('4') { Outcome::Deferred } else { Outcome::Error };
    Err(Failure { connection_stands: !text.starts_with("421"), ..Failure::new(outcome, text) })
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Partial,
    Whole,
    Excess,
}

/// Whether `bytes` are one answer: lines `250-…` up to a line `250 …`, and nothing behind.
fn one_answer(bytes: &[u8]) -> Answer {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
        let (line, after) = rest.split_at_checked(at + 1).unwrap_or_default();
        if line.get(3) != Some(&b'-') {
            return if after.is_empty() { Answer::Whole } else { Answer::Excess };
        }
        rest = after;
    }
    Answer::Partial
}

#[cfg(test)]
mod tests {
    use super::super::DeliveryTimeouts;
    use super::*;
    use crate::base::Secret;

    #[test]
    fn exactly_one_answer_is_read_before_tls() {
        for (bytes, answer) in [
            ("220", Answer::Partial),
            ("220 ready\r", Answer::Partial),
            ("220 ready\r\n", Answer::Whole),
            ("250-a\r\n250-STARTTLS\r\n", Answer::Partial),
            ("250-a\r\n250 STARTTLS\r\n", Answer::Whole),
            ("220 ready\r\n250 injected\r\n", Answer::Excess),
            ("220 ready\r\nx", Answer::Excess),
        ] {
            assert_eq!(one_answer(bytes.as_bytes()), answer, "{bytes:?}");
        }
    }

    #[test]
    fn what_a_relay_can_is_read_from_its_answer() {
        let answer: Response = "250-mx hello\r\n250-size 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n".parse().unwrap();
        assert_eq!(capabilities(&answer), Capabilities { size: Some(1000), eight_bit: true, smtputf8: true });
        let answer: Response = "250-8BITMIME\r\n250 SIZE\r\n".parse().unwrap();
        assert_eq!(capabilities(&answer), Capabilities { size: Some(0), eight_bit: false, smtputf8: false });
    }

    #[test]
    fn the_password_is_taken_out_of_answers() {
        let server = Server {
            host: String::new(),
            address: None,
            port: 25,
            tls: Security::None,
            credentials: Some((String::from("anna"), Secret::new("hunter2"))),
            hello_name: String::new(),
            extra_roots: Vec::new(),
            timeouts: DeliveryTimeouts::default(),
        };
        let said = format!("535 no hunter2 aHVudGVyMg== {}", data_encoding::BASE64.encode(b"\0anna\0hunter2"));
        assert_eq!(without_secrets(&server, &said), "535 no … … …");
    }
}
