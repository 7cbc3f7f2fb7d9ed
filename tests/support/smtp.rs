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
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut smtp = Smtp { stream: BufReader::new(stream) };
        assert!(smtp.reply().await.starts_with("220"));
        smtp
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
}

/// Sends a mail; the reply to its end, or the first refusal.
pub async fn send(address: SocketAddr, from: &str, to: &[&str], mail: &[u8]) -> Result<String, String> {
    let mut smtp = Smtp::connect(address).await;
    let mut commands = vec!["EHLO client.example".to_owned(), format!("MAIL FROM:<{from}>")];
    commands.extend(to.iter().map(|to| format!("RCPT TO:<{to}>")));
    for command in commands {
        let reply = smtp.say(&command).await;
        if !reply.starts_with('2') {
            return Err(reply);
        }
    }
    let reply = smtp.say("DATA").await;
    if !reply.starts_with("354") {
        return Err(reply);
    }
    smtp.raw(&stuffed(mail)).await;
    let reply = smtp.reply().await;
    smtp.say("QUIT").await;
    if reply.starts_with("250") { Ok(reply) } else { Err(reply) }
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
