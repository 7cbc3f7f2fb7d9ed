//! A server from binding to its end.
//!
//! All listeners are bound before anything runs, so that a port in use is an error at once. Stopping goes the
//! other way round: doors first, then those who work, then the store.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{addresses, build_desk, control, descriptors, open_index, open_store, periodic, tls};
use crate::base::Clock;
use crate::channels::email;
use crate::channels::email::authenticating::{Authenticator, Checking};
use crate::channels::email::doctor::{self, Examined, Patient};
use crate::channels::email::filing::file_mail;
use crate::channels::email::imap::{self, Polling, Reach};
use crate::channels::email::sending::Sending;
use crate::channels::email::taking::Taking;
use crate::channels::email::work::Mailing;
use crate::config::Config;
use crate::desk::Desk;
use crate::domain::Actor;
use crate::http::api::{Images, Shown, State};
use crate::http::server::HttpServer;
use crate::http::{self, routes};
use crate::jobs::{Follow, follow, run_periodic, run_queue};
use crate::mail::parser::Parser;
use crate::net::Resolver;
use crate::search::Indexer;
use crate::store::Store;

/// How often the index commits at most.
const INDEX_EVERY: Duration = Duration::from_millis(200);
/// How long it makes way while much comes in: a commit costs about the same for one mail and for a thousand.
const INDEX_MAKES_WAY: Duration = Duration::from_secs(2);

/// A server with its listeners bound, not yet running.
pub struct Server {
    config: Config,
    /// The desk, for whoever prepares the server before it runs.
    pub desk: Arc<Desk>,
    indexer: Arc<Indexer>,
    http: HttpServer,
    smtp: email::Receiver,
    control: UnixListener,
    parser: Parser,
    certificates: Vec<tls::Watched>,
    /// Where the web port is.
    pub http_address: SocketAddr,
    /// Where mail is taken.
    pub smtp_address: SocketAddr,
}

/// A server that runs.
pub struct Running {
    /// The desk.
    pub desk: Arc<Desk>,
    /// Where the web port is.
    pub http_address: SocketAddr,
    /// Where mail is taken.
    pub smtp_address: SocketAddr,
    /// The search index's follower.
    pub indexer: Arc<Indexer>,
    doors: CancellationToken,
    workers: CancellationToken,
    door_tasks: TaskTracker,
    worker_tasks: TaskTracker,
    data_dir: PathBuf,
}

impl Server {
    /// Opens the store and the index and binds all listeners.
    ///
    /// # Errors
    /// In words that say what is wrong and where.
    pub async fn bind(mut config: Config, clock: Clock) -> anyhow::Result<Server> {
        super::prepare_process();
        descriptors::fit(&mut config);
        let store = open_store(&config)?;
        let desk = build_desk(&config, Arc::clone(&store), clock.clone())?;
        own_domain(&desk).await;
        // What a clean stop removes is still there: the index may be torn.
        let unclean = addresses::are_left(&config.data_dir);
        let indexer = Arc::new(open_index(&config, &store, unclean)?);
        let mut web = http::server::Settings::from_config(&config.http);
        let (web_tls, web_files) = tls::for_http(config.http.tls())?.unzip();
        web.tls = web_tls;
        web.bodies = http::bodies(config.http.max_upload_bytes);
        let http = HttpServer::bind(config.http.listen, web)
            .await
            .with_context(|| format!("cannot listen on {} for the web", config.http.listen))?;
        let mut mail = receiver_settings(&config, clock);
        let (mail_tls, mail_files) = tls::for_smtp(&config)?;
        mail.tls = mail_tls;
        let certificates = web_files.into_iter().chain([mail_files]).collect();
        let smtp = email::Receiver::bind(config.smtp.listen, mail)
            .await
            .with_context(|| format!("cannot listen on {} for mail", config.smtp.listen))?;
        let (http_address, smtp_address) = (http.local_addr(), smtp.local_addr()?);
        if in_the_clear(&config.http) {
            tracing::warn!(
                web = %http_address,
                "the web side can be reached from other machines without TLS: passwords and mail cross the network \
                 in the clear. Set http.tls_cert and http.tls_key, or listen on 127.0.0.1 behind a proxy with TLS and \
                 name it in http.trusted_proxies"
            );
        }
        addresses::write(&config.data_dir, http_address, smtp_address)
            .with_context(|| format!("cannot write into {}", config.data_dir.display()))?;
        let control = control::bind(&config.data_dir)?;
        let parser = Parser::start().context("cannot start the parser's thread")?;
        Ok(Server { config, desk, indexer, http, smtp, control, parser, certificates, http_address, smtp_address })
    }

    /// The address people reach the pages at.
    pub fn url(&self) -> String {
        match &self.config.http.public_url {
            Some(url) => url.origin().to_string(),
            None => {
                let scheme = if self.config.http.tls().is_some() { "https" } else { "http" };
                format!("{scheme}://{}", self.http_address)
            }
        }
    }

    /// While nobody has set the installation up: makes a one-time link and gives it.
    ///
    /// # Errors
    /// The store's own.
    pub async fn setup_link(&self) -> anyhow::Result<Option<String>> {
        if !self.desk.needs_setup()? {
            addresses::remove_setup_link(&self.config.data_dir);
            return Ok(None);
        }
        let token = self.desk.open_setup().await?;
        let link = format!("{}/set-up#{}", self.url(), token.expose());
        addresses::write_setup_link(&self.config.data_dir, &link)?;
        Ok(Some(link))
    }

    /// Runs everything.
    pub fn start(self) -> Running {
        let (doors, workers) = (CancellationToken::new(), CancellationToken::new());
        let (door_tasks, worker_tasks) = (TaskTracker::new(), TaskTracker::new());
        let store = Arc::clone(&self.desk.store);
        let clock = self.desk.clock.clone();
        let resolver = Resolver::new(&self.config.dns.servers);
        let authenticator = Arc::new(Authenticator::new(&resolver, &self.config.hostname));
        let delivery = &self.config.delivery;
        let (networks, ipv6) = (&delivery.private_networks, delivery.ipv6);
        let sending = Sending::new(Arc::clone(&self.desk), resolver.clone(), networks, ipv6, workers.clone());
        let sending = Arc::new(sending);
        let networks = &self.config.imap.private_networks;
        let polling = Polling::new(Arc::clone(&self.desk), networks, self.config.smtp.max_message_bytes);
        let state = Arc::new(self.state(Arc::clone(&sending), resolver.clone()));
        let endpoint = routes(state, self.config.http.public_url.clone(), doors.clone());

        // Listeners.
        supervise(&door_tasks, "web", self.http.run(endpoint, doors.clone()));
        supervise(&door_tasks, "mail receiver", self.smtp.run(Taking::new(Arc::clone(&self.desk)), doors.clone()));
        supervise(
            &door_tasks,
            "commands",
            control::serve(self.control, Arc::clone(&self.desk), self.parser.clone(), doors.clone()),
        );

        let filing = file_mail(Arc::clone(&self.desk), self.parser, Arc::clone(&authenticator), workers.clone());
        let checking = Checking { desk: Arc::clone(&self.desk), authenticator, stop: workers.clone() };
        let mailing = Arc::new(Mailing { sending: Arc::clone(&sending), checking });
        // Workers: filing, the queue, the clock, followers.
        supervise(&worker_tasks, "filing", filing);
        supervise(&worker_tasks, "mailboxes", polling.run(workers.clone()));
        supervise(&worker_tasks, "waiting connections", sending.tidy());
        supervise(&worker_tasks, "queue", run_queue(mailing, Arc::clone(&store), clock.clone(), workers.clone()));
        let tasks = periodic::tasks(&self.desk, &self.config, self.certificates);
        supervise(&worker_tasks, "periodic tasks", run_periodic(tasks, clock, workers.clone()));
        let search = Arc::new(SearchFollower {
            store: Arc::clone(&store),
            indexer: Arc::clone(&self.indexer),
            stop: workers.clone(),
        });
        supervise(&worker_tasks, "search", follow(search, store, workers.clone()));

        Running {
            desk: self.desk,
            http_address: self.http_address,
            smtp_address: self.smtp_address,
            indexer: self.indexer,
            doors,
            workers,
            door_tasks,
            worker_tasks,
            data_dir: self.config.data_dir,
        }
    }

    fn state(&self, sending: Arc<Sending>, resolver: Resolver) -> State {
        let hostname = self.desk.hostname.clone();
        let secure = self.config.http.tls().is_some()
            || self.config.http.public_url.as_ref().is_some_and(crate::config::PublicUrl::is_https);
        let reach = Reach::new(&self.config.imap.private_networks);
        State {
            desk: Arc::clone(&self.desk),
            search: Arc::clone(&self.indexer),
            shown: Shown::default(),
            secure,
            try_relay: Box::new(move |relay, to| {
                let sending = Arc::clone(&sending);
                Box::pin(async move { sending.trial(relay, to).await })
            }),
            check_mailbox: Box::new(move |account| {
                let reach = reach.clone();
                Box::pin(async move { imap::check(&account, &reach).await })
            }),
            examine: Box::new(move |domain, takes_mail, relay| {
                let (resolver, hostname) = (resolver.clone(), hostname.clone());
                Box::pin(async move {
                    let patient = Patient { hostname, domain, takes_mail, relay };
                    let published = doctor::next_keys_published(&resolver, &patient.domain);
                    let (findings, published) = tokio::join!(doctor::examine(&resolver, &patient), published);
                    Examined { findings, next_keys_published: published }
                })
            }),
            images: Images::new(self.config.fetch.private_networks.clone()),
            max_upload_bytes: self.config.http.max_upload_bytes,
        }
    }
}

impl Running {
    /// Turns to an error once storage has failed: the process is to stop then.
    pub fn failed(&self) -> tokio::sync::watch::Receiver<Option<crate::store::Error>> {
        self.desk.store.failed()
    }

    /// Stops in order: listeners (what is under way is finished), workers, the store.
    pub async fn stop(self) {
        self.doors.cancel();
        self.door_tasks.close();
        self.door_tasks.wait().await;
        self.workers.cancel();
        self.worker_tasks.close();
        self.worker_tasks.wait().await;
        addresses::clear(&self.data_dir);
        let desk = self.desk;
        // Joining the writer's thread blocks.
        let _ = tokio::task::spawn_blocking(move || desk.store.close()).await;
    }
}

/// Runs a part of the server. One that panics takes the process with it: half a server would lie.
fn supervise(tracker: &TaskTracker, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    struct Guard(&'static str);
    impl Drop for Guard {
        fn drop(&mut self) {
            if std::thread::panicking() {
                tracing::error!(part = self.0, "a part of the server panicked; the process ends");
                std::process::abort();
            }
        }
    }
    tracker.spawn(async move {
        let _guard = Guard(name);
        work.await;
    });
}

/// Makes the DKIM keys of the installation's own host name when there are none yet: its fallback addresses send too.
async fn own_domain(desk: &Desk) {
    if let Err(error) = desk.ensure_domain(Actor::System, &desk.hostname).await {
        tracing::warn!(%error, "the host name has no DKIM keys: mail from its addresses is not signed");
    }
}

/// Whether other machines reach the web side with nobody known to encrypt it.
fn in_the_clear(http: &crate::config::Http) -> bool {
    !http.listen.ip().to_canonical().is_loopback() && http.tls().is_none() && http.trusted_proxies.is_empty()
}

fn receiver_settings(config: &Config, clock: Clock) -> email::Settings {
    let mut settings = email::Settings::new(config.hostname.clone());
    settings.clock = clock;
    settings.limits.connections = config.smtp.max_connections;
    settings.limits.connections_per_address = config.smtp.max_connections_per_address;
    settings.limits.data.message = config.smtp.max_message_bytes;
    settings.timeouts.command = Duration::from_secs(config.smtp.command_timeout_seconds);
    settings.timeouts.data = Duration::from_secs(config.smtp.data_timeout_seconds);
    settings
}

/// The search index as a follower of the log.
struct SearchFollower {
    store: Arc<Store>,
    indexer: Arc<Indexer>,
    stop: CancellationToken,
}

impl Follow for SearchFollower {
    fn name(&self) -> &'static str {
        "search"
    }

    async fn catch_up(&self, _: u64) -> Result<(), String> {
        tokio::select! {
            () = self.store.lull(INDEX_MAKES_WAY) => {}
            () = self.stop.cancelled() => return Ok(()),
        }
        let to = *self.store.committed().borrow();
        let (indexer, stop) = (Arc::clone(&self.indexer), self.stop.clone());
        let work = tokio::task::spawn_blocking(move || indexer.catch_up(to, &|| stop.is_cancelled()));
        work.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        tokio::select! {
            () = tokio::time::sleep(INDEX_EVERY) => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }
}
