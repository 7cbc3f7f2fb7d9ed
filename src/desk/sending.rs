//! How sending goes on: what the channel asks before a try and tells after it, and trying again.
//!
//! Each try is recorded before it is made. A stop between the remote server's answer and our record means one
//! more try under the same Message-ID: at least once, never lost.

use super::conversations::visible;
use super::{Act, Desk, Error, Result, Who, bounces, channels, events, views};
use crate::base::{Timestamp, text};
use crate::domain::channel::WayIn;
use crate::domain::conversation::Trouble;
use crate::domain::job::Work;
use crate::domain::message::{Attempt, Delivery, DeliveryState};
use crate::domain::{Actor, BlobId, Channel, Conversation, Job, JobId, Message, MessageId, Suppressed, What};
use crate::mail::address::contact_key;
use crate::mail::bounce;
use crate::mail::parse::Defect;
use crate::store::{Rows, Writer};

/// Days after which a message is given up (RFC 5321, 4.5.4.1: four to five).
const GIVE_UP_DAYS: i64 = 5;
/// Hours after which people are told that a message takes long.
const LATE_HOURS: i64 = 4;
/// Wait before the second try, seconds; doubled each time.
const FIRST_WAIT: i64 = 300;
/// Longest wait between tries, seconds.
const LONGEST_WAIT: i64 = 3600;
/// Tries in a row that may be cut short before the next is not made.
const MAX_CUT_SHORT: u32 = 5;
/// Attempts kept on a message.
const MAX_ATTEMPTS_KEPT: usize = 50;
/// Messages of a conversation looked at for its trouble.
const LOOKED_AT: usize = 500;
/// Longest words of a remote server kept, bytes.
const MAX_REPLY: usize = 500;

/// A try that is about to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The message.
    pub message: MessageId,
    /// The whole mail.
    pub raw: BlobId,
    /// The address in From.
    pub from: String,
    /// The envelope's sender: where bounces come to; none for `<>`, of what a machine says, so that none come.
    pub return_path: Option<String>,
    /// Whether a machine says it (RFC 3834).
    pub automatic: bool,
    /// Who has not got it yet.
    pub recipients: Vec<String>,
    /// Whether somebody asked for this very try: what was found out a moment ago does not count.
    pub insist: bool,
    /// Who is not written to, and why.
    pub refused: Vec<Outcome>,
}

/// What a try came to, for one recipient or (none) for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The recipient; none means all that were asked for.
    pub recipient: Option<String>,
    /// What happened.
    pub kind: OutcomeKind,
    /// The remote server's words, or ours about the connection.
    pub reply: String,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// The remote server has it now.
    Accepted,
    /// It said: later.
    Deferred,
    /// It said: never.
    Refused,
    /// We did not get that far.
    Error,
    /// It was taken, and came back.
    Bounced,
}

impl OutcomeKind {
    fn name(self) -> &'static str {
        match self {
            OutcomeKind::Accepted => "accepted",
            OutcomeKind::Deferred => "deferred",
            OutcomeKind::Refused => "refused",
            OutcomeKind::Error => "error",
            OutcomeKind::Bounced => "bounced",
        }
    }
}

impl Desk {
    /// Notes that a try begins and says what it is. None when there is nothing to send any more: the job is
    /// gone then.
    ///
    /// # Errors
    /// The store's own.
    pub async fn begin_sending(&self, job: JobId) -> Result<Option<Plan>> {
        let act = self.act(Actor::System);
        let Some(mut plan) = self.store.write(move |writer| begin(writer, act, job)).await? else { return Ok(None) };
        if !plan.automatic {
            plan.return_path = Some(self.return_path_of(&plan)?);
        }
        Ok(Some(plan))
    }

    /// Where bounces of a message come to: here, where its address is; else to that address, from where they are
    /// brought here as everything else is.
    fn return_path_of(&self, plan: &Plan) -> Result<String> {
        let domain = plan.from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let rows = self.store.read()?;
        let channel = channels::by_address(&rows, &plan.from)?.map(|id| rows.get::<Channel>(id)).transpose()?;
        Ok(match channel.map(|channel| channel.email().way_in.clone()) {
            Some(WayIn::Mx) => self.return_path(plan.message, domain),
            Some(WayIn::Forward(_) | WayIn::Imap(_)) => plan.from.clone(),
            None => self.return_path(plan.message, &self.hostname),
        })
    }

    /// Records what a try came to.
    ///
    /// # Errors
    /// The store's own.
    pub async fn record_sending(&self, job: JobId, outcomes: Vec<Outcome>) -> Result<()> {
        let act = self.act(Actor::System);
        self.store.write(move |writer| record(writer, act, job, &outcomes)).await
    }

    /// Puts a try off that was begun and did not come to its end: the program stops. It is made again at once when it
    /// runs the next time.
    ///
    /// # Errors
    /// The store's own.
    pub async fn put_off_sending(&self, job: JobId) -> Result<()> {
        let act = self.act(Actor::System);
        self.store
            .write(move |writer| {
                let Some(mut job) = writer.find::<Job>(job)? else { return Ok(()) };
                let Work::SendMail(message) = job.work else { return Ok(()) };
                let mut message: Message = writer.get(message)?;
                job.cut_short = job.cut_short.saturating_sub(1);
                job.due_at = act.at;
                if let Some(delivery) = message.delivery.as_mut() {
                    delivery.state = DeliveryState::Retrying;
                    delivery.due_at = Some(act.at);
                    for one in delivery.recipients.iter_mut().filter(|one| one.state == DeliveryState::Sending) {
                        one.state = DeliveryState::Retrying;
                    }
                }
                writer.put(&job)?;
                writer.put(&message)?;
                writer.change(act.at, act.actor, What::MessageChanged(message.conversation, message.id))?;
                Ok(())
            })
            .await
    }

    /// Tries again to send a message that was given up.
    ///
    /// # Errors
    /// [`Error::Conflict`] `not_failed` when it was not.
    pub async fn retry_message(&self, who: &Who, id: MessageId) -> Result<Message> {
        let act = self.act(who.actor());
        let scope = who.scope.clone();
        self.store
            .write(move |writer| {
                let mut message: Message = writer.find(id)?.ok_or(Error::NotFound)?;
                let mut conversation = visible(writer, &scope, message.conversation)?;
                if !scope.may_write {
                    return Err(Error::ReadOnly);
                }
                let delivery = message.delivery.as_mut().ok_or(Error::NotFound)?;
                if !matches!(delivery.state, DeliveryState::Failed | DeliveryState::Retrying) {
                    return Err(Error::conflict("not_failed", "this message was not given up"));
                }
                if let Some(job) = delivery.job.take() {
                    writer.delete::<Job>(job)?;
                }
                let job = JobId(writer.next_id::<Job>()?);
                let work = Work::SendMail(id);
                writer.put(&Job { insist: true, ..Job::new(job, work, act.at, act.at) })?;
                delivery.state = DeliveryState::Queued;
                // It was tried, so that its bytes and its date are what they are: it is for later no more.
                delivery.send_at = None;
                delivery.job = Some(job);
                delivery.due_at = Some(act.at);
                for one in &mut delivery.recipients {
                    if !matches!(one.state, DeliveryState::Sent | DeliveryState::Cancelled) {
                        one.state = DeliveryState::Queued;
                        // Whoever has it tried again knows better than what came back.
                        if let Some(known) = bounces::find(writer, &one.email)? {
                            writer.delete::<Suppressed>(known.id)?;
                        }
                    }
                }
                writer.put(&message)?;
                writer.change(act.at, act.actor, What::MessageChanged(conversation.id, id))?;
                events::add(writer, act, &conversation, "send_retried", &[("message", id.0.into())])?;
                settle_trouble(writer, act, &mut conversation)?;
                Ok(message)
            })
            .await
    }
}

fn begin(writer: &mut Writer<'_>, act: Act, id: JobId) -> Result<Option<Plan>> {
    let Some(mut job) = writer.find::<Job>(id)? else { return Ok(None) };
    let Work::SendMail(message) = job.work else { return Ok(None) };
    let mut message: Message = writer.get(message)?;
    let conversation = message.conversation;
    if job.cut_short >= MAX_CUT_SHORT {
        park(writer, act, job, message)?;
        return Ok(None);
    }
    job.attempts += 1;
    // A try that is recorded as begun and never as ended was cut short: by a stop, or by an end that it caused.
    job.cut_short += 1;
    job.due_at = act.at.plus_seconds(FIRST_WAIT);
    let insist = std::mem::take(&mut job.insist);
    writer.put(&job)?;
    let (Some(raw), Some(from), Some(delivery)) = (message.raw, message.from.clone(), message.delivery.as_mut()) else {
        return Ok(None);
    };
    delivery.state = DeliveryState::Sending;
    delivery.due_at = None;
    let (mut recipients, mut refused) = (Vec::new(), Vec::new());
    for one in delivery.recipients.iter_mut().filter(|one| one.state.waits()) {
        one.state = DeliveryState::Sending;
        match bounces::find(writer, &one.email)? {
            None => recipients.push(one.email.clone()),
            Some(known) => refused.push(not_sent(&one.email, &known)),
        }
    }
    let automatic = message.automatic;
    let plan =
        Plan { message: message.id, raw, from: from.email, return_path: None, automatic, recipients, insist, refused };
    writer.put(&message)?;
    writer.change(act.at, act.actor, What::MessageChanged(conversation, message.id))?;
    Ok(Some(plan))
}

/// The end of a recipient whose address takes no mail.
fn not_sent(email: &str, known: &Suppressed) -> Outcome {
    let day = known.since.rfc3339().split('T').next().map(String::from).unwrap_or_default();
    let reply = format!("Not sent: mail to this address came back on {day}: {}", known.words);
    Outcome { recipient: Some(String::from(email)), kind: OutcomeKind::Refused, reply }
}

/// Gives up a job of which no try was heard of again. It stays, to be looked at, until somebody has it tried again.
fn park(writer: &mut Writer<'_>, act: Act, mut job: Job, mut message: Message) -> Result<()> {
    let words = format!("The program ended {} times in a row while it was sending this.", job.cut_short);
    tracing::error!(job.id = job.id.0, message.id = message.id.0, words, "a job is given up");
    if let Some(delivery) = message.delivery.as_mut() {
        delivery.recipients.iter_mut().filter(|one| one.state.waits()).for_each(|one| {
            one.state = DeliveryState::Sending;
        });
        let outcome = Outcome { recipient: None, kind: OutcomeKind::Error, reply: words.clone() };
        note(delivery, act.at, &outcome, true);
        delivery.state = DeliveryState::Failed;
        delivery.due_at = None;
    }
    job.parked = Some(words);
    writer.put(&job)?;
    writer.put(&message)?;
    give_up(writer, act, &message)
}

/// Says that a message was not delivered, where people see it.
fn give_up(writer: &mut Writer<'_>, act: Act, message: &Message) -> Result<()> {
    writer.change(act.at, act.actor, What::MessageChanged(message.conversation, message.id))?;
    if message.automatic {
        // Nobody waits for it, and nobody can do anything about it.
        return Ok(());
    }
    let mut conversation: Conversation = writer.get(message.conversation)?;
    events::add(writer, act, &conversation, "delivery_failed", &[("message", message.id.0.into())])?;
    set_trouble(writer, act, &mut conversation, Some(Trouble::DeliveryFailed))
}

fn record(writer: &mut Writer<'_>, act: Act, id: JobId, outcomes: &[Outcome]) -> Result<()> {
    let Some(mut job) = writer.find::<Job>(id)? else { return Ok(()) };
    let Work::SendMail(message) = job.work else { return Ok(()) };
    let mut message: Message = writer.get(message)?;
    let Some(delivery) = message.delivery.as_mut() else { return Ok(()) };
    job.cut_short = 0;
    // Made while the clock was ahead: the days begin now.
    job.created_at = job.created_at.min(act.at);
    let over = act.at >= job.created_at.plus_days(GIVE_UP_DAYS);
    for outcome in outcomes {
        note(delivery, act.at, outcome, over);
        let hard = || bounce::status_of(outcome.reply.get(3..)?.trim_start_matches([' ', '-']));
        if let (Some(email), OutcomeKind::Refused) = (&outcome.recipient, outcome.kind)
            && hard().is_some_and(|status| bounce::is_hard(&status))
        {
            bounces::suppress(writer, act.at, &contact_key(email), &outcome.reply, message.id)?;
        }
    }
    let mut late = false;
    let waiting = delivery.recipients.iter().any(|one| one.state == DeliveryState::Retrying);
    let failed = delivery.recipients.iter().any(|one| one.state == DeliveryState::Failed);
    if waiting {
        let due_at = act.at.plus_seconds(wait_after(job.attempts));
        delivery.state = DeliveryState::Retrying;
        delivery.due_at = Some(due_at);
        job.due_at = due_at;
        late = !job.told_late && act.at >= job.created_at.plus_seconds(LATE_HOURS * 3600);
        job.told_late |= late;
        writer.put(&job)?;
    } else {
        delivery.state = if failed { DeliveryState::Failed } else { DeliveryState::Sent };
        delivery.job = None;
        delivery.due_at = None;
        writer.delete::<Job>(id)?;
    }
    writer.put(&message)?;
    if !waiting && failed {
        return give_up(writer, act, &message);
    }
    writer.change(act.at, act.actor, What::MessageChanged(message.conversation, message.id))?;
    if late && !message.automatic {
        let mut conversation: Conversation = writer.get(message.conversation)?;
        events::add(writer, act, &conversation, "delivery_delayed", &[("message", message.id.0.into())])?;
        set_trouble(writer, act, &mut conversation, Some(Trouble::DeliveryDelayed))?;
    }
    if !waiting {
        let mut conversation: Conversation = writer.get(message.conversation)?;
        settle_trouble(writer, act, &mut conversation)?;
    }
    Ok(())
}

/// Sets a conversation's trouble by the newest mail that came to an end: what was sent since a failure has
/// made up for it.
pub(super) fn settle_trouble(writer: &mut Writer<'_>, act: Act, conversation: &mut Conversation) -> Result<()> {
    if conversation.trouble.is_none() {
        // Whatever makes trouble says so itself: here it only ends.
        return Ok(());
    }
    let (mut outcome, mut unreadable) = (None, false);
    for message in views::latest(writer, conversation.id, LOOKED_AT)? {
        let message = message?;
        unreadable |= message.defects.iter().any(|code| Defect::hides_all(code));
        if message.automatic {
            continue;
        }
        let state = message.delivery.map(|delivery| delivery.state);
        outcome = outcome.or(state.filter(|state| matches!(state, DeliveryState::Sent | DeliveryState::Failed)));
    }
    let trouble = match outcome {
        Some(DeliveryState::Failed) => Some(Trouble::DeliveryFailed),
        _ if unreadable => Some(Trouble::Unreadable),
        _ => None,
    };
    set_trouble(writer, act, conversation, trouble)
}

pub(super) fn set_trouble(
    writer: &mut Writer<'_>,
    act: Act,
    conversation: &mut Conversation,
    trouble: Option<Trouble>,
) -> Result<()> {
    if conversation.trouble != trouble {
        conversation.trouble = trouble;
        writer.put(conversation)?;
        writer.change(act.at, act.actor, What::Conversation(conversation.id))?;
    }
    Ok(())
}

/// Writes an outcome down, for its recipient or for all that were being sent to.
fn note(delivery: &mut Delivery, at: Timestamp, outcome: &Outcome, give_up: bool) {
    let reply = text::one_line(&outcome.reply, MAX_REPLY);
    keep_attempt(&mut delivery.attempts, at, outcome);
    let state = match outcome.kind {
        OutcomeKind::Accepted => DeliveryState::Sent,
        OutcomeKind::Refused | OutcomeKind::Bounced => DeliveryState::Failed,
        OutcomeKind::Deferred | OutcomeKind::Error if give_up => DeliveryState::Failed,
        OutcomeKind::Deferred | OutcomeKind::Error => DeliveryState::Retrying,
    };
    let concerned = |email: &str| outcome.recipient.as_deref().is_none_or(|recipient| recipient == email);
    for one in &mut delivery.recipients {
        if one.state == DeliveryState::Sending && concerned(&one.email) {
            one.state = state;
            one.reply = Some(reply.clone());
        }
    }
}

/// Keeps what a try came to, or what was heard of it later.
pub(super) fn keep_attempt(attempts: &mut Vec<Attempt>, at: Timestamp, outcome: &Outcome) {
    attempts.push(Attempt {
        at,
        recipient: outcome.recipient.clone(),
        outcome: String::from(outcome.kind.name()),
        reply: text::one_line(&outcome.reply, MAX_REPLY),
    });
    let over = attempts.len().saturating_sub(MAX_ATTEMPTS_KEPT);
    attempts.drain(..over);
}

/// Seconds to wait after the n-th try.
fn wait_after(attempts: u32) -> i64 {
    (FIRST_WAIT << attempts.saturating_sub(1).min(8)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour() {
        assert_eq!([1, 2, 3, 4, 5, 99].map(wait_after), [300, 600, 1200, 2400, 3600, 3600]);
    }
}
