//! Who may see and do what: one value an actor, taken by every list, search, count and feed.

use super::{Agent, AgentId, Conversation, InboxId, Role};

/// What an actor may reach. Foreign objects do not exist for it; readable ones may be read-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Inboxes it may see; `None` is all of them.
    pub inboxes: Option<Vec<InboxId>>,
    /// Set for an agent who sees only what is assigned to them.
    pub only_assigned: Option<AgentId>,
    /// Whether it may change conversations: answer, assign, close.
    pub may_write: bool,
    /// Whether it may change the workspace: inboxes, agents, outgoing mail.
    pub may_manage: bool,
}

impl Scope {
    /// Everything: for the program's own work.
    pub const SYSTEM: Scope = Scope { inboxes: None, only_assigned: None, may_write: true, may_manage: true };

    /// What `agent` may reach.
    pub fn of(agent: &Agent) -> Scope {
        Scope {
            inboxes: None,
            only_assigned: agent.only_assigned.then_some(agent.id),
            may_write: agent.active && agent.role != Role::Viewer,
            may_manage: agent.active && matches!(agent.role, Role::Owner | Role::Admin),
        }
    }

    /// Whether `inbox` is inside.
    pub fn has_inbox(&self, inbox: InboxId) -> bool {
        self.inboxes.as_ref().is_none_or(|all| all.contains(&inbox))
    }

    /// Whether the conversation may be seen.
    pub fn may_read(&self, conversation: &Conversation) -> bool {
        self.has_inbox(conversation.inbox)
            && self.only_assigned.is_none_or(|agent| conversation.assignee == Some(agent))
    }
}
