//! Filing: a mail that is safe becomes a message in a conversation.
//!
//! Reading a mail happens outside, on the parser's thread; here is what follows from what was read, in one
//! transaction with the removal of the incoming row, so that it happens exactly once.

use std::collections::BTreeMap;

use super::authenticating::{FROM_AGENT, note};
use super::reading::{Read, encode};
use super::said::{MAX_PEOPLE, Said, message_has_files, sender_of};
use super::threading::{self, Clues, Home};
use super::{Act, Desk, Result, access, auto_reply, bounces, channels, contacts, events, filters, inbound, words};
use crate::base::Timestamp;
use crate::domain::channel::WayIn;
use crate::domain::conversation::{Beginning, Last, Trouble};
use crate::domain::filter::{self, Facts};
use crate::domain::incoming::Recipient;
use crate::domain::job::Work;
use crate::domain::{
    Actor, Authentication, Channel, ChannelId, ContactId, Conversation, ConversationId, Inbox, InboxId, Incoming,
    IncomingId, Job, JobId, Kind, Message, MessageId, Place, State, Verdict, What,
};
use crate::mail::address;
use crate::mail::bounce::Bounce;
use crate::store::{Direction, Key, NewBlob, Rows, Table, Writer};

/// Conversations that one is linked with.
const MAX_RELATED: usize = 200;
/// Tries after which a mail is filed unread: the process ended in each of them. Two may be a power cut and
/// bad luck.
pub const MAX_ATTEMPTS: u32 = 3;

impl Desk {
    /// The oldest mails that wait to be filed, up to `limit`.
    ///
    /// # Errors
    /// The store's own.
    pub fn waiting_mail(&self, limit: usize) -> Result<Vec<Incoming>> {
        let rows = self.store.read()?;
        let ids = rows.ids(Table::Incoming, &Key::new(), None, Direction::Forward, limit)?;
        Ok(ids.into_iter().map(|id| rows.get(IncomingId(id))).collect::<std::result::Result<_, _>>()?)
    }

    /// How many mails were taken since the store was made.
    ///
    /// # Errors
    /// The store's own.
    pub fn mail_taken(&self) -> Result<u64> {
        Ok(self.store.read()?.newest_id::<Incoming>()?)
    }

    /// Counts an attempt at each of these mails, those of them that still wait: the process ended while they
    /// were being read.
    ///
    /// # Errors
    /// The store's own.
    pub async fn count_attempts(&self, ids: Vec<IncomingId>) -> Result<()> {
        self.store
            .write(move |writer| {
                for id in &ids {
                    let Some(mut incoming) = writer.find::<Incoming>(*id)? else { continue };
                    incoming.attempts += 1;
                    writer.put(&incoming)?;
                }
                Ok(())
            })
            .await
    }

    /// Files mails that were read.
    ///
    /// # Errors
    /// The store's own.
    pub async fn file(&self, read: Vec<Read>) -> Result<()> {
        let mut read = read;
        let mut prepared = Vec::new();
        let mut indexes = Vec::new();
        for one in &mut read {
            prepared.push(encode(&one.body())?);
            let files = std::mem::take(&mut one.files);
            indexes.push(files.iter().map(|(index, _)| *index).collect::<Vec<_>>());
            prepared.extend(files.into_iter().map(|(_, bytes)| bytes));
        }
        self.store
            .write_with(prepared, move |writer, blobs| {
                let mut blobs = blobs.iter();
                for (one, indexes) in read.iter().zip(&indexes) {
                    let body = blobs.next().ok_or(crate::store::Error::Stopped)?;
                    let files: Vec<_> = indexes.iter().copied().zip(blobs.by_ref()).collect();
                    file(writer, one, body, &files)?;
                }
                Ok(())
            })
            .await
    }
}

/// Files one mail into each inbox it came to.
fn file(writer: &mut Writer<'_>, read: &Read, body: &NewBlob, files: &[(u32, &NewBlob)]) -> Result<()> {
    let Some(incoming) = writer.find::<Incoming>(read.incoming)? else { return Ok(()) };
    let act = Act { at: incoming.received_at, actor: Actor::Outside };
    let body = writer.add_blob(body)?;
    let files = files.iter().map(|(index, bytes)| Ok((*index, writer.add_blob(bytes)?))).collect::<Result<_>>()?;
    let sender = sender_of(&read.parsed, incoming.mail_from.as_deref());
    let agent = access::find_by_email(writer, &sender.email)?.is_some();
    let trace = Some(incoming.trace.as_str());
    let said = Said { parsed: &read.parsed, sender: &sender, raw: incoming.raw, trace, body, files };
    if let Some((about, bounce)) = report(writer, read, &incoming)? {
        let letter = Letter { incoming: &incoming, read, said, agent, contact: ContactId(0) };
        letter.file_report(writer, act, &about, bounce)?;
        inbound::remember(writer, &incoming)?;
        return Ok(writer.delete::<Incoming>(incoming.id)?);
    }
    let contact = contacts::find_or_add(writer, act, &sender)?.id;
    let inboxes: Vec<InboxId> = incoming.recipients.iter().map(|recipient| recipient.inbox).collect();
    let mut homes: Vec<ConversationId> = Vec::new();
    let letter = Letter { incoming: &incoming, read, said, agent, contact };
    for (recipient, token) in incoming.recipients.iter().zip(&read.tokens) {
        let id = letter.file_into(writer, act, recipient, &inboxes, token)?;
        homes.push(id);
    }
    if homes.len() > 1 {
        link(writer, act, &homes)?;
    }
    inbound::remember(writer, &incoming)?;
    Ok(writer.delete::<Incoming>(incoming.id)?)
}

/// What a mail reports, and of which message of ours, when it does: see [`bounces`].
fn report<'r>(writer: &Writer<'_>, read: &'r Read, incoming: &Incoming) -> Result<Option<(Message, &'r Bounce)>> {
    let Some(bounce) = &read.parsed.bounce else { return Ok(None) };
    let proven = incoming.recipients.iter().find_map(|recipient| recipient.bounce);
    Ok(bounces::subject_of(writer, proven, bounce)?.map(|about| (about, bounce)))
}

/// Links a new conversation with those it belongs beside.
pub(super) fn relate(
    writer: &mut Writer<'_>,
    act: Act,
    conversation: &mut Conversation,
    related: Vec<ConversationId>,
) -> Result<()> {
    for other in related {
        let mut other: Conversation = writer.get(other)?;
        if !other.related.contains(&conversation.id) && other.related.len() < MAX_RELATED {
            conversation.related.push(other.id);
            other.related.push(conversation.id);
            writer.put(&other)?;
            writer.change(act.at, act.actor, What::Conversation(other.id))?;
            let args = [("conversation", conversation.id.0.into())];
            events::add(writer, Act { actor: Actor::System, ..act }, &other, "linked", &args)?;
        }
    }
    Ok(())
}

/// Links conversations that one mail made or reached.
fn link(writer: &mut Writer<'_>, act: Act, homes: &[ConversationId]) -> Result<()> {
    for id in homes {
        let mut conversation: Conversation = writer.get(*id)?;
        let missing: Vec<_> =
            homes.iter().filter(|other| *other != id && !conversation.related.contains(other)).copied().collect();
        if !missing.is_empty() {
            conversation.related.extend(missing);
            writer.put(&conversation)?;
            writer.change(act.at, act.actor, What::Conversation(*id))?;
        }
    }
    Ok(())
}

/// One mail on its way into one inbox.
struct Letter<'a> {
    incoming: &'a Incoming,
    read: &'a Read,
    said: Said<'a>,
    /// Whether that is the address of somebody of the team, who does not write this way.
    agent: bool,
    contact: ContactId,
}

/// How a mail stands among the others.
#[derive(Clone, Copy, Debug, Default)]
struct Adding {
    /// The message of ours whose delivery it reports on.
    reports_on: Option<MessageId>,
    /// Whether it is between machines.
    automatic: bool,
}

impl Letter<'_> {
    fn file_into(
        &self,
        writer: &mut Writer<'_>,
        act: Act,
        recipient: &Recipient,
        inboxes: &[InboxId],
        token: &str,
    ) -> Result<ConversationId> {
        let parsed = &self.read.parsed;
        let ids = parsed.answered_ids();
        let sender = address::contact_key(&self.said.sender.email);
        let inbox = existing_inbox(writer, recipient.inbox)?;
        let clues = Clues {
            token: recipient.token.as_deref(),
            ids: &ids,
            sender: &sender,
            believed: self.read.is_believed() && !self.agent,
            inbox,
            inboxes,
        };
        match threading::home(writer, &clues)? {
            Home::Join(id) if parsed.marks.auto_reply => {
                // A machine that says it got our mail: it stands in the thread, and nobody has to look.
                let mut conversation: Conversation = writer.get(id)?;
                self.add(writer, act, &mut conversation, Adding { automatic: true, ..Adding::default() })?;
                Ok(id)
            }
            Home::Join(id) => {
                let old: Conversation = writer.get(id)?;
                let before = old.attributes();
                let mut conversation = self.reopen(writer, act, old)?;
                let changed = conversation.attributes() != before;
                self.add(writer, act, &mut conversation, Adding::default())?;
                if changed {
                    writer.change(act.at, act.actor, What::Conversation(id))?;
                }
                Ok(id)
            }
            Home::New(related) => {
                let channel = self.channel(writer, recipient, inbox)?;
                let mut begun = self.begin(writer, act, &sender, related, token, (inbox, channel))?;
                let message = self.add(writer, act, &mut begun, Adding::default())?;
                auto_reply::plan(writer, act, &begun, message, (self.incoming, self.read, self.said.sender))?;
                Ok(begun.id)
            }
        }
    }

    /// Files a report into the conversation of the message that it is about, which wants attention when somebody did
    /// not get it.
    fn file_report(&self, writer: &mut Writer<'_>, act: Act, about: &Message, bounce: &Bounce) -> Result<()> {
        let failed = bounces::apply(writer, act, about.id, bounce)?;
        let mut conversation: Conversation = writer.get(about.conversation)?;
        if failed {
            conversation = self.reopen(writer, act, conversation)?;
        }
        let adding = Adding { reports_on: Some(about.id), automatic: about.automatic };
        self.add(writer, act, &mut conversation, adding)?;
        writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
        Ok(())
    }

    /// Adds the mail to a conversation.
    fn add(
        &self,
        writer: &mut Writer<'_>,
        act: Act,
        conversation: &mut Conversation,
        adding: Adding,
    ) -> Result<MessageId> {
        let parsed = &self.read.parsed;
        let mut message = self.message(writer, act, conversation)?;
        message.reports_on = adding.reports_on;
        message.automatic = adding.automatic;
        conversation.message_count += 1;
        conversation.has_attachments |= message_has_files(parsed);
        message.added_change = writer.change(act.at, act.actor, What::MessageAdded(conversation.id, message.id))?;
        if !adding.automatic {
            self.tell(conversation, &message);
        }
        writer.put(&message)?;
        writer.put(conversation)?;
        if self.read.verdict() == Verdict::Checking {
            let job = JobId(writer.next_id::<Job>()?);
            writer.put(&Job::new(job, Work::Authenticate(message.id), act.at, act.at))?;
        }
        Ok(message.id)
    }

    /// Makes a message the newest thing said in its conversation.
    fn tell(&self, conversation: &mut Conversation, message: &Message) {
        let parsed = &self.read.parsed;
        conversation.last = Some(Last {
            kind: Kind::Inbound,
            author: String::from(self.said.sender.label()),
            preview: words::preview(&parsed.text, self.read.quote_from_line),
        });
        conversation.last_activity_at = conversation.last_activity_at.max(message.at);
        conversation.news_seq = message.received_seq;
        conversation.talk_change = message.added_change;
        if parsed.unreadable() {
            conversation.trouble = Some(Trouble::Unreadable);
        }
    }

    /// The channel a mail came through: that of the envelope's recipient, else one of the inbox that the mail was
    /// addressed to before something forwarded it here.
    fn channel(&self, writer: &Writer<'_>, recipient: &Recipient, inbox: InboxId) -> Result<Option<ChannelId>> {
        if recipient.channel.is_some() {
            return Ok(recipient.channel);
        }
        for address in self.read.parsed.to.iter().chain(&self.read.parsed.cc).take(MAX_PEOPLE) {
            let key = address::contact_key(&address.email);
            let Some((local, domain)) = key.rsplit_once('@') else { continue };
            let Some(channel) = channels::taking(writer, &local.to_lowercase(), domain)? else { continue };
            if channel.inbox == inbox {
                return Ok(Some(channel.id));
            }
        }
        let forwarded = |channel: &Channel| matches!(channel.email().way_in, WayIn::Forward(_));
        let mut forwarded = channels::of_inbox(writer, inbox)?.into_iter().filter(forwarded);
        match (forwarded.next(), forwarded.next()) {
            // A blind copy, or a list's mail: only one address of this inbox can have brought it here by a forward,
            // unless it was sent to the fallback address by name.
            (Some(only), None) if !self.names(&recipient.address) => Ok(Some(only.id)),
            _ => Ok(None),
        }
    }

    /// Whether To or Cc name an address.
    fn names(&self, address: &str) -> bool {
        let wanted = address::contact_key(address);
        let mut named = self.read.parsed.to.iter().chain(&self.read.parsed.cc);
        named.any(|one| address::contact_key(&one.email) == wanted)
    }

    /// A conversation somebody writes into again wants attention again.
    fn reopen(&self, writer: &mut Writer<'_>, act: Act, mut conversation: Conversation) -> Result<Conversation> {
        let thrown = matches!(conversation.place, Place::Trash | Place::Filtered);
        if conversation.state == State::Open && !thrown {
            return Ok(conversation);
        }
        let was = conversation.state.name();
        conversation.state = State::Open;
        conversation.snoozed_until = None;
        if thrown {
            conversation.place = Place::Inbox;
            conversation.placed_at = act.at;
            conversation.place_reason = None;
        }
        events::add(writer, act, &conversation, "reopened", &[("was", was.into()), ("by", "reply".into())])?;
        Ok(conversation)
    }

    /// Where a mail that begins a conversation is set aside, and why, when it is.
    fn set_aside(&self, writer: &Writer<'_>, sender: &str, inbox: InboxId) -> Result<Option<(Place, &'static str)>> {
        let marks = self.read.parsed.marks;
        let facts = Facts {
            sender,
            verdict: self.read.verdict(),
            automatic: marks.auto_submitted || marks.auto_reply || marks.delivery_report,
            bulk: marks.bulk || marks.list,
            unsubscribe: marks.unsubscribe,
        };
        Ok(filter::judge(&filters::of(writer, None)?, &filters::of(writer, Some(inbox))?, facts))
    }

    fn begin(
        &self,
        writer: &mut Writer<'_>,
        act: Act,
        sender: &str,
        related: Vec<ConversationId>,
        token: &str,
        (inbox, channel): (InboxId, Option<ChannelId>),
    ) -> Result<Conversation> {
        let mut conversation = Conversation::begin(Beginning {
            id: ConversationId(writer.next_id::<Conversation>()?),
            inbox,
            channel,
            contact: self.contact,
            identity: String::from(sender),
            subject: words::subject(&self.read.parsed.subject),
            token: String::from(token),
            at: act.at,
        });
        if let Some(found) = &self.read.found {
            place_forgery(&mut conversation, &found.authentication, act.at);
        }
        if let Some((place, reason)) = self.set_aside(writer, sender, inbox)?
            && conversation.place == Place::Inbox
        {
            conversation.place = place;
            conversation.placed_at = act.at;
            conversation.place_reason = Some(String::from(reason));
        }
        relate(writer, act, &mut conversation, related)?;
        Ok(conversation)
    }

    fn message(&self, writer: &mut Writer<'_>, act: Act, conversation: &Conversation) -> Result<Message> {
        let mut message = self.said.message(writer, act, conversation, Kind::Inbound)?;
        if self.agent {
            message.defects.push(String::from(FROM_AGENT));
        }
        if let Some(found) = &self.read.found {
            note(&mut message, found);
        }
        Ok(message)
    }
}

/// Puts a conversation that a forgery begins where the domain in its From asks for.
pub(super) fn place_forgery(conversation: &mut Conversation, authentication: &Authentication, at: Timestamp) {
    if authentication.is_unwanted() {
        conversation.place = Place::Spam;
        conversation.placed_at = at;
        conversation.place_reason = Some(String::from("dmarc_fail"));
    }
}

/// The inbox, or the first one when it is gone.
fn existing_inbox(writer: &Writer<'_>, id: InboxId) -> Result<InboxId> {
    if writer.find::<Inbox>(id)?.is_some() {
        return Ok(id);
    }
    let all: BTreeMap<u64, Inbox> = writer.all::<Inbox>()?.into_iter().map(|inbox| (inbox.id.0, inbox)).collect();
    Ok(all.into_values().next().map_or(id, |inbox| inbox.id))
}
