//! The configuration file: one struct a section, documented where it is defined, checked once.
//!
//! Never read anywhere but at start. A key is taken from the environment
//! (`FRONTDESK_SECTION__KEY`, `FRONTDESK_KEY` for those of no section), else from the file, else
//! from its default. Everything that is wrong is told at once, with file, key, value and what is allowed.

mod cidr;
mod example;
mod sections;
mod source;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::Secret;

pub use cidr::Cidr;
pub use example::example;
pub use sections::{Auth, Delivery, Dns, Fetch, Http, Imap, Retention, Search, Smtp, Store};
pub use source::{Error, Problem};
pub use values::{Hostname, LogFilter, PublicUrl, RelayTls, TlsFiles};

use sections::{General, RawRelay, Section as _};
use source::Source;

/// Everything the server is told at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory of the store, the blobs, the index and the secret key.
    pub data_dir: PathBuf,
    /// The name this machine greets and signs with; an A-label host name.
    pub hostname: String,
    /// What is logged, in `tracing-subscriber`'s filter language.
    pub log: String,
    /// The web side.
    pub http: Http,
    /// The receiver of mail.
    pub smtp: Smtp,
    /// The domain name system.
    pub dns: Dns,
    /// Mail that goes straight to its recipients' servers.
    pub delivery: Delivery,
    /// Mailboxes elsewhere.
    pub imap: Imap,
    /// The server that outgoing mail is handed to; `None` when the file names none.
    pub relay: Option<Relay>,
    /// The store.
    pub store: Store,
    /// The search index.
    pub search: Search,
    /// Passwords and sessions.
    pub auth: Auth,
    /// What is fetched for agents.
    pub fetch: Fetch,
    /// What is deleted when.
    pub retention: Retention,
}

/// The server that outgoing mail is handed to.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: RelayTls,
    /// User name and password, when it asks for them.
    pub credentials: Option<(String, Secret)>,
}

impl Config {
    /// Reads `path` (the defaults alone without one) and the process's environment.
    ///
    /// # Errors
    /// Names every key that is unknown, malformed or out of range, or the file when it cannot be read.
    pub fn load(path: Option<&Path>) -> Result<Config, Error> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| Error::unreadable(path, &error))?,
            None => String::new(),
        };
        let name = path.map_or_else(|| String::from("configuration"), |path| path.display().to_string());
        Config::read(
            &name,
            &text,
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    /// Reads `text`, called `name` in errors, under the variables of `environment`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read(
        name: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, Error> {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let mut source = Source::new(name, text, environment)?;
        let general = General::read(&mut source);
        let http = Http::read(&mut source);
        let smtp = Smtp::read(&mut source);
        let dns = Dns::read(&mut source);
        let delivery = Delivery::read(&mut source);
        let imap = Imap::read(&mut source);
        let relay = RawRelay::read(&mut source);
        let store = Store::read(&mut source);
        let search = Search::read(&mut source);
        let auth = Auth::read(&mut source);
        let fetch = Fetch::read(&mut source);
        let retention = Retention::read(&mut source);
        if let Some(http) = &http {
            sections::check_http(http, &mut source);
        }
        if let Some(smtp) = &smtp {
            sections::check_smtp(smtp, &mut source);
        }
        let relay = relay.map(|raw| sections::check_relay(raw, &mut source));
        source.refuse_the_rest(sections::ALL);
        let config = (|| {
            let general = general?;
            Some(Config {
                data_dir: general.data_dir,
                hostname: general.hostname.unwrap_or_else(Hostname::of_this_machine).0,
                log: general.log.0,
                http: http?,
                smtp: smtp?,
                dns: dns?,
                delivery: delivery?,
                imap: imap?,
                relay: relay?,
                store: store?,
                search: search?,
                auth: auth?,
                fetch: fetch?,
                retention: retention?,
            })
        })();
        source.finish(config)
    }

    /// A configuration for a server that a test starts: data in `dir`, ports chosen by the system,
    /// cheap password hashes, no demand on free disk.
    #[expect(clippy::expect_used, reason = "the defaults are constants, and a test reads them")]
    pub fn for_testing(dir: &Path) -> Config {
        let mut config = Config::read("defaults", "", []).expect("the defaults are right");
        config.data_dir = dir.to_path_buf();
        config.hostname = String::from("desk.example");
        config.http.listen.set_port(0);
        config.smtp.listen.set_port(0);
        // Nobody answers there, and nothing is asked of the world.
        config.dns.servers = vec![std::net::SocketAddr::from(([127, 0, 0, 1], 9))];
        config.store.min_free_bytes = 0;
        config.store.min_free_percent = 0;
        config.auth.argon2_memory_kib = 64;
        config.auth.argon2_iterations = 1;
        config
    }
}

#[cfg(test)]
mod tests;
