//! What happened since a change: the same frames the live socket sends.
//!
//! Frames are rendered from present rows under the asker's scope. A conversation that is no longer the asker's
//! becomes `gone`; a cursor older than the log becomes 410 here and `reset` on the socket.

use std::collections::BTreeSet;
use std::sync::Arc;

use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi, Union};

use super::State;
use super::caller::Caller;
use super::counts::Counts;
use super::failure::{broken, problem};
use super::render::{ConversationRow, MessageView, Renderer};
use super::shown::rendered;
use crate::desk::{Error, Who, views};
use crate::domain::{ContactId, Conversation, ConversationId, Message, MessageId, What};
use crate::store::{Direction, Key, Rows, Table};

/// Changes looked at in one go.
const BATCH: usize = 1000;
/// Bytes of messages after which a batch ends early, unless it is about one change alone.
const BATCH_BYTES: usize = 4 << 20;
/// Rows sent anew when their contact's name changed.
const RENAMED: usize = 50;

/// The socket is open; everything up to `change` is known.
#[derive(Object, Clone, Debug)]
pub struct Hello {
    /// The last change that is known.
    pub change: u64,
}

/// A conversation is new or changed.
#[derive(Object, Clone, Debug)]
pub struct ConversationFrame {
    /// Up to which change this is known.
    pub change: u64,
    /// The conversation.
    pub conversation: ConversationRow,
}

/// A message is new or changed.
#[derive(Object, Clone, Debug)]
pub struct MessageFrame {
    /// Up to which change this is known.
    pub change: u64,
    /// The message.
    pub message: MessageView,
}

/// A conversation is no longer there for the asker.
#[derive(Object, Clone, Debug)]
pub struct Gone {
    /// Up to which change this is known.
    pub change: u64,
    /// Which.
    pub conversation_id: u64,
}

/// A list is to be read again.
#[derive(Object, Clone, Debug)]
pub struct Again {
    /// Up to which change this is known.
    pub change: u64,
}

/// One thing that happened.
#[derive(Union, Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "frames are made to be sent, one at a time")]
#[oai(discriminator_name = "type", one_of)]
pub enum Frame {
    /// The socket is open.
    #[oai(mapping = "hello")]
    Hello(Hello),
    /// A conversation is new or changed.
    #[oai(mapping = "conversation")]
    Conversation(ConversationFrame),
    /// A message is new or changed.
    #[oai(mapping = "message")]
    Message(MessageFrame),
    /// A conversation is no longer there.
    #[oai(mapping = "gone")]
    Gone(Gone),
    /// Counts beside the views.
    #[oai(mapping = "counts")]
    Counts(Counts),
    /// Inboxes changed: read them again.
    #[oai(mapping = "inboxes")]
    Inboxes(InboxesChanged),
    /// Channels or domains changed: read them again.
    #[oai(mapping = "channels")]
    Channels(ChannelsChanged),
    /// Agents changed: read them again.
    #[oai(mapping = "agents")]
    Agents(AgentsChanged),
    /// The asker, or the workspace, changed: read `/me` again.
    #[oai(mapping = "me")]
    Me(MeChanged),
    /// Too much happened since: read everything again.
    #[oai(mapping = "reset")]
    Reset(Again),
    /// Nothing happened, and the connection lives: pages do not see the protocol's own pings.
    #[oai(mapping = "ping")]
    Ping(Ping),
    /// Everything up to here was sent: come back with this one, on the socket only.
    #[oai(mapping = "caught_up")]
    CaughtUp(CaughtUp),
}

/// Everything up to `change` was sent.
#[derive(Object, Clone, Debug)]
pub struct CaughtUp {
    /// Where to go on from. The frames before it carry it as well, but whoever took only some of them has not
    /// seen all of it.
    pub change: u64,
}

/// Nothing happened.
#[derive(Object, Clone, Debug)]
pub struct Ping {
    /// Up to which change everything was sent.
    pub change: u64,
}

/// Inboxes changed.
#[derive(Object, Clone, Debug)]
pub struct InboxesChanged {
    /// Up to which change this is known.
    pub change: u64,
}

/// Channels or domains changed.
#[derive(Object, Clone, Debug)]
pub struct ChannelsChanged {
    /// Up to which change this is known.
    pub change: u64,
}

/// Agents changed.
#[derive(Object, Clone, Debug)]
pub struct AgentsChanged {
    /// Up to which change this is known.
    pub change: u64,
}

/// The asker or the workspace changed.
#[derive(Object, Clone, Debug)]
pub struct MeChanged {
    /// Up to which change this is known.
    pub change: u64,
}

/// What happened since a change.
#[derive(Object)]
struct ChangeList {
    /// In order.
    items: Vec<Frame>,
    /// The last change that is in it: ask again with this.
    last: u64,
}

/// What the changes of one batch are about.
#[derive(Default)]
struct Touched {
    conversations: BTreeSet<ConversationId>,
    messages: BTreeSet<(ConversationId, MessageId)>,
    contacts: BTreeSet<ContactId>,
    inboxes: bool,
    channels: bool,
    agents: bool,
    me: bool,
    counts: bool,
}

impl Touched {
    fn note(&mut self, what: What, who: &Who) {
        match what {
            What::MessageAdded(id, message) => {
                self.conversations.insert(id);
                self.messages.insert((id, message));
                self.counts = true;
            }
            What::MessageChanged(id, message) => drop(self.messages.insert((id, message))),
            What::Conversation(id) | What::ConversationRemoved(id) => {
                self.conversations.insert(id);
                self.counts = true;
            }
            What::Read(agent, id) if agent == who.agent.id => {
                self.conversations.insert(id);
                self.counts = true;
            }
            What::Draft(agent, _, Some(id)) if agent == who.agent.id => drop(self.conversations.insert(id)),
            What::Inbox(_) => self.inboxes = true,
            What::Agent(id) => {
                self.agents = true;
                self.me |= id == who.agent.id;
            }
            What::Workspace => self.me = true,
            What::Contact(id) => drop(self.contacts.insert(id)),
            What::Channel(_) | What::Domain(_) => self.channels = true,
            What::Taken(_) | What::Read(..) | What::Draft(..) => {}
        }
    }
}

/// The frames for what happened after change `after`, and the last change in them.
///
/// # Errors
/// `changes_trimmed` when the log no longer reaches back that far.
pub async fn frames_after(state: &Arc<State>, who: &Who, after: u64) -> poem::Result<(Vec<Frame>, u64)> {
    rendered(state, who, move |renderer| batch(renderer, after)).await
}

/// As [`frames_after`]: as many changes as fit.
fn batch(renderer: &Renderer<'_>, after: u64) -> poem::Result<(Vec<Frame>, u64)> {
    let rows = renderer.rows;
    let last = rows.last_change().map_err(broken)?;
    let first = rows.first_change().map_err(broken)?;
    if after > last || after + 1 < first {
        return Err(problem(Error::Trimmed));
    }
    let mut changes = rows.changes_after(after, BATCH).map_err(broken)?;
    loop {
        let until = changes.last().map_or(last, |(number, _)| *number);
        let mut touched = Touched::default();
        for (_, change) in &changes {
            touched.note(change.what, renderer.who);
        }
        let bytes = if changes.len() > 1 { BATCH_BYTES } else { usize::MAX };
        match render(renderer, touched, until, bytes)? {
            Some(frames) => return Ok((frames, until)),
            None => changes.truncate(changes.len() / 2),
        }
    }
}

/// `None` when the messages take more than `bytes`.
fn render(
    renderer: &Renderer<'_>,
    mut touched: Touched,
    change: u64,
    bytes: usize,
) -> poem::Result<Option<Vec<Frame>>> {
    let Renderer { rows, who, .. } = *renderer;
    for contact in &touched.contacts {
        // Their name stands on each of their rows.
        let prefix = Key::new().u64(contact.0);
        let ids = rows.ids(Table::ConversationByContact, &prefix, None, Direction::Backward, RENAMED);
        touched.conversations.extend(ids.map_err(broken)?.into_iter().map(ConversationId));
    }
    let mut frames = Vec::new();
    for id in &touched.conversations {
        let found: Option<Conversation> = rows.find(*id).map_err(broken)?;
        frames.push(match found.filter(|conversation| who.scope.may_read(conversation)) {
            Some(conversation) => {
                Frame::Conversation(ConversationFrame { change, conversation: renderer.row(&conversation)? })
            }
            None => Frame::Gone(Gone { change, conversation_id: id.0 }),
        });
    }
    let mut weight = 0;
    for (conversation, id) in &touched.messages {
        let found: Option<Conversation> = rows.find(*conversation).map_err(broken)?;
        let message: Option<Message> = rows.find(*id).map_err(broken)?;
        if let (Some(conversation), Some(message)) = (found, message)
            && who.scope.may_read(&conversation)
        {
            let message = renderer.listed(&message)?;
            weight += message.weight();
            if weight > bytes {
                return Ok(None);
            }
            frames.push(Frame::Message(MessageFrame { change, message }));
        }
    }
    if touched.inboxes {
        frames.push(Frame::Inboxes(InboxesChanged { change }));
    }
    if touched.channels {
        frames.push(Frame::Channels(ChannelsChanged { change }));
    }
    if touched.agents {
        frames.push(Frame::Agents(AgentsChanged { change }));
    }
    if touched.me {
        frames.push(Frame::Me(MeChanged { change }));
    }
    if touched.counts {
        frames.push(Frame::Counts(Counts::of(views::counts(rows, who).map_err(problem)?, change)));
    }
    Ok(Some(frames))
}

pub(in crate::http) struct Changes;

#[OpenApi]
impl Changes {
    /// What happened since a change. Ask again with `last` until it stays the same.
    #[oai(path = "/changes", method = "get", operation_id = "list_changes")]
    async fn list(&self, caller: Caller, after: Query<u64>) -> poem::Result<Json<ChangeList>> {
        let (items, last) = frames_after(caller.state(), caller.who(), after.0).await?;
        Ok(Json(ChangeList { items, last }))
    }
}
