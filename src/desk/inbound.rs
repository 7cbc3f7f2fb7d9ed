//! The one door for mail: who is known here, and making a mail safe.
//!
//! [`take`] is on the way to the 250, so it does only what the promise needs: the raw bytes and one row, in
//! one commit. What the mail means is found out afterwards, by filing.

use std::net::IpAddr;

use super::{Act, Desk, Result, channels, inboxes};
use crate::base::Timestamp;
use crate::domain::incoming::Recipient;
use crate::domain::{Conversation, ConversationId, Inbox, InboxId, Incoming, IncomingId, Message, MessageId, What};
use crate::mail::{address, thread};
use crate::store::{Key, NewBlob, Prepared, Reader, Rows, Table, Writer};

/// Days within which the same mail to the same recipient is stored once.
pub const SEEN_DAYS: i64 = 7;

/// What a recipient is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// An inbox takes it.
    Inbox(Recipient),
    /// Ours, and to be taken as soon as there is an inbox: postmaster and abuse before the first one.
    NotYet,
    /// The domain is ours, the local part is nobody.
    Nobody,
    /// The domain is not ours.
    NotOurs,
}

/// A mail as a channel hands it over.
#[derive(Clone, Debug)]
pub struct Mail {
    /// When its last byte came.
    pub received_at: Timestamp,
    /// The reverse-path; none for `<>`.
    pub mail_from: Option<String>,
    /// The address it came from.
    pub peer: Option<IpAddr>,
    /// What the client called itself.
    pub helo: Option<String>,
    /// The envelope's recipients, each with its inbox.
    pub recipients: Vec<Recipient>,
    /// Trace headers kept beside the bytes.
    pub trace: String,
}

/// What became of a mail that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is safe, and will be filed.
    Stored(IncomingId),
    /// It was safe already: the same bytes came to the same recipients within [`SEEN_DAYS`].
    Again,
}

impl Desk {
    /// What an envelope recipient is to us. Case is ignored; plus-tags too, but for channels that say otherwise.
    /// Postmaster and abuse of each of our domains are the first inbox's (RFC 5321, 4.5.1; RFC 2142).
    ///
    /// # Errors
    /// The store's own: the sender's server is to try later.
    pub fn recipient(&self, local: &str, domain: &str) -> Result<Known> {
        let domain = domain.strip_suffix('.').unwrap_or(domain).to_lowercase();
        let rows = &*self.store.recent()?;
        let own = domain == self.hostname;
        if !own && channels::of_domain(rows, &domain)?.is_empty() {
            return Ok(Known::NotOurs);
        }
        let address = format!("{local}@{domain}");
        if let Some(message) = self.message_of_return_path(local) {
            return by_return_path(rows, address, message);
        }
        if let Some(token) = thread::token_of_reply_address(&address, &domain) {
            return by_token(rows, address, token);
        }
        let local = local.to_lowercase();
        let found = if own { None } else { channels::taking(rows, &local, &domain)? };
        if let Some(channel) = found {
            let recipient =
                Recipient { address, inbox: channel.inbox, channel: Some(channel.id), bounce: None, token: None };
            return Ok(Known::Inbox(recipient));
        }
        let plain = local.split_once('+').map_or(local.as_str(), |(before, _)| before);
        let inbox = match plain {
            "postmaster" | "abuse" => match first_inbox(rows)? {
                None => return Ok(Known::NotYet),
                found => found,
            },
            _ if own => inboxes::find_by_local_part(rows, plain)?,
            _ => None,
        };
        let recipient = |inbox| Known::Inbox(Recipient { address, inbox, channel: None, bounce: None, token: None });
        Ok(inbox.map_or(Known::Nobody, recipient))
    }

    /// Makes a mail safe. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// The store's own: nothing was promised, the sender's server is to try later.
    pub async fn take(&self, raw: Prepared, mail: Mail) -> Result<Taken> {
        let hash = raw.hash();
        let act = Act { at: mail.received_at, actor: crate::domain::Actor::Outside };
        self.store.write_with(vec![raw], move |writer, new| take(writer, act, new, &hash, &mail, false)).await
    }
}

/// Takes a mail that was brought here, or `fetched` from elsewhere.
pub(super) fn take(
    writer: &mut Writer<'_>,
    act: Act,
    new: &[NewBlob],
    hash: &[u8; 32],
    mail: &Mail,
    fetched: bool,
) -> Result<Taken> {
    let mut fresh = Vec::new();
    for recipient in &mail.recipients {
        let key = seen_key(hash, &recipient.address);
        let seen = writer.get_bytes(Table::Seen, &key)?.is_some()
            || writer.unique(Table::IncomingByDelivery, &Key::new().bytes(&key))?.is_some();
        if !seen && !fresh.iter().any(|(known, _): &(Vec<u8>, &Recipient)| *known == key) {
            fresh.push((key, recipient));
        }
    }
    let (Some(blob), false) = (new.first(), fresh.is_empty()) else { return Ok(Taken::Again) };
    let raw = writer.add_blob(blob)?;
    let id = IncomingId(writer.next_id::<Incoming>()?);
    let mut recipients: Vec<Recipient> = Vec::new();
    let mut deliveries = Vec::new();
    for (key, recipient) in fresh {
        deliveries.push(key);
        // One mail to one inbox is one message there, however many of its addresses were named.
        match recipients.iter_mut().find(|known| known.inbox == recipient.inbox) {
            Some(known) if known.token.is_none() => *known = recipient.clone(),
            Some(_) => {}
            None => recipients.push(recipient.clone()),
        }
    }
    let incoming = Incoming {
        id,
        raw,
        received_at: mail.received_at,
        mail_from: mail.mail_from.clone(),
        peer: mail.peer,
        helo: mail.helo.clone(),
        fetched,
        recipients,
        trace: mail.trace.clone(),
        attempts: 0,
        deliveries,
    };
    writer.put(&incoming)?;
    writer.change(act.at, act.actor, What::Taken(id))?;
    Ok(Taken::Stored(id))
}

/// Remembers, once a mail is filed, what its deliveries are known by.
pub(super) fn remember(writer: &mut Writer<'_>, incoming: &Incoming) -> Result<()> {
    let at = Key::new().time(incoming.received_at);
    for key in &incoming.deliveries {
        writer.insert(Table::Seen, key, at.as_bytes())?;
        writer.insert(Table::SeenByTime, at.clone().bytes(key).as_bytes(), &[])?;
    }
    Ok(())
}

/// Who has a reply address: the conversation of its token.
fn by_token(rows: &Reader, address: String, token: String) -> Result<Known> {
    let Some(id) = rows.unique(Table::ConversationByToken, &Key::new().text(&token))? else {
        return Ok(Known::Nobody);
    };
    let conversation: Conversation = rows.get(ConversationId(id))?;
    let (inbox, channel) = (conversation.inbox, conversation.channel);
    Ok(Known::Inbox(Recipient { address, inbox, channel, bounce: None, token: Some(token) }))
}

/// Who has a return path: the conversation of the message it was given to.
fn by_return_path(rows: &Reader, address: String, id: MessageId) -> Result<Known> {
    let Some(message) = rows.find::<Message>(id)? else { return Ok(Known::Nobody) };
    let conversation: Conversation = rows.get(message.conversation)?;
    let (inbox, channel, token) = (conversation.inbox, conversation.channel, Some(conversation.token));
    Ok(Known::Inbox(Recipient { address, inbox, channel, bounce: Some(id), token }))
}

/// What a delivery is known by: its recipient and its very bytes.
pub(super) fn seen_key(hash: &[u8; 32], recipient: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(hash);
    hasher.update(address::contact_key(recipient).as_bytes());
    hasher.finalize().as_bytes().first_chunk::<16>().map(|head| head.to_vec()).unwrap_or_default()
}

fn first_inbox(rows: &impl Rows) -> Result<Option<InboxId>> {
    Ok(rows.all::<Inbox>()?.into_iter().map(|inbox| inbox.id).min())
}
