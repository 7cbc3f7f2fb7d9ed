//! The few words of a text around what was searched for.

use std::collections::HashSet;
use std::ops::Range;

use super::analyze::{Lexicon, words};
use super::query::{Node, TextField};
use crate::base::text::{cut, is_hidden};

/// Stands before a word that was found. No text of a snippet contains it otherwise.
pub const HIT_START: char = '\u{1}';
/// Stands behind a word that was found.
pub const HIT_END: char = '\u{2}';

/// How much of a text is looked through, bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// How long a snippet is at most, bytes of the text.
const LENGTH: usize = 220;
/// How much of it stands before the first word found, bytes at most.
const LEAD: usize = 50;
/// The most found words of one text that are looked at.
const MAX_FOUND: usize = 500;

/// Marks the words of one query in many texts.
pub(super) struct Highlighter {
    exact: HashSet<String>,
    stems: HashSet<String>,
    prefixes: Vec<String>,
    /// First characters of all the above: most words of a text are none of them.
    first: HashSet<char>,
    lexicon: Lexicon,
}

impl Highlighter {
    /// Marks what the query `root` looks for in texts, not what it excludes.
    pub(super) fn new(root: &Node) -> Highlighter {
        let mut new = Highlighter {
            exact: HashSet::new(),
            stems: HashSet::new(),
            prefixes: Vec::new(),
            first: HashSet::new(),
            lexicon: Lexicon::default(),
        };
        new.learn(root);
        let forms = new.exact.iter().chain(&new.stems).chain(&new.prefixes);
        new.first = forms.filter_map(|form| form.chars().next()).collect();
        new
    }

    fn learn(&mut self, node: &Node) {
        match node {
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| self.learn(node)),
            Node::Word { field: TextField::Any | TextField::Subject, raw, prefix } => {
                let forms = self.lexicon.forms(raw).clone();
                self.stems.extend(forms.stems);
                self.prefixes.extend(prefix.then_some(forms.folded));
            }
            Node::Phrase { field: TextField::Any | TextField::Subject, folded, prefix } => {
                self.exact.extend(folded.iter().cloned());
                self.prefixes.extend(folded.last().filter(|_| *prefix).cloned());
            }
            _ => {}
        }
    }

    /// The part of `text` with the most different words found, in one line.
    pub(super) fn snippet(&mut self, text: &str) -> String {
        let text = cut(text, MAX_TEXT_BYTES);
        let found = self.find(text);
        let window = window(text, &found);
        let mut line = Line::default();
        if window.start > 0 {
            line.out.push('…');
        }
        let mut at = window.start;
        for (hit, _) in found.iter().filter(|(hit, _)| hit.start >= window.start && hit.end <= window.end) {
            line.push(text.get(at..hit.start).unwrap_or_default());
            line.mark(text.get(hit.clone()).unwrap_or_default());
            at = hit.end;
        }
        line.push(text.get(at..window.end).unwrap_or_default());
        if text.get(window.end..).is_some_and(|rest| !rest.trim().is_empty()) {
            line.out.push('…');
        }
        line.out
    }

    /// The words found, with a number that is the same for the same word.
    fn find(&mut self, text: &str) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        words(text, |range| {
            let Some(raw) = text.get(range.clone()) else { return };
            let ascii_miss =
                raw.chars().next().is_some_and(|c| c.is_ascii() && !self.first.contains(&c.to_ascii_lowercase()));
            if ascii_miss || found.len() >= MAX_FOUND {
                return;
            }
            let forms = self.lexicon.forms(raw);
            let is_found = self.exact.contains(&forms.folded)
                || forms.stems.iter().any(|stem| self.stems.contains(stem))
                || self.prefixes.iter().any(|prefix| forms.folded.starts_with(prefix.as_str()));
            if is_found {
                found.push((range, forms.folded.clone()));
            }
        });
        found
    }
}

/// The stretch of `text` to show: the first that holds the most different words found.
fn window(text: &str, found: &[(Range<usize>, String)]) -> Range<usize> {
    let mut best = (0, 0);
    for (index, (first, _)) in found.iter().enumerate() {
        let tail = found.get(index..).unwrap_or_default();
        let inside = tail.iter().take_while(|(hit, _)| hit.end <= first.start + LENGTH - LEAD);
        let different = inside.map(|(_, word)| word).collect::<HashSet<_>>().len();
        if different > best.0 {
            best = (different, first.start);
        }
    }
    let (different, hit) = best;
    let start = if different == 0 || hit <= LEAD { 0 } else { word_start(text, hit - LEAD, hit) };
    let rest = text.get(start..).unwrap_or_default();
    let length = if rest.len() <= LENGTH { rest.len() } else { word_end(rest, LENGTH) };
    start..start + length
}

/// The first beginning of a word in `text` at or behind byte `from`; `hit` when there is none before it.
fn word_start(text: &str, from: usize, hit: usize) -> usize {
    let from = cut(text, from).len();
    let before = text.get(from..hit).unwrap_or_default();
    let space = before.find(char::is_whitespace).unwrap_or(before.len());
    let rest = before.get(space..).unwrap_or_default();
    from + space + (rest.len() - rest.trim_start().len())
}

/// The last end of a word in `text` before byte `bound`, or that byte when the word is very long.
fn word_end(text: &str, bound: usize) -> usize {
    let head = cut(text, bound);
    match head.rfind(char::is_whitespace) {
        Some(space) if space > bound / 2 => space,
        _ => head.len(),
    }
}

/// A text in one line: white space and control characters are single spaces, hidden ones are gone.
#[derive(Default)]
struct Line {
    out: String,
    gap: bool,
}

impl Line {
    fn push(&mut self, text: &str) {
        for c in text.chars().filter(|c| !is_hidden(*c)) {
            if c.is_whitespace() || c.is_control() {
                self.gap = !self.out.is_empty();
                continue;
            }
            self.space();
            self.out.push(c);
        }
    }

    fn mark(&mut self, word: &str) {
        self.space();
        self.out.push(HIT_START);
        self.push(word);
        self.out.push(HIT_END);
    }

    fn space(&mut self) {
        if std::mem::take(&mut self.gap) {
            self.out.push(' ');
        }
    }
}
