//! A mail that was read, with all that was found out about it, on its way to be filed.

use super::Result;
use super::authenticating::Found;
use crate::base::random;
use crate::domain::message::Body;
use crate::domain::{Incoming, IncomingId, Verdict};
use crate::mail::parse::{self, Defect, Parsed, Part};
use crate::store::{Prepared, SMALL, Store};

/// Attachments listed of one mail; the rest are in the raw mail.
pub(super) const MAX_ATTACHMENTS: usize = 200;

/// A mail that was read, ready to be filed.
pub struct Read {
    /// Which.
    pub incoming: IncomingId,
    /// What it says.
    pub parsed: Parsed,
    /// Where its quoted history begins, for the preview.
    pub quote_from_line: Option<usize>,
    /// Tokens for conversations it may begin, one an inbox.
    pub(super) tokens: Vec<String>,
    /// Files that get bytes of their own, each with its part's index.
    pub(super) files: Vec<(u32, Prepared)>,
    /// What was found out about its sender.
    pub(super) found: Option<Found>,
}

impl Read {
    /// Makes a read mail ready to be filed.
    pub fn new(incoming: &Incoming, parsed: Parsed, quote_from_line: Option<usize>) -> Read {
        let tokens = incoming.recipients.iter().map(|_| random::token()).collect();
        Read { incoming: incoming.id, parsed, quote_from_line, tokens, files: Vec::new(), found: None }
    }

    /// The same with files that were taken apart.
    #[must_use]
    pub fn with_files(self, files: Apart) -> Read {
        Read { files: files.0, ..self }
    }

    /// The same with what was found out about its sender.
    #[must_use]
    pub fn with_found(self, found: Option<Found>) -> Read {
        Read { found, ..self }
    }

    /// What was found out about its sender, so far.
    pub(super) fn verdict(&self) -> Verdict {
        self.found.as_ref().map_or(Verdict::None, |found| found.authentication.verdict)
    }

    /// Whether it may be its sender's: everything but what is known to be forged, or not known whose.
    pub(super) fn is_believed(&self) -> bool {
        let odd = [Defect::MultipleFrom, Defect::SeveralAuthors];
        let disagrees = self.found.as_ref().is_some_and(|found| found.disagrees);
        self.verdict() != Verdict::Fail && !disagrees && !odd.iter().any(|odd| self.parsed.defects.contains(odd))
    }

    /// The words, as they are kept beside the row.
    pub fn body(&self) -> Body {
        let ids = self.parsed.references.iter().chain(&self.parsed.in_reply_to);
        Body { text: self.parsed.text.clone(), html: self.parsed.html.clone(), references: ids.cloned().collect() }
    }
}

/// Files of a mail with bytes of their own, each with its part's index.
#[derive(Debug, Default)]
pub struct Apart(pub(super) Vec<(u32, Prepared)>);

impl Apart {
    /// Takes the files of a large mail apart: else each look at one would read and decode the whole mail. Those
    /// of a small mail stay inside of it, as all do when the disk is nearly full. Blocks: large files are synced.
    ///
    /// # Errors
    /// When the disk fails. Without it nothing is lost: the raw mail has everything.
    pub fn of(store: &Store, raw: &[u8], parts: &[Part]) -> Result<Apart> {
        if raw.len() <= SMALL || store.space().is_low() {
            return Ok(Apart::default());
        }
        let mut files = Ok(Vec::new());
        parse::attachments(raw, parts.get(..MAX_ATTACHMENTS).unwrap_or(parts), |index, bytes| {
            if let Ok(done) = &mut files {
                match prepare(store, &bytes) {
                    Ok(file) => done.push((index, file)),
                    Err(error) => files = Err(error),
                }
            }
        });
        files.map(Apart)
    }
}

/// Bytes on their way into the store, on the disk when they are many.
pub(super) fn prepare(store: &Store, bytes: &[u8]) -> Result<Prepared> {
    let mut writer = store.blob_writer();
    writer.write(bytes)?;
    Ok(writer.finish()?)
}

/// Encodes a body for its blob.
pub(super) fn encode(body: &Body) -> Result<Prepared> {
    let bytes = rmp_serde::to_vec_named(body).map_err(crate::store::Error::from)?;
    Ok(Prepared::from_bytes(&bytes))
}
