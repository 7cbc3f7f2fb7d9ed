//! Files: taking them in as a stream, giving them out so that nothing in them runs.

use poem::Body;
use poem::http::HeaderMap;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, Object, OpenApi};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::caller::Caller;
use super::failure::{broken, problem};
use super::types::AttachmentView;
use crate::desk::Error;
use crate::domain::{Attachment, AttachmentId};
use crate::http::headers::is_known;
use crate::store::BlobReader;

/// Bytes of an upload taken at a time.
const PIECE: usize = 64 << 10;
/// Raster types that a browser may show, found by looking at the bytes.
const SHOWN: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// Bytes looked at to find the type.
const LOOKED_AT: usize = 512;
/// Largest picture inside a text, bytes: mail with larger ones is a burden to who gets it.
const MAX_PICTURE: u64 = 10 << 20;

/// A file that was uploaded.
#[derive(Object)]
struct Uploaded {
    /// The file.
    attachment: AttachmentView,
}

#[derive(ApiResponse)]
enum FileUploaded {
    /// Kept; it waits 24 hours for its message.
    #[oai(status = 201)]
    Created(Json<Uploaded>),
}

#[derive(ApiResponse)]
enum FileBytes {
    /// The file: pictures of four known types are shown, all else is saved.
    #[oai(status = 200)]
    Bytes(
        Binary<Body>,
        #[oai(header = "Content-Type")] String,
        #[oai(header = "Content-Disposition")] String,
        #[oai(header = "Content-Security-Policy")] String,
        #[oai(header = "Cache-Control")] String,
        #[oai(header = "ETag")] String,
    ),
    /// The file that the asker has already (`If-None-Match`).
    #[oai(status = 304)]
    Known(#[oai(header = "Cache-Control")] String, #[oai(header = "ETag")] String),
}

/// A blob as a response's body.
pub(super) fn stream(bytes: BlobReader) -> Body {
    match bytes {
        BlobReader::Memory(bytes) => Body::from_vec(bytes),
        BlobReader::File(file, _) => {
            Body::from_bytes_stream(ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE))
        }
    }
}

pub(in crate::http) struct Attachments;

#[OpenApi]
impl Attachments {
    /// Takes a file in, as the body of the request.
    #[oai(path = "/attachments", method = "post", operation_id = "create_attachment")]
    async fn create(
        &self,
        caller: Caller,
        /// The file's name.
        #[oai(validator(max_length = 1000))]
        name: Query<String>,
        /// Whether it is a picture that is to stand in the text: PNG, JPEG, GIF or WebP, at most 10 MiB.
        inline: Query<Option<bool>>,
        /// The file's media type.
        #[oai(name = "Content-Type")]
        content_type: Header<Option<String>>,
        body: Binary<Body>,
    ) -> poem::Result<FileUploaded> {
        caller.who().must_write().map_err(problem)?;
        if caller.desk().store.space().is_low() {
            return Err(problem(Error::StorageLow));
        }
        let inline = inline.0.unwrap_or_default();
        let most = caller.state().max_upload_bytes;
        let max = if inline { most.min(MAX_PICTURE) } else { most };
        let mut head = Vec::new();
        let mut writer = caller.desk().store.blob_writer();
        let mut reader = body.0.into_async_read();
        let mut piece = vec![0; PIECE];
        loop {
            let read = reader.read(&mut piece).await.map_err(|_| problem(Error::invalid("body", "cut_short")))?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            writer.write(bytes).map_err(broken)?;
            head.extend(bytes.iter().take(LOOKED_AT.saturating_sub(head.len())));
            if writer.size() > max {
                return Err(problem(Error::TooLarge));
            }
        }
        // What the browser calls it does not count: it is sent on, and shown, as what its bytes say.
        let picture = kind_of_head(&head);
        if inline && picture.is_none() {
            return Err(problem(Error::invalid("body", "not_a_picture")));
        }
        let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
        let bytes = finished.map_err(|_| broken(crate::store::Error::Stopped))?.map_err(broken)?;
        let (desk, who) = (caller.desk(), caller.who());
        let file = match picture.filter(|_| inline) {
            Some(kind) => desk.upload_picture(who, &name.0, kind, bytes).await,
            None => {
                let kind = content_type.0.unwrap_or_else(|| String::from("application/octet-stream"));
                desk.upload(who, &name.0, &kind, bytes).await
            }
        };
        let file = file.map_err(problem)?;
        Ok(FileUploaded::Created(Json(Uploaded { attachment: AttachmentView::from(&file) })))
    }

    /// A file's bytes. They never change, but who may have them does: keep them, and ask each time.
    #[oai(path = "/attachments/:id", method = "get", operation_id = "get_attachment")]
    async fn get(&self, caller: Caller, headers: &HeaderMap, id: Path<u64>) -> poem::Result<FileBytes> {
        let (file, opened) = {
            let rows = caller.rows()?;
            let file = caller.desk().attachment(&rows, caller.who(), AttachmentId(id.0)).map_err(problem)?;
            let opened = caller.desk().open_attachment(&rows, &file).map_err(problem)?;
            (file, opened)
        };
        // The moment as well: after a backup was put back, the same number may be given again.
        let tag = format!("\"{}-{}\"", file.id, file.created_at.millis());
        let caching = String::from("private, no-cache");
        if is_known(headers, &tag) {
            return Ok(FileBytes::Known(caching, tag));
        }
        let mut bytes = opened.into_reader().await.map_err(problem)?;
        let kind = kind_of(&mut bytes)?;
        let shown = kind.is_some();
        Ok(FileBytes::Bytes(
            Binary(stream(bytes)),
            String::from(kind.unwrap_or("application/octet-stream")),
            disposition(&file, shown),
            String::from("sandbox; default-src 'none'"),
            caching,
            tag,
        ))
    }
}

/// The type of a picture that may be shown, by its first bytes. What the sender declared does not count.
fn kind_of(bytes: &mut BlobReader) -> poem::Result<Option<&'static str>> {
    use std::io::{Read, Seek};
    let head = match bytes {
        BlobReader::Memory(bytes) => bytes.get(..LOOKED_AT.min(bytes.len())).unwrap_or_default().to_vec(),
        BlobReader::File(file, _) => {
            let mut head = vec![0; LOOKED_AT];
            let read = file.read(&mut head).map_err(|error| broken(error.into()))?;
            file.rewind().map_err(|error| broken(error.into()))?;
            head.truncate(read);
            head
        }
    };
    Ok(kind_of_head(&head))
}

/// The same, of the bytes themselves.
pub(super) fn kind_of_head(bytes: &[u8]) -> Option<&'static str> {
    let found = infer::get(bytes).map(|kind| kind.mime_type());
    SHOWN.into_iter().find(|shown| found == Some(shown))
}

/// Content-Disposition with the name in both of RFC 6266's forms.
fn disposition(file: &Attachment, shown: bool) -> String {
    let kind = if shown { "inline" } else { "attachment" };
    let plain: String =
        file.name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in file.name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}
