//! The one map from the desk's refusals to status codes.

use poem::http::StatusCode;
use poem_openapi::types::ToJSON;

use super::types::StaleMessage;
use crate::desk::Error;
use crate::http::problem::Problem;
use crate::store;

/// A refusal of the desk as a problem.
pub(super) fn problem(error: Error) -> poem::Error {
    let words = error.to_string();
    let plain = |status, code| Problem::new(status, code, words.clone());
    match error {
        Error::NotFound => plain(StatusCode::NOT_FOUND, "not_found"),
        Error::ReadOnly => plain(StatusCode::FORBIDDEN, "read_only"),
        Error::Forbidden => plain(StatusCode::FORBIDDEN, "forbidden"),
        Error::Unauthorized | Error::WrongPassword => plain(StatusCode::UNAUTHORIZED, "unauthorized"),
        Error::Conflict { code, .. } => {
            let mut problem = plain(StatusCode::CONFLICT, code);
            problem.field = field_of(code).map(String::from);
            problem
        }
        Error::Stale(since) => {
            let since: Vec<_> = since.iter().map(|message| StaleMessage::of(message).to_json()).collect();
            plain(StatusCode::CONFLICT, "stale_reply").with("since", since)
        }
        Error::Invalid { field, reason } => Problem::invalid(field, reason).with("reason", reason),
        Error::TooLarge => plain(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Error::RateLimited(seconds) => {
            let problem = plain(StatusCode::TOO_MANY_REQUESTS, "rate_limited").with("retry_after", seconds);
            let mut response = problem.into_response();
            response.headers_mut().insert("retry-after", seconds.into());
            return poem::Error::from_response(response);
        }
        Error::StorageLow => plain(StatusCode::SERVICE_UNAVAILABLE, "storage_low"),
        Error::Trimmed => plain(StatusCode::GONE, "changes_trimmed"),
        Error::Store(store::Error::Stopped) => plain(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        Error::Store(error) => {
            tracing::error!(%error, "the store failed a request");
            Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here. It has been logged.")
        }
    }
    .into()
}

/// The field that a conflict is about, where a form has one.
fn field_of(code: &str) -> Option<&'static str> {
    match code {
        "email_in_use" => Some("email"),
        "address_in_use" => Some("fallback_local_part"),
        _ => None,
    }
}

/// As [`problem`], for the store's own errors.
pub(super) fn broken(error: store::Error) -> poem::Error {
    problem(error.into())
}
