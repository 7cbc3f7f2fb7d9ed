//! Operations on a store and a model of what must come of them, shared by the tests that break things.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Timestamp;
use crate::domain::contact::{Identity, IdentityKind};
use crate::domain::*;
use crate::domain::{attachment::Source, conversation::Conversation};
use crate::store::*;

/// One operation, as numbers: which one, on what, how large. What does not apply becomes another.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Op {
    pub(in crate::store) kind: u8,
    pub(in crate::store) a: u16,
    pub(in crate::store) b: u16,
    pub(in crate::store) size: u32,
}

/// A small generator of numbers, the same ones for the same seed.
pub(in crate::store) struct Numbers(pub(in crate::store) u64);

impl Numbers {
    pub(in crate::store) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(in crate::store) fn below(&mut self, below: u64) -> u64 {
        self.next() % below
    }

    pub(in crate::store) fn op(&mut self) -> Op {
        Op { kind: self.next() as u8, a: self.next() as u16, b: self.next() as u16, size: self.next() as u32 }
    }
}

/// The bytes of a blob; every second one packs well.
#[derive(Clone)]
struct Content(Arc<Vec<u8>>);

impl Content {
    fn new(seed: u64, length: usize) -> Content {
        let mut bytes = Vec::with_capacity(length + 64);
        let (line, mut numbers) = (format!("line {seed} of a mail\r\n").into_bytes(), Numbers(seed));
        while bytes.len() < length {
            match seed.is_multiple_of(2) {
                true => bytes.extend_from_slice(&line),
                false => bytes.extend_from_slice(&numbers.next().to_le_bytes()),
            }
        }
        bytes.truncate(length);
        Content(Arc::new(bytes))
    }

    fn prepare(&self, store: &Store) -> Prepared {
        if self.0.len() <= blobs::SMALL {
            return Prepared::from_bytes(&self.0);
        }
        let mut writer = store.blob_writer();
        writer.write(&self.0).unwrap();
        writer.finish().unwrap()
    }
}

/// What must be in the store.
#[derive(Clone, Default)]
pub(in crate::store) struct Model {
    pub(in crate::store) change: u64,
    counters: BTreeMap<&'static str, u64>,
    inboxes: BTreeMap<u64, Inbox>,
    contacts: BTreeMap<u64, Contact>,
    conversations: BTreeMap<u64, Conversation>,
    messages: BTreeMap<u64, Message>,
    attachments: BTreeMap<u64, Attachment>,
    blobs: BTreeMap<u64, Content>,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a script is short")]
enum Step {
    NextId(&'static str, u64),
    PutInbox(Inbox),
    PutContact(Contact),
    PutConversation(Conversation),
    PutMessage(Message),
    PutAttachment(Attachment),
    DeleteInbox(InboxId),
    DeleteContact(ContactId),
    DeleteConversation(ConversationId),
    DeleteMessage(MessageId),
    DeleteAttachment(AttachmentId),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    Before,
    After,
}

/// What one operation does, worked out from the model.
pub(in crate::store) struct Plan {
    steps: Vec<Step>,
    blobs: Vec<(u64, Content)>,
    refusal: Option<Refusal>,
    change: u64,
}

const STATES: [State; 3] = State::ALL;

impl Model {
    /// Works an operation out and does it to the model.
    pub(in crate::store) fn plan(&mut self, op: Op) -> Plan {
        let refusal = match op.kind % 20 {
            0 => Some(Refusal::Before),
            1 => Some(Refusal::After),
            _ => None,
        };
        let before = refusal.map(|_| self.clone());
        let mut plan = Plan { steps: Vec::new(), blobs: Vec::new(), refusal, change: 0 };
        self.work(op, &mut plan);
        self.change += 1;
        plan.change = self.change;
        if let Some(before) = before {
            *self = before;
        }
        plan
    }

    fn work(&mut self, op: Op, plan: &mut Plan) {
        let (inbox, conversation) = (pick(&self.inboxes, op.a), pick(&self.conversations, op.a));
        match (op.kind / 20, inbox, conversation) {
            (0, _, _) | (_, None, _) => self.add_inbox(plan),
            (1, Some(inbox), _) => self.change_inbox(plan, inbox, op),
            (2 | 3, Some(inbox), _) | (_, Some(inbox), None) => self.add_conversation(plan, inbox, op),
            (4, _, Some(conversation)) => self.move_conversation(plan, conversation, op),
            (5, _, Some(conversation)) => self.remove_conversation(plan, conversation),
            (6, _, _) => match pick(&self.messages, op.b) {
                Some(message) => self.remove_message(plan, message),
                None => self.upload(plan, op),
            },
            (7, _, _) => self.upload(plan, op),
            (8, _, _) => match self.attachments.values().find(|file| file.message.is_none()).cloned() {
                Some(file) => self.remove_attachment(plan, file.id),
                None => self.upload(plan, op),
            },
            (_, _, Some(conversation)) => self.add_message(plan, conversation, op),
        }
    }

    fn next(&mut self, plan: &mut Plan, table: Table) -> u64 {
        let counter = self.counters.entry(table.name()).or_default();
        *counter += 1;
        plan.steps.push(Step::NextId(table.name(), *counter));
        *counter
    }

    fn blob(&mut self, plan: &mut Plan, seed: u64, size: u32) -> BlobId {
        let length = match size % 40 {
            0 => blobs::SMALL + 1 + size as usize % 5000,
            1..4 => 20_000 + size as usize % 40_000,
            _ => size as usize % 1500,
        };
        let counter = self.counters.entry(Table::Blobs.name()).or_default();
        *counter += 1;
        let content = Content::new(seed, length);
        plan.blobs.push((*counter, content.clone()));
        self.blobs.insert(*counter, content);
        BlobId(*counter)
    }

    fn add_inbox(&mut self, plan: &mut Plan) {
        let id = self.next(plan, Table::Inboxes);
        let name = format!("box{id}");
        let inbox =
            Inbox { id: InboxId(id), name: name.clone(), local_part: name, from_name: None, created_at: Timestamp(1) };
        plan.steps.push(Step::PutInbox(inbox.clone()));
        self.inboxes.insert(id, inbox);
    }

    fn change_inbox(&mut self, plan: &mut Plan, id: u64, op: Op) {
        if op.b.is_multiple_of(4) && !self.conversations.values().any(|conversation| conversation.inbox.0 == id) {
            plan.steps.push(Step::DeleteInbox(InboxId(id)));
            self.inboxes.remove(&id);
            return;
        }
        let inbox = self.inboxes.get_mut(&id).unwrap();
        inbox.local_part = format!("box{id}-{}", op.b);
        plan.steps.push(Step::PutInbox(inbox.clone()));
    }

    fn add_conversation(&mut self, plan: &mut Plan, inbox: u64, op: Op) {
        let contact = self.next(plan, Table::Contacts);
        let email = format!("somebody{contact}@example.org");
        let identity =
            Identity { kind: IdentityKind::Email, value: email.clone(), shown: email.clone(), verified_at: None };
        let person = Contact {
            id: ContactId(contact),
            name: None,
            named_by_agent: false,
            identities: vec![identity],
            created_at: Timestamp(5),
        };
        plan.steps.push(Step::PutContact(person.clone()));
        self.contacts.insert(contact, person);
        let id = self.next(plan, Table::Conversations);
        self.conversations.insert(id, conversation(id, inbox, contact, email, op));
        self.add_message(plan, id, op);
    }

    fn add_message(&mut self, plan: &mut Plan, conversation: u64, op: Op) {
        let id = self.next(plan, Table::Messages);
        let seq = self.next_seq(plan);
        let kind = [Kind::Inbound, Kind::Outbound, Kind::Comment, Kind::Event][usize::from(op.b % 4)];
        let body = self.blob(plan, id * 7 + u64::from(op.b), op.size);
        let mut message = message(id, conversation, kind, seq);
        message.body = Some(body);
        for n in 0..op.b % 3 {
            let file = self.attach(plan, Some(MessageId(id)), op.size.rotate_left(u32::from(n) + 7));
            message.attachments.push(file);
        }
        plan.steps.push(Step::PutMessage(message.clone()));
        self.messages.insert(id, message);
        self.conversations.get_mut(&conversation).unwrap().last_activity_at = Timestamp(seq as i64 * 1000);
        self.settle(plan, conversation);
    }

    fn next_seq(&mut self, plan: &mut Plan) -> u64 {
        let counter = self.counters.entry("received_seq").or_default();
        *counter += 1;
        plan.steps.push(Step::NextId("received_seq", *counter));
        *counter
    }

    /// Counts a conversation's messages again and puts it.
    fn settle(&mut self, plan: &mut Plan, id: u64) {
        let messages: Vec<&Message> = self.messages.values().filter(|m| m.conversation.0 == id).collect();
        let count = messages.iter().filter(|m| m.kind != Kind::Event).count() as u32;
        let news = messages.iter().filter(|m| m.is_news());
        let news = news.map(|m| m.received_seq).max().unwrap_or_default();
        let conversation = self.conversations.get_mut(&id).unwrap();
        (conversation.message_count, conversation.news_seq) = (count, news);
        plan.steps.push(Step::PutConversation(conversation.clone()));
    }

    fn attach(&mut self, plan: &mut Plan, message: Option<MessageId>, size: u32) -> AttachmentId {
        let id = AttachmentId(self.next(plan, Table::Attachments));
        let blob = self.blob(plan, id.0 * 13 + u64::from(size % 64), size);
        let mut file = super::attachment(id, blob);
        file.message = message;
        plan.steps.push(Step::PutAttachment(file.clone()));
        self.attachments.insert(id.0, file);
        id
    }

    fn upload(&mut self, plan: &mut Plan, op: Op) {
        self.attach(plan, None, op.size);
    }

    fn remove_attachment(&mut self, plan: &mut Plan, id: AttachmentId) {
        plan.steps.push(Step::DeleteAttachment(id));
        if let Some(Attachment { source: Source::Blob(blob), .. }) = self.attachments.remove(&id.0) {
            self.blobs.remove(&blob.0);
        }
    }

    fn take_message(&mut self, plan: &mut Plan, id: u64) -> Message {
        let message = self.messages.remove(&id).unwrap();
        for file in &message.attachments {
            self.remove_attachment(plan, *file);
        }
        plan.steps.push(Step::DeleteMessage(message.id));
        self.blobs.remove(&message.body.unwrap().0);
        message
    }

    fn remove_message(&mut self, plan: &mut Plan, id: u64) {
        let message = self.take_message(plan, id);
        self.settle(plan, message.conversation.0);
    }

    fn remove_conversation(&mut self, plan: &mut Plan, id: u64) {
        let gone: Vec<u64> = self.messages.values().filter(|m| m.conversation.0 == id).map(|m| m.id.0).collect();
        for message in gone {
            self.take_message(plan, message);
        }
        let conversation = self.conversations.remove(&id).unwrap();
        self.contacts.remove(&conversation.contact.0);
        plan.steps.push(Step::DeleteConversation(conversation.id));
        plan.steps.push(Step::DeleteContact(conversation.contact));
    }

    fn move_conversation(&mut self, plan: &mut Plan, id: u64, op: Op) {
        let conversation = self.conversations.get_mut(&id).unwrap();
        conversation.state = STATES[usize::from(op.b % 3)];
        conversation.place = Place::ALL[usize::from(op.b / 3 % 4)];
        conversation.snoozed_until = (conversation.state == State::Snoozed).then_some(Timestamp(i64::from(op.size)));
        plan.steps.push(Step::PutConversation(conversation.clone()));
    }
}

fn pick<T>(from: &BTreeMap<u64, T>, n: u16) -> Option<u64> {
    from.keys().nth(usize::from(n) % from.len().max(1)).copied()
}

fn conversation(id: u64, inbox: u64, contact: u64, identity: String, op: Op) -> Conversation {
    Conversation {
        id: ConversationId(id),
        inbox: InboxId(inbox),
        channel: None,
        contact: ContactId(contact),
        identity,
        subject: format!("about {}", op.b),
        state: State::Open,
        place: Place::Inbox,
        placed_at: Timestamp(2),
        place_reason: None,
        assignee: None,
        tags: Vec::new(),
        snoozed_until: None,
        created_at: Timestamp(2),
        last_activity_at: Timestamp(2),
        last_sent_at: op.b.is_multiple_of(2).then_some(Timestamp(i64::from(op.b))),
        message_count: 0,
        last: None,
        has_attachments: false,
        trouble: None,
        token: format!("token{id}"),
        related: Vec::new(),
        participants: Vec::new(),
        news_seq: 0,
        read_to: 0,
        talk_change: 0,
    }
}

fn message(id: u64, conversation: u64, kind: Kind, seq: u64) -> Message {
    Message {
        id: MessageId(id),
        conversation: ConversationId(conversation),
        kind,
        received_seq: seq,
        added_change: 0,
        at: Timestamp(seq as i64 * 1000),
        date: None,
        author: None,
        from: None,
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: Some(format!("message {id}")),
        message_id: Some(format!("<{id}@example.org>")),
        raw: None,
        trace: None,
        body: None,
        parser_version: 1,
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

impl Plan {
    /// Whether it is to be refused.
    pub(in crate::store) fn refuses(&self) -> bool {
        self.refusal.is_some()
    }

    /// Does it.
    pub(in crate::store) async fn run(self, store: &Store) -> Result<()> {
        let prepared = self.blobs.iter().map(|(_, content)| content.prepare(store)).collect();
        store
            .write_with(prepared, move |writer, new| {
                if self.refusal == Some(Refusal::Before) {
                    return Err(Error::Damaged("refused".into()));
                }
                for ((expected, _), new) in self.blobs.iter().zip(new) {
                    assert_eq!(writer.add_blob(new)?.0, *expected);
                }
                self.steps.iter().try_for_each(|step| take(writer, step))?;
                let number = writer.change(Timestamp(9), Actor::System, What::Workspace)?;
                assert_eq!(number, self.change);
                if self.refusal == Some(Refusal::After) { Err(Error::Damaged("refused".into())) } else { Ok(()) }
            })
            .await
    }
}

fn take(writer: &mut Writer<'_>, step: &Step) -> Result<()> {
    match step {
        Step::NextId(counter, expected) => {
            let id = match *counter {
                "received_seq" => writer.next_received_seq()?,
                name if name == Inbox::TABLE.name() => writer.next_id::<Inbox>()?,
                name if name == Contact::TABLE.name() => writer.next_id::<Contact>()?,
                name if name == Conversation::TABLE.name() => writer.next_id::<Conversation>()?,
                name if name == Message::TABLE.name() => writer.next_id::<Message>()?,
                _ => writer.next_id::<Attachment>()?,
            };
            assert_eq!(id, *expected, "{counter}");
            Ok(())
        }
        Step::PutInbox(inbox) => writer.put(inbox),
        Step::PutContact(contact) => writer.put(contact),
        Step::PutConversation(conversation) => writer.put(conversation),
        Step::PutMessage(message) => writer.put(message),
        Step::PutAttachment(file) => writer.put(file),
        Step::DeleteInbox(id) => writer.delete::<Inbox>(*id),
        Step::DeleteContact(id) => writer.delete::<Contact>(*id),
        Step::DeleteConversation(id) => writer.delete::<Conversation>(*id),
        Step::DeleteMessage(id) => writer.delete::<Message>(*id),
        Step::DeleteAttachment(id) => writer.delete::<Attachment>(*id),
    }
}

impl Model {
    /// Compares everything the store holds with the model.
    pub(in crate::store) fn compare(&self, store: &Store) {
        let rows = store.read().unwrap();
        self.compare_rows(&rows);
        for (id, content) in &self.blobs {
            let found = store.blob(&rows, BlobId(*id)).unwrap().into_bytes().unwrap();
            assert!(found == *content.0, "blob {id}");
        }
        assert_eq!(
            rows.ids(Table::Blobs, &Key::new(), None, Direction::Forward, usize::MAX).unwrap().len(),
            self.blobs.len()
        );
        let report = store.check(true).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }

    /// Compares the rows of a snapshot with the model.
    pub(in crate::store) fn compare_rows(&self, rows: &Reader) {
        assert_eq!(rows.last_change().unwrap(), self.change);
        same(rows, &self.inboxes);
        same(rows, &self.contacts);
        same(rows, &self.conversations);
        same(rows, &self.messages);
        same(rows, &self.attachments);
    }
}

fn same<E: Entity>(rows: &Reader, expected: &BTreeMap<u64, E>) {
    let pack = |entity: &E| rmp_serde::to_vec_named(entity).unwrap();
    let found: BTreeMap<u64, Vec<u8>> = rows.all::<E>().unwrap().iter().map(|e| (e.id(), pack(e))).collect();
    let expected: BTreeMap<u64, Vec<u8>> = expected.iter().map(|(id, e)| (*id, pack(e))).collect();
    assert!(found == expected, "{}: {:?} {:?}", E::TABLE.name(), found.keys(), expected.keys());
}

/// Runs operations in batches of up to eight at once; the model after each change, by its number.
pub(in crate::store) async fn run(store: &Arc<Store>, numbers: &mut Numbers, model: &mut Model, count: usize) {
    let mut left = count;
    while left > 0 {
        let batch = left.min(1 + numbers.below(8) as usize);
        left -= batch;
        let plans: Vec<Plan> = (0..batch).map(|_| model.plan(numbers.op())).collect();
        let refused: Vec<bool> = plans.iter().map(Plan::refuses).collect();
        let results = futures_util::future::join_all(plans.into_iter().map(|plan| plan.run(store))).await;
        for (result, refused) in results.into_iter().zip(refused) {
            assert_eq!(result.is_err(), refused, "{result:?}");
        }
    }
}
