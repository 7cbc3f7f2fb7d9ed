//! The program itself, as a process of its own: started, killed, asked by its commands.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{PASSWORD, PATIENCE};

/// Longest the demo may take to load its workspace, on a machine with much else to do.
const DEMO_PATIENCE: Duration = Duration::from_secs(240);

/// A server that runs as its own process.
pub struct Process {
    pub http: SocketAddr,
    pub smtp: SocketAddr,
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    log: Arc<Mutex<Vec<u8>>>,
}

/// Held for reading while a server of this process gives its directory up and takes it again. A process that
/// is being started holds a copy of all locks for a moment; nobody may meet one of those.
pub static FORKS: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// Starts a process, at a moment when nobody minds.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    let _turn = loop {
        match FORKS.try_write() {
            Ok(turn) => break turn,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    command.spawn()
}

/// Whether a program of the system did what it was asked.
pub fn done(command: &mut Command) -> bool {
    start(command.stdout(Stdio::null()).stderr(Stdio::null())).is_ok_and(|mut child| child.wait().unwrap().success())
}

/// The program with what makes it fit for tests: ports chosen by the system, cheap hashes.
pub fn frontdesk(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FRONTDESK_")) {
        command.env_remove(name);
    }
    command.env_remove("JOURNAL_STREAM");
    for (name, value) in [
        ("HOSTNAME", "desk.example"),
        ("HTTP__LISTEN", "127.0.0.1:0"),
        ("SMTP__LISTEN", "127.0.0.1:0"),
        ("STORE__MIN_FREE_BYTES", "0"),
        ("STORE__MIN_FREE_PERCENT", "0"),
        ("AUTH__ARGON2_MEMORY_KIB", "8192"),
        ("AUTH__ARGON2_ITERATIONS", "1"),
    ] {
        command.env(format!("FRONTDESK_{name}"), value);
    }
    command.env("FRONTDESK_DNS__SERVERS", super::Dns::of_nothing().to_string());
    command.arg("--data").arg(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command of the program to its end.
pub fn run(dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = start(frontdesk(dir).args(arguments).stdin(Stdio::piped())).unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
        .unwrap()
        .wait_with_output()
        .unwrap()
}

/// As [`run`]; what it printed, if it went well.
#[track_caller]
pub fn told(dir: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(dir, arguments, input);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}{error}");
    said.trim_end().to_owned()
}

/// Adds an owner, `ewa@desk.example`.
#[track_caller]
pub fn add_owner(dir: &Path) {
    let arguments = ["agent", "add", "--email", "ewa@desk.example", "--name", "Ewa Lis", "--role", "owner"];
    told(dir, &[&arguments[..], &["--password-stdin"]].concat(), PASSWORD);
}

impl Process {
    /// Starts one and waits until it listens.
    pub fn serve(dir: &Path) -> Process {
        Process::serve_with(dir, |_| {})
    }

    /// As [`Process::serve`], with changes to the command.
    pub fn serve_with(dir: &Path, change: impl FnOnce(&mut Command)) -> Process {
        let told = dir.join("run/addresses.json");
        // One that was killed leaves its own behind.
        let _ = std::fs::remove_file(&told);
        let mut command = frontdesk(dir);
        change(command.arg("serve"));
        let mut child = start(&mut command).unwrap();
        let said = gather(child.stdout.take().unwrap());
        let log = gather(child.stderr.take().unwrap());
        let address = wait_for_addresses(&mut child, &told, &log);
        Process { http: address("http"), smtp: address("smtp"), child, said, log }
    }

    /// Starts the demo, under its own host name, and waits until it has said all: its workspace is loaded by then.
    pub fn demo(dir: &Path) -> Process {
        let mut command = frontdesk(dir);
        let mut child = start(command.env_remove("FRONTDESK_HOSTNAME").arg("demo")).unwrap();
        let said = gather(child.stdout.take().unwrap());
        let log = gather(child.stderr.take().unwrap());
        let words = |of: &Mutex<Vec<u8>>| String::from_utf8_lossy(&of.lock().unwrap()).into_owned();
        let begun = Instant::now();
        while !words(&said).contains("Ctrl-C") {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the demo ended with {status}: {}", words(&log));
            }
            assert!(begun.elapsed() < DEMO_PATIENCE, "the demo does not start: {}", words(&log));
            std::thread::sleep(Duration::from_millis(20));
        }
        let address = wait_for_addresses(&mut child, &dir.join("run/addresses.json"), &log);
        Process { http: address("http"), smtp: address("smtp"), child, said, log }
    }

    /// Its process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end.
    pub fn ask_to_end(&self) {
        let id = self.child.id().to_string();
        assert!(done(Command::new("kill").args(["-TERM", &id])));
    }

    /// Asks it to end, and waits; its log with it.
    pub fn terminate(self) -> (ExitStatus, String) {
        self.ask_to_end();
        self.ended()
    }

    /// Waits until it has ended; with all that it has printed and logged.
    pub fn ended_with_all(self) -> (ExitStatus, String) {
        let said = Arc::clone(&self.said);
        let (status, log) = self.ended();
        (status, String::from_utf8_lossy(&said.lock().unwrap()).into_owned() + &log)
    }

    /// Waits until it has ended by itself; its log with it.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not stop: {}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already when the test was well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(mut from: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let log: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        let mut piece = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            kept.lock().unwrap().extend_from_slice(&piece[..read]);
        }
    });
    log
}

fn wait_for_addresses(child: &mut Child, told: &PathBuf, log: &Mutex<Vec<u8>>) -> impl Fn(&str) -> SocketAddr + use<> {
    let start = Instant::now();
    loop {
        if let Ok(text) = std::fs::read(told) {
            let addresses: serde_json::Value = serde_json::from_slice(&text).unwrap();
            return move |name: &str| addresses[name].as_str().unwrap().parse().unwrap();
        }
        let log = || String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
        if let Some(status) = child.try_wait().unwrap() {
            std::thread::sleep(Duration::from_millis(100));
            panic!("it ended with {status}: {}", log());
        }
        assert!(start.elapsed() < PATIENCE, "it does not start: {}", log());
        std::thread::sleep(Duration::from_millis(5));
    }
}
