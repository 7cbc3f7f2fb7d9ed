//! `frontdesk reindex`: makes the search index anew from the store.

use std::process::ExitCode;
use std::time::Instant;

use crate::app;
use crate::config::Config;

/// Runs it. The index is only a cache: a running server keeps its own, so it has to be stopped.
pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    super::must_have_data(config)?;
    let store = app::open_store(config)?;
    let dir = app::index_dir(&config.data_dir);
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    let start = Instant::now();
    let indexer = app::open_index(config, &store, false)?;
    let last = *store.committed().borrow();
    indexer.catch_up(last, &|| false)?;
    let messages = indexer.index().message_count();
    println!("indexed {messages} messages in {:.1} s", start.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}
