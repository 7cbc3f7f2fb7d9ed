//! Signing in and out.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::State;
use super::body::JsonBody;
use super::caller::{Caller, SESSION_COOKIE, SESSION_COOKIE_SECURE, session_cookie};
use super::failure::problem;
use super::types::AgentView;
use crate::base::{Secret, Timestamp};
use crate::desk::access::NewSession;
use crate::http::server::{ClientAddress, neighbourhood};

/// Who signs in.
#[derive(Object)]
struct Credentials {
    /// Address.
    #[oai(validator(max_length = 320))]
    email: String,
    /// Password.
    #[oai(validator(max_length = 1024))]
    password: String,
}

/// Who is signed in now.
#[derive(Object)]
pub(super) struct SignedIn {
    /// The agent.
    pub(super) agent: AgentView,
}

#[derive(ApiResponse)]
pub(super) enum SessionOpened {
    /// Signed in; the session is in the cookie.
    #[oai(status = 201)]
    Created(Json<SignedIn>, #[oai(header = "Set-Cookie")] String),
}

#[derive(ApiResponse)]
enum SessionEnded {
    /// Signed out.
    #[oai(status = 204)]
    Done(#[oai(header = "Set-Cookie")] String),
}

/// The session's cookie and its agent, for an answer.
pub(super) fn opened(state: &State, session: &NewSession) -> SessionOpened {
    let cookie = cookie(state, session.token.expose(), seconds_until(state, session.expires_at));
    SessionOpened::Created(Json(SignedIn { agent: AgentView::from(&session.agent) }), cookie)
}

/// The request's session cookie again, with a later end: or the browser would drop it while it is in use.
pub(super) fn renewed(state: &State, request: &Request, end: Timestamp) -> Option<String> {
    let token = session_cookie(request, state)?;
    Some(cookie(state, &token, seconds_until(state, end)))
}

fn seconds_until(state: &State, end: Timestamp) -> i64 {
    (end.millis() - state.desk.clock.now().millis()) / 1000
}

fn cookie(state: &State, value: &str, seconds: i64) -> String {
    let (name, secure) = if state.secure { (SESSION_COOKIE_SECURE, "; Secure") } else { (SESSION_COOKIE, "") };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// The network a request comes from, for the brake on guessing.
fn network(request: &Request) -> String {
    match request.data::<ClientAddress>() {
        Some(client) => neighbourhood(client.0).to_string(),
        None => String::from("unknown"),
    }
}

pub(in crate::http) struct Sessions;

#[OpenApi]
impl Sessions {
    /// Signs in.
    #[oai(path = "/sessions", method = "post", operation_id = "create_session")]
    async fn create(
        &self,
        request: &Request,
        state: Data<&Arc<State>>,
        body: JsonBody<Credentials>,
    ) -> poem::Result<SessionOpened> {
        let password = Secret::new(body.0.password);
        let session = state.desk.sign_in(&body.0.email, &password, &network(request)).await.map_err(problem)?;
        Ok(opened(&state, &session))
    }

    /// Signs out.
    #[oai(path = "/sessions/current", method = "delete", operation_id = "delete_session")]
    async fn delete(&self, caller: Caller) -> poem::Result<SessionEnded> {
        caller.desk().sign_out(caller.who().session).await.map_err(problem)?;
        Ok(SessionEnded::Done(cookie(caller.state(), "", 0)))
    }
}
