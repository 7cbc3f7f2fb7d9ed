//! Changing a conversation: its state, place, assignee, tags, inbox, subject, and what an agent has read.

use super::{Act, Desk, Error, Result, Who, events, words};
use crate::base::{Timestamp, text};
use crate::domain::{
    Actor, Agent, AgentId, Conversation, ConversationId, Inbox, InboxId, Place, Role, Scope, State, What,
};
use crate::store::{Direction, Key, Rows, Table, Writer};

/// Most tags a conversation has.
const MAX_TAGS: usize = 30;
/// Longest tag, bytes.
const MAX_TAG: usize = 60;
/// Furthest a conversation is snoozed, days.
const MAX_SNOOZE_DAYS: i64 = 3660;

/// What to change; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct ConversationPatch {
    /// Open, snoozed or closed.
    pub state: Option<State>,
    /// When a snoozed one comes back.
    pub snoozed_until: Option<Timestamp>,
    /// Who looks after it; the inner none is nobody.
    pub assignee: Option<Option<AgentId>>,
    /// All of its tags.
    pub tags: Option<Vec<String>>,
    /// Inbox, filtered, spam or trash.
    pub place: Option<Place>,
    /// The inbox it lives in.
    pub inbox: Option<InboxId>,
    /// What it is about.
    pub subject: Option<String>,
    /// Whether the asker has yet to read it.
    pub unread: Option<bool>,
}

impl ConversationPatch {
    /// Whether it changes what all see, not only the asker's own mark.
    fn is_shared(&self) -> bool {
        self.state.is_some()
            || self.snoozed_until.is_some()
            || self.assignee.is_some()
            || self.tags.is_some()
            || self.place.is_some()
            || self.inbox.is_some()
            || self.subject.is_some()
    }
}

impl Desk {
    /// Changes a conversation.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there for the asker, [`Error::ReadOnly`], [`Error::Invalid`].
    pub async fn update_conversation(
        &self,
        who: &Who,
        id: ConversationId,
        patch: ConversationPatch,
    ) -> Result<Conversation> {
        let act = self.act(who.actor());
        let (agent, scope) = (who.agent.clone(), who.scope.clone());
        self.store
            .write(move |writer| {
                let mut conversation = visible(writer, &scope, id)?;
                if let Some(unread) = patch.unread {
                    mark(writer, act, &agent, &conversation, unread)?;
                }
                if patch.is_shared() {
                    if !scope.may_write {
                        return Err(Error::ReadOnly);
                    }
                    apply(writer, act, &mut conversation, &patch)?;
                    writer.put(&conversation)?;
                    writer.change(act.at, act.actor, What::Conversation(id))?;
                }
                Ok(conversation)
            })
            .await
    }

    /// Brings back conversations whose snooze has ended, up to 100; gives how many.
    ///
    /// # Errors
    /// The store's own.
    pub async fn wake_snoozed(&self) -> Result<usize> {
        let act = self.act(Actor::System);
        self.store
            .write(move |writer| {
                let ids = writer.ids(Table::ConversationBySnooze, &Key::new(), None, Direction::Forward, 100)?;
                let mut woken = 0;
                for id in ids.into_iter().map(ConversationId) {
                    let mut conversation: Conversation = writer.get(id)?;
                    if conversation.snoozed_until.is_none_or(|until| until > act.at) {
                        break;
                    }
                    conversation.state = State::Open;
                    conversation.snoozed_until = None;
                    conversation.last_activity_at = act.at;
                    events::add(writer, act, &conversation, "unsnoozed", &[])?;
                    writer.put(&conversation)?;
                    writer.change(act.at, act.actor, What::Conversation(id))?;
                    woken += 1;
                }
                Ok(woken)
            })
            .await
    }
}

/// The conversation, if `scope` may see it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn visible(rows: &impl Rows, scope: &Scope, id: ConversationId) -> Result<Conversation> {
    let found: Option<Conversation> = rows.find(id)?;
    found.filter(|conversation| scope.may_read(conversation)).ok_or(Error::NotFound)
}

fn apply(writer: &mut Writer<'_>, act: Act, to: &mut Conversation, patch: &ConversationPatch) -> Result<()> {
    if let Some(assignee) = patch.assignee {
        assign(writer, act, to, assignee)?;
    }
    if let Some(tags) = &patch.tags {
        set_tags(writer, act, to, tags)?;
    }
    if let Some(inbox) = patch.inbox.filter(|inbox| *inbox != to.inbox) {
        let found: Inbox = writer.find(inbox)?.ok_or(Error::invalid("inbox", "unknown"))?;
        to.inbox = inbox;
        events::add(writer, act, to, "moved", &[("inbox", inbox.0.into()), ("name", found.name.into())])?;
    }
    if let Some(subject) = &patch.subject {
        let subject = words::subject(subject);
        if subject.is_empty() {
            return Err(Error::invalid("subject", "empty"));
        }
        if subject != to.subject {
            events::add(writer, act, to, "subject_changed", &[("was", to.subject.clone().into())])?;
            to.subject = subject;
        }
    }
    if let Some(place) = patch.place.filter(|place| *place != to.place) {
        put_into(writer, act, to, place)?;
    }
    set_state(writer, act, to, patch.state, patch.snoozed_until)
}

/// Puts a conversation into another place.
pub(super) fn put_into(writer: &mut Writer<'_>, act: Act, to: &mut Conversation, place: Place) -> Result<()> {
    let was = to.place.name();
    to.place = place;
    to.placed_at = act.at;
    to.place_reason = None;
    events::add(writer, act, to, "placed", &[("place", place.name().into()), ("was", was.into())])?;
    Ok(())
}

/// Opens, snoozes or closes.
pub(super) fn set_state(
    writer: &mut Writer<'_>,
    act: Act,
    to: &mut Conversation,
    state: Option<State>,
    until: Option<Timestamp>,
) -> Result<()> {
    let state = match (state, until) {
        (None, None) => return Ok(()),
        (None, Some(_)) => State::Snoozed,
        (Some(state), _) => state,
    };
    if state == State::Snoozed {
        // Without a time it sleeps until somebody writes.
        let furthest = act.at.plus_days(MAX_SNOOZE_DAYS);
        if until.is_some_and(|until| until <= act.at || until > furthest) {
            return Err(Error::invalid("snoozed_until", "out_of_range"));
        }
        to.state = State::Snoozed;
        to.snoozed_until = until;
        let at = until.map_or(serde_json::Value::Null, |until| until.rfc3339().into());
        events::add(writer, act, to, "snoozed", &[("until", at)])?;
        return Ok(());
    }
    if state != to.state {
        let was = to.state.name();
        to.state = state;
        to.snoozed_until = None;
        let code = if state == State::Closed { "closed" } else { "reopened" };
        events::add(writer, act, to, code, &[("was", was.into())])?;
    }
    Ok(())
}

/// Gives the conversation to an agent, or to nobody.
pub(super) fn assign(
    writer: &mut Writer<'_>,
    act: Act,
    to: &mut Conversation,
    assignee: Option<AgentId>,
) -> Result<()> {
    if assignee == to.assignee {
        return Ok(());
    }
    let name = match assignee {
        Some(id) => {
            let agent: Option<Agent> = writer.find(id)?;
            let agent = agent.filter(|agent| agent.active).ok_or(Error::invalid("assignee", "unknown"))?;
            // Who may only read could not look after it.
            if agent.role == Role::Viewer {
                return Err(Error::invalid("assignee", "read_only"));
            }
            agent.name
        }
        None => String::new(),
    };
    let was = to.assignee.map_or(serde_json::Value::Null, |agent| agent.0.into());
    to.assignee = assignee;
    match assignee {
        Some(id) => {
            events::add(writer, act, to, "assigned", &[("agent", id.0.into()), ("name", name.into()), ("was", was)])?
        }
        None => events::add(writer, act, to, "unassigned", &[("was", was)])?,
    };
    Ok(())
}

fn set_tags(writer: &mut Writer<'_>, act: Act, to: &mut Conversation, tags: &[String]) -> Result<()> {
    let mut tags: Vec<String> = tags.iter().map(|tag| text::one_line(tag, MAX_TAG).to_lowercase()).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid("tags", "too_many"));
    }
    let events_of = |from: &[String], other: &[String]| -> Vec<String> {
        from.iter().filter(|tag| !other.contains(tag)).cloned().collect()
    };
    for tag in events_of(&tags, &to.tags) {
        events::add(writer, act, to, "tagged", &[("tag", tag.into())])?;
    }
    for tag in events_of(&to.tags, &tags) {
        events::add(writer, act, to, "untagged", &[("tag", tag.into())])?;
    }
    to.tags = tags;
    Ok(())
}

/// Moves an agent's read mark to the end, or before the last news.
pub(super) fn mark(
    writer: &mut Writer<'_>,
    act: Act,
    agent: &Agent,
    conversation: &Conversation,
    unread: bool,
) -> Result<()> {
    let key = read_key(agent.id, conversation.id);
    let now = read_mark(writer, agent, conversation)?;
    let news = conversation.news_seq;
    let next = if unread { news.saturating_sub(1) } else { news };
    if conversation.is_unread(now) != unread && next != now {
        writer.insert(Table::Reads, key.as_bytes(), &next.to_be_bytes())?;
        writer.change(act.at, act.actor, What::Read(agent.id, conversation.id))?;
    }
    Ok(())
}

/// Up to which `received_seq` an agent has read a conversation.
///
/// # Errors
/// The store's own.
pub fn read_mark(rows: &impl Rows, agent: &Agent, conversation: &Conversation) -> Result<u64> {
    let mark = rows.unique(Table::Reads, &read_key(agent.id, conversation.id))?;
    Ok(mark.unwrap_or(agent.read_from.max(conversation.read_to)))
}

/// Where an agent's read mark stands.
pub(super) fn read_key(agent: AgentId, conversation: ConversationId) -> Key {
    Key::new().u64(agent.0).u64(conversation.0)
}
