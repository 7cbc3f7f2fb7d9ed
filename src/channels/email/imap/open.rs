//! From an account to a session that is logged in: dialling, TLS, the greeting, the login.

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::fault::Fault;
use super::folders::quote;
use super::parse::{Kind, Status};
use super::session::{BoxIo, Session};
use crate::base::Secret;
use crate::config::Cidr;
use crate::desk::mailboxes::Account;
use crate::domain::mailbox::{After, Login, Mailbox, Security};
use crate::net::agreed::{self, Seen};
use crate::net::{Guard, dial};

/// Longest that trying an account may take: somebody waits for it.
const CHECK: Duration = Duration::from_secs(45);
/// Response codes of a refused login that say that another try may do (RFC 5530).
const PASSING: [&str; 5] = ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN"];

/// Where connections may go, and how long anything may take.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Networks that may be reached beside the public internet.
    pub networks: Arc<[Cidr]>,
    /// How long anything may take.
    pub timeouts: Timeouts,
}

impl Reach {
    /// To the public internet and `networks`, in the usual times.
    pub fn new(networks: &[Cidr]) -> Reach {
        Reach { networks: networks.into(), timeouts: Timeouts::default() }
    }
}

/// How long anything may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Connecting, and TLS.
    pub connect: Duration,
    /// The greeting, and each line of an answer; each piece of a mail.
    pub line: Duration,
    /// A command with all its answers.
    pub command: Duration,
    /// A mail.
    pub mail: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(30),
            line: Duration::from_secs(60),
            command: Duration::from_secs(10 * 60),
            mail: Duration::from_secs(30 * 60),
        }
    }
}

/// What became of trying an account.
#[derive(Debug)]
pub struct Checked {
    /// Folders that can be read, as far as it got.
    pub folders: Vec<String>,
    /// What is wrong.
    pub fault: Option<Fault>,
}

/// Connects, logs in, lists the folders and opens those that are to be read: whether an account works.
pub async fn check(account: &Account, reach: &Reach) -> Checked {
    let mut folders = Vec::new();
    let fault = match tokio::time::timeout(CHECK, walk(account, reach, &mut folders)).await {
        Ok(walked) => walked.err(),
        Err(_) => Some(Fault::Silent),
    };
    Checked { folders, fault }
}

async fn walk(account: &Account, reach: &Reach, folders: &mut Vec<String>) -> Result<(), Fault> {
    let mut session = open(account, reach).await?;
    *folders = session.folders().await?;
    for folder in &account.mailbox.folders {
        session.enter(folder, true).await?;
    }
    if let After::Move(to) = &account.mailbox.after {
        session.enter(to, true).await?;
    }
    session.leave().await;
    Ok(())
}

/// A session that is logged in.
pub(super) async fn open(account: &Account, reach: &Reach) -> Result<Session<BoxIo>, Fault> {
    let Account { mailbox, secret } = account;
    let guard = Guard::Public { also: &reach.networks };
    let dialled = dial(&mailbox.host, mailbox.port, reach.timeouts.connect, guard).await;
    let socket = dialled.map_err(|_| Fault::Unreachable)?;
    // A connection without it is a slow one.
    let _ = socket.set_nodelay(true);
    let mut session = match mailbox.security {
        Security::Tls => {
            let mut session = Session::new(secured(mailbox, socket, reach).await?, reach.timeouts);
            session.greeting().await?;
            session
        }
        Security::Starttls => {
            let mut plain = Session::new(socket, reach.timeouts);
            if plain.greeting().await?.kind == Kind::Preauth {
                // Whoever is logged in cannot ask for TLS any more: somebody stands in between (RFC 9051 section 7.1.4).
                return Err(no_tls("The server skips the login before the connection is secured."));
            }
            plain.capability().await?;
            if !plain.can("STARTTLS") {
                return Err(no_tls("The server does not offer STARTTLS."));
            }
            plain.command("STARTTLS").await?;
            let Some(socket) = plain.into_stream() else {
                return Err(no_tls("The server says something before the connection is secured."));
            };
            Session::new(secured(mailbox, socket, reach).await?, reach.timeouts)
        }
    };
    session.capability().await?;
    log_in(&mut session, mailbox, secret).await.map_err(|fault| without(fault, secret))?;
    // What can be done may change with the login.
    session.capability().await?;
    Ok(session)
}

fn no_tls(words: &str) -> Fault {
    Fault::Tls { words: String::from(words), fingerprint: None }
}

async fn secured(mailbox: &Mailbox, socket: TcpStream, reach: &Reach) -> Result<BoxIo, Fault> {
    let seen = Seen::default();
    let failed = |words: String| Fault::Tls { words, fingerprint: seen.get().cloned() };
    let name = ServerName::try_from(mailbox.host.clone()).map_err(|error| failed(error.to_string()))?;
    let config = agreed::client_config(mailbox.fingerprint.clone(), Arc::clone(&seen));
    let connector = TlsConnector::from(config.map_err(|error| failed(error.to_string()))?);
    match tokio::time::timeout(reach.timeouts.connect, connector.connect(name, socket)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(Fault::Silent),
    }
}

async fn log_in(session: &mut Session<BoxIo>, mailbox: &Mailbox, secret: &Secret) -> Result<(), Fault> {
    let base64 = |text: String| data_encoding::BASE64.encode(text.as_bytes());
    let (user, secret) = (&mailbox.user, secret.expose());
    let refused = |words: &str| Fault::LoginRefused(String::from(words));
    let said = match mailbox.login {
        Login::Xoauth2 => {
            let token = base64(format!("user={user}\u{1}auth=Bearer {secret}\u{1}\u{1}"));
            session.authenticate("XOAUTH2", &token).await?
        }
        Login::Password if session.can("AUTH=PLAIN") => {
            session.authenticate("PLAIN", &base64(format!("\0{user}\0{secret}"))).await?
        }
        Login::Password if session.can("LOGINDISABLED") => {
            return Err(refused("The server takes no password."));
        }
        Login::Password => {
            let (Some(user), Some(secret)) = (quote(user), quote(secret)) else {
                return Err(refused("The server takes no password with such characters."));
            };
            session.ask(&format!("LOGIN {user} {secret}")).await?
        }
    };
    judged(&said)
}

fn judged(said: &Status) -> Result<(), Fault> {
    match said.kind {
        Kind::Ok => Ok(()),
        _ if PASSING.iter().any(|code| said.says(code)) => Err(Fault::Refused(said.words.clone())),
        _ => Err(Fault::LoginRefused(said.words.clone())),
    }
}

/// The same without the secret, should a server repeat what it was sent.
fn without(fault: Fault, secret: &Secret) -> Fault {
    let clean = |words: String| {
        let secret = secret.expose();
        let encoded = data_encoding::BASE64.encode(secret.as_bytes());
        words.replace(secret, "…").replace(&encoded, "…")
    };
    match fault {
        Fault::LoginRefused(words) => Fault::LoginRefused(clean(words)),
        Fault::Refused(words) => Fault::Refused(clean(words)),
        Fault::Closed(words) => Fault::Closed(clean(words)),
        other => other,
    }
}
