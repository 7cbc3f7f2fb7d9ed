//! How many mails a second are taken and safe, beside Postfix's queue.

use super::fill::filled;
use super::load::smtp_source;
use super::postfix::Postfix;
use super::program::{Program, fresh};
use super::report::{self, Figure, median, rates};

/// Mails of one run with a connection each.
const MAILS: usize = 5000;
/// Mails of one run on connections used again: two runs make one, since a session takes a hundred mails.
const REUSED: usize = 2500;
/// Rounds; the median counts.
const ROUNDS: usize = 3;

/// Mails a second, with new connections and with connections used again.
fn run(to: std::net::SocketAddr) -> [f64; 2] {
    let new = smtp_source(to, MAILS, false);
    let (one, two) = (smtp_source(to, REUSED, true), smtp_source(to, REUSED, true));
    [new, 2.0 / (1.0 / one + 1.0 / two)]
}

#[test]
#[ignore = "a bench"]
fn bench_intake() {
    let _turn = report::alone();
    let postfix = Postfix::start();
    let (mut ours, mut theirs) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    let mut filing = Vec::new();
    for _ in 0..ROUNDS {
        let (dir, _) = fresh_now();
        let program = Program::serve(dir.path());
        for (all, one) in ours.iter_mut().zip(run(program.smtp)) {
            all.push(one);
        }
        let start = std::time::Instant::now();
        program.filed();
        filing.push(start.elapsed().as_secs_f64());
        let used = program.processor_seconds();
        report::note("bench_intake", "processor, take + file + index", format!("{:.0} us a mail", used * 1e2));
        program.stop();
        if let Some(postfix) = &postfix {
            for (all, one) in theirs.iter_mut().zip(run(postfix.smtp)) {
                all.push(one);
            }
            assert_eq!(postfix.empty(), MAILS + 2 * REUSED);
        }
    }
    for (at, what) in ["new connection each", "connection used again"].into_iter().enumerate() {
        let ratio = median(&ours[at]) / median(&theirs[at]);
        Figure {
            bench: "bench_intake",
            what: format!("50 sessions, 5 KB, {what}"),
            ours: rates(&ours[at]),
            against: format!("Postfix {}", rates(&theirs[at])),
            bar: "5 times Postfix",
            met: postfix.is_some().then_some(ratio >= 5.0),
        }
        .print();
        report::note("bench_intake", format!("ratio, {what}"), format!("{ratio:.1}"));
    }
    report::note("bench_intake", "left to file after the last 250", format!("{:.1} s", median(&filing)));
}

#[test]
#[ignore = "a bench"]
fn bench_intake_full() {
    let _turn = report::alone();
    let messages = super::messages();
    let full = filled("bench_intake_full", messages, true);
    let (mut on_full, mut on_empty) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for _ in 0..ROUNDS {
        let (dir, _) = fresh_now();
        for (dir, rates) in [(dir.path(), &mut on_empty), (full.dir.as_path(), &mut on_full)] {
            let program = Program::serve(dir);
            program.indexed();
            for (all, one) in rates.iter_mut().zip(run(program.smtp)) {
                all.push(one);
            }
            program.filed();
            program.stop();
        }
    }
    for (at, what) in ["new connection each", "connection used again"].into_iter().enumerate() {
        let share = median(&on_full[at]) / median(&on_empty[at]);
        Figure {
            bench: "bench_intake_full",
            what: format!("{messages} there, {what}"),
            ours: format!("{}, {:.0} %", rates(&on_full[at]), share * 100.0),
            against: format!("empty {}", rates(&on_empty[at])),
            bar: "80 % of empty",
            met: Some(share >= 0.8),
        }
        .print();
    }
}

fn fresh_now() -> (tempfile::TempDir, String) {
    tokio::runtime::Runtime::new().unwrap().block_on(fresh())
}
