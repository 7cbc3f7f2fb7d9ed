//! `frontdesk check`: every invariant of the data, beside a running server or without one.

use std::process::ExitCode;
use std::sync::Arc;

use crate::app;
use crate::config::Config;
use crate::store::{Error, Store};

/// Runs it; the exit code says whether all is well.
pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let store = open(config)?;
    let report = store.check(true)?;
    for (table, rows) in &report.rows {
        println!("{table}: {rows}");
    }
    for fault in &report.faults {
        println!("fault: {fault}");
    }
    if report.is_clean() {
        println!("all is well");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("{} faults", report.fault_count);
        Ok(ExitCode::FAILURE)
    }
}

/// Opens the data to read, beside a running server; after a crash, with nobody serving, it is repaired first.
pub(super) fn open(config: &Config) -> anyhow::Result<Arc<Store>> {
    let settings = app::store_settings(config);
    super::must_have_data(config)?;
    Ok(match Store::open_to_read(&config.data_dir, &settings) {
        Err(Error::Storage(_)) => Store::open(&config.data_dir, &settings)?,
        other => other?,
    })
}
