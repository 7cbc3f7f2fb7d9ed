//! The sources keep the rules of the house: who may import whom, who may name which library, how long a file
//! and a function may be.

use std::path::{Path, PathBuf};

/// The rooms from the ground up: each imports only those before it.
const ROOMS: [&str; 13] =
    ["base", "domain", "config", "net", "mail", "store", "search", "jobs", "desk", "channels", "http", "app", "cli"];
/// Libraries that one room alone names.
const LIBRARIES: [(&str, &[&str]); 6] = [
    ("store", &["redb"]),
    ("search", &["tantivy"]),
    ("http", &["poem", "poem_openapi"]),
    ("channels/email", &["smtp_proto", "lettre"]),
    ("mail", &["mail_parser", "mail_builder", "ammonia", "html5ever"]),
    ("cli", &["clap"]),
];
const MAX_LINES: usize = 500;
const MAX_FUNCTION: usize = 70;
/// Files and functions that are longer than they should be, with how long they are. Only ever fewer.
const KNOWN_LONG: [(&str, usize); 2] = [("desk/replies.rs", 615), ("mail/tests/vectors.rs piece", 72)];

/// A source file.
struct Source {
    /// Under `src`.
    path: String,
    text: String,
}

impl Source {
    fn room(&self) -> Option<&str> {
        let (room, rest) = self.path.split_once('/')?;
        (!rest.is_empty()).then_some(room)
    }

    /// The code alone: no comments, no strings.
    fn code(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        for line in self.text.lines() {
            let line = line.split("//").next().unwrap();
            let pieces = line.split('"').step_by(2);
            out.push_str(&pieces.collect::<Vec<_>>().join("\"\""));
            out.push('\n');
        }
        out
    }
}

fn sources() -> Vec<Source> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    gather(&root, &root, &mut found);
    assert!(found.len() > 100, "{} files", found.len());
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn gather(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { path: path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), text });
        }
    }
}

/// Words that follow `start` in the code.
fn after<'a>(code: &'a str, start: &str) -> Vec<&'a str> {
    let word = |rest: &'a str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
    code.split(start).skip(1).map(word).filter(|word| !word.is_empty()).collect()
}

/// Whether the code names a crate.
fn names(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_' && before != ':'
    })
}

fn no_faults(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn rooms_import_only_those_below_them() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut faults = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let Some(own) = place(room) else {
            faults.push(format!("{}: {room} is not in the table", source.path));
            continue;
        };
        let code = source.code();
        if code.contains("crate::{") {
            faults.push(format!("{}: `crate::{{` hides which rooms are imported", source.path));
        }
        for other in after(&code, "crate::") {
            if place(other).is_some_and(|other| other > own) {
                faults.push(format!("{}: {room} must not import {other}", source.path));
            }
        }
        if let Some(channel) = source.path.strip_prefix("channels/").and_then(|rest| rest.split('/').next()) {
            for other in after(&code, "crate::channels::").into_iter().filter(|other| *other != channel) {
                faults.push(format!("{}: channels never import each other, {other} here", source.path));
            }
        }
    }
    no_faults(&faults);
}

#[test]
fn a_library_is_named_in_one_room() {
    let mut faults = Vec::new();
    for source in sources() {
        let code = source.code();
        for (room, libraries) in LIBRARIES {
            let inside = source.path.starts_with(&format!("{room}/"));
            for library in libraries.iter().filter(|library| !inside && names(&code, library)) {
                faults.push(format!("{}: only {room} names {library}", source.path));
            }
        }
    }
    no_faults(&faults);
}

#[test]
fn files_say_what_they_are_for_and_nothing_is_unfinished() {
    let mut faults = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            faults.push(format!("{}: no module doc at its beginning", source.path));
        }
        for unfinished in ["todo!", "unimplemented!", "TODO", "FIXME", "XXX"] {
            if source.text.contains(unfinished) {
                faults.push(format!("{}: {unfinished}", source.path));
            }
        }
    }
    no_faults(&faults);
}

/// Functions with their lengths, as rustfmt lays them out.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let words = start.split_whitespace().take_while(|word| !word.contains('(') || word.starts_with("pub("));
        let is_function = words.clone().any(|word| word == "fn") && !start.starts_with("//");
        if !is_function {
            continue;
        }
        let name = start.split("fn ").nth(1).unwrap().split(['(', '<']).next().unwrap();
        let close = format!("{}}}", &line[..line.len() - start.len()]);
        let end = lines[at..].iter().position(|line| *line == close);
        found.extend(end.map(|end| (format!("{} {name}", source.path), end + 1)));
    }
    found
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            long.push((source.path.clone(), lines));
        }
        long.extend(functions(&source).into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION));
    }
    let known: Vec<_> = KNOWN_LONG.iter().map(|(name, lines)| ((*name).to_owned(), *lines)).collect();
    assert_eq!(long, known, "split what is new; take from the list what is not long any more");
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let code = source("base/x.rs", "use crate::http::Y; // crate::cli\nlet x = \"crate::app\"; redb::open()").code();
    assert_eq!(after(&code, "crate::"), ["http"]);
    assert!(names(&code, "redb") && !names("my_redb::open() a::redb::b", "redb"));
    let long = format!("impl X {{\n    pub(super) fn long(&self) {{\n{}    }}\n}}\n", "        x();\n".repeat(80));
    assert_eq!(functions(&source("base/x.rs", &long)), [(String::from("base/x.rs long"), 82)]);
}
