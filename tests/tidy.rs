//! The sources against the house's own rules: who may import whom, who names which crate, how long a file is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest source file, lines.
const MAX_FILE: usize = 500;
/// Longest function, lines.
const MAX_FUNCTION: usize = 70;
/// Crates that one room alone names, and that room.
const OWNED: &[(&str, &str)] = &[
    ("redb", "store"),
    ("tantivy", "search"),
    ("frostem", "search"),
    ("poem", "http"),
    ("poem_openapi", "http"),
    ("hyper", "http"),
    ("rust_embed", "http"),
    ("smtp_proto", "channels"),
    ("url", "net"),
    ("hickory_resolver", "net"),
    ("lettre", "channels"),
    ("mail_parser", "mail"),
    ("mail_builder", "mail"),
    ("mail_auth", "mail"),
    ("ammonia", "mail"),
    ("html5ever", "mail"),
    ("argon2", "desk"),
    ("clap", "cli"),
];
/// Places that name another room's crate all the same, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // It asks what SPF says about our own address; the format itself is the mail room's.
    ("src/channels/email/doctor.rs", "mail_auth"),
    // Verifying asks the name servers, which no format does.
    ("src/channels/email/authenticating/mod.rs", "mail_auth"),
    ("src/channels/email/authenticating/verdict.rs", "mail_auth"),
    ("src/channels/email/authenticating/kept.rs", "mail_auth"),
    // One crate for both ends of HTTP.
    ("src/net/fetch.rs", "hyper"),
    // The demo embeds its letters the way http embeds the pages.
    ("src/app/demo/content.rs", "rust_embed"),
];

struct Source {
    path: String,
    room: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let room = path.split('/').nth(1).unwrap().trim_end_matches(".rs").to_owned();
            Source { path, room, text }
        })
        .collect()
}

/// The rooms in order, as the table in docs/ARCHITECTURE.md has them.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let table = text.split("| room | holds | never |").nth(1).expect("the table of rooms");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).expect("a room's name").to_owned()).collect()
}

/// The source without its comments and tests.
fn code(source: &Source) -> String {
    if source.path.contains("/tests/") || source.path.ends_with("tests.rs") || source.path.ends_with("_tests.rs") {
        return String::new();
    }
    let text = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names of what is imported from `crate::`, also from within braces.
fn imported_rooms(code: &str, rooms: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(inside) => inside.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if rooms.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

#[test]
fn a_room_imports_only_rooms_above_it() {
    let rooms = rooms();
    assert_eq!(rooms.len(), 13, "{rooms:?}");
    let order: BTreeMap<&str, usize> = rooms.iter().enumerate().map(|(at, room)| (room.as_str(), at)).collect();
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !["lib", "main"].contains(&source.room.as_str())) {
        let own = *order.get(source.room.as_str()).unwrap_or_else(|| panic!("{} is in no room", source.path));
        for room in imported_rooms(&code(source), &rooms) {
            if order[room.as_str()] > own {
                faults.push(format!("{} imports {room}", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn siblings_among_channels_do_not_know_each_other() {
    for source in sources().iter().filter(|source| source.room == "channels") {
        let own = source.path.split('/').nth(2).unwrap_or_default();
        let foreign = code(source);
        for (at, _) in foreign.match_indices("channels::") {
            let name: String = foreign[at + 10..].chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(name == own, "{} imports channels::{name}", source.path);
        }
    }
}

#[test]
fn a_crate_is_named_in_its_own_room_alone() {
    let mut faults = Vec::new();
    for source in sources() {
        let code = code(&source);
        for (name, room) in OWNED {
            let named = code.contains(&format!("use {name}::")) || code.contains(&format!(" {name}::"));
            let excepted = EXCEPTIONS.contains(&(source.path.as_str(), *name));
            if named && source.room != *room && !excepted {
                faults.push(format!("{} names {name}, which is {room}'s", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn files_say_what_they_are_for_and_are_short() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if !source.text.starts_with("//!") {
            faults.push(format!("{} does not say what it is for", source.path));
        }
        if lines > MAX_FILE {
            faults.push(format!("{} has {lines} lines", source.path));
        }
        if ["todo!(", "unimplemented!("].iter().any(|mark| code(&source).contains(mark)) {
            faults.push(format!("{} is not finished", source.path));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn functions_are_short() {
    let mut faults = Vec::new();
    for source in sources() {
        let mut open: Option<(usize, String, usize)> = None;
        for (number, line) in code(&source).lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let words = line.trim_start();
            let begins = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) fn ", "pub(super) async fn "];
            if open.is_none() && begins.iter().any(|begin| words.starts_with(begin)) {
                open = Some((number, words.to_owned(), indent));
            }
            if let Some((start, name, depth)) = &open
                && indent == *depth
                && (words == "}" || (words.ends_with(';') && number == *start))
            {
                let length = number - start + 1;
                if length > MAX_FUNCTION {
                    faults.push(format!("{}: {length} lines: {name}", source.path));
                }
                open = None;
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
