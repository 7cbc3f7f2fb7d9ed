//! Words: how a text is cut into them, and the forms under which each is found.
//!
//! The same cutting serves messages, queries and snippets, so that what one writes the other finds.

use std::collections::HashMap;
use std::ops::Range;

use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::base::text::{cut, fold, is_hidden};

/// Longer words are cut to this many bytes, on both sides alike.
const MAX_WORD_BYTES: usize = 64;
/// No more of a word is looked at, bytes: marks and diacritics vanish in folding.
const MAX_RAW_BYTES: usize = 4 * MAX_WORD_BYTES;

/// A shorter Polish stem says too little: `one` would be found by `on`.
const MIN_STEM_BYTES: usize = 3;

/// How many words a [`Lexicon`] remembers before it starts afresh; about 150 bytes each.
const LEXICON_WORDS: usize = 16_384;

/// Calls `each` with the byte range of every word of `text`, in order.
///
/// A word is a run of letters, digits and marks; a Chinese or Japanese character is a word by itself,
/// since nothing there separates words. So `T-204` and `anna@example.com` are several words in a row.
/// The English possessive `'s` is no word.
pub(super) fn words(text: &str, mut each: impl FnMut(Range<usize>)) {
    let mut start = None;
    let mut apostrophe_at = None;
    let mut emit = |range: Range<usize>, apostrophe_at: Option<usize>| {
        let possessive = apostrophe_at == Some(range.start)
            && text.get(range.clone()).is_some_and(|word| word.eq_ignore_ascii_case("s"));
        if !possessive {
            let bounded = cut(text.get(range.clone()).unwrap_or_default(), MAX_RAW_BYTES);
            each(range.start..range.start + bounded.len());
        }
    };
    for (at, c) in text.char_indices() {
        let single = is_ideograph(c);
        if is_word(c) && !single {
            start.get_or_insert(at);
            continue;
        }
        let ended = start.take();
        if let Some(from) = ended {
            emit(from..at, apostrophe_at);
        }
        if single {
            emit(at..at + c.len_utf8(), None);
        }
        let inside = ended.is_some() && matches!(c, '\'' | '’');
        apostrophe_at = inside.then_some(at + c.len_utf8());
    }
    if let Some(from) = start {
        emit(from..text.len(), apostrophe_at);
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && (is_combining_mark(c) || (is_hidden(c) && c != '\u{200b}')))
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The forms of one word.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Forms {
    /// Lower case without diacritics: what phrases and prefixes compare. Empty: the word is nothing.
    pub(super) folded: String,
    /// Folded stems, Polish and English, without repeats. Two words with the same `folded` always
    /// share one, so a search by stems alone finds every exact match too.
    pub(super) stems: Vec<String>,
}

impl Forms {
    /// The forms of `raw`, a word as [`words`] cuts it.
    pub(super) fn of(raw: &str) -> Forms {
        let folded = fold_word(raw);
        let stems = stems(raw, &folded);
        Forms { folded, stems }
    }
}

/// `raw` in lower case without diacritics and hidden characters, at most 64 bytes.
pub(super) fn fold_word(raw: &str) -> String {
    let mut folded = if raw.is_ascii() {
        cut(raw, MAX_WORD_BYTES).to_ascii_lowercase()
    } else {
        let mut folded = fold(cut(raw, MAX_RAW_BYTES));
        folded.retain(|c| !is_hidden(c) && !c.is_whitespace());
        folded
    };
    folded.truncate(cut(&folded, MAX_WORD_BYTES).len());
    folded
}

/// Stemmed as typed (the Polish rules look at diacritics) and without diacritics, since people leave them out.
fn stems(raw: &str, folded: &str) -> Vec<String> {
    if folded.is_empty() || !folded.bytes().all(|b| b.is_ascii_lowercase()) {
        return if folded.is_empty() { Vec::new() } else { vec![folded.to_owned()] };
    }
    let polish = Stemmer::new(Algorithm::Polish);
    let mut stems = vec![Stemmer::new(Algorithm::English).stem(folded).into_owned()];
    let mut add = |stem: &str| {
        if stem.len() >= MIN_STEM_BYTES && !stems.iter().any(|known| known == stem) {
            stems.push(stem.to_owned());
        }
    };
    add(&polish.stem(folded));
    if !raw.is_ascii() {
        let typed: String = raw.nfc().filter(|c| !is_hidden(*c)).flat_map(char::to_lowercase).collect();
        add(&fold_word(&polish.stem(cut(&typed, MAX_WORD_BYTES))));
    }
    stems
}

/// Remembers the forms of words seen lately: most words of a message are common ones.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    places: HashMap<Box<str>, usize>,
    entries: Vec<Entry>,
    unique: Forms,
    reading: u64,
}

#[derive(Debug, Default)]
struct Entry {
    forms: Forms,
    /// The text in which the word was met last.
    met_in: u64,
}

impl Lexicon {
    /// Begins a new text: every word is met for the first time again.
    pub(super) fn begin(&mut self) {
        self.reading += 1;
    }

    /// The forms of `raw`.
    pub(super) fn forms(&mut self, raw: &str) -> &Forms {
        self.meet(raw).0
    }

    /// The forms of `raw`, and whether the text has surely had it before.
    pub(super) fn meet(&mut self, raw: &str) -> (&Forms, bool) {
        // Numbers are many, seldom come again, and need no stemming: not worth remembering.
        if raw.bytes().any(|b| b.is_ascii_digit()) {
            self.unique = Forms::of(raw);
            return (&self.unique, false);
        }
        let place = match self.places.get(raw) {
            Some(place) => *place,
            None => self.learn(raw),
        };
        let reading = self.reading;
        match self.entries.get_mut(place) {
            Some(entry) => {
                let met = std::mem::replace(&mut entry.met_in, reading) == reading;
                (&entry.forms, met)
            }
            None => (&self.unique, false),
        }
    }

    fn learn(&mut self, raw: &str) -> usize {
        if self.entries.len() >= LEXICON_WORDS {
            self.places.clear();
            self.entries.clear();
        }
        self.places.insert(raw.into(), self.entries.len());
        self.entries.push(Entry { forms: Forms::of(raw), met_in: 0 });
        self.entries.len() - 1
    }
}
