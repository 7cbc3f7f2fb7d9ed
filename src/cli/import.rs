//! `frontdesk import mbox` and `frontdesk import maildir`: through the running server, or on the store itself.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::app::{self, Reply};
use crate::base::Clock;
use crate::channels::email::import::source::Form;
use crate::channels::email::import::{self, Begin, Problem, Source, Sum};
use crate::config::Config;
use crate::mail::parser::Parser;

/// Bytes on their way when both ends are in this process.
const PIPE: usize = 1 << 20;
/// Seconds between two lines of progress on a terminal, and elsewhere.
const EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// How often the disk's room is looked at without a server.
const LOOK: Duration = Duration::from_secs(2);

/// What a mailbox is kept as.
#[derive(Clone, Copy, ValueEnum)]
enum Kept {
    /// Files with many mails.
    Mbox,
    /// A directory with a file for each mail.
    Maildir,
}

/// Takes old mail in.
#[derive(Args)]
pub(super) struct ImportCommand {
    /// What it is kept as.
    #[arg(value_enum)]
    form: Kept,
    /// The mailboxes. Those of one account belong into one command: its threads are put together by date.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The inbox it goes to: its name or address.
    #[arg(long)]
    inbox: String,
    /// An address of the team's own: mail from it is shown as sent. May be given more than once.
    #[arg(long, value_name = "ADDRESS")]
    own: Vec<String>,
    /// Leaves conversations with unread mail open.
    #[arg(long)]
    open: bool,
    /// Goes on where the same import was broken off.
    #[arg(long)]
    resume: bool,
}

/// Runs it.
pub(super) async fn run(config: &Config, command: ImportCommand) -> anyhow::Result<ExitCode> {
    super::must_have_data(config)?;
    super::log(&config.log);
    let mut errors = Errors::beside(&command.paths);
    let form = match command.form {
        Kept::Mbox => Form::Mbox,
        Kept::Maildir => Form::Maildir,
    };
    let paths = command.paths.clone();
    let mut problems = Vec::new();
    let source = tokio::task::spawn_blocking(move || {
        Source::find(form, &paths, &mut |problem| problems.push(problem)).map(|source| (source, problems))
    });
    let (mut source, problems) = source.await??;
    problems.into_iter().for_each(|problem| errors.note(&problem));
    for (folder, mails) in &source.folders {
        eprintln!("{folder:?}: {mails} mails");
    }
    let begin = Begin { inbox: command.inbox, own: command.own, open: command.open, source: name_of(&command.paths)? };
    let resume = |source: &mut Source, cursor: &str| if command.resume { source.go_on_after(cursor) } else { 0 };
    let (deleted, drafts) = (source.deleted, source.drafts);
    let sum = match app::ask_to_import(&config.data_dir, begin.clone()).await? {
        Some((_, Reply::Refused(reason))) => anyhow::bail!(reason),
        Some((stream, Reply::Done(cursor))) => {
            let before = resume(&mut source, &cursor);
            send(stream, source, before, &mut errors).await?
        }
        None => {
            let store = app::open_store(config)?;
            let desk = app::build_desk(config, store, Clock::System)?;
            let (found, cursor) = app::begin_import(&desk, &begin).map_err(|reason| anyhow::anyhow!(reason))?;
            let before = resume(&mut source, &cursor);
            let (here, there) = tokio::io::duplex(PIPE);
            let parser = Parser::start()?;
            let looking = look(&desk);
            let work = async {
                tokio::join!(import::receive(&desk, &parser, found, there), send(here, source, before, &mut errors))
            };
            let (received, sum) = tokio::select! {
                done = work => done,
                never = looking => match never {},
            };
            desk.store.close();
            let sum = sum?;
            if sum.stopped.is_none() {
                received?;
            }
            sum
        }
    };
    Ok(tell(&sum, deleted, drafts, &errors))
}

/// Keeps an eye on the disk's room: no server does.
async fn look(desk: &Arc<crate::desk::Desk>) -> std::convert::Infallible {
    loop {
        // A file system that cannot be asked fails the writing too, in its own words.
        let _ = desk.store.space().look();
        tokio::time::sleep(LOOK).await;
    }
}

/// What the import of these files is known by.
fn name_of(paths: &[PathBuf]) -> anyhow::Result<String> {
    let mut whole: Vec<String> = Vec::new();
    for path in paths {
        whole.push(format!("{:?}", std::path::absolute(path)?));
    }
    whole.sort();
    Ok(blake3::hash(whole.join("\n").as_bytes()).to_hex().chars().take(32).collect())
}

async fn send<S>(stream: S, source: Source, before: usize, errors: &mut Errors) -> anyhow::Result<Sum>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if before > 0 {
        eprintln!("going on behind {before} mails");
    }
    let mut progress = Progress::of(source.len() as u64);
    let sum = import::send(stream, source, |problem| errors.note(&problem), |sum| progress.show(sum)).await?;
    progress.end(&sum);
    Ok(sum)
}

fn tell(sum: &Sum, deleted: usize, drafts: usize, errors: &Errors) -> ExitCode {
    println!("{} imported, {} were there already", sum.filed, sum.again);
    if deleted + drafts > 0 {
        println!("left out: {deleted} marked as deleted, {drafts} drafts");
    }
    if errors.count > 0 {
        println!("{} could not be imported: see {}", errors.count, errors.path.display());
    }
    match &sum.stopped {
        Some(words) => {
            eprintln!("frontdesk: {words}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// The list of what could not be imported, made with its first line.
struct Errors {
    path: PathBuf,
    file: Option<File>,
    count: usize,
}

impl Errors {
    /// In the current directory, named after the first mailbox.
    fn beside(paths: &[PathBuf]) -> Errors {
        let whole = paths.first().and_then(|path| std::path::absolute(path).ok()).unwrap_or_default();
        let name = whole.file_name().map_or_else(|| "mail".into(), |name| name.to_string_lossy());
        Errors { path: PathBuf::from(format!("{name}.import-errors.jsonl")), file: None, count: 0 }
    }

    fn note(&mut self, problem: &Problem) {
        self.count += 1;
        if self.file.is_none() {
            self.file = File::create(&self.path).ok();
        }
        let line = serde_json::to_string(problem).unwrap_or_default();
        let written = self.file.as_mut().is_some_and(|file| writeln!(file, "{line}").is_ok());
        if !written {
            eprintln!("{line}");
        }
    }
}

/// How far it is, on standard error.
struct Progress {
    total: u64,
    begun: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    fn of(total: u64) -> Progress {
        Progress { total, begun: Instant::now(), shown: None, terminal: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, sum: &Sum) {
        let every = if self.terminal { EVERY.0 } else { EVERY.1 };
        if self.shown.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.shown = Some(Instant::now());
        let line = self.line(sum);
        if self.terminal {
            eprint!("\r{line}\x1b[K");
            // A line of progress may be lost.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    fn end(&mut self, sum: &Sum) {
        self.shown = None;
        self.show(sum);
        if self.terminal {
            eprintln!();
        }
    }

    fn line(&self, sum: &Sum) -> String {
        let done = sum.filed + sum.again + sum.failed;
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let rate = done as f64 / seconds;
        let left = self.total.saturating_sub(done) as f64 / rate.max(0.1);
        format!("{done} of {} mails, {:.0} a second, {} left", self.total, rate, time(left as u64))
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
