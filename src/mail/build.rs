//! Builds the mails we send. Whatever reaches a header field is checked or encoded here, so that no
//! text of anybody can begin a field or a line of its own.
//!
//! The result is ASCII, with CRLF line ends only and no line beyond 998 bytes (RFC 5322 section 2.1.1).

use data_encoding::BASE64_MIME;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address as Header;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

use super::address::{AddressError, Mailbox};
use super::parse::Address;
use super::{headers, names, thread};
use crate::base::random;
use crate::base::text::one_line;

const MAX_SUBJECT: usize = 900;
const MAX_NAME: usize = 200;

/// Why a mail cannot be built. Nothing of it was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An address that may not stand in an envelope; the text is the field's name.
    #[error("{0}: {1}")]
    Address(&'static str, AddressError),
    /// Neither To, Cc nor Bcc.
    #[error("no recipient")]
    NoRecipient,
    /// A message id that cannot be written; the text is the field's name.
    #[error("{0} is not a message id")]
    Id(&'static str),
    /// An extra header field that is not allowed, by name.
    #[error("the header field {0:?} cannot be set")]
    Field(String),
}

/// A file to be sent along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// File name; made harmless before it is written.
    pub name: String,
    /// Content type; what is no type becomes `application/octet-stream`.
    pub content_type: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// Content-ID without brackets, by which the HTML shows it.
    pub content_id: Option<String>,
    /// Whether the HTML shows it. Needs a Content-ID.
    pub inline: bool,
}

/// A mail to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Author.
    pub from: Address,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Recipients that no header names.
    pub bcc: Vec<Address>,
    /// Where answers go, if not to the author.
    pub reply_to: Vec<Address>,
    /// Subject; written in one line.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML, already cleaned.
    pub html: Option<String>,
    /// Files.
    pub files: Vec<File>,
    /// Message-ID without brackets.
    pub message_id: String,
    /// The id answered, without brackets.
    pub in_reply_to: Option<String>,
    /// References without brackets, oldest first.
    pub references: Vec<String>,
    /// Date in milliseconds since 1970 UTC.
    pub date_ms: i64,
    /// Further fields, such as Auto-Submitted: ASCII name and value.
    pub headers: Vec<(String, String)>,
}

impl Outgoing {
    /// The envelope's recipients: To, Cc and Bcc, each once.
    pub fn recipients(&self) -> Result<Vec<Mailbox>, BuildError> {
        let mut out: Vec<Mailbox> = Vec::new();
        for (field, list) in [("To", &self.to), ("Cc", &self.cc), ("Bcc", &self.bcc)] {
            for address in list {
                let mailbox = mailbox(field, address)?;
                if !out.contains(&mailbox) {
                    out.push(mailbox);
                }
            }
        }
        if out.is_empty() { Err(BuildError::NoRecipient) } else { Ok(out) }
    }
}

/// Writes the mail.
pub fn build(mail: &Outgoing) -> Result<Vec<u8>, BuildError> {
    mail.recipients()?;
    let mut builder = MessageBuilder::new()
        .from(header("From", &mail.from)?)
        .subject(one_line(&mail.subject, MAX_SUBJECT))
        .date(Date::new(mail.date_ms.div_euclid(1000)))
        .message_id(MessageId::new(id("Message-ID", &mail.message_id)?));
    for (field, list) in [("To", &mail.to), ("Cc", &mail.cc), ("Reply-To", &mail.reply_to)] {
        if !list.is_empty() {
            let written: Result<Vec<_>, _> = list.iter().map(|address| header(field, address)).collect();
            builder = builder.header(field, Header::new_list(written?));
        }
    }
    if let Some(parent) = &mail.in_reply_to {
        builder = builder.in_reply_to(MessageId::new(id("In-Reply-To", parent)?));
    }
    if !mail.references.is_empty() {
        let known: Result<Vec<_>, _> = mail.references.iter().map(|one| id("References", one)).collect();
        builder = builder.references(MessageId::new_list(known?.into_iter()));
    }
    for (name, value) in &mail.headers {
        builder = builder.header(field_name(name, value)?, Text::new(value.clone()));
    }
    let mut out = Vec::new();
    builder.header("MIME-Version", Text::new("1.0")).body(body(mail)).serialize(&mut out);
    Ok(out)
}

/// A mail of ours that nobody has yet, under another date and without signatures, which go in anew.
pub fn redated(mail: &[u8], date_ms: i64) -> Vec<u8> {
    let end = mail.windows(4).position(|four| four == b"\r\n\r\n").map_or(mail.len(), |at| at + 2);
    let (head, rest) = mail.split_at(end);
    let mut out = Vec::with_capacity(mail.len());
    let mut gone = false;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let is = |name: &str| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
        let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        gone = if folded { gone } else { is("DKIM-Signature:") || is("Date:") };
        if is("Date:") {
            let date = Date::new(date_ms.div_euclid(1000)).to_rfc822();
            out.extend_from_slice(format!("Date: {date}\r\n").as_bytes());
        }
        if !gone {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(rest);
    out
}

fn mailbox(field: &'static str, address: &Address) -> Result<Mailbox, BuildError> {
    Mailbox::parse(&address.email, false).map_err(|error| BuildError::Address(field, error))
}

fn header(field: &'static str, address: &Address) -> Result<Header<'static>, BuildError> {
    let mailbox = mailbox(field, address)?;
    let name = address.name.as_deref().map(|name| one_line(name, MAX_NAME)).filter(|name| !name.is_empty());
    Ok(Header::new_address(name, mailbox.to_string()))
}

/// An id that is written exactly as it was given, or not at all.
fn id(field: &'static str, text: &str) -> Result<String, BuildError> {
    thread::written_id(text).filter(|id| id == text).ok_or(BuildError::Id(field))
}

/// Fields that only this room writes.
const RESERVED: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "sender",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "received",
    "return-path",
    "dkim-signature",
];

fn field_name(name: &str, value: &str) -> Result<String, BuildError> {
    let lower = name.to_ascii_lowercase();
    let named = (1..=60).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let free = !RESERVED.contains(&lower.as_str()) && !lower.starts_with("content-");
    let valued = value.len() <= 900 && value.bytes().all(|b| (b' '..=b'~').contains(&b));
    if named && free && valued { Ok(name.to_owned()) } else { Err(BuildError::Field(one_line(name, 80))) }
}

/// Mixed (alternative (text, related (HTML, its images)), files), each level only where it is needed.
fn body(mail: &Outgoing) -> MimePart<'static> {
    let shown = |file: &&File| file.inline && file.content_id.is_some() && mail.html.is_some();
    let mut content = text_part("text/plain", &mail.text);
    if let Some(html) = &mail.html {
        let mut html = text_part("text/html", html);
        let images: Vec<_> = mail.files.iter().filter(shown).map(file_part).collect();
        if !images.is_empty() {
            html = multipart("multipart/related", std::iter::once(html).chain(images).collect());
        }
        content = multipart("multipart/alternative", vec![content, html]);
    }
    let files: Vec<_> = mail.files.iter().filter(|file| !shown(file)).map(file_part).collect();
    if files.is_empty() {
        return content;
    }
    multipart("multipart/mixed", std::iter::once(content).chain(files).collect())
}

fn multipart(kind: &'static str, parts: Vec<MimePart<'static>>) -> MimePart<'static> {
    // A boundary nobody can foresee cannot stand in what somebody wrote.
    let boundary = format!("fd_{}", random::token());
    MimePart::new(ContentType::new(kind).attribute("boundary", boundary), parts)
}

fn text_part(kind: &'static str, text: &str) -> MimePart<'static> {
    MimePart::new(ContentType::new(kind).attribute("charset", "utf-8"), BodyPart::Text(lines(text).into()))
}

/// Text with CRLF line ends and without control characters.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for c in kept {
        if c == '\n' {
            out.push('\r');
        }
        out.push(c);
    }
    if !out.ends_with('\n') {
        out.push_str("\r\n");
    }
    out
}

/// Files are always base64: their bytes arrive as they were.
fn file_part(file: &File) -> MimePart<'static> {
    let kind = file.content_type.to_ascii_lowercase();
    let opaque = !headers::is_type(&kind) || kind.starts_with("multipart/") || kind.starts_with("message/");
    let kind = if opaque { "application/octet-stream".to_owned() } else { kind };
    let name = names::file_name(&file.name).unwrap_or_else(|| names::unnamed(&kind));
    let disposition = if file.inline && file.content_id.is_some() { "inline" } else { "attachment" };
    let mut part =
        MimePart::new(ContentType::new(kind), BodyPart::Binary(BASE64_MIME.encode(&file.bytes).into_bytes().into()))
            .header("Content-Disposition", HeaderType::from(ContentType::new(disposition).attribute("filename", name)));
    if let Some(id) = file.content_id.as_deref().and_then(thread::written_id) {
        part = part.cid(id);
    }
    part.transfer_encoding("base64")
}
