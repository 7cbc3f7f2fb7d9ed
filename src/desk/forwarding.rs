//! Passing a message on to somebody else, with a note above it.
//!
//! Who gets it is not let into the conversation. The mail has a Message-ID of its own making and no reply address, so
//! the conversation's token stays here, and its recipients do not take part: what they answer finds our mail by
//! In-Reply-To, comes from somebody who does not take part, and so begins a conversation of its own beside this one.
//! They see what was passed on and nothing that is said here before or after.

use super::replies::{MAX_FILES, MAX_FILES_BYTES, NewMessage};
use super::writing::Words;
use super::{Act, Desk, Error, Result, Who, words};
use crate::base::text::one_line;
use crate::domain::draft::Forward;
use crate::domain::message::Body;
use crate::domain::{Attachment, AttachmentId, Conversation, ConversationId, Kind, Message, MessageId, Person};
use crate::mail::build::File;
use crate::mail::{clean, text, thread};
use crate::store::{Reader, Rows, Writer};

/// The words above what is passed on: title, From, Date, Subject, To, Cc.
const ENGLISH: [&str; 6] = ["Forwarded message", "From", "Date", "Subject", "To", "Cc"];
const POLISH: [&str; 6] = ["Przekazana wiadomość", "Od", "Data", "Temat", "Do", "DW"];

/// Most people named in a line above what is passed on.
const MAX_NAMED: usize = 100;

/// A message that is passed on.
pub(super) struct PassedOn {
    message: Message,
    body: Body,
    /// Files that go along.
    pub(super) files: Vec<Attachment>,
}

/// The message to be passed on, and those of its files that were chosen.
///
/// # Errors
/// [`Error::Invalid`] unless it is a mail of this very conversation, and the files are its own.
pub(super) fn original(
    rows: &impl Rows,
    conversation: ConversationId,
    forward: &Forward,
) -> Result<(Message, Vec<AttachmentId>)> {
    let found: Option<Message> = rows.find(forward.of)?;
    let mail = |message: &Message| matches!(message.kind, Kind::Inbound | Kind::Outbound) && !message.taken_back();
    let message = found.filter(|message| message.conversation == conversation && mail(message));
    let message = message.ok_or(Error::invalid("forward_of", "unknown"))?;
    let Some(chosen) = &forward.files else {
        let all = message.attachments.clone();
        return Ok((message, all));
    };
    if chosen.iter().any(|id| !message.attachments.contains(id)) {
        return Err(Error::invalid("forward_files", "unknown"));
    }
    let files = message.attachments.iter().copied().filter(|id| chosen.contains(id)).collect();
    Ok((message, files))
}

impl Desk {
    /// What a new message passes on, if it does.
    pub(super) fn passed_on(
        &self,
        rows: &Reader,
        conversation: &Conversation,
        new: &NewMessage,
    ) -> Result<Option<PassedOn>> {
        let Some(forward) = &new.forward else { return Ok(None) };
        let (message, ids) = original(rows, conversation.id, forward)?;
        let body = self.body(rows, &message)?;
        let shown = clean::cids(body.html.as_deref().filter(|_| !new.plain).unwrap_or_default());
        let mut files = Vec::new();
        for id in ids {
            let mut file: Attachment = rows.get(id)?;
            let written = |id: &&String| thread::written_id(id).as_ref() == Some(*id) && shown.contains(*id);
            file.inline = file.inline && file.content_id.as_ref().filter(written).is_some();
            files.push(file);
        }
        Ok(Some(PassedOn { message, body, files }))
    }

    /// The bytes of what goes along, beside the files of the letter's own.
    pub(super) async fn files_passed_on(&self, rows: &Reader, on: &PassedOn, own: &[File]) -> Result<Vec<File>> {
        let size = |file: &File| u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
        let total = on.files.iter().map(|file| file.size).chain(own.iter().map(size)).sum::<u64>();
        if total > MAX_FILES_BYTES {
            return Err(Error::TooLarge);
        }
        if on.files.len() + own.len() > MAX_FILES {
            return Err(Error::invalid("attachments", "too_many"));
        }
        let mut files = Vec::new();
        for file in &on.files {
            let bytes = self.open_attachment(rows, file)?.into_reader().await?.into_bytes()?;
            let Attachment { name, media_type, content_id, inline, .. } = file.clone();
            files.push(File { name, content_type: media_type, bytes, content_id, inline });
        }
        Ok(files)
    }
}

impl PassedOn {
    /// `Fwd: ` and the subject of what is passed on.
    pub(super) fn subject(&self) -> String {
        words::forward_subject(self.message.subject.as_deref().unwrap_or_default())
    }

    /// The note with the message under it. HTML is cleaned here, and loses what would call another server.
    pub(super) fn under(&self, note: Words, who: &Who) -> Words {
        let head = self.head(&who.agent.language);
        let text = format!("{}\n\n{head}\n\n{}", note.text.trim_end(), self.body.text.trim_start_matches('\n'));
        let html = note.html.map(|note| {
            let pictures: Vec<String> =
                self.files.iter().filter(|file| file.inline).filter_map(|file| file.content_id.clone()).collect();
            let original = self.body.html.as_deref().and_then(|html| clean::clean_words(html, &pictures).ok());
            let original = original.unwrap_or_else(|| text::html_from_text(&self.body.text));
            format!("{note}{}<div>{original}</div>", text::html_from_text(&head))
        });
        Words { text: text.trim_start().to_owned(), html }
    }

    fn head(&self, language: &str) -> String {
        let [title, from, date, subject, to, cc] = if language == "pl" { POLISH } else { ENGLISH };
        let Message { date: dated, at, .. } = self.message;
        let moment = dated.unwrap_or(at).rfc3339();
        let moment = moment.get(..16).unwrap_or_default().replace('T', " ");
        let line = |name: &str, value: String| (!value.is_empty()).then(|| format!("{name}: {value}"));
        let lines = [
            Some(format!("---------- {title} ----------")),
            line(from, people(self.message.from.as_slice())),
            line(date, format!("{moment} UTC")),
            line(subject, words::subject(self.message.subject.as_deref().unwrap_or_default())),
            line(to, people(&self.message.to)),
            line(cc, people(&self.message.cc)),
        ];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// Names and addresses in one line. Hidden copies are never among them.
fn people(list: &[Person]) -> String {
    let one = |person: &Person| match person.name.as_deref().map(|name| one_line(name, 200)) {
        Some(name) if !name.is_empty() => format!("{name} <{}>", person.email),
        _ => person.email.clone(),
    };
    list.iter().take(MAX_NAMED).map(one).collect::<Vec<_>>().join(", ")
}

/// Copies the files that go along to the message they now also belong to; their bytes are shared.
pub(super) fn copy(
    writer: &mut Writer<'_>,
    act: Act,
    files: &[Attachment],
    message: MessageId,
) -> Result<Vec<AttachmentId>> {
    let mut copies = Vec::new();
    for file in files {
        // It may have gone with its message while the mail was built.
        if writer.find::<Attachment>(file.id)?.is_none() {
            return Err(Error::invalid("forward_of", "unknown"));
        }
        let id = AttachmentId(writer.next_id::<Attachment>()?);
        let copy = Attachment { id, message: Some(message), uploader: None, created_at: act.at, ..file.clone() };
        writer.put(&copy)?;
        copies.push(id);
    }
    Ok(copies)
}
