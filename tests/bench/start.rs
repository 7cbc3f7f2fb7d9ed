//! How long a start takes until `/healthz` answers.

use std::path::Path;

use super::fill::filled;
use super::load::smtp_source;
use super::program::Program;
use super::report::{self, Figure, median};

const ROUNDS: usize = 5;

fn figure(what: String, seconds: &[f64], bar: &'static str, most: f64) {
    let worst = seconds.iter().copied().fold(0.0, f64::max);
    Figure {
        bench: "bench_start",
        what,
        ours: format!("{:.0} ms (worst {:.0})", median(seconds) * 1e3, worst * 1e3),
        against: String::new(),
        bar,
        met: Some(median(seconds) <= most),
    }
    .print();
}

/// Starts after the server before was killed in a burst of mail.
fn killed_in_a_burst(dir: &Path) -> Vec<f64> {
    let mut times = Vec::new();
    let mut program = Program::serve(dir);
    for _ in 0..ROUNDS {
        let smtp = program.smtp;
        let burst = std::thread::spawn(move || {
            // It fails when the server is gone, which is the point.
            let _ = std::panic::catch_unwind(|| smtp_source(smtp, 100_000, false));
        });
        std::thread::sleep(std::time::Duration::from_millis(1500));
        program.kill();
        burst.join().unwrap();
        program = Program::serve(dir);
        times.push(program.started_in.as_secs_f64());
    }
    program.stop();
    times
}

#[test]
#[ignore = "a bench"]
fn bench_start() {
    let _turn = report::alone();
    let full = filled("bench_start", 200_000, true);
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    // The first start reads what the copy left cold.
    Program::serve(&full.dir).stop();
    for _ in 0..ROUNDS {
        let program = Program::serve(&full.dir);
        clean.push(program.started_in.as_secs_f64());
        program.kill();
        let program = Program::serve(&full.dir);
        killed.push(program.started_in.as_secs_f64());
        program.stop();
    }
    figure("200000 messages, clean".into(), &clean, "300 ms", 0.3);
    figure("200000 messages, after kill -9".into(), &killed, "1 s", 1.0);
    drop(full);
    let messages = super::messages();
    let full = filled("bench_start", messages, true);
    let burst = killed_in_a_burst(&full.dir);
    figure(format!("{messages} messages, kill -9 in a burst"), &burst, "3 s (1,000,000)", 3.0);
}
