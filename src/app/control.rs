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

use super::addresses::run_dir;
use crate::base::Secret;
use crate::desk::agents::NewAgent;
use crate::desk::{self, Desk, access};
use crate::domain::agent::Session;
use crate::domain::{Agent, Role, SessionId};
use crate::store::Reader;

/// Longest request, bytes.
const MAX_REQUEST: u64 = 16 << 10;

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

/// Answers commands until `stop`, one after another.
pub(super) async fn serve(listener: UnixListener, desk: Arc<Desk>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = stream else { continue };
        if let Err(error) = answer(stream, &desk).await {
            tracing::warn!(%error, "a command on the control socket failed");
        }
    }
}

async fn answer(stream: UnixStream, desk: &Desk) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(MAX_REQUEST));
    tokio::time::timeout(std::time::Duration::from_secs(5), read.read_line(&mut line)).await??;
    let reply = match serde_json::from_str(&line) {
        Ok(request) => carry_out(desk, request).await,
        Err(_) => Reply::Refused(String::from("this server does not know that command: is it another version?")),
    };
    let mut out = serde_json::to_vec(&reply)?;
    out.push(b'\n');
    write.write_all(&out).await?;
    Ok(())
}
