//! To whom a message goes: what the writer said, else what the last mail says. Our own addresses are never
//! among them.

use super::replies::{MAX_RECIPIENTS, NewMessage};
use super::{Desk, Error, Result, senders, views};
use crate::domain::{Conversation, ConversationId, Kind, Message, Person};
use crate::mail::address::{Mailbox, contact_key};
use crate::store::{Reader, Rows};

/// Addresses of a message, checked.
pub(super) struct Recipients {
    pub(super) to: Vec<Person>,
    pub(super) cc: Vec<Person>,
    pub(super) bcc: Vec<Person>,
}

impl Recipients {
    /// Everybody.
    pub(super) fn all(&self) -> impl Iterator<Item = &Person> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// Envelope addresses, each once.
    pub(super) fn envelope(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for person in self.all() {
            if !out.iter().any(|known| contact_key(known) == contact_key(&person.email)) {
                out.push(person.email.clone());
            }
        }
        out
    }
}

/// The recipients the writer named, checked.
pub(super) fn recipients_of(new: &NewMessage) -> Result<Recipients> {
    let to = checked("to", new.to.as_deref().unwrap_or_default())?;
    let recipients = Recipients { to, cc: checked("cc", &new.cc)?, bcc: checked("bcc", &new.bcc)? };
    match recipients.all().count() {
        0 => Err(Error::invalid("to", "empty")),
        count if count > MAX_RECIPIENTS => Err(Error::invalid("to", "too_many")),
        _ => Ok(recipients),
    }
}

pub(super) fn checked(field: &'static str, people: &[Person]) -> Result<Vec<Person>> {
    let check = |person: &Person| {
        let mailbox = Mailbox::parse(person.email.trim(), false).map_err(|_| Error::invalid(field, "invalid"))?;
        let name = person.name.as_deref().map(|name| crate::base::text::one_line(name, 200));
        Ok(Person { name: name.filter(|name| !name.is_empty()), email: mailbox.to_string() })
    };
    people.iter().map(check).collect()
}

/// The recipients when the writer named none.
pub(super) fn default_recipients(
    desk: &Desk,
    rows: &Reader,
    to: &Conversation,
    new: &NewMessage,
) -> Result<Recipients> {
    let suggested = desk.suggested_recipients(rows, to)?;
    let filled = NewMessage { to: Some(suggested.one), ..new.clone() };
    recipients_of(&filled)
}

/// Whom an answer goes to.
#[derive(Clone, Debug, Default)]
pub struct Suggested {
    /// Answering one: the sender's Reply-To, else From.
    pub one: Vec<Person>,
    /// Answering all: the same and who else was addressed.
    pub all: Vec<Person>,
    /// Copies when answering all.
    pub all_cc: Vec<Person>,
    /// Copied on each message of this channel.
    pub cc: Vec<Person>,
    /// The same, hidden.
    pub bcc: Vec<Person>,
    /// Our own address on the answer.
    pub from: String,
}

impl Desk {
    /// Whom an answer goes to, from the last mail in either direction. Our own addresses are never among them.
    ///
    /// # Errors
    /// The store's own.
    pub fn suggested_recipients(&self, rows: &impl Rows, conversation: &Conversation) -> Result<Suggested> {
        let from = self.from_address(rows, conversation)?;
        let (cc, bcc) = match senders::channel_of(rows, conversation.inbox, conversation.channel)? {
            Some(channel) => (channel.email().cc.clone(), channel.email().bcc.clone()),
            None => (Vec::new(), Vec::new()),
        };
        let usual = Suggested { cc, bcc, from, ..Suggested::default() };
        let Some(last) = last_mail(rows, conversation.id)? else { return Ok(usual) };
        if last.kind == Kind::Outbound {
            return Ok(Suggested { one: last.to.clone(), all: last.to, all_cc: last.cc, ..usual });
        }
        let mut seen: Vec<String> = Vec::new();
        let mut fresh = |people: Vec<Person>| -> Result<Vec<Person>> {
            let mut out = Vec::new();
            for person in people {
                let key = contact_key(&person.email);
                let ours = self.is_own_address(rows, &key)?;
                if !ours && !seen.contains(&key) && Mailbox::parse(&person.email, false).is_ok() {
                    seen.push(key);
                    out.push(person);
                }
            }
            Ok(out)
        };
        let mut one = fresh(last.reply_to)?;
        if one.is_empty() {
            // None was given, or none that is not our own.
            one = fresh(last.from.into_iter().collect())?;
        }
        let mut all = one.clone();
        all.extend(fresh(last.to)?);
        let all_cc = fresh(last.cc)?;
        Ok(Suggested { one, all, all_cc, ..usual })
    }
}

/// The newest mail of a conversation, in or out, that an answer goes on from. What was passed on to somebody else is
/// none: an answer would go to them. What waits for its time, and a report on a
/// delivery, are none either.
pub(super) fn last_mail(rows: &impl Rows, id: ConversationId) -> Result<Option<Message>> {
    for message in views::latest(rows, id, 500)? {
        let message = message?;
        if matches!(message.kind, Kind::Inbound | Kind::Outbound) && message.speaks() && answerable(&message) {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

fn answerable(message: &Message) -> bool {
    message.forward_of.is_none() && message.reports_on.is_none() && !message.is_scheduled()
}
