//! One connection: moves bytes between the socket, the session and the intake, and watches the clock.
//!
//! No rule of SMTP stands here; those are in `session` and `data`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::data::DataReader;
use super::intake::{Accepted, Body, Intake, IntakeError};
use super::receiver::Shared;
use super::reply::{self, Reply};
use super::session::{Action, Session};
use super::tls::{self, Wire};

/// Room for commands: small, since most of many connections are idle.
const COMMAND_ROOM: usize = 4 << 10;
/// Room while a message arrives.
const DATA_ROOM: usize = 32 << 10;
/// How long a connection may take to close.
const GOODBYE: Duration = Duration::from_secs(1);
/// The most bytes read from a client that sends on after its last reply.
const LINGER: usize = 4 << 20;

/// One client's connection, from the greeting to the end.
pub(super) struct Connection<I: Intake> {
    wire: Option<Wire>,
    peer: SocketAddr,
    intake: Arc<I>,
    shared: Arc<Shared>,
    session: Session,
    input: BytesMut,
    /// How much of `input` is known to hold no line end.
    searched: usize,
    out: Vec<u8>,
    end: Instant,
    /// The client is still sending what nobody will read.
    deaf: bool,
}

/// Why a connection ends before its session does.
#[derive(Debug)]
enum End {
    /// The client went away, or the socket failed.
    Gone,
    /// The client was too slow.
    TimedOut,
    /// We stop.
    Stopping,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Gone
    }
}

/// What is being waited for.
enum Wait<'a> {
    /// A whole command line, since when.
    Command { since: Instant },
    /// The next bytes of a message.
    Message { until: Instant, pace: &'a mut Pace },
}

/// How fast a message comes. Only time spent waiting for the client counts.
struct Pace {
    moved: u64,
    waited: Duration,
}

impl<I: Intake> Connection<I> {
    pub(super) fn new(socket: TcpStream, peer: SocketAddr, intake: Arc<I>, shared: Arc<Shared>) -> Connection<I> {
        let settings = &shared.settings;
        let session = Session::new(&settings.hostname, settings.limits.clone(), settings.tls.load().is_some());
        let end = Instant::now() + settings.timeouts.session;
        Connection {
            wire: Some(Wire::Plain(socket)),
            peer,
            intake,
            session,
            input: BytesMut::with_capacity(COMMAND_ROOM),
            searched: 0,
            out: Vec::with_capacity(512),
            end,
            deaf: false,
            shared,
        }
    }

    pub(super) async fn run(mut self) {
        let farewell = match self.serve().await {
            Ok(()) => None,
            Err(End::Gone) => return,
            Err(End::TimedOut) => Some(reply::TIMED_OUT),
            Err(End::Stopping) => Some(reply::STOPPING),
        };
        if let Some(reply) = farewell {
            self.out.extend_from_slice(reply.0.as_bytes());
        }
        if self.flush().await.is_ok() {
            // The reply is out; what keeps a close from being clean is the client's affair.
            let _ = tokio::time::timeout(GOODBYE, self.close()).await;
        }
    }

    /// Closing over unread bytes would reset the connection, and the client might never see the last reply:
    /// so some of them are read first.
    async fn close(&mut self) -> io::Result<()> {
        let Some(wire) = self.wire.as_mut() else { return Ok(()) };
        wire.shutdown().await?;
        let mut left = if self.deaf || !self.input.is_empty() { LINGER } else { 0 };
        while left > 0 {
            self.input.clear();
            self.input.reserve(DATA_ROOM);
            match wire.read_buf(&mut self.input).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    }

    async fn serve(&mut self) -> Result<(), End> {
        if self.talks_first().await? {
            self.out.extend_from_slice(reply::TALKED_FIRST.0.as_bytes());
            self.deaf = true;
            return Ok(());
        }
        self.session.greet(&mut self.out);
        loop {
            let action = self.next_line().await?;
            let mut action = self.settle(action).await;
            if action == Action::TakeMessage {
                action = self.message().await?;
            }
            if self.session.take_slow() && action != Action::Close {
                self.hold_back().await?;
            }
            match action {
                Action::StartTls => self.start_tls().await?,
                Action::Close => return Ok(()),
                _ => {}
            }
        }
    }

    /// Whether bytes come before we have said a word (RFC 5321 section 3.1 has the client wait).
    async fn talks_first(&self) -> Result<bool, End> {
        let Some(patience) = self.shared.settings.timeouts.greeting else { return Ok(false) };
        let Some(Wire::Plain(socket)) = self.wire.as_ref() else { return Ok(false) };
        if !patience.is_zero() && tokio::time::timeout(patience, socket.readable()).await.is_err() {
            return Ok(false);
        }
        match socket.try_read(&mut [0]) {
            Ok(0) => Err(End::Gone),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(_) => Err(End::Gone),
        }
    }

    /// Gives the session its next line, waiting for it if need be.
    async fn next_line(&mut self) -> Result<Action, End> {
        let limit = self.shared.settings.limits.command_line;
        let since = Instant::now();
        loop {
            let unsearched = self.input.get(self.searched..).unwrap_or_default();
            if let Some(at) = unsearched.iter().position(|&byte| byte == b'\n') {
                let length = self.searched + at + 1;
                self.searched = 0;
                if length > limit {
                    return Ok(self.session.line_too_long(&mut self.out));
                }
                let more = self.input.len() > length;
                let line = self.input.get(..length).unwrap_or_default();
                let action = self.session.line(line, more, &mut self.out);
                self.input.advance(length);
                return Ok(action);
            }
            self.searched = self.input.len();
            if self.searched >= limit {
                self.deaf = true;
                return Ok(self.session.line_too_long(&mut self.out));
            }
            if self.shared.stop.is_cancelled() {
                return Err(End::Stopping);
            }
            self.flush().await?;
            self.fill(Wait::Command { since }).await?;
        }
    }

    /// Answers what the session asks.
    async fn settle(&mut self, action: Action) -> Action {
        match action {
            Action::AskStorage => self.session.storage(self.intake.storage(), &mut self.out),
            Action::AskRecipient => {
                let Some((sender, recipient)) = self.session.asked() else { return Action::Next };
                let answer = self.intake.recipient(sender, recipient).await;
                self.session.recipient(answer, &mut self.out)
            }
            other => other,
        }
    }

    async fn message(&mut self) -> Result<Action, End> {
        let mut body = match self.intake.begin().await {
            Ok(body) => Ok(body),
            Err(error) => return Ok(self.session.refused(error.into(), &mut self.out)),
        };
        self.out.extend_from_slice(reply::GO_AHEAD.0.as_bytes());
        self.flush().await?;
        let mut reader = DataReader::new(self.shared.settings.limits.data);
        let until = Instant::now() + self.shared.settings.timeouts.message;
        let mut pace = Pace { moved: 0, waited: Duration::ZERO };
        while !self.drain(&mut reader, &mut body).await {
            if reader.is_hopeless() {
                let reply = reader.defect().map_or(reply::TOO_LARGE, Reply::from);
                self.out.extend_from_slice(reply.0.as_bytes());
                self.deaf = true;
                return Ok(Action::Close);
            }
            self.fill(Wait::Message { until, pace: &mut pace }).await?;
        }
        let outcome = match reader.defect() {
            Some(defect) => Err(defect.into()),
            None => self.finish(body, reader.size()).await,
        };
        Ok(match outcome {
            Ok(accepted) => {
                tracing::debug!(peer = %self.peer, id = accepted.id, bytes = reader.size(), "mail taken");
                self.session.finished(&accepted.id, &mut self.out)
            }
            Err(reply) => {
                tracing::info!(peer = %self.peer, reply = reply.0.trim_end(), "mail refused");
                self.session.refused(reply, &mut self.out)
            }
        })
    }

    async fn finish(&mut self, body: Result<I::Body, IntakeError>, size: u64) -> Result<Accepted, Reply> {
        let body = body?;
        let received_at = self.shared.settings.clock.now();
        let envelope = self.session.envelope(self.peer, size, received_at).ok_or(reply::BAD_SEQUENCE)?;
        Ok(body.finish(envelope).await?)
    }

    /// Moves what has come into `body`; true at the message's end. A message that will be refused is
    /// read on without being kept.
    async fn drain(&mut self, reader: &mut DataReader, body: &mut Result<I::Body, IntakeError>) -> bool {
        while !self.input.is_empty() {
            let step = reader.step(&self.input);
            let keep = self.input.get(..step.keep).unwrap_or_default();
            if let Ok(open) = body
                && !keep.is_empty()
                && reader.defect().is_none()
                && let Err(error) = open.write(keep).await
            {
                *body = Err(error);
            }
            self.input.advance(step.keep + step.skip);
            if step.end {
                return true;
            }
        }
        false
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        self.flush().await?;
        let acceptor = self.shared.settings.tls.load_full().ok_or(End::Gone)?;
        let Some(Wire::Plain(socket)) = self.wire.take() else { return Err(End::Gone) };
        // Nothing said in the clear may be taken for said under TLS.
        self.input.clear();
        self.searched = 0;
        let limit = self.shared.patience(self.shared.settings.timeouts.handshake);
        let (wire, info) = tokio::select! {
            secured = tokio::time::timeout(limit, tls::secure(&acceptor, socket)) => secured.map_err(|_| End::Gone)??,
            () = self.shared.stop.cancelled() => return Err(End::Gone),
        };
        self.wire = Some(wire);
        self.session.secured(info);
        Ok(())
    }

    /// Makes somebody who errs wait for the answer.
    async fn hold_back(&self) -> Result<(), End> {
        tokio::select! {
            () = tokio::time::sleep(self.shared.settings.timeouts.tarpit) => Ok(()),
            () = self.shared.stop.cancelled() => Err(End::Stopping),
        }
    }

    /// Writes what has been answered.
    async fn flush(&mut self) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        let wire = self.wire.as_mut().ok_or(End::Gone)?;
        let limit = self.shared.patience(self.shared.settings.timeouts.command);
        let out = &self.out;
        let write = async {
            wire.write_all(out).await?;
            wire.flush().await
        };
        tokio::select! {
            biased;
            written = tokio::time::timeout(limit, write) => written.map_err(|_| End::Gone)??,
            () = self.shared.force.cancelled() => return Err(End::Gone),
        }
        self.out.clear();
        Ok(())
    }

    /// Reads once, as long as patience lasts. Waits in slices, since patience shrinks when it gets busy.
    async fn fill(&mut self, mut wait: Wait<'_>) -> Result<(), End> {
        let timeouts = &self.shared.settings.timeouts;
        let wire = self.wire.as_mut().ok_or(End::Gone)?;
        let (stop, room) = match wait {
            Wait::Command { .. } => (&self.shared.stop, COMMAND_ROOM),
            Wait::Message { .. } => (&self.shared.force, DATA_ROOM),
        };
        // Takes no new memory while what was read has been used up.
        self.input.reserve(room);
        let start = Instant::now();
        loop {
            let patience = match &wait {
                // Bytes one by one do not begin it anew.
                Wait::Command { since } => self.end.min(*since + self.shared.patience(timeouts.command)),
                Wait::Message { until, pace } => {
                    let stall = start + self.shared.patience(timeouts.data);
                    stall.min(*until).min(start + pace.left(&self.shared))
                }
            };
            let now = Instant::now();
            if patience <= now {
                return Err(End::TimedOut);
            }
            let slice = patience.min(now + timeouts.under_load);
            tokio::select! {
                biased;
                read = wire.read_buf(&mut self.input) => {
                    let read = read?;
                    if let Wait::Message { pace, .. } = &mut wait {
                        pace.moved += read as u64;
                        pace.waited += start.elapsed();
                    }
                    return if read == 0 { Err(End::Gone) } else { Ok(()) };
                }
                () = stop.cancelled() => return Err(End::Stopping),
                () = tokio::time::sleep_until(slice) => {}
            }
        }
    }
}

impl Pace {
    /// How much longer the client may be waited for.
    fn left(&self, shared: &Shared) -> Duration {
        let earned = Duration::from_secs(self.moved.checked_div(shared.settings.limits.data_rate).unwrap_or(u64::MAX));
        shared.patience(shared.settings.timeouts.data).saturating_add(earned).saturating_sub(self.waited)
    }
}
