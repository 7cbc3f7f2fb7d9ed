//! What every answer of the interface gets on its way out: the change it holds, and a smaller form.
//!
//! Packing tells an onlooker something of what is inside when they choose a part of it (BREACH). The secret they
//! would be after, the session, is in no body.

use std::sync::Arc;

use poem::http::header::{CONTENT_ENCODING, VARY};
use poem::http::{HeaderName, HeaderValue, Method};
use poem::web::{Compress, CompressionAlgo, CompressionLevel};
use poem::{Endpoint, IntoResponse, Request, Response};

use super::api::State;
use super::headers::accepts;

/// The snapshot of an answer, or one before: asking for what came after it misses nothing.
const CHANGE: HeaderName = HeaderName::from_static("frontdesk-change");
/// Bytes from which packing is worth it.
pub(super) const PACKED_FROM: usize = 1024;

/// Says on the answer to each GET which change it holds.
pub(super) async fn numbered<E: Endpoint>(next: Arc<E>, request: Request) -> poem::Result<Response> {
    let state = request.data::<Arc<State>>().filter(|_| request.method() == Method::GET);
    // Taken before: what commits meanwhile may be in the answer and is told again.
    let change = state.map(|state| *state.desk.store.committed().borrow());
    let mut response = next.call(request).await?.into_response();
    if let Some(change) = change {
        response.headers_mut().insert(CHANGE, change.into());
    }
    Ok(response)
}

/// Packs JSON for who takes that. Files and original mails go as they are.
pub(super) async fn packed<E: Endpoint>(next: Arc<E>, request: Request) -> poem::Result<Response> {
    let wanted = accepts(request.headers(), "gzip");
    let mut response = next.call(request).await?.into_response();
    let is_json = response.content_type().is_some_and(|kind| kind.starts_with("application/json"));
    if !wanted || !is_json || response.headers().contains_key(CONTENT_ENCODING) {
        return Ok(response);
    }
    let bytes = response.take_body().into_bytes().await?;
    let large = bytes.len() >= PACKED_FROM;
    response.set_body(bytes);
    if !large {
        return Ok(response);
    }
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    Ok(Compress::new(response, CompressionAlgo::GZIP).with_quality(CompressionLevel::Fastest).into_response())
}
