//! Tokens to a tree. Bounded in every direction: length, words, depth.

use super::analyze::{fold_word, words};
use super::dates::moment;
use super::document::{Kind as MessageKind, Place, State};
use super::error::{ParseError, Problem};
use super::lexer::{Kind, Token, tokens};
use super::query::{Asker, Node, Query, TextField};
use super::schema::fold_tag;

/// The longest query, bytes.
const MAX_BYTES: usize = 1000;
/// The most words a query may have, those inside phrases and addresses included.
const MAX_WORDS: usize = 50;
/// How deep parentheses may nest.
const MAX_DEPTH: usize = 10;

/// Reads `text`; see [`Query::parse`].
pub(super) fn parse(text: &str, asker: &Asker<'_>) -> Result<Query, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError { problem: Problem::TooLong, at: MAX_BYTES });
    }
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, next: 0, words: 0, asker };
    let mut parts = Vec::new();
    while parser.next < tokens.len() {
        parts.extend(parser.any_of(0)?);
        // A parenthesis that closes nothing is passed over.
        parser.next += usize::from(parser.next_is(&Kind::Close));
    }
    Ok(Query { root: all_of(parts) })
}

struct Parser<'a, 'q> {
    tokens: &'q [Token<'q>],
    next: usize,
    words: usize,
    asker: &'a Asker<'a>,
}

impl<'q> Parser<'_, 'q> {
    fn next_is(&self, kind: &Kind<'_>) -> bool {
        self.tokens.get(self.next).is_some_and(|token| token.kind == *kind)
    }

    /// Alternatives, until a parenthesis closes or the query ends.
    fn any_of(&mut self, depth: usize) -> Result<Option<Node>, ParseError> {
        let mut alternatives = Vec::new();
        loop {
            let mut parts = Vec::new();
            while let Some(token) = self.tokens.get(self.next)
                && !matches!(token.kind, Kind::Or | Kind::Close)
            {
                parts.extend(self.part(token, depth)?);
            }
            alternatives.extend(all_of(parts));
            if !self.next_is(&Kind::Or) {
                break;
            }
            self.next += 1;
        }
        Ok(if alternatives.len() > 1 { Some(Node::Or(alternatives)) } else { alternatives.pop() })
    }

    /// One condition, perhaps negated.
    fn part(&mut self, token: &'q Token<'q>, depth: usize) -> Result<Option<Node>, ParseError> {
        self.next += 1;
        match &token.kind {
            Kind::Minus => {
                // The lexer says `-` only where something stands right behind it.
                let Some(token) = self.tokens.get(self.next) else { return Ok(None) };
                if matches!(token.kind, Kind::Or | Kind::Close | Kind::Minus) {
                    return Ok(None);
                }
                let finished = Token { last: false, ..token.clone() };
                let part = match finished.kind {
                    Kind::Open => self.part(token, depth)?,
                    _ => {
                        self.next += 1;
                        self.atom(&finished)?
                    }
                };
                Ok(part.map(|node| Node::Not(Box::new(node))))
            }
            Kind::Open => {
                if depth >= MAX_DEPTH {
                    return Err(ParseError { problem: Problem::TooDeep, at: token.at });
                }
                let inside = self.any_of(depth + 1)?;
                self.next += usize::from(self.next_is(&Kind::Close));
                Ok(inside)
            }
            _ => self.atom(token),
        }
    }

    fn atom(&mut self, token: &Token<'_>) -> Result<Option<Node>, ParseError> {
        match token.kind {
            Kind::Quoted(text) => self.text(TextField::Any, text, true, token),
            Kind::Bare(text) => self.text(TextField::Any, text, false, token),
            Kind::Operator { value, .. } if value.trim().is_empty() => Ok(None),
            Kind::Operator { name, value, quoted } => match name {
                "from" => self.text(TextField::From, value, quoted, token),
                "to" => self.text(TextField::To, value, quoted, token),
                "subject" => self.text(TextField::Subject, value, quoted, token),
                _ => {
                    self.count(1, token)?;
                    let node = self.operator(name, value.trim());
                    node.map(Some).map_err(|problem| ParseError { problem, at: token.at })
                }
            },
            Kind::Open | Kind::Close | Kind::Minus | Kind::Or | Kind::And => Ok(None),
        }
    }

    /// Words looked for in `field`: one word in any form, several or quoted ones in a row.
    fn text(
        &mut self,
        field: TextField,
        text: &str,
        quoted: bool,
        token: &Token<'_>,
    ) -> Result<Option<Node>, ParseError> {
        let mut raw = Vec::new();
        words(text, |range| raw.extend(text.get(range).filter(|word| !fold_word(word).is_empty())));
        self.count(raw.len(), token)?;
        // `T-204-` asks for no beginning of a word, `T-204` may; `recl*` does in any place.
        let open = text.chars().next_back().is_some_and(|c| c == '*' || (token.last && c.is_alphanumeric()));
        let prefix = !quoted && open;
        Ok(match raw.as_slice() {
            [] => None,
            [word] if !quoted => Some(Node::Word { field, raw: (*word).to_owned(), prefix }),
            several => {
                Some(Node::Phrase { field, folded: several.iter().map(|word| fold_word(word)).collect(), prefix })
            }
        })
    }

    fn operator(&self, name: &str, value: &str) -> Result<Node, Problem> {
        match name {
            "is" => is(value),
            "has" => match value.to_lowercase().as_str() {
                "attachment" | "attachments" => Ok(Node::Attachment),
                _ => Err(Problem::UnknownHas(value.to_owned())),
            },
            "before" => self.date(value).map(Node::Before),
            "after" => self.date(value).map(Node::After),
            "inbox" => match self.asker.names.inboxes(value) {
                inboxes if inboxes.is_empty() => Err(Problem::UnknownInbox(value.to_owned())),
                inboxes => Ok(Node::Inbox(inboxes)),
            },
            "assignee" => self.assignee(value),
            _ => Ok(Node::Tag(fold_tag(value))),
        }
    }

    fn date(&self, value: &str) -> Result<i64, Problem> {
        moment(value, self.asker.now, self.asker.zone).ok_or_else(|| Problem::BadDate(value.to_owned()))
    }

    fn assignee(&self, value: &str) -> Result<Node, Problem> {
        match (value.to_lowercase().as_str(), self.asker.me) {
            ("none", _) => Ok(Node::Not(Box::new(Node::Assigned))),
            ("me", Some(agent)) => Ok(Node::Assignee(vec![agent])),
            _ => match self.asker.names.agents(value) {
                agents if agents.is_empty() => Err(Problem::UnknownAgent(value.to_owned())),
                agents => Ok(Node::Assignee(agents)),
            },
        }
    }

    fn count(&mut self, words: usize, token: &Token<'_>) -> Result<(), ParseError> {
        self.words += words;
        if self.words > MAX_WORDS {
            return Err(ParseError { problem: Problem::TooManyWords, at: token.at });
        }
        Ok(())
    }
}

fn is(value: &str) -> Result<Node, Problem> {
    Ok(match value.to_lowercase().as_str() {
        "open" => Node::State(State::Open),
        "snoozed" => Node::State(State::Snoozed),
        "closed" => Node::State(State::Closed),
        "filtered" => Node::Place(Place::Filtered),
        "spam" => Node::Place(Place::Spam),
        "trash" => Node::Place(Place::Trash),
        "assigned" => Node::Assigned,
        "unassigned" => Node::Not(Box::new(Node::Assigned)),
        "received" => Node::Kind(MessageKind::Inbound),
        "sent" => Node::Kind(MessageKind::Outbound),
        "comment" => Node::Kind(MessageKind::Comment),
        _ => return Err(Problem::UnknownIs(value.to_owned())),
    })
}

fn all_of(mut parts: Vec<Node>) -> Option<Node> {
    if parts.len() > 1 { Some(Node::And(parts)) } else { parts.pop() }
}
