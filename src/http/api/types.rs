//! Types that several resources share.

use poem_openapi::{Enum, Object};

use crate::domain::{self, Agent, Message};

/// Somebody in From, To or Cc.
#[derive(Object, Clone, Debug)]
pub struct Person {
    /// Display name.
    pub name: Option<String>,
    /// Address.
    pub email: String,
}

impl From<&domain::Person> for Person {
    fn from(person: &domain::Person) -> Person {
        let domain::Person { name, email } = person;
        Person { name: name.clone(), email: email.clone() }
    }
}

impl From<Person> for domain::Person {
    fn from(person: Person) -> domain::Person {
        domain::Person { name: person.name, email: person.email }
    }
}

/// People as the interface writes them.
pub(super) fn people(people: &[domain::Person]) -> Vec<Person> {
    people.iter().map(Person::from).collect()
}

/// People as the desk takes them.
pub(super) fn into_people(people: Vec<Person>) -> Vec<domain::Person> {
    people.into_iter().map(domain::Person::from).collect()
}

/// What an agent may do at large.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Manages the workspace.
    Admin,
    /// Answers.
    Agent,
    /// Reads.
    Viewer,
}

impl From<domain::Role> for Role {
    fn from(role: domain::Role) -> Role {
        match role {
            domain::Role::Owner => Role::Owner,
            domain::Role::Admin => Role::Admin,
            domain::Role::Agent => Role::Agent,
            domain::Role::Viewer => Role::Viewer,
        }
    }
}

impl From<Role> for domain::Role {
    fn from(role: Role) -> domain::Role {
        match role {
            Role::Owner => domain::Role::Owner,
            Role::Admin => domain::Role::Admin,
            Role::Agent => domain::Role::Agent,
            Role::Viewer => domain::Role::Viewer,
        }
    }
}

/// A person who signs in and answers.
#[derive(Object, Clone, Debug)]
pub(super) struct AgentView {
    /// Id.
    pub id: u64,
    /// The name contacts see.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub active: bool,
    /// Whether they see only what is assigned to them.
    pub only_assigned: bool,
}

impl From<&Agent> for AgentView {
    fn from(agent: &Agent) -> AgentView {
        AgentView {
            id: agent.id.0,
            name: agent.name.clone(),
            email: agent.email.clone(),
            role: agent.role.into(),
            active: agent.active,
            only_assigned: agent.only_assigned,
        }
    }
}

/// Whether a conversation waits for the team.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum State {
    /// Somebody has to look.
    Open,
    /// Put off.
    Snoozed,
    /// Done.
    Closed,
}

impl From<domain::State> for State {
    fn from(state: domain::State) -> State {
        match state {
            domain::State::Open => State::Open,
            domain::State::Snoozed => State::Snoozed,
            domain::State::Closed => State::Closed,
        }
    }
}

impl From<State> for domain::State {
    fn from(state: State) -> domain::State {
        match state {
            State::Open => domain::State::Open,
            State::Snoozed => domain::State::Snoozed,
            State::Closed => domain::State::Closed,
        }
    }
}

/// Where a conversation lies.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum Place {
    /// Among the team's work.
    Inbox,
    /// Set aside by a filter.
    Filtered,
    /// Unwanted.
    Spam,
    /// Thrown away.
    Trash,
}

impl From<domain::Place> for Place {
    fn from(place: domain::Place) -> Place {
        match place {
            domain::Place::Inbox => Place::Inbox,
            domain::Place::Filtered => Place::Filtered,
            domain::Place::Spam => Place::Spam,
            domain::Place::Trash => Place::Trash,
        }
    }
}

impl From<Place> for domain::Place {
    fn from(place: Place) -> domain::Place {
        match place {
            Place::Inbox => domain::Place::Inbox,
            Place::Filtered => domain::Place::Filtered,
            Place::Spam => domain::Place::Spam,
            Place::Trash => domain::Place::Trash,
        }
    }
}

/// What a message is.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum Kind {
    /// From outside.
    Inbound,
    /// To the outside.
    Outbound,
    /// Among the team.
    Comment,
    /// Something that happened.
    Event,
}

impl From<domain::Kind> for Kind {
    fn from(kind: domain::Kind) -> Kind {
        match kind {
            domain::Kind::Inbound => Kind::Inbound,
            domain::Kind::Outbound => Kind::Outbound,
            domain::Kind::Comment => Kind::Comment,
            domain::Kind::Event => Kind::Event,
        }
    }
}

/// A reply or a comment.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
pub enum DraftKind {
    /// An answer to the contact.
    Reply,
    /// A comment for the team.
    Comment,
}

impl From<DraftKind> for domain::draft::DraftKind {
    fn from(kind: DraftKind) -> domain::draft::DraftKind {
        match kind {
            DraftKind::Reply => domain::draft::DraftKind::Reply,
            DraftKind::Comment => domain::draft::DraftKind::Comment,
        }
    }
}

impl From<domain::draft::DraftKind> for DraftKind {
    fn from(kind: domain::draft::DraftKind) -> DraftKind {
        match kind {
            domain::draft::DraftKind::Reply => DraftKind::Reply,
            domain::draft::DraftKind::Comment => DraftKind::Comment,
        }
    }
}

/// A file.
#[derive(Object, Clone, Debug)]
pub struct AttachmentView {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Declared media type.
    #[oai(rename = "type")]
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// Whether it stands inside the text.
    pub inline: bool,
    /// By which `cid:` address the text shows it.
    pub content_id: Option<String>,
}

impl From<&domain::Attachment> for AttachmentView {
    fn from(file: &domain::Attachment) -> AttachmentView {
        AttachmentView {
            id: file.id.0,
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: file.size,
            inline: file.inline,
            content_id: file.content_id.clone().filter(|_| file.inline),
        }
    }
}

/// Something said since a thread was opened.
#[derive(Object, Clone, Debug)]
pub(super) struct StaleMessage {
    /// Id.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
    /// The agent who said it.
    pub author: Option<u64>,
    /// Who said it, from outside.
    pub from: Option<Person>,
    /// When.
    pub at: String,
}

impl StaleMessage {
    /// What is told of a message that holds a reply back.
    pub(super) fn of(message: &Message) -> StaleMessage {
        StaleMessage {
            id: message.id.0,
            kind: message.kind.into(),
            author: message.author.map(|agent| agent.0),
            from: message.from.as_ref().map(Person::from),
            at: message.at.rfc3339(),
        }
    }
}

/// A cursor of a list: opaque to the client.
pub(super) fn cursor_text(cursor: crate::desk::views::Cursor) -> String {
    format!("{}.{}", cursor.0.millis(), cursor.1)
}

/// Reads a cursor back; none for anything else.
pub(super) fn cursor_of(text: &str) -> Option<crate::desk::views::Cursor> {
    let (at, id) = text.split_once('.')?;
    Some((crate::base::Timestamp(at.parse().ok()?), domain::ConversationId(id.parse().ok()?)))
}
