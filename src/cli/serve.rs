//! `frontdesk serve`: runs the server until it is told to stop.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{Running, Server};
use crate::base::Clock;
use crate::config::Config;

/// Runs it.
pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    super::log(&config.log);
    let signals = Signals::listen()?;
    let file = config.data_dir.join("run/setup-link.txt");
    let server = Server::bind(config, Clock::System).await?;
    tracing::info!(web = %server.url(), mail = %server.smtp_address, "frontdesk {} serves", env!("CARGO_PKG_VERSION"));
    if let Some(link) = server.setup_link().await? {
        tell(&link, &file);
    }
    let running = server.start();
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    wait(running, signals).await
}

/// Says where the one-time link is. The link itself goes to whoever started the program, and never into a log:
/// under systemd, what is printed is kept in the journal, which others may read.
fn tell(link: &str, file: &Path) {
    tracing::info!(file = %file.display(), "nobody has set this installation up yet; the link to do so is in a file");
    if std::env::var_os("JOURNAL_STREAM").is_none() {
        let mut out = std::io::stdout();
        // Nobody may be listening; the file has it.
        let _ = writeln!(out, "Nobody has set this installation up yet. Open {link}").and_then(|()| out.flush());
    }
}

/// The signals that ask the server to stop. Listened for before it starts, so that one that comes while it
/// does stops it in order as well.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub(super) fn listen() -> std::io::Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

/// Waits for a signal or for storage to fail, and stops in order.
pub(super) async fn wait(running: Running, signals: Signals) -> anyhow::Result<ExitCode> {
    let mut failed = running.failed();
    let Signals { mut terminate, mut interrupt } = signals;
    let failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        failure = failed.wait_for(Option::is_some) => failure.ok().and_then(|failure| failure.clone()),
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping");
    running.stop().await;
    Ok(match failure {
        None => ExitCode::SUCCESS,
        Some(error) => {
            eprintln!("frontdesk: {error}. Nothing that was acknowledged is lost; start again once the disk is well.");
            ExitCode::FAILURE
        }
    })
}
