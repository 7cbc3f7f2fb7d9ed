//! Torture mails of other projects, wherever they are installed, and a few of our own.

use std::path::{Path, PathBuf};

use crate::mail::parse::{attachment, parse};
use crate::mail::view::view;

const OWN: &[&[u8]] = &[
    b"", b"\n", b"\r\n\r\n", b":", b": x\r\n\r\n", b"From\r\n\r\n", b"\xff\xfe\0\0", b"From: \xff <\xff@\xff>\r\nSubject: \0\r\n\r\n\xff\0",
    b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----",
    b"Content-Type: multipart/mixed; boundary=a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--a\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n--a--",
    b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n--a--\n",
    b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: x=\r\n",
    b"Content-Disposition: attachment; filename=\"a\"; filename=\"b\"; filename*=''%ff%00\r\n\r\nx",
    b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22",
];

/// Folders in which distributions and registries keep the corpora.
fn folders() -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = vec!["/usr/share/gocode/src/github.com/jhillyerd/enmime/testdata".into()];
    out.extend((9..15).map(|minor| format!("/usr/lib/python3.{minor}/test/test_email/data").into()));
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    for registry in entries(&home.unwrap_or_default().join("registry/src")) {
        out.extend(
            entries(&registry)
                .into_iter()
                .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("mail-parser-")))
                .map(|p| p.join("resources")),
        );
    }
    out
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|found| found.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn check(raw: &[u8]) {
    let parsed = parse(raw);
    assert_eq!(parse(raw), parsed);
    let shown = view(&parsed, |index| format!("/{index}"));
    assert!(parsed.html.is_none() || shown.html.is_some() || shown.html_blocked.is_some());
    assert!(shown.quote_from_line.is_none_or(|line| line < shown.text.lines().count()));
    for part in &parsed.parts {
        assert_eq!(attachment(raw, part.index).map(|bytes| bytes.len() as u64), Some(part.size));
    }
    for text in parsed.from.iter().chain(&parsed.to).filter_map(|a| a.name.as_ref()).chain([&parsed.subject]) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

#[test]
fn torture_mails_are_read_without_harm() {
    for raw in OWN {
        check(raw);
    }
    for folder in folders() {
        for path in files(&folder) {
            let raw = std::fs::read(&path).unwrap_or_default();
            // The largest ones only repeat themselves, and tests are to stay quick.
            if raw.len() < 300_000 {
                check(&raw);
            }
        }
    }
}
