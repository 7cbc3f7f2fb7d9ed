//! The workspace's own settings: its name, and how mail leaves.

use std::path::Path;

use super::{Desk, Error, Result, Who, setup};
use crate::base::{Secret, text};
use crate::domain::workspace::{RelaySettings, RelayTls, Workspace};
use crate::domain::{Actor, What};
use crate::store::Rows;

/// The setting that holds the relay.
const RELAY: &str = "relay";
/// Bytes that must be free for telling how many are: a disk that is quite full takes no write, and one that is begun
/// there ends the store.
const TELLING: u64 = 16 << 20;

/// A relay as the channel uses it.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: RelayTls,
    /// Who signs in there, with what.
    pub credentials: Option<(String, Secret)>,
}

/// Where the relay in use is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelaySource {
    /// In the configuration file: not to be changed from the page.
    Config,
    /// In the workspace's settings.
    Workspace,
    /// Nowhere: mail waits.
    None,
}

/// What the page sets.
#[derive(Clone, Debug)]
pub struct RelayChange {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: RelayTls,
    /// Who signs in there; none for nobody.
    pub username: Option<String>,
    /// A new password; none keeps the one that is there, for the same place and name only.
    pub password: Option<Secret>,
}

impl Desk {
    /// The workspace.
    ///
    /// # Errors
    /// The store's own.
    pub fn workspace(&self, rows: &impl Rows) -> Result<Workspace> {
        let known: Option<Workspace> = rows.setting(setup::WORKSPACE)?;
        Ok(known.unwrap_or_else(|| Workspace { name: self.hostname.clone(), language: String::from("en") }))
    }

    /// Looks at the disk's room, and tells everybody when it is another than before: pages then ask about themselves
    /// again, and find it there.
    ///
    /// # Errors
    /// The file system's, the store's own.
    pub async fn look_at_room(&self) -> Result<()> {
        let space = self.store.space();
        if !space.look()? || space.free()? < TELLING {
            return Ok(());
        }
        let at = self.clock.now();
        self.store.write(move |writer| Ok(writer.change(at, Actor::System, What::Workspace).map(drop)?)).await
    }

    /// Renames the workspace.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`].
    pub async fn rename_workspace(&self, who: &Who, name: String) -> Result<Workspace> {
        who.must_manage()?;
        let name = text::one_line(&name, 80);
        if name.is_empty() {
            return Err(Error::invalid("name", "empty"));
        }
        let mut workspace = self.workspace(&self.store.read()?)?;
        workspace.name = name;
        self.set_workspace(who.actor(), workspace).await
    }

    /// Sets the workspace, by whoever may: the caller has asked.
    ///
    /// # Errors
    /// The store's own.
    pub async fn set_workspace(&self, actor: Actor, workspace: Workspace) -> Result<Workspace> {
        let act = self.act(actor);
        self.store
            .write(move |writer| {
                writer.set(setup::WORKSPACE, &workspace)?;
                writer.change(act.at, act.actor, What::Workspace)?;
                Ok(workspace.clone())
            })
            .await
    }

    /// Has mail be sent directly to the recipients' servers again.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Conflict`] when the configuration file names a relay.
    pub async fn remove_relay(&self, who: &Who) -> Result<()> {
        who.must_manage()?;
        if self.configured_relay.is_some() {
            return Err(Error::conflict("set_in_config", "the relay is set in the configuration file"));
        }
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                writer.unset(RELAY)?;
                writer.change(act.at, act.actor, What::Workspace)?;
                Ok(())
            })
            .await
    }

    /// The relay in use and where it is written down.
    ///
    /// # Errors
    /// The store's own; [`Error::Conflict`] when the password was sealed with another key.
    pub fn relay(&self, rows: &impl Rows) -> Result<(RelaySource, Option<Relay>)> {
        if let Some(relay) = &self.configured_relay {
            return Ok((RelaySource::Config, Some(relay.clone())));
        }
        let Some(kept) = rows.setting::<RelaySettings>(RELAY)? else { return Ok((RelaySource::None, None)) };
        Ok((RelaySource::Workspace, Some(self.open_relay(kept)?)))
    }

    /// A relay with its password opened.
    pub(super) fn open_relay(&self, kept: RelaySettings) -> Result<Relay> {
        let password = kept.sealed_password.as_deref().map(|sealed| self.seal.open(sealed)).transpose()?;
        let credentials = kept.username.map(|user| (user, password.unwrap_or_default()));
        Ok(Relay { host: kept.host, port: kept.port, tls: kept.tls, credentials })
    }

    /// Sets the relay.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Conflict`] when the configuration file says it, [`Error::Invalid`].
    pub async fn set_relay(&self, who: &Who, change: RelayChange) -> Result<()> {
        who.must_manage()?;
        if self.configured_relay.is_some() {
            return Err(Error::conflict("set_in_config", "the relay is set in the configuration file"));
        }
        let change = change.checked(&self.seal)?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                let settings = change.settle(writer.setting(RELAY)?)?;
                writer.set(RELAY, &settings)?;
                writer.change(act.at, act.actor, What::Workspace)?;
                Ok(())
            })
            .await
    }
}

impl RelayChange {
    /// The change checked, its password sealed.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(super) fn checked(self, seal: &Seal) -> Result<CheckedRelay> {
        let host = self.host.trim().to_lowercase();
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if host.is_empty() || host.len() > 255 || !host.chars().all(is_host) {
            return Err(Error::invalid("host", "invalid"));
        }
        if self.port == 0 {
            return Err(Error::invalid("port", "invalid"));
        }
        let username = self.username.map(|user| text::one_line(&user, 320)).filter(|user| !user.is_empty());
        if username.is_some() && self.tls == RelayTls::None && !is_loopback(&host) {
            return Err(Error::invalid("tls", "password_in_the_clear"));
        }
        let sealed = self.password.map(|password| seal.close(&password)).transpose()?;
        let settings = RelaySettings { host, port: self.port, tls: self.tls, username, sealed_password: None };
        Ok(CheckedRelay { settings, sealed })
    }
}

/// A relay that may be set, but for its password.
#[derive(Clone, Debug)]
pub(super) struct CheckedRelay {
    settings: RelaySettings,
    sealed: Option<Vec<u8>>,
}

impl CheckedRelay {
    /// The settings in place of `old`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a name wants a password and there is none to keep.
    pub(super) fn settle(&self, old: Option<RelaySettings>) -> Result<RelaySettings> {
        let mut settings = self.settings.clone();
        if settings.username.is_some() {
            settings.sealed_password = self.sealed.clone().or_else(|| kept_password(old, &settings));
            if settings.sealed_password.is_none() {
                return Err(Error::invalid("password", "required"));
            }
        }
        Ok(settings)
    }
}

/// The password that is there, when nothing else would change: it is not told to another server, under another
/// name or over a less guarded connection.
fn kept_password(old: Option<RelaySettings>, new: &RelaySettings) -> Option<Vec<u8>> {
    let same = |old: &RelaySettings| RelaySettings { sealed_password: None, ..old.clone() } == *new;
    old.filter(same)?.sealed_password
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Seals secrets that lie in the store with a key that lies beside it (0600): AES-256-GCM, a random nonce in
/// front. A copy of the store alone gives nothing away.
pub struct Seal {
    key: aws_lc_rs::aead::RandomizedNonceKey,
    /// What keys for proofs are derived from: another than the one that seals.
    proofs: [u8; 32],
}

impl Seal {
    /// Opens the key file, making it when it is not there.
    ///
    /// # Errors
    /// When it cannot be read or made, or is not a key.
    pub fn open_file(path: &Path) -> std::io::Result<Seal> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = crate::base::random::bytes::<32>().to_vec();
                let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(&key)?;
                file.sync_all()?;
                path.parent().map(std::fs::File::open).transpose()?.map(|dir| dir.sync_all()).transpose()?;
                key
            }
            Err(error) => return Err(error),
        };
        Seal::new(&bytes).ok_or_else(|| std::io::Error::other("secret.key is not a key of 32 bytes"))
    }

    fn new(key: &[u8]) -> Option<Seal> {
        let proofs = blake3::derive_key("frontdesk 2026-11 keys of proofs", key);
        let key = aws_lc_rs::aead::RandomizedNonceKey::new(&aws_lc_rs::aead::AES_256_GCM, key).ok()?;
        Some(Seal { key, proofs })
    }

    pub(super) fn close(&self, secret: &Secret) -> Result<Vec<u8>> {
        self.close_bytes(secret.expose().as_bytes())
    }

    /// What proves that `bytes` come from here, for one purpose (a keyed hash of 96 bits).
    pub(super) fn mac(&self, purpose: &str, bytes: &[u8]) -> [u8; 12] {
        let mut hasher = blake3::Hasher::new_keyed(&self.proofs);
        hasher.update(purpose.as_bytes()).update(&[0]).update(bytes);
        let mut mac = [0; 12];
        hasher.finalize_xof().fill(&mut mac);
        mac
    }

    /// Seals bytes.
    pub(super) fn close_bytes(&self, secret: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = secret.to_vec();
        let sealed = self.key.seal_in_place_append_tag(aws_lc_rs::aead::Aad::empty(), &mut bytes);
        let nonce = sealed.map_err(|_| Error::conflict("seal", "the secret could not be sealed"))?;
        Ok([nonce.as_ref().as_slice(), &bytes].concat())
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Result<Secret> {
        let bytes = self.open_bytes(sealed)?;
        Ok(Secret::new(String::from_utf8_lossy(&bytes)))
    }

    /// Opens sealed bytes; they are wiped when they are dropped.
    pub(super) fn open_bytes(&self, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>> {
        let wrong = || Error::conflict("wrong_key", "this secret was sealed with another secret.key");
        let (nonce, bytes) = sealed.split_first_chunk::<12>().ok_or_else(wrong)?;
        let mut bytes = bytes.to_vec();
        let nonce = aws_lc_rs::aead::Nonce::from(nonce);
        let open = self.key.open_in_place(nonce, aws_lc_rs::aead::Aad::empty(), &mut bytes).map_err(|_| wrong())?;
        Ok(zeroize::Zeroizing::new(open.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_its_own_and_nothing_else() {
        let (one, other) = (Seal::new(&[1; 32]).unwrap(), Seal::new(&[2; 32]).unwrap());
        let sealed = one.close(&Secret::new("pass word")).unwrap();
        assert_eq!(one.open(&sealed).unwrap().expose(), "pass word");
        assert!(!sealed.windows(4).any(|part| part == b"pass"));
        assert!(other.open(&sealed).is_err() && one.open(b"short").is_err());
    }
}
