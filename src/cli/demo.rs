//! `frontdesk demo`: a made-up company's workspace to try everything on.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::demo;
use crate::base::random;
use crate::config::Config;

/// Without a word on it in the environment, the demo has the made-up company's host name.
pub(super) fn name_host(config: &mut Config) {
    if std::env::var_os("FRONTDESK_HOSTNAME").is_none() {
        config.hostname = String::from("tarnina.example");
    }
}

/// Runs it; in a directory of its own that is removed afterwards, unless one was named.
pub(super) async fn run(mut config: Config, named: bool) -> anyhow::Result<ExitCode> {
    super::log(if config.log == "info" { "warn" } else { &config.log });
    let temporary = (!named).then(|| Temporary::new(&mut config));
    let shows = std::io::stderr().is_terminal();
    let progress = move |done: usize, of: usize| {
        if shows && (done.is_multiple_of(20) || done == of) {
            eprint!("\rloading the workspace: {done} of {of} messages");
            // A line of progress may be lost.
            let _ = std::io::stderr().flush();
        }
    };
    let demo = demo::start(config, &progress).await?;
    if shows {
        eprintln!();
    }
    println!("Frontdesk demo: the workspace of Tarnina, who sew tents.\n");
    println!("  open       {}", demo.url);
    println!("  sign in    {}  with the password  {}", demo.email, demo::PASSWORD);
    println!("  send mail  to {} by SMTP at {}, for example:", demo.address, demo.server.smtp_address);
    println!(
        "             swaks --server {} --from you@example.com --to {} --header 'Subject: Hello' --body 'Is anybody there?'",
        demo.server.smtp_address, demo.address
    );
    println!("  replies    end in {}\n", demo.outbox.display());
    println!("Ctrl-C ends it{}.", if temporary.is_some() { " and removes its data" } else { "" });
    std::io::stdout().flush()?;
    super::serve::wait(demo.server, super::serve::Signals::listen()?).await
}

/// A directory that is removed in the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(config: &mut Config) -> Temporary {
        let dir = std::env::temp_dir().join(format!("frontdesk-demo-{}", random::token()));
        config.data_dir.clone_from(&dir);
        Temporary(dir)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
