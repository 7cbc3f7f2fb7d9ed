//! Agents.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::types::{AgentView, Role};
use crate::base::Secret;
use crate::desk::agents::{AgentPatch, NewAgent};
use crate::domain::{Agent, AgentId};
use crate::store::Rows;

/// All agents.
#[derive(Object)]
struct AgentList {
    /// In order of their names.
    items: Vec<AgentView>,
    /// The snapshot this was read at.
    change: u64,
}

/// A new agent.
#[derive(Object)]
struct NewAgentBody {
    /// The name contacts see.
    #[oai(validator(max_length = 200))]
    name: String,
    /// The address they sign in with.
    #[oai(validator(max_length = 320))]
    email: String,
    /// What they may do.
    role: Role,
    /// Their first password.
    #[oai(validator(max_length = 1024))]
    password: String,
    /// Whether they see only what is assigned to them.
    #[oai(default)]
    only_assigned: bool,
    /// Language of the interface; the asker's when it is not given.
    language: Option<String>,
}

/// What to change.
#[derive(Object)]
struct AgentPatchBody {
    /// The name.
    #[oai(validator(max_length = 200))]
    name: Option<String>,
    /// The role.
    role: Option<Role>,
    /// Whether they may sign in.
    active: Option<bool>,
    /// A new password; their sessions end.
    #[oai(validator(max_length = 1024))]
    password: Option<String>,
    /// Whether they see only what is assigned to them.
    only_assigned: Option<bool>,
}

/// One agent.
#[derive(Object)]
struct OneAgent {
    /// The agent.
    agent: AgentView,
}

#[derive(ApiResponse)]
enum AgentAdded {
    /// Added.
    #[oai(status = 201)]
    Created(Json<OneAgent>),
}

pub(in crate::http) struct Agents;

#[OpenApi]
impl Agents {
    /// All agents.
    #[oai(path = "/agents", method = "get", operation_id = "list_agents")]
    async fn list(&self, caller: Caller) -> poem::Result<Json<AgentList>> {
        let rows = caller.rows()?;
        let mut agents = rows.all::<Agent>().map_err(broken)?;
        agents.sort_by_key(|agent| (agent.name.to_lowercase(), agent.id));
        let change = rows.last_change().map_err(broken)?;
        Ok(Json(AgentList { items: agents.iter().map(AgentView::from).collect(), change }))
    }

    /// Adds an agent.
    #[oai(path = "/agents", method = "post", operation_id = "create_agent")]
    async fn create(&self, caller: Caller, body: JsonBody<NewAgentBody>) -> poem::Result<AgentAdded> {
        let who = caller.who();
        let new = NewAgent {
            name: body.0.name,
            email: body.0.email,
            role: body.0.role.into(),
            password: Secret::new(body.0.password),
            only_assigned: body.0.only_assigned,
            language: body.0.language.unwrap_or_else(|| who.agent.language.clone()),
        };
        let agent = caller.desk().add_agent_as(who, new).await.map_err(problem)?;
        Ok(AgentAdded::Created(Json(OneAgent { agent: AgentView::from(&agent) })))
    }

    /// Changes an agent.
    #[oai(path = "/agents/:id", method = "patch", operation_id = "update_agent")]
    async fn update(
        &self,
        caller: Caller,
        id: Path<u64>,
        body: JsonBody<AgentPatchBody>,
    ) -> poem::Result<Json<OneAgent>> {
        let patch = AgentPatch {
            name: body.0.name,
            role: body.0.role.map(Into::into),
            active: body.0.active,
            password: body.0.password.map(Secret::new),
            only_assigned: body.0.only_assigned,
        };
        let agent = caller.desk().update_agent(caller.who(), AgentId(id.0), patch).await.map_err(problem)?;
        Ok(Json(OneAgent { agent: AgentView::from(&agent) }))
    }
}
