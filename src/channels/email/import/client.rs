//! The end of an import that reads the files.

use futures_util::future::join;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::sync::mpsc;

use super::source::{Problem, Source};
use super::wire::{self, Told};

/// Mails read ahead.
const AHEAD: usize = 2;

/// How far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Mails that are messages now.
    pub filed: u64,
    /// Mails that had been imported before.
    pub again: u64,
    /// Mails that could not be read.
    pub failed: u64,
    /// Why it stopped before its end.
    pub stopped: Option<String>,
}

/// Sends all mails of `source` over `stream`, and tells what could not be read and how far it is.
///
/// # Errors
/// When the other end goes away.
pub async fn send<S>(
    stream: S,
    source: Source,
    mut report: impl FnMut(Problem),
    mut progress: impl FnMut(&Sum),
) -> std::io::Result<Sum>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (read, mut write) = tokio::io::split(stream);
    let (ahead, mut mails) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || source.read_all(|mail| ahead.blocking_send(mail).is_ok()));
    let sending = async {
        // Dropped at its end, so that the reading ends too.
        let mut failed = 0;
        while let Some(mail) = mails.recv().await {
            match mail {
                Ok((head, raw)) => wire::send(&mut write, &head, &raw).await?,
                Err(problem) => {
                    report(problem);
                    failed += 1;
                }
            }
        }
        wire::send_end(&mut write).await?;
        Ok::<u64, std::io::Error>(failed)
    };
    let hearing = async {
        let mut sum = Sum::default();
        let mut lines = BufReader::new(read).lines();
        while let Some(line) = lines.next_line().await? {
            match serde_json::from_str(&line)? {
                Told::Slice { filed, again } => {
                    sum.filed += filed;
                    sum.again += again;
                    progress(&sum);
                }
                Told::Stopped(words) => {
                    sum.stopped = Some(words);
                    return Ok(sum);
                }
                Told::End => return Ok(sum),
            }
        }
        let words = "the server went away: run the same command with --resume once it is back";
        Ok::<Sum, std::io::Error>(Sum { stopped: Some(String::from(words)), ..sum })
    };
    let (sent, heard) = join(sending, hearing).await;
    drop(mails);
    // The reading thread ends by itself: nobody takes its mails any more.
    let _ = reading.await;
    let mut sum = heard?;
    match sent {
        Ok(failed) => sum.failed = failed,
        // It stopped at the other end first, which has said why.
        Err(_) if sum.stopped.is_some() => {}
        Err(error) => return Err(error),
    }
    Ok(sum)
}
