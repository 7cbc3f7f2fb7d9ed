//! A small SMTP client that says just what a test wants said.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection to the receiver.
pub struct Smtp {
    stream: BufReader<TcpStream>,
}

impl Smtp {
    /// Connects and reads the greeting.
    pub async fn connect(address: SocketAddr) -> Smtp {
        Smtp::try_connect(address).await.expect("a greeting")
    }

    /// As [`Smtp::connect`], for a server that may be gone.
    pub async fn try_connect(address: SocketAddr) -> Option<Smtp> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let mut smtp = Smtp { stream: BufReader::new(stream) };
        smtp.reply().await.starts_with("220").then_some(smtp)
    }

    /// One reply, all its lines.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.unwrap_or_default() == 0 {
                return reply;
            }
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(&line);
            if last {
                return reply;
            }
        }
    }

    /// A command and its reply.
    pub async fn say(&mut self, command: &str) -> String {
        self.raw(format!("{command}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Bytes as they are.
    pub async fn raw(&mut self, bytes: &[u8]) {
        // The receiver may have closed already; the reply tells.
        let _ = self.stream.get_mut().write_all(bytes).await;
    }

    /// All replies until the server closes.
    pub async fn rest(&mut self) -> Vec<String> {
        let mut replies = Vec::new();
        loop {
            match self.reply().await {
                reply if reply.is_empty() => return replies,
                reply => replies.push(reply),
            }
        }
    }

    /// Connects and says hello.
    pub async fn greeted(address: SocketAddr) -> Smtp {
        let mut smtp = Smtp::connect(address).await;
        assert!(smtp.say("EHLO client.example").await.starts_with("250"));
        smtp
    }

    /// Hands one mail over; the reply to its end, or the first refusal. Empty when the connection was cut.
    pub async fn deliver(&mut self, from: &str, to: &[&str], mail: &[u8]) -> Result<String, String> {
        let mut commands = vec![format!("MAIL FROM:<{from}>")];
        commands.extend(to.iter().map(|to| format!("RCPT TO:<{to}>")));
        for command in commands {
            let reply = self.say(&command).await;
            if !reply.starts_with('2') {
                return Err(reply);
            }
        }
        let reply = self.say("DATA").await;
        if !reply.starts_with("354") {
            return Err(reply);
        }
        self.raw(&stuffed(mail)).await;
        let reply = self.reply().await;
        if reply.starts_with("250") { Ok(reply) } else { Err(reply) }
    }
}

/// Sends a mail; the reply to its end, or the first refusal.
pub async fn send(address: SocketAddr, from: &str, to: &[&str], mail: &[u8]) -> Result<String, String> {
    let mut smtp = Smtp::greeted(address).await;
    let reply = smtp.deliver(from, to, mail).await;
    smtp.say("QUIT").await;
    reply
}

/// A mail as it goes over the wire: dots doubled, ended.
pub fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 8);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !mail.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
