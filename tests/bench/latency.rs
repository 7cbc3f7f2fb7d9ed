//! How long one sender waits for the 250, beside a bare write and sync of the same bytes.

use std::io::Write;
use std::time::Instant;

use super::letters::Letters;
use super::load::Session;
use super::program::{Program, fresh};
use super::report::{self, Figure, Times};

/// Mails sent, one after another.
const MAILS: usize = 1000;

#[test]
#[ignore = "a bench"]
fn bench_latency() {
    let _turn = report::alone();
    let (dir, _) = tokio::runtime::Runtime::new().unwrap().block_on(fresh());
    let program = Program::serve(dir.path());
    let mut file = tempfile::tempfile_in(dir.path()).unwrap();
    let mut letters = Letters::new(3);
    let mut session = Session::open(program.smtp);
    let (mut ours, mut floor) = (Times::default(), Times::default());
    for _ in 0..MAILS {
        let letter = letters.five_kb();
        ours.add(session.send(&letter.from, &letter.bytes));
        let start = Instant::now();
        file.write_all(&letter.bytes).unwrap();
        file.sync_data().unwrap();
        floor.add(start.elapsed());
    }
    program.filed();
    program.stop();
    for (share, name, bar, times) in
        [(0.5, "median", "4 times the floor", 4.0), (0.99, "p99", "10 times the floor's p99", 10.0)]
    {
        let ratio = ours.at(share) / floor.at(share);
        Figure {
            bench: "bench_latency",
            what: format!("last byte to 250, {name}"),
            ours: format!("{:.2} ms, {ratio:.1} times", ours.at(share)),
            against: format!("write + fdatasync {:.2} ms", floor.at(share)),
            bar,
            met: Some(ratio < times),
        }
        .print();
    }
    let of_median = ours.at(0.99) / floor.at(0.5);
    report::note("bench_latency", "p99 over the floor's median", format!("{of_median:.1} times"));
}
