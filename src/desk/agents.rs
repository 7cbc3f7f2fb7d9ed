//! Adding and changing agents. At least one active owner always remains.

use super::{Act, Desk, Error, Result, Who, access};
use crate::base::{Secret, text};
use crate::domain::agent::Preferences;
use crate::domain::{Actor, Agent, AgentId, Role, What};
use crate::store::{Rows, Writer};

/// Longest name, bytes.
const MAX_NAME: usize = 120;
/// Longest address, bytes (RFC 5321, 4.5.3.1.3).
const MAX_EMAIL: usize = 254;
/// Most agents an installation has.
const MAX_AGENTS: usize = 1000;

/// A new agent.
#[derive(Clone, Debug)]
pub struct NewAgent {
    /// The name contacts see.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Their first password.
    pub password: Secret,
    /// Whether they see only what is assigned to them.
    pub only_assigned: bool,
    /// Language of the interface.
    pub language: String,
}

/// What to change of an agent; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct AgentPatch {
    /// The name.
    pub name: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub active: Option<bool>,
    /// A new password, set by a manager.
    pub password: Option<Secret>,
    /// Whether they see only what is assigned to them.
    pub only_assigned: Option<bool>,
}

/// What an agent changes of themself.
#[derive(Clone, Debug, Default)]
pub struct ProfilePatch {
    /// The name.
    pub name: Option<String>,
    /// Language of the interface.
    pub language: Option<String>,
    /// How the page looks.
    pub preferences: Option<Preferences>,
    /// A new password, with the current one.
    pub password: Option<(Secret, Secret)>,
}

impl Desk {
    /// Adds an agent for the program itself, which may.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad name, address or password, [`Error::Conflict`] for an address in use.
    pub async fn add_agent(&self, actor: Actor, new: NewAgent) -> Result<Agent> {
        let act = self.act(actor);
        let password_hash = self.access.hash_password(&new.password).await?;
        self.store.write(move |writer| add(writer, act, &new, &password_hash)).await
    }

    /// Adds an agent for another one.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless a manager asks, or when an admin makes an owner; else as [`Desk::add_agent`].
    pub async fn add_agent_as(&self, who: &Who, new: NewAgent) -> Result<Agent> {
        who.must_manage()?;
        if new.role == Role::Owner && who.agent.role != Role::Owner {
            return Err(Error::Forbidden);
        }
        self.add_agent(who.actor(), new).await
    }

    /// Changes an agent.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless a manager asks, or when an admin touches an owner; [`Error::Conflict`]
    /// when no active owner would remain.
    pub async fn update_agent(&self, who: &Who, id: AgentId, patch: AgentPatch) -> Result<Agent> {
        who.must_manage()?;
        let act = self.act(who.actor());
        let asker = who.agent.role;
        let hash = match &patch.password {
            Some(password) => Some(self.access.hash_password(password).await?),
            None => None,
        };
        self.store.write(move |writer| update(writer, act, asker, id, &patch, hash.as_deref())).await
    }

    /// Changes the agent's own profile.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad value or a wrong current password.
    pub async fn update_profile(&self, who: &Who, patch: ProfilePatch) -> Result<Agent> {
        let act = self.act(who.actor());
        let hash = match &patch.password {
            Some((current, _)) if !self.knows_password(&who.agent, current).await? => {
                return Err(Error::invalid("password.current", "wrong"));
            }
            Some((_, new)) => Some(self.access.hash_password(new).await?),
            None => None,
        };
        let (id, session) = (who.agent.id, who.session);
        self.store
            .write(move |writer| {
                let mut agent: Agent = writer.find(id)?.ok_or(Error::NotFound)?;
                if let Some(name) = &patch.name {
                    agent.name = name_of(name)?;
                }
                if let Some(language) = &patch.language {
                    agent.language = language_of(language)?;
                }
                if let Some(preferences) = &patch.preferences {
                    agent.preferences = checked(preferences)?;
                }
                if let Some(hash) = &hash {
                    agent.password_hash.clone_from(hash);
                    access::end_sessions(writer, id, Some(session))?;
                }
                writer.put(&agent)?;
                writer.change(act.at, act.actor, What::Agent(id))?;
                Ok(agent)
            })
            .await
    }
}

/// Adds an agent whose password is hashed already.
pub(super) fn add(writer: &mut Writer<'_>, act: Act, new: &NewAgent, password_hash: &str) -> Result<Agent> {
    let email = access::sign_in_key(&new.email);
    if email.len() > MAX_EMAIL || crate::mail::address::Mailbox::parse(&email, true).is_err() {
        return Err(Error::invalid("email", "invalid"));
    }
    let name = name_of(&new.name)?;
    let language = language_of(&new.language)?;
    if access::find_by_email(writer, &email)?.is_some() {
        return Err(Error::conflict("email_in_use", "an agent with this address exists"));
    }
    if writer.all::<Agent>()?.len() >= MAX_AGENTS {
        return Err(Error::conflict("too_many_agents", "no more agents can be added"));
    }
    let agent = Agent {
        id: AgentId(writer.next_id::<Agent>()?),
        email,
        name,
        role: new.role,
        active: true,
        password_hash: String::from(password_hash),
        only_assigned: new.only_assigned,
        language,
        preferences: Preferences::default(),
        created_at: act.at,
        read_from: writer.received_seq()?,
    };
    writer.put(&agent)?;
    writer.change(act.at, act.actor, What::Agent(agent.id))?;
    Ok(agent)
}

fn update(
    writer: &mut Writer<'_>,
    act: Act,
    asker: Role,
    id: AgentId,
    patch: &AgentPatch,
    hash: Option<&str>,
) -> Result<Agent> {
    let mut agent: Agent = writer.find(id)?.ok_or(Error::NotFound)?;
    let touches_owner = agent.role == Role::Owner || patch.role == Some(Role::Owner);
    if touches_owner && asker != Role::Owner {
        return Err(Error::Forbidden);
    }
    if let Some(name) = &patch.name {
        agent.name = name_of(name)?;
    }
    agent.role = patch.role.unwrap_or(agent.role);
    agent.active = patch.active.unwrap_or(agent.active);
    agent.only_assigned = patch.only_assigned.unwrap_or(agent.only_assigned);
    let is_active_owner = |other: &Agent| other.active && other.role == Role::Owner;
    if !is_active_owner(&agent) && !writer.all::<Agent>()?.iter().any(|other| other.id != id && is_active_owner(other))
    {
        return Err(Error::conflict("last_owner", "at least one active owner must remain"));
    }
    if let Some(hash) = hash {
        agent.password_hash = String::from(hash);
    }
    if hash.is_some() || !agent.active {
        access::end_sessions(writer, id, None)?;
    }
    writer.put(&agent)?;
    writer.change(act.at, act.actor, What::Agent(id))?;
    Ok(agent)
}

fn name_of(name: &str) -> Result<String> {
    let name = text::one_line(name, MAX_NAME);
    if name.is_empty() { Err(Error::invalid("name", "empty")) } else { Ok(name) }
}

/// The languages the interface speaks.
pub(super) fn language_of(language: &str) -> Result<String> {
    match language {
        "en" | "pl" => Ok(String::from(language)),
        _ => Err(Error::invalid("language", "unknown")),
    }
}

fn checked(preferences: &Preferences) -> Result<Preferences> {
    if !["auto", "light", "dark"].contains(&preferences.theme.as_str()) {
        return Err(Error::invalid("preferences.theme", "unknown"));
    }
    if !["comfortable", "compact"].contains(&preferences.density.as_str()) {
        return Err(Error::invalid("preferences.density", "unknown"));
    }
    Ok(preferences.clone())
}
