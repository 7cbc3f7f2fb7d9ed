//! All routes, on one page.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::middleware::{AddData, RequestId};
use poem::web::Data;
use poem::{Endpoint, EndpointExt, Response, Route, get, handler};
use tokio_util::sync::CancellationToken;

use super::answers::{numbered, packed};
use super::api::{self, State};
use super::assets::Assets;
use super::docs;
use super::live::{Stop, live};
use super::metrics::metrics;
use super::problem::Problem;
use super::shell;
use crate::config::PublicUrl;

/// Largest request of somebody who has not signed in, bytes: an address, a password, a name.
const STRANGERS_BODY: u64 = 16 << 10;

/// The paths whose bodies may be larger than others', or have to be smaller, and how large.
pub fn bodies(max_upload_bytes: u64) -> Vec<(String, u64)> {
    vec![
        (String::from("/api/v1/attachments"), max_upload_bytes),
        (String::from("/api/v1/sessions"), STRANGERS_BODY),
        (String::from("/api/v1/setup"), STRANGERS_BODY),
    ]
}

/// Everything that answers on the web port.
pub fn routes(
    state: Arc<State>,
    public_url: Option<PublicUrl>,
    stop: CancellationToken,
) -> impl Endpoint<Output = Response> + 'static {
    let service = api::service();
    let v1 = Route::new()
        .at("/live", get(live)) // frames about what happens: live.rs
        .nest("/", service.around(numbered).around(packed)); // everything else: api/
    let routes = Route::new()
        .nest("/api/v1", v1)
        .at("/api/openapi.json", get(openapi).around(packed))
        .nest("/api/docs", docs::routes())
        .at("/healthz", get(healthz))
        .at("/metrics", get(metrics))
        .nest("/", Assets)
        .with(AddData::new(state))
        .with(AddData::new(Stop(stop)))
        .with(RequestId::default());
    shell::around(routes, public_url, &[])
}

/// `GET /api/openapi.json`.
#[handler]
fn openapi() -> Response {
    Response::builder().content_type("application/json").body(api::document())
}

/// `GET /healthz`: 200 while mail is taken and the store answers; 503 with the reason else.
#[handler]
fn healthz(state: Data<&Arc<State>>) -> Response {
    let store = &state.desk.store;
    let trouble = match store.read() {
        _ if store.failed().borrow().is_some() => Some("storage has failed"),
        Err(_) => Some("the store does not answer"),
        Ok(_) if store.space().is_low() => Some("the disk is nearly full"),
        Ok(_) => None,
    };
    match trouble {
        None => Response::builder().content_type("application/json").body("{\"status\":\"ok\"}"),
        Some(reason) => Problem::of(StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}
