//! `frontdesk backup` and `frontdesk restore`.

use std::path::Path;
use std::process::ExitCode;

use crate::base::Clock;
use crate::config::Config;
use crate::store::restore;

/// Makes a backup.
pub(super) fn run(config: &Config, to: &Path, include_secrets: bool) -> anyhow::Result<ExitCode> {
    let store = super::check::open(config)?;
    let report = store.backup(to, Clock::System.now(), include_secrets)?;
    let megabytes = report.size.div_ceil(1 << 20);
    println!(
        "{}: {megabytes} MiB, {} rows and {} files up to change {}, read back and compared",
        report.path.display(),
        report.rows,
        report.files,
        report.change
    );
    if !report.secrets {
        println!("without secret.key: passwords kept in the settings have to be typed anew after restoring");
    }
    Ok(ExitCode::SUCCESS)
}

/// Restores a backup.
pub(super) fn run_restore(config: &Config, from: &Path) -> anyhow::Result<ExitCode> {
    let report = restore(from, &config.data_dir)?;
    println!(
        "{}: {} rows and {} files up to change {}, made {} by frontdesk {}; checked, all is well",
        config.data_dir.display(),
        report.rows,
        report.files,
        report.change,
        report.created_at.rfc3339(),
        report.program
    );
    println!("the search index is made anew when the server starts");
    Ok(ExitCode::SUCCESS)
}
