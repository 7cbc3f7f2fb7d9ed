//! Files: uploaded before a message is sent, bound to it when it is, reached only through it.

use tokio::sync::Semaphore;

use super::conversations::visible;
use super::{Desk, Error, Result, Who};
use crate::base::{Timestamp, random};
use crate::domain::attachment::Source;
use crate::domain::{Agent, AgentId, Attachment, AttachmentId, Message, MessageId};
use crate::mail::{names, parse};
use crate::store::{BlobReader, Direction, Key, Prepared, Rows, Table, Writer};

/// Hours an upload waits for its message.
pub const UNBOUND_HOURS: i64 = 24;
/// Uploads an agent may have waiting.
const MAX_WAITING: usize = 200;
/// Mails out of which files are decoded at the same time. Each may be as large as the receiver takes.
static DECODING: Semaphore = Semaphore::const_new(2);

/// A file whose bytes are to be read.
pub enum Opened {
    /// They are a blob.
    Own(BlobReader),
    /// They are inside a mail.
    Inside {
        /// The mail.
        mail: BlobReader,
        /// The part's index in the parser's table.
        index: u32,
    },
}

impl Opened {
    /// The bytes, to be read in pieces. Those inside a mail are decoded in memory, off the async threads and few
    /// at a time.
    ///
    /// # Errors
    /// As [`Opened::into_bytes`].
    pub async fn into_reader(self) -> Result<BlobReader> {
        if let Opened::Own(bytes) = self {
            return Ok(bytes);
        }
        // The turn goes into the work: who hangs up meanwhile does not make room for another.
        let turn = DECODING.acquire().await.map_err(|_| crate::store::Error::Stopped)?;
        let decoded = tokio::task::spawn_blocking(move || {
            let bytes = self.into_bytes();
            drop(turn);
            bytes
        });
        Ok(BlobReader::Memory(decoded.await.map_err(|_| crate::store::Error::Stopped)??))
    }

    /// All of them.
    ///
    /// # Errors
    /// The store's own, [`Error::NotFound`] when the mail has no such part.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        match self {
            Opened::Own(bytes) => Ok(bytes.into_bytes()?),
            Opened::Inside { mail, index } => parse::attachment(&mail.into_bytes()?, index).ok_or(Error::NotFound),
        }
    }
}

impl Desk {
    /// Keeps an upload for its uploader.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::RateLimited`] with too many waiting, the store's own.
    pub async fn upload(&self, who: &Who, name: &str, media_type: &str, bytes: Prepared) -> Result<Attachment> {
        self.keep(who, name, media_type, bytes, None).await
    }

    /// Keeps a picture that is to stand in the text, where its Content-ID names it.
    ///
    /// # Errors
    /// As [`Desk::upload`].
    pub async fn upload_picture(&self, who: &Who, name: &str, media_type: &str, bytes: Prepared) -> Result<Attachment> {
        let content_id = format!("{}@{}", random::token(), self.hostname);
        self.keep(who, name, media_type, bytes, Some(content_id)).await
    }

    async fn keep(
        &self,
        who: &Who,
        name: &str,
        media_type: &str,
        bytes: Prepared,
        content_id: Option<String>,
    ) -> Result<Attachment> {
        who.must_write()?;
        let created_at = self.clock.now();
        let agent = who.agent.id;
        let name = names::file_name(name).unwrap_or_else(|| String::from("file"));
        let media_type = crate::base::text::one_line(media_type, 100);
        let size = bytes.size();
        self.store
            .write_with(vec![bytes], move |writer, blobs| {
                if waiting(writer, agent)? >= MAX_WAITING {
                    return Err(Error::RateLimited(3600));
                }
                let blob = blobs.first().ok_or(crate::store::Error::Stopped)?;
                let blob = writer.add_blob(blob)?;
                let file = Attachment {
                    id: AttachmentId(writer.next_id::<Attachment>()?),
                    message: None,
                    uploader: Some(agent),
                    name: name.clone(),
                    media_type: media_type.clone(),
                    size,
                    content_id: content_id.clone(),
                    inline: content_id.is_some(),
                    source: Source::Blob(blob),
                    created_at,
                };
                writer.put(&file)?;
                Ok(file)
            })
            .await
    }

    /// A file the asker may have: of a message they may see, or their own upload.
    ///
    /// # Errors
    /// [`Error::NotFound`] in every other case.
    pub fn attachment(&self, rows: &impl Rows, who: &Who, id: AttachmentId) -> Result<Attachment> {
        let file: Attachment = rows.find(id)?.ok_or(Error::NotFound)?;
        match file.message {
            Some(message) => {
                let message: Message = rows.get(message)?;
                visible(rows, &who.scope, message.conversation)?;
            }
            None if file.uploader != Some(who.agent.id) => return Err(Error::NotFound),
            None => {}
        }
        Ok(file)
    }

    /// Where to read a file's bytes.
    ///
    /// # Errors
    /// The store's own.
    pub fn open_attachment(&self, rows: &impl Rows, file: &Attachment) -> Result<Opened> {
        match file.source {
            Source::Blob(blob) => Ok(Opened::Own(self.store.blob(rows, blob)?)),
            Source::Part { raw, index } => Ok(Opened::Inside { mail: self.store.blob(rows, raw)?, index }),
        }
    }

    /// Removes uploads that were never sent, up to 100; gives how many.
    ///
    /// # Errors
    /// The store's own.
    pub async fn sweep_uploads(&self) -> Result<usize> {
        let before = self.clock.now().plus_seconds(-UNBOUND_HOURS * 3600);
        self.store.write(move |writer| sweep(writer, before)).await
    }
}

/// How many uploads of this agent wait for their message.
fn waiting(rows: &impl Rows, agent: AgentId) -> Result<usize> {
    let mut count = 0;
    for id in rows.ids(Table::AttachmentUnbound, &Key::new(), None, Direction::Forward, usize::MAX)? {
        let file: Attachment = rows.get(AttachmentId(id))?;
        count += usize::from(file.uploader == Some(agent));
    }
    Ok(count)
}

fn sweep(writer: &mut Writer<'_>, before: Timestamp) -> Result<usize> {
    let ids = writer.ids(Table::AttachmentUnbound, &Key::new(), None, Direction::Forward, 100)?;
    let mut gone = 0;
    for id in ids.into_iter().map(AttachmentId) {
        if writer.get::<Attachment>(id)?.created_at > before {
            break;
        }
        writer.delete::<Attachment>(id)?;
        gone += 1;
    }
    Ok(gone)
}

/// An upload of this agent that no message has yet.
///
/// # Errors
/// [`Error::Invalid`] for any other id: it tells nothing about whether it exists.
pub fn own_unbound(rows: &impl Rows, agent: &Agent, id: AttachmentId) -> Result<Attachment> {
    let found: Option<Attachment> = rows.find(id)?;
    found
        .filter(|file| file.message.is_none() && file.uploader == Some(agent.id))
        .ok_or(Error::invalid("attachments", "unknown"))
}

/// Whether any of these is a file rather than a picture inside the text.
pub(super) fn any_file(rows: &impl Rows, ids: &[AttachmentId]) -> Result<bool> {
    for id in ids {
        if rows.find::<Attachment>(*id)?.is_some_and(|file| !file.inline) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The ids, each once: a file named twice is sent once.
pub(super) fn distinct(ids: &[AttachmentId]) -> Vec<AttachmentId> {
    let mut out = Vec::new();
    for id in ids {
        if !out.contains(id) {
            out.push(*id);
        }
    }
    out
}

/// Binds uploads to the message they are sent with.
pub(super) fn bind(
    writer: &mut Writer<'_>,
    agent: &Agent,
    ids: &[AttachmentId],
    message: MessageId,
) -> Result<Vec<AttachmentId>> {
    let mut bound = Vec::new();
    for id in &distinct(ids) {
        let mut file = own_unbound(writer, agent, *id)?;
        file.message = Some(message);
        writer.put(&file)?;
        bound.push(*id);
    }
    Ok(bound)
}
