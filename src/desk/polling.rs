//! Reading mailboxes elsewhere: how far each folder is read, taking a mail together with that, and whether it works.
//!
//! What is fetched and how far that got commit together, so that each mail is taken once wherever the process ends.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::inbound::{self, Mail, Taken};
use super::mailboxes::Account;
use super::{Act, Desk, Error, Result};
use crate::base::{Timestamp, text};
use crate::domain::incoming::Recipient;
use crate::domain::mailbox::{After, Broken, Cursor, Mailbox, Skipped};
use crate::domain::{Actor, Channel, ChannelId, What};
use crate::store::{self, Direction, Key, NewBlob, Prepared, Rows, Table, Writer};

/// Mails of one channel that are known again when its server numbers them anew.
const REMEMBERED: u64 = 10_000;
/// Longest words kept of a remote server, bytes.
const MAX_WORDS: usize = 400;
/// Milliseconds by which a server's clock may be off.
const CLOCKS: i64 = 3_600_000;

/// A channel whose mailbox is to be read.
#[derive(Clone, Debug)]
pub struct Polled {
    /// The channel.
    pub channel: ChannelId,
    /// Its address.
    pub address: String,
    /// The mailbox.
    pub account: Account,
}

/// Where a mail lies in a mailbox.
#[derive(Clone, Debug)]
pub struct Place {
    /// The channel that reads it.
    pub channel: ChannelId,
    /// The folder.
    pub folder: String,
    /// Which numbering this is about.
    pub validity: u32,
    /// The mail's number.
    pub uid: u32,
}

impl Desk {
    /// All channels whose mailboxes are to be read. One whose secret cannot be opened is left out.
    ///
    /// # Errors
    /// The store's own.
    pub fn polled(&self) -> Result<Vec<Polled>> {
        let mut polled = Vec::new();
        for channel in self.store.read()?.all::<Channel>()? {
            let Some(mailbox) = channel.email().way_in.mailbox() else { continue };
            match self.account(mailbox) {
                Ok(account) => {
                    let address = channel.email().address.clone();
                    polled.push(Polled { channel: channel.id, address, account });
                }
                Err(error) => tracing::error!(%error, channel = channel.id.0, "a mailbox cannot be read"),
            }
        }
        Ok(polled)
    }

    /// How far a folder has been read, as its numbering is `validity` now and the next mail's number `next`. Where it
    /// is met for the first time: up to its end, or to the day from which mail is wanted. Where it is numbered anew:
    /// from the start, and what was taken is known again.
    ///
    /// # Errors
    /// The store's own; [`Error::NotFound`] for a channel that is gone.
    pub async fn cursor(&self, id: ChannelId, folder: &str, validity: u32, next: u32) -> Result<Cursor> {
        let key = cursor_key(id, folder);
        let known: Option<Cursor> = value(&self.store.read()?, Table::Polled, &key)?;
        if let Some(known) = known.filter(|known| known.validity == validity) {
            return Ok(known);
        }
        let now = self.clock.now();
        self.store
            .write(move |writer| {
                let channel: Channel = writer.find(id)?.ok_or(Error::NotFound)?;
                let since = channel.email().way_in.mailbox().ok_or(Error::NotFound)?.since;
                let cursor = match (value::<Cursor>(writer, Table::Polled, &key)?, since) {
                    (Some(old), _) => Cursor { validity, uid: 0, dated_below: next, owed: Vec::new(), ..old },
                    (None, Some(from)) => Cursor { validity, uid: 0, from, dated_below: next, owed: Vec::new() },
                    (None, None) => {
                        let (uid, from) = (next.saturating_sub(1), now.plus_millis(-CLOCKS));
                        Cursor { validity, uid, from, dated_below: 0, owed: Vec::new() }
                    }
                };
                insert(writer, Table::Polled, &key, &cursor)?;
                Ok(cursor)
            })
            .await
    }

    /// Makes a mail of a mailbox safe, and notes that it is. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// The store's own; [`Error::NotFound`] for a channel that is gone. The mail is to be fetched again.
    pub async fn take_fetched(&self, raw: Prepared, mail: Mail, place: Place) -> Result<Taken> {
        let hash = raw.hash();
        let act = Act { at: mail.received_at, actor: Actor::Outside };
        self.store.write_with(vec![raw], move |writer, new| take(writer, act, new, &hash, &mail, &place)).await
    }

    /// Notes that mails up to a place are dealt with, none of them taken: they are not wanted.
    ///
    /// # Errors
    /// As [`Desk::take_fetched`].
    pub async fn pass_over(&self, place: Place) -> Result<()> {
        self.store.write(move |writer| advance(writer, &place, false).map(drop)).await
    }

    /// Leaves a mail where it is that is larger than what is taken, and says so on the channel.
    ///
    /// # Errors
    /// As [`Desk::take_fetched`].
    pub async fn skip_fetched(&self, place: Place, bytes: u64) -> Result<()> {
        let act = self.act(Actor::System);
        self.store
            .write(move |writer| {
                let mut channel: Channel = writer.find(place.channel)?.ok_or(Error::NotFound)?;
                if !advance(writer, &place, false)? {
                    return Ok(());
                }
                let Some(mailbox) = mailbox_mut(&mut channel) else { return Ok(()) };
                let count = mailbox.skipped.as_ref().map_or(0, |skipped| skipped.count) + 1;
                mailbox.skipped = Some(Skipped { count, at: act.at, bytes });
                writer.put(&channel)?;
                writer.change(act.at, act.actor, What::Channel(place.channel))?;
                Ok(())
            })
            .await
    }

    /// Notes that nothing remains to be done in the mailbox for these mails.
    ///
    /// # Errors
    /// The store's own.
    pub async fn settle_owed(&self, channel: ChannelId, folder: &str, done: Vec<u32>) -> Result<()> {
        let key = cursor_key(channel, folder);
        self.store
            .write(move |writer| {
                let Some(mut cursor) = value::<Cursor>(writer, Table::Polled, &key)? else { return Ok(()) };
                cursor.owed.retain(|uid| !done.contains(uid));
                insert(writer, Table::Polled, &key, &cursor)
            })
            .await
    }

    /// Says on a channel that its mailbox cannot be read. Gives whether it was not said before.
    ///
    /// # Errors
    /// The store's own.
    pub async fn mailbox_broke(&self, id: ChannelId, since: Timestamp, code: &str, words: &str) -> Result<bool> {
        let act = self.act(Actor::System);
        let broken = Broken { since, code: String::from(code), words: text::one_line(words, MAX_WORDS) };
        self.store
            .write(move |writer| {
                let Some(mut channel) = writer.find::<Channel>(id)? else { return Ok(false) };
                let Some(mailbox) = mailbox_mut(&mut channel) else { return Ok(false) };
                let old = mailbox.broken.take();
                let since = old.as_ref().map_or(broken.since, |old| old.since);
                let new = Broken { since, ..broken.clone() };
                let (first, changed) = (old.is_none(), old.as_ref() != Some(&new));
                mailbox.broken = Some(new);
                if changed {
                    writer.put(&channel)?;
                    tell(writer, act, id)?;
                }
                Ok(first)
            })
            .await
    }

    /// Takes back what [`Desk::mailbox_broke`] said. Gives whether it had been said.
    ///
    /// # Errors
    /// The store's own.
    pub async fn mailbox_works(&self, id: ChannelId) -> Result<bool> {
        let act = self.act(Actor::System);
        let broken = |channel: &Channel| channel.email().way_in.mailbox().is_some_and(|one| one.broken.is_some());
        if !self.store.recent()?.find::<Channel>(id)?.as_ref().is_some_and(broken) {
            return Ok(false);
        }
        self.store
            .write(move |writer| {
                let Some(mut channel) = writer.find::<Channel>(id)? else { return Ok(false) };
                let Some(mailbox) = mailbox_mut(&mut channel) else { return Ok(false) };
                if mailbox.broken.take().is_none() {
                    return Ok(false);
                }
                writer.put(&channel)?;
                tell(writer, act, id)?;
                Ok(true)
            })
            .await
    }
}

/// Says that a channel changed, and to everybody's page that what it tells about the whole did.
fn tell(writer: &mut Writer<'_>, act: Act, id: ChannelId) -> Result<()> {
    writer.change(act.at, act.actor, What::Channel(id))?;
    writer.change(act.at, act.actor, What::Workspace)?;
    Ok(())
}

fn take(
    writer: &mut Writer<'_>,
    act: Act,
    new: &[NewBlob],
    hash: &[u8; 32],
    mail: &Mail,
    place: &Place,
) -> Result<Taken> {
    let channel: Channel = writer.find(place.channel)?.ok_or(Error::NotFound)?;
    let mailbox = channel.email().way_in.mailbox().ok_or(Error::NotFound)?;
    let owes = mailbox.after != After::Leave;
    let address = channel.email().address.clone();
    let delivery = inbound::seen_key(hash, &address);
    if !advance(writer, place, owes)? || !remember(writer, place.channel, &delivery)? {
        return Ok(Taken::Again);
    }
    let recipient = Recipient { address, inbox: channel.inbox, channel: Some(channel.id), bounce: None, token: None };
    let mail = Mail { recipients: vec![recipient], peer: None, helo: None, ..mail.clone() };
    inbound::take(writer, act, new, hash, &mail, true)
}

/// Moves a folder's cursor to a mail. False when it is there or beyond: somebody else dealt with it.
fn advance(writer: &mut Writer<'_>, place: &Place, owes: bool) -> Result<bool> {
    let key = cursor_key(place.channel, &place.folder);
    let cursor: Option<Cursor> = value(writer, Table::Polled, &key)?;
    let Some(mut cursor) = cursor.filter(|cursor| cursor.validity == place.validity) else {
        // The mailbox was set anew in the meantime.
        return Err(Error::NotFound);
    };
    if place.uid <= cursor.uid {
        return Ok(false);
    }
    cursor.uid = place.uid;
    if owes {
        cursor.owed.push(place.uid);
    }
    insert(writer, Table::Polled, &key, &cursor)?;
    Ok(true)
}

/// Remembers a mail among the last ones. False when it is one of them.
fn remember(writer: &mut Writer<'_>, channel: ChannelId, delivery: &[u8]) -> Result<bool> {
    let own = || Key::new().u64(channel.0);
    let key = own().bytes(delivery);
    if writer.get_bytes(Table::Fetched, key.as_bytes())?.is_some() {
        return Ok(false);
    }
    let (newest, oldest) = (end(writer, &own(), Direction::Backward)?, end(writer, &own(), Direction::Forward)?);
    let number = newest.as_deref().map_or(0, number_of) + 1;
    writer.insert(Table::Fetched, key.as_bytes(), &number.to_be_bytes())?;
    writer.insert(Table::FetchedByOrder, own().u64(number).bytes(delivery).as_bytes(), &[])?;
    if let Some(oldest) = oldest.filter(|oldest| number_of(oldest) + REMEMBERED <= number) {
        forget(writer, &oldest)?;
    }
    Ok(true)
}

/// The first or last key of what a channel remembers.
fn end(rows: &impl Rows, prefix: &Key, from: Direction) -> Result<Option<Vec<u8>>> {
    let mut found = None;
    rows.visit_prefix(Table::FetchedByOrder, prefix, None, from, &mut |key, _| {
        found = Some(key.to_vec());
        Ok(false)
    })?;
    Ok(found)
}

/// The number in a key of [`Table::FetchedByOrder`].
fn number_of(key: &[u8]) -> u64 {
    key.get(8..16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

fn forget(writer: &mut Writer<'_>, key: &[u8]) -> Result<()> {
    let (channel, delivery) = (key.get(..8).unwrap_or_default(), key.get(16..).unwrap_or_default());
    writer.remove(Table::Fetched, &[channel, delivery].concat())?;
    Ok(writer.remove(Table::FetchedByOrder, key)?)
}

/// Forgets how far a channel's folders were read: it has another mailbox now, or none.
pub(super) fn forget_folders(writer: &mut Writer<'_>, channel: ChannelId) -> Result<()> {
    let mut keys = Vec::new();
    writer.visit_prefix(Table::Polled, &Key::new().u64(channel.0), None, Direction::Forward, &mut |key, _| {
        keys.push(key.to_vec());
        Ok(true)
    })?;
    keys.iter().try_for_each(|key| Ok(writer.remove(Table::Polled, key)?))
}

/// Forgets up to `limit` mails of channels that are gone; gives how many.
pub(super) fn forget_gone(writer: &mut Writer<'_>, limit: usize) -> Result<usize> {
    let mut channel = 0;
    // One step a channel that ever was: its first row says which it is.
    while let Some(key) = end_behind(writer, channel)? {
        channel = key.first_chunk().copied().map_or(u64::MAX, u64::from_be_bytes);
        if writer.find::<Channel>(ChannelId(channel))?.is_some() {
            continue;
        }
        let mut keys = Vec::new();
        let own = Key::new().u64(channel);
        writer.visit_prefix(Table::FetchedByOrder, &own, None, Direction::Forward, &mut |key, _| {
            keys.push(key.to_vec());
            Ok(keys.len() < limit)
        })?;
        keys.iter().try_for_each(|key| forget(writer, key))?;
        return Ok(keys.len());
    }
    Ok(0)
}

/// The first key of a channel behind this one.
fn end_behind(rows: &impl Rows, channel: u64) -> Result<Option<Vec<u8>>> {
    let mut found = None;
    let from = Key::new().u64(channel.saturating_add(1));
    rows.visit_prefix(Table::FetchedByOrder, &Key::new(), Some(from.as_bytes()), Direction::Forward, &mut |key, _| {
        found = Some(key.to_vec());
        Ok(false)
    })?;
    Ok(found)
}

fn mailbox_mut(channel: &mut Channel) -> Option<&mut Mailbox> {
    match &mut channel.email_mut().way_in {
        crate::domain::channel::WayIn::Imap(mailbox) => Some(mailbox),
        _ => None,
    }
}

fn cursor_key(channel: ChannelId, folder: &str) -> Vec<u8> {
    Key::new().u64(channel.0).text(folder).into_bytes()
}

fn value<T: DeserializeOwned>(rows: &impl Rows, table: Table, key: &[u8]) -> Result<Option<T>> {
    let bytes = rows.get_bytes(table, key)?;
    Ok(bytes.map(|bytes| rmp_serde::from_slice(&bytes)).transpose().map_err(store::Error::from)?)
}

fn insert<T: Serialize>(writer: &mut Writer<'_>, table: Table, key: &[u8], value: &T) -> Result<()> {
    let bytes = rmp_serde::to_vec_named(value).map_err(store::Error::from)?;
    Ok(writer.insert(table, key, &bytes)?)
}
