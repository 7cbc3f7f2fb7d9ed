//! Writing a contact's mail as their mail program would, quoted history included.

use super::content::{self, Conversation, Message};
use crate::base::{Timestamp, random};
use crate::domain::Person;
use crate::mail::build::{File, Outgoing, build};
use crate::mail::parse::Address;
use crate::mail::text;

/// What the mail before said, for the quotation under an answer.
pub(super) struct Before {
    /// Who wrote it.
    pub(super) who: String,
    /// When.
    pub(super) at: Timestamp,
    /// What.
    pub(super) text: String,
}

/// The mail a contact sends.
pub(super) fn letter(
    conversation: &Conversation,
    message: &Message,
    to: String,
    at: Timestamp,
    answers: Option<&str>,
    before: Option<&Before>,
) -> anyhow::Result<Vec<u8>> {
    let html = match &message.html {
        Some(name) => Some(content::text(&format!("html/{name}"))?),
        None => None,
    };
    let (words, html) = match (&message.quote, before) {
        (Some(style), Some(before)) => quoted(style, &message.text, before),
        _ => (message.text.clone(), html),
    };
    let subject = match answers {
        Some(_) => crate::desk::words::reply_subject(&conversation.subject),
        None => conversation.subject.clone(),
    };
    let domain = conversation.contact.email.rsplit_once('@').map_or("mail.example", |(_, domain)| domain);
    let mut recipients = vec![Address { name: None, email: to }];
    recipients.extend(message.to.iter().map(address));
    let outgoing = Outgoing {
        from: address(&conversation.contact),
        to: recipients,
        cc: message.cc.iter().map(address).collect(),
        subject,
        text: words,
        html,
        files: message.attachments.iter().map(|name| file(name)).collect::<anyhow::Result<_>>()?,
        message_id: format!("{}@{domain}", random::token()),
        in_reply_to: answers.map(String::from),
        references: answers.map(String::from).into_iter().collect(),
        date_ms: at.millis(),
        ..Outgoing::default()
    };
    build(&outgoing).map_err(|error| anyhow::anyhow!("{}: {error}", conversation.subject))
}

fn address(person: &Person) -> Address {
    Address { name: person.name.clone(), email: person.email.clone() }
}

/// A file of the demo, for a mail or an upload.
pub(super) fn file(name: &str) -> anyhow::Result<File> {
    let content_type = mime_guess::from_path(name).first_or_octet_stream().to_string();
    let bytes = content::bytes(&format!("files/{name}"))?;
    Ok(File { name: String::from(name), content_type, bytes, content_id: None, inline: false })
}

/// The words with the mail before under them, as four mail programs quote it.
fn quoted(style: &str, words: &str, before: &Before) -> (String, Option<String>) {
    let when = before.at.rfc3339();
    let day = when.get(..10).unwrap_or_default();
    let time = when.get(11..16).unwrap_or_default();
    let arrows: String = before.text.lines().map(|line| format!("> {line}\n")).collect();
    let new = text::html_from_text(words);
    let old = text::html_from_text(&before.text);
    let who = &before.who;
    match style {
        "outlook" => {
            let header = format!("From: {who}\nSent: {day} {time}\nSubject: Re");
            let html = format!(
                "<div>{new}</div><div id=\"divRplyFwdMsg\"><hr><b>From:</b> {who}<br><b>Sent:</b> {day} {time}</div><div>{old}</div>"
            );
            (format!("{words}\n\n________________________________\n{header}\n\n{}\n", before.text), Some(html))
        }
        "gmail" => {
            let html = format!(
                "<div dir=\"ltr\">{new}</div><br><div class=\"gmail_quote\"><div class=\"gmail_attr\">On {day} at {time} {who} wrote:</div><blockquote class=\"gmail_quote\">{old}</blockquote></div>"
            );
            (format!("{words}\n\nOn {day} at {time} {who} wrote:\n\n{arrows}"), Some(html))
        }
        "apple" => {
            let html = format!(
                "<div>{new}</div><div><br><blockquote type=\"cite\"><div>On {day}, at {time}, {who} wrote:</div><br>{old}</blockquote></div>"
            );
            (format!("{words}\n\n> On {day}, at {time}, {who} wrote:\n>\n{arrows}"), Some(html))
        }
        _ => (format!("{words}\n\nW dniu {day} o {time}, {who} pisze:\n{arrows}"), None),
    }
}
