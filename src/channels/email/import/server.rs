//! The end of an import that holds the store: mails are read on the parser's thread and filed in slices.
//!
//! One slice is read while the one before it is written. Mail that comes in meanwhile goes first.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use super::wire::{self, Head, Told};
use crate::base::Timestamp;
use crate::desk::import::{Import, Imported, Old};
use crate::desk::{Desk, Result};
use crate::mail::mbox;
use crate::mail::parser::Parser;

/// Mails of a slice, which is one write.
const SLICE: usize = 16;
/// Rows that a slice may write.
const SLICE_ROWS: usize = 450;
/// Bytes of mails in one slice.
const SLICE_BYTES: u64 = 8 << 20;
/// Longest that a slice waits for live mail to be filed.
const MAKE_WAY: Duration = Duration::from_secs(2);
/// How often it looks whether there is any.
const LOOK: Duration = Duration::from_millis(20);

/// Mails that are read, and how far they are.
#[derive(Default)]
struct Slice {
    mails: Vec<Old>,
    again: u64,
    rows: usize,
    bytes: u64,
    cursor: Option<String>,
}

impl Slice {
    fn is_full(&self) -> bool {
        // What had been imported costs next to nothing, but is to be told now and then.
        self.mails.len() >= SLICE || self.rows >= SLICE_ROWS || self.bytes >= SLICE_BYTES || self.again >= 1000
    }
}

/// Files what comes over `stream` until its end, and tells how far it is.
///
/// # Errors
/// Those of the stream. What is wrong with the store or the disk is told to the other end.
pub async fn receive<S>(desk: &Arc<Desk>, parser: &Parser, import: Import, stream: S) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let import = Arc::new(import);
    let (read, mut write) = tokio::io::split(stream);
    let (slices, ready) = mpsc::channel(1);
    let reading = async {
        // Dropped at its end, so that the filing ends too.
        let slices = slices;
        let mut read = BufReader::new(read);
        let (mut ended, mut held) = (false, None);
        while !ended {
            let (slice, end) = next_slice(desk, parser, &import, &mut read, &mut held).await?;
            ended = end;
            if let Some(slice) = slice
                && slices.send(slice).await.is_err()
            {
                return Ok(false);
            }
        }
        Ok::<bool, std::io::Error>(true)
    };
    let filing = async {
        // And the reading, when nothing more is taken.
        let mut ready = ready;
        while let Some(slice) = ready.recv().await {
            let told = match slice {
                Ok(slice) => file(desk, &import, slice).await,
                Err(error) => Told::Stopped(error.to_string()),
            };
            tell(&mut write, &told).await?;
            if matches!(told, Told::Stopped(_)) {
                return Ok(false);
            }
        }
        Ok::<bool, std::io::Error>(true)
    };
    let (all_read, all_filed) = join(reading, filing).await;
    // When it stopped, the other end has gone too, and that is no news.
    if all_filed? && all_read? {
        let ended = desk.end_import(&import).await;
        tell(&mut write, &ended.map_or_else(|error| Told::Stopped(error.to_string()), |()| Told::End)).await?;
    }
    Ok(())
}

async fn tell(to: &mut (impl AsyncWrite + Unpin), told: &Told) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

/// A mail that was read, how many bytes it has, and how far the import is behind it.
type Held = (Old, u64, String);

impl Slice {
    /// Whether a mail would make more rows of it than one write may have.
    fn has_no_room(&self, mail: &Old) -> bool {
        !self.mails.is_empty() && self.rows + mail.weight() > SLICE_ROWS
    }

    fn add(&mut self, (mail, bytes, cursor): Held) {
        self.rows += mail.weight();
        self.bytes += bytes;
        self.mails.push(mail);
        self.cursor = Some(cursor);
    }
}

/// Reads mails until there is a slice of them, and tells whether the end was seen: nothing comes after it, so that
/// to wait for more would be to wait for ever. A mail for which there was no room is held for the next slice.
async fn next_slice(
    desk: &Arc<Desk>,
    parser: &Parser,
    import: &Import,
    from: &mut (impl AsyncRead + Unpin),
    held: &mut Option<Held>,
) -> std::io::Result<(Option<Result<Slice>>, bool)> {
    let mut slice = Slice::default();
    held.take().into_iter().for_each(|mail| slice.add(mail));
    while !slice.is_full() {
        let Some((head, raw)) = wire::next(from).await? else {
            return Ok((slice.cursor.is_some().then_some(Ok(slice)), true));
        };
        match read(desk, parser, import, &head, raw).await {
            Ok(Some(mail)) if slice.has_no_room(&mail) => {
                *held = Some((mail, head.size, head.cursor));
                break;
            }
            Ok(Some(mail)) => slice.add((mail, head.size, head.cursor)),
            Ok(None) => {
                slice.again += 1;
                slice.cursor = Some(head.cursor);
            }
            Err(error) => return Ok((Some(Err(error)), false)),
        }
    }
    Ok((slice.cursor.is_some().then_some(Ok(slice)), false))
}

/// Reads a mail; none when it was imported already.
async fn read(desk: &Arc<Desk>, parser: &Parser, import: &Import, head: &Head, raw: Vec<u8>) -> Result<Option<Old>> {
    let hash = mbox::hash(&raw);
    let rows = desk.store.read()?;
    if desk.was_imported(&rows, import, &hash)? {
        return Ok(None);
    }
    drop(rows);
    let raw = Bytes::from(raw);
    let parsed = parser.parse(raw.clone()).await;
    let own = Arc::clone(desk);
    let prepared = tokio::task::spawn_blocking(move || Old::prepare(&own, &raw, hash, parsed)).await;
    let mut old = prepared.map_err(|_| crate::store::Error::Stopped)??;
    old.came_at = head.came_at.map(Timestamp);
    old.unread = head.unread;
    Ok(Some(old))
}

/// Files a slice, when there is room and no live mail waits.
async fn file(desk: &Desk, import: &Arc<Import>, slice: Slice) -> Told {
    if desk.store.space().is_low() {
        let words = "the disk is nearly full: make room, then run the same command with --resume";
        return Told::Stopped(String::from(words));
    }
    match make_way_and_file(desk, import, slice).await {
        Ok(Imported { filed, again }) => Told::Slice { filed, again },
        Err(error) => Told::Stopped(error.to_string()),
    }
}

async fn make_way_and_file(desk: &Desk, import: &Arc<Import>, slice: Slice) -> Result<Imported> {
    let end = tokio::time::Instant::now() + MAKE_WAY;
    while !desk.waiting_mail(1)?.is_empty() && tokio::time::Instant::now() < end {
        tokio::time::sleep(LOOK).await;
    }
    let done = desk.import(import, slice.mails, slice.cursor).await?;
    Ok(Imported { again: done.again + slice.again, ..done })
}
