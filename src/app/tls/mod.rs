//! The certificates that listeners show, from files that are read at start and again when they change.

mod own;

use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use crate::config::{Config, TlsFiles};
use crate::http::server::load_tls;

/// Seconds between two looks at the files.
pub(super) const LOOK_SECONDS: i64 = 30;

/// What tells one version of a file from the next: inode, length, time of change. `None` while it is not there.
type Stamp = Option<(u64, u64, i64, i64)>;

/// A listener's certificate files, and where what they hold is shown from.
pub(super) struct Watched {
    section: &'static str,
    files: TlsFiles,
    seen: Mutex<[Stamp; 2]>,
    show: Box<dyn Fn(Arc<ServerConfig>) + Send + Sync>,
}

impl Watched {
    /// Shows the files' certificate to new connections if they changed; those that are open keep theirs. Files that
    /// cannot be used leave the old one in place, and are tried again when they change once more.
    ///
    /// # Errors
    /// What is wrong with the files, once for each version of them.
    pub(super) fn look(&self) -> Result<(), String> {
        let now = stamps(&self.files);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return Ok(());
            }
            // Noted before they are read: what changes meanwhile is seen the next time.
            *seen = now;
        }
        let section = self.section;
        let config =
            load_tls(&self.files).map_err(|error| format!("[{section}] keeps its old certificate: {error}"))?;
        (self.show)(config);
        tracing::info!(section, "a new certificate is shown");
        Ok(())
    }
}

/// Where a listener takes its configuration from at each connection.
type Slot<T> = Arc<ArcSwapOption<T>>;

/// TLS for the web port.
pub(super) fn for_http(files: Option<TlsFiles>) -> anyhow::Result<Option<(Slot<ServerConfig>, Watched)>> {
    let Some(files) = files else { return Ok(None) };
    let slot = Arc::new(ArcSwapOption::empty());
    let shown = Arc::clone(&slot);
    let watched = watch("http", files, Box::new(move |config| shown.store(Some(config))))?;
    Ok(Some((slot, watched)))
}

/// STARTTLS for the receiver: with its own files, else with those of the web, else with a certificate that the program
/// makes for itself. Nobody verifies that one, and mail is not read on its way: servers ask for no more (RFC 7435).
pub(super) fn for_smtp(config: &Config) -> anyhow::Result<(Slot<TlsAcceptor>, Watched)> {
    let slot = Arc::new(ArcSwapOption::empty());
    let files = match config.smtp.tls().or_else(|| config.http.tls()) {
        Some(files) => files,
        None => own::certificate(&config.data_dir, &config.hostname)?,
    };
    let shown = Arc::clone(&slot);
    let show = move |config: Arc<ServerConfig>| {
        let mut config = (*config).clone();
        // SMTP has no ALPN.
        config.alpn_protocols.clear();
        shown.store(Some(Arc::new(TlsAcceptor::from(Arc::new(config)))));
    };
    let watched = watch("smtp", files, Box::new(show))?;
    Ok((slot, watched))
}

fn watch(
    section: &'static str,
    files: TlsFiles,
    show: Box<dyn Fn(Arc<ServerConfig>) + Send + Sync>,
) -> anyhow::Result<Watched> {
    let seen = Mutex::new(stamps(&files));
    show(load_tls(&files).with_context(|| format!("[{section}] tls_cert, tls_key"))?);
    Ok(Watched { section, files, seen, show })
}

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    [&files.cert, &files.key].map(|path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &TlsFiles) {
        let made = rcgen::generate_simple_self_signed(vec![String::from("desk.example")]).unwrap();
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn new_files_are_shown_and_broken_ones_leave_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let files = TlsFiles { cert: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        write(&files);
        let (web, watched) = for_http(Some(files.clone())).unwrap().unwrap();
        let mut config = Config::for_testing(dir.path());
        config.http.tls_cert = Some(files.cert.clone());
        config.http.tls_key = Some(files.key.clone());
        let (smtp, mail) = for_smtp(&config).unwrap();
        let (first, first_mail) = (web.load_full().unwrap(), smtp.load_full().unwrap());
        watched.look().unwrap();
        assert!(Arc::ptr_eq(&first, &web.load_full().unwrap()), "files that did not change are not read again");

        std::fs::write(&files.cert, "half a certifi").unwrap();
        let words = watched.look().unwrap_err();
        assert!(words.contains("[http] keeps its old certificate") && words.contains("cert.pem"), "{words}");
        assert!(Arc::ptr_eq(&first, &web.load_full().unwrap()), "the old one stays");
        watched.look().expect("said once for each version");
        std::fs::remove_file(&files.key).unwrap();
        assert!(mail.look().is_err());
        assert!(Arc::ptr_eq(&first_mail, &smtp.load_full().unwrap()));

        write(&files);
        watched.look().unwrap();
        mail.look().unwrap();
        assert!(!Arc::ptr_eq(&first, &web.load_full().unwrap()), "the new one is shown");
        let new = smtp.load_full().unwrap();
        assert!(!Arc::ptr_eq(&first_mail, &new));
        assert!(new.config().alpn_protocols.is_empty(), "SMTP has no ALPN");
    }
}
