//! Reads a raw mail into plain values. It never fails: what is odd becomes a defect beside the rest.
//!
//! Nothing here is cleaned for display; HTML is as the sender wrote it. See [`super::view`] for that.

use serde::{Deserialize, Serialize};

use super::bounce::{self, Bounce};
use super::headers::{self, Fields, Mime};
use super::scan::{self, Entity, Kind, Refuse, Structure};
use super::{decode, names, text};
use crate::base::text::cut;

/// Grows whenever the same bytes would be read differently, so that stored results can be renewed.
pub const PARSER_VERSION: u16 = 1;
/// Longest text kept, in bytes.
pub const MAX_TEXT: usize = 1024 * 1024;
/// Longest HTML kept, in bytes: one more than the cleaner takes, so that it sees the excess.
pub const MAX_HTML: usize = super::clean::MAX_HTML + 1;

/// A person or machine in a header field. Neither part is proof of anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Display name in one line, at most 256 bytes.
    pub name: Option<String>,
    /// The address as written, at most 320 bytes; empty when there was only a name.
    pub email: String,
}

/// Something that was not as it should be; the codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// Nested too deeply: shown as raw.
    TooDeep,
    /// Too many parts: shown as raw.
    TooManyParts,
    /// Header block too large: shown as raw.
    HeaderTooLarge,
    /// Too many header fields: shown as raw.
    TooManyHeaders,
    /// The parser gave up on this mail: shown as raw.
    ParserPanicked,
    /// More than one From field: the sender must not be believed.
    MultipleFrom,
    /// More than one mailbox in From.
    SeveralAuthors,
    /// No From field.
    NoFrom,
    /// The From field holds no proper address.
    OddFrom,
    /// The Date field is no date of these times.
    OddDate,
    /// A multipart boundary is missing.
    BrokenStructure,
    /// Text in another character set than declared, or in an unknown one.
    BadCharset,
    /// The text was longer than is kept.
    TextCut,
    /// A code of a later version.
    #[serde(other)]
    Unknown,
}

/// Defects for which a mail is shown as raw.
const UNREADABLE: [Defect; 5] =
    [Defect::TooDeep, Defect::TooManyParts, Defect::HeaderTooLarge, Defect::TooManyHeaders, Defect::ParserPanicked];

impl Defect {
    /// Whether a mail with the defect of this code is shown as raw.
    pub fn hides_all(code: &str) -> bool {
        UNREADABLE.iter().any(|defect| defect.code() == code)
    }

    /// The stable snake_case code.
    pub const fn code(self) -> &'static str {
        match self {
            Defect::TooDeep => "too_deep",
            Defect::TooManyParts => "too_many_parts",
            Defect::HeaderTooLarge => "header_too_large",
            Defect::TooManyHeaders => "too_many_headers",
            Defect::ParserPanicked => "parser_panicked",
            Defect::MultipleFrom => "multiple_from",
            Defect::SeveralAuthors => "several_authors",
            Defect::NoFrom => "no_from",
            Defect::OddFrom => "odd_from",
            Defect::OddDate => "odd_date",
            Defect::BrokenStructure => "broken_structure",
            Defect::BadCharset => "bad_charset",
            Defect::TextCut => "text_cut",
            Defect::Unknown => "unknown",
        }
    }
}

impl From<Refuse> for Defect {
    fn from(reason: Refuse) -> Defect {
        match reason {
            Refuse::TooDeep => Defect::TooDeep,
            Refuse::TooManyParts => Defect::TooManyParts,
            Refuse::HeaderTooLarge => Defect::HeaderTooLarge,
            Refuse::TooManyHeaders => Defect::TooManyHeaders,
        }
    }
}

/// What the header says about machines and lists; decides who gets no automatic answer (RFC 3834).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Auto-Submitted with anything but `no`.
    pub auto_submitted: bool,
    /// An answering machine says so: Auto-Submitted: auto-replied, or one of the unofficial ways.
    pub auto_reply: bool,
    /// The sender asks for no automatic answer, or it has anything of a list.
    pub no_auto_reply: bool,
    /// Came through a mailing list.
    pub list: bool,
    /// Offers to unsubscribe, as newsletters do.
    pub unsubscribe: bool,
    /// Precedence bulk, junk or list.
    pub bulk: bool,
    /// A delivery report (RFC 3464).
    pub delivery_report: bool,
}

/// A part that is not the body: a file, an image, an attached mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// Its place in the mail, for [`attachment`]. Not a count: there are gaps.
    pub index: u32,
    /// File name, made harmless; never empty.
    pub name: String,
    /// The declared type, which proves nothing.
    pub content_type: String,
    /// Decoded size in bytes.
    pub size: u64,
    /// Content-ID without brackets.
    pub content_id: Option<String>,
    /// Whether the HTML shows it by its Content-ID.
    pub inline: bool,
    /// Whether it is a whole mail.
    pub is_message: bool,
}

/// A mail as values. Fields added later read as their default from older records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parsed {
    /// [`PARSER_VERSION`] of whoever read it.
    pub version: u16,
    /// Subject in one line, possibly empty.
    pub subject: String,
    /// Authors; the first From field only.
    pub from: Vec<Address>,
    /// Sender field.
    pub sender: Vec<Address>,
    /// Reply-To field.
    pub reply_to: Vec<Address>,
    /// To fields.
    pub to: Vec<Address>,
    /// Cc fields.
    pub cc: Vec<Address>,
    /// The Date field in milliseconds since 1970 UTC, if believable (1990 to 2099).
    pub date_ms: Option<i64>,
    /// Message-ID without brackets.
    pub message_id: Option<String>,
    /// In-Reply-To ids without brackets.
    pub in_reply_to: Vec<String>,
    /// References without brackets, oldest first, at most 100.
    pub references: Vec<String>,
    /// Machines and lists.
    pub marks: Marks,
    /// The body as text with `\n` line ends, made from the HTML when there is no text.
    pub text: String,
    /// The body as the sender's own HTML in UTF-8. Not cleaned: never show it.
    pub html: Option<String>,
    /// Everything that is not the body.
    pub parts: Vec<Part>,
    /// What it reports of another mail's delivery, if it does.
    pub bounce: Option<Bounce>,
    /// What was odd.
    pub defects: Vec<Defect>,
}

impl Parsed {
    /// What is known of a mail on which the parser gave up.
    pub fn panicked() -> Parsed {
        Parsed { version: PARSER_VERSION, defects: vec![Defect::ParserPanicked], ..Parsed::default() }
    }

    /// Ids of what it answers, nearest first: In-Reply-To, then References from the newest.
    pub fn answered_ids(&self) -> Vec<String> {
        self.in_reply_to.iter().chain(self.references.iter().rev()).cloned().collect()
    }

    /// Whether the mail could not be read and is shown as raw.
    pub fn unreadable(&self) -> bool {
        self.defects.iter().any(|defect| UNREADABLE.contains(defect))
    }
}

/// Reads `raw`. Never fails; run it through [`super::parser::Parser`] so that a fault of ours stays harmless.
pub fn parse(raw: &[u8]) -> Parsed {
    match scan::scan(raw) {
        Ok(structure) => read(raw, &structure),
        Err(reason) => refused(raw, reason),
    }
}

/// The decoded bytes of the part at `index`, as they were attached; `None` if there is no such part.
pub fn attachment(raw: &[u8], index: u32) -> Option<Vec<u8>> {
    let mut found = None;
    attachments(raw, &[Part { index, ..Part::default() }], |_, bytes| found = Some(bytes));
    found
}

/// The decoded bytes of those of `parts` that are there, one after another: the mail is looked through once.
pub fn attachments(raw: &[u8], parts: &[Part], mut take: impl FnMut(u32, Vec<u8>)) {
    let Ok(structure) = scan::scan(raw) else { return };
    for part in parts {
        let entity = usize::try_from(part.index).ok().and_then(|index| structure.entities.get(index));
        if let Some(entity) = entity.filter(|entity| entity.kind != Kind::Multipart && !entity.in_message) {
            take(part.index, content(raw, entity));
        }
    }
}

fn content(raw: &[u8], entity: &Entity) -> Vec<u8> {
    entity.mime.transfer.decode(raw.get(entity.body.clone()).unwrap_or_default())
}

fn from_fields(fields: Fields) -> Parsed {
    Parsed {
        version: PARSER_VERSION,
        subject: fields.subject,
        from: fields.from,
        sender: fields.sender,
        reply_to: fields.reply_to,
        to: fields.to,
        cc: fields.cc,
        date_ms: fields.date_ms,
        message_id: fields.message_id,
        in_reply_to: fields.in_reply_to,
        references: fields.references,
        marks: fields.marks,
        defects: fields.defects,
        ..Parsed::default()
    }
}

/// The header as far as the limits go, and the raw bytes as text.
fn refused(raw: &[u8], reason: Refuse) -> Parsed {
    let mut header = Vec::new();
    for line in raw.split_inclusive(|b| *b == b'\n').take(scan::MAX_HEADERS) {
        if line.trim_ascii().is_empty() || header.len() + line.len() > scan::MAX_HEADER_BYTES {
            break;
        }
        header.extend_from_slice(line);
    }
    let mut out = from_fields(headers::fields(&header));
    let shown = raw.get(..raw.len().min(MAX_TEXT / 4)).unwrap_or_default();
    out.text = tidy(&String::from_utf8_lossy(shown));
    out.defects.insert(0, reason.into());
    out
}

fn read(raw: &[u8], structure: &Structure) -> Parsed {
    let header = structure.entities.first().map(|root| root.header.clone()).unwrap_or_default();
    let mut out = from_fields(headers::fields(raw.get(header).unwrap_or_default()));
    out.marks.delivery_report = structure.entities.iter().any(|e| !e.in_message && is_delivery_report(&e.mime));
    if structure.broken {
        out.defects.push(Defect::BrokenStructure);
    }
    let mut reader = Reader { raw, structure, parts: Vec::new(), bad_charset: false };
    let units = reader.units(0);
    out.parts = reader.parts;
    if reader.bad_charset {
        out.defects.push(Defect::BadCharset);
    }
    fill_body(&mut out, &units);
    mark_inline(&mut out);
    out.bounce = bounce::read(raw, structure, &out);
    out
}

fn is_delivery_report(mime: &Mime) -> bool {
    mime.content_type == "multipart/report" && mime.report_type.as_deref() == Some("delivery-status")
}

/// A piece of the body in one or both forms.
#[derive(Default)]
struct Unit {
    text: Option<String>,
    html: Option<String>,
}

struct Reader<'a> {
    raw: &'a [u8],
    structure: &'a Structure,
    parts: Vec<Part>,
    bad_charset: bool,
}

impl Reader<'_> {
    /// The body pieces under `place`; everything else goes to the parts. Recursion is bounded by
    /// [`scan::MAX_LEVEL`].
    fn units(&mut self, place: usize) -> Vec<Unit> {
        let structure = self.structure;
        let Some(entity) = structure.entities.get(place) else { return Vec::new() };
        match entity.kind {
            Kind::Multipart => {
                let inside: Vec<Vec<Unit>> = structure.children(place).map(|(child, _)| self.units(child)).collect();
                match entity.mime.content_type.as_str() {
                    "multipart/alternative" => alternative(inside).into_iter().collect(),
                    _ => inside.into_iter().flatten().collect(),
                }
            }
            Kind::Leaf if is_body(entity) => vec![self.body(entity)],
            _ => {
                self.part(place, entity);
                Vec::new()
            }
        }
    }

    fn body(&mut self, entity: &Entity) -> Unit {
        let (found, wrong) = decode::to_text(&content(self.raw, entity), entity.mime.charset.as_deref());
        self.bad_charset |= wrong;
        if entity.mime.content_type == "text/html" {
            return Unit { text: None, html: Some(found) };
        }
        let found = if entity.mime.flowed { decode::unflow(&found, entity.mime.delete_space) } else { found };
        Unit { text: Some(tidy(&found)), html: None }
    }

    fn part(&mut self, place: usize, entity: &Entity) {
        let mime = &entity.mime;
        let size = content(self.raw, entity).len();
        self.parts.push(Part {
            index: u32::try_from(place).unwrap_or(u32::MAX),
            name: mime.name.clone().unwrap_or_else(|| names::unnamed(&mime.content_type)),
            content_type: mime.content_type.clone(),
            size: u64::try_from(size).unwrap_or(u64::MAX),
            content_id: mime.content_id.clone(),
            inline: false,
            is_message: mime.is_message(),
        });
    }
}

/// Whether a leaf is text to be read in place. A lone text is the body whatever its name.
fn is_body(entity: &Entity) -> bool {
    let mime = &entity.mime;
    let broken_container = mime.content_type.starts_with("multipart/");
    let is_text = matches!(mime.content_type.as_str(), "text/plain" | "text/html") || broken_container;
    is_text && !mime.attachment && (mime.name.is_none() || entity.level == 0)
}

/// Of several forms of the same content: the first that is only text, and the last that has HTML.
fn alternative(inside: Vec<Vec<Unit>>) -> Option<Unit> {
    let mut out = Unit::default();
    for units in inside.into_iter().filter(|units| !units.is_empty()) {
        if units.iter().any(|unit| unit.html.is_some()) {
            out.html = Some(units.iter().map(unit_html).collect());
        } else if out.text.is_none() {
            out.text = Some(units.into_iter().filter_map(|unit| unit.text).collect::<Vec<_>>().join("\n"));
        }
    }
    (out.text.is_some() || out.html.is_some()).then_some(out)
}

fn unit_html(unit: &Unit) -> String {
    match (&unit.html, &unit.text) {
        (Some(html), _) => html.clone(),
        (None, Some(plain)) => text::html_from_text(plain),
        (None, None) => String::new(),
    }
}

fn fill_body(out: &mut Parsed, units: &[Unit]) {
    let plain = units.iter().map(|unit| match (&unit.text, &unit.html) {
        // A text form that says nothing, as some senders add, must not hide the HTML.
        (Some(plain), Some(html)) if plain.trim().is_empty() => tidy(&text::text_from_html(html)),
        (Some(plain), _) => plain.clone(),
        (None, Some(html)) => tidy(&text::text_from_html(html)),
        (None, None) => String::new(),
    });
    let joined = plain.collect::<Vec<_>>().join("\n");
    if joined.len() > MAX_TEXT {
        out.defects.push(Defect::TextCut);
    }
    out.text = cut(&joined, MAX_TEXT).to_owned();
    if units.iter().any(|unit| unit.html.is_some()) {
        let html: String = units.iter().map(unit_html).collect();
        out.html = Some(cut(&html, MAX_HTML).to_owned());
    }
}

/// Text with `\n` line ends and without control characters.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Marks the parts that the HTML shows by Content-ID (RFC 2392).
fn mark_inline(out: &mut Parsed) {
    let Some(html) = &out.html else { return };
    let used = super::clean::cids(html);
    for part in &mut out.parts {
        part.inline = part.content_id.as_deref().is_some_and(|id| used.contains(id));
    }
}
