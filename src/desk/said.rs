//! What a mail says, made into a message: of mail that comes in and of mail that is imported.

use std::collections::BTreeMap;

use super::reading::MAX_ATTACHMENTS;
use super::{Act, Result, events, words};
use crate::base::Timestamp;
use crate::domain::attachment::Source;
use crate::domain::{Attachment, AttachmentId, BlobId, Conversation, Kind, Message, Person};
use crate::mail::parse::{Address, PARSER_VERSION, Parsed};
use crate::store::Writer;

/// Recipients kept of one header.
pub(super) const MAX_PEOPLE: usize = 200;

/// Whom a mail is from: the first mailbox in From, else the envelope's sender, else nobody.
pub(super) fn sender_of(parsed: &Parsed, mail_from: Option<&str>) -> Person {
    let from = parsed.from.iter().find(|address| !address.email.is_empty()).or(parsed.from.first());
    let name = from.and_then(|address| address.name.clone());
    let email = from.map(|address| address.email.clone()).filter(|email| !email.is_empty());
    let email = email.or_else(|| mail_from.map(String::from)).unwrap_or_else(|| String::from("unknown"));
    Person { name, email }
}

/// The people of one header.
pub(super) fn people(addresses: &[Address]) -> Vec<Person> {
    let person = |address: &Address| Person { name: address.name.clone(), email: address.email.clone() };
    addresses.iter().take(MAX_PEOPLE).map(person).collect()
}

/// Whether any part is a file rather than a picture inside the text.
pub(super) fn message_has_files(parsed: &Parsed) -> bool {
    parsed.parts.iter().any(|part| !part.inline)
}

/// What a mail says, with where its bytes lie.
pub(super) struct Said<'a> {
    pub(super) parsed: &'a Parsed,
    pub(super) sender: &'a Person,
    pub(super) raw: BlobId,
    /// The lines the receiver put in front.
    pub(super) trace: Option<&'a str>,
    pub(super) body: BlobId,
    /// Bytes of their own that parts have, by index.
    pub(super) files: BTreeMap<u32, BlobId>,
}

impl Said<'_> {
    /// The message, with its files stored, and itself not yet.
    pub(super) fn message(
        &self,
        writer: &mut Writer<'_>,
        act: Act,
        conversation: &Conversation,
        kind: Kind,
    ) -> Result<Message> {
        let parsed = self.parsed;
        let mut message = events::blank(writer, act, conversation, kind)?;
        message.from = Some(self.sender.clone());
        message.to = people(&parsed.to);
        message.cc = people(&parsed.cc);
        message.reply_to = people(&parsed.reply_to);
        message.date = parsed.date_ms.map(Timestamp);
        message.subject = Some(words::subject(&parsed.subject));
        message.message_id.clone_from(&parsed.message_id);
        message.raw = Some(self.raw);
        message.trace = self.trace.map(String::from);
        message.body = Some(self.body);
        message.parser_version = PARSER_VERSION;
        message.defects = parsed.defects.iter().map(|defect| String::from(defect.code())).collect();
        for part in parsed.parts.iter().take(MAX_ATTACHMENTS) {
            let file = Attachment {
                id: AttachmentId(writer.next_id::<Attachment>()?),
                message: Some(message.id),
                uploader: None,
                name: part.name.clone(),
                media_type: part.content_type.clone(),
                size: part.size,
                content_id: part.content_id.clone(),
                inline: part.inline,
                source: self.source(part.index),
                created_at: act.at,
            };
            writer.put(&file)?;
            message.attachments.push(file.id);
        }
        Ok(message)
    }

    fn source(&self, index: u32) -> Source {
        let part = Source::Part { raw: self.raw, index };
        self.files.get(&index).map_or(part, |blob| Source::Blob(*blob))
    }
}
