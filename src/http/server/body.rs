//! Bodies under watch: requests' for size, pace and the memory they hold together, answers' for their end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use poem::http::StatusCode;

use super::exchange::{Refusal, UnderWay};
use super::pace::Pace;

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const BROKEN: u8 = 3;
const CROWDED: u8 = 4;

/// How the reading of a request's body ended, for the one who sends the answer.
#[derive(Clone, Default)]
pub(super) struct Outcome(Arc<AtomicU8>);

impl Outcome {
    /// What must be answered in place of whatever was answered.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let (status, detail) = match self.0.load(Ordering::Acquire) {
            TOO_LARGE => (StatusCode::PAYLOAD_TOO_LARGE, "the request's body is too large"),
            TOO_SLOW => (StatusCode::REQUEST_TIMEOUT, "the request's body came too slowly"),
            BROKEN => (StatusCode::BAD_REQUEST, "the request's body is malformed"),
            CROWDED => (StatusCode::SERVICE_UNAVAILABLE, "too many requests are being read, try again"),
            _ => return None,
        };
        Some(Refusal { status, detail })
    }

    fn fail(&self, how: u8) -> io::Error {
        self.0.store(how, Ordering::Release);
        let kind = match how {
            TOO_LARGE => io::ErrorKind::FileTooLarge,
            TOO_SLOW => io::ErrorKind::TimedOut,
            CROWDED => io::ErrorKind::QuotaExceeded,
            _ => io::ErrorKind::InvalidData,
        };
        kind.into()
    }
}

/// Bytes of bodies that may be in memory at once, for all connections.
pub(super) struct Budget {
    held: AtomicUsize,
    max: usize,
}

impl Budget {
    /// At most `max` bytes.
    pub(super) fn new(max: usize) -> Arc<Budget> {
        Arc::new(Budget { held: AtomicUsize::new(0), max })
    }
}

/// What one request's body takes of the budget: given back when the last of its clones is dropped.
#[derive(Clone)]
pub(super) struct Share(Arc<Taken>);

struct Taken {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

impl Share {
    /// Nothing yet. What has arrived counts, not what was announced: an announcement costs nothing to make.
    pub(super) fn of(budget: &Arc<Budget>) -> Share {
        Share(Arc::new(Taken { budget: Arc::clone(budget), bytes: AtomicUsize::new(0) }))
    }

    /// `false` when there is no room for `bytes` more.
    fn take(&self, bytes: usize) -> bool {
        let Taken { budget, bytes: own } = &*self.0;
        own.fetch_add(bytes, Ordering::AcqRel);
        budget.held.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes) <= budget.max
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes.load(Ordering::Acquire), Ordering::AcqRel);
    }
}

/// A request's body: fails when it is larger or slower than allowed.
pub(super) struct Watched {
    inner: Incoming,
    left: u64,
    pace: Pace,
    outcome: Outcome,
    /// `None` for one that is taken as a stream.
    share: Option<Share>,
}

impl Watched {
    /// Watches `inner`; `limit` in bytes. A body that announces more is marked at once.
    pub(super) fn new(inner: Incoming, limit: u64, pace: Pace, outcome: Outcome, share: Option<Share>) -> Watched {
        if inner.size_hint().lower() > limit {
            let _ = outcome.fail(TOO_LARGE);
        }
        Watched { inner, left: limit, pace, outcome, share }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Pending => {
                std::task::ready!(this.pace.held_up(cx));
                return Poll::Ready(Some(Err(this.outcome.fail(TOO_SLOW))));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(this.outcome.fail(BROKEN)))),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let size = frame.data_ref().map_or(0, Bytes::len);
        this.pace.moved(size);
        match this.left.checked_sub(size as u64) {
            Some(left) => this.left = left,
            None => return Poll::Ready(Some(Err(this.outcome.fail(TOO_LARGE)))),
        }
        if this.share.as_ref().is_some_and(|share| !share.take(size)) {
            return Poll::Ready(Some(Err(this.outcome.fail(CROWDED))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body: the request counts as under way until it is sent or dropped.
pub(super) struct Answer {
    pub(super) inner: BoxBody<Bytes, io::Error>,
    pub(super) _under_way: UnderWay,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
