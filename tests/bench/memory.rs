//! How much memory the program holds.

use std::time::Duration;

use super::load::everyday;
use super::program::{Program, fresh};
use super::report::{self, Figure};

/// Mails taken before memory is looked at again.
const MAILS: usize = 20_000;
/// How long a server is left alone before it counts as idle.
const REST: Duration = Duration::from_secs(5);

fn figure(what: &str, memory: f64, bar: &'static str, most: f64) {
    Figure {
        bench: "bench_memory",
        what: what.into(),
        ours: format!("{memory:.0} MB"),
        against: String::new(),
        bar,
        met: Some(memory <= most),
    }
    .print();
}

#[test]
#[ignore = "a bench"]
fn bench_memory() {
    let _turn = report::alone();
    let dir = tempfile::tempdir().unwrap();
    // The demo loads its workspace first, then starts again with it as an idle one.
    Program::demo(dir.path()).stop();
    let demo = Program::demo(dir.path());
    std::thread::sleep(REST);
    figure("RssAnon of the idle demo", demo.memory(), "60 MB", 60.0);
    demo.stop();
    let (dir, _) = tokio::runtime::Runtime::new().unwrap().block_on(fresh());
    let program = Program::serve(dir.path());
    std::thread::sleep(REST);
    report::note("bench_memory", "RssAnon of an empty server", format!("{:.0} MB", program.memory()));
    let rate = everyday(program.smtp, 50, MAILS, 5);
    let at_once = program.memory();
    program.filed();
    program.indexed();
    std::thread::sleep(REST);
    report::note("bench_memory", "everyday mail, 50 sessions", format!("{rate:.0}/s"));
    figure("RssAnon right after 20,000 mails", at_once, "200 MB", 200.0);
    figure("RssAnon when all is filed", program.memory(), "200 MB", 200.0);
    program.stop();
}
