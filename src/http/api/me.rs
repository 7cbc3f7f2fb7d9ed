//! The agent who asks.

use poem::Request;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::sessions::renewed;
use super::types::AgentView;
use crate::base::Secret;
use crate::desk::agents::ProfilePatch;
use crate::desk::{UNDO_SECONDS, Who};
use crate::domain::{Channel, agent};
use crate::store::{Reader, Room, Rows};

/// How the page looks and behaves.
#[derive(Object, Clone)]
struct Preferences {
    /// `auto`, `light` or `dark`.
    theme: String,
    /// `comfortable` or `compact`.
    density: String,
    /// Whether single-letter shortcuts are on.
    shortcuts: bool,
}

/// The installation.
#[derive(Object)]
struct Workspace {
    /// The company's name.
    name: String,
    /// The host name of its fallback addresses.
    hostname: String,
    /// Version of the program.
    version: String,
}

/// What the agent may do.
#[derive(Object)]
struct May {
    /// Change conversations.
    write: bool,
    /// Change the workspace.
    manage: bool,
}

/// How much room the server's disk has.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "snake_case")]
enum Disk {
    /// Nothing to say.
    Enough,
    /// It fills up.
    Scarce,
    /// No mail is taken.
    Low,
}

/// The agent who asks.
#[derive(Object)]
struct MeView {
    /// The agent.
    agent: AgentView,
    /// The installation.
    workspace: Workspace,
    /// Language of the interface.
    language: String,
    /// How the page looks.
    preferences: Preferences,
    /// What they may do.
    may: May,
    /// Seconds in which a reply can be taken back.
    undo_seconds: i64,
    /// How much room the server's disk has.
    disk: Disk,
    /// Addresses whose mail cannot be fetched, for who may manage.
    broken_channels: Vec<String>,
    /// The snapshot this was read at.
    change: u64,
}

/// A new password.
#[derive(Object)]
struct PasswordChange {
    /// The current one.
    #[oai(validator(max_length = 1024))]
    current: String,
    /// The new one.
    #[oai(validator(max_length = 1024))]
    new: String,
}

/// What to change.
#[derive(Object)]
struct MePatch {
    /// The name contacts see.
    #[oai(validator(max_length = 200))]
    name: Option<String>,
    /// Language of the interface.
    language: Option<String>,
    /// How the page looks.
    preferences: Option<Preferences>,
    /// A new password; other sessions end.
    password: Option<PasswordChange>,
}

#[derive(ApiResponse)]
enum MeAnswer {
    /// The agent; with the session's cookie when its end was moved on.
    #[oai(status = 200)]
    Me(Json<MeView>, #[oai(header = "Set-Cookie")] Option<String>),
}

fn view(caller: &Caller, rows: &Reader, who: &Who) -> poem::Result<MeView> {
    let workspace = caller.desk().workspace(rows).map_err(problem)?;
    let agent::Preferences { theme, density, shortcuts } = who.agent.preferences.clone();
    Ok(MeView {
        agent: AgentView::from(&who.agent),
        workspace: Workspace {
            name: workspace.name,
            hostname: caller.desk().hostname.clone(),
            version: String::from(env!("CARGO_PKG_VERSION")),
        },
        language: who.agent.language.clone(),
        preferences: Preferences { theme, density, shortcuts },
        may: May { write: who.scope.may_write, manage: who.scope.may_manage },
        undo_seconds: UNDO_SECONDS,
        disk: match caller.desk().store.space().room() {
            Room::Enough => Disk::Enough,
            Room::Scarce => Disk::Scarce,
            Room::Low => Disk::Low,
        },
        broken_channels: if who.scope.may_manage { broken_channels(rows)? } else { Vec::new() },
        change: rows.last_change().map_err(broken)?,
    })
}

/// Addresses whose mail cannot be fetched, in the order in which they were added.
fn broken_channels(rows: &Reader) -> poem::Result<Vec<String>> {
    let channels = rows.all::<Channel>().map_err(broken)?;
    let is_broken = |channel: &&Channel| channel.email().way_in.mailbox().is_some_and(|one| one.broken.is_some());
    Ok(channels.iter().filter(is_broken).map(|channel| channel.email().address.clone()).collect())
}

pub(in crate::http) struct Me;

#[OpenApi]
impl Me {
    /// Who asks, and what they may do.
    #[oai(path = "/me", method = "get", operation_id = "get_me")]
    async fn get(&self, caller: Caller, request: &Request) -> poem::Result<MeAnswer> {
        let end = caller.desk().renew_session(caller.who().session).await.map_err(problem)?;
        let cookie = end.and_then(|end| renewed(caller.state(), request, end));
        Ok(MeAnswer::Me(Json(view(&caller, &caller.rows()?, caller.who())?), cookie))
    }

    /// Changes the asker's own profile.
    #[oai(path = "/me", method = "patch", operation_id = "update_me")]
    async fn update(&self, caller: Caller, body: JsonBody<MePatch>) -> poem::Result<Json<MeView>> {
        let preferences = body.0.preferences.map(|p| agent::Preferences {
            theme: p.theme,
            density: p.density,
            shortcuts: p.shortcuts,
        });
        let password = body.0.password.map(|p| (Secret::new(p.current), Secret::new(p.new)));
        let patch = ProfilePatch { name: body.0.name, language: body.0.language, preferences, password };
        let agent = caller.desk().update_profile(caller.who(), patch).await.map_err(problem)?;
        let who = Who { agent, ..caller.who().clone() };
        view(&caller, &caller.rows()?, &who).map(Json)
    }
}
