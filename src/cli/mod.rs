//! The command line, one file a sub-command.
//!
//! The only room that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to people")]

mod agent;
mod backup;
mod check;
mod demo;
mod doctor;
mod export;
mod import;
mod reindex;
mod serve;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;
use crate::config::Config;

/// The whole front desk of a small team in one binary: the e-mail of all its addresses in one shared inbox.
#[derive(Parser)]
#[command(name = "frontdesk", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The configuration file. Without one, the defaults serve.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory, instead of the configuration's.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server.
    Serve,
    /// Runs the server with a made-up company's workspace.
    Demo,
    /// Checks the data: every invariant, every checksum. Works beside a running server.
    Check,
    /// Asks the domain name system about each domain, and says what to add. Works beside a running server.
    Doctor {
        /// As JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Writes everything into one new file, and reads it back. Works beside a running server.
    Backup {
        /// The file to make.
        #[arg(value_name = "FILE")]
        to: PathBuf,
        /// Leaves secret.key out: passwords kept in the settings have to be typed anew after restoring.
        #[arg(long)]
        without_secrets: bool,
    },
    /// Makes the data directory, which must be empty or not there, what a backup holds.
    Restore {
        /// The backup.
        #[arg(value_name = "FILE")]
        from: PathBuf,
    },
    /// Takes old mail of other programs in: mbox files or a Maildir. Through the running server, or without one.
    Import(import::ImportCommand),
    /// Writes everything in open forms, mbox and JSON Lines, into a new directory. Works beside a running server.
    Export {
        /// The directory to make.
        #[arg(value_name = "DIR")]
        to: PathBuf,
        /// Only this inbox: its name or address.
        #[arg(long)]
        inbox: Option<String>,
    },
    /// Makes the search index anew. The server must not run.
    Reindex,
    /// Prints the OpenAPI document of the HTTP interface.
    Openapi,
    /// Prints the configuration file with every key, its default and what it does.
    Config,
    /// Agents.
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(agent::TokenCommand),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("frontdesk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Openapi => {
            return print_whole(crate::http::api::document());
        }
        Command::Config => {
            return print_whole(&crate::config::example());
        }
        _ => {}
    }
    app::keep_files_private();
    let mut config = Config::load(arguments.config.as_deref())?;
    if matches!(arguments.command, Command::Demo) && arguments.config.is_none() {
        demo::name_host(&mut config);
    }
    let named = arguments.data.is_some();
    if let Some(data) = arguments.data {
        config.data_dir = data;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Serve => serve::run(config).await,
            Command::Demo => demo::run(config, named).await,
            Command::Check => check::run(&config),
            Command::Doctor { json } => doctor::run(&config, json).await,
            Command::Backup { to, without_secrets } => backup::run(&config, &to, !without_secrets),
            Command::Restore { from } => backup::run_restore(&config, &from),
            Command::Import(command) => import::run(&config, command).await,
            Command::Export { to, inbox } => export::run(&config, &to, inbox.as_deref()),
            Command::Reindex => reindex::run(&config),
            Command::Agent(command) => agent::run(&config, command).await,
            Command::Token(command) => agent::run_token(&config, command).await,
            Command::Openapi | Command::Config => Ok(ExitCode::SUCCESS),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    done
}

/// Prints a document. Who reads only its head has what they wanted.
fn print_whole(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Refuses a directory without data: only what begins an installation makes one.
fn must_have_data(config: &Config) -> anyhow::Result<()> {
    if !config.data_dir.join("frontdesk.redb").exists() {
        anyhow::bail!("there is no data in {}", config.data_dir.display());
    }
    Ok(())
}

/// Starts logging to standard error.
fn log(filter: &str) {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_default();
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // Only the first call counts, and there is one.
    let _ = log.try_init();
}
