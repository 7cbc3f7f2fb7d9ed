//! Filing what was taken: each mail is read on the parser's thread, while it is found out whether it is from whom it
//! says it is, and handed to the desk.
//!
//! Reading is noted before it is begun. A mail that ended the process is read alone when it is met again, and
//! filed unread when it went on doing so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join, join_all, try_join_all};
use tokio_util::sync::CancellationToken;

use super::authenticating::Authenticator;
use super::pace::Pace;
use super::underway::Underway;
use crate::desk::filing::MAX_ATTEMPTS;
use crate::desk::reading::{Apart, Read};
use crate::desk::{Desk, Result};
use crate::domain::{Incoming, IncomingId};
use crate::mail::parse::Parsed;
use crate::mail::parser::Parser;
use crate::mail::quotes;
use crate::store;

/// Mails noted as being read, and chosen, at a time.
const BATCH: usize = 256;
/// Mails read together, while those before them are filed.
const GROUP: usize = 64;
/// Mails filed in one write, so that others get their turn in between.
const SLICE: usize = 16;
/// Bytes of mails in memory at the same time.
const BATCH_BYTES: u64 = 8 << 20;
/// Wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Files mail until `stop`.
pub async fn file_mail(desk: Arc<Desk>, parser: Parser, authenticator: Arc<Authenticator>, stop: CancellationToken) {
    let readers = Readers { parser, authenticator };
    let mut committed = desk.store.committed();
    let (mut underway, mut pace) = (None, Pace::new());
    loop {
        committed.mark_unchanged();
        let filed = tokio::select! {
            filed = file_batch(&desk, &readers, &mut underway, &mut pace) => filed,
            () = stop.cancelled() => break,
        };
        match filed {
            Ok(0) => {
                tokio::select! {
                    changed = committed.changed() => if changed.is_err() { break },
                    () = stop.cancelled() => break,
                }
                pace.rest();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "mail could not be filed; it waits");
                tokio::select! {
                    () = tokio::time::sleep(AFTER_FAILURE) => {}
                    () = stop.cancelled() => break,
                }
            }
        }
    }
    // Stopping is no mail's fault. If that cannot be noted, the mails under way are read alone next time.
    let _ = underway.map(|underway| underway.note(&[]));
}

/// The note of what is being read, opened once; what an earlier process left in it is counted first.
async fn opened<'a>(desk: &Desk, underway: &'a mut Option<Underway>) -> Result<&'a Underway> {
    let known = match underway.take() {
        Some(known) => known,
        None => {
            let (found, left) = Underway::open(desk.store.dir()).map_err(store::Error::from)?;
            desk.count_attempts(left).await?;
            found
        }
    };
    Ok(underway.insert(known))
}

/// Files the next mails in their order; gives how many.
async fn file_batch(
    desk: &Arc<Desk>,
    readers: &Readers,
    underway: &mut Option<Underway>,
    pace: &mut Pace,
) -> Result<usize> {
    let underway = opened(desk, underway).await?;
    if desk.waiting_mail(1)?.is_empty() {
        return Ok(0);
    }
    pace.make_way(desk).await?;
    let chosen = choose(desk)?;
    let ids: Vec<IncomingId> = chosen.iter().map(|(incoming, _)| incoming.id).collect();
    underway.note(&ids).map_err(store::Error::from)?;
    let mut chosen = chosen.into_iter();
    let mut ready = Vec::new();
    // One group is read while the one before it is written.
    while chosen.len() > 0 || !ready.is_empty() {
        let reading = join_all(chosen.by_ref().take(GROUP).map(|(incoming, raw)| readers.read(desk, incoming, raw)));
        let (next, filed) = join(reading, file(desk, ready)).await;
        filed?;
        ready = next;
    }
    Ok(ids.len())
}

/// Files what was read, a slice a write.
async fn file(desk: &Desk, ready: Vec<Read>) -> Result<()> {
    let mut rest = ready.into_iter();
    let mut slices = Vec::new();
    while rest.len() > 0 {
        slices.push(desk.file(rest.by_ref().take(SLICE).collect()));
    }
    try_join_all(slices).await.map(drop)
}

/// The next mails with their bytes; without them for one that is to be filed unread.
fn choose(desk: &Desk) -> Result<Vec<(Incoming, Option<Bytes>)>> {
    let mut waiting = desk.waiting_mail(BATCH)?;
    if let Some(suspect) = waiting.iter().position(|incoming| incoming.attempts > 0) {
        // One of those under way when the process ended: each is read alone.
        waiting = vec![waiting.swap_remove(suspect)];
    }
    let rows = desk.store.read()?;
    let mut bytes = 0;
    let mut chosen = Vec::new();
    for incoming in waiting {
        if incoming.attempts >= MAX_ATTEMPTS {
            chosen.push((incoming, None));
            continue;
        }
        let raw = desk.store.blob(&rows, incoming.raw)?;
        bytes += raw.size();
        if bytes > BATCH_BYTES && !chosen.is_empty() {
            break;
        }
        chosen.push((incoming, Some(Bytes::from(raw.into_bytes()?))));
    }
    Ok(chosen)
}

/// What finds out about a mail.
struct Readers {
    /// What it says.
    parser: Parser,
    /// Whether it is from whom it says it is.
    authenticator: Arc<Authenticator>,
}

impl Readers {
    async fn read(&self, desk: &Arc<Desk>, incoming: Incoming, raw: Option<Bytes>) -> Read {
        let Some(raw) = raw else {
            tracing::error!(
                incoming.id = incoming.id.0,
                "the process ended each time this mail was read; it is filed unread"
            );
            return Read::new(&incoming, Parsed::panicked(), None);
        };
        let asked = self.authenticator.ask(&incoming, &raw);
        let parsed = self.parser.parse(raw.clone()).await;
        let quote = quotes::quote_from_line(&parsed.text);
        let files = files(desk, incoming.id, &parsed, raw).await;
        let found = match asked {
            // What cannot be looked up here is looked up again at filing, which fails then.
            Some(asked) => Some(asked.answer(&parsed.from, || desk.may_join(&incoming, &parsed).unwrap_or(true)).await),
            None => None,
        };
        Read::new(&incoming, parsed, quote).with_files(files).with_found(found)
    }
}

/// The files of a large mail. Where they cannot be taken apart they stay inside of it, and are found there.
async fn files(desk: &Arc<Desk>, id: IncomingId, parsed: &Parsed, raw: Bytes) -> Apart {
    if parsed.parts.is_empty() {
        return Apart::default();
    }
    let (store, parts) = (Arc::clone(&desk.store), parsed.parts.clone());
    let apart = tokio::task::spawn_blocking(move || Apart::of(&store, &raw, &parts)).await;
    match apart {
        Ok(Ok(files)) => return files,
        Ok(Err(error)) => tracing::warn!(%error, incoming.id = id.0, "the files of a mail stay inside of it"),
        Err(_) => tracing::error!(incoming.id = id.0, "the files of a mail could not be decoded"),
    }
    Apart::default()
}
