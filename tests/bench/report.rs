//! How figures are printed, and how benches keep out of each other's way.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other bench runs.
pub fn alone() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One figure beside what it stands against.
pub struct Figure {
    /// The bench.
    pub bench: &'static str,
    /// What was measured.
    pub what: String,
    /// What we reached.
    pub ours: String,
    /// What a peer or the bare disk reached; empty when the bar is a plain number.
    pub against: String,
    /// The bar in words.
    pub bar: &'static str,
    /// Whether it was met; none for what has no bar.
    pub met: Option<bool>,
}

impl Figure {
    /// Prints it in one line, with how busy the machine was.
    pub fn print(&self) {
        let verdict = match self.met {
            Some(true) => "PASS",
            Some(false) => "MISS",
            None => "    ",
        };
        let Figure { bench, what, ours, against, bar, .. } = self;
        println!("{verdict} | {bench:<17} | {what:<34} | {ours:<32} | {against:<32} | {bar:<26} | load {}", load());
    }
}

/// Prints something that has no bar.
pub fn note(bench: &'static str, what: impl Into<String>, ours: impl Into<String>) {
    Figure { bench, what: what.into(), ours: ours.into(), against: String::new(), bar: "", met: None }.print();
}

/// The load of the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

/// Times of one thing done many times.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time that a share of all stay within, in milliseconds.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }

    /// Median and 99th percentile in words.
    pub fn words(&self) -> String {
        format!("p50 {:.2} p99 {:.2} ms (n={})", self.at(0.5), self.at(0.99), self.0.len())
    }
}

/// The median of some rates.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Rates in words: the median and the range.
pub fn rates(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    format!("{:.0}/s ({low:.0}-{high:.0})", median(values))
}
