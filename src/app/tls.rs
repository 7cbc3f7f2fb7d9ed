//! The certificates that listeners show, from files that are read at start.

use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwapOption;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;
use crate::http::server::load_tls;

/// TLS for the web port.
pub(super) fn for_http(files: Option<TlsFiles>) -> anyhow::Result<Option<Arc<ArcSwapOption<rustls::ServerConfig>>>> {
    let Some(files) = files else { return Ok(None) };
    let config = load_tls(&files).context("[http] tls_cert, tls_key")?;
    Ok(Some(Arc::new(ArcSwapOption::from(Some(config)))))
}

/// STARTTLS for the receiver.
pub(super) fn for_smtp(files: Option<TlsFiles>) -> anyhow::Result<Arc<ArcSwapOption<TlsAcceptor>>> {
    let Some(files) = files else { return Ok(Arc::new(ArcSwapOption::empty())) };
    let mut config = (*load_tls(&files).context("[smtp] tls_cert, tls_key")?).clone();
    // SMTP has no ALPN.
    config.alpn_protocols.clear();
    Ok(Arc::new(ArcSwapOption::from_pointee(TlsAcceptor::from(Arc::new(config)))))
}
