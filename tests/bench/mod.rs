//! Measurements, each beside a peer or a floor that is taken in the same run. `make bench` runs all of them, one
//! after another; `cargo test --release -- --ignored --nocapture bench_intake` runs one.
//!
//! A bench prints one line a figure: ours, what it stands against, the bar and PASS or MISS. None fails for
//! being slow: what a shared machine says about time is for people to read. `BENCH_DATA=DIR` keeps the big
//! stores that some of them start from, so that the next run need not fill them again.

mod fill;
mod importing;
mod intake;
mod latency;
mod letters;
mod lists;
mod live;
mod load;
mod memory;
mod postfix;
mod program;
mod report;
mod search;
mod sending;
mod size;
mod start;
mod verifying;

/// Messages of the largest stores: `BENCH_MESSAGES`, or the 1,000,000 that the bars speak of.
fn messages() -> usize {
    std::env::var("BENCH_MESSAGES").ok().and_then(|number| number.parse().ok()).unwrap_or(1_000_000)
}
