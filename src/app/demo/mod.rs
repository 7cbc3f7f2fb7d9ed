//! The demo: a made-up company's workspace, loaded through the program's own doors.
//!
//! What contacts wrote comes in through the SMTP listener, what agents wrote through the desk, at the times
//! they say, under a clock that is turned by hand. Outgoing mail goes to a small SMTP server of ours that puts
//! it in a folder: nothing leaves the machine.

mod content;
mod letters;
mod outbox;
mod story;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::run::{Running, Server};
use crate::base::files::make_private_dir;
use crate::base::{Clock, Secret};
use crate::config::{Config, Relay, RelayTls};
use crate::store::{self, Rows, Store};

/// The password of every agent of the demo.
pub const PASSWORD: &str = "tarnina-demo";

/// The setting that says that a store is a demo's.
const MARKER: &str = "demo";

/// How far a demo is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Loading {
    /// Its loading has begun.
    Begun,
    /// It is whole.
    Done,
}

/// A demo that runs.
pub struct Demo {
    /// The server.
    pub server: Running,
    /// Where the pages are.
    pub url: String,
    /// Who signs in.
    pub email: String,
    /// The address to send mail to.
    pub address: String,
    /// Where outgoing mail is put.
    pub outbox: PathBuf,
    sink: CancellationToken,
}

impl Demo {
    /// Stops the server and what took its mail.
    pub async fn stop(self) {
        self.server.stop().await;
        self.sink.cancel();
    }
}

/// Starts a demo in `config.data_dir`, loading the workspace when the directory has none. `progress` is told
/// how many of how many messages are loaded.
///
/// # Errors
/// In words: among them when the directory holds an installation that is not a demo's.
pub async fn start(mut config: Config, progress: &(dyn Fn(usize, usize) + Sync)) -> anyhow::Result<Demo> {
    super::prepare_process();
    let loaded = is_loaded(&config)?;
    let outbox = config.data_dir.join("outbox");
    make_dir(&outbox)?;
    let sink = CancellationToken::new();
    let relay = outbox::run(outbox.clone(), config.hostname.clone(), sink.clone()).await?;
    config.relay =
        Some(Relay { host: relay.ip().to_string(), port: relay.port(), tls: RelayTls::None, credentials: None });
    let workspace = content::workspace()?;
    if !loaded {
        load(&config, &workspace, progress).await?;
    }
    let server = Server::bind(config, Clock::System).await?;
    let url = server.url();
    let server = server.start();
    let first = workspace.inboxes.first().map(|inbox| inbox.fallback_local_part.clone()).unwrap_or_default();
    let address = format!("{first}@{}", server.desk.hostname);
    let email = workspace.agents.first().map(|agent| agent.email.clone()).unwrap_or_default();
    Ok(Demo { server, url, email, address, outbox, sink })
}

/// Whether the directory holds a whole demo. One that was stopped while it loaded is cleared away, to be loaded anew.
fn is_loaded(config: &Config) -> anyhow::Result<bool> {
    let dir = &config.data_dir;
    if !dir.join("frontdesk.redb").exists() {
        return Ok(false);
    }
    let store = super::open_store(config)?;
    let state: Option<Loading> = store.read()?.setting(MARKER)?;
    store.close();
    drop(store);
    match state {
        None => bail!("{} holds an installation that is not a demo's; name another directory", dir.display()),
        Some(Loading::Done) => Ok(true),
        Some(Loading::Begun) => {
            for name in ["blobs", "search", "outbox", "run", "frontdesk.redb"] {
                let path = dir.join(name);
                let gone = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                match gone {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(error).with_context(|| format!("cannot remove {}", path.display()));
                    }
                    _ => {}
                }
            }
            Ok(false)
        }
    }
}

/// Notes in the store how far the demo is.
async fn mark(store: &Store, state: Loading) -> anyhow::Result<()> {
    let done: Result<(), store::Error> = store.write(move |writer| writer.set(MARKER, &state)).await;
    Ok(done?)
}

/// Loads the workspace through a server of its own, whose clock is turned by hand.
async fn load(
    config: &Config,
    workspace: &content::Workspace,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.http.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.smtp.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock = Clock::fake(Clock::System.now());
    let store = super::open_store(&config)?;
    let marked = mark(&store, Loading::Begun).await;
    store.close();
    drop(store);
    marked?;
    let server = Server::bind(config, clock.clone()).await?.start();
    let mut told = story::tell(&server, &clock, workspace, progress).await;
    if told.is_ok() {
        told = mark(&server.desk.store, Loading::Done).await;
    }
    server.stop().await;
    told
}

fn make_dir(dir: &Path) -> anyhow::Result<()> {
    make_private_dir(dir).with_context(|| format!("cannot make {}", dir.display()))
}

/// The password as a secret.
fn password() -> Secret {
    Secret::new(PASSWORD)
}
