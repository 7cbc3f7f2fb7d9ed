//! Who is asking, as an argument: an operation that does not take a [`Caller`] cannot reach the desk.

use std::sync::Arc;

use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::{ApiKey, Bearer};

use super::State;
use super::failure::problem;
use crate::base::Secret;
use crate::desk::{Desk, Who};
use crate::domain::{Conversation, ConversationId};
use crate::store::Reader;

/// The cookie that carries a session over http.
pub const SESSION_COOKIE: &str = "frontdesk";
/// The cookie that carries a session over https: no other host or path can set it.
pub const SESSION_COOKIE_SECURE: &str = "__Host-frontdesk";

/// Somebody who is signed in.
pub(super) struct Asker {
    who: Who,
    state: Arc<State>,
}

/// An API token: `Authorization: Bearer`.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", checker = "by_token")]
pub struct Token(Asker);

/// A session opened over https.
#[derive(SecurityScheme)]
#[oai(ty = "api_key", key_in = "cookie", key_name = "__Host-frontdesk", checker = "by_cookie")]
pub struct SecureSession(Asker);

/// A session opened over http, on the machine itself or behind nothing.
#[derive(SecurityScheme)]
#[oai(ty = "api_key", key_in = "cookie", key_name = "frontdesk", checker = "by_plain_cookie")]
pub struct PlainSession(Asker);

/// Who is asking.
#[derive(SecurityScheme)]
pub enum Caller {
    /// With an API token.
    Token(Token),
    /// With a session over https.
    Secure(SecureSession),
    /// With a session over http.
    Plain(PlainSession),
}

impl Caller {
    fn asker(&self) -> &Asker {
        match self {
            Caller::Token(Token(asker)) | Caller::Secure(SecureSession(asker)) | Caller::Plain(PlainSession(asker)) => {
                asker
            }
        }
    }

    /// Who it is.
    pub fn who(&self) -> &Who {
        &self.asker().who
    }

    /// The desk.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.asker().state.desk
    }

    /// What the operations share.
    pub fn state(&self) -> &Arc<State> {
        &self.asker().state
    }

    /// The store as it is now.
    pub fn rows(&self) -> poem::Result<Reader> {
        self.desk().store.read().map_err(|error| problem(error.into()))
    }

    /// A conversation the asker may see.
    pub fn conversation(&self, rows: &Reader, id: u64) -> poem::Result<Conversation> {
        let scope = &self.who().scope;
        crate::desk::conversations::visible(rows, scope, ConversationId(id)).map_err(problem)
    }
}

async fn by_token(request: &Request, bearer: Bearer) -> Option<Asker> {
    find(request, bearer.token)
}

async fn by_cookie(request: &Request, key: ApiKey) -> Option<Asker> {
    find(request, key.key)
}

async fn by_plain_cookie(request: &Request, key: ApiKey) -> Option<Asker> {
    // Over https only the cookie that nobody else can set counts.
    if request.data::<Arc<State>>()?.secure {
        return None;
    }
    find(request, key.key)
}

fn find(request: &Request, token: String) -> Option<Asker> {
    let state = request.data::<Arc<State>>()?;
    let rows = state.desk.store.read().ok()?;
    let who = state.desk.who(&rows, &Secret::new(token)).ok()?;
    Some(Asker { who, state: Arc::clone(state) })
}

/// Who opens the live socket: the same tokens and cookies.
pub fn of_request(request: &Request) -> Option<(Who, Arc<State>)> {
    let state = request.data::<Arc<State>>()?;
    let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = match bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(token) => String::from(token),
        None => session_cookie(request, state)?,
    };
    find(request, token).map(|asker| (asker.who, asker.state))
}

/// The token in the session's cookie.
pub(super) fn session_cookie(request: &Request, state: &State) -> Option<String> {
    cookie(request, if state.secure { SESSION_COOKIE_SECURE } else { SESSION_COOKIE })
}

/// The value of a cookie.
fn cookie(request: &Request, name: &str) -> Option<String> {
    let headers = request.headers().get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| String::from(value))
}
