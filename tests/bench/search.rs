//! How long searches take among 200,000 messages, over HTTP.

use std::fmt::Write;
use std::time::Instant;

use super::fill::filled;
use super::letters::{Dice, Words};
use super::program::Program;
use super::report::{self, Figure, Times};
use crate::support::Client;

const MESSAGES: usize = 200_000;
/// How often each query is asked.
const TIMES: usize = 10;

/// Two hundred queries as people ask them, the same in every run.
fn queries() -> Vec<String> {
    let (words, mut dice) = (Words::new(), Dice::new(11));
    let mut word = |from: u64, to: u64| words.rank((from + dice.below(to - from)) as usize).to_owned();
    (0..200)
        .map(|at| match at % 10 {
            0 => word(0, 20),
            1 => word(100, 1000),
            2 => word(2000, 20_000),
            3 => format!("{} {}", word(0, 100), word(100, 5000)),
            4 => format!("{} {} {}", word(0, 50), word(0, 50), word(50, 500)),
            5 => word(100, 2000).chars().take(4).collect::<String>() + "*",
            6 => format!("from:{} {}", word(100, 5000), word(0, 100)),
            7 => format!("subject:{}", word(20, 2000)),
            8 => format!("{} has:attachment is:open", word(20, 500)),
            _ => format!("{} OR {} -{}", word(100, 1000), word(1000, 5000), word(0, 50)),
        })
        .collect()
}

/// Phrases of two very common words.
fn phrases() -> Vec<String> {
    let words = Words::new();
    (0..10).map(|at| format!("\"{} {}\"", words.rank(at), words.rank(9 - at))).collect()
}

fn encoded(query: &str) -> String {
    query.bytes().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

async fn ask(client: &Client, queries: &[String]) -> (Times, usize) {
    let (mut times, mut found) = (Times::default(), 0);
    for round in 0..=TIMES {
        for query in queries {
            let path = format!("/search?limit=50&q={}", encoded(query));
            let start = Instant::now();
            let answer = client.get(&path).await;
            let took = start.elapsed();
            let rows = answer.expect(200)["items"].as_array().unwrap().len();
            // The first round warms what is read from disk.
            if round > 0 {
                times.add(took);
                found += rows;
            }
        }
    }
    (times, found)
}

#[test]
#[ignore = "a bench"]
fn bench_search() {
    let _turn = report::alone();
    let full = filled("bench_search", MESSAGES, true);
    let program = Program::serve(&full.dir);
    program.indexed();
    let client = Client::new(program.http).with_token(&full.token);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (what, queries, bar, most) in
        [("200 mixed queries", queries(), "p99 15 ms", 15.0), ("phrases of common words", phrases(), "p99 60 ms", 60.0)]
    {
        let (times, found) = runtime.block_on(ask(&client, &queries));
        Figure {
            bench: "bench_search",
            what: format!("{what}, {MESSAGES} messages"),
            ours: times.words(),
            against: format!("{:.1} rows an answer", found as f64 / (queries.len() * TIMES) as f64),
            bar,
            met: Some(times.at(0.99) <= most),
        }
        .print();
        if std::env::var_os("BENCH_EACH").is_some() {
            for query in &queries {
                let (times, found) = runtime.block_on(ask(&client, std::slice::from_ref(query)));
                report::note("bench_search", query.clone(), format!("{} {} rows", times.words(), found / TIMES));
            }
        }
    }
    program.stop();
}
