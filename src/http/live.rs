//! The live socket: frames about what happens, from the change a page last saw.
//!
//! Nothing a client sends changes anything. One that reads too slowly, or is silent for too long, is closed;
//! it comes back and asks for what it missed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use poem::web::websocket::{Message, WebSocket, WebSocketConfig, WebSocketStream};
use poem::web::{Data, Query};
use poem::{IntoResponse, Request, Response, handler};
use poem_openapi::types::ToJSON;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::api::{self, Frame, State, frames_after, of_request};
use super::problem::Problem;
use crate::desk::Who;

/// Longest frame a client may send, bytes.
const MAX_FRAME: usize = 4 << 10;
/// Most that waits to leave, bytes. One frame must fit: its words are bounded, and JSON may take six bytes for one.
const MAX_SENT: usize = 8 << 20;
/// Seconds between two pings.
const PING_EVERY: Duration = Duration::from_secs(25);
/// Longest a frame may take to leave.
const SEND_LIMIT: Duration = Duration::from_secs(20);
/// Changes are gathered for this long before they are rendered.
const GATHER: Duration = Duration::from_millis(30);

/// Where a page left off.
#[derive(Deserialize)]
struct From {
    after: Option<u64>,
}

/// Ends all sockets when the server stops.
#[derive(Clone)]
pub(super) struct Stop(pub CancellationToken);

/// `GET /api/v1/live?after=N`.
#[handler]
pub(crate) fn live(request: &Request, from: Query<From>, stop: Data<&Stop>, socket: WebSocket) -> Response {
    let Some((who, state)) = of_request(request) else {
        return Problem::new(poem::http::StatusCode::UNAUTHORIZED, "unauthorized", "sign in first").into_response();
    };
    let (after, stop) = (from.after, stop.0.0.clone());
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(MAX_FRAME);
    config.max_frame_size = Some(MAX_FRAME);
    config.max_write_buffer_size = MAX_SENT;
    socket
        .config(config)
        .on_upgrade(move |stream| async move {
            // However it ends, the page comes back by itself.
            let _ = serve(stream, who, state, after, stop).await;
        })
        .into_response()
}

async fn serve(
    stream: WebSocketStream,
    mut who: Who,
    state: Arc<State>,
    after: Option<u64>,
    stop: CancellationToken,
) -> Result<(), ()> {
    let (mut sink, mut source) = stream.split();
    let mut committed = state.desk.store.committed();
    let mut seen = after.unwrap_or_else(|| *committed.borrow());
    send(&mut sink, &Frame::Hello(api::Hello { change: seen })).await?;
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
    let mut answered = true;
    loop {
        // A cursor ahead of the log is one from before a backup was put back: that is a reset as well.
        if *committed.borrow_and_update() != seen {
            tokio::time::sleep(GATHER).await;
            who = again(&state, &who).ok_or(())?;
            let (frames, until) = match frames_after(&state, &who, seen).await {
                Ok(found) => found,
                Err(_) => {
                    let change = *committed.borrow();
                    (vec![Frame::Reset(api::Again { change })], change)
                }
            };
            for frame in &frames {
                send(&mut sink, frame).await?;
            }
            // Only who took the whole batch goes on behind it.
            if !matches!(frames.last(), None | Some(Frame::Reset(_))) {
                send(&mut sink, &Frame::CaughtUp(api::CaughtUp { change: until })).await?;
            }
            seen = until;
            continue;
        }
        tokio::select! {
            changed = committed.changed() => changed.map_err(drop)?,
            message = source.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => answered = true,
            },
            _ = ping.tick() => {
                if !std::mem::take(&mut answered) || again(&state, &who).is_none() {
                    return Ok(());
                }
                put(&mut sink, Message::Ping(Vec::new())).await?;
                send(&mut sink, &Frame::Ping(api::Ping { change: seen })).await?;
            }
            () = stop.cancelled() => {
                let _ = sink.close().await;
                return Ok(());
            }
        }
    }
}

/// The same agent with what they may reach now; none when their session has ended.
fn again(state: &State, who: &Who) -> Option<Who> {
    let rows = state.desk.store.read().ok()?;
    state.desk.who_of(&rows, who.session).ok()
}

type Sink = futures_util::stream::SplitSink<WebSocketStream, Message>;

async fn send(sink: &mut Sink, frame: &Frame) -> Result<(), ()> {
    put(sink, Message::Text(frame.to_json_string())).await
}

async fn put(sink: &mut Sink, message: Message) -> Result<(), ()> {
    match tokio::time::timeout(SEND_LIMIT, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}
