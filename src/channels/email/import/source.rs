//! The mails of mailboxes elsewhere, in the order of their dates: a thread is told as it went, whatever files its
//! mails are in.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::maildir;
use super::wire::{Head, MAX_MAIL};
use crate::base::Timestamp;
use crate::mail::{mbox, parse};

/// Bytes of a mail that are looked at for its date and marks.
const HEAD: usize = 64 << 10;
/// mbox files kept open.
const MAX_FILES: usize = 64;

/// Something that could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// Where in an mbox it begins.
    pub offset: Option<u64>,
    /// Why.
    pub reason: String,
}

impl Problem {
    pub(super) fn of(path: &Path, reason: String) -> Problem {
        Problem { path: path.to_string_lossy().into_owned(), offset: None, reason }
    }
}

/// What a mailbox is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Files with many mails.
    Mbox,
    /// Directories with a file for each mail.
    Maildir,
}

/// A file with mail.
struct Place {
    path: PathBuf,
    /// What it is ordered by.
    name: String,
}

/// A mail that was found.
struct Mail {
    at: i64,
    file: usize,
    offset: u64,
    came_at: Option<i64>,
    unread: bool,
}

/// Mails that were found, in order.
pub struct Source {
    form: Form,
    files: Vec<Place>,
    mails: Vec<Mail>,
    open: BTreeMap<usize, File>,
    /// Each file or folder with how many mails it has.
    pub folders: Vec<(String, usize)>,
    /// Mails left out: they waited to be removed.
    pub deleted: usize,
    /// Mails left out: they were never sent.
    pub drafts: usize,
}

impl Source {
    /// Looks through mailboxes.
    ///
    /// # Errors
    /// When one is not there or is none of that form.
    pub fn find(form: Form, paths: &[PathBuf], report: &mut dyn FnMut(Problem)) -> io::Result<Source> {
        let (files, mails, open, folders) = (Vec::new(), Vec::new(), BTreeMap::new(), Vec::new());
        let mut source = Source { form, files, mails, open, folders, deleted: 0, drafts: 0 };
        let mut paths: Vec<&PathBuf> = paths.iter().collect();
        paths.sort();
        paths.dedup();
        if form == Form::Mbox && paths.len() > MAX_FILES {
            return Err(io::Error::other(format!("at most {MAX_FILES} files at once")));
        }
        for path in paths {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            match form {
                Form::Mbox => source.find_mbox(path, report).map_err(named)?,
                Form::Maildir => source.find_maildir(path, report).map_err(named)?,
            }
        }
        let files = &source.files;
        let name = |mail: &Mail| files.get(mail.file).map_or("", |file| file.name.as_str());
        source.mails.sort_by(|a, b| (a.at, name(a), a.offset).cmp(&(b.at, name(b), b.offset)));
        Ok(source)
    }

    /// How many mails there are.
    pub fn len(&self) -> usize {
        self.mails.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.mails.is_empty()
    }

    /// Leaves out what stands before a cursor; gives how many that were.
    pub fn go_on_after(&mut self, cursor: &str) -> usize {
        let Ok((at, name, offset)) = serde_json::from_str::<(i64, String, u64)>(cursor) else { return 0 };
        let before = self.mails.len();
        let files = &self.files;
        self.mails.retain(|mail| {
            let own = files.get(mail.file).map_or("", |file| file.name.as_str());
            (mail.at, own, mail.offset) > (at, name.as_str(), offset)
        });
        before - self.mails.len()
    }

    fn find_mbox(&mut self, path: &Path, report: &mut dyn FnMut(Problem)) -> io::Result<()> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let index = self.files.len();
        self.files.push(Place { path: path.to_owned(), name: path.to_string_lossy().into_owned() });
        let before = self.mails.len();
        let mut mbox = mbox::Mbox::new(BufReader::with_capacity(256 << 10, file), 0);
        let mut last = 0;
        while let Some(found) = mbox.read(HEAD)? {
            if found.size > MAX_MAIL {
                let problem = Problem::of(path, too_large(found.size));
                report(Problem { offset: Some(found.offset), ..problem });
                continue;
            }
            let came_at = found.came_at.map(Timestamp::millis);
            // One without any date stays beside its neighbour.
            last = date_of(&found.raw).or(came_at).unwrap_or(last);
            let marked = mbox::marked(&found.raw);
            let mail = Mail { at: last, file: index, offset: found.offset, came_at, unread: !marked.seen };
            self.add(mail, marked);
        }
        self.folders.push((path.to_string_lossy().into_owned(), self.mails.len() - before));
        Ok(())
    }

    fn find_maildir(&mut self, path: &Path, report: &mut dyn FnMut(Problem)) -> io::Result<()> {
        let found = maildir::find(path, report)?;
        self.folders.extend(found.folders);
        for file in found.files {
            let (head, came_at) = match look(&file.path) {
                Ok(looked) => looked,
                Err(error) => {
                    report(Problem::of(&file.path, error.to_string()));
                    continue;
                }
            };
            let at = date_of(&head).or(came_at).unwrap_or_default();
            let mail = Mail { at, file: self.files.len(), offset: 0, came_at, unread: !file.marked.seen };
            self.files.push(Place { path: file.path, name: file.name });
            self.add(mail, file.marked);
        }
        Ok(())
    }

    fn add(&mut self, mail: Mail, marked: mbox::Marked) {
        if marked.deleted {
            self.deleted += 1;
        } else if marked.draft {
            self.drafts += 1;
        } else {
            self.mails.push(mail);
        }
    }

    /// Reads each mail in turn; stops when nobody takes them any more.
    pub(super) fn read_all(mut self, mut take: impl FnMut(Result<(Head, Vec<u8>), Problem>) -> bool) {
        for mail in std::mem::take(&mut self.mails) {
            let Some((path, name)) = self.files.get(mail.file).map(|file| (file.path.clone(), file.name.clone()))
            else {
                continue;
            };
            let read = match self.form {
                Form::Mbox => self.read_mbox(&mail, &path),
                Form::Maildir => read_file(&path),
            };
            let cursor = serde_json::json!((mail.at, name, mail.offset)).to_string();
            let size = |raw: &Vec<u8>| raw.len() as u64;
            let item = match read {
                Ok(raw) if size(&raw) > MAX_MAIL => Err(too_large(size(&raw))),
                Ok(raw) => Ok((Head { size: size(&raw), came_at: mail.came_at, unread: mail.unread, cursor }, raw)),
                Err(error) => Err(error.to_string()),
            };
            let offset = (self.form == Form::Mbox).then_some(mail.offset);
            if !take(item.map_err(|reason| Problem { offset, ..Problem::of(&path, reason) })) {
                return;
            }
        }
    }

    fn read_mbox(&mut self, mail: &Mail, path: &Path) -> io::Result<Vec<u8>> {
        let file = match self.open.entry(mail.file) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(closed) => closed.insert(File::open(path)?),
        };
        file.seek(SeekFrom::Start(mail.offset))?;
        let found = mbox::Mbox::new(BufReader::new(file), mail.offset).read(MAX_MAIL as usize + 1)?;
        found.map(|found| found.raw).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn too_large(size: u64) -> String {
    format!("it has {} MiB; more than {} MiB are not imported", size.div_ceil(1 << 20), MAX_MAIL >> 20)
}

/// The date in a mail's head.
fn date_of(raw: &[u8]) -> Option<i64> {
    let mut end = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    parse::parse(raw.get(..end).unwrap_or(raw)).date_ms
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits()).open(path)
}

/// The first bytes of a file, and when it was made.
fn look(path: &Path) -> io::Result<(Vec<u8>, Option<i64>)> {
    let file = open_file(path)?;
    let about: fs::Metadata = file.metadata()?;
    if about.len() > MAX_MAIL {
        return Err(io::Error::other(too_large(about.len())));
    }
    let changed = about.modified()?.duration_since(std::time::UNIX_EPOCH);
    let came_at = changed.ok().and_then(|since| i64::try_from(since.as_millis()).ok());
    let mut head = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head, came_at))
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    open_file(path)?.take(MAX_MAIL + 1).read_to_end(&mut raw)?;
    Ok(raw)
}
