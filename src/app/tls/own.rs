//! The certificate that the program makes for itself, so that mail is never plain without need.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::base::files::make_private_dir;
use crate::config::TlsFiles;

/// The files of the certificate for `hostname`, made now if there are none. It has no end that anybody waits for:
/// nobody verifies it.
pub(super) fn certificate(data_dir: &Path, hostname: &str) -> anyhow::Result<TlsFiles> {
    let dir = data_dir.join("tls");
    // A new name gets a new certificate. A host name has no slash.
    let file = |end: &str| dir.join(format!("self-signed-{hostname}.{end}"));
    let files = TlsFiles { cert: file("pem"), key: file("key") };
    if files.cert.exists() && files.key.exists() {
        return Ok(files);
    }
    let words = || format!("cannot make a certificate in {}", dir.display());
    make_private_dir(&dir).with_context(words)?;
    let made = rcgen::generate_simple_self_signed(vec![hostname.to_owned()]).with_context(words)?;
    // The key first: a certificate without one would be taken for whole.
    write(&files.key, &made.signing_key.serialize_pem()).with_context(words)?;
    write(&files.cert, &made.cert.pem()).with_context(words)?;
    Ok(files)
}

/// Writes a file for the server's user alone, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_for_a_name_and_for_the_server_alone() {
        let dir = tempfile::tempdir().unwrap();
        let files = certificate(dir.path(), "desk.example").unwrap();
        let first = std::fs::read(&files.cert).unwrap();
        for file in [&files.cert, &files.key] {
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read(certificate(dir.path(), "desk.example").unwrap().cert).unwrap(), first);
        assert_ne!(std::fs::read(certificate(dir.path(), "other.example").unwrap().cert).unwrap(), first);
        std::fs::remove_file(&files.key).unwrap();
        assert_ne!(std::fs::read(certificate(dir.path(), "desk.example").unwrap().cert).unwrap(), first);
    }
}
