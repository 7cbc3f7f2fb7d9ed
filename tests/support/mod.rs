//! A whole server for a test: its own ports and directory, a clock that stands still, a mail sink behind it.
//!
//! Tests speak to it as the outside does: SMTP, HTTP, the live socket. When it stops, the store's invariants
//! are checked, no mail, job or follower may be left behind, and nothing may have been logged as an error that the
//! test did not expect.

pub mod api;
#[allow(dead_code, reason = "it says more than the tests ask yet")]
pub mod dns;
pub mod dovecot;
pub mod errors;
pub mod live;
pub mod process;
pub mod signed;
pub mod sink;
pub mod smtp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use frontdesk::app::{Running, Server};
use frontdesk::base::{Clock, Secret, Timestamp};
use frontdesk::config::{Config, Relay, RelayTls};
use frontdesk::desk::agents::NewAgent;
use frontdesk::domain::{Actor, AgentId, Role};
use frontdesk::store::{Key, Rows, Table};
use tempfile::TempDir;

pub use api::Client;
pub use dns::Dns;
pub use live::Live;
pub use sink::Sink;

/// The password of every agent in tests.
pub const PASSWORD: &str = "correct horse battery";
/// Longest anything may take to show its effect.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Where the clock of a test stands at first: 2026-03-02 09:00 UTC, a Monday.
pub const START: Timestamp = Timestamp(1_772_442_000_000);

/// A server that runs, with its owner and one inbox, `hello@desk.example`.
pub struct TestServer {
    pub running: Option<Running>,
    pub clock: Clock,
    pub sink: Sink,
    /// The name server it asks; it knows no name until a test tells it one.
    pub dns: Dns,
    config: Config,
    dir: Option<TempDir>,
}

impl TestServer {
    /// Starts one with an owner and an inbox.
    pub async fn start() -> TestServer {
        TestServer::start_with(|_| {}).await
    }

    /// As [`TestServer::start`], with changes to the configuration.
    pub async fn start_with(tweak: impl FnOnce(&mut Config)) -> TestServer {
        let server = TestServer::start_empty(tweak).await;
        server.add_agent("Ewa Lis", "ewa@desk.example", Role::Owner).await;
        server.owner().await.post("/inboxes", serde_json::json!({ "name": "Hello" })).await.expect(201);
        server
    }

    /// Starts one that nobody has set up.
    pub async fn start_empty(tweak: impl FnOnce(&mut Config)) -> TestServer {
        errors::watch();
        let dir = tempfile::tempdir().unwrap();
        let sink = Sink::start();
        let mut config = Config::for_testing(dir.path());
        let dns = Dns::start();
        config.dns.servers = vec![dns.address];
        config.relay = Some(Relay {
            host: sink.address.ip().to_string(),
            port: sink.address.port(),
            tls: RelayTls::None,
            credentials: None,
        });
        tweak(&mut config);
        let clock = Clock::fake(START);
        let running = Server::bind(config.clone(), clock.clone()).await.unwrap().start();
        TestServer { running: Some(running), clock, sink, dns, config, dir: Some(dir) }
    }

    /// The running server.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }

    /// Where mail is taken.
    pub fn smtp(&self) -> SocketAddr {
        self.running().smtp_address
    }

    /// Where the web port is.
    pub fn http(&self) -> SocketAddr {
        self.running().http_address
    }

    /// The data directory.
    pub fn dir(&self) -> &std::path::Path {
        &self.config.data_dir
    }

    /// Adds an agent past the doors; gives their id.
    pub async fn add_agent(&self, name: &str, email: &str, role: Role) -> u64 {
        self.add_agent_who(name, email, role, false).await
    }

    /// Adds an agent who may see only what is assigned to them.
    pub async fn add_restricted(&self, name: &str, email: &str) -> u64 {
        self.add_agent_who(name, email, Role::Agent, true).await
    }

    async fn add_agent_who(&self, name: &str, email: &str, role: Role, only_assigned: bool) -> u64 {
        let new = NewAgent {
            name: name.into(),
            email: email.into(),
            role,
            password: Secret::new(PASSWORD),
            only_assigned,
            language: "en".into(),
        };
        self.running().desk.add_agent(Actor::System, new).await.unwrap().id.0
    }

    /// A new token of an agent, for a cookie or as a bearer.
    pub async fn token(&self, agent: u64, api: bool) -> String {
        let session = self.running().desk.open_session(AgentId(agent), api).await.unwrap();
        session.token.expose().to_owned()
    }

    /// The owner, signed in.
    pub async fn owner(&self) -> Client {
        self.sign_in("ewa@desk.example").await
    }

    /// An agent, signed in with a session.
    pub async fn sign_in(&self, email: &str) -> Client {
        let mut client = self.anonymous();
        client.sign_in(email, PASSWORD).await.expect(201);
        client
    }

    /// Nobody in particular.
    pub fn anonymous(&self) -> Client {
        Client::new(self.http())
    }

    /// Moves the clock, and waits until the parts that go by it have had time to see it.
    pub async fn pass(&self, seconds: i64) {
        self.clock.advance_millis(seconds * 1000);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// Sends a mail by SMTP and waits until it is filed.
    pub async fn receive(&self, from: &str, to: &str, mail: &str) {
        smtp::send(self.smtp(), from, &[to], mail.as_bytes()).await.unwrap();
        self.filed().await;
    }

    /// Waits until no mail waits to be filed.
    pub async fn filed(&self) {
        self.until("mail is filed", || {
            let rows = self.running().desk.store.read().unwrap();
            rows.ids(Table::Incoming, &Key::new(), None, frontdesk::store::Direction::Forward, 1).unwrap().is_empty()
        })
        .await;
    }

    /// Waits until the search index has everything.
    pub async fn indexed(&self) {
        self.until("the index is up to date", || self.running().indexer.behind() == 0).await;
    }

    /// Waits until `done`.
    pub async fn until(&self, what: &str, done: impl Fn() -> bool) {
        let start = std::time::Instant::now();
        while !done() {
            assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// As [`TestServer::until`], for what has to be asked for.
    pub async fn until_it(&self, what: &str, done: impl AsyncFn() -> bool) {
        let start = std::time::Instant::now();
        while !done().await {
            assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops the server and starts it again on the same data.
    pub async fn restart(&mut self) {
        self.restart_after(|_| {}).await;
    }

    /// As [`TestServer::restart`], with something done to the data directory in between.
    pub async fn restart_after(&mut self, change: impl FnOnce(&std::path::Path)) {
        let _nobody_forks = process::FORKS.read().await;
        self.running.take().expect("the server runs").stop().await;
        change(&self.config.data_dir);
        let server = Server::bind(self.config.clone(), self.clock.clone()).await.unwrap();
        self.running = Some(server.start());
    }

    /// Says that an error with these words is going to be logged, which it has to be when the server has stopped.
    pub fn expect_error(&self, words: &str) {
        errors::expect(words);
    }

    /// Stops the server; checks the store, that nothing was left behind and that no error was logged.
    pub async fn stop(mut self) {
        let store = Arc::clone(&self.running().desk.store);
        self.filed_in(&store).await;
        self.indexed().await;
        self.running.take().expect("the server runs").stop().await;
        let report = store.check(true).unwrap();
        assert!(report.is_clean(), "{:#?}", report.faults);
        let rows = store.read().unwrap();
        let jobs = rows.all::<frontdesk::domain::Job>().unwrap();
        let overdue: Vec<_> = jobs.iter().filter(|job| job.due_at <= self.clock.now()).collect();
        assert!(overdue.is_empty(), "jobs were left behind: {overdue:?}");
        drop(rows);
        let surprises = errors::surprises();
        assert!(surprises.is_empty(), "{surprises:#?}");
        drop(store);
        drop(self.dir.take());
    }

    async fn filed_in(&self, store: &frontdesk::store::Store) {
        let start = std::time::Instant::now();
        loop {
            let rows = store.read().unwrap();
            let waiting =
                rows.ids(Table::Incoming, &Key::new(), None, frontdesk::store::Direction::Forward, 1).unwrap();
            let due = rows.all::<frontdesk::domain::Job>().unwrap().iter().any(|job| job.due_at <= self.clock.now());
            if waiting.is_empty() && !due {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "mail or jobs were left behind");
            drop(rows);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.running.is_some() && !std::thread::panicking() {
            panic!("a test ends with server.stop().await, which checks what it left behind");
        }
    }
}

/// A plain mail.
pub fn mail(from: &str, subject: &str, body: &str) -> String {
    mail_with(from, subject, "", body)
}

/// A plain mail with further header lines, each ended by CRLF.
pub fn mail_with(from: &str, subject: &str, headers: &str, body: &str) -> String {
    let body = body.replace('\n', "\r\n");
    format!(
        "From: {from}\r\nTo: hello@desk.example\r\nSubject: {subject}\r\n{headers}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    )
}
