//! Taking a message back: before it leaves, or from those it has not reached.
//!
//! What nobody got was not said: its files are its author's again, and the conversation stands as if it had
//! not been answered. The message stays in the thread, as one that was taken back.

use super::conversations::{assign, set_state};
use super::{Act, Desk, Error, Result, Who, attachments, conversations, events, replies, sending, views, words};
use crate::base::Timestamp;
use crate::domain::conversation::Last;
use crate::domain::message::{Delivery, DeliveryState};
use crate::domain::{
    Agent, Attachment, Conversation, ConversationId, Job, Kind, Message, MessageId, Person, State, What,
};
use crate::mail::address::contact_key;
use crate::mail::quotes;
use crate::store::{Rows, Writer};

/// Messages of a conversation looked at to say what remains of it.
const LOOKED_AT: usize = 5000;

impl Desk {
    /// Takes a message back before it leaves, or while it is tried again, from those who have not got it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless its author or a manager asks, [`Error::Conflict`] `too_late` while a try is
    /// made and once it has left.
    pub async fn cancel_message(&self, who: &Who, id: MessageId) -> Result<Message> {
        let rows = self.store.read()?;
        let (message, _) = self.message(&rows, who, id)?;
        who.must_write()?;
        if message.author != Some(who.agent.id) {
            who.must_manage()?;
        }
        let last = self.last_beside(&rows, message.conversation, id)?;
        drop(rows);
        let act = self.act(who.actor());
        let scope = who.scope.clone();
        self.store
            .write(move |writer| {
                let mut message: Message = writer.find(id)?.ok_or(Error::NotFound)?;
                let mut conversation = conversations::visible(writer, &scope, message.conversation)?;
                let delivery = message.delivery.as_mut().ok_or(Error::NotFound)?;
                if delivery.state == DeliveryState::Cancelled {
                    return Ok(message);
                }
                if !may_stop(delivery, act.at) {
                    return Err(Error::conflict("too_late", "the message is already on its way"));
                }
                stop(writer, delivery)?;
                if message.taken_back() {
                    unsay(writer, act, &mut message, &mut conversation, last.as_ref())?;
                }
                writer.put(&message)?;
                writer.put(&conversation)?;
                writer.change(act.at, act.actor, What::MessageChanged(conversation.id, id))?;
                writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
                events::add(writer, act, &conversation, "send_cancelled", &[("message", id.0.into())])?;
                sending::settle_trouble(writer, act, &mut conversation)?;
                Ok(message)
            })
            .await
    }

    /// What a row in a list says of the newest message but this one: its words are read before the write.
    fn last_beside(
        &self,
        rows: &impl Rows,
        conversation: ConversationId,
        but: MessageId,
    ) -> Result<Option<(MessageId, Last)>> {
        let speaks =
            |message: &Result<Message>| message.as_ref().map_or(true, |message| message.speaks() && message.id != but);
        let Some(message) = views::latest(rows, conversation, LOOKED_AT)?.find(speaks).transpose()? else {
            return Ok(None);
        };
        let text = self.body(rows, &message)?.text;
        let agent = message.author.map(|author| rows.find::<Agent>(author)).transpose()?.flatten();
        let (author, quote) = match message.kind {
            Kind::Inbound => (message.from.as_ref().map(Person::label), quotes::quote_from_line(&text)),
            _ => (agent.as_ref().map(|agent| agent.name.as_str()), None),
        };
        let author = String::from(author.unwrap_or_default());
        Ok(Some((message.id, Last { kind: message.kind, author, preview: words::preview(&text, quote) })))
    }
}

/// What remains of a conversation.
#[derive(Default)]
struct Rest {
    /// What was said and stands, newest first.
    said: Vec<Message>,
    /// When it last came back from a snooze, which moves it in lists like something said.
    woken_at: Option<Timestamp>,
}

fn rest_of(rows: &impl Rows, id: ConversationId) -> Result<Rest> {
    let mut rest = Rest::default();
    for message in views::latest(rows, id, LOOKED_AT)? {
        let message = message?;
        let wakes = message.event.as_ref().is_some_and(|event| event.code == "unsnoozed");
        rest.woken_at = rest.woken_at.or(wakes.then_some(message.at));
        rest.said.extend(Some(message).filter(Message::speaks));
    }
    Ok(rest)
}

fn may_stop(delivery: &Delivery, now: Timestamp) -> bool {
    match delivery.state {
        DeliveryState::Queued => !replies::is_past(delivery.due_at, now),
        DeliveryState::Retrying => true,
        _ => false,
    }
}

/// Ends sending. Whoever has got it has got it.
fn stop(writer: &mut Writer<'_>, delivery: &mut Delivery) -> Result<()> {
    if let Some(job) = delivery.job.take() {
        writer.delete::<Job>(job)?;
    }
    delivery.due_at = None;
    let ended = |state| matches!(state, DeliveryState::Sent | DeliveryState::Failed);
    for one in delivery.recipients.iter_mut().filter(|one| !ended(one.state)) {
        one.state = DeliveryState::Cancelled;
    }
    let any = |state| delivery.recipients.iter().any(|one| one.state == state);
    delivery.state = match (any(DeliveryState::Sent), any(DeliveryState::Failed)) {
        (true, true) => DeliveryState::Failed,
        (true, false) => DeliveryState::Sent,
        (false, _) => DeliveryState::Cancelled,
    };
    Ok(())
}

/// Makes the conversation what it would be if this had not been said.
fn unsay(
    writer: &mut Writer<'_>,
    act: Act,
    message: &mut Message,
    conversation: &mut Conversation,
    last: Option<&(MessageId, Last)>,
) -> Result<()> {
    let had_files = !message.attachments.is_empty();
    for id in std::mem::take(&mut message.attachments) {
        let mut file: Attachment = writer.get(id)?;
        if file.uploader.is_none() {
            // A copy of what was passed on.
            writer.delete::<Attachment>(id)?;
            continue;
        }
        file.message = None;
        // It waits for its message from now on.
        file.created_at = act.at;
        writer.put(&file)?;
    }
    writer.put(message)?;
    let Rest { said: rest, woken_at } = rest_of(writer, conversation.id)?;
    match rest.first() {
        Some(newest) if last.is_some_and(|(id, _)| *id == newest.id) => {
            conversation.last = last.map(|(_, last)| last.clone());
        }
        // Said since we looked: the conversation tells of it already.
        Some(_) => {}
        None => conversation.last = None,
    }
    let said_at = rest.iter().map(|other| other.at).max();
    conversation.last_activity_at = said_at.max(woken_at).unwrap_or(conversation.created_at);
    let sent = |other: &&Message| other.kind == Kind::Outbound && other.forward_of.is_none();
    conversation.last_sent_at = rest.iter().filter(sent).map(|other| other.at).max();
    if had_files {
        let files: Vec<_> = rest.iter().flat_map(|other| other.attachments.iter().copied()).collect();
        conversation.has_attachments = attachments::any_file(writer, &files)?;
    }
    let addressed = |other: &Message| -> Vec<String> {
        other.to.iter().chain(&other.cc).chain(&other.bcc).map(|person| contact_key(&person.email)).collect()
    };
    let gone = if message.forward_of.is_some() { Vec::new() } else { addressed(message) };
    let kept = rest.iter().filter(sent).flat_map(addressed).collect::<Vec<_>>();
    let identity = conversation.identity.clone();
    conversation.participants.retain(|key| !gone.contains(key) || *key == identity || kept.contains(key));
    undo_beside(writer, act, message, conversation)
}

/// Undoes what the reply changed beside, where nobody has changed it again.
fn undo_beside(writer: &mut Writer<'_>, act: Act, message: &Message, conversation: &mut Conversation) -> Result<()> {
    let beside = message.delivery.as_ref().map(|delivery| delivery.beside).unwrap_or_default();
    if beside.assigned && conversation.assignee == message.author {
        assign(writer, act, conversation, None)?;
    }
    let closed = beside.closed.filter(|(was, _)| conversation.state == State::Closed && *was != State::Closed);
    match closed {
        Some((State::Snoozed, until)) if until.is_none_or(|until| until > act.at) => {
            set_state(writer, act, conversation, Some(State::Snoozed), until)
        }
        Some(_) => set_state(writer, act, conversation, Some(State::Open), None),
        None => Ok(()),
    }
}
