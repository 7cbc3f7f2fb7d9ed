//! One mailbox: its folders read again and again, as long as the connection stands.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use super::super::trace;
use super::fault::Fault;
use super::open::{Reach, open};
use super::session::{BoxIo, Opened, Session, folder_in_quotes};
use crate::base::{Timestamp, random};
use crate::desk::Desk;
use crate::desk::inbound::Mail;
use crate::desk::polling::{Place, Polled};
use crate::domain::mailbox::{After, Cursor};
use crate::store::BlobWriter;

/// How often a mailbox is looked into that does not tell by itself.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long it is believed to tell by itself: servers may forget who waits for 30 minutes (RFC 2177).
const WAIT: Duration = Duration::from_secs(25 * 60);
/// Mails listed at a time.
const LISTED: usize = 10_000;
/// Mails taken before what is to be done with them in the mailbox is done.
const OWED: usize = 50;
/// Bytes of a mail's head in which its return path is looked for.
const HEAD: usize = 8 << 10;

/// What reads one mailbox.
pub(super) struct Poller {
    pub(super) desk: Arc<Desk>,
    pub(super) polled: Polled,
    pub(super) reach: Reach,
    /// The largest mail that is taken, bytes.
    pub(super) most: u64,
}

/// How reading a mailbox has gone lately.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Since when it fails; none once everything was read.
    pub(super) failing: Option<Timestamp>,
    /// Tries since then.
    pub(super) tries: u32,
}

/// A mail that is to be looked at.
#[derive(Clone, Copy, Debug)]
struct Listed {
    size: Option<u64>,
    date: Option<Timestamp>,
}

impl Poller {
    /// Reads the mailbox until something fails.
    pub(super) async fn read(&self, standing: &mut Standing) -> Fault {
        match self.visit(standing).await {
            Ok(never) => match never {},
            Err(fault) => fault,
        }
    }

    async fn visit(&self, standing: &mut Standing) -> Result<Infallible, Fault> {
        let mailbox = &self.polled.account.mailbox;
        let mut session = open(&self.polled.account, &self.reach).await?;
        loop {
            // The first one is read last, and stays open to be waited in.
            for folder in mailbox.folders.iter().rev() {
                self.folder(&mut session, folder).await?;
            }
            *standing = Standing::default();
            if self.desk.mailbox_works(self.polled.channel).await? {
                tracing::info!(channel = self.polled.channel.0, "a mailbox can be read again");
            }
            if session.news {
                continue;
            }
            match session.can("IDLE") {
                true if mailbox.folders.len() == 1 => session.idle(WAIT).await?,
                true => session.idle(LOOK_EVERY).await?,
                false => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Reads what is new in a folder.
    async fn folder(&self, session: &mut Session<BoxIo>, folder: &str) -> Result<(), Fault> {
        let look_only = self.polled.account.mailbox.after == After::Leave;
        let opened = session.enter(folder, look_only).await?;
        loop {
            let cursor = self.settled(session, folder, opened).await?;
            if session.exists == 0 || cursor.uid.saturating_add(1) >= opened.next {
                return Ok(());
            }
            let listed = self.listed(session, &cursor).await?;
            let all = listed.len() < LISTED;
            for (count, (uid, mail)) in listed.into_iter().enumerate() {
                self.one(session, folder, &cursor, uid, mail).await?;
                if count % OWED == OWED - 1 && !look_only {
                    self.settled(session, folder, opened).await?;
                }
            }
            if all {
                return self.settled(session, folder, opened).await.map(drop);
            }
        }
    }

    /// How far a folder has been read, once what is to be done there with what was taken is done.
    async fn settled(&self, session: &mut Session<BoxIo>, folder: &str, opened: Opened) -> Result<Cursor, Fault> {
        let cursor = self.desk.cursor(self.polled.channel, folder, opened.validity, opened.next).await?;
        if !cursor.owed.is_empty() {
            self.settle(session, folder, &cursor.owed).await?;
        }
        Ok(cursor)
    }

    /// The next mails of a folder, in their order.
    async fn listed(&self, session: &mut Session<BoxIo>, cursor: &Cursor) -> Result<BTreeMap<u32, Listed>, Fault> {
        let mut listed = BTreeMap::new();
        let range = format!("{}:*", cursor.uid.saturating_add(1));
        session
            .list(&range, |attributes| {
                // The last mail is always among those from any number on, whatever its own is.
                if let Some(uid) = attributes.uid.filter(|uid| *uid > cursor.uid) {
                    listed.insert(uid, Listed { size: attributes.size, date: attributes.date });
                    if listed.len() > LISTED {
                        listed.pop_last();
                    }
                }
            })
            .await?;
        Ok(listed)
    }

    /// Deals with one mail.
    async fn one(
        &self,
        session: &mut Session<BoxIo>,
        folder: &str,
        cursor: &Cursor,
        uid: u32,
        mail: Listed,
    ) -> Result<(), Fault> {
        if self.desk.store.space().is_low() {
            return Err(Fault::NoRoom);
        }
        let place =
            Place { channel: self.polled.channel, folder: String::from(folder), validity: cursor.validity, uid };
        let old = uid < cursor.dated_below && mail.date.is_some_and(|date| date < cursor.from);
        if old {
            return Ok(self.desk.pass_over(place).await?);
        }
        if let Some(size) = mail.size.filter(|size| *size > self.most) {
            return Ok(self.desk.skip_fetched(place, size).await?);
        }
        let mut writer = self.desk.store.blob_writer();
        let mut head = Vec::new();
        let fetched = session
            .fetch(uid, self.most, &mut |piece| {
                head.extend(piece.iter().take(HEAD.saturating_sub(head.len())));
                writer.write(piece).map_err(Fault::from)
            })
            .await;
        match fetched {
            Ok(true) => self.take(writer, &head, place).await,
            Ok(false) => Ok(self.desk.pass_over(place).await?),
            Err(Fault::TooLarge(size)) => {
                // The rest of it is on its way: the connection is of no use any more.
                self.desk.skip_fetched(place, size).await?;
                Err(Fault::TooLarge(size))
            }
            Err(fault) => Err(fault),
        }
    }

    async fn take(&self, writer: BlobWriter, head: &[u8], place: Place) -> Result<(), Fault> {
        let raw = if writer.is_large() {
            let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
            finished.map_err(|_| Fault::Desk(crate::store::Error::Stopped.into()))?
        } else {
            writer.finish()
        }?;
        let received_at = self.desk.clock.now();
        let mailbox = &self.polled.account.mailbox;
        let fetched = trace::Fetched { host: &mailbox.host, address: &self.polled.address, at: received_at };
        let mail = Mail {
            received_at,
            mail_from: trace::said_return_path(head),
            peer: None,
            helo: None,
            recipients: Vec::new(),
            trace: trace::fetched(&fetched, &self.desk.hostname, &random::token()),
        };
        let uid = place.uid;
        let taken = self.desk.take_fetched(raw, mail, place).await?;
        tracing::debug!(channel = self.polled.channel.0, uid, ?taken, "fetched a mail");
        Ok(())
    }

    /// Does in the mailbox what is to be done with mails that were taken.
    async fn settle(&self, session: &mut Session<BoxIo>, folder: &str, owed: &[u32]) -> Result<(), Fault> {
        for part in owed.chunks(OWED) {
            let uids = part.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            match &self.polled.account.mailbox.after {
                After::Leave => {}
                After::MarkSeen => {
                    session.command(&format!("UID STORE {uids} +FLAGS.SILENT (\\Seen)")).await?;
                }
                After::Move(to) => self.move_to(session, &uids, to).await?,
                After::Delete => remove(session, &uids).await?,
            }
            self.desk.settle_owed(self.polled.channel, folder, part.to_vec()).await?;
        }
        Ok(())
    }

    async fn move_to(&self, session: &mut Session<BoxIo>, uids: &str, to: &str) -> Result<(), Fault> {
        let quoted = folder_in_quotes(to)?;
        let verb = if session.can("MOVE") { "MOVE" } else { "COPY" };
        let moved = session.ask(&format!("UID {verb} {uids} {quoted}")).await?;
        if moved.kind == super::parse::Kind::No && moved.says("TRYCREATE") {
            return Err(Fault::FolderMissing(String::from(to), moved.words));
        }
        if moved.kind != super::parse::Kind::Ok {
            return Err(Fault::Refused(moved.words));
        }
        if verb == "COPY" { remove(session, uids).await } else { Ok(()) }
    }
}

/// Deletes mails. Where a server can only remove all that is marked, what is marked stays until somebody does: it may
/// be somebody else's.
async fn remove(session: &mut Session<BoxIo>, uids: &str) -> Result<(), Fault> {
    session.command(&format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)")).await?;
    if session.can("UIDPLUS") {
        session.command(&format!("UID EXPUNGE {uids}")).await?;
    }
    Ok(())
}
