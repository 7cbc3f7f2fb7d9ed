//! From the 250 to the frame on an agent's socket: at rest, under steady mail, and in a burst.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::load::{Session, smtp_source};
use super::program::{Program, fresh, wait};
use super::report::{self, Figure, Times};

/// Mails that are followed to their frame, of each kind of weather.
const PROBES: usize = 200;
/// Mails of a burst, by 50 sessions at once.
const BURST: usize = 1000;

/// When the frame about each subject came.
type Seen = Arc<Mutex<HashMap<String, Instant>>>;

/// Follows the live socket on a thread of its own, for as long as the server runs.
fn follow(http: SocketAddr, token: &str, seen: Seen) -> std::thread::JoinHandle<()> {
    let mut request = format!("ws://{http}/api/v1/live").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (ready, is_ready) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let (mut stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            ready.send(()).unwrap();
            while let Some(Ok(frame)) = stream.next().await {
                let now = Instant::now();
                let Ok(text) = frame.to_text() else { continue };
                // A whole parse of each frame would slow the reader down in a burst.
                if let Some(at) = text.find("\"subject\":\"probe ") {
                    let subject: String = text[at + 11..].chars().take_while(|c| *c != '"').collect();
                    seen.lock().unwrap().entry(subject).or_insert(now);
                }
            }
        });
    });
    is_ready.recv().unwrap();
    thread
}

/// Sends probes, one each `pause`, until there are enough or `enough` says so; when each was accepted.
fn probe(smtp: SocketAddr, name: &str, pause: Duration, enough: impl Fn(usize) -> bool) -> Vec<(String, Instant)> {
    let mut session = Session::open(smtp);
    let mut sent = Vec::new();
    while !enough(sent.len()) {
        let subject = format!("probe {name} {}", sent.len());
        let mail = format!(
            "From: Probe <probe@load.example>\r\nTo: hello@desk.example\r\nSubject: {subject}\r\nMessage-ID: <{name}.{}@load>\r\n\r\nHow long?\r\n",
            sent.len()
        );
        session.send("probe@load.example", mail.as_bytes());
        sent.push((subject, Instant::now()));
        std::thread::sleep(pause);
    }
    sent
}

fn times(sent: &[(String, Instant)], seen: &Seen) -> Times {
    wait("all frames have come", || sent.iter().all(|(subject, _)| seen.lock().unwrap().contains_key(subject)));
    let seen = seen.lock().unwrap();
    let mut times = Times::default();
    for (subject, at) in sent {
        times.add(seen[subject].saturating_duration_since(*at));
    }
    times
}

fn figure(what: &str, times: &Times, judged: bool) {
    Figure {
        bench: "bench_live",
        what: what.into(),
        ours: times.words(),
        against: String::new(),
        bar: if judged { "p99 300 ms" } else { "" },
        met: judged.then_some(times.at(0.99) <= 300.0),
    }
    .print();
}

#[test]
#[ignore = "a bench"]
fn bench_live() {
    let _turn = report::alone();
    let (dir, token) = tokio::runtime::Runtime::new().unwrap().block_on(fresh());
    let program = Program::serve(dir.path());
    let seen = Seen::default();
    let follower = follow(program.http, &token, Arc::clone(&seen));
    let smtp = program.smtp;

    let sent = probe(smtp, "rest", Duration::from_millis(60), |sent| sent >= PROBES);
    figure("250 to frame, at rest", &times(&sent, &seen), true);

    // 100 mails a second beside the probes.
    let steady = std::thread::spawn(move || probe(smtp, "steady-load", Duration::from_millis(9), |sent| sent >= 1000));
    let sent = probe(smtp, "steady", Duration::from_millis(40), |sent| sent >= PROBES);
    let beside = steady.join().unwrap();
    figure("250 to frame, 100 mails/s beside", &times(&sent, &seen), true);
    times(&beside, &seen);

    for (name, mails, judged) in [("burst", BURST, true), ("flood", 10 * BURST, false)] {
        let burst = std::thread::spawn(move || smtp_source(smtp, mails, false));
        let sent = probe(smtp, name, Duration::from_millis(2), |sent| sent > 0 && burst.is_finished());
        let rate = burst.join().unwrap();
        figure(&format!("250 to frame, {mails} mails at once"), &times(&sent, &seen), judged);
        report::note("bench_live", format!("{mails} mails at once"), format!("taken at {rate:.0}/s"));
        program.filed();
        std::thread::sleep(Duration::from_secs(1));
    }
    program.stop();
    follower.join().unwrap();
}
