//! The first run.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::State;
use super::body::JsonBody;
use super::failure::problem;
use super::sessions::{SessionOpened, opened};
use crate::base::Secret;
use crate::desk::setup::Setup;

/// Whether set-up is open.
#[derive(Object)]
struct SetupState {
    /// Whether it is.
    needed: bool,
    /// The host name of the addresses to be.
    hostname: String,
}

/// What the first run asks.
#[derive(Object)]
struct NewSetup {
    /// The token of the one-time link.
    #[oai(validator(max_length = 100))]
    token: String,
    /// The company's name.
    #[oai(validator(max_length = 200))]
    workspace_name: String,
    /// The owner's name.
    #[oai(validator(max_length = 200))]
    name: String,
    /// The address they sign in with.
    #[oai(validator(max_length = 320))]
    email: String,
    /// Their password.
    #[oai(validator(max_length = 1024))]
    password: String,
    /// The first inbox.
    #[oai(validator(max_length = 200))]
    inbox_name: String,
    /// Language: `en` or `pl`.
    language: String,
}

pub(in crate::http) struct SetupApi;

#[OpenApi]
impl SetupApi {
    /// Whether the one-time link is good.
    #[oai(path = "/setup", method = "get", operation_id = "get_setup")]
    async fn get(
        &self,
        state: Data<&Arc<State>>,
        #[oai(validator(max_length = 100))] token: Query<String>,
    ) -> poem::Result<Json<SetupState>> {
        state.desk.check_setup(&Secret::new(token.0)).map_err(problem)?;
        Ok(Json(SetupState { needed: true, hostname: state.desk.hostname.clone() }))
    }

    /// Sets the installation up and signs its owner in.
    #[oai(path = "/setup", method = "post", operation_id = "create_setup")]
    async fn create(&self, state: Data<&Arc<State>>, body: JsonBody<NewSetup>) -> poem::Result<SessionOpened> {
        let body = body.0;
        let setup = Setup {
            workspace_name: body.workspace_name,
            name: body.name,
            email: body.email,
            password: Secret::new(body.password),
            inbox_name: body.inbox_name,
            language: body.language,
        };
        let owner = state.desk.set_up(Secret::new(body.token), setup).await.map_err(problem)?;
        let session = state.desk.open_session(owner.id, false).await.map_err(problem)?;
        Ok(opened(&state, &session))
    }
}
