//! Filing what was taken: each mail is read on the parser's thread and handed to the desk.
//!
//! Reading is noted before it is begun. A mail that ended the process is read alone when it is met again, and
//! filed unread when it went on doing so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::desk::filing::{MAX_ATTEMPTS, Read};
use crate::desk::{Desk, Result};
use crate::domain::Incoming;
use crate::mail::parse::Parsed;
use crate::mail::parser::Parser;
use crate::mail::quotes;

/// Mails filed in one transaction.
const BATCH: usize = 64;
/// Bytes of mails read at the same time.
const BATCH_BYTES: u64 = 8 << 20;
/// Wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Files mail until `stop`.
pub async fn file_mail(desk: Arc<Desk>, parser: Parser, stop: CancellationToken) {
    let mut committed = desk.store.committed();
    loop {
        committed.mark_unchanged();
        let filed = tokio::select! {
            filed = file_batch(&desk, &parser) => filed,
            () = stop.cancelled() => return,
        };
        match filed {
            Ok(0) => tokio::select! {
                changed = committed.changed() => if changed.is_err() { return },
                () = stop.cancelled() => return,
            },
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "mail could not be filed; it waits");
                tokio::select! {
                    () = tokio::time::sleep(AFTER_FAILURE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}

/// Files the next mails; gives how many.
async fn file_batch(desk: &Arc<Desk>, parser: &Parser) -> Result<usize> {
    let mut waiting = desk.waiting_mail(BATCH)?;
    if let Some(suspect) = waiting.iter().position(|incoming| incoming.attempts > 0) {
        // One of those under way when the process ended: each is read alone.
        waiting = vec![waiting.swap_remove(suspect)];
    }
    if waiting.is_empty() {
        return Ok(0);
    }
    let rows = desk.store.read()?;
    let mut read = Vec::new();
    let mut bytes = 0;
    let mut chosen: Vec<(Incoming, Option<Bytes>)> = Vec::new();
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
    drop(rows);
    desk.begin_filing(chosen.iter().map(|(incoming, _)| incoming.id).collect()).await?;
    for (incoming, raw) in chosen {
        let parsed = match raw {
            Some(raw) => parser.parse(raw).await,
            None => {
                tracing::error!(
                    incoming.id = incoming.id.0,
                    "the process ended each time this mail was read; it is filed unread"
                );
                Parsed::panicked()
            }
        };
        let quote = quotes::quote_from_line(&parsed.text);
        read.push(Read::new(&incoming, parsed, quote));
    }
    let count = read.len();
    desk.file(read).await?;
    Ok(count)
}
