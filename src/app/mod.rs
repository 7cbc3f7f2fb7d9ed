//! Builds everything from the configuration, lists every job, follower and listener; binds, runs, stops in
//! order. The life of the process, on one page.
//!
//! Never logic.

mod addresses;
mod control;
pub mod demo;
mod descriptors;
mod periodic;
mod run;
mod tls;

pub use addresses::receiver_of;
pub use control::{Reply, Request, ask, ask_to_import, begin_import, carry_out};
pub use run::{Running, Server};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use crate::base::Clock;
use crate::config::Config;
use crate::desk::Desk;
use crate::desk::access::{Access, Settings as AccessSettings};
use crate::desk::workspace::{Relay, Seal};
use crate::domain::workspace::RelayTls;
use crate::search;
use crate::store::{self, Store};

/// Installs what the whole process shares: the one TLS provider, before anything asks for one; all the open
/// files it may have.
pub fn prepare_process() {
    descriptors::raise();
    // A second call finds it installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Has every file that this process makes be for its user alone, also those that libraries make.
pub fn keep_files_private() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
}

/// How the store uses the machine, from the configuration.
pub fn store_settings(config: &Config) -> store::Settings {
    store::Settings {
        cache_bytes: config.store.cache_bytes,
        min_free_bytes: config.store.min_free_bytes,
        min_free_percent: config.store.min_free_percent,
        now: Clock::System.now(),
        ..store::Settings::default()
    }
}

/// Opens the store for this process.
///
/// # Errors
/// In words that say what to do.
pub fn open_store(config: &Config) -> anyhow::Result<Arc<Store>> {
    let dir = &config.data_dir;
    Store::open(dir, &store_settings(config)).with_context(|| format!("cannot open the data in {}", dir.display()))
}

/// Builds the desk over a store.
///
/// # Errors
/// When the hashing parameters are not possible or the key cannot be read.
pub fn build_desk(config: &Config, store: Arc<Store>, clock: Clock) -> anyhow::Result<Arc<Desk>> {
    let auth = &config.auth;
    let access = Access::new(&AccessSettings {
        memory_kib: auth.argon2_memory_kib,
        iterations: auth.argon2_iterations,
        parallelism: auth.argon2_parallelism,
        max_parallel: auth.max_parallel_hashes,
        session_days: i64::from(auth.session_days),
    })
    .map_err(|words| anyhow!("[auth]: {words}"))?;
    let key = config.data_dir.join("secret.key");
    let seal = Seal::open_file(&key).with_context(|| format!("cannot use {}", key.display()))?;
    let configured_relay = config.relay.as_ref().map(|relay| Relay {
        host: relay.host.clone(),
        port: relay.port,
        tls: match relay.tls {
            crate::config::RelayTls::Required => RelayTls::Required,
            crate::config::RelayTls::StartTls => RelayTls::StartTls,
            crate::config::RelayTls::None => RelayTls::None,
        },
        credentials: relay.credentials.clone(),
    });
    let hostname = config.hostname.to_lowercase();
    Ok(Arc::new(Desk { store, clock, hostname, access, configured_relay, signers: Default::default(), seal }))
}

/// Opens the search index beside the store.
///
/// # Errors
/// When the disk or its permissions fail; a damaged index is made anew.
pub fn open_index(config: &Config, store: &Arc<Store>, verify: bool) -> anyhow::Result<search::Indexer> {
    let settings =
        search::Settings { writer_heap_bytes: config.search.writer_heap_bytes, verify, ..search::Settings::default() };
    let dir = index_dir(&config.data_dir);
    let (index, state) =
        search::Index::open(&dir, settings).with_context(|| format!("cannot open the index in {}", dir.display()))?;
    if let search::OpenState::Rebuilt(reason) = state {
        tracing::warn!(reason, "the search index could not be used; it is made anew");
    }
    Ok(search::Indexer::new(Arc::new(index), Arc::clone(store)))
}

/// Where the search index lies. It may be deleted at any time.
pub fn index_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("search")
}
