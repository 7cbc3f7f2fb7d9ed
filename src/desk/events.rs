//! Events: what happened in a conversation, as rows people can read for ever.

use serde_json::Value;

use super::{Act, Result};
use crate::base::Timestamp;
use crate::domain::message::Event;
use crate::domain::{Conversation, ConversationId, Kind, Message, MessageId, What};
use crate::store::Writer;

/// Appends an event to a conversation. Events are not news and do not move the conversation in lists.
pub(super) fn add(
    writer: &mut Writer<'_>,
    act: Act,
    conversation: &Conversation,
    code: &str,
    args: &[(&str, Value)],
) -> Result<MessageId> {
    let mut message = blank(writer, act, conversation, Kind::Event)?;
    message.author = act.actor.agent();
    let args = args.iter().map(|(name, value)| (String::from(*name), value.clone())).collect();
    message.event = Some(Event { code: String::from(code), args });
    writer.put(&message)?;
    writer.change(act.at, act.actor, What::MessageAdded(conversation.id, message.id))?;
    Ok(message.id)
}

/// A message with nothing in it yet, numbered.
pub(super) fn blank(writer: &mut Writer<'_>, act: Act, conversation: &Conversation, kind: Kind) -> Result<Message> {
    let (id, received_seq) = (MessageId(writer.next_id::<Message>()?), writer.next_received_seq()?);
    Ok(Message { id, received_seq, kind, at: act.at, ..empty(conversation.id) })
}

/// A message with nothing in it yet, and no number.
pub(super) fn empty(conversation: ConversationId) -> Message {
    Message {
        id: MessageId(0),
        conversation,
        kind: Kind::Event,
        received_seq: 0,
        at: Timestamp(0),
        added_change: 0,
        date: None,
        author: None,
        from: None,
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: None,
        message_id: None,
        raw: None,
        trace: None,
        body: None,
        parser_version: 0,
        defects: Vec::new(),
        authentication: None,
        attachments: Vec::new(),
        delivery: None,
        event: None,
        reports_on: None,
        forward_of: None,
        automatic: false,
    }
}
