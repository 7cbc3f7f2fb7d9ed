//! What was found out about a mail's sender, on the message: at once, or later by a job.

use super::filing::place_forgery;
use super::said::sender_of;
use super::threading::{self, Clues, Home};
use super::{Act, Desk, Result};
use crate::domain::Verdict;
use crate::domain::authentication::Peer;
use crate::domain::job::Work;
use crate::domain::{Actor, Authentication, BlobId, Conversation, InboxId, Incoming, Job, JobId, Message, Place, What};
use crate::mail::address;
use crate::mail::parse::{Defect, Parsed};
use crate::store::{Rows, Writer};

/// Times that finding out about one mail is begun: a process that ended in each of them did not end by chance.
const MAX_ATTEMPTS: u32 = 3;
/// The mail's readers do not agree on who From names.
pub const DISAGREES: &str = "from_disagrees";
/// From is the address of somebody of the team.
pub const FROM_AGENT: &str = "from_agent";
/// Defects of a From that names nobody or several.
const NOBODY: [Defect; 4] = [Defect::NoFrom, Defect::OddFrom, Defect::MultipleFrom, Defect::SeveralAuthors];

/// What a channel found out about a mail.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What is kept.
    pub authentication: Authentication,
    /// The same as a header field with its line end; empty when nothing was looked at.
    pub results: String,
    /// Whether it is about somebody else than the mail is shown to be from.
    pub disagrees: bool,
}

/// A mail that something is to be found out about.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its bytes.
    pub raw: BlobId,
    /// Who handed it over.
    pub peer: Peer,
    /// The one address in From; none where it names nobody or several.
    pub from: Option<String>,
}

impl Desk {
    /// Whether a mail would join a conversation if its sender were believed.
    ///
    /// # Errors
    /// The store's own.
    pub fn may_join(&self, incoming: &Incoming, parsed: &Parsed) -> Result<bool> {
        let rows = self.store.read()?;
        let sender = address::contact_key(&sender_of(parsed, incoming.mail_from.as_deref()).email);
        let ids = parsed.answered_ids();
        let inboxes: Vec<InboxId> = incoming.recipients.iter().map(|recipient| recipient.inbox).collect();
        for recipient in &incoming.recipients {
            let token = recipient.token.as_deref();
            let inbox = recipient.inbox;
            let clues = Clues { token, ids: &ids, sender: &sender, believed: true, inbox, inboxes: &inboxes };
            if matches!(threading::home(&rows, &clues)?, Home::Join(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins a job; none where nothing is left to be found out.
    ///
    /// # Errors
    /// The store's own.
    pub async fn begin_authenticating(&self, job: JobId) -> Result<Option<Open>> {
        let act = self.act(Actor::System);
        self.store.write(move |writer| begin(writer, act, job)).await
    }

    /// Puts what was found on the message and removes the job.
    ///
    /// # Errors
    /// The store's own.
    pub async fn record_authentication(&self, job: JobId, found: Found) -> Result<()> {
        let act = self.act(Actor::System);
        self.store.write(move |writer| record(writer, act, job, &found)).await
    }
}

fn begin(writer: &mut Writer<'_>, act: Act, id: JobId) -> Result<Option<Open>> {
    let Some(mut job) = writer.find::<Job>(id)? else { return Ok(None) };
    let Work::Authenticate(message) = job.work else { return Ok(None) };
    let message = writer.find::<Message>(message)?;
    let peer = message.as_ref().and_then(|message| message.authentication.as_ref()?.peer.clone());
    let (Some(message), Some(peer)) = (message, peer) else {
        writer.delete::<Job>(id)?;
        return Ok(None);
    };
    let Some(raw) = message.raw.filter(|_| job.attempts < MAX_ATTEMPTS) else {
        let authentication = Authentication { verdict: Verdict::Temperror, ..Authentication::default() };
        record(writer, act, id, &Found { authentication, ..Found::default() })?;
        return Ok(None);
    };
    job.attempts += 1;
    writer.put(&job)?;
    let nobody = message.defects.iter().any(|code| NOBODY.iter().any(|defect| defect.code() == code));
    let from = message.from.filter(|_| !nobody).map(|from| from.email);
    Ok(Some(Open { raw, peer, from }))
}

fn record(writer: &mut Writer<'_>, act: Act, id: JobId, found: &Found) -> Result<()> {
    let Some(job) = writer.find::<Job>(id)? else { return Ok(()) };
    let Work::Authenticate(message) = job.work else { return Ok(()) };
    writer.delete::<Job>(id)?;
    let Some(mut message) = writer.find::<Message>(message)? else { return Ok(()) };
    note(&mut message, found);
    writer.put(&message)?;
    writer.change(act.at, act.actor, What::MessageChanged(message.conversation, message.id))?;
    let mut conversation: Conversation = writer.get(message.conversation)?;
    // What somebody has answered or put somewhere stays where it is: the message says what it is.
    if conversation.message_count == 1 && conversation.place == Place::Inbox {
        place_forgery(&mut conversation, &found.authentication, act.at);
        if conversation.place != Place::Inbox {
            writer.put(&conversation)?;
            writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
        }
    }
    Ok(())
}

/// Puts what was found on a message.
pub(super) fn note(message: &mut Message, found: &Found) {
    let trace = message.trace.take().unwrap_or_default();
    message.trace = Some(format!("{}{trace}", found.results));
    if found.disagrees {
        message.defects.push(String::from(DISAGREES));
    }
    message.authentication = Some(found.authentication.clone());
}
