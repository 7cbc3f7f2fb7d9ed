//! Errors as RFC 9457 problems, and the one outermost conversion that makes one of every error.
//!
//! A problem tells a client what to do, never what happened inside: that is logged, once.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use poem::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use poem::http::{Method, StatusCode};
use poem::{Body, Endpoint, IntoResponse, Middleware, Request, Response};
use poem_openapi::error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError};
use serde_json::{Map, Value};

use crate::base::text;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error as a client sees it. Becomes a response or a [`poem::Error`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// The status of the response.
    pub status: StatusCode,
    /// What went wrong, as a stable word for programs: `not_found`, `stale_reply` …
    pub code: &'static str,
    /// One sentence for people.
    pub detail: String,
    /// The field of the request that is meant.
    pub field: Option<String>,
    /// Further members of the body.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem with its own code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into(), field: None, more: Map::new() }
    }

    /// A problem with the status's usual code.
    pub fn of(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem::new(status, usual_code(status), detail)
    }

    /// 400 `invalid` about one field.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem { field: Some(field.into()), ..Problem::new(StatusCode::BAD_REQUEST, "invalid", detail) }
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The response.
    pub fn into_response(self) -> Response {
        let mut body = self.more;
        body.insert("type".into(), "about:blank".into());
        body.insert("title".into(), self.status.canonical_reason().unwrap_or("Error").into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("code".into(), self.code.into());
        body.insert("detail".into(), self.detail.into());
        if let Some(field) = self.field {
            body.insert("field".into(), field.into());
        }
        Response::builder().status(self.status).content_type(MEDIA_TYPE).body(Value::Object(body).to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Problem::into_response(self)
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> poem::Error {
        poem::Error::from_response(problem.into_response())
    }
}

/// The code that goes with a status when nothing more is known.
fn usual_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "too_slow",
        StatusCode::CONFLICT => "conflict",
        StatusCode::GONE => "gone",
        StatusCode::LENGTH_REQUIRED => "length_required",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::URI_TOO_LONG => "uri_too_long",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::MISDIRECTED_REQUEST => "unknown_host",
        StatusCode::TOO_MANY_REQUESTS => "rate_limited",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "head_too_large",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        status if status.is_server_error() => "internal",
        _ => "invalid",
    }
}

/// Middleware: makes a problem of every error and every panic of what it is put around.
#[derive(Clone, Copy, Default)]
pub struct Problems;

/// An endpoint under [`Problems`].
pub struct ProblemsEndpoint<E>(E);

impl<E: Endpoint> Middleware<E> for Problems {
    type Output = ProblemsEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        ProblemsEndpoint(inner)
    }
}

impl<E: Endpoint> Endpoint for ProblemsEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let result = AssertUnwindSafe(self.0.call(request)).catch_unwind().await;
        Ok(match result {
            Ok(Ok(response)) => answered(response.into_response()),
            Ok(Err(error)) => failed(error, &method, &path),
            Err(_) => {
                // The panic hook has told what and where; this tells which request met it.
                tracing::error!(%method, path, "a request's handler panicked");
                internal()
            }
        })
    }
}

fn internal() -> Response {
    Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here. It has been logged.").into_response()
}

/// A response somebody made on purpose: an error without a problem for a body gets one.
fn answered(response: Response) -> Response {
    let status = response.status();
    if is_fine(&response) {
        return response;
    }
    let problem = Problem::of(status, status.canonical_reason().unwrap_or("Error")).into_response();
    with_headers_of(response, problem)
}

/// An error of a handler or of poem itself.
fn failed(error: poem::Error, method: &Method, path: &str) -> Response {
    if error.is::<ParsePathError>() {
        // What cannot even be an id is the id of nothing.
        return Problem::of(StatusCode::NOT_FOUND, "There is nothing at this address.").into_response();
    }
    let status = error.status();
    let field = named_field(&error);
    let told = text::one_line(&error.to_string(), 500);
    let made_on_purpose = error.is_from_response();
    let response = error.into_response();
    if is_fine(&response) {
        return response;
    }
    if made_on_purpose {
        return answered(response);
    }
    if status.is_server_error() {
        tracing::error!(%method, path, error = told, "a request failed");
        return if status == StatusCode::INTERNAL_SERVER_ERROR { internal() } else { answered(response) };
    }
    let detail = if told.is_empty() { status.canonical_reason().unwrap_or("Error").to_owned() } else { told };
    let problem = Problem { field, ..Problem::of(status, detail) }.into_response();
    with_headers_of(response, problem)
}

/// The parameter that a parse error of poem-openapi is about.
fn named_field(error: &poem::Error) -> Option<String> {
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return Some(error.name.to_owned());
    }
    if error.is::<ParseRequestPayloadError>() {
        return Some(String::from("body"));
    }
    if error.is::<ContentTypeError>() {
        return Some(String::from("content-type"));
    }
    None
}

fn is_fine(response: &Response) -> bool {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    !is_error || response.content_type().is_some_and(|kind| kind.starts_with(MEDIA_TYPE))
}

/// Keeps of `old` what a client acts upon.
fn with_headers_of(old: Response, mut problem: Response) -> Response {
    for name in [ALLOW, RETRY_AFTER, WWW_AUTHENTICATE, SET_COOKIE] {
        for value in old.headers().get_all(&name) {
            problem.headers_mut().append(name.clone(), value.clone());
        }
    }
    problem.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    drop::<Body>(old.into_body());
    problem
}

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
