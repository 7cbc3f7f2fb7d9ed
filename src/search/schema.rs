//! The index's fields, and how a [`Document`] becomes one of tantivy's.
//!
//! Nothing is stored: the index answers with ids and times, texts stay in the store. Words are cut
//! and stemmed once, here; tantivy gets a list of terms, one a line.

use std::collections::HashSet;

use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{IndexSettings, IndexSortByField, Order, TantivyDocument};

use super::analyze::{Lexicon, words};
use super::document::{Document, Kind, Place, State};
use crate::base::text::{cut, one_line};

/// Raised with every change to the fields, the analysis or the sort order: an index of another
/// version is rebuilt.
pub(super) const VERSION: u32 = 1;

/// How much of a body is indexed, bytes.
const MAX_BODY_BYTES: usize = 512 * 1024;
/// How much of every other text is indexed, bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// How much of a tag counts, bytes.
const MAX_TAG_BYTES: usize = 200;
/// Beginnings of words up to this many characters are indexed, so that the first letters typed are
/// one term each, not thousands.
pub(super) const START_CHARS: usize = 3;
/// Positions left between two texts of a message, so that no phrase spans them.
const GAP: usize = 100;
/// The name of the tokenizer that reads one term a line.
const LINES: &str = "lines";

/// The terms of the field [`Fields::flag`].
pub(super) mod flag {
    /// The message has an attachment.
    pub(in crate::search) const ATTACHMENT: &str = "attachment";
    /// The conversation has an assignee.
    pub(in crate::search) const ASSIGNED: &str = "assigned";
}

/// Handles to the fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The message's id, to delete it.
    pub(super) message: Field,
    /// The conversation's id, to delete its documents.
    pub(super) conversation: Field,
    /// Milliseconds since 1970; the segments are sorted by it, newest first.
    pub(super) at: Field,
    /// The inbox's id.
    pub(super) inbox: Field,
    /// The assigned agent's id.
    pub(super) assignee: Field,
    /// State, place, kind and the like, one word each.
    pub(super) flag: Field,
    /// Whole tags, folded.
    pub(super) tag: Field,
    /// Every word of every text, folded, with positions.
    pub(super) text: Field,
    /// The stems of the same words.
    pub(super) stem: Field,
    /// The first one, two and three characters of the same words.
    pub(super) start: Field,
    /// Senders, folded, with positions.
    pub(super) from: Field,
    /// Recipients, folded, with positions.
    pub(super) to: Field,
    /// Both subjects, folded, with positions.
    pub(super) subject: Field,
    /// The stems of the subjects' words.
    pub(super) subject_stem: Field,
}

impl Fields {
    /// The schema and the handles to its fields.
    pub(super) fn build() -> (Schema, Fields) {
        let mut schema = Schema::builder();
        let id = NumericOptions::default().set_indexed().set_fast();
        let plain = NumericOptions::default().set_indexed();
        let fields = Fields {
            message: schema.add_u64_field("message", id.clone()),
            conversation: schema.add_u64_field("conversation", id),
            at: schema.add_i64_field("at", NumericOptions::default().set_fast()),
            inbox: schema.add_u64_field("inbox", plain.clone()),
            assignee: schema.add_u64_field("assignee", plain),
            flag: terms(&mut schema, "flag", IndexRecordOption::Basic),
            tag: terms(&mut schema, "tag", IndexRecordOption::Basic),
            text: terms(&mut schema, "text", IndexRecordOption::WithFreqsAndPositions),
            stem: terms(&mut schema, "stem", IndexRecordOption::Basic),
            start: terms(&mut schema, "start", IndexRecordOption::Basic),
            from: terms(&mut schema, "from", IndexRecordOption::WithFreqsAndPositions),
            to: terms(&mut schema, "to", IndexRecordOption::WithFreqsAndPositions),
            subject: terms(&mut schema, "subject", IndexRecordOption::WithFreqsAndPositions),
            subject_stem: terms(&mut schema, "subject_stem", IndexRecordOption::Basic),
        };
        (schema.build(), fields)
    }

    /// The index's settings: sorted newest first.
    pub(super) fn settings() -> IndexSettings {
        IndexSettings {
            sort_by_field: Some(IndexSortByField { field: "at".to_owned(), order: Order::Desc }),
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        }
    }

    /// Makes the tokenizer of these fields known to `index`.
    pub(super) fn register(index: &tantivy::Index) {
        index.tokenizers().register(LINES, Lines::default());
    }

    /// `document` as tantivy takes it.
    pub(super) fn document(&self, document: &Document, lexicon: &mut Lexicon) -> TantivyDocument {
        #[cfg(test)]
        if document.subject == super::tests::PANICS {
            std::panic::panic_any("as the test asked");
        }
        let mut out = TantivyDocument::new();
        out.add_u64(self.message, document.message_id);
        out.add_u64(self.conversation, document.conversation_id);
        out.add_i64(self.at, document.at_ms);
        out.add_u64(self.inbox, document.inbox);
        if let Some(agent) = document.assignee {
            out.add_u64(self.assignee, agent);
        }
        out.add_text(self.flag, flags(document));
        out.add_text(self.tag, document.tags.iter().map(|tag| fold_tag(tag)).collect::<Vec<_>>().join("\n"));
        self.add_texts(document, lexicon, &mut out);
        out
    }

    fn add_texts(&self, document: &Document, lexicon: &mut Lexicon, out: &mut TantivyDocument) {
        lexicon.begin();
        let mut all = Terms::default();
        let subjects: &[&str] = if document.subject == document.conversation_subject {
            &[&document.subject]
        } else {
            &[&document.subject, &document.conversation_subject]
        };
        for (texts, exact, stems) in [
            (subjects, self.subject, Some(self.subject_stem)),
            (&[document.from.as_str()], self.from, None),
            (&[document.to.as_str()], self.to, None),
        ] {
            let mut own = Own::default();
            texts.iter().for_each(|text| all.add(cut(text, MAX_TEXT_BYTES), lexicon, Some(&mut own)));
            out.add_text(exact, own.exact);
            if let Some(stems) = stems {
                out.add_text(stems, own.stems);
            }
        }
        for name in &document.attachments {
            all.add(cut(name, MAX_TEXT_BYTES), lexicon, None);
        }
        all.add(cut(&document.body, MAX_BODY_BYTES), lexicon, None);
        out.add_text(self.text, all.exact);
        out.add_text(self.stem, all.stems);
        out.add_text(self.start, all.starts);
    }
}

/// A tag as it is compared: folded, in one line.
pub(super) fn fold_tag(tag: &str) -> String {
    one_line(&crate::base::text::fold(tag), MAX_TAG_BYTES)
}

/// The word for a state in [`Fields::flag`].
pub(super) fn state_flag(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Snoozed => "snoozed",
        State::Closed => "closed",
    }
}

/// The word for a place in [`Fields::flag`].
pub(super) fn place_flag(place: Place) -> &'static str {
    match place {
        Place::Inbox => "inbox",
        Place::Filtered => "filtered",
        Place::Spam => "spam",
        Place::Trash => "trash",
    }
}

/// The word for a kind in [`Fields::flag`].
pub(super) fn kind_flag(kind: Kind) -> &'static str {
    match kind {
        Kind::Inbound => "inbound",
        Kind::Outbound => "outbound",
        Kind::Comment => "comment",
    }
}

fn flags(document: &Document) -> String {
    let mut flags = vec![state_flag(document.state), place_flag(document.place), kind_flag(document.kind)];
    flags.extend(document.has_attachment.then_some(flag::ATTACHMENT));
    flags.extend(document.assignee.map(|_| flag::ASSIGNED));
    flags.join("\n")
}

fn terms(schema: &mut SchemaBuilder, name: &str, record: IndexRecordOption) -> Field {
    let indexing = TextFieldIndexing::default().set_tokenizer(LINES).set_fieldnorms(false).set_index_option(record);
    schema.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
}

/// The terms of one message's texts, one a line, under each of their forms.
#[derive(Default)]
struct Terms {
    exact: String,
    stems: String,
    starts: String,
    started: HashSet<[char; START_CHARS]>,
}

/// The terms of a text that has fields of its own.
#[derive(Default)]
struct Own {
    exact: String,
    stems: String,
}

impl Terms {
    /// Adds the words of `text`; those that also go into fields of their own, to `own` too.
    fn add(&mut self, text: &str, lexicon: &mut Lexicon, mut own: Option<&mut Own>) {
        for lines in [Some(&mut self.exact), own.as_mut().map(|own| &mut own.exact)].into_iter().flatten() {
            if !lines.is_empty() {
                lines.push('\n');
            }
        }
        words(text, |range| {
            let (forms, met) = lexicon.meet(text.get(range).unwrap_or_default());
            if forms.folded.is_empty() {
                return;
            }
            push_line(&mut self.exact, &forms.folded);
            if let Some(own) = &mut own {
                push_line(&mut own.exact, &forms.folded);
                forms.stems.iter().for_each(|stem| push_line(&mut own.stems, stem));
            }
            if !met {
                forms.stems.iter().for_each(|stem| push_line(&mut self.stems, stem));
                self.start(&forms.folded);
            }
        });
    }

    /// Adds the beginnings of a word that are new.
    fn start(&mut self, folded: &str) {
        let mut start = ['\0'; START_CHARS];
        for (slot, (at, c)) in folded.char_indices().take(START_CHARS).enumerate() {
            if let Some(slot) = start.get_mut(slot) {
                *slot = c;
            }
            if self.started.insert(start) {
                push_line(&mut self.starts, folded.get(..at + c.len_utf8()).unwrap_or_default());
            }
        }
    }
}

fn push_line(lines: &mut String, line: &str) {
    lines.push_str(line);
    lines.push('\n');
}

/// Reads one term a line; an empty line is a [`GAP`].
#[derive(Debug, Clone, Default)]
struct Lines {
    token: Token,
}

/// The terms of one text.
struct LineStream<'a> {
    lines: std::str::Lines<'a>,
    token: &'a mut Token,
    next: usize,
}

impl Tokenizer for Lines {
    type TokenStream<'a> = LineStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> LineStream<'a> {
        self.token.reset();
        LineStream { lines: text.lines(), token: &mut self.token, next: 0 }
    }
}

impl TokenStream for LineStream<'_> {
    fn advance(&mut self) -> bool {
        for line in self.lines.by_ref() {
            if line.is_empty() {
                self.next += GAP;
                continue;
            }
            self.token.text.clear();
            self.token.text.push_str(line);
            self.token.position = self.next;
            self.next += 1;
            return true;
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
