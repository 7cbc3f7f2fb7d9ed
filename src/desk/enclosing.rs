//! What goes along with the words of a message: files, and the pictures inside the text.

use super::replies::{MAX_FILES, MAX_FILES_BYTES, NewMessage};
use super::{Desk, Error, Result, Who, attachments};
use crate::domain::AttachmentId;
use crate::mail::build::File;
use crate::mail::clean;
use crate::store::Reader;

/// Leaves out the pictures that the text no longer shows: who took one out of the text does not send it. Gives the
/// Content-IDs of those that stay.
pub(super) fn leave_unseen_out(rows: &Reader, who: &Who, new: &mut NewMessage) -> Result<Vec<String>> {
    if new.attachments.len() > MAX_FILES {
        return Err(Error::invalid("attachments", "too_many"));
    }
    let shown = clean::cids(new.html.as_deref().unwrap_or_default());
    let (mut kept, mut pictures) = (Vec::new(), Vec::new());
    for id in attachments::distinct(&new.attachments) {
        let file = attachments::own_unbound(rows, &who.agent, id)?;
        let seen = file.content_id.as_ref().filter(|id| file.inline && shown.contains(*id));
        pictures.extend(seen.cloned());
        if !file.inline || seen.is_some() {
            kept.push(id);
        }
    }
    new.attachments = kept;
    Ok(pictures)
}

impl Desk {
    pub(super) fn files(&self, rows: &Reader, who: &Who, ids: &[AttachmentId]) -> Result<Vec<File>> {
        let mut files = Vec::new();
        let mut total = 0;
        if ids.len() > MAX_FILES {
            return Err(Error::invalid("attachments", "too_many"));
        }
        for id in &attachments::distinct(ids) {
            let file = attachments::own_unbound(rows, &who.agent, *id)?;
            total += file.size;
            if total > MAX_FILES_BYTES {
                return Err(Error::TooLarge);
            }
            let bytes = self.open_attachment(rows, &file)?.into_bytes()?;
            let (name, content_type, inline) = (file.name, file.media_type, file.inline);
            files.push(File { name, content_type, bytes, content_id: file.content_id, inline });
        }
        Ok(files)
    }
}
