//! Taking a message back: what it did to its conversation is undone with it.

use super::conversations::{assign, set_state};
use super::replies::is_past;
use super::{Act, Error, Result, events};
use crate::base::Timestamp;
use crate::domain::attachment::Source;
use crate::domain::conversation::Trouble;
use crate::domain::message::{Before, Delivery, DeliveryState};
use crate::domain::{Attachment, Conversation, Job, Message, State, What};
use crate::store::{Rows, Writer};

/// What the conversation is like before a message is sent; [`seal`] adds what sending does.
pub(super) fn before(conversation: &Conversation) -> Before {
    Before {
        change: 0,
        last: conversation.last.clone(),
        last_activity_at: conversation.last_activity_at,
        last_sent_at: conversation.last_sent_at,
        has_attachments: conversation.has_attachments,
        joined: conversation.participants.clone(),
        assigned: conversation.assignee.is_none(),
        open: Some((conversation.state, conversation.snoozed_until)),
    }
}

/// Turns what it was like into what sending changed.
pub(super) fn seal(mut before: Before, after: &Conversation, closed: bool) -> Box<Before> {
    let known = std::mem::take(&mut before.joined);
    before.joined = after.participants.iter().filter(|key| !known.contains(key)).cloned().collect();
    before.change = after.talk_change;
    before.open = before.open.filter(|_| closed);
    Box::new(before)
}

/// Takes `message` back, if it has not left: recipients who have it keep it.
pub(super) fn take_back(
    writer: &mut Writer<'_>,
    act: Act,
    message: &mut Message,
    conversation: &mut Conversation,
) -> Result<()> {
    let delivery = message.delivery.as_mut().ok_or(Error::NotFound)?;
    let before = withdraw(writer, act.at, delivery)?;
    for id in &message.attachments {
        let mut file: Attachment = writer.get(*id)?;
        if matches!(file.source, Source::Blob(_)) {
            // The draft has it again, and the time it may wait begins anew.
            file.message = None;
            file.created_at = act.at;
            writer.put(&file)?;
        }
    }
    if before.is_some() {
        message.attachments.clear();
    }
    writer.put(message)?;
    if let Some(before) = before {
        restore(writer, act, message, conversation, *before)?;
    }
    conversation.trouble = conversation.trouble.filter(|trouble| *trouble != Trouble::DeliveryFailed);
    writer.put(conversation)?;
    writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
    writer.change(act.at, act.actor, What::MessageChanged(conversation.id, message.id))?;
    events::add(writer, act, conversation, "send_cancelled", &[("message", message.id.0.into())])?;
    Ok(())
}

/// Ends the job and every delivery that has not happened; gives what is to be put back.
fn withdraw(writer: &mut Writer<'_>, now: Timestamp, delivery: &mut Delivery) -> Result<Option<Box<Before>>> {
    let queued = delivery.state == DeliveryState::Queued && !is_past(delivery.due_at, now);
    if !queued && delivery.state != DeliveryState::Retrying {
        return Err(Error::conflict("too_late", "the message is already on its way"));
    }
    if let Some(job) = delivery.job.take() {
        writer.delete::<Job>(job)?;
    }
    delivery.due_at = None;
    let waits = |state| matches!(state, DeliveryState::Queued | DeliveryState::Retrying);
    for one in delivery.recipients.iter_mut().filter(|one| waits(one.state)) {
        one.state = DeliveryState::Cancelled;
    }
    let sent = delivery.recipients.iter().any(|one| one.state == DeliveryState::Sent);
    delivery.state = if sent { DeliveryState::Sent } else { DeliveryState::Cancelled };
    Ok(delivery.before.take())
}

fn restore(writer: &mut Writer<'_>, act: Act, message: &Message, to: &mut Conversation, before: Before) -> Result<()> {
    if to.last_sent_at == Some(message.at) {
        to.last_sent_at = before.last_sent_at;
    }
    to.participants.retain(|key| !before.joined.contains(key));
    if to.talk_change == before.change {
        to.has_attachments = before.has_attachments;
        if before.last.is_some() {
            to.last = before.last;
            to.last_activity_at = before.last_activity_at;
        }
    }
    if before.assigned && to.assignee == message.author {
        assign(writer, act, to, None)?;
    }
    if let Some((state, until)) = before.open.filter(|_| to.state == State::Closed) {
        set_state(writer, act, to, Some(state), until)?;
    }
    Ok(())
}
