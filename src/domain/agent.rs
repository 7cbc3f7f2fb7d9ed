//! People who sign in and answer.

use serde::{Deserialize, Serialize};

use super::AgentId;
use crate::base::Timestamp;

/// What an agent may do at large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, and may make owners. At least one active owner always exists.
    Owner,
    /// Manages the workspace.
    Admin,
    /// Answers.
    Agent,
    /// Reads.
    Viewer,
}

impl Role {
    /// The role of that name, if there is one.
    pub fn parse(name: &str) -> Option<Role> {
        match name {
            "owner" => Some(Role::Owner),
            "admin" => Some(Role::Admin),
            "agent" => Some(Role::Agent),
            "viewer" => Some(Role::Viewer),
            _ => None,
        }
    }

    /// The role's name, as the interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Agent => "agent",
            Role::Viewer => "viewer",
        }
    }
}

/// A person who signs in and answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The address they sign in with, lower case, unique.
    pub email: String,
    /// The name contacts see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub active: bool,
    /// argon2id, PHC string.
    pub password_hash: String,
    /// Sees only conversations assigned to them.
    #[serde(default)]
    pub only_assigned: bool,
    /// Two-letter language of the interface.
    #[serde(default = "english")]
    pub language: String,
    /// How the page looks and behaves for them.
    #[serde(default)]
    pub preferences: Preferences,
    /// When they were added.
    pub created_at: Timestamp,
    /// `received_seq` that stood when they were added: older messages are not unread for them.
    #[serde(default)]
    pub read_from: u64,
}

fn english() -> String {
    String::from("en")
}

/// How the page looks and behaves for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// `auto`, `light` or `dark`.
    pub theme: String,
    /// `comfortable` or `compact`.
    pub density: String,
    /// Whether single-letter shortcuts are on (WCAG 2.1.4 wants a switch).
    pub shortcuts: bool,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences { theme: String::from("auto"), density: String::from("comfortable"), shortcuts: true }
    }
}

/// A sign-in of an agent, or an API token: found by the hash of what they hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: super::SessionId,
    /// Whose it is.
    pub agent: AgentId,
    /// BLAKE3 of the token; the token itself is never stored.
    pub token_hash: [u8; 32],
    /// Whether it is an API token, which does not end by itself.
    pub api: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; moved on by use.
    pub expires_at: Timestamp,
}
