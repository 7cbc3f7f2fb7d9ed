//! The real binary in a process of its own, in a directory prepared for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::Dns;
use frontdesk::app;
use frontdesk::base::{Clock, Secret};
use frontdesk::config::Config;
use frontdesk::desk::Desk;
use frontdesk::desk::agents::NewAgent;
use frontdesk::domain::{Actor, Incoming, Job, Role};
use frontdesk::store::{Direction, Entity, Key, Rows, Store};

/// Longest anything may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A server in a process of its own; killed when dropped.
pub struct Program {
    child: Child,
    dir: PathBuf,
    pub http: SocketAddr,
    pub smtp: SocketAddr,
    /// From the start of the process until `/healthz` said 200.
    pub started_in: Duration,
}

impl Program {
    /// `frontdesk serve` in `dir`.
    pub fn serve(dir: &Path) -> Program {
        Program::start("serve", dir, &[])
    }

    /// The same, with more settings: the names of environment variables and their values.
    pub fn serve_with(dir: &Path, settings: &[(&str, &str)]) -> Program {
        Program::start("serve", dir, settings)
    }

    /// `frontdesk demo` in `dir`.
    pub fn demo(dir: &Path) -> Program {
        Program::start("demo", dir, &[])
    }

    /// Starts it and waits until it serves. It is a session of its own, as Postfix and every service is: the
    /// kernel shares the processor out by sessions. `BENCH_BINARY` names another binary than this build's.
    fn start(command: &str, dir: &Path, settings: &[(&str, &str)]) -> Program {
        let addresses = dir.join("run").join("addresses.json");
        // A killed server leaves its own behind, by which the next one knows that it was killed.
        let written = || std::fs::metadata(&addresses).and_then(|file| file.modified()).ok();
        let before = written();
        let start = Instant::now();
        let named = settings.iter().find(|(name, _)| *name == "BENCH_BINARY").map(|(_, value)| (*value).to_owned());
        let binary = named.or_else(|| std::env::var("BENCH_BINARY").ok());
        let binary = binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_frontdesk").into());
        let mut program = Command::new("setsid");
        if !settings.iter().any(|(name, _)| *name == "BENCH_BINARY") {
            // An older program may not know this.
            program.env("FRONTDESK_DNS__SERVERS", Dns::of_nothing().to_string());
        }
        let mut child = program
            .arg(binary)
            .arg(command)
            .arg("--data")
            .arg(dir)
            .env("FRONTDESK_HOSTNAME", "desk.example")
            .env("FRONTDESK_LOG", std::env::var("BENCH_LOG").unwrap_or_else(|_| "warn".into()))
            .env("FRONTDESK_HTTP__LISTEN", "127.0.0.1:0")
            .env("FRONTDESK_SMTP__LISTEN", "127.0.0.1:0")
            .env("FRONTDESK_STORE__MIN_FREE_BYTES", "0")
            .env("FRONTDESK_STORE__MIN_FREE_PERCENT", "0")
            .envs(settings.iter().copied().filter(|(name, _)| name.starts_with("FRONTDESK_")))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        if command == "demo" {
            // It serves for a while before that, to load its workspace.
            let mut said = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
            assert!(said.any(|line| line.starts_with("Ctrl-C")), "the demo does not start");
        }
        loop {
            if written() != before
                && let Some((http, smtp)) = addresses_in(&addresses)
                && get(http, "/healthz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
            {
                return Program { child, dir: dir.to_owned(), http, smtp, started_in: start.elapsed() };
            }
            assert!(start.elapsed() < PATIENCE, "the server does not start");
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended at its start: {status}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Private memory that is resident, in MB: `RssAnon` of the kernel's accounts.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// Processor seconds used so far.
    pub fn processor_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let behind_name = stat.rsplit(')').next().unwrap();
        // Fields 14 and 15 of the whole line, in ticks of 10 ms.
        behind_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
    }

    /// Waits until every mail taken is filed.
    pub fn filed(&self) {
        let config = Config::for_testing(&self.dir);
        let store = Store::open_to_read(&self.dir, &app::store_settings(&config)).unwrap();
        wait("mail is filed", || {
            let rows = store.read().unwrap();
            rows.ids(Incoming::TABLE, &Key::new(), None, Direction::Forward, 1).unwrap().is_empty()
        });
    }

    /// Waits until the queue of jobs is empty.
    pub fn sent(&self) {
        let config = Config::for_testing(&self.dir);
        let store = Store::open_to_read(&self.dir, &app::store_settings(&config)).unwrap();
        wait("mail is sent", || {
            let rows = store.read().unwrap();
            rows.ids(Job::TABLE, &Key::new(), None, Direction::Forward, 1).unwrap().is_empty()
        });
    }

    /// Waits until the search index has everything.
    pub fn indexed(&self) {
        wait("the index is complete", || self.metric("search_behind") == Some(0.0));
    }

    /// A figure of `/metrics`.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = get(self.http, "/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("frontdesk_{name} ")))?.to_owned();
        line.trim().parse().ok()
    }

    /// Ends it as a service manager does.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends it as a power cut does, but for what the kernel still writes.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn addresses_in(file: &Path) -> Option<(SocketAddr, SocketAddr)> {
    let found: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    Some((found["http"].as_str()?.parse().ok()?, found["smtp"].as_str()?.parse().ok()?))
}

/// One request on a connection of its own.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Waits until `done`.
pub fn wait(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The desk over the store in `dir`, in this process, with the cache given.
pub fn open_desk(dir: &Path, cache_bytes: usize) -> Arc<Desk> {
    let mut config = Config::for_testing(dir);
    config.store.cache_bytes = cache_bytes;
    let store = app::open_store(&config).unwrap();
    app::build_desk(&config, store, Clock::System).unwrap()
}

/// Makes the owner and the inbox `hello@desk.example`; gives an API token of the owner.
pub async fn set_up(desk: &Desk) -> String {
    let new = NewAgent {
        name: "Ewa Lis".into(),
        email: "ewa@desk.example".into(),
        role: Role::Owner,
        password: Secret::new("correct horse battery"),
        only_assigned: false,
        language: "en".into(),
    };
    let agent = desk.add_agent(Actor::System, new).await.unwrap();
    let session = desk.open_session(agent.id, true).await.unwrap();
    let rows = desk.store.read().unwrap();
    let who = desk.who(&rows, &session.token).unwrap();
    desk.add_inbox(&who, "Hello".into(), None).await.unwrap();
    session.token.expose().to_owned()
}

/// A new directory that is set up, and the owner's token.
pub async fn fresh() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let desk = open_desk(dir.path(), 8 << 20);
    let token = set_up(&desk).await;
    desk.store.close();
    (dir, token)
}
