//! `frontdesk agent add` and `frontdesk token create`, `list`, `revoke`: through the running server, or on the store itself.

use std::io::Read;
use std::process::ExitCode;

use clap::Subcommand;

use crate::app::{self, Reply, Request, ask};
use crate::base::Clock;
use crate::config::Config;

/// Agents.
#[derive(Subcommand)]
pub(super) enum AgentCommand {
    /// Adds an agent.
    Add {
        /// The address they sign in with.
        #[arg(long)]
        email: String,
        /// The name contacts see.
        #[arg(long)]
        name: String,
        /// owner, admin, agent or viewer.
        #[arg(long, default_value = "agent")]
        role: String,
        /// Reads the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

/// API tokens.
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Makes a token that acts as an agent, and prints it once.
    Create {
        /// The agent's address.
        #[arg(long)]
        agent: String,
    },
    /// Lists tokens: number, when it was made, whom it acts as.
    List {
        /// The address of one agent, for theirs alone.
        #[arg(long)]
        agent: Option<String>,
    },
    /// Ends a token.
    Revoke {
        /// Its number in the list.
        id: u64,
    },
}

/// `frontdesk agent …`.
pub(super) async fn run(config: &Config, command: AgentCommand) -> anyhow::Result<ExitCode> {
    let AgentCommand::Add { email, name, role, password_stdin: _ } = command;
    let mut password = String::new();
    std::io::stdin().take(4096).read_to_string(&mut password)?;
    let password = String::from(password.trim_end_matches(['\r', '\n']));
    carry_out(config, Request::AddAgent { email, name, role, password }).await
}

/// `frontdesk token …`.
pub(super) async fn run_token(config: &Config, command: TokenCommand) -> anyhow::Result<ExitCode> {
    super::must_have_data(config)?;
    let request = match command {
        TokenCommand::Create { agent } => Request::CreateToken { agent },
        TokenCommand::List { agent } => Request::ListTokens { agent },
        TokenCommand::Revoke { id } => Request::RevokeToken { id },
    };
    carry_out(config, request).await
}

async fn carry_out(config: &Config, request: Request) -> anyhow::Result<ExitCode> {
    let reply = match ask(&config.data_dir, &request).await? {
        Some(reply) => reply,
        None => {
            let store = app::open_store(config)?;
            let desk = app::build_desk(config, store, Clock::System)?;
            let reply = app::carry_out(&desk, request).await;
            desk.store.close();
            reply
        }
    };
    match reply {
        Reply::Done(words) => {
            if !words.is_empty() {
                println!("{words}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Reply::Refused(reason) => {
            eprintln!("frontdesk: {reason}");
            Ok(ExitCode::FAILURE)
        }
    }
}
