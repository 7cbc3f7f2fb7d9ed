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
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::run::{Running, Server};
use crate::base::{Clock, Secret};
use crate::config::{Config, Relay, RelayTls};

/// The password of every agent of the demo.
pub const PASSWORD: &str = "tarnina-demo";

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
/// In words.
pub async fn start(mut config: Config, progress: &(dyn Fn(usize, usize) + Sync)) -> anyhow::Result<Demo> {
    super::prepare_process();
    let outbox = config.data_dir.join("outbox");
    make_dir(&outbox)?;
    let sink = CancellationToken::new();
    let relay = outbox::run(outbox.clone(), config.hostname.clone(), sink.clone()).await?;
    config.relay =
        Some(Relay { host: relay.ip().to_string(), port: relay.port(), tls: RelayTls::None, credentials: None });
    let workspace = content::workspace()?;
    if !config.data_dir.join("frontdesk.redb").exists() {
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
    let server = Server::bind(config, clock.clone()).await?.start();
    let told = story::tell(&server, &clock, workspace, progress).await;
    server.stop().await;
    told
}

fn make_dir(dir: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make {}", dir.display()))
}

/// The password as a secret.
fn password() -> Secret {
    Secret::new(PASSWORD)
}
