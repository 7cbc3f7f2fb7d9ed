//! `frontdesk agent add` and `frontdesk token create`: through the running server, or on the store itself.

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
    let TokenCommand::Create { agent } = command;
    carry_out(config, Request::CreateToken { agent }).await
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
            println!("{words}");
            Ok(ExitCode::SUCCESS)
        }
        Reply::Refused(reason) => {
            eprintln!("frontdesk: {reason}");
            Ok(ExitCode::FAILURE)
        }
    }
}
