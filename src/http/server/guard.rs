//! Stands between the socket and the HTTP parser: hands over one judged head at a time, keeps the
//! deadlines of reading and writing, and lingers so that a refusal can be read.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use poem::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::io::poll_read_buf;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Times;
use super::admission::Permit;
use super::exchange::{Exchange, Refusal, Verdict};
use super::head::{self, Framing, Progress};
use super::pace::{Pace, poll_at};

/// What the parser is given in place of a refused head, so that the refusal is answered in its turn.
const SUBSTITUTE: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";
/// How much of a refused request is read and dropped while lingering.
const MAX_DRAINED: usize = 1 << 20;

/// A guarded connection.
pub(super) struct Guard<Io> {
    io: Io,
    state: State,
    /// Read from the peer and not handed over.
    pending: BytesMut,
    /// How much of `pending` was looked at for the end of a head.
    seen: usize,
    exchange: Arc<Exchange>,
    times: Times,
    opened: Instant,
    /// The last time a byte came or went; `None` before the first.
    active: Option<Instant>,
    head_began: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    outward: Pace,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    kill: Pin<Box<WaitForCancellationFutureOwned>>,
    drained: usize,
    // Held as long as the socket lives, also after an upgrade took it out of the server's hands.
    _permit: Permit,
    _tracked: TaskTrackerToken,
}

#[derive(Clone, Copy)]
enum State {
    /// Before or inside a head.
    Head,
    /// So many bytes belong to a judged request.
    Pass(u64, After),
    /// No more heads: a chunked body or another protocol.
    Raw,
    /// Refused: nothing more is handed over.
    Silent,
}

#[derive(Clone, Copy)]
enum After {
    Head,
    Raw,
    Silent,
}

/// What a connection is made with.
pub(super) struct Terms {
    pub(super) times: Times,
    pub(super) exchange: Arc<Exchange>,
    pub(super) stop: CancellationToken,
    pub(super) kill: CancellationToken,
    pub(super) permit: Permit,
    pub(super) tracked: TaskTrackerToken,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Guard<Io> {
    pub(super) fn new(io: Io, terms: Terms) -> Guard<Io> {
        Guard {
            io,
            state: State::Head,
            pending: BytesMut::new(),
            seen: 0,
            exchange: terms.exchange,
            times: terms.times,
            opened: Instant::now(),
            active: None,
            head_began: None,
            timer: None,
            outward: Pace::new(&terms.times),
            stop: Box::pin(terms.stop.cancelled_owned()),
            kill: Box::pin(terms.kill.cancelled_owned()),
            drained: 0,
            _permit: terms.permit,
            _tracked: terms.tracked,
        }
    }

    /// Reads more into `pending`; 0 at the end.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.pending.reserve(4096);
        let read = ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.pending));
        self.active = Some(Instant::now());
        Poll::Ready(read)
    }

    /// One step inside a head. Ready means: look at the state again, or at the end when `Ok(0)`.
    fn head_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.seen == 0 && self.pending.starts_with(b"\r\n") {
            // RFC 9112, section 2.2: an empty line before a request is passed over.
            self.pending.advance(2);
        }
        match head::find_end(&self.pending, &mut self.seen) {
            Progress::Complete(end) => {
                match head::judge(self.pending.get(..end).unwrap_or_default()) {
                    Ok(framing) => self.pass(end, framing),
                    Err(refusal) => self.refuse(refusal),
                }
                Poll::Ready(Ok(1))
            }
            Progress::Refuse(refusal) => {
                self.refuse(refusal);
                Poll::Ready(Ok(1))
            }
            Progress::More => match self.fill(cx) {
                Poll::Pending => self.wait_for_head(cx),
                ready => ready,
            },
        }
    }

    fn pass(&mut self, end: usize, framing: Framing) {
        let (body, after) = match framing {
            Framing::Length(length) => (length, After::Head),
            Framing::Unbounded => (0, After::Raw),
        };
        self.state = State::Pass((end as u64).saturating_add(body), after);
        self.exchange.judged(Verdict::Pass { close: matches!(after, After::Raw) });
        self.begin_anew();
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.pending.clear();
        self.pending.extend_from_slice(SUBSTITUTE);
        self.state = State::Pass(SUBSTITUTE.len() as u64, After::Silent);
        self.exchange.judged(Verdict::Refuse(refusal));
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        (self.seen, self.head_began) = (0, None);
        self.outward.reset();
    }

    /// Nothing came: ready with `Ok(0)` when the connection may end, with `Ok(1)` after a refusal.
    fn wait_for_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.pending.is_empty() {
            if !self.exchange.is_quiet(cx) {
                return Poll::Pending;
            }
            if self.stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(0));
            }
            let deadline = self.active.map_or(self.opened + self.times.first_byte, |last| last + self.times.idle);
            return poll_at(&mut self.timer, deadline, cx).map(|()| Ok(0));
        }
        let began = *self.head_began.get_or_insert_with(Instant::now);
        ready!(poll_at(&mut self.timer, began + self.times.head, cx));
        self.refuse(Refusal { status: StatusCode::REQUEST_TIMEOUT, detail: "the request's head took too long" });
        Poll::Ready(Ok(1))
    }

    /// Hands over what is allowed of `pending`.
    fn give(&mut self, out: &mut ReadBuf<'_>, allowed: u64) -> u64 {
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        let count = self.pending.len().min(out.remaining()).min(allowed);
        out.put_slice(&self.pending.split_to(count));
        count as u64
    }

    fn written(&mut self, result: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(count)) => {
                self.outward.moved(count);
                if count > 0 {
                    self.active = Some(Instant::now());
                }
                Poll::Ready(Ok(count))
            }
            Poll::Ready(error) => Poll::Ready(error),
            Poll::Pending => {
                ready!(self.outward.held_up(cx));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")))
            }
        }
    }

    /// Reads and drops for a while: a socket closed on unread bytes resets, and takes the answer with it.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let deadline = self.active.unwrap_or(self.opened) + self.times.linger;
        loop {
            self.pending.clear();
            self.pending.reserve(4096);
            match poll_read_buf(Pin::new(&mut self.io), cx, &mut self.pending) {
                Poll::Ready(Ok(count)) if count > 0 && self.drained < MAX_DRAINED => self.drained += count,
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return poll_at(&mut self.timer, deadline, cx).map(Ok),
            }
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<Io> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.kill.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        loop {
            match this.state {
                State::Head => {
                    if ready!(this.head_step(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                State::Pass(0, After::Head) => this.state = State::Head,
                State::Pass(0, After::Raw) => this.state = State::Raw,
                State::Pass(0, After::Silent) => this.state = State::Silent,
                State::Pass(left, after) => {
                    if this.pending.is_empty() && ready!(this.fill(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    this.state = State::Pass(left - this.give(out, left), after);
                    return Poll::Ready(Ok(()));
                }
                State::Raw if this.pending.is_empty() => return Pin::new(&mut this.io).poll_read(cx, out),
                State::Raw => {
                    this.give(out, u64::MAX);
                    return Poll::Ready(Ok(()));
                }
                State::Silent => return Poll::Pending,
            }
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<Io> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.written(result, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, pieces);
        this.written(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_flush(cx).map_ok(|()| 0);
        this.written(result, cx).map_ok(drop)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        if matches!(this.state, State::Head) && this.pending.is_empty() {
            return Poll::Ready(Ok(()));
        }
        this.drain(cx)
    }
}
