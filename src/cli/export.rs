//! `frontdesk export`: everything in open forms, into a new directory, beside a running server or without one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::base::files::make_private_dir;
use crate::config::Config;
use crate::desk::export::{Export, Line};
use crate::mail::mbox;

/// Runs it.
pub(super) fn run(config: &Config, to: &Path, inbox: Option<&str>) -> anyhow::Result<ExitCode> {
    let store = super::check::open(config)?;
    let Some(export) = Export::of(store, &config.hostname, inbox)? else {
        bail!("there is no inbox {:?}", inbox.unwrap_or_default());
    };
    if to.read_dir().is_ok_and(|mut inside| inside.next().is_some()) || to.is_file() {
        bail!("{} is there already: name a new directory", to.display());
    }
    for dir in [to.to_owned(), to.join("mail"), to.join("files")] {
        make_private_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    let mut files = Files { dir: to.to_owned(), open: BTreeMap::new(), lines: BTreeMap::new() };
    let named = || format!("{}: the export is not whole", to.display());
    for name in ["inboxes", "channels", "agents", "contacts", "conversations", "messages"] {
        files.open(&format!("{name}.jsonl")).with_context(named)?;
    }
    export.tell(|line| files.write(line)).with_context(named)?;
    let lines = files.close().with_context(named)?;
    for (name, count) in lines {
        println!("{}: {count}", to.join(name).display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The files that are written, and how many lines or mails are in each.
struct Files {
    dir: PathBuf,
    open: BTreeMap<String, BufWriter<File>>,
    lines: BTreeMap<String, u64>,
}

impl Files {
    fn write(&mut self, line: Line) -> io::Result<()> {
        match line {
            Line::Inbox(line) => self.line("inboxes.jsonl", &line),
            Line::Channel(line) => self.line("channels.jsonl", &line),
            Line::Agent(line) => self.line("agents.jsonl", &line),
            Line::Contact(line) => self.line("contacts.jsonl", &line),
            Line::Conversation(line) => self.line("conversations.jsonl", &line),
            Line::Message(line) => self.line("messages.jsonl", &line),
            Line::Mail { mbox, sender, at, raw } => mbox::write(self.next(&format!("mail/{mbox}"))?, &sender, at, &raw),
            Line::File { name, bytes } => {
                *self.lines.entry(String::from("files")).or_default() += 1;
                let mut file = File::create_new(self.dir.join("files").join(name))?;
                file.write_all(&bytes)?;
                file.sync_all()
            }
        }
    }

    fn line(&mut self, name: &str, line: &impl Serialize) -> io::Result<()> {
        let to = self.next(name)?;
        serde_json::to_writer(&mut *to, line)?;
        to.write_all(b"\n")
    }

    /// The file that one more goes into.
    fn next(&mut self, name: &str) -> io::Result<&mut BufWriter<File>> {
        *self.lines.entry(name.to_owned()).or_default() += 1;
        self.open(name)
    }

    fn open(&mut self, name: &str) -> io::Result<&mut BufWriter<File>> {
        use std::collections::btree_map::Entry;
        match self.open.entry(name.to_owned()) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(BufWriter::new(File::create_new(self.dir.join(name))?))),
        }
    }

    /// Puts everything on the disk; gives how many lines are in each file.
    fn close(self) -> io::Result<BTreeMap<String, u64>> {
        for file in self.open.into_values() {
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        }
        Ok(self.lines)
    }
}
