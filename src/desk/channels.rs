//! Channels of kind e-mail: the team's own addresses, and which inbox each belongs to.

use super::domains::{self, Made};
use super::mailboxes::MailboxChange;
use super::recipients::checked;
use super::{Desk, Error, Result, Who, polling};
use crate::domain::channel::{ChannelKind, Forward, FromName, WayIn};
use crate::domain::mailbox::Mailbox as Polled;
use crate::domain::{AutoReply, Channel, ChannelId, EmailChannel, Inbox, InboxId, Person, What};
use crate::mail::address::Mailbox;
use crate::mail::clean;
use crate::store::{Direction, Key, Rows, Table, Writer};

/// Most channels.
const MAX_CHANNELS: usize = 500;
/// Longest signature, bytes of HTML.
const MAX_SIGNATURE: usize = 10_000;
/// Most people copied by default, each of Cc and Bcc.
const MAX_COPIED: usize = 10;
/// Local parts that reach whoever runs a domain, whatever its channels are (RFC 5321 section 4.5.1, RFC 2142), and
/// those that the program uses itself.
const TAKEN: [&str; 2] = ["reply", "bounce"];

/// How mail is to come in.
#[derive(Clone, Debug)]
pub enum NewWay {
    /// The domain's MX record names this machine.
    Mx,
    /// A mailbox elsewhere forwards to the inbox's fallback address.
    Forward,
    /// A mailbox elsewhere is looked into.
    Imap(Box<MailboxChange>),
}

/// A new channel.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// The inbox it belongs to.
    pub inbox: InboxId,
    /// The address.
    pub address: String,
    /// How mail comes in.
    pub way_in: NewWay,
}

/// What to change of a channel; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct ChannelPatch {
    /// The inbox it belongs to.
    pub inbox: Option<InboxId>,
    /// Which name stands in From.
    pub from_name: Option<FromName>,
    /// What closes each message, HTML.
    pub signature: Option<String>,
    /// Copied by default.
    pub cc: Option<Vec<Person>>,
    /// The same, hidden.
    pub bcc: Option<Vec<Person>>,
    /// Whether `address+anything` is this address.
    pub plus_tags: Option<bool>,
    /// Whether it takes what is nobody's in its domain.
    pub catch_all: Option<bool>,
    /// How mail comes in.
    pub way_in: Option<NewWay>,
    /// What it says by itself.
    pub auto_reply: Option<AutoReply>,
}

impl Desk {
    /// Adds an address. Its domain is added with it, with DKIM keys, when it is new.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`], [`Error::Conflict`] for an address in use.
    pub async fn add_channel(&self, who: &Who, new: NewChannel) -> Result<Channel> {
        who.must_manage()?;
        let address = self.own_address(&new.address)?;
        let email = EmailChannel::new(address, self.way(new.way_in, None)?);
        let made = self.domain_for(email.domain()).await?;
        let act = self.act(who.actor());
        let inbox = new.inbox;
        self.store
            .write(move |writer| {
                if writer.find::<Inbox>(inbox)?.is_none() {
                    return Err(Error::invalid("inbox", "unknown"));
                }
                if writer.all::<Channel>()?.len() >= MAX_CHANNELS {
                    return Err(Error::conflict("too_many_channels", "no more channels can be added"));
                }
                if by_address(writer, &email.address)?.is_some() {
                    return Err(Error::conflict("address_in_use", "another channel has this address"));
                }
                domains::ensure(writer, act, &made)?;
                let id = ChannelId(writer.next_id::<Channel>()?);
                let channel = Channel { id, inbox, created_at: act.at, kind: ChannelKind::Email(email.clone()) };
                writer.put(&channel)?;
                writer.change(act.at, act.actor, What::Channel(id))?;
                Ok(channel)
            })
            .await
    }

    /// Changes a channel.
    ///
    /// # Errors
    /// As [`Desk::add_channel`], and [`Error::NotFound`].
    pub async fn update_channel(&self, who: &Who, id: ChannelId, patch: ChannelPatch) -> Result<Channel> {
        who.must_manage()?;
        let signature = patch.signature.as_deref().map(signature_of).transpose()?;
        let (cc, bcc) = (copied("cc", patch.cc.as_deref())?, copied("bcc", patch.bcc.as_deref())?);
        let known = self.store.read()?.find::<Channel>(id)?.ok_or(Error::NotFound)?;
        let known = known.email().way_in.mailbox().cloned();
        let way_in = patch.way_in.map(|way| self.way(way, known.as_ref())).transpose()?;
        let auto_reply = patch.auto_reply.clone().map(AutoReply::checked).transpose()?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                let mut channel: Channel = writer.find(id)?.ok_or(Error::NotFound)?;
                if let Some(inbox) = patch.inbox {
                    writer.find::<Inbox>(inbox)?.ok_or(Error::invalid("inbox", "unknown"))?;
                    channel.inbox = inbox;
                }
                let email = channel.email_mut();
                email.from_name = patch.from_name.unwrap_or(email.from_name);
                email.plus_tags = patch.plus_tags.unwrap_or(email.plus_tags);
                email.signature = signature.clone().unwrap_or_else(|| email.signature.clone());
                email.auto_reply = auto_reply.clone().unwrap_or_else(|| email.auto_reply.clone());
                email.cc = cc.clone().unwrap_or_else(|| email.cc.clone());
                email.bcc = bcc.clone().unwrap_or_else(|| email.bcc.clone());
                let old = email.way_in.clone();
                email.way_in = way_in.clone().map_or_else(|| old.clone(), |new| instead(&old, new));
                let forget = is_another_mailbox(&old, &email.way_in);
                if let Some(catch_all) = patch.catch_all {
                    if catch_all && other_catch_all(writer, id, email.domain())? {
                        return Err(Error::conflict(
                            "catch_all_in_use",
                            "another address of this domain takes the rest",
                        ));
                    }
                    channel.email_mut().catch_all = catch_all;
                }
                if forget {
                    polling::forget_folders(writer, id)?;
                }
                writer.put(&channel)?;
                writer.change(act.at, act.actor, What::Channel(id))?;
                Ok(channel)
            })
            .await
    }

    /// Removes a channel. Its conversations stay, and answers to them go out under the inbox's fallback address.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn remove_channel(&self, who: &Who, id: ChannelId) -> Result<()> {
        who.must_manage()?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                writer.find::<Channel>(id)?.ok_or(Error::NotFound)?;
                polling::forget_folders(writer, id)?;
                writer.delete::<Channel>(id)?;
                writer.change(act.at, act.actor, What::Channel(id))?;
                Ok(())
            })
            .await
    }

    /// An address the team may have, as it is kept.
    fn own_address(&self, text: &str) -> Result<String> {
        let mailbox = Mailbox::parse(text.trim(), false).map_err(|_| Error::invalid("address", "invalid"))?;
        let local = mailbox.local().to_lowercase();
        if mailbox.domain() == self.hostname || !mailbox.domain().contains('.') {
            // Addresses on the host name are the inboxes' own.
            return Err(Error::invalid("address", "host_name"));
        }
        if local.contains(['+', '"']) || TAKEN.contains(&local.as_str()) {
            return Err(Error::invalid("address", "reserved"));
        }
        Ok(format!("{local}@{}", mailbox.domain()))
    }

    /// How mail comes in, as it is kept.
    fn way(&self, new: NewWay, old: Option<&Polled>) -> Result<WayIn> {
        Ok(match new {
            NewWay::Mx => WayIn::Mx,
            NewWay::Forward => WayIn::Forward(Forward::default()),
            NewWay::Imap(change) => WayIn::Imap(Box::new(self.settle_mailbox(*change, old)?)),
        })
    }

    /// The domain of that name as it is, or its keys for when it is not there yet.
    async fn domain_for(&self, name: &str) -> Result<Made> {
        let known = domains::by_name(&self.store.read()?, name)?.is_some();
        if known { Ok(Made::known(name)) } else { self.make_domain(name).await }
    }
}

/// A way in, with what is known about it when it is the one that was there.
fn instead(old: &WayIn, new: WayIn) -> WayIn {
    match (old, new) {
        (WayIn::Forward(old), WayIn::Forward(_)) => WayIn::Forward(old.clone()),
        (WayIn::Imap(old), WayIn::Imap(new)) if old.is_same_account(&new) => {
            // Whether it works now is found out by trying; until then it is what it was.
            WayIn::Imap(Box::new(Polled { broken: old.broken.clone(), skipped: old.skipped.clone(), ..*new }))
        }
        (_, new) => new,
    }
}

/// Whether how far folders were read says nothing about the way in that there is now.
fn is_another_mailbox(old: &WayIn, new: &WayIn) -> bool {
    match (old.mailbox(), new.mailbox()) {
        (Some(old), Some(new)) => !old.is_same_account(new),
        (old, _) => old.is_some(),
    }
}

/// The channel that has exactly this address, as it is kept.
///
/// # Errors
/// The store's own.
pub fn by_address(rows: &impl Rows, address: &str) -> Result<Option<ChannelId>> {
    Ok(rows.unique(Table::ChannelByAddress, &Key::new().text(address))?.map(ChannelId))
}

/// The channel that mail to this address belongs to: it itself, the one before a `+`, or the domain's catch-all.
///
/// # Errors
/// The store's own.
pub fn taking(rows: &impl Rows, local: &str, domain: &str) -> Result<Option<Channel>> {
    if let Some(id) = by_address(rows, &format!("{local}@{domain}"))? {
        return Ok(Some(rows.get(id)?));
    }
    if let Some((plain, _)) = local.split_once('+')
        && let Some(id) = by_address(rows, &format!("{plain}@{domain}"))?
    {
        let channel: Channel = rows.get(id)?;
        if channel.email().plus_tags {
            return Ok(Some(channel));
        }
    }
    let rest = rows.unique(Table::ChannelByCatchAll, &Key::new().text(domain))?;
    Ok(rest.map(|id| rows.get(ChannelId(id))).transpose()?)
}

/// The channels of a domain, oldest first.
///
/// # Errors
/// The store's own.
pub fn of_domain(rows: &impl Rows, domain: &str) -> Result<Vec<ChannelId>> {
    let prefix = Key::new().text(domain);
    let ids = rows.ids(Table::ChannelByDomain, &prefix, None, Direction::Forward, MAX_CHANNELS)?;
    Ok(ids.into_iter().map(ChannelId).collect())
}

/// The channels of an inbox, oldest first.
///
/// # Errors
/// The store's own.
pub fn of_inbox(rows: &impl Rows, inbox: InboxId) -> Result<Vec<Channel>> {
    let prefix = Key::new().u64(inbox.0);
    let ids = rows.ids(Table::ChannelByInbox, &prefix, None, Direction::Forward, MAX_CHANNELS)?;
    Ok(ids.into_iter().map(|id| rows.get(ChannelId(id))).collect::<std::result::Result<_, _>>()?)
}

fn other_catch_all(writer: &Writer<'_>, own: ChannelId, domain: &str) -> Result<bool> {
    let known = writer.unique(Table::ChannelByCatchAll, &Key::new().text(domain))?;
    Ok(known.is_some_and(|id| id != own.0))
}

fn signature_of(html: &str) -> Result<String> {
    if html.len() > MAX_SIGNATURE {
        return Err(Error::invalid("signature", "too_long"));
    }
    clean::clean_outgoing(html.trim()).map_err(|_| Error::invalid("signature", "too_long"))
}

fn copied(field: &'static str, people: Option<&[Person]>) -> Result<Option<Vec<Person>>> {
    let Some(people) = people else { return Ok(None) };
    if people.len() > MAX_COPIED {
        return Err(Error::invalid(field, "too_many"));
    }
    checked(field, people).map(Some)
}
