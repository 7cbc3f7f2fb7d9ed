//! The headers every response carries, so that no page forgets one, and the check of the Host header.
//!
//! What a handler set itself is kept: an attachment may ask for a stricter policy, an asset for caching.

use std::sync::Arc;

use poem::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use poem::http::{HeaderMap, StatusCode};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response};

use super::problem::Problem;
use crate::config::PublicUrl;

/// What pages may load: everything from here, nothing from elsewhere, no inline script or style.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";
/// What is no page may load nothing, should a browser ever take it for one.
pub const DATA_POLICY: &str = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), \
     payment=(), publickey-credentials-create=(), serial=(), usb=()";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Middleware: hardens every response, refuses requests under another name than the public one.
#[derive(Clone)]
pub struct Headers {
    public_url: Option<Arc<PublicUrl>>,
}

impl Headers {
    /// With a public URL: its host alone is answered (421 else), and https asks for TLS for a year.
    pub fn new(public_url: Option<Arc<PublicUrl>>) -> Headers {
        Headers { public_url }
    }
}

/// An endpoint under [`Headers`].
pub struct HeadersEndpoint<E> {
    inner: E,
    public_url: Option<Arc<PublicUrl>>,
}

impl<E: Endpoint> Middleware<E> for Headers {
    type Output = HeadersEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        HeadersEndpoint { inner, public_url: self.public_url.clone() }
    }
}

impl<E: Endpoint> Endpoint for HeadersEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let https = self.public_url.as_deref().is_some_and(PublicUrl::is_https);
        let mut response = match &self.public_url {
            Some(url) if !names(&request, url) => {
                Problem::of(StatusCode::MISDIRECTED_REQUEST, "This server is not known under that name.")
                    .into_response()
            }
            _ => match self.inner.call(request).await {
                Ok(response) => response.into_response(),
                Err(error) => error.into_response(),
            },
        };
        harden(&mut response, https);
        Ok(response)
    }
}

/// Whether the request is for the public host. Health checks and certificate challenges are for any; who may
/// have the figures is decided there, by the name among others.
fn names(request: &Request, url: &PublicUrl) -> bool {
    let path = request.uri().path();
    if matches!(path, "/healthz" | "/metrics") || path.starts_with("/.well-known/acme-challenge/") {
        return true;
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).or_else(|| request.uri().host());
    let usual = if url.is_https() { ":443" } else { ":80" };
    host.is_some_and(|host| host.strip_suffix(usual).unwrap_or(host).eq_ignore_ascii_case(url.authority()))
}

/// Sets the headers that every response carries and that it does not carry yet.
///
/// A 304 brings none: what it says replaces the headers of the answer the browser has kept (RFC 9111, 3.2),
/// and it does not know whether that was a page.
pub fn harden(response: &mut Response, https: bool) {
    if response.status() == StatusCode::NOT_MODIFIED {
        return;
    }
    let is_page = response.content_type().is_some_and(|kind| kind.starts_with("text/html"));
    let (policy, referrer) = if is_page { (PAGE_POLICY, "same-origin") } else { (DATA_POLICY, "no-referrer") };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, policy);
    set(REFERRER_POLICY, referrer);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(PERMISSIONS_POLICY, PERMISSIONS);
    set(OPENER_POLICY, "same-origin");
    set(RESOURCE_POLICY, "same-origin");
    set(CACHE_CONTROL, "no-store");
    if https {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// Whether one of `If-None-Match` is the tag (RFC 9110, section 13.1.2: compared weakly).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// Whether an answer in this coding is taken (RFC 9110, section 12.5.3).
pub(super) fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case(coding) && weight > 0.0
    })
}
