//! What people look at: lists of conversations, counts, threads. Reads alone, all under a [`Scope`].

use std::collections::BTreeMap;

use super::{Desk, Error, Result, Who, conversations};
use crate::base::Timestamp;
use crate::domain::message::Body;
use crate::domain::{
    AgentId, ContactId, Conversation, ConversationId, Inbox, InboxId, Message, MessageId, Place, Scope, State,
};
use crate::store::{Direction, Key, Reader, Rows, Table, conversation_tally};

/// Counts stop here: the page shows "99+".
pub const COUNT_CAP: usize = 100;
/// Rows looked at for one page, when a filter leaves many out.
const MAX_LOOKED_AT: usize = 20_000;

/// Which conversations.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Of one inbox.
    pub inbox: Option<InboxId>,
    /// In one place; the inbox when not said otherwise.
    pub place: Option<Place>,
    /// In one state.
    pub state: Option<State>,
    /// Of one assignee; the inner none is nobody.
    pub assignee: Option<Option<AgentId>>,
    /// With one contact.
    pub contact: Option<ContactId>,
    /// With one tag.
    pub tag: Option<String>,
    /// Those the team has written in, by when it last did.
    pub sent: bool,
}

/// A list with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All that are open.
    All,
    /// The asker's, open.
    Mine,
    /// Nobody's, open.
    Unassigned,
    /// Snoozed.
    Snoozed,
    /// Closed.
    Closed,
    /// Those the team has written in.
    Sent,
    /// In the place of that name.
    Filtered,
    /// In the place of that name.
    Spam,
    /// In the place of that name.
    Trash,
}

impl View {
    /// All of them, with their names.
    pub const ALL: [(&str, View); 9] = [
        ("all", View::All),
        ("mine", View::Mine),
        ("unassigned", View::Unassigned),
        ("snoozed", View::Snoozed),
        ("closed", View::Closed),
        ("sent", View::Sent),
        ("filtered", View::Filtered),
        ("spam", View::Spam),
        ("trash", View::Trash),
    ];

    /// What it asks for.
    pub fn query(self, asker: AgentId) -> ListQuery {
        let open = ListQuery { state: Some(State::Open), ..ListQuery::default() };
        let in_state = |state| ListQuery { state: Some(state), ..ListQuery::default() };
        let in_place = |place| ListQuery { place: Some(place), ..ListQuery::default() };
        match self {
            View::All => open,
            View::Mine => ListQuery { assignee: Some(Some(asker)), ..open },
            View::Unassigned => ListQuery { assignee: Some(None), ..open },
            View::Snoozed => in_state(State::Snoozed),
            View::Closed => in_state(State::Closed),
            View::Sent => ListQuery { sent: true, ..ListQuery::default() },
            View::Filtered => in_place(Place::Filtered),
            View::Spam => in_place(Place::Spam),
            View::Trash => in_place(Place::Trash),
        }
    }
}

/// One page of conversations.
#[derive(Debug)]
pub struct Page {
    /// Newest activity first.
    pub items: Vec<Conversation>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// A place in a list: the time a row sorts by, and its id.
pub type Cursor = (Timestamp, ConversationId);

/// One page of a list.
///
/// # Errors
/// The store's own.
pub fn list(rows: &Reader, scope: &Scope, query: &ListQuery, after: Option<Cursor>, limit: usize) -> Result<Page> {
    let ranges = ranges(scope, query);
    let mut streams = Vec::new();
    for (table, prefix) in ranges {
        let stop = after.map(|(at, id)| prefix.clone().time(at).u64(id.0));
        streams.push(Stream { table, prefix, last: stop.map(Key::into_bytes), ahead: Vec::new(), ended: false });
    }
    let mut items = Vec::new();
    let mut looked_at = 0;
    let sort = |conversation: &Conversation| -> Cursor {
        let at = if query.sent { conversation.last_sent_at } else { None };
        (at.unwrap_or(conversation.last_activity_at), conversation.id)
    };
    let mut last_seen = None;
    while items.len() <= limit && looked_at < MAX_LOOKED_AT {
        let Some(next) = newest(rows, &mut streams, limit)? else { break };
        looked_at += 1;
        let conversation: Conversation = rows.get(next)?;
        if items.len() < limit {
            last_seen = Some(sort(&conversation));
        }
        if fits(scope, query, &conversation) {
            items.push(conversation);
        }
    }
    let more = items.len() > limit || looked_at >= MAX_LOOKED_AT;
    items.truncate(limit);
    Ok(Page { items, next: last_seen.filter(|_| more) })
}

/// One range of an index, read a little ahead.
struct Stream {
    table: Table,
    prefix: Key,
    last: Option<Vec<u8>>,
    ahead: Vec<Vec<u8>>,
    ended: bool,
}

impl Stream {
    /// The key that comes next: the part behind the prefix sorts by time and id.
    fn peek(&mut self, rows: &Reader, chunk: usize) -> Result<Option<&[u8]>> {
        if self.ahead.is_empty() && !self.ended {
            let mut keys = Vec::new();
            rows.visit_prefix(self.table, &self.prefix, self.last.as_deref(), Direction::Backward, &mut |key, _| {
                keys.push(key.to_vec());
                Ok(keys.len() < chunk)
            })?;
            self.ended = keys.len() < chunk;
            keys.reverse();
            self.ahead = keys;
        }
        let behind = self.prefix.as_bytes().len();
        Ok(self.ahead.last().and_then(|key| key.get(behind..)))
    }
}

/// The newest conversation at the head of any stream, taken off it.
fn newest(rows: &Reader, streams: &mut [Stream], limit: usize) -> Result<Option<ConversationId>> {
    let chunk = limit.clamp(10, 200) + 1;
    let mut best: Option<(usize, Vec<u8>)> = None;
    for (at, stream) in streams.iter_mut().enumerate() {
        let Some(tail) = stream.peek(rows, chunk)? else { continue };
        if best.as_ref().is_none_or(|(_, known)| tail > known.as_slice()) {
            best = Some((at, tail.to_vec()));
        }
    }
    let Some((at, _)) = best else { return Ok(None) };
    let key = streams.get_mut(at).and_then(|stream| {
        let key = stream.ahead.pop();
        stream.last.clone_from(&key);
        key
    });
    Ok(key.and_then(|key| key.last_chunk::<8>().map(|id| ConversationId(u64::from_be_bytes(*id)))))
}

/// The index ranges that hold all that `query` asks for, and as little else as possible.
fn ranges(scope: &Scope, query: &ListQuery) -> Vec<(Table, Key)> {
    if let Some(contact) = query.contact {
        return vec![(Table::ConversationByContact, Key::new().u64(contact.0))];
    }
    if query.sent {
        return vec![(Table::ConversationBySent, Key::new())];
    }
    let place = query.place.unwrap_or(Place::Inbox).code();
    let states = query.state.map_or_else(|| State::ALL.to_vec(), |state| vec![state]);
    let assignee = scope.only_assigned.map(Some).or(query.assignee);
    let bases: Vec<(Table, Key)> = match (assignee, query.inbox, &scope.inboxes) {
        (Some(agent), _, _) => {
            vec![(Table::ConversationByAssignee, Key::new().u64(agent.map_or(0, |agent| agent.0)))]
        }
        (None, Some(inbox), _) => vec![(Table::ConversationByInbox, Key::new().u64(inbox.0))],
        (None, None, Some(inboxes)) => {
            inboxes.iter().map(|inbox| (Table::ConversationByInbox, Key::new().u64(inbox.0))).collect()
        }
        (None, None, None) => vec![(Table::ConversationByPlace, Key::new())],
    };
    let with_state = |(table, base): &(Table, Key)| -> Vec<(Table, Key)> {
        states.iter().map(|state| (*table, base.clone().u8(place).u8(state.code()))).collect()
    };
    bases.iter().flat_map(with_state).collect()
}

fn fits(scope: &Scope, query: &ListQuery, conversation: &Conversation) -> bool {
    // With a contact, all places are shown unless one is asked for.
    let place = query.place.or(query.contact.is_none().then_some(Place::Inbox));
    scope.may_read(conversation)
        && query.inbox.is_none_or(|inbox| conversation.inbox == inbox)
        && place.is_none_or(|place| conversation.place == place)
        && query.state.is_none_or(|state| conversation.state == state)
        && query.assignee.is_none_or(|assignee| conversation.assignee == assignee)
        && query.tag.as_ref().is_none_or(|tag| conversation.tags.contains(tag))
}

/// Counts beside the views. They stop at [`COUNT_CAP`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By view.
    pub views: BTreeMap<&'static str, usize>,
    /// Open conversations by inbox.
    pub inboxes: BTreeMap<u64, usize>,
    /// Open conversations the asker has yet to read.
    pub unread: usize,
}

/// Counts for an agent.
///
/// # Errors
/// The store's own.
pub fn counts(rows: &Reader, who: &Who) -> Result<Counts> {
    let mut counts = Counts::default();
    let scope = &who.scope;
    for (name, view) in View::ALL {
        counts.views.insert(name, count(rows, scope, &view.query(who.agent.id))?);
    }
    for inbox in rows.all::<Inbox>()?.into_iter().filter(|inbox| scope.has_inbox(inbox.id)) {
        counts.inboxes.insert(inbox.id.0, open_in(rows, scope, inbox.id)?.min(COUNT_CAP));
    }
    let page = list(rows, scope, &View::All.query(who.agent.id), None, COUNT_CAP * 3)?;
    for conversation in page.items {
        let mark = conversations::read_mark(rows, &who.agent, &conversation)?;
        counts.unread += usize::from(conversation.is_unread(mark));
    }
    counts.unread = counts.unread.min(COUNT_CAP);
    Ok(counts)
}

/// How many open conversations of an inbox the asker may see; up to [`COUNT_CAP`] for who sees but their own.
///
/// # Errors
/// The store's own.
pub fn open_in(rows: &Reader, scope: &Scope, inbox: InboxId) -> Result<usize> {
    if scope.only_assigned.is_none() && scope.has_inbox(inbox) {
        return tallied(rows, inbox, Place::Inbox, State::Open);
    }
    count(rows, scope, &ListQuery { inbox: Some(inbox), state: Some(State::Open), ..ListQuery::default() })
}

/// How many conversations with a contact the asker may see, in all places and states, up to
/// [`MAX_LOOKED_AT`].
///
/// # Errors
/// The store's own.
pub fn count_with(rows: &impl Rows, scope: &Scope, contact: ContactId) -> Result<usize> {
    let mut seen = 0;
    for id in with_contact(rows, contact)? {
        seen += usize::from(scope.may_read(&rows.get(id)?));
    }
    Ok(seen)
}

/// Whether the asker may see all that was said with a contact.
///
/// # Errors
/// The store's own.
pub fn sees_all_of(rows: &impl Rows, scope: &Scope, contact: ContactId) -> Result<bool> {
    if scope.only_assigned.is_none() && scope.inboxes.is_none() {
        return Ok(true);
    }
    for id in with_contact(rows, contact)? {
        if !scope.may_read(&rows.get(id)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn with_contact(rows: &impl Rows, contact: ContactId) -> Result<impl Iterator<Item = ConversationId>> {
    let prefix = Key::new().u64(contact.0);
    let ids = rows.ids(Table::ConversationByContact, &prefix, None, Direction::Backward, MAX_LOOKED_AT)?;
    Ok(ids.into_iter().map(ConversationId))
}

/// How many conversations a view has, up to [`COUNT_CAP`].
fn count(rows: &Reader, scope: &Scope, query: &ListQuery) -> Result<usize> {
    let plain = scope.only_assigned.is_none() && scope.inboxes.is_none() && query.inbox.is_none();
    if plain {
        // Nothing in the range is left out: its keys can be counted without reading the rows.
        let mut found = 0;
        for (table, prefix) in ranges(scope, query) {
            found += rows.ids(table, &prefix, None, Direction::Backward, COUNT_CAP.saturating_sub(found).max(1))?.len();
            if found >= COUNT_CAP {
                return Ok(COUNT_CAP);
            }
        }
        return Ok(found);
    }
    Ok(list(rows, scope, query, None, COUNT_CAP)?.items.len())
}

/// The exact number of an inbox's conversations in a place and state.
///
/// # Errors
/// The store's own.
pub fn tallied(rows: &impl Rows, inbox: InboxId, place: Place, state: State) -> Result<usize> {
    Ok(usize::try_from(rows.tally(&conversation_tally(inbox, place, state))?).unwrap_or(usize::MAX))
}

/// A piece of a thread.
#[derive(Debug)]
pub struct ThreadPage {
    /// Oldest first.
    pub items: Vec<Message>,
    /// Whether there are older ones.
    pub earlier: bool,
}

/// The newest rows of a thread, `most` of them: the newest first, each read when it is asked for.
///
/// # Errors
/// The store's own.
pub(super) fn latest(
    rows: &impl Rows,
    id: ConversationId,
    most: usize,
) -> Result<impl Iterator<Item = Result<Message>>> {
    let ids = rows.ids(Table::MessageByConversation, &Key::new().u64(id.0), None, Direction::Backward, most)?;
    Ok(ids.into_iter().map(|id| Ok(rows.get(MessageId(id))?)))
}

/// The newest messages of a conversation, or those before `before`.
///
/// # Errors
/// [`Error::NotFound`] when `before` is not in it.
pub fn thread(rows: &Reader, id: ConversationId, before: Option<MessageId>, limit: usize) -> Result<ThreadPage> {
    let prefix = Key::new().u64(id.0);
    let after = match before {
        Some(before) => {
            let message: Message = rows.find(before)?.ok_or(Error::NotFound)?;
            if message.conversation != id {
                return Err(Error::NotFound);
            }
            Some(prefix.clone().u64(before.0).into_bytes())
        }
        None => None,
    };
    let ids = rows.ids(
        Table::MessageByConversation,
        &prefix,
        after.as_deref(),
        Direction::Backward,
        limit.saturating_add(1),
    )?;
    let earlier = ids.len() > limit;
    let items: std::result::Result<Vec<Message>, _> =
        ids.into_iter().take(limit).map(|id| rows.get(MessageId(id))).collect();
    let mut items = items?;
    items.reverse();
    Ok(ThreadPage { items, earlier })
}

impl Desk {
    /// The words of a message.
    ///
    /// # Errors
    /// The store's own.
    pub fn body(&self, rows: &impl Rows, message: &Message) -> Result<Body> {
        let Some(blob) = message.body else { return Ok(Body::default()) };
        let bytes = self.store.blob(rows, blob)?.into_bytes()?;
        Ok(rmp_serde::from_slice(&bytes).map_err(crate::store::Error::from)?)
    }

    /// The message and its conversation, if the asker may see them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn message(&self, rows: &impl Rows, who: &Who, id: MessageId) -> Result<(Message, Conversation)> {
        let message: Message = rows.find(id)?.ok_or(Error::NotFound)?;
        let conversation = conversations::visible(rows, &who.scope, message.conversation)?;
        Ok((message, conversation))
    }
}
