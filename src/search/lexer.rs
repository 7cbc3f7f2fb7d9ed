//! Cuts a query into its tokens. Knows no meaning of operators, only their names.

/// A piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind<'a>,
    /// Byte offset of its beginning.
    pub(super) at: usize,
    /// Whether the query ends right behind it: it may still be being typed.
    pub(super) last: bool,
}

/// What a piece of a query is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `-` before something.
    Minus,
    /// `OR`
    Or,
    /// `AND`, which says nothing new.
    And,
    /// What stands between quotation marks.
    Quoted(&'a str),
    /// Anything else.
    Bare(&'a str),
    /// A known operator with its value and the value's byte offset.
    Operator {
        /// Its name in lower case, one of [`OPERATORS`].
        name: &'static str,
        /// The text behind the colon.
        value: &'a str,
        /// Whether the value was quoted.
        quoted: bool,
    },
}

/// The operators that exist.
pub(super) const OPERATORS: [&str; 10] =
    ["from", "to", "subject", "is", "has", "before", "after", "inbox", "assignee", "tag"];

/// Cuts `text` into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let at = self.at;
        let mut chars = self.rest().chars();
        let first = chars.next()?;
        let kind = match first {
            '(' => self.take(first, Kind::Open),
            ')' => self.take(first, Kind::Close),
            '-' | '−' if chars.next().is_some_and(|c| !c.is_whitespace() && c != '-') => {
                self.take(first, Kind::Minus)
            }
            c if is_quote(c) => Kind::Quoted(self.quoted()),
            _ => self.bare(),
        };
        Some(Token { kind, at, last: self.at == self.text.len() })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, c: char, kind: Kind<'a>) -> Kind<'a> {
        self.at += c.len_utf8();
        kind
    }

    /// Between quotation marks; what is not closed ends with the query.
    fn quoted(&mut self) -> &'a str {
        let rest = self.rest();
        let mut inside = rest.chars();
        inside.next();
        let inside = inside.as_str();
        let length = inside.find(is_quote).unwrap_or(inside.len());
        let closing = inside.get(length..).and_then(|tail| tail.chars().next()).map_or(0, char::len_utf8);
        self.at += rest.len() - inside.len() + length + closing;
        inside.get(..length).unwrap_or_default()
    }

    fn bare(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c));
        let word = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        if let Some((name, value)) = word.split_once(':')
            && let Some(name) = OPERATORS.iter().find(|known| known.eq_ignore_ascii_case(name))
        {
            self.at += name.len() + 1;
            if value.is_empty() && self.rest().starts_with(is_quote) {
                return Kind::Operator { name, value: self.quoted(), quoted: true };
            }
            self.at += value.len();
            return Kind::Operator { name, value, quoted: false };
        }
        self.at += word.len();
        match word {
            "OR" => Kind::Or,
            "AND" => Kind::And,
            _ => Kind::Bare(word),
        }
    }
}

/// Quotation marks people's keyboards make. The apostrophe is not one: it stands inside words.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '„' | '“' | '”' | '«' | '»')
}
