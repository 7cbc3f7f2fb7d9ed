//! Mailboxes elsewhere: how they are set and shown, and trying whether one works.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::problem;
use crate::base::{Secret, Timestamp};
use crate::channels::email::imap::{Checked, Fault};
use crate::desk::Error;
use crate::desk::mailboxes::{Account, MailboxChange};
use crate::domain::ChannelId;
use crate::domain::mailbox::{self, Mailbox};

/// How the connection is secured.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum ImapSecurity {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, never without it.
    Starttls,
}

/// How the login is made.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum ImapLogin {
    /// With a password.
    Password,
    /// With an access token.
    Xoauth2,
}

/// What becomes of a mail in the mailbox once it is taken.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "snake_case")]
enum ImapAfter {
    /// Nothing.
    Leave,
    /// It is marked as seen.
    MarkSeen,
    /// It is moved into another folder.
    Move,
    /// It is deleted.
    Delete,
}

/// A mailbox elsewhere.
#[derive(Object)]
pub(super) struct ImapView {
    /// The server.
    host: String,
    /// Its port.
    port: u16,
    /// How the connection is secured.
    security: ImapSecurity,
    /// Who logs in.
    user: String,
    /// How the login is made.
    login: ImapLogin,
    /// Folders that are read.
    folders: Vec<String>,
    /// What becomes of a mail there once it is taken.
    after: ImapAfter,
    /// Where it is moved to.
    move_to: Option<String>,
    /// From when on mail is taken that was there before the mailbox was connected.
    since: Option<String>,
    /// SHA-256 of the certificate that the server must have.
    fingerprint: Option<String>,
    /// How many mails were left there for their size.
    skipped: u64,
    /// When the last of them was met.
    skipped_at: Option<String>,
}

impl From<&Mailbox> for ImapView {
    fn from(mailbox: &Mailbox) -> ImapView {
        let (after, move_to) = match &mailbox.after {
            mailbox::After::Leave => (ImapAfter::Leave, None),
            mailbox::After::MarkSeen => (ImapAfter::MarkSeen, None),
            mailbox::After::Move(to) => (ImapAfter::Move, Some(to.clone())),
            mailbox::After::Delete => (ImapAfter::Delete, None),
        };
        ImapView {
            host: mailbox.host.clone(),
            port: mailbox.port,
            security: match mailbox.security {
                mailbox::Security::Tls => ImapSecurity::Tls,
                mailbox::Security::Starttls => ImapSecurity::Starttls,
            },
            user: mailbox.user.clone(),
            login: match mailbox.login {
                mailbox::Login::Password => ImapLogin::Password,
                mailbox::Login::Xoauth2 => ImapLogin::Xoauth2,
            },
            folders: mailbox.folders.clone(),
            after,
            move_to,
            since: mailbox.since.map(Timestamp::rfc3339),
            fingerprint: mailbox.fingerprint.clone(),
            skipped: mailbox.skipped.as_ref().map_or(0, |skipped| skipped.count),
            skipped_at: mailbox.skipped.as_ref().map(|skipped| skipped.at.rfc3339()),
        }
    }
}

/// A mailbox elsewhere, as it is set.
#[derive(Object)]
pub(super) struct ImapBody {
    /// The server.
    host: String,
    /// Its port; 993 or 143 when it is not given.
    port: Option<u16>,
    /// How the connection is secured; `tls` when it is not given.
    security: Option<ImapSecurity>,
    /// Who logs in.
    user: String,
    /// The password or token; the one that is there stays when it is not given, for the same server and user only.
    secret: Option<String>,
    /// How the login is made; `password` when it is not given.
    login: Option<ImapLogin>,
    /// Folders that are read; `INBOX` when none is given.
    folders: Option<Vec<String>>,
    /// What becomes of a mail there once it is taken; `leave` when it is not given.
    after: Option<ImapAfter>,
    /// Where it is moved to.
    move_to: Option<String>,
    /// From when on mail is taken that is there already; only what comes from now on when it is not given.
    since: Option<String>,
    /// SHA-256 of the certificate that the server must have, in hex, when no authority vouches for it.
    fingerprint: Option<String>,
}

impl ImapBody {
    /// What is to be set.
    pub(super) fn into_change(self) -> Result<MailboxChange, Error> {
        let security = match self.security {
            None | Some(ImapSecurity::Tls) => mailbox::Security::Tls,
            Some(ImapSecurity::Starttls) => mailbox::Security::Starttls,
        };
        let usual = if security == mailbox::Security::Tls { 993 } else { 143 };
        let since = |text: String| Timestamp::parse_rfc3339(&text).ok_or(Error::invalid("since", "invalid"));
        Ok(MailboxChange {
            host: self.host,
            port: self.port.unwrap_or(usual),
            security,
            user: self.user,
            secret: self.secret.filter(|secret| !secret.is_empty()).map(Secret::new),
            login: match self.login {
                None | Some(ImapLogin::Password) => mailbox::Login::Password,
                Some(ImapLogin::Xoauth2) => mailbox::Login::Xoauth2,
            },
            folders: self.folders.unwrap_or_default(),
            after: match self.after {
                None | Some(ImapAfter::Leave) => mailbox::After::Leave,
                Some(ImapAfter::MarkSeen) => mailbox::After::MarkSeen,
                Some(ImapAfter::Move) => mailbox::After::Move(self.move_to.unwrap_or_default()),
                Some(ImapAfter::Delete) => mailbox::After::Delete,
            },
            since: self.since.map(since).transpose()?,
            fingerprint: self.fingerprint,
        })
    }
}

/// A mailbox to be tried.
#[derive(Object)]
struct MailboxTrial {
    /// The channel that has it already, for the password that is kept.
    channel: Option<u64>,
    /// The mailbox.
    imap: ImapBody,
}

/// What became of trying.
#[derive(Object)]
struct MailboxCheck {
    /// `ok`, `unreachable`, `silent`, `tls`, `login_refused`, `folder_missing`, `refused`, `closed`, `protocol`.
    outcome: String,
    /// What is wrong: the remote server's words, or ours.
    words: Option<String>,
    /// SHA-256 of the certificate that the server showed, where that is what is wrong.
    fingerprint: Option<String>,
    /// Folders that can be read, as far as it got.
    folders: Vec<String>,
}

impl From<Checked> for MailboxCheck {
    fn from(checked: Checked) -> MailboxCheck {
        let fault = checked.fault;
        MailboxCheck {
            outcome: String::from(fault.as_ref().map_or("ok", Fault::code)),
            words: fault.as_ref().map(ToString::to_string),
            fingerprint: match fault {
                Some(Fault::Tls { fingerprint, .. }) => fingerprint,
                _ => None,
            },
            folders: checked.folders,
        }
    }
}

pub(in crate::http) struct Mailboxes;

#[OpenApi]
impl Mailboxes {
    /// Tries a mailbox before it is set: connects, logs in and lists its folders.
    #[oai(path = "/channels/check", method = "post", operation_id = "check_mailbox")]
    async fn try_new(&self, caller: Caller, body: JsonBody<MailboxTrial>) -> poem::Result<Json<MailboxCheck>> {
        let MailboxTrial { channel, imap } = body.0;
        let change = imap.into_change().map_err(problem)?;
        let account = caller.desk().account_to_try(caller.who(), channel.map(ChannelId), Some(change));
        checked(&caller, account.map_err(problem)?).await
    }

    /// Tries the mailbox of a channel as it is set.
    #[oai(path = "/channels/:id/check", method = "post", operation_id = "check_channel")]
    async fn try_known(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<MailboxCheck>> {
        let account = caller.desk().account_to_try(caller.who(), Some(ChannelId(id.0)), None);
        checked(&caller, account.map_err(problem)?).await
    }
}

async fn checked(caller: &Caller, account: Account) -> poem::Result<Json<MailboxCheck>> {
    Ok(Json((caller.state().check_mailbox)(account).await.into()))
}
