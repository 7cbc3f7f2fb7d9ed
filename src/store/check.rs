//! The store's invariants, as one function.

use std::collections::BTreeMap;

use super::blobs::{BlobReader, Location, Stored};
use super::hold::Hold;
use super::rows::{decode, number};
use super::{Direction, Entity, Key, Result, Rows, Store, Table};
use crate::domain::agent::Session;
use crate::domain::attachment::Source;
use crate::domain::job::Work;
use crate::domain::{
    Agent, AgentId, Attachment, AutoReplied, Channel, Contact, Conversation, ConversationId, Draft, Inbox, Incoming,
    Job, Kind, MailDomain, Message, MessageId, Suppressed,
};

/// Faults listed before the rest are only counted.
const SHOWN: usize = 100;

/// What [`Store::check`] found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many rows of each table were looked at.
    pub rows: BTreeMap<&'static str, u64>,
    /// What is wrong, in words; the first hundred.
    pub faults: Vec<String>,
    /// How many faults there are.
    pub fault_count: u64,
}

impl Report {
    fn fault(&mut self, words: String) {
        self.fault_count += 1;
        if self.faults.len() < SHOWN {
            self.faults.push(words);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.fault_count == 0
    }
}

impl Store {
    /// Checks a snapshot:
    ///
    /// 1. every entity can be read, its id is its key and at most its kind's counter;
    /// 2. every index key an entity declares is there and leads to it, and no index holds a key more;
    /// 3. every tally equals a count of the entities;
    /// 4. every blob is named by as many rows as it says, lies where it says, and matches its checksum
    ///    (`deep`; else its row alone is looked at); no row names a blob that is not there;
    /// 5. every conversation's inbox, contact and assignee exist; its count and its newest message are those
    ///    of its messages; every message's conversation exists;
    /// 6. a message is bound to the attachments it lists, and they to it;
    /// 7. a message that waits to be sent has a job that is there and not given up, and every job's message exists;
    /// 8. changes are numbered without a gap up to the last one;
    /// 9. what is remembered for a while (deliveries seen, mails fetched, client ids) stands once in each of its two tables;
    /// 10. every conversation's related ones exist, and every read mark's agent and conversation.
    ///
    /// # Errors
    /// When storage fails; faults in the data are in the report.
    pub fn check(&self, deep: bool) -> Result<Report> {
        let _hold = deep.then(|| Hold::keep(self.blobs.dir())).transpose()?;
        let rows = self.read()?;
        let mut check = Check {
            rows: &rows,
            report: Report::default(),
            keys: BTreeMap::new(),
            tallies: BTreeMap::new(),
            refs: BTreeMap::new(),
        };
        check.entities::<Agent>()?;
        check.entities::<Session>()?;
        check.entities::<Inbox>()?;
        check.entities::<Channel>()?;
        check.entities::<MailDomain>()?;
        check.entities::<Contact>()?;
        check.entities::<Incoming>()?;
        check.entities::<Conversation>()?;
        check.entities::<Message>()?;
        check.entities::<Attachment>()?;
        check.entities::<Draft>()?;
        check.entities::<Suppressed>()?;
        check.entities::<AutoReplied>()?;
        check.entities::<Job>()?;
        check.index_sizes()?;
        check.tallies()?;
        check.conversations()?;
        check.messages()?;
        check.attachments()?;
        check.jobs()?;
        check.changes()?;
        check.pairs()?;
        check.reads()?;
        check.blobs(deep.then_some(self))?;
        Ok(check.report)
    }
}

struct Check<'r, R> {
    rows: &'r R,
    report: Report,
    /// Index keys declared by entities, counted by table.
    keys: BTreeMap<&'static str, u64>,
    tallies: BTreeMap<Vec<u8>, u64>,
    refs: BTreeMap<u64, u64>,
}

/// Tables that hold index keys of entities.
const INDEXES: &[Table] = &[
    Table::AgentByEmail,
    Table::SessionByToken,
    Table::SessionByAgent,
    Table::SessionByEnd,
    Table::InboxByLocalPart,
    Table::ChannelByAddress,
    Table::ChannelByInbox,
    Table::ChannelByCatchAll,
    Table::ChannelByDomain,
    Table::DomainByName,
    Table::ContactByIdentity,
    Table::SuppressedByEmail,
    Table::AutoRepliedByAddress,
    Table::AutoRepliedByTime,
    Table::AutoRepliedByDomain,
    Table::ConversationByInbox,
    Table::ConversationByPlace,
    Table::ConversationByAssignee,
    Table::ConversationByContact,
    Table::ConversationBySent,
    Table::ConversationBySnooze,
    Table::ConversationByPlacing,
    Table::ConversationByToken,
    Table::MessageByConversation,
    Table::MessageByMessageId,
    Table::AttachmentUnbound,
    Table::DraftByPlace,
    Table::DraftByConversation,
    Table::JobByDue,
];

/// Called with each key and value of a table.
type Look<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

impl<R: Rows> Check<'_, R> {
    fn walk(&self, table: Table, visit: &mut Look<'_>) -> Result<()> {
        self.rows.visit_prefix(table, &Key::new(), None, Direction::Forward, &mut |key, value| {
            visit(key, value)?;
            Ok(true)
        })
    }

    fn entities<E: Entity>(&mut self) -> Result<()> {
        let name = E::TABLE.name();
        let counter = number(self.rows, Table::Meta, name.as_bytes())?;
        let mut found: Vec<(Vec<u8>, Option<E>)> = Vec::new();
        self.walk(E::TABLE, &mut |key, value| {
            found.push((key.to_vec(), decode(value).ok()));
            Ok(())
        })?;
        self.report.rows.insert(name, found.len() as u64);
        for (key, entity) in found {
            let Some(entity) = entity else {
                self.report.fault(format!("{name} {key:?} cannot be read"));
                continue;
            };
            if Key::id(entity.id()).as_bytes() != key || entity.id() > counter {
                self.report.fault(format!("{name} {} stands under {key:?}, counter {counter}", entity.id()));
            }
            for index in entity.index_keys() {
                *self.keys.entry(index.table.name()).or_default() += 1;
                let value = self.rows.get_bytes(index.table, index.key.as_bytes())?;
                let want = if index.unique { entity.id().to_be_bytes().to_vec() } else { Vec::new() };
                if value.as_ref() != Some(&want) {
                    self.report.fault(format!("{name} {} is not under its key in {}", entity.id(), index.table.name()));
                }
            }
            for tally in entity.tallies() {
                *self.tallies.entry(tally.into_bytes()).or_default() += 1;
            }
            for blob in entity.blobs() {
                *self.refs.entry(blob.0).or_default() += 1;
            }
        }
        Ok(())
    }

    fn index_sizes(&mut self) -> Result<()> {
        for table in INDEXES {
            let mut count = 0_u64;
            self.walk(*table, &mut |_, _| {
                count += 1;
                Ok(())
            })?;
            let want = self.keys.get(table.name()).copied().unwrap_or_default();
            if count != want {
                self.report.fault(format!("{} holds {count} keys, entities declare {want}", table.name()));
            }
        }
        Ok(())
    }

    fn tallies(&mut self) -> Result<()> {
        let mut stored = BTreeMap::new();
        self.walk(Table::Tallies, &mut |key, value| {
            stored.insert(key.to_vec(), super::key::last_id(value).unwrap_or_default());
            Ok(())
        })?;
        if stored != self.tallies {
            self.report.fault(format!("tallies are {stored:?}, a count gives {:?}", self.tallies));
        }
        Ok(())
    }

    fn conversations(&mut self) -> Result<()> {
        for conversation in self.rows.all::<Conversation>()? {
            let id = conversation.id;
            let inbox = self.rows.find::<Inbox>(conversation.inbox)?.is_some();
            let contact = self.rows.find::<Contact>(conversation.contact)?.is_some();
            let assignee = match conversation.assignee {
                Some(agent) => self.rows.find::<Agent>(agent)?.is_some(),
                None => true,
            };
            if !(inbox && contact && assignee) {
                self.report.fault(format!("conversation {id}: inbox {inbox}, contact {contact}, assignee {assignee}"));
            }
            for other in &conversation.related {
                if self.rows.find::<Conversation>(*other)?.is_none() {
                    self.report.fault(format!("conversation {id}: related conversation {other} is missing"));
                }
            }
            let (mut count, mut news) = (0, 0);
            let prefix = Key::new().u64(id.0);
            for message in self.rows.ids(Table::MessageByConversation, &prefix, None, Direction::Forward, usize::MAX)? {
                let message: Message = self.rows.get(MessageId(message))?;
                count += u32::from(message.kind != Kind::Event);
                if message.is_news() {
                    news = news.max(message.received_seq);
                }
            }
            if count != conversation.message_count || news != conversation.news_seq {
                let (said, seq) = (conversation.message_count, conversation.news_seq);
                self.report
                    .fault(format!("conversation {id} says {said} messages, news {seq}; it has {count}, {news}"));
            }
        }
        Ok(())
    }

    fn messages(&mut self) -> Result<()> {
        for message in self.rows.all::<Message>()? {
            let id = message.id;
            if self.rows.find::<Conversation>(message.conversation)?.is_none() {
                self.report.fault(format!("message {id}: conversation {} is missing", message.conversation));
            }
            for attachment in &message.attachments {
                if self.rows.find::<Attachment>(*attachment)?.is_none_or(|file| file.message != Some(id)) {
                    self.report.fault(format!("message {id}: attachment {attachment} is not bound to it"));
                }
            }
            let Some(delivery) = &message.delivery else { continue };
            let job = match delivery.job {
                Some(job) => self.rows.find::<Job>(job)?.is_some_and(|job| job.parked.is_none()),
                None => false,
            };
            if delivery.state.waits() != job {
                self.report.fault(format!("message {id} is {}, job there: {job}", delivery.state.name()));
            }
        }
        Ok(())
    }

    fn attachments(&mut self) -> Result<()> {
        for file in self.rows.all::<Attachment>()? {
            let Some(id) = file.message else { continue };
            let message = self.rows.find::<Message>(id)?;
            let bound = message.as_ref().is_some_and(|message| message.attachments.contains(&file.id));
            let raw = match file.source {
                // A mail that is passed on shares the files of the one it passes on, which may have gone since.
                Source::Part { raw, .. } => {
                    message.as_ref().is_some_and(|message| message.raw == Some(raw) || message.forward_of.is_some())
                }
                Source::Blob(_) => true,
            };
            if !(bound && raw) {
                self.report.fault(format!("attachment {}: listed by its message {bound}, its raw mail {raw}", file.id));
            }
        }
        Ok(())
    }

    fn jobs(&mut self) -> Result<()> {
        for job in self.rows.all::<Job>()? {
            let message = match job.work {
                Work::SendMail(message) | Work::Authenticate(message) => message,
                // What it answers may have been thrown away since.
                Work::AutoReply(id) if self.rows.find::<AutoReplied>(id)?.is_some() => continue,
                Work::AutoReply(id) => {
                    self.report.fault(format!("job {}: automatic reply {id} is missing", job.id));
                    continue;
                }
            };
            if self.rows.find::<Message>(message)?.is_none() {
                self.report.fault(format!("job {}: message {message} is missing", job.id));
            }
        }
        Ok(())
    }

    fn changes(&mut self) -> Result<()> {
        let (mut expected, last) = (self.rows.first_change()?, self.rows.last_change()?);
        let mut gaps = Vec::new();
        self.walk(Table::Changes, &mut |key, _| {
            let number = super::key::last_id(key).unwrap_or_default();
            if number != expected {
                gaps.push(expected);
            }
            expected = number + 1;
            Ok(())
        })?;
        if !gaps.is_empty() || (last > 0 && expected != 0 && expected != last + 1) {
            self.report.fault(format!("changes have gaps at {gaps:?}, end before {expected}, the last is {last}"));
        }
        Ok(())
    }

    fn reads(&mut self) -> Result<()> {
        let mut keys = Vec::new();
        self.walk(Table::Reads, &mut |key, _| {
            keys.push(key.to_vec());
            Ok(())
        })?;
        for key in keys {
            let id = |at: usize| key.get(at..at + 8).and_then(super::key::last_id).unwrap_or_default();
            let (agent, conversation) = (AgentId(id(0)), ConversationId(id(8)));
            let agent_there = self.rows.find::<Agent>(agent)?.is_some();
            let conversation_there = self.rows.find::<Conversation>(conversation)?.is_some();
            if key.len() != 16 || !agent_there || !conversation_there {
                self.report.fault(format!("a read mark of agent {agent} in conversation {conversation} is left over"));
            }
        }
        Ok(())
    }

    fn pairs(&mut self) -> Result<()> {
        let remembered = [
            (Table::Seen, Table::SeenByTime),
            (Table::ClientIds, Table::ClientIdByTime),
            (Table::Fetched, Table::FetchedByOrder),
        ];
        for (one, other) in remembered {
            let (mut a, mut b) = (0_u64, 0_u64);
            self.walk(one, &mut |_, _| {
                a += 1;
                Ok(())
            })?;
            self.walk(other, &mut |_, _| {
                b += 1;
                Ok(())
            })?;
            if a != b {
                self.report.fault(format!("{} holds {a} rows, {} holds {b}", one.name(), other.name()));
            }
        }
        Ok(())
    }

    fn blobs(&mut self, deep: Option<&Store>) -> Result<()> {
        let mut stored: Vec<(u64, Option<Stored>)> = Vec::new();
        self.walk(Table::Blobs, &mut |key, value| {
            stored.push((super::key::last_id(key).unwrap_or_default(), decode(value).ok()));
            Ok(())
        })?;
        self.report.rows.insert(Table::Blobs.name(), stored.len() as u64);
        for (id, blob) in stored {
            let refs = self.refs.remove(&id).unwrap_or_default();
            let Some(blob) = blob else {
                self.report.fault(format!("blob {id} cannot be read"));
                continue;
            };
            if blob.refs != refs {
                self.report.fault(format!("blob {id} says {} rows name it, {refs} do", blob.refs));
            }
            if let Some(store) = deep {
                match store.blobs.read(&blob.location).and_then(|reader| examine(reader, &blob)) {
                    Ok(None) => {}
                    Ok(Some(fault)) => self.report.fault(format!("blob {id} {fault}")),
                    Err(error) => self.report.fault(format!("blob {id}: {error}")),
                }
            }
        }
        for id in std::mem::take(&mut self.refs).into_keys() {
            self.report.fault(format!("blob {id} is named but missing"));
        }
        Ok(())
    }
}

/// Compares a blob's bytes with what is known of them. Those in a segment were held against their checksum
/// when they were read; a file's name begins with the hash of its content.
fn examine(reader: BlobReader, blob: &Stored) -> Result<Option<String>> {
    if reader.size() != blob.size {
        return Ok(Some(format!("has {} bytes, not {}", reader.size(), blob.size)));
    }
    let (BlobReader::File(file, _), Location::File(name)) = (reader, &blob.location) else { return Ok(None) };
    let hash = blake3::Hasher::new().update_reader(file)?.finalize();
    let right = name.starts_with(hash.to_hex().as_str());
    Ok((!right).then(|| String::from("does not match the hash in its file's name")))
}
