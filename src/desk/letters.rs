//! Makes the whole mail of what an agent wrote, before it is committed: its bytes never change again.

use super::forwarding::PassedOn;
use super::recipients::Recipients;
use super::replies::NewMessage;
use super::writing::Words;
use super::{Desk, Error, Result, Who, words};
use crate::base::random;
use crate::domain::{Attachment, ChannelId, Conversation, Message, Person};
use crate::mail::build::Outgoing;
use crate::mail::parse::Address;
use crate::mail::{build, dress, thread};
use crate::store::{Prepared, Reader};

/// A mail that is built.
pub(super) struct Mail {
    pub(super) raw: Prepared,
    pub(super) message_id: String,
    pub(super) subject: String,
    pub(super) references: Vec<String>,
    pub(super) from: Person,
    pub(super) channel: Option<ChannelId>,
    /// Files of the message passed on.
    pub(super) passed_on: Vec<Attachment>,
}

/// What a mail is made of.
#[derive(Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) recipients: &'a Recipients,
    pub(super) words: &'a Words,
    pub(super) new: &'a NewMessage,
    pub(super) passed_on: Option<&'a PassedOn>,
}

impl Desk {
    /// Builds the whole mail, off the async threads.
    pub(super) async fn build(
        &self,
        rows: &Reader,
        who: &Who,
        conversation: &Conversation,
        parent: Option<&Message>,
        letter: Letter<'_>,
    ) -> Result<Mail> {
        let Letter { recipients, words, new, passed_on } = letter;
        let sender = self.sender(rows, &who.agent, conversation, new.channel)?;
        // Who gets something passed on is not let into the conversation: its token stays here.
        let fresh = passed_on.map(|_| random::token());
        let token = fresh.as_ref().unwrap_or(&conversation.token);
        let message_id = thread::message_id(token, sender.domain());
        let references = match parent {
            Some(parent) => thread::references(&references_of(self, rows, parent), parent.message_id.as_deref()),
            None => Vec::new(),
        };
        let subject = match (passed_on, parent) {
            (Some(passed_on), _) => passed_on.subject(),
            (None, Some(_)) => words::reply_subject(&conversation.subject),
            (None, None) => conversation.subject.clone(),
        };
        let mut files = self.files(rows, who, &new.attachments)?;
        if let Some(passed_on) = passed_on {
            files.extend(self.files_passed_on(rows, passed_on, &files).await?);
        }
        let answers_to = sender.reply_to.as_ref().filter(|_| passed_on.is_none());
        let outgoing = Outgoing {
            from: address(&sender.from),
            to: recipients.to.iter().map(address).collect(),
            cc: recipients.cc.iter().map(address).collect(),
            bcc: recipients.bcc.iter().map(address).collect(),
            reply_to: answers_to.iter().map(|email| named(&sender.from, email)).collect(),
            subject: subject.clone(),
            text: words.text.clone(),
            html: words.html.as_deref().map(dress::dress),
            files,
            message_id: message_id.clone(),
            in_reply_to: parent.and_then(|parent| parent.message_id.as_deref()).and_then(thread::written_id),
            references: references.clone(),
            date_ms: new.send_at.unwrap_or_else(|| self.clock.now()).millis(),
            headers: Vec::new(),
        };
        let built = tokio::task::spawn_blocking(move || build::build(&outgoing));
        let raw = built.await.map_err(|_| Error::invalid("text", "invalid"))?;
        let raw = raw.map_err(|_| Error::invalid("subject", "invalid"))?;
        let raw = self.sign(rows, sender.domain(), raw)?;
        let channel = sender.channel.map(|channel| channel.id);
        let passed_on = passed_on.map(|passed_on| passed_on.files.clone()).unwrap_or_default();
        Ok(Mail {
            raw: self.prepare(raw).await?,
            message_id,
            subject,
            references,
            from: sender.from,
            channel,
            passed_on,
        })
    }
}

/// The header fields of a mail that a machine writes, of this kind (RFC 3834 section 5): no machine is to answer.
pub(super) fn automatic(kind: &str) -> Vec<(String, String)> {
    let field = |name: &str, value: &str| (String::from(name), String::from(value));
    vec![field("Auto-Submitted", kind), field("X-Auto-Response-Suppress", "All")]
}

fn references_of(desk: &Desk, rows: &Reader, parent: &Message) -> Vec<String> {
    desk.body(rows, parent).map(|body| body.references).unwrap_or_default()
}

fn address(person: &Person) -> Address {
    Address { name: person.name.clone(), email: person.email.clone() }
}

/// The address of answers, under the name of From.
fn named(from: &Person, email: &str) -> Address {
    Address { name: from.name.clone(), email: String::from(email) }
}
