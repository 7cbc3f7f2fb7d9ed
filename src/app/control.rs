//! Commands beside a running server: a socket in the data directory that only the server's user can open.
//!
//! One request and one reply, each a line of JSON. Commands that find no server open the store themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::addresses::run_dir;
use crate::base::Secret;
use crate::channels::email::import;
use crate::desk::agents::NewAgent;
use crate::desk::{self, Desk, access};
use crate::domain::agent::Session;
use crate::domain::{Agent, Inbox, Role, SessionId};
use crate::mail::parser::Parser;
use crate::store::{Reader, Rows};

/// Longest request, bytes.
const MAX_REQUEST: u64 = 256 << 10;

/// What a command asks.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Adds an agent.
    AddAgent {
        /// The address they sign in with.
        email: String,
        /// The name contacts see.
        name: String,
        /// The role's name.
        role: String,
        /// Their password.
        password: String,
    },
    /// Makes an API token of an agent.
    CreateToken {
        /// The agent's address.
        agent: String,
    },
    /// Lists API tokens.
    ListTokens {
        /// The address of the agent whose they are; none for everybody's.
        agent: Option<String>,
    },
    /// Ends an API token.
    RevokeToken {
        /// Its number in the list.
        id: u64,
    },
    /// Takes old mail in: its mails follow on the same connection. The reply is how far an earlier one came.
    Import(import::Begin),
}

/// What became of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done; what to print.
    Done(String),
    /// Refused, with the reason.
    Refused(String),
}

fn path(data_dir: &Path) -> PathBuf {
    run_dir(data_dir).join("control.sock")
}

/// Carries a request out on the desk.
pub async fn carry_out(desk: &Desk, request: Request) -> Reply {
    let done = match request {
        Request::AddAgent { email, name, role, password } => add_agent(desk, email, name, &role, password).await,
        Request::CreateToken { agent } => create_token(desk, &agent).await,
        Request::ListTokens { agent } => list_tokens(desk, agent.as_deref()),
        Request::RevokeToken { id } => revoke_token(desk, id).await,
        Request::Import(_) => Err(String::from("an import needs a connection of its own")),
    };
    done.map_or_else(Reply::Refused, Reply::Done)
}

async fn add_agent(desk: &Desk, email: String, name: String, role: &str, password: String) -> Result<String, String> {
    let role = Role::parse(role).ok_or("the role must be owner, admin, agent or viewer")?;
    let rows = desk.store.read().map_err(|error| error.to_string())?;
    let language = desk.workspace(&rows).map_err(|error| error.to_string())?.language;
    drop(rows);
    let new = NewAgent { name, email, role, password: Secret::new(password), only_assigned: false, language };
    let (agent, inbox) = desk.add_agent_by_command(new).await.map_err(|error| error.to_string())?;
    let added = format!("added {} ({})", agent.email, agent.role.name());
    Ok(match inbox {
        Some(inbox) => format!("{added} and the inbox {}: {}", inbox.name, desk.fallback_address(&inbox)),
        None => added,
    })
}

fn find_agent(rows: &Reader, email: &str) -> Result<Agent, String> {
    let agent = access::find_by_email(rows, email).map_err(|error| error.to_string())?;
    agent.ok_or_else(|| format!("no agent has the address {email}"))
}

/// One line a token: its number, when it was made, whom it acts as.
fn list_tokens(desk: &Desk, email: Option<&str>) -> Result<String, String> {
    let rows = desk.store.read().map_err(|error| error.to_string())?;
    let of = email.map(|email| find_agent(&rows, email)).transpose()?.map(|agent| agent.id);
    let tokens = desk.tokens(&rows, of).map_err(|error| error.to_string())?;
    let line = |(token, agent): &(Session, Agent)| {
        let off = if agent.active { "" } else { " (switched off)" };
        format!("{}\t{}\t{}{off}", token.id.0, token.created_at.rfc3339(), agent.email)
    };
    Ok(tokens.iter().map(line).collect::<Vec<_>>().join("\n"))
}

async fn revoke_token(desk: &Desk, id: u64) -> Result<String, String> {
    match desk.revoke_token(SessionId(id)).await {
        Ok(()) => Ok(format!("token {id} is revoked")),
        Err(desk::Error::NotFound) => {
            Err(format!("there is no token {id}: `frontdesk token list` shows those there are"))
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn create_token(desk: &Desk, email: &str) -> Result<String, String> {
    let rows = desk.store.read().map_err(|error| error.to_string())?;
    let agent = find_agent(&rows, email)?;
    drop(rows);
    let session = desk.open_session(agent.id, true).await.map_err(|error| error.to_string())?;
    Ok(String::from(session.token.expose()))
}

/// Asks the server that runs on this data directory; none when no server runs.
///
/// # Errors
/// When a server is there but does not answer.
pub async fn ask(data_dir: &Path, request: &Request) -> anyhow::Result<Option<Reply>> {
    let Ok(mut stream) = UnixStream::connect(path(data_dir)).await else { return Ok(None) };
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    Ok(Some(serde_json::from_str(&answer).context("the running server did not answer")?))
}

/// Binds the control socket, readable by the server's user alone.
pub(super) fn bind(data_dir: &Path) -> anyhow::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let path = path(data_dir);
    // The store's lock says that no other server runs: what is there is left over.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// A connection to the server on this data directory on which an import has begun, and how far an earlier one came;
/// none when no server runs. A refusal is in the reply.
///
/// # Errors
/// When a server is there but does not answer.
pub async fn ask_to_import(
    data_dir: &Path,
    begin: import::Begin,
) -> anyhow::Result<Option<(BufReader<UnixStream>, Reply)>> {
    let Ok(mut stream) = UnixStream::connect(path(data_dir)).await else { return Ok(None) };
    let mut line = serde_json::to_vec(&Request::Import(begin))?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    Ok(Some((stream, serde_json::from_str(&answer).context("the running server did not answer")?)))
}

/// Begins an import: what it goes by, and how far an earlier one came.
///
/// # Errors
/// In words that say what to do.
pub fn begin_import(desk: &Desk, begin: &import::Begin) -> Result<(desk::import::Import, String), String> {
    let found = desk.import_into(&begin.inbox, &begin.own, begin.open, begin.source.clone());
    let found = found.map_err(|error| match error {
        desk::Error::NotFound => no_inbox(desk, &begin.inbox),
        other => other.to_string(),
    })?;
    let cursor = desk.import_cursor(&found).map_err(|error| error.to_string())?;
    Ok((found, cursor.unwrap_or_default()))
}

fn no_inbox(desk: &Desk, wanted: &str) -> String {
    let inboxes = desk.store.read().and_then(|rows| rows.all::<Inbox>()).unwrap_or_default();
    let names: Vec<String> = inboxes.iter().map(|inbox| format!("{} ({})", inbox.name, inbox.local_part)).collect();
    match names.is_empty() {
        true => String::from("there is no inbox yet: set the installation up first"),
        false => format!("there is no inbox {wanted:?}: those there are, are {}", names.join(", ")),
    }
}

/// Answers commands until `stop`, one after another; an import goes on beside them.
pub(super) async fn serve(listener: UnixListener, desk: Arc<Desk>, parser: Parser, stop: CancellationToken) {
    let imports = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, _)) = stream else { continue };
        match answer(stream, &desk, imports.is_empty()).await {
            Ok(None) => {}
            Ok(Some((stream, found))) => {
                let (desk, parser, stop) = (Arc::clone(&desk), parser.clone(), stop.clone());
                imports.spawn(async move {
                    let done = tokio::select! {
                        done = import::receive(&desk, &parser, found, stream) => done,
                        // What is filed stays; the command says how to go on.
                        () = stop.cancelled() => return,
                    };
                    if let Err(error) = done {
                        tracing::warn!(%error, "an import broke off");
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "a command on the control socket failed"),
        }
    }
    imports.close();
    imports.wait().await;
}

/// Answers a command; gives the connection back when an import begins on it.
async fn answer(
    stream: UnixStream,
    desk: &Desk,
    may_import: bool,
) -> anyhow::Result<Option<(UnixStream, desk::import::Import)>> {
    let mut stream = stream;
    let mut line = String::new();
    // Nobody writes on before the answer, so nothing is left in the buffer.
    let mut read = BufReader::new((&mut stream).take(MAX_REQUEST));
    tokio::time::timeout(std::time::Duration::from_secs(5), read.read_line(&mut line)).await??;
    let mut import = None;
    let reply = match serde_json::from_str(&line) {
        Ok(Request::Import(_)) if !may_import => {
            Reply::Refused(String::from("another import goes on: wait for its end, then run this again"))
        }
        Ok(Request::Import(begin)) => match begin_import(desk, &begin) {
            Ok((found, cursor)) => {
                import = Some(found);
                Reply::Done(cursor)
            }
            Err(reason) => Reply::Refused(reason),
        },
        Ok(request) => carry_out(desk, request).await,
        Err(_) => Reply::Refused(String::from("this server does not know that command: is it another version?")),
    };
    let mut out = serde_json::to_vec(&reply)?;
    out.push(b'\n');
    stream.write_all(&out).await?;
    Ok(import.map(|import| (stream, import)))
}
