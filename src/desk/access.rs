//! Signing in: passwords, sessions, API tokens, and the brake on guessing.
//!
//! Passwords are argon2id; tokens are 256 random bits, kept as their BLAKE3. A wrong address takes as long as
//! a wrong password. Guessing is braked per address and per account, and never locks anybody out for good.

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use super::brake::{Brake, Try};
use super::{Desk, Error, Result};
use crate::base::{Secret, Timestamp, random};
use crate::domain::agent::Session;
use crate::domain::{Actor, Agent, AgentId, Scope, SessionId};
use crate::store::{Direction, Key, Rows, Table, Writer};

/// Shortest password that is taken, characters.
pub const MIN_PASSWORD: usize = 10;
/// Longest password that is looked at, bytes: hashing is not free.
pub const MAX_PASSWORD: usize = 1024;
/// Sessions an agent may have open; a further one ends the oldest.
const MAX_SESSIONS: usize = 100;
/// Sessions ended in one go.
const SLICE: usize = 500;

/// Who asks: an agent, what they may reach, and the session that says so.
#[derive(Clone, Debug)]
pub struct Who {
    /// The agent.
    pub agent: Agent,
    /// What they may reach.
    pub scope: Scope,
    /// The session or token.
    pub session: SessionId,
}

impl Who {
    /// As the actor of a change.
    pub fn actor(&self) -> Actor {
        Actor::Agent(self.agent.id)
    }

    /// Refuses those who may only read.
    ///
    /// # Errors
    /// [`Error::ReadOnly`].
    pub fn must_write(&self) -> Result<()> {
        if self.scope.may_write { Ok(()) } else { Err(Error::ReadOnly) }
    }

    /// Refuses those who may not manage the workspace.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_manage(&self) -> Result<()> {
        if self.scope.may_manage { Ok(()) } else { Err(Error::Forbidden) }
    }
}

/// How passwords are hashed and how long sessions last.
#[derive(Clone, Debug)]
pub struct Settings {
    /// argon2id memory, KiB.
    pub memory_kib: u32,
    /// argon2id passes.
    pub iterations: u32,
    /// argon2id lanes.
    pub parallelism: u32,
    /// Hashes computed at the same time.
    pub max_parallel: usize,
    /// Days a session lasts after its last use.
    pub session_days: i64,
}

/// What signing in needs.
pub struct Access {
    argon: Argon2<'static>,
    /// A hash that no password matches, for addresses nobody has.
    decoy: String,
    hashing: Semaphore,
    hashed: AtomicU64,
    brake: Brake,
    session_days: i64,
}

impl Access {
    /// Prepares signing in.
    ///
    /// # Errors
    /// When the hashing parameters are not possible.
    pub fn new(settings: &Settings) -> std::result::Result<Access, String> {
        let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None)
            .map_err(|error| error.to_string())?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon, &Secret::new(random::long_token())).map_err(|_| String::from("argon2 failed"))?;
        Ok(Access {
            argon,
            decoy,
            hashing: Semaphore::new(settings.max_parallel.max(1)),
            hashed: AtomicU64::new(0),
            brake: Brake::default(),
            session_days: settings.session_days,
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is too short or too long.
    pub async fn hash_password(&self, password: &Secret) -> Result<String> {
        if password.expose().chars().count() < MIN_PASSWORD {
            return Err(Error::invalid("password", "too_short"));
        }
        if password.expose().len() > MAX_PASSWORD {
            return Err(Error::invalid("password", "too_long"));
        }
        let (argon, password) = (self.argon.clone(), password.clone());
        self.hashing(move || hash(&argon, &password)).await?.map_err(|()| Error::invalid("password", "invalid"))
    }

    /// Whether the password is the account's; an account that is not there takes as long.
    async fn matches(&self, stored: Option<&str>, password: &Secret) -> Result<bool> {
        if password.expose().len() > MAX_PASSWORD {
            return Ok(false);
        }
        let known = stored.is_some();
        let (argon, password) = (self.argon.clone(), password.clone());
        let stored = String::from(stored.unwrap_or(&self.decoy));
        let right = self
            .hashing(move || {
                let hash = PasswordHash::new(&stored);
                hash.is_ok_and(|hash| argon.verify_password(password.expose().as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(right && known)
    }

    /// How many hashes were computed.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Counts a try before its password is looked at.
    fn begin(&self, account: &str, network: &str, now: Timestamp) -> Result<Try> {
        self.brake.begin(account, network, now).map_err(Error::RateLimited)
    }

    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let _turn = self.hashing.acquire().await.map_err(|_| Error::Unauthorized)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Unauthorized)
    }
}

fn hash(argon: &Argon2<'_>, password: &Secret) -> std::result::Result<String, ()> {
    let salt = random::bytes::<16>();
    let hash = argon.hash_password_with_salt(password.expose().as_bytes(), &salt).map_err(drop)?;
    Ok(hash.to_string())
}

/// An e-mail address as agents are found by it.
pub fn sign_in_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// A new session or token, and what its holder keeps.
pub struct NewSession {
    /// The agent.
    pub agent: Agent,
    /// The token, shown once.
    pub token: Secret,
    /// When it ends, for a cookie.
    pub expires_at: Timestamp,
}

impl Desk {
    /// Signs an agent in. `from` is the network they come from, for the brake.
    ///
    /// # Errors
    /// [`Error::RateLimited`] after too many failures, [`Error::WrongPassword`] for a wrong address, a wrong
    /// password or an account that is switched off: the three look and take the same.
    pub async fn sign_in(&self, email: &str, password: &Secret, from: &str) -> Result<NewSession> {
        let email = sign_in_key(email);
        let one = self.access.begin(&email, from, self.clock.now())?;
        let agent = find_by_email(&self.store.read()?, &email)?.filter(|agent| agent.active);
        let hash = agent.as_ref().map(|agent| agent.password_hash.as_str());
        if !self.access.matches(hash, password).await? {
            return Err(Error::WrongPassword);
        }
        self.access.brake.succeeded(&one);
        let agent = agent.ok_or(Error::WrongPassword)?;
        self.open_session(agent.id, false).await
    }

    /// Whether `password` is the agent's own, for what asks for it again.
    ///
    /// # Errors
    /// [`Error::RateLimited`] after too many failures; the store's own.
    pub async fn knows_password(&self, agent: &Agent, password: &Secret) -> Result<bool> {
        // Whoever has the session counts, wherever they are.
        let name = format!("agent {}", agent.id);
        let one = self.access.begin(&name, &name, self.clock.now())?;
        let right = self.access.matches(Some(&agent.password_hash), password).await?;
        if right {
            self.access.brake.succeeded(&one);
        }
        Ok(right)
    }

    /// Opens a session, or makes an API token.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the agent is gone or switched off.
    pub async fn open_session(&self, agent: AgentId, api: bool) -> Result<NewSession> {
        let token = Secret::new(random::long_token());
        let token_hash = token_hash(&token);
        let created_at = self.clock.now();
        let expires_at = created_at.plus_days(self.access.session_days);
        let agent = self
            .store
            .write(move |writer| {
                let agent: Agent = writer.find(agent)?.filter(|agent: &Agent| agent.active).ok_or(Error::NotFound)?;
                if !api {
                    make_room(writer, agent.id)?;
                }
                let id = SessionId(writer.next_id::<Session>()?);
                writer.put(&Session { id, agent: agent.id, token_hash, api, created_at, expires_at })?;
                Ok::<_, Error>(agent)
            })
            .await?;
        Ok(NewSession { agent, token, expires_at })
    }

    /// Who holds this token.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when nobody does, it has ended, or the agent is switched off.
    pub fn who(&self, rows: &impl Rows, token: &Secret) -> Result<Who> {
        let key = Key::new().bytes(&token_hash(token));
        let id = rows.unique(Table::SessionByToken, &key)?.ok_or(Error::Unauthorized)?;
        self.who_of(rows, SessionId(id))
    }

    /// Whose session it is; again, with what they may reach now.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when it has ended or its agent is switched off.
    pub fn who_of(&self, rows: &impl Rows, session: SessionId) -> Result<Who> {
        let session: Session = rows.find(session)?.ok_or(Error::Unauthorized)?;
        if !session.api && session.expires_at <= self.clock.now() {
            return Err(Error::Unauthorized);
        }
        let agent: Agent = rows.find(session.agent)?.ok_or(Error::Unauthorized)?;
        if !agent.active {
            return Err(Error::Unauthorized);
        }
        Ok(Who { scope: Scope::of(&agent), agent, session: session.id })
    }

    /// Moves the end of a session in use on, at most once a day. Gives the new end when it moved.
    ///
    /// # Errors
    /// The store's own.
    pub async fn renew_session(&self, id: SessionId) -> Result<Option<Timestamp>> {
        let end = self.clock.now().plus_days(self.access.session_days);
        let session: Option<Session> = self.store.read()?.find(id)?;
        if session.is_none_or(|session| session.api || session.expires_at.plus_days(1) > end) {
            return Ok(None);
        }
        self.store
            .write(move |writer| {
                let Some(mut session) = writer.find::<Session>(id)? else { return Ok(None) };
                session.expires_at = end;
                writer.put(&session)?;
                Ok(Some(end))
            })
            .await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's own.
    pub async fn sign_out(&self, id: SessionId) -> Result<()> {
        self.store.write(move |writer| Ok(writer.delete::<Session>(id)?)).await
    }

    /// All API tokens with whom they act as, or those of one agent; oldest first.
    ///
    /// # Errors
    /// The store's own.
    pub fn tokens(&self, rows: &impl Rows, of: Option<AgentId>) -> Result<Vec<(Session, Agent)>> {
        let mut found = Vec::new();
        for session in rows.all::<Session>()? {
            if session.api && of.is_none_or(|of| of == session.agent) {
                let agent = rows.get(session.agent)?;
                found.push((session, agent));
            }
        }
        Ok(found)
    }

    /// Ends an API token: what uses it is refused from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such token.
    pub async fn revoke_token(&self, id: SessionId) -> Result<()> {
        self.store
            .write(move |writer| {
                let session: Session = writer.find(id)?.ok_or(Error::NotFound)?;
                if !session.api {
                    return Err(Error::NotFound);
                }
                Ok(writer.delete::<Session>(id)?)
            })
            .await
    }

    /// Removes sessions that have ended, up to 500; gives how many.
    ///
    /// # Errors
    /// The store's own.
    pub async fn sweep_sessions(&self) -> Result<usize> {
        let now = self.clock.now();
        self.store
            .write(move |writer| {
                let ids = writer.ids(Table::SessionByEnd, &Key::new(), None, Direction::Forward, 500)?;
                let mut gone = 0;
                for id in ids.into_iter().map(SessionId) {
                    if writer.get::<Session>(id)?.expires_at > now {
                        break;
                    }
                    writer.delete::<Session>(id)?;
                    gone += 1;
                }
                Ok(gone)
            })
            .await
    }
}

/// Ends all of an agent's sessions and tokens but `keep`.
pub(super) fn end_sessions(writer: &mut Writer<'_>, agent: AgentId, keep: Option<SessionId>) -> Result<()> {
    let prefix = Key::new().u64(agent.0);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let ids = writer.ids(Table::SessionByAgent, &prefix, after.as_deref(), Direction::Forward, SLICE)?;
        for id in ids.iter().copied().map(SessionId).filter(|id| Some(*id) != keep) {
            writer.delete::<Session>(id)?;
        }
        let Some(last) = ids.last().filter(|_| ids.len() == SLICE) else { return Ok(()) };
        after = Some(prefix.clone().u64(*last).into_bytes());
    }
}

/// Ends the oldest of an agent's sessions until one more has room. Tokens are not counted.
fn make_room(writer: &mut Writer<'_>, agent: AgentId) -> Result<()> {
    let prefix = Key::new().u64(agent.0);
    let mut sessions = Vec::new();
    for id in writer.ids(Table::SessionByAgent, &prefix, None, Direction::Forward, usize::MAX)? {
        sessions.extend(Some(writer.get::<Session>(SessionId(id))?).filter(|session| !session.api));
    }
    let over = (sessions.len() + 1).saturating_sub(MAX_SESSIONS);
    for session in sessions.iter().take(over) {
        writer.delete::<Session>(session.id)?;
    }
    Ok(())
}

/// The agent with that address, if there is one.
///
/// # Errors
/// The store's own.
pub fn find_by_email(rows: &impl Rows, email: &str) -> Result<Option<Agent>> {
    match rows.unique(Table::AgentByEmail, &Key::new().text(&sign_in_key(email)))? {
        Some(id) => Ok(rows.find(AgentId(id))?),
        None => Ok(None),
    }
}

fn token_hash(token: &Secret) -> [u8; 32] {
    *blake3::hash(token.expose().as_bytes()).as_bytes()
}
