//! Mail that came back: what a report says is written on the very message and recipient it is about, when the report
//! proves that it is about a message of ours. A proof is the return path we gave that message, or its Message-ID, both
//! of which only its recipients have seen. Anything else is ordinary mail.

use super::sending::{self, Outcome, OutcomeKind};
use super::{Act, Desk, Error, Result, Who, events};
use crate::base::Timestamp;
use crate::domain::conversation::Trouble;
use crate::domain::message::DeliveryState;
use crate::domain::{Conversation, Kind, Message, MessageId, Suppressed, SuppressedId, What};
use crate::mail::address::contact_key;
use crate::mail::bounce::{self, Action, Bounce};
use crate::mail::thread::{self, Mac};
use crate::store::{Direction, Key, Rows, Table, Writer, message_id_key};

/// Messages of one Message-ID that are looked at.
const MAX_SAME: usize = 20;
/// Most addresses kept as not to be written to; the oldest go first.
const MAX_SUPPRESSED: u64 = 100_000;

impl Desk {
    /// The return path of a message: bounces of it come there.
    pub(super) fn return_path(&self, message: MessageId, host: &str) -> String {
        thread::bounce_address(message.0, &self.mac(message), host)
    }

    /// The message a return path was given to, if it is one of ours.
    pub(super) fn message_of_return_path(&self, local: &str) -> Option<MessageId> {
        let (id, mac) = thread::message_of_bounce_address(local)?;
        let id = MessageId(id);
        bool::from(subtle::ConstantTimeEq::ct_eq(mac.as_slice(), self.mac(id).as_slice())).then_some(id)
    }

    fn mac(&self, message: MessageId) -> Mac {
        self.seal.mac("return path", &message.0.to_be_bytes())
    }

    /// Has mail be sent to an address again.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn lift_suppression(&self, who: &Who, id: SuppressedId) -> Result<()> {
        who.must_manage()?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                writer.find::<Suppressed>(id)?.ok_or(Error::NotFound)?;
                writer.delete::<Suppressed>(id)?;
                writer.change(act.at, act.actor, What::Workspace)?;
                Ok(())
            })
            .await
    }
}

/// The message of ours that a report is about: the one whose return path it came to, else the one it names.
pub(super) fn subject_of(rows: &impl Rows, proven: Option<MessageId>, bounce: &Bounce) -> Result<Option<Message>> {
    if let Some(message) = proven.map(|id| rows.find::<Message>(id)).transpose()?.flatten() {
        return Ok(Some(message));
    }
    let Some(id) = &bounce.about else { return Ok(None) };
    let prefix = message_id_key(id);
    for id in rows.ids(Table::MessageByMessageId, &prefix, None, Direction::Forward, MAX_SAME)? {
        let message = rows.find::<Message>(MessageId(id))?.filter(|message| message.kind == Kind::Outbound);
        if let Some(message) = message.filter(|message| message.message_id.as_deref() == bounce.about.as_deref()) {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Writes what a report says on the message it is about. Gives whether somebody did not get it.
pub(super) fn apply(writer: &mut Writer<'_>, act: Act, message: MessageId, bounce: &Bounce) -> Result<bool> {
    let mut message: Message = writer.get(message)?;
    let Some(delivery) = message.delivery.as_mut() else { return Ok(false) };
    let alone = delivery.recipients.len() == 1;
    let mut failed = Vec::new();
    for one in &mut delivery.recipients {
        let key = contact_key(&one.email);
        let named = bounce.recipients.iter().find(|told| contact_key(&told.address) == key);
        // One that does not say of whom, or of somebody behind a forward, is about the only one there was.
        let only = if alone { bounce.recipients.first() } else { None };
        let (action, words, hard) = match named.or(only) {
            Some(told) => (told.action, words_of(told), told.is_hard()),
            None if alone && bounce.recipients.is_empty() => (Action::Failed, String::from("It came back."), false),
            None => continue,
        };
        let kind = match action {
            Action::Failed => OutcomeKind::Bounced,
            Action::Delayed => OutcomeKind::Deferred,
            Action::Delivered => OutcomeKind::Accepted,
        };
        if action == Action::Failed && !matches!(one.state, DeliveryState::Failed | DeliveryState::Cancelled) {
            one.state = DeliveryState::Failed;
            one.reply = Some(words.clone());
            failed.push((key, words.clone(), hard));
        }
        let outcome = Outcome { recipient: Some(one.email.clone()), kind, reply: words };
        sending::keep_attempt(&mut delivery.attempts, act.at, &outcome);
    }
    let waits = delivery.recipients.iter().any(|one| one.state.waits());
    if !failed.is_empty() && !waits {
        delivery.state = DeliveryState::Failed;
    }
    let (id, conversation, automatic) = (message.id, message.conversation, message.automatic);
    writer.put(&message)?;
    writer.change(act.at, act.actor, What::MessageChanged(conversation, id))?;
    for (email, words, hard) in &failed {
        if *hard {
            suppress(writer, act.at, email, words, id)?;
        }
    }
    if automatic {
        // Nobody waits for it: that is between machines.
        return Ok(false);
    }
    if !failed.is_empty() {
        let mut conversation: Conversation = writer.get(conversation)?;
        events::add(writer, act, &conversation, "bounced", &[("message", id.0.into())])?;
        sending::set_trouble(writer, act, &mut conversation, Some(Trouble::DeliveryFailed))?;
    }
    Ok(!failed.is_empty())
}

fn words_of(told: &bounce::Bounced) -> String {
    match (&told.status, told.words.is_empty()) {
        (_, false) => told.words.clone(),
        (Some(status), true) => status.clone(),
        (None, true) => String::from("It came back."),
    }
}

/// Has no more mail be sent to an address.
pub(super) fn suppress(
    writer: &mut Writer<'_>,
    since: Timestamp,
    email: &str,
    words: &str,
    message: MessageId,
) -> Result<()> {
    let known = find(writer, email)?;
    let id = match known {
        Some(known) => known.id,
        None => SuppressedId(writer.next_id::<Suppressed>()?),
    };
    let (email, words) = (String::from(email), String::from(words));
    writer.put(&Suppressed { id, email, since, words, message })?;
    if let Some(oldest) = id.0.checked_sub(MAX_SUPPRESSED)
        && writer.find::<Suppressed>(SuppressedId(oldest))?.is_some()
    {
        writer.delete::<Suppressed>(SuppressedId(oldest))?;
    }
    Ok(())
}

/// Why an address is not written to, if it is not.
///
/// # Errors
/// The store's own.
pub fn find(rows: &impl Rows, email: &str) -> Result<Option<Suppressed>> {
    let id = rows.unique(Table::SuppressedByEmail, &Key::new().text(&contact_key(email)))?;
    Ok(id.map(|id| rows.get(SuppressedId(id))).transpose()?)
}
