//! The workspace's settings: its name, and how mail leaves.

use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use crate::base::Secret;
use crate::desk::Error;
use crate::desk::sending::OutcomeKind;
use crate::desk::workspace::{RelayChange, RelaySource};
use crate::domain::workspace;
use crate::mail::address::Mailbox;
use crate::store::Rows;

/// How the connection to the relay is secured.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
pub(super) enum RelayTls {
    /// TLS from the first byte.
    Required,
    /// STARTTLS, and nothing without it.
    StartTls,
    /// In the clear.
    None,
}

impl From<RelayTls> for workspace::RelayTls {
    fn from(tls: RelayTls) -> workspace::RelayTls {
        match tls {
            RelayTls::Required => workspace::RelayTls::Required,
            RelayTls::StartTls => workspace::RelayTls::StartTls,
            RelayTls::None => workspace::RelayTls::None,
        }
    }
}

impl From<workspace::RelayTls> for RelayTls {
    fn from(tls: workspace::RelayTls) -> RelayTls {
        match tls {
            workspace::RelayTls::Required => RelayTls::Required,
            workspace::RelayTls::StartTls => RelayTls::StartTls,
            workspace::RelayTls::None => RelayTls::None,
        }
    }
}

/// Where the relay is set.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "snake_case")]
enum Source {
    /// In the configuration file: read-only here.
    Config,
    /// Here.
    Workspace,
    /// Nowhere: mail is sent directly to the recipients' servers.
    None,
}

/// How mail leaves.
#[derive(Object)]
struct RelayView {
    /// Host name; empty when there is none.
    host: String,
    /// Port.
    port: u16,
    /// How the connection is secured.
    tls: RelayTls,
    /// Who signs in there.
    username: Option<String>,
    /// Whether a password is kept; it is never shown.
    has_password: bool,
    /// Where this is set.
    source: Source,
    /// The snapshot this was read at.
    change: u64,
}

/// How mail is to leave.
#[derive(Object)]
pub(super) struct RelayBody {
    /// Host name.
    #[oai(validator(max_length = 255))]
    host: String,
    /// Port.
    port: u16,
    /// How the connection is secured.
    tls: RelayTls,
    /// Who signs in there.
    #[oai(validator(max_length = 320))]
    username: Option<String>,
    /// A new password; left out, the one there stays if nothing else changes. Else a username requires one.
    #[oai(validator(max_length = 1024))]
    password: Option<String>,
}

impl From<RelayBody> for RelayChange {
    fn from(body: RelayBody) -> RelayChange {
        RelayChange {
            host: body.host,
            port: body.port,
            tls: body.tls.into(),
            username: body.username,
            password: body.password.filter(|password| !password.is_empty()).map(Secret::new),
        }
    }
}

/// To whom a trial mail goes.
#[derive(Object)]
struct Trial {
    /// Address.
    #[oai(validator(max_length = 320))]
    to: String,
}

/// What the remote server said.
#[derive(Object)]
struct TrialResult {
    /// `accepted`, `refused` or `error`.
    outcome: String,
    /// Its words, or ours about the connection.
    reply: String,
}

/// The workspace.
#[derive(Object)]
struct WorkspaceBody {
    /// The company's name.
    #[oai(validator(max_length = 200))]
    name: String,
}

/// The workspace and when it was read.
#[derive(Object)]
struct WorkspaceView {
    /// The company's name.
    name: String,
    /// The snapshot this was read at.
    change: u64,
}

pub(in crate::http) struct Settings;

#[OpenApi]
impl Settings {
    /// How mail leaves.
    #[oai(path = "/settings/relay", method = "get", operation_id = "get_relay")]
    async fn relay(&self, caller: Caller) -> poem::Result<Json<RelayView>> {
        caller.who().must_manage().map_err(problem)?;
        let rows = caller.rows()?;
        let (source, relay) = caller.desk().relay(&rows).map_err(problem)?;
        let source = match source {
            RelaySource::Config => Source::Config,
            RelaySource::Workspace => Source::Workspace,
            RelaySource::None => Source::None,
        };
        let (username, password) = relay.as_ref().and_then(|relay| relay.credentials.clone()).unzip();
        Ok(Json(RelayView {
            host: relay.as_ref().map(|relay| relay.host.clone()).unwrap_or_default(),
            port: relay.as_ref().map_or(587, |relay| relay.port),
            tls: relay.as_ref().map_or(RelayTls::StartTls, |relay| relay.tls.into()),
            username,
            has_password: password.is_some_and(|password: Secret| !password.is_empty()),
            source,
            change: rows.last_change().map_err(broken)?,
        }))
    }

    /// Sets how mail leaves.
    #[oai(path = "/settings/relay", method = "put", operation_id = "set_relay")]
    async fn set_relay(&self, caller: Caller, body: JsonBody<RelayBody>) -> poem::Result<Json<RelayView>> {
        caller.desk().set_relay(caller.who(), body.0.into()).await.map_err(problem)?;
        self.relay(caller).await
    }

    /// Has mail be sent directly to the recipients' servers.
    #[oai(path = "/settings/relay", method = "delete", operation_id = "delete_relay")]
    async fn remove_relay(&self, caller: Caller) -> poem::Result<Json<RelayView>> {
        caller.desk().remove_relay(caller.who()).await.map_err(problem)?;
        self.relay(caller).await
    }

    /// Sends a trial mail and tells what the remote server said.
    #[oai(path = "/settings/relay/test", method = "post", operation_id = "test_relay")]
    async fn test_relay(&self, caller: Caller, body: JsonBody<Trial>) -> poem::Result<Json<TrialResult>> {
        caller.who().must_manage().map_err(problem)?;
        let to = Mailbox::parse(body.0.to.trim(), false).map_err(|_| problem(Error::invalid("to", "invalid")))?;
        let (_, relay) = caller.desk().relay(&caller.rows()?).map_err(problem)?;
        let outcome = (caller.state().try_relay)(relay, to.to_string()).await;
        let name = match outcome.kind {
            OutcomeKind::Accepted => "accepted",
            OutcomeKind::Refused | OutcomeKind::Bounced => "refused",
            OutcomeKind::Deferred | OutcomeKind::Error => "error",
        };
        Ok(Json(TrialResult { outcome: String::from(name), reply: outcome.reply }))
    }

    /// The workspace.
    #[oai(path = "/settings/workspace", method = "get", operation_id = "get_workspace")]
    async fn workspace(&self, caller: Caller) -> poem::Result<Json<WorkspaceView>> {
        let rows = caller.rows()?;
        let name = caller.desk().workspace(&rows).map_err(problem)?.name;
        Ok(Json(WorkspaceView { name, change: rows.last_change().map_err(broken)? }))
    }

    /// Renames the workspace.
    #[oai(path = "/settings/workspace", method = "patch", operation_id = "update_workspace")]
    async fn rename(&self, caller: Caller, body: JsonBody<WorkspaceBody>) -> poem::Result<Json<WorkspaceView>> {
        caller.desk().rename_workspace(caller.who(), body.0.name).await.map_err(problem)?;
        self.workspace(caller).await
    }
}
