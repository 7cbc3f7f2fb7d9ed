//! Automatic replies (RFC 3834): a channel says something by itself to who begins a conversation, once a day.
//!
//! [`plan`] looks at a mail when it is filed; most that may not be answered end there. The rest is a job, which waits
//! until it is known whose the mail is, looks at what became of it, and sends. It fails towards silence.

use super::reading::{Read, encode};
use super::{Act, Desk, Result, bounces, channels, letters, replies, words};
use crate::base::{Timestamp, random, text};
use crate::domain::authentication::Verdict;
use crate::domain::auto_reply::{AutoReply, Proof, When, is_machine};
use crate::domain::channel::WayIn;
use crate::domain::hours::Fault;
use crate::domain::job::Work;
use crate::domain::message::{Beside, Body};
use crate::domain::{
    Actor, AutoReplied, AutoRepliedId, Channel, Conversation, Incoming, Job, JobId, Kind, Message, MessageId, Person,
    Place, What,
};
use crate::mail::address::{Mailbox, contact_key};
use crate::mail::build::Outgoing;
use crate::mail::parse::{Address, Defect};
use crate::mail::text::text_from_html;
use crate::mail::{build, clean, dress, fill, thread};
use crate::store::{Direction, Key, Prepared, Reader, Rows, Table, Writer};

/// Seconds within which an address gets one answer.
const ONCE_IN: i64 = 24 * 3600;
/// Most sent within a minute, by all channels together.
const PER_MINUTE: usize = 20;
/// Most sent within a day to one domain, to addresses that somebody else may have written in the name of.
const UNPROVEN_PER_DOMAIN: usize = 3;
/// Seconds until it is looked again whether it is known whose a mail is.
const LOOK_AGAIN: i64 = 5;
/// Seconds after which a mail is too old to be greeted: it was long under way.
const OLDEST: i64 = 2 * 24 * 3600;
/// The same for one that was fetched from a mailbox elsewhere, where somebody may have dealt with it.
const OLDEST_FETCHED: i64 = 6 * 3600;
/// Longest text, bytes of HTML.
const MAX_TEXT: usize = 10_000;
/// Longest subject, bytes.
const MAX_SUBJECT: usize = 200;
/// Longest name that is greeted by, bytes.
const MAX_NAME: usize = 60;

impl AutoReply {
    /// The same cleaned and in order.
    ///
    /// # Errors
    /// [`super::Error::Invalid`].
    pub(super) fn checked(self) -> Result<AutoReply> {
        let invalid = super::Error::invalid;
        if self.text.len() > MAX_TEXT {
            return Err(invalid("auto_reply.text", "too_long"));
        }
        let words = clean::clean_outgoing(self.text.trim()).map_err(|_| invalid("auto_reply.text", "too_long"))?;
        if self.enabled && text_from_html(&words).trim().is_empty() {
            return Err(invalid("auto_reply.text", "empty"));
        }
        let hours = self.hours.checked().map_err(|fault| match fault {
            Fault::Zone => invalid("auto_reply.zone", "unknown"),
            Fault::Week => invalid("auto_reply.week", "invalid"),
            Fault::Closed => invalid("auto_reply.closed", "invalid"),
        })?;
        if self.enabled && self.when == When::InsideHours && hours.week.is_empty() {
            return Err(invalid("auto_reply.week", "empty"));
        }
        Ok(AutoReply { subject: text::one_line(&self.subject, MAX_SUBJECT), text: words, hours, ..self })
    }
}

/// Notes that a mail which began a conversation may be answered by itself, unless it is plain already that it may not.
pub(super) fn plan(
    writer: &mut Writer<'_>,
    act: Act,
    begun: &Conversation,
    message: MessageId,
    mail: (&Incoming, &Read, &Person),
) -> Result<()> {
    let Some(channel) = begun.channel.map(|id| writer.find::<Channel>(id)).transpose()?.flatten() else {
        return Ok(());
    };
    let Some(to) = addressee(writer, &channel, mail)? else { return Ok(()) };
    let key = once_key(&to);
    let known = writer.unique(Table::AutoRepliedByAddress, &Key::new().text(&key))?.map(AutoRepliedId);
    let known = known.map(|id| writer.get::<AutoReplied>(id)).transpose()?;
    if known.as_ref().is_some_and(|known| is_within(known.at, act.at, ONCE_IN)) {
        return Ok(());
    }
    let id = match known {
        Some(known) => known.id,
        None => AutoRepliedId(writer.next_id::<AutoReplied>()?),
    };
    writer.put(&AutoReplied { id, message, to, key, at: act.at, sent: None })?;
    let job = JobId(writer.next_id::<Job>()?);
    Ok(writer.put(&Job::new(job, Work::AutoReply(id), act.at, act.at))?)
}

/// Where an answer to a mail would go: the envelope's sender (RFC 3834 section 4), or the sender in From where somebody
/// else's forward has put its own into the envelope. None for mail that is not to be answered (section 2).
fn addressee(
    writer: &Writer<'_>,
    channel: &Channel,
    (incoming, read, sender): (&Incoming, &Read, &Person),
) -> Result<Option<String>> {
    let marks = read.parsed.marks;
    let machine = marks.auto_submitted || marks.auto_reply || marks.no_auto_reply || marks.delivery_report;
    let many = marks.list || marks.bulk || marks.unsubscribe;
    let Some(path) = &incoming.mail_from else { return Ok(None) };
    let oldest = incoming.received_at.plus_seconds(if incoming.fetched { -OLDEST_FETCHED } else { -OLDEST });
    let old = read.parsed.date_ms.map_or(incoming.fetched, |date| Timestamp(date) < oldest);
    let nobody = [path, &sender.email].iter().any(|address| is_machine(&contact_key(address)));
    if !channel.email().auto_reply.enabled || machine || many || old || nobody || !names(writer, channel, read)? {
        return Ok(None);
    }
    let to = match channel.email().way_in {
        WayIn::Mx => path,
        WayIn::Forward(_) | WayIn::Imap(_) => &sender.email,
    };
    Ok(Mailbox::parse(to, false).ok().map(|mailbox| mailbox.to_string()))
}

/// Whether To or Cc name the channel: a blind copy is not answered.
fn names(writer: &Writer<'_>, channel: &Channel, read: &Read) -> Result<bool> {
    for address in read.parsed.to.iter().chain(&read.parsed.cc).take(200) {
        let key = contact_key(&address.email);
        let Some((local, domain)) = key.rsplit_once('@') else { continue };
        if channels::taking(writer, local, domain)?.is_some_and(|taking| taking.id == channel.id) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What becomes of a planned answer.
enum Decision {
    /// It is not known yet whose the mail is.
    Later,
    /// It is not sent, for this reason.
    No(&'static str),
    /// It is sent.
    Yes(Box<Answer>),
}

/// What is answered, and how much is known of whom.
struct Answer {
    channel: Channel,
    message: Message,
    conversation: Conversation,
    proof: Proof,
    /// Whether it goes to the very address that is proven to have written: only then are its own words said to it.
    to_author: bool,
}

impl Desk {
    /// Does a job: answers a message by itself, or finds that it is not to be answered.
    ///
    /// # Errors
    /// The store's own; the job is tried again.
    pub async fn auto_reply(&self, job: JobId) -> Result<()> {
        let rows = self.store.read()?;
        let Some(Job { work: Work::AutoReply(id), created_at, .. }) = rows.find::<Job>(job)? else { return Ok(()) };
        let planned: AutoReplied = rows.get(id)?;
        let act = self.act(Actor::System);
        match self.decide(&rows, &planned)? {
            Decision::Later if is_within(created_at, act.at, ONCE_IN) => {
                drop(rows);
                let due_at = act.at.plus_seconds(LOOK_AGAIN);
                self.store.write(move |writer| put_off(writer, job, due_at)).await
            }
            Decision::Later => self.leave(job, "nobody knows whose it is").await,
            Decision::No(why) => {
                drop(rows);
                self.leave(job, why).await
            }
            Decision::Yes(answer) => {
                let Some(letter) = self.auto_letter(&rows, &planned, &answer).await? else {
                    return self.leave(job, "it cannot be written").await;
                };
                drop(rows);
                let proof = answer.proof;
                let letter_sent = self
                    .store
                    .write_with(letter.prepared, move |writer, blobs| {
                        let blobs: Result<Vec<_>> = blobs.iter().map(|blob| Ok(writer.add_blob(blob)?)).collect();
                        let (body, raw) = match blobs?.as_slice() {
                            [body, raw] => (*body, *raw),
                            _ => return Err(crate::store::Error::Stopped.into()),
                        };
                        let message = Message { body: Some(body), raw: Some(raw), ..letter.message.clone() };
                        send(writer, act, job, message, proof)
                    })
                    .await?;
                match letter_sent {
                    None => Ok(()),
                    Some(why) => self.leave(job, why).await,
                }
            }
        }
    }

    /// Forgets a planned answer.
    async fn leave(&self, job: JobId, why: &'static str) -> Result<()> {
        tracing::info!(job.id = job.0, why, "a message is not answered by itself");
        self.store
            .write(move |writer| {
                let Some(Job { work: Work::AutoReply(id), .. }) = writer.find::<Job>(job)? else { return Ok(()) };
                writer.delete::<Job>(job)?;
                Ok(writer.delete::<AutoReplied>(id)?)
            })
            .await
    }

    fn decide(&self, rows: &Reader, planned: &AutoReplied) -> Result<Decision> {
        let Some(message) = rows.find::<Message>(planned.message)? else { return Ok(Decision::No("it is gone")) };
        let conversation: Conversation = rows.get(message.conversation)?;
        let channel = conversation.channel.map(|id| rows.find::<Channel>(id)).transpose()?.flatten();
        let Some(channel) = channel.filter(|channel| channel.inbox == conversation.inbox) else {
            return Ok(Decision::No("its channel is gone"));
        };
        let found = message.authentication.clone().unwrap_or_default();
        let from = message.from.as_ref().map(|from| contact_key(&from.email)).unwrap_or_default();
        let odd = [Defect::MultipleFrom, Defect::SeveralAuthors].map(Defect::code);
        let odd = message.defects.iter().any(|code| code == super::authenticating::DISAGREES || odd.contains(&&**code));
        let own = self.is_own_address(rows, &from)? || self.is_own_address(rows, &contact_key(&planned.to))?;
        let no = match () {
            () if found.verdict == Verdict::Checking => return Ok(Decision::Later),
            () if found.verdict == Verdict::Fail || odd => Some("it is forged"),
            () if conversation.place != Place::Inbox => Some("it lies elsewhere"),
            () if conversation.last_sent_at.is_some() => Some("somebody has answered"),
            () if !channel.email().auto_reply.speaks(message.at) => Some("not at this hour"),
            () if own => Some("it is our own"),
            () if bounces::find(rows, &planned.to)?.is_some() => Some("the address takes no mail"),
            () => None,
        };
        if let Some(why) = no {
            return Ok(Decision::No(why));
        }
        let to_author = found.verdict == Verdict::Pass && from == contact_key(&planned.to);
        // SPF speaks for the envelope's sender alone.
        let envelope = matches!(channel.email().way_in, WayIn::Mx)
            && found.spf.as_ref().is_some_and(|spf| spf.result == "pass" && spf.domain == planned.domain());
        let proof = if to_author || envelope { Proof::Proven } else { Proof::Unproven };
        Ok(Decision::Yes(Box::new(Answer { channel, message, conversation, proof, to_author })))
    }

    /// Writes the answer; none where it cannot be written.
    async fn auto_letter(&self, rows: &Reader, planned: &AutoReplied, answer: &Answer) -> Result<Option<AutoLetter>> {
        let Answer { channel, message, conversation, to_author, .. } = answer;
        let workspace = self.workspace(rows)?;
        let email = channel.email();
        let name = message.from.as_ref().and_then(|from| from.name.as_deref()).filter(|_| *to_author).and_then(greeted);
        let number = conversation.id.to_string();
        // The key has no tag: a tag is as good a place for somebody else's words as a name.
        let values = [("contact.name", name.as_deref().unwrap_or(&planned.key)), ("conversation.number", &number)];
        // Cleaned once more: a value may stand where only an address may.
        let Ok(html) = clean::clean_outgoing(&fill::fill(&email.auto_reply.text, &values)) else { return Ok(None) };
        let subject = match (to_author, email.auto_reply.subject.as_str()) {
            (true, _) => words::reply_subject(message.subject.as_deref().unwrap_or(&conversation.subject)),
            (false, "") => String::from(plain_subject(&workspace.language)),
            (false, own) => words::subject(own),
        };
        let from = Person { name: Some(workspace.name), email: email.address.clone() };
        let own_token = contact_key(&planned.to) == conversation.identity;
        let token = if own_token { conversation.token.clone() } else { random::token() };
        let reply_to = matches!(email.way_in, WayIn::Mx) && own_token;
        let reply_to = reply_to.then(|| thread::reply_address(&token, email.domain()));
        let references = thread::references(&self.body(rows, message)?.references, message.message_id.as_deref());
        let message_id = thread::message_id(&token, email.domain());
        let body = Body { text: text_from_html(&html), html: Some(html), references };
        let outgoing = Outgoing {
            from: Address { name: from.name.clone(), email: from.email.clone() },
            to: vec![Address { name: None, email: planned.to.clone() }],
            reply_to: reply_to.map(|email| Address { name: from.name.clone(), email }).into_iter().collect(),
            subject: subject.clone(),
            text: body.text.clone(),
            html: body.html.as_deref().map(dress::dress),
            message_id: message_id.clone(),
            in_reply_to: message.message_id.as_deref().and_then(thread::written_id),
            references: body.references.clone(),
            date_ms: self.clock.now().millis(),
            headers: letters::automatic("auto-replied"),
            ..Outgoing::default()
        };
        let Ok(Ok(raw)) = tokio::task::spawn_blocking(move || build::build(&outgoing)).await else { return Ok(None) };
        let raw = self.prepare(self.sign(rows, email.domain(), raw)?).await?;
        let answers = Message {
            kind: Kind::Outbound,
            from: Some(from),
            to: vec![Person { name: None, email: planned.to.clone() }],
            subject: Some(subject),
            message_id: Some(message_id),
            automatic: true,
            author: None,
            ..super::events::empty(conversation.id)
        };
        Ok(Some(AutoLetter { prepared: vec![encode(&body)?, raw], message: answers }))
    }
}

/// An answer that is written: its words and bytes, and the message without its numbers.
struct AutoLetter {
    prepared: Vec<Prepared>,
    message: Message,
}

fn put_off(writer: &mut Writer<'_>, job: JobId, due_at: Timestamp) -> Result<()> {
    let Some(job) = writer.find::<Job>(job)? else { return Ok(()) };
    Ok(writer.put(&Job { due_at, ..job })?)
}

/// Puts the answer into the thread and the queue. Gives why not, when it is not sent after all.
fn send(writer: &mut Writer<'_>, act: Act, job: JobId, answer: Message, proof: Proof) -> Result<Option<&'static str>> {
    let Some(Job { work: Work::AutoReply(id), .. }) = writer.find::<Job>(job)? else { return Ok(None) };
    let mut planned: AutoReplied = writer.get(id)?;
    let Some(mut conversation) = writer.find::<Conversation>(answer.conversation)? else {
        return Ok(Some("it is gone"));
    };
    if sent_since(writer, Table::AutoRepliedByTime, Key::new(), act.at.plus_seconds(-60))? >= PER_MINUTE {
        return Ok(Some("too many were sent in this minute"));
    }
    let day_ago = act.at.plus_seconds(-ONCE_IN);
    let domain = Key::new().text(planned.domain());
    if proof == Proof::Unproven
        && sent_since(writer, Table::AutoRepliedByDomain, domain, day_ago)? >= UNPROVEN_PER_DOMAIN
    {
        return Ok(Some("too many were sent to this domain"));
    }
    writer.delete::<Job>(job)?;
    (planned.at, planned.sent) = (act.at, Some(proof));
    writer.put(&planned)?;
    let numbered = super::events::blank(writer, act, &conversation, Kind::Outbound)?;
    let (id, received_seq, at) = (numbered.id, numbered.received_seq, numbered.at);
    let mut message = Message { id, received_seq, at, date: Some(act.at), ..answer };
    let to = vec![planned.to];
    message.delivery = Some(replies::enqueue(writer, act, id, to, Beside::default(), None, act.at)?);
    // It is no answer that anybody waits for: the conversation stays as it is, and what an agent writes is not stale.
    conversation.message_count += 1;
    message.added_change = writer.change(act.at, act.actor, What::MessageAdded(conversation.id, id))?;
    writer.put(&message)?;
    writer.put(&conversation)?;
    Ok(None)
}

/// How many were sent after a moment, counted up to what matters.
fn sent_since(writer: &Writer<'_>, table: Table, prefix: Key, since: Timestamp) -> Result<usize> {
    let after = prefix.clone().time(since).into_bytes();
    Ok(writer.ids(table, &prefix, Some(&after), Direction::Forward, PER_MINUTE)?.len())
}

/// Forgets up to `limit` of those who were answered before `before`.
pub(super) fn forget(writer: &mut Writer<'_>, now: Timestamp, limit: usize) -> Result<usize> {
    let before = now.plus_seconds(-ONCE_IN);
    let mut gone = 0;
    for id in writer.ids(Table::AutoRepliedByTime, &Key::new(), None, Direction::Forward, limit)? {
        let row: AutoReplied = writer.get(AutoRepliedId(id))?;
        if row.at >= before {
            break;
        }
        writer.delete::<AutoReplied>(row.id)?;
        gone += 1;
    }
    Ok(gone)
}

/// What one answer a day goes by: the address without its tag.
fn once_key(address: &str) -> String {
    let key = contact_key(address);
    let Some((local, domain)) = key.rsplit_once('@') else { return key };
    let plain = local.split_once('+').map_or(local, |(plain, _)| plain);
    format!("{}@{domain}", if plain.is_empty() { local } else { plain })
}

/// Whether two moments are within so many seconds, whichever is the first: a clock may have been wrong.
fn is_within(one: Timestamp, other: Timestamp, seconds: i64) -> bool {
    (one.millis() - other.millis()).abs() < seconds * 1000
}

/// A name to greet somebody by; none for what is no name but a message or an address.
fn greeted(name: &str) -> Option<String> {
    let odd = |c: char| matches!(c, '/' | '@' | ':' | '<' | '>' | '{' | '}') || c.is_ascii_digit();
    let name = text::one_line(name, MAX_NAME);
    (!name.is_empty() && !name.contains(odd) && !name.to_lowercase().contains("www.")).then_some(name)
}

fn plain_subject(language: &str) -> &'static str {
    match language {
        "pl" => "Otrzymaliśmy Twoją wiadomość",
        _ => "We have received your message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_answered_once_whatever_its_tag() {
        assert_eq!(once_key("Jan+Shop@X.Example"), "jan@x.example");
        assert_eq!(once_key("+x@x.example"), "+x@x.example");
        assert_eq!(once_key("jan@x.example"), once_key("JAN+2@x.example"));
    }

    #[test]
    fn a_name_that_is_a_message_is_not_repeated() {
        assert_eq!(greeted(" Jan\r\nKowalski "), Some(String::from("Jan Kowalski")));
        for odd in ["", "Win at https://x.example", "call 555 1234", "www.x.example", "a@b", "{{contact.name}}"] {
            assert_eq!(greeted(odd), None, "{odd}");
        }
    }
}
