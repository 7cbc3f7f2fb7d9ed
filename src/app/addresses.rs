//! Where a running server is to be found: files in `run/` of the data directory, for scripts and people.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The directory for what lives as long as the server.
pub(super) fn run_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("run")
}

/// Writes `run/addresses.json`: the bound addresses.
pub(super) fn write(data_dir: &Path, http: SocketAddr, smtp: SocketAddr) -> std::io::Result<()> {
    let body = serde_json::json!({ "http": http.to_string(), "smtp": smtp.to_string() });
    put(data_dir, "addresses.json", &format!("{body}\n"))
}

/// Where a running server takes mail, if one runs.
pub fn receiver_of(data_dir: &Path) -> Option<SocketAddr> {
    let text = std::fs::read_to_string(run_dir(data_dir).join("addresses.json")).ok()?;
    let told: serde_json::Value = serde_json::from_str(&text).ok()?;
    told.get("smtp")?.as_str()?.parse().ok()
}

/// Writes the set-up link where only the server's user can read it.
pub(super) fn write_setup_link(data_dir: &Path, link: &str) -> std::io::Result<()> {
    put(data_dir, "setup-link.txt", &format!("{link}\n"))
}

/// Removes what a stopped server is not to leave behind.
pub(super) fn clear(data_dir: &Path) {
    for name in ["addresses.json", "setup-link.txt", "control.sock"] {
        // What is not there needs no removing.
        let _ = std::fs::remove_file(run_dir(data_dir).join(name));
    }
}

/// Whether a server that ran here before did not stop in order.
pub(super) fn are_left(data_dir: &Path) -> bool {
    run_dir(data_dir).join("addresses.json").exists()
}

/// Forgets the set-up link once it is spent.
pub(super) fn remove_setup_link(data_dir: &Path) {
    let _ = std::fs::remove_file(run_dir(data_dir).join("setup-link.txt"));
}

fn put(data_dir: &Path, name: &str, body: &str) -> std::io::Result<()> {
    let dir = run_dir(data_dir);
    if !dir.exists() {
        std::fs::DirBuilder::new().mode(0o700).create(&dir)?;
    }
    let new = dir.join(format!("{name}.new"));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(body.as_bytes())?;
    std::fs::rename(new, dir.join(name))
}
