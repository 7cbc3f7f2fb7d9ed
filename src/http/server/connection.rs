//! One connection: handshake, requests one after another, each handed to the endpoint and answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::endpoint::DynEndpoint;
use poem::http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use poem::http::uri::Scheme;
use poem::http::{self, StatusCode};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Body, Request, RequestParts, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Permit;
use super::body::{Answer, Budget, Outcome, Share, Watched};
use super::client;
use super::exchange::{Exchange, Refusal, Verdict};
use super::guard::{Guard, Terms};
use super::pace::Pace;
use super::{Settings, head};
use crate::http::problem::Problem;

/// What all connections share.
pub(super) struct Shared {
    pub(super) endpoint: Box<dyn DynEndpoint<Output = Response>>,
    pub(super) local: SocketAddr,
    pub(super) settings: Settings,
    pub(super) budget: Arc<Budget>,
    /// No further requests.
    pub(super) stop: CancellationToken,
    /// No further bytes.
    pub(super) kill: CancellationToken,
    pub(super) tracker: TaskTracker,
}

/// Serves one connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, permit: Permit) {
    let Some(slot) = &shared.settings.tls else {
        return converse(&shared, stream, peer, Scheme::HTTP, permit).await;
    };
    let Some(config) = slot.load_full() else { return };
    let handshake = tokio_rustls::TlsAcceptor::from(config).accept(stream);
    let deadline = shared.settings.times.first_byte;
    let result = tokio::select! {
        result = tokio::time::timeout(deadline, handshake) => result,
        () = shared.stop.cancelled() => return,
    };
    match result {
        Ok(Ok(stream)) => Box::pin(converse(&shared, stream, peer, Scheme::HTTPS, permit)).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

async fn converse<Io>(shared: &Arc<Shared>, stream: Io, peer: SocketAddr, scheme: Scheme, permit: Permit)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let times = shared.settings.times;
    let exchange = Arc::new(Exchange::default());
    let guard = Guard::new(
        stream,
        Terms {
            times,
            exchange: Arc::clone(&exchange),
            stop: shared.stop.clone(),
            kill: shared.kill.clone(),
            permit,
            tracked: shared.tracker.token(),
        },
    );
    let service = service_fn(|request| answer(shared, &exchange, request, peer, scheme.clone()));
    // The guard keeps the finer deadlines; this one is for what it cannot see.
    let backstop = times.idle.max(times.first_byte) + times.head + Duration::from_secs(5);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(backstop)
        .max_header_size(head::MAX_HEAD)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(guard), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = shared.kill.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Answers one request. Never fails: a refusal is an answer too.
async fn answer(
    shared: &Shared,
    exchange: &Arc<Exchange>,
    request: http::Request<Incoming>,
    peer: SocketAddr,
    scheme: Scheme,
) -> Result<http::Response<Answer>, Infallible> {
    let (verdict, under_way) = exchange.next();
    let mut response = match verdict {
        Verdict::Refuse(refusal) => refused(refusal),
        Verdict::Pass { close } => {
            let mut response = respond(shared, request, peer, scheme).await;
            if close && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    response.headers_mut().remove(http::header::SERVER);
    let (parts, body) = http::Response::from(response).into_parts();
    Ok(http::Response::from_parts(parts, Answer { inner: body, _under_way: under_way }))
}

async fn respond(shared: &Shared, request: http::Request<Incoming>, peer: SocketAddr, scheme: Scheme) -> Response {
    let (mut parts, body) = request.into_parts();
    let settings = &shared.settings;
    let client = client::identify(&mut parts.headers, peer.ip(), &settings.trusted_proxies);
    parts.extensions.insert(client);
    let outcome = Outcome::default();
    let limit = body_limit(settings, parts.uri.path());
    // A larger body than usual is taken as a stream by whoever allowed it; all others are in memory until answered.
    let share = (limit <= settings.max_body_bytes).then(|| Share::of(&shared.budget));
    let body = Watched::new(body, limit, Pace::new(&settings.times), outcome.clone(), share.clone());
    if let Some(refusal) = outcome.refusal() {
        return refused(refusal);
    }
    let parts = RequestParts::from((parts, LocalAddr(shared.local.into()), RemoteAddr(peer.into()), scheme));
    let request = Request::from_parts(parts, Body::from(body.boxed()));
    let response = shared.endpoint.call(request).await.unwrap_or_else(poem::Error::into_response);
    drop(share);
    outcome.refusal().map_or(response, refused)
}

fn body_limit(settings: &Settings, path: &str) -> u64 {
    let named = settings.bodies.iter().find(|(named, _)| named == path);
    named.map_or(settings.max_body_bytes, |(_, limit)| *limit)
}

/// A refusal as an answer, after which the connection ends.
fn refused(refusal: Refusal) -> Response {
    let mut response = Problem::of(refusal.status, refusal.detail).into_response();
    crate::http::headers::harden(&mut response, false);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
