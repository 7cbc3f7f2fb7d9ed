//! Mailboxes elsewhere as they are set: what may be set, and how their secrets are kept.

use super::{Desk, Error, Result, Who};
use crate::base::{Secret, Timestamp, text};
use crate::domain::mailbox::{After, Login, Mailbox, Security};
use crate::domain::{Channel, ChannelId};
use crate::store::Rows;

/// Most folders of one mailbox.
pub const MAX_FOLDERS: usize = 100;
/// Longest name of a folder, bytes.
const MAX_FOLDER: usize = 255;
/// Longest user name, bytes.
const MAX_USER: usize = 320;
/// Longest password or token, bytes. Tokens of large providers have up to 2,048.
const MAX_SECRET: usize = 8192;

/// A mailbox as somebody sets it.
#[derive(Clone, Debug)]
pub struct MailboxChange {
    /// The server's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// Who logs in.
    pub user: String,
    /// A new password or token; none keeps the one that is there, for the same place and name only.
    pub secret: Option<Secret>,
    /// How the login is made.
    pub login: Login,
    /// Folders that are read.
    pub folders: Vec<String>,
    /// What becomes of a mail there once it is taken.
    pub after: After,
    /// From when on mail is taken that is there already.
    pub since: Option<Timestamp>,
    /// SHA-256 of the certificate that the server must have, in hex.
    pub fingerprint: Option<String>,
}

/// A mailbox with its secret opened, as the channel uses it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where it is and what is done there.
    pub mailbox: Mailbox,
    /// The password or token.
    pub secret: Secret,
}

impl MailboxChange {
    /// The mailbox in place of `old`.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    fn settle(self, old: Option<&Mailbox>, close: impl Fn(&Secret) -> Result<Vec<u8>>) -> Result<Mailbox> {
        let host = self.host.trim().to_lowercase();
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if host.is_empty() || host.len() > 255 || !host.chars().all(is_host) {
            return Err(Error::invalid("host", "invalid"));
        }
        if self.port == 0 {
            return Err(Error::invalid("port", "invalid"));
        }
        let user = checked("user", self.user.trim(), MAX_USER)?;
        let after = match self.after {
            After::Move(to) => After::Move(checked("move_to", to.trim(), MAX_FOLDER)?),
            other => other,
        };
        let mailbox = Mailbox {
            host,
            port: self.port,
            security: self.security,
            user,
            sealed_secret: Vec::new(),
            login: self.login,
            folders: folders(&self.folders, &after)?,
            after,
            since: self.since,
            fingerprint: self.fingerprint.as_deref().map(fingerprint).transpose()?.flatten(),
            broken: None,
            skipped: None,
        };
        let sealed_secret = match &self.secret {
            Some(secret) => {
                checked("secret", secret.expose(), MAX_SECRET)?;
                close(secret)?
            }
            None => old.and_then(|old| kept_secret(old, &mailbox)).ok_or(Error::invalid("secret", "required"))?,
        };
        Ok(Mailbox { sealed_secret, ..mailbox })
    }
}

/// The secret that is there, when it would be told to nobody else: to no other server, under no other name, and over
/// a connection that is guarded alike.
fn kept_secret(old: &Mailbox, new: &Mailbox) -> Option<Vec<u8>> {
    let same = old.is_same_account(new) && old.security == new.security && old.login == new.login;
    (same && old.fingerprint == new.fingerprint).then(|| old.sealed_secret.clone())
}

/// Text in one line that is not empty: it goes into a command.
fn checked(field: &'static str, given: &str, most: usize) -> Result<String> {
    match () {
        () if given.is_empty() => Err(Error::invalid(field, "empty")),
        () if given.len() > most => Err(Error::invalid(field, "too_long")),
        () if given.chars().any(char::is_control) => Err(Error::invalid(field, "invalid")),
        () => Ok(String::from(given)),
    }
}

fn folders(given: &[String], after: &After) -> Result<Vec<String>> {
    let mut folders: Vec<String> = Vec::new();
    for folder in given {
        let folder = checked("folders", folder.trim(), MAX_FOLDER)?;
        // INBOX is the one name whose case does not count (RFC 3501 section 5.1).
        let folder = if folder.eq_ignore_ascii_case("inbox") { String::from("INBOX") } else { folder };
        if *after == After::Move(folder.clone()) {
            // What is moved there would be found there again.
            return Err(Error::invalid("move_to", "is_read"));
        }
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    match folders.len() {
        0 => Ok(vec![String::from("INBOX")]),
        count if count > MAX_FOLDERS => Err(Error::invalid("folders", "too_many")),
        _ => Ok(folders),
    }
}

/// A SHA-256 in hex, with or without colons, as programs show it; none for nothing.
fn fingerprint(given: &str) -> Result<Option<String>> {
    let hex: String = text::one_line(given, 200).chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    match hex.len() {
        0 => Ok(None),
        64 if hex.chars().all(|c| c.is_ascii_hexdigit()) => Ok(Some(hex.to_lowercase())),
        _ => Err(Error::invalid("fingerprint", "invalid")),
    }
}

impl Desk {
    /// A mailbox as it would be set, its secret sealed.
    pub(super) fn settle_mailbox(&self, change: MailboxChange, old: Option<&Mailbox>) -> Result<Mailbox> {
        change.settle(old, |secret| self.seal.close(secret))
    }

    /// The account of a mailbox.
    ///
    /// # Errors
    /// [`Error::Conflict`] when its secret was sealed with another key.
    pub fn account(&self, mailbox: &Mailbox) -> Result<Account> {
        let secret = self.seal.open(&mailbox.sealed_secret)?;
        Ok(Account { mailbox: mailbox.settings(), secret })
    }

    /// An account to be tried: as a form has it, with what `channel` has already; without a form, the channel's own.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`].
    pub fn account_to_try(
        &self,
        who: &Who,
        channel: Option<ChannelId>,
        change: Option<MailboxChange>,
    ) -> Result<Account> {
        who.must_manage()?;
        let rows = self.store.read()?;
        let channel = channel.map(|id| rows.find::<Channel>(id)?.ok_or(Error::NotFound)).transpose()?;
        let old = channel.as_ref().and_then(|channel| channel.email().way_in.mailbox());
        match change {
            Some(change) => self.account(&self.settle_mailbox(change, old)?),
            None => self.account(old.ok_or(Error::conflict("not_imap", "this address is not read from a mailbox"))?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> MailboxChange {
        MailboxChange {
            host: String::from(" IMAP.Shop.example "),
            port: 993,
            security: Security::Tls,
            user: String::from("office"),
            secret: Some(Secret::new("word")),
            login: Login::Password,
            folders: vec![String::from("inbox"), String::from("INBOX"), String::from("Sales")],
            after: After::Leave,
            since: None,
            fingerprint: None,
        }
    }

    fn close(secret: &Secret) -> Result<Vec<u8>> {
        Ok(secret.expose().as_bytes().to_vec())
    }

    fn refused(change: MailboxChange) -> (&'static str, &'static str) {
        match change.settle(None, close) {
            Err(Error::Invalid { field, reason }) => (field, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_mailbox_is_kept_in_one_form() {
        let mailbox = change().settle(None, close).unwrap();
        assert_eq!((mailbox.host.as_str(), mailbox.folders.len()), ("imap.shop.example", 2));
        let colons = "AB:".repeat(32);
        let print = MailboxChange { fingerprint: Some(colons), ..change() }.settle(None, close).unwrap().fingerprint;
        assert_eq!(print, Some("ab".repeat(32)));
    }

    #[test]
    fn what_could_not_be_is_refused() {
        for (change, field, reason) in [
            (MailboxChange { host: String::from("a b"), ..change() }, "host", "invalid"),
            (MailboxChange { port: 0, ..change() }, "port", "invalid"),
            (MailboxChange { user: String::from("a\r\nb"), ..change() }, "user", "invalid"),
            (MailboxChange { secret: Some(Secret::new("a\nb")), ..change() }, "secret", "invalid"),
            (MailboxChange { secret: None, ..change() }, "secret", "required"),
            (MailboxChange { folders: vec![String::from("a\0")], ..change() }, "folders", "invalid"),
            (MailboxChange { folders: (0..101).map(|n| n.to_string()).collect(), ..change() }, "folders", "too_many"),
            (MailboxChange { after: After::Move(String::from("Sales")), ..change() }, "move_to", "is_read"),
            (MailboxChange { fingerprint: Some(String::from("abc")), ..change() }, "fingerprint", "invalid"),
        ] {
            assert_eq!(refused(change), (field, reason));
        }
    }

    #[test]
    fn a_secret_is_kept_for_the_same_place_and_name_only() {
        let old = change().settle(None, close).unwrap();
        let kept = |change: MailboxChange| MailboxChange { secret: None, ..change }.settle(Some(&old), close).is_ok();
        assert!(kept(MailboxChange { folders: Vec::new(), after: After::Delete, ..change() }));
        assert!(!kept(MailboxChange { host: String::from("evil.example"), ..change() }));
        assert!(!kept(MailboxChange { port: 994, ..change() }));
        assert!(!kept(MailboxChange { user: String::from("other"), ..change() }));
        assert!(!kept(MailboxChange { security: Security::Starttls, ..change() }));
        assert!(!kept(MailboxChange { fingerprint: Some("ab".repeat(32)), ..change() }));
    }
}
