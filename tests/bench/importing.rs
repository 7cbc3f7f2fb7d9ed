//! How many old mails a minute are imported.

use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

use super::letters::Letters;
use super::program::fresh;
use super::report::{self, Figure, median};

/// Mails in the mailbox.
const MAILS: usize = 20_000;
/// Rounds; the median counts.
const ROUNDS: usize = 3;

/// A mailbox of everyday letters; three of five go on with a thread.
fn mailbox() -> String {
    let mut letters = Letters::new(11);
    let mut text = String::new();
    for _ in 0..MAILS {
        let letter = letters.everyday();
        let mail = String::from_utf8(letter.bytes).unwrap().replace("\r\n", "\n").replace("\nFrom ", "\n>From ");
        // Writing to a string cannot fail.
        let _ = write!(text, "From {} Mon Mar  2 09:00:00 2026\n{mail}\n", letter.from);
    }
    text
}

#[test]
#[ignore = "a bench"]
fn bench_importing() {
    let _turn = report::alone();
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("old.mbox");
    std::fs::write(&path, mailbox()).unwrap();
    let binary = std::env::var("BENCH_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_frontdesk").into());
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let (dir, _) = tokio::runtime::Runtime::new().unwrap().block_on(fresh());
        let start = Instant::now();
        let mut command = Command::new(&binary);
        command.args(["import", "mbox", "old.mbox", "--inbox", "hello", "--data"]).arg(dir.path());
        command.env("FRONTDESK_HOSTNAME", "desk.example").current_dir(files.path());
        command.env("FRONTDESK_STORE__MIN_FREE_BYTES", "0").env("FRONTDESK_STORE__MIN_FREE_PERCENT", "0");
        assert!(command.status().unwrap().success());
        rates.push(MAILS as f64 / start.elapsed().as_secs_f64() * 60.0);
    }
    Figure {
        bench: "bench_importing",
        what: format!("{MAILS} everyday letters of an mbox"),
        ours: format!("{:.0} a minute", median(&rates)),
        against: String::new(),
        bar: "10,000 a minute",
        met: Some(median(&rates) >= 10_000.0),
    }
    .print();
}
