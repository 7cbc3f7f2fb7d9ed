//! Finding the files of a Maildir and of its folders. Links are never followed: a Maildir may be another user's.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::Problem;
use crate::mail::mbox::Marked;

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 8;

/// A mail's file.
pub(super) struct File {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its folder and unique name: what stays when marks change.
    pub(super) name: String,
    /// Its marks.
    pub(super) marked: Marked,
}

/// What a Maildir has.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    /// Each folder with how many mails it has.
    pub(super) folders: Vec<(String, usize)>,
}

/// Finds the mails of the Maildir at `root`.
pub(super) fn find(root: &Path, report: &mut dyn FnMut(Problem)) -> std::io::Result<Found> {
    if !is_maildir(root) {
        let words = "it is no Maildir: it has neither new nor cur";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, words));
    }
    let mut found = Found::default();
    folder(root, "INBOX", 0, &mut found, report)?;
    Ok(found)
}

fn is_maildir(dir: &Path) -> bool {
    ["cur", "new"].iter().any(|name| fs::symlink_metadata(dir.join(name)).is_ok_and(|is| is.is_dir()))
}

fn folder(
    dir: &Path,
    name: &str,
    depth: usize,
    found: &mut Found,
    report: &mut dyn FnMut(Problem),
) -> std::io::Result<()> {
    let before = found.files.len();
    for part in ["new", "cur"] {
        let dir = dir.join(part);
        if fs::symlink_metadata(&dir).is_ok_and(|is| is.is_dir()) {
            mails(&dir, name, part == "new", found, report)?;
        }
    }
    found.folders.push((String::from(name), found.files.len() - before));
    if depth >= MAX_DEPTH {
        return Ok(());
    }
    let mut inside: Vec<fs::DirEntry> = fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    inside.sort_by_key(fs::DirEntry::file_name);
    for entry in inside {
        let path = entry.path();
        let inner = entry.file_name().to_string_lossy().trim_start_matches('.').to_owned();
        // The entry's own type: a link to a directory is none.
        if entry.file_type()?.is_dir() && is_maildir(&path) {
            let full = if depth == 0 { inner } else { format!("{name}/{inner}") };
            if let Err(error) = folder(&path, &full, depth + 1, found, report) {
                report(Problem::of(&path, error.to_string()));
            }
        } else if entry.file_type()?.is_symlink() {
            report(Problem::of(&path, String::from("it is a link, and links are not followed")));
        }
    }
    Ok(())
}

fn mails(
    dir: &Path,
    folder: &str,
    all_new: bool,
    found: &mut Found,
    report: &mut dyn FnMut(Problem),
) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let name = file_name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if !entry.file_type()?.is_file() {
            report(Problem::of(&path, String::from("it is no ordinary file, and links are not followed")));
            continue;
        }
        let (unique, flags) = name.rsplit_once(":2,").unwrap_or((&name, ""));
        let marked =
            Marked { seen: !all_new && flags.contains('S'), deleted: flags.contains('T'), draft: flags.contains('D') };
        found.files.push(File { path, name: format!("{folder}/{unique}"), marked });
    }
    Ok(())
}
