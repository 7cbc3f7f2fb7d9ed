//! What agents write: replies, comments, new conversations.
//!
//! A reply and the job that sends it commit together. It is built as a whole mail before the commit, so that
//! every retry sends the same bytes under the same Message-ID.

use std::sync::Arc;

use serde::Serialize;

use super::conversations::{self, set_state, visible};
use super::idempotency::Request;
use super::letters::{Letter, Mail};
use super::recipients::{Recipients, default_recipients, last_mail, recipients_of};
use super::writing::{Words, words_of};
use super::{
    Act, Desk, Error, Result, UNDO_SECONDS, Who, attachments, channels, contacts, drafts, enclosing, events,
    forwarding, reading, views, words,
};
use crate::base::{Timestamp, random};
use crate::domain::agent::Agent;
use crate::domain::conversation::{Beginning, Last};
use crate::domain::draft::{DraftKind, Forward};
use crate::domain::job::Work;
use crate::domain::message::{Beside, Body, Delivery, DeliveryState, RecipientState};
use crate::domain::{
    AttachmentId, Channel, ChannelId, Conversation, ConversationId, Inbox, InboxId, Job, JobId, Kind, Message,
    MessageId, Person, Scope, State, What,
};
use crate::mail::address::contact_key;

use crate::store::{NewBlob, Prepared, Reader, Rows, Writer};

/// Most recipients of one message.
pub const MAX_RECIPIENTS: usize = 100;
/// Longest text or HTML of one message, bytes.
pub const MAX_WORDS: usize = 1 << 20;
/// Most bytes of files in one message, before encoding.
pub const MAX_FILES_BYTES: u64 = 25 << 20;
/// Most files in one message.
pub const MAX_FILES: usize = 50;
/// Days after which a message cannot be set to be sent.
const MAX_LATER_DAYS: i64 = 366;
/// Rows of a thread looked through for what a stale reply has not seen.
const MAX_SINCE: usize = 200;

/// Something an agent says in a conversation.
#[derive(Clone, Debug, Serialize)]
pub struct NewMessage {
    /// The client's own id for this request.
    #[serde(skip)]
    pub client_id: String,
    /// A reply or a comment.
    pub kind: DraftKind,
    /// To whom; by default whom the last message says.
    pub to: Option<Vec<Person>>,
    /// Copies.
    pub cc: Vec<Person>,
    /// Hidden copies.
    pub bcc: Vec<Person>,
    /// The words as HTML.
    pub html: Option<String>,
    /// The words as plain text; made from the HTML when it is not given.
    pub text: Option<String>,
    /// Files uploaded before.
    pub attachments: Vec<AttachmentId>,
    /// The last change the writer has seen: what was said since holds the reply back.
    #[serde(skip)]
    pub last_seen_change: Option<u64>,
    /// Closes the conversation as well.
    pub and_close: bool,
    /// Sent as plain text alone.
    pub plain: bool,
    /// Not before this time; none for as soon as it can no longer be undone.
    pub send_at: Option<Timestamp>,
    /// The message that goes along under the words: see [`super::forwarding`].
    pub forward: Option<Forward>,
    /// The channel it goes out through; by default the one the conversation goes through.
    pub channel: Option<ChannelId>,
}

/// A conversation begun by an agent.
#[derive(Clone, Debug, Serialize)]
pub struct NewConversation {
    /// From which inbox.
    pub inbox: InboxId,
    /// What it is about.
    pub subject: String,
    /// The first message; it must say to whom.
    pub message: NewMessage,
}

impl Desk {
    /// Says something in a conversation.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ReadOnly`], [`Error::Invalid`]; [`Error::Stale`] when somebody said
    /// something the writer has not seen; [`Error::Conflict`] `client_id_reused`.
    pub async fn say(&self, who: &Who, id: ConversationId, new: NewMessage) -> Result<(Message, Conversation)> {
        let request = Request::new(who.agent.id, &format!("say {id}"), &new.client_id, &new)?;
        let rows = self.store.read()?;
        let conversation = visible(&rows, &who.scope, id)?;
        if let Some(done) = already_said(&rows, &who.scope, &request)? {
            return Ok(done);
        }
        who.must_write()?;
        refuse_stale(&rows, &conversation, new.last_seen_change)?;
        let mut new = new;
        let pictures = enclosing::leave_unseen_out(&rows, who, &mut new)?;
        let words = words_of(&new, &pictures)?;
        match new.kind {
            DraftKind::Comment => self.comment(who, request, id, new, words).await,
            DraftKind::Reply => {
                send_at(self, &new)?;
                let recipients = match &new.to {
                    Some(_) => recipients_of(&new)?,
                    None if new.forward.is_some() => return Err(Error::invalid("to", "empty")),
                    None => default_recipients(self, &rows, &conversation, &new)?,
                };
                if let Some(chosen) = new.channel {
                    self.own_channel(&rows, conversation.inbox, chosen)?;
                }
                let passed_on = self.passed_on(&rows, &conversation, &new)?;
                let (words, parent) = match &passed_on {
                    Some(passed_on) => (passed_on.under(words, who), None),
                    None => (words, last_mail(&rows, id)?),
                };
                let letter =
                    Letter { recipients: &recipients, words: &words, new: &new, passed_on: passed_on.as_ref() };
                let mail = self.build(&rows, who, &conversation, parent.as_ref(), letter).await?;
                drop(rows);
                self.send(who, request, Target::Existing(id), new, words, recipients, mail).await
            }
        }
    }

    /// Begins a conversation with a message to somebody outside.
    ///
    /// # Errors
    /// As [`Desk::say`].
    pub async fn begin_conversation(&self, who: &Who, new: NewConversation) -> Result<(Message, Conversation)> {
        let request = Request::new(who.agent.id, "begin", &new.message.client_id, &new)?;
        let rows = self.store.read()?;
        if let Some(done) = already_said(&rows, &who.scope, &request)? {
            return Ok(done);
        }
        who.must_write()?;
        if !who.scope.has_inbox(new.inbox) || rows.find::<Inbox>(new.inbox)?.is_none() {
            return Err(Error::invalid("inbox", "unknown"));
        }
        let subject = words::subject(&new.subject);
        if subject.is_empty() {
            return Err(Error::invalid("subject", "empty"));
        }
        let mut new = new;
        // What is passed on is passed on out of its own conversation.
        new.message.forward = None;
        let pictures = enclosing::leave_unseen_out(&rows, who, &mut new.message)?;
        let words = words_of(&new.message, &pictures)?;
        let recipients = recipients_of(&new.message)?;
        let act = self.act(who.actor());
        let mut draft = begun(act, new.inbox, &subject, who, &recipients);
        draft.channel = match new.message.channel {
            Some(chosen) => Some(self.own_channel(&rows, new.inbox, chosen)?),
            None => channels::of_inbox(&rows, new.inbox)?.first().map(|channel| channel.id),
        };
        send_at(self, &new.message)?;
        let letter = Letter { recipients: &recipients, words: &words, new: &new.message, passed_on: None };
        let mail = self.build(&rows, who, &draft, None, letter).await?;
        drop(rows);
        self.send(who, request, Target::Fresh(Box::new(draft)), new.message, words, recipients, mail).await
    }

    async fn comment(
        &self,
        who: &Who,
        request: Request,
        id: ConversationId,
        new: NewMessage,
        words: Words,
    ) -> Result<(Message, Conversation)> {
        let act = self.act(who.actor());
        let (agent, scope) = (who.agent.clone(), who.scope.clone());
        let body = Body { text: words.text, html: words.html, references: Vec::new() };
        let prepared = vec![reading::encode(&body)?];
        let preview = words::preview(&body.text, None);
        self.store
            .write_with(prepared, move |writer, blobs| {
                let mut conversation = visible(writer, &scope, id)?;
                if let Some(done) = already_said(writer, &scope, &request)? {
                    return Ok(done);
                }
                let before = conversation.attributes();
                refuse_stale(writer, &conversation, new.last_seen_change)?;
                let mut message = events::blank(writer, act, &conversation, Kind::Comment)?;
                message.author = Some(agent.id);
                message.body = blobs.first().map(|blob| writer.add_blob(blob)).transpose()?;
                message.attachments = attachments::bind(writer, &agent, &new.attachments, message.id)?;
                settle(writer, act, &agent, &mut conversation, &mut message, &preview, new.and_close)?;
                if conversation.attributes() != before {
                    writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
                }
                finish(writer, act, &agent, DraftKind::Comment, Some(id), &request, &message)?;
                Ok((message, conversation))
            })
            .await
    }

    /// A channel of an inbox that the writer chose.
    fn own_channel(&self, rows: &Reader, inbox: InboxId, chosen: ChannelId) -> Result<ChannelId> {
        let channel = rows.find::<Channel>(chosen)?.filter(|channel| channel.inbox == inbox);
        channel.map(|channel| channel.id).ok_or(Error::invalid("channel", "unknown"))
    }

    /// Makes bytes ready for the store: large ones go to their file off the async threads.
    pub(super) async fn prepare(&self, bytes: Vec<u8>) -> Result<Prepared> {
        let store = Arc::clone(&self.store);
        let prepared = tokio::task::spawn_blocking(move || reading::prepare(&store, &bytes)).await;
        prepared.map_err(|_| crate::store::Error::Stopped)?
    }

    #[expect(clippy::too_many_arguments, reason = "what one send writes")]
    async fn send(
        &self,
        who: &Who,
        request: Request,
        target: Target,
        new: NewMessage,
        words: Words,
        recipients: Recipients,
        mail: Mail,
    ) -> Result<(Message, Conversation)> {
        let act = self.act(who.actor());
        let (agent, scope) = (who.agent.clone(), who.scope.clone());
        let preview = words::preview(&words.text, None);
        let body = Body { text: words.text, html: words.html, references: mail.references };
        let prepared = vec![reading::encode(&body)?, mail.raw];
        let passed_on = mail.passed_on;
        let (message_id, subject, from, channel) = (mail.message_id, mail.subject, mail.from, mail.channel);
        self.store
            .write_with(prepared, move |writer, blobs| {
                if let Some(done) = already_said(writer, &scope, &request)? {
                    return Ok(done);
                }
                let mut conversation = target.open(writer, act, &scope, &recipients)?;
                let before = conversation.attributes();
                refuse_stale(writer, &conversation, new.last_seen_change)?;
                let mut message = events::blank(writer, act, &conversation, Kind::Outbound)?;
                message.author = Some(agent.id);
                message.from = Some(from.clone());
                message.to.clone_from(&recipients.to);
                message.cc.clone_from(&recipients.cc);
                message.bcc.clone_from(&recipients.bcc);
                message.subject = Some(subject.clone());
                message.message_id = Some(message_id.clone());
                message.date = new.send_at.or(Some(act.at));
                message.body = add(writer, blobs, 0)?;
                message.raw = add(writer, blobs, 1)?;
                message.attachments = attachments::bind(writer, &agent, &new.attachments, message.id)?;
                message.attachments.extend(forwarding::copy(writer, act, &passed_on, message.id)?);
                message.forward_of = new.forward.as_ref().map(|forward| forward.of);
                let beside = Beside {
                    assigned: conversation.assignee.is_none(),
                    closed: new.and_close.then_some((conversation.state, conversation.snoozed_until)),
                };
                message.delivery = Some(queue(writer, act, message.id, recipients.envelope(), beside, new.send_at)?);
                conversation.channel = channel;
                if message.forward_of.is_none() {
                    conversation.last_sent_at = Some(act.at);
                    take_part(&mut conversation, &recipients);
                }
                if conversation.assignee.is_none() {
                    conversations::assign(writer, act, &mut conversation, Some(agent.id))?;
                }
                settle(writer, act, &agent, &mut conversation, &mut message, &preview, new.and_close)?;
                if conversation.attributes() != before {
                    writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
                }
                finish(writer, act, &agent, DraftKind::Reply, target.id(), &request, &message)?;
                Ok((message, conversation))
            })
            .await
    }
}

/// What the same request made before. The scope may have narrowed since, and the conversation may be gone: both
/// are [`Error::NotFound`].
fn already_said(rows: &impl Rows, scope: &Scope, request: &Request) -> Result<Option<(Message, Conversation)>> {
    let Some(id) = request.answered(rows)? else { return Ok(None) };
    let message: Message = rows.find(MessageId(id))?.ok_or(Error::NotFound)?;
    let conversation = visible(rows, scope, message.conversation)?;
    Ok(Some((message, conversation)))
}

/// Where a message goes.
enum Target {
    Existing(ConversationId),
    /// A conversation that is yet to be: everything but its ids.
    Fresh(Box<Conversation>),
}

impl Target {
    fn id(&self) -> Option<ConversationId> {
        match self {
            Target::Existing(id) => Some(*id),
            Target::Fresh(_) => None,
        }
    }

    fn open(&self, writer: &mut Writer<'_>, act: Act, scope: &Scope, to: &Recipients) -> Result<Conversation> {
        match self {
            Target::Existing(id) => visible(writer, scope, *id),
            Target::Fresh(draft) => {
                let first = to.all().next().ok_or(Error::invalid("to", "empty"))?;
                let contact = contacts::find_or_add(writer, act, first)?;
                let mut conversation = (**draft).clone();
                conversation.id = ConversationId(writer.next_id::<Conversation>()?);
                conversation.contact = contact.id;
                Ok(conversation)
            }
        }
    }
}

/// A conversation an agent begins, before it has its ids.
fn begun(act: Act, inbox: InboxId, subject: &str, who: &Who, to: &Recipients) -> Conversation {
    let key = to.all().next().map(|person| contact_key(&person.email)).unwrap_or_default();
    let mut conversation = Conversation::begin(Beginning {
        id: ConversationId(0),
        inbox,
        channel: None,
        contact: crate::domain::ContactId(0),
        identity: key,
        subject: String::from(subject),
        token: random::token(),
        at: act.at,
    });
    conversation.assignee = Some(who.agent.id);
    conversation
}

/// Whom we write to takes part from then on: their answers join.
fn take_part(conversation: &mut Conversation, recipients: &Recipients) {
    for person in recipients.all() {
        let key = contact_key(&person.email);
        if !conversation.participants.contains(&key) {
            conversation.participants.push(key);
        }
    }
}

fn add(writer: &mut Writer<'_>, blobs: &[NewBlob], at: usize) -> Result<Option<crate::domain::BlobId>> {
    Ok(blobs.get(at).map(|blob| writer.add_blob(blob)).transpose()?)
}

/// Makes the job that sends a message after the time for undoing.
fn queue(
    writer: &mut Writer<'_>,
    act: Act,
    message: MessageId,
    to: Vec<String>,
    beside: Beside,
    send_at: Option<Timestamp>,
) -> Result<Delivery> {
    let undone = act.at.plus_seconds(UNDO_SECONDS);
    let send_at = send_at.filter(|at| *at > undone);
    enqueue(writer, act, message, to, beside, send_at, send_at.unwrap_or(undone))
}

/// Makes the job that sends a message at `due_at`; `send_at` is the time that somebody set for it.
pub(super) fn enqueue(
    writer: &mut Writer<'_>,
    act: Act,
    message: MessageId,
    to: Vec<String>,
    beside: Beside,
    send_at: Option<Timestamp>,
    due_at: Timestamp,
) -> Result<Delivery> {
    let id = JobId(writer.next_id::<Job>()?);
    let work = Work::SendMail(message);
    // The days in which it is tried begin when it may leave.
    let job = Job::new(id, work, send_at.unwrap_or(act.at), due_at);
    writer.put(&Job { set_for: send_at, ..job })?;
    let waiting = |email| RecipientState { email, state: DeliveryState::Queued, reply: None };
    Ok(Delivery {
        state: DeliveryState::Queued,
        job: Some(id),
        due_at: Some(due_at),
        send_at,
        recipients: to.into_iter().map(waiting).collect(),
        attempts: Vec::new(),
        beside,
    })
}

/// Refuses a time to send at that is past or too far away.
fn send_at(desk: &Desk, new: &NewMessage) -> Result<()> {
    let now = desk.clock.now();
    match new.send_at {
        Some(at) if at < now => Err(Error::invalid("send_at", "past")),
        Some(at) if at > now.plus_days(MAX_LATER_DAYS) => Err(Error::invalid("send_at", "too_far")),
        _ => Ok(()),
    }
}

/// Brings a conversation up to date with what an agent just said.
fn settle(
    writer: &mut Writer<'_>,
    act: Act,
    agent: &Agent,
    conversation: &mut Conversation,
    message: &mut Message,
    preview: &str,
    and_close: bool,
) -> Result<()> {
    conversation.last = Some(Last { kind: message.kind, author: agent.name.clone(), preview: String::from(preview) });
    conversation.last_activity_at = conversation.last_activity_at.max(act.at);
    conversation.message_count += 1;
    conversation.has_attachments |= attachments::any_file(writer, &message.attachments)?;
    if message.kind == Kind::Comment {
        conversation.news_seq = message.received_seq;
    }
    // Who speaks has read what was there, and what they said themself; a comment is news to the others.
    conversations::mark(writer, act, agent, conversation, false)?;
    if and_close {
        set_state(writer, act, conversation, Some(State::Closed), None)?;
    }
    conversation.talk_change = writer.change(act.at, act.actor, What::MessageAdded(conversation.id, message.id))?;
    message.added_change = conversation.talk_change;
    Ok(writer.put(conversation)?)
}

/// Stores the message, drops the draft it was, remembers the request.
fn finish(
    writer: &mut Writer<'_>,
    act: Act,
    agent: &Agent,
    kind: DraftKind,
    conversation: Option<ConversationId>,
    request: &Request,
    message: &Message,
) -> Result<()> {
    writer.put(message)?;
    drafts::drop_draft(writer, act, agent.id, conversation, kind)?;
    request.remember(writer, act.at, message.id.0)
}

/// Refuses when a message or comment is newer than what the writer has seen, and says which: oldest first, those
/// among the newest [`MAX_SINCE`] rows of the thread.
fn refuse_stale(rows: &impl Rows, conversation: &Conversation, seen: Option<u64>) -> Result<()> {
    let Some(seen) = seen.filter(|seen| conversation.talk_change > *seen) else { return Ok(()) };
    let mut since = Vec::new();
    for message in views::latest(rows, conversation.id, MAX_SINCE)? {
        let message = message?;
        if message.kind != Kind::Event && message.added_change > seen {
            since.push(message);
        }
    }
    since.reverse();
    Err(Error::Stale(since))
}

/// When a time is past, for undoing.
pub(super) fn is_past(due: Option<Timestamp>, now: Timestamp) -> bool {
    due.is_none_or(|due| due <= now)
}
