//! The first run: a one-time link makes the first owner and inbox.

use super::agents::{self, NewAgent};
use super::{Desk, Error, Result, inboxes};
use crate::base::{Secret, random, text};
use crate::domain::workspace::Workspace;
use crate::domain::{Actor, Agent, Inbox, Role, What};
use crate::store::Rows;

/// The setting that holds the hash of the link's token while set-up is open.
const LINK: &str = "setup_link";
/// The setting that holds the workspace.
pub(super) const WORKSPACE: &str = "workspace";

/// What the first run asks.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The company's name.
    pub workspace_name: String,
    /// The owner's name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Their password.
    pub password: Secret,
    /// The first inbox.
    pub inbox_name: String,
    /// Language.
    pub language: String,
}

impl Desk {
    /// Whether nobody has set the installation up yet.
    ///
    /// # Errors
    /// The store's own.
    pub fn needs_setup(&self) -> Result<bool> {
        Ok(self.store.read()?.all::<Agent>()?.is_empty())
    }

    /// Makes a new one-time link's token; earlier ones stop working.
    ///
    /// # Errors
    /// The store's own.
    pub async fn open_setup(&self) -> Result<Secret> {
        let token = Secret::new(random::long_token());
        let hash = hash(&token);
        self.store.write(move |writer| writer.set(LINK, &hash).map_err(Error::from)).await?;
        Ok(token)
    }

    /// Whether the link is good.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not.
    pub fn check_setup(&self, token: &Secret) -> Result<()> {
        let rows = self.store.read()?;
        let known: Option<Vec<u8>> = rows.setting(LINK)?;
        let good = known.is_some_and(|known| crate::base::secret::same_bytes(&known, &hash(token)));
        if good && rows.all::<Agent>()?.is_empty() { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Sets the installation up: workspace, owner, first inbox. The link is spent.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a wrong or spent link, [`Error::Invalid`].
    pub async fn set_up(&self, token: Secret, setup: Setup) -> Result<Agent> {
        self.check_setup(&token)?;
        let password_hash = self.access.hash_password(&setup.password).await?;
        let act = self.act(Actor::System);
        let (hash, hostname) = (hash(&token), self.hostname.clone());
        self.store
            .write(move |writer| {
                let known: Option<Vec<u8>> = writer.setting(LINK)?;
                if known.as_deref() != Some(&hash) || !writer.all::<Agent>()?.is_empty() {
                    return Err(Error::NotFound);
                }
                writer.unset(LINK)?;
                let name = text::one_line(&setup.workspace_name, 80);
                let name = if name.is_empty() { hostname.clone() } else { name };
                writer.set(WORKSPACE, &Workspace { name, language: agents::language_of(&setup.language)? })?;
                writer.change(act.at, act.actor, What::Workspace)?;
                let new = NewAgent {
                    name: setup.name.clone(),
                    email: setup.email.clone(),
                    role: Role::Owner,
                    password: setup.password.clone(),
                    only_assigned: false,
                    language: setup.language.clone(),
                };
                let owner = agents::add(writer, act, &new, &password_hash)?;
                if writer.all::<Inbox>()?.is_empty() {
                    inboxes::add(writer, act, &setup.inbox_name, None)?;
                }
                Ok(owner)
            })
            .await
    }

    /// Adds an agent from the command line. The first one sets the installation up, as the link does: with an
    /// inbox when there is none, which is given as well.
    ///
    /// # Errors
    /// As [`Desk::add_agent`].
    pub async fn add_agent_by_command(&self, new: NewAgent) -> Result<(Agent, Option<Inbox>)> {
        let password_hash = self.access.hash_password(&new.password).await?;
        let act = self.act(Actor::System);
        self.store
            .write(move |writer| {
                let first = writer.all::<Agent>()?.is_empty();
                let agent = agents::add(writer, act, &new, &password_hash)?;
                if !first {
                    return Ok((agent, None));
                }
                writer.unset(LINK)?;
                let bare = writer.all::<Inbox>()?.is_empty();
                let name = first_inbox_name(&new.language);
                let inbox = if bare { Some(inboxes::add(writer, act, name, None)?) } else { None };
                Ok((agent, inbox))
            })
            .await
    }
}

/// The first inbox of an installation that nobody named one for.
fn first_inbox_name(language: &str) -> &'static str {
    match language {
        "pl" => "Biuro",
        _ => "Office",
    }
}

fn hash(token: &Secret) -> Vec<u8> {
    blake3::hash(token.expose().as_bytes()).as_bytes().to_vec()
}
