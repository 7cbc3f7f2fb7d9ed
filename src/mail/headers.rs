//! Header fields of a mail and of its parts, as bounded plain values.
//!
//! Everything here was written by a stranger: controls and hidden characters are dropped, lengths
//! and counts are capped, odd values become defects and never errors.

use std::borrow::Cow;

use mail_parser::{Addr, DateTime, Header, HeaderName, HeaderValue, MessageParser, MimeHeaders};

use super::address::Mailbox;
use super::decode::{self, Transfer};
use super::names;
use super::parse::{Address, Defect, Marks};
use super::scan::Kind;
use super::thread;
use crate::base::Timestamp;
use crate::base::text::{is_hidden, one_line};

const MAX_SUBJECT: usize = 998;
const MAX_NAME: usize = 256;
const MAX_EMAIL: usize = 320;
const MAX_ADDRESSES: usize = 1_000;
const MAX_REFERENCES: usize = 100;
/// 2100-01-01, from where on a date is not believed.
const LATEST_MAIL: i64 = 4_102_444_800_000;

/// The MIME fields of one part (RFC 2045, 2183, 2387, 3676).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mime {
    /// Declared type in lower case, `text/plain` when none is declared.
    pub(super) content_type: String,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<String>,
    pub(super) transfer: Transfer,
    /// File name, already made harmless.
    pub(super) name: Option<String>,
    pub(super) attachment: bool,
    pub(super) content_id: Option<String>,
    pub(super) flowed: bool,
    pub(super) delete_space: bool,
    pub(super) report_type: Option<String>,
}

impl Mime {
    /// What the part is to the structure; an encoded mail is opaque and so a leaf.
    pub(super) fn kind(&self) -> Kind {
        match self.content_type.as_str() {
            kind if kind.starts_with("multipart/") && self.boundary.is_some() => Kind::Multipart,
            _ if self.is_message() && self.transfer == Transfer::Identity => Kind::Message,
            _ => Kind::Leaf,
        }
    }

    /// Whether the part is a whole mail.
    pub(super) fn is_message(&self) -> bool {
        matches!(self.content_type.as_str(), "message/rfc822" | "message/global")
    }
}

/// The fields of a mail that everybody reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub(super) subject: String,
    pub(super) from: Vec<Address>,
    pub(super) sender: Vec<Address>,
    pub(super) reply_to: Vec<Address>,
    pub(super) to: Vec<Address>,
    pub(super) cc: Vec<Address>,
    pub(super) date_ms: Option<i64>,
    pub(super) message_id: Option<String>,
    pub(super) in_reply_to: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) marks: Marks,
    pub(super) defects: Vec<Defect>,
}

/// Reads the MIME fields of one header block; in a digest a part is a mail unless it says otherwise.
pub(super) fn mime(block: &[u8], in_digest: bool) -> Mime {
    let default = if in_digest { "message/rfc822" } else { "text/plain" };
    let mut out = Mime { content_type: default.into(), ..Mime::default() };
    let block = readable(block);
    let Some(message) = MessageParser::new().parse_headers(&block) else { return out };
    let Some(part) = message.parts.first() else { return out };
    let mut name = None;
    if let Some(declared) = part.content_type() {
        let attribute = |key| declared.attribute(key).map(|value| one_line(value, MAX_NAME));
        let subtype = declared.subtype().unwrap_or_default();
        let full = one_line(&format!("{}/{subtype}", declared.ctype()).to_ascii_lowercase(), 127);
        if is_type(&full) {
            out.content_type = full;
        } else {
            // What is no type is text (RFC 2045 section 5.2), unless it was clearly meant as a file.
            let file = ["application", "image", "audio", "video", "font", "model"]
                .contains(&&*declared.ctype().to_ascii_lowercase());
            out.content_type = if file { "application/octet-stream" } else { "text/plain" }.into();
        }
        out.charset = attribute("charset");
        out.boundary = declared.attribute("boundary").filter(|b| !b.trim().is_empty()).map(str::to_owned);
        out.flowed = attribute("format").is_some_and(|value| value.eq_ignore_ascii_case("flowed"));
        out.delete_space = attribute("delsp").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        out.report_type = attribute("report-type").map(|value| value.to_ascii_lowercase());
        name = declared.attribute("name").map(str::to_owned);
    }
    if let Some(disposition) = part.content_disposition() {
        out.attachment = disposition.is_attachment();
        name = disposition.attribute("filename").map(str::to_owned).or(name);
    }
    out.name = name.as_deref().and_then(names::file_name);
    out.transfer = part.content_transfer_encoding().map(Transfer::of).unwrap_or_default();
    out.content_id = part.content_id().and_then(thread::normalise_id);
    out
}

/// `type/subtype` in the tokens of RFC 2045, so that it can be shown and compared.
pub(super) fn is_type(text: &str) -> bool {
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    text.len() <= 127 && text.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
}

/// Reads the fields of the mail's own header block.
pub(super) fn fields(block: &[u8]) -> Fields {
    let mut out = Fields::default();
    let block = readable(block);
    if let Some(message) = MessageParser::new().parse_headers(&block)
        && let Some(part) = message.parts.first()
    {
        let mut from_fields = 0;
        for header in &part.headers {
            from_fields += usize::from(header.name == HeaderName::From);
            out.take(header);
        }
        if from_fields > 1 {
            out.defects.push(Defect::MultipleFrom);
        }
    }
    out.judge_sender();
    out
}

impl Fields {
    /// The first field of a kind counts, so that one appended below cannot replace it.
    fn take(&mut self, header: &Header<'_>) {
        let value = &header.value;
        match &header.name {
            HeaderName::Subject if self.subject.is_empty() => {
                self.subject = one_line(value.as_text().unwrap_or_default(), MAX_SUBJECT);
            }
            HeaderName::From if self.from.is_empty() => self.from = addresses(value),
            HeaderName::Sender if self.sender.is_empty() => self.sender = addresses(value),
            HeaderName::ReplyTo if self.reply_to.is_empty() => self.reply_to = addresses(value),
            HeaderName::To => append(&mut self.to, addresses(value)),
            HeaderName::Cc => append(&mut self.cc, addresses(value)),
            HeaderName::Date if self.date_ms.is_none() => match value.as_datetime().and_then(date_millis) {
                Some(millis) => self.date_ms = Some(millis),
                None => self.defects.push(Defect::OddDate),
            },
            HeaderName::MessageId if self.message_id.is_none() => self.message_id = ids(value).into_iter().next(),
            HeaderName::InReplyTo if self.in_reply_to.is_empty() => self.in_reply_to = ids(value),
            HeaderName::References if self.references.is_empty() => self.references = ids(value),
            _ => self.mark(header),
        }
    }

    /// What RFC 3834, RFC 2919, RFC 2369 and habit say about machines and lists.
    fn mark(&mut self, header: &Header<'_>) {
        let value = header.value.as_text().unwrap_or_default().trim().to_ascii_lowercase();
        match header.name.as_str().to_ascii_lowercase().as_str() {
            "auto-submitted" => {
                self.marks.auto_submitted |= !value.starts_with("no");
                self.marks.auto_reply |= value.starts_with("auto-replied");
            }
            "precedence" => {
                self.marks.bulk |= matches!(value.as_str(), "bulk" | "junk" | "list");
                self.marks.auto_reply |= matches!(value.as_str(), "auto_reply" | "auto-reply");
            }
            // The last is what Exchange writes on what its rules answer.
            "x-autoreply" | "x-autorespond" | "x-auto-reply-from" | "x-ms-exchange-generated-message-source" => {
                self.marks.auto_reply = true;
            }
            "x-auto-response-suppress" => {
                let names = |name: &str| matches!(name.trim(), "all" | "oof" | "autoreply");
                self.marks.no_auto_reply |= value.split([',', ';']).any(names);
            }
            "list-id" | "list-post" | "mailing-list" | "x-mailing-list" => self.marks.list = true,
            "list-unsubscribe" | "feedback-id" => self.marks.unsubscribe = true,
            name if name.starts_with("list-") => self.marks.no_auto_reply = true,
            _ => {}
        }
    }

    /// Notes a sender that other readers of the same mail may understand differently.
    fn judge_sender(&mut self) {
        match self.from.as_slice() {
            [] => self.defects.push(Defect::NoFrom),
            [only] if Mailbox::parse(&only.email, true).is_err() => self.defects.push(Defect::OddFrom),
            [_] => {}
            _ => self.defects.push(Defect::SeveralAuthors),
        }
    }
}

fn append(list: &mut Vec<Address>, more: Vec<Address>) {
    let room = MAX_ADDRESSES.saturating_sub(list.len());
    list.extend(more.into_iter().take(room));
}

fn addresses(value: &HeaderValue<'_>) -> Vec<Address> {
    let Some(found) = value.as_address() else { return Vec::new() };
    found.iter().filter_map(address).take(MAX_ADDRESSES).collect()
}

fn address(found: &Addr<'_>) -> Option<Address> {
    let clean = |c: &char| !c.is_whitespace() && !c.is_control() && !is_hidden(*c);
    let email: String = found.address().unwrap_or_default().chars().filter(clean).collect();
    let email = crate::base::text::cut(&email, MAX_EMAIL).to_owned();
    let name = found.name().map(|name| one_line(name, MAX_NAME)).filter(|name| !name.is_empty());
    (name.is_some() || !email.is_empty()).then_some(Address { name, email })
}

/// A date somebody can have meant: a real calendar date from 1990 to 2099.
fn date_millis(date: &DateTime) -> Option<i64> {
    let plausible = date.is_valid() && date.tz_hour <= 14 && date.tz_minute <= 59;
    let millis = date.to_timestamp().checked_mul(1000)?;
    (plausible && (Timestamp::EARLIEST_MAIL.millis()..LATEST_MAIL).contains(&millis)).then_some(millis)
}

/// Message ids in order, at most a hundred: of a longer list the first and the last ones.
fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let mut found: Vec<String> =
        value.as_text_list().unwrap_or_default().iter().filter_map(|id| thread::normalise_id(id)).collect();
    if found.len() > MAX_REFERENCES {
        found.drain(1..found.len() - MAX_REFERENCES + 1);
    }
    found
}

/// The block as UTF-8 with a blank line at its end, lines in other character sets converted by guess.
fn readable(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.len() + 4);
    for line in block.split_inclusive(|b| *b == b'\n') {
        let line = match std::str::from_utf8(line) {
            Ok(_) => Cow::Borrowed(line),
            Err(_) => Cow::Owned(decode::guess(line).into_bytes()),
        };
        out.extend_from_slice(&line);
    }
    out.extend_from_slice(b"\r\n\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_from_counts_and_a_second_is_noted() {
        let found = fields(b"From: A <a@one.example>\r\nFrom: b@two.example\r\nSubject: x\r\n");
        assert_eq!(found.from, [Address { name: Some("A".into()), email: "a@one.example".into() }]);
        assert_eq!(found.defects, [Defect::MultipleFrom]);
    }

    #[test]
    fn encoded_words_cannot_hide_line_ends_or_markup_order() {
        let found = fields(
            b"From: =?utf-8?b?RXZhDQpCY2M6IHhAeQAA4oCuISE=?= <eva@x.example>\r\nSubject: =?utf-8?q?a=0D=0AX:_b?=\r\n",
        );
        assert_eq!(found.from[0].name.as_deref(), Some("Eva Bcc: x@y !!"));
        assert_eq!(found.subject, "a X: b");
    }

    #[test]
    fn dates_nobody_meant_are_not_believed() {
        for date in ["1 Jan 9999 00:00 +0000", "1 Jan 1969 00:00:00 +0000", "soon", "99 Foo 99999 99:99:99 +1400"] {
            let found = fields(format!("From: a@x.example\r\nDate: {date}\r\n").as_bytes());
            assert_eq!((found.date_ms, found.defects), (None, vec![Defect::OddDate]), "{date}");
        }
        let found = fields(b"From: a@x.example\r\nDate: Tue, 14 Nov 2023 23:13:20 +0100\r\n");
        assert_eq!(found.date_ms, Some(1_700_000_000_000));
    }

    #[test]
    fn hostile_fields_cost_little() {
        let started = crate::mail::tests::cost::Meter::start();
        for piece in ["=?utf-8?q?", "=?", "(", "\"", "<", "a;", ",", ":;", "=?utf-8?b?=?=", "*0*=;", "\\"] {
            for name in ["Subject", "From", "Date", "Content-Type", "References", "Received", "Content-Disposition"] {
                let block = format!("{name}: {}\r\n", piece.repeat(250_000 / piece.len()));
                fields(block.as_bytes());
                mime(block.as_bytes(), false);
            }
        }
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn machines_and_lists_are_marked() {
        let marks = |block: &str| fields(block.as_bytes()).marks;
        assert!(marks("Auto-Submitted: auto-replied (vacation)\r\n").auto_submitted);
        assert!(!marks("Auto-Submitted: no\r\n").auto_submitted);
        assert!(marks("Precedence: BULK\r\n").bulk && marks("List-Id: <x.example>\r\n").list);
        for (value, asks) in
            [("All", true), ("DR, OOF", true), ("AutoReply", true), ("DR, NDR, RN", false), ("None", false)]
        {
            assert_eq!(marks(&format!("X-Auto-Response-Suppress: {value}\r\n")).no_auto_reply, asks, "{value}");
        }
        assert!(marks("List-Help: <mailto:h@x.example>\r\n").no_auto_reply);
        assert!(marks("Auto-Submitted: auto-replied\r\n").auto_reply);
        assert!(!marks("Auto-Submitted: auto-generated\r\n").auto_reply, "a person may have written to that machine");
        assert!(marks("X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\r\n").auto_reply);
        assert!(marks("Precedence: auto_reply\r\n").auto_reply);
    }

    #[test]
    fn a_raw_header_in_another_character_set_is_read() {
        assert_eq!(fields(b"Subject: Zam\xf3wienie w\xb3a\xb6nie\r\n").subject, "Zamówienie właśnie");
    }
}
