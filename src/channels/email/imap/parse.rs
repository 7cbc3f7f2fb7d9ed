//! What an IMAP server says, as values. Pure and linear; what is not understood is `Other`.

use crate::base::Timestamp;

/// One response.
#[derive(Debug, PartialEq)]
pub(super) enum Response {
    /// The end of our command of that tag.
    Tagged(String, Status),
    /// What the server says by itself or in answer.
    Untagged(Data),
    /// It waits for more.
    Continue,
}

/// What came of something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub(super) kind: Kind,
    /// The response code without its brackets.
    pub(super) code: String,
    pub(super) words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

#[derive(Debug, PartialEq)]
pub(super) enum Data {
    Status(Status),
    Capability(Vec<String>),
    /// How many mails the folder has.
    Exists(u32),
    /// A folder: whether it can be opened, its name as it is on the wire.
    List(bool, Vec<u8>),
    Fetch(Attributes),
    Other,
}

/// What is said about one mail.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Attributes {
    pub(super) uid: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) date: Option<Timestamp>,
    /// The mail itself, where it came in quotes.
    pub(super) body: Option<Vec<u8>>,
}

impl Status {
    /// The number behind a response code of that name.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let (word, number) = self.code.split_once(' ')?;
        word.eq_ignore_ascii_case(name).then(|| number.trim().parse().ok()).flatten()
    }

    /// Whether that is its response code.
    pub(super) fn says(&self, name: &str) -> bool {
        self.code.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(name))
    }
}

/// Reads one response, without its last line end; its literals stand in it.
pub(super) fn response(bytes: &[u8]) -> Response {
    if bytes.first() == Some(&b'+') {
        return Response::Continue;
    }
    let (tag, rest) = word(bytes);
    if tag != b"*" {
        let status = status(rest).unwrap_or(Status { kind: Kind::Bad, code: String::new(), words: text(rest) });
        return Response::Tagged(text(tag), status);
    }
    Response::Untagged(data(rest))
}

fn data(bytes: &[u8]) -> Data {
    if let Some(status) = status(bytes) {
        return Data::Status(status);
    }
    let (first, rest) = word(bytes);
    if first.eq_ignore_ascii_case(b"CAPABILITY") {
        return Data::Capability(capabilities(&text(rest)));
    }
    if first.eq_ignore_ascii_case(b"LIST") {
        return list(rest);
    }
    let (second, rest) = word(rest);
    match number::<u32>(first) {
        Some(count) if second.eq_ignore_ascii_case(b"EXISTS") => Data::Exists(count),
        Some(_) if second.eq_ignore_ascii_case(b"FETCH") => Data::Fetch(attributes(rest)),
        _ => Data::Other,
    }
}

/// Words of a list of capabilities, in upper case.
pub(super) fn capabilities(words: &str) -> Vec<String> {
    words.split_ascii_whitespace().take(500).map(str::to_ascii_uppercase).collect()
}

fn status(bytes: &[u8]) -> Option<Status> {
    let (first, rest) = word(bytes);
    let kinds: [(&[u8], Kind); 5] =
        [(b"OK", Kind::Ok), (b"NO", Kind::No), (b"BAD", Kind::Bad), (b"BYE", Kind::Bye), (b"PREAUTH", Kind::Preauth)];
    let (_, kind) = kinds.into_iter().find(|(name, _)| first.eq_ignore_ascii_case(name))?;
    let words = text(rest);
    let coded = words.strip_prefix('[').and_then(|inside| inside.split_once(']'));
    let (code, words) = coded.unwrap_or(("", &words));
    Some(Status { kind, code: String::from(code), words: String::from(words.trim()) })
}

/// `(\HasNoChildren) "/" "Sales"`.
fn list(bytes: &[u8]) -> Data {
    let mut items = Items(bytes);
    let mut can_be_opened = true;
    if items.next() != Some(Item::Open) {
        return Data::Other;
    }
    for item in items.by_ref() {
        match item {
            Item::Close => break,
            Item::Word(flag) if flag.eq_ignore_ascii_case(b"\\Noselect") => can_be_opened = false,
            Item::Word(flag) if flag.eq_ignore_ascii_case(b"\\NonExistent") => can_be_opened = false,
            _ => {}
        }
    }
    match (items.next(), items.next()) {
        (Some(_), Some(Item::Word(name))) => Data::List(can_be_opened, name.to_vec()),
        (Some(_), Some(Item::Text(name))) => Data::List(can_be_opened, name),
        _ => Data::Other,
    }
}

/// `(UID 5 RFC822.SIZE 100)`.
fn attributes(bytes: &[u8]) -> Attributes {
    let mut found = Attributes::default();
    let mut items = Items(bytes);
    if items.next() != Some(Item::Open) {
        return found;
    }
    while let Some(Item::Word(name)) = items.next() {
        let value = items.next();
        let digits = match &value {
            Some(Item::Word(word)) => *word,
            _ => b"",
        };
        match (name.to_ascii_uppercase().as_slice(), value.as_ref()) {
            (b"UID", _) => found.uid = number(digits),
            (b"RFC822.SIZE", _) => found.size = number(digits),
            (b"INTERNALDATE", Some(Item::Text(date))) => found.date = internal_date(date),
            (b"BODY[]", Some(Item::Text(body))) => found.body = Some(body.clone()),
            _ => {}
        }
        if value == Some(Item::Open) {
            // A list, of flags or of parts: over at its own end.
            let mut depth = 1_u32;
            while depth > 0 {
                match items.next() {
                    Some(Item::Open) => depth += 1,
                    Some(Item::Close) => depth -= 1,
                    Some(_) => {}
                    None => return found,
                }
            }
        }
    }
    found
}

/// `17-Jul-1996 02:44:25 -0700`.
fn internal_date(bytes: &[u8]) -> Option<Timestamp> {
    let words = std::str::from_utf8(bytes).ok()?.trim();
    let moment = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", words).ok()?.to_timestamp().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

/// What a response is made of.
#[derive(Debug, PartialEq)]
enum Item<'a> {
    Open,
    Close,
    /// An atom, number or flag.
    Word(&'a [u8]),
    /// A quoted string or a literal.
    Text(Vec<u8>),
}

struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let start = self.0.iter().position(|byte| *byte != b' ')?;
        let (_, rest) = self.0.split_at_checked(start)?;
        let (first, behind) = rest.split_first()?;
        match first {
            b'(' | b')' => {
                self.0 = behind;
                Some(if *first == b'(' { Item::Open } else { Item::Close })
            }
            b'"' => {
                let (inside, behind) = quoted(behind);
                self.0 = behind;
                Some(Item::Text(inside))
            }
            b'{' => {
                let end = behind.iter().position(|byte| *byte == b'}')?;
                let (digits, behind) = behind.split_at_checked(end)?;
                let (inside, behind) = behind.strip_prefix(b"}\r\n")?.split_at_checked(number(digits)?)?;
                self.0 = behind;
                Some(Item::Text(inside.to_vec()))
            }
            _ => {
                let end = rest.iter().position(|byte| matches!(byte, b' ' | b'(' | b')')).unwrap_or(rest.len());
                let (inside, behind) = rest.split_at_checked(end)?;
                self.0 = behind;
                Some(Item::Word(inside))
            }
        }
    }
}

/// What stands in quotes, behind the first, and what follows.
fn quoted(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut inside = Vec::new();
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, behind.split_first()) {
            (b'"', _) => break,
            (b'\\', Some((escaped, behind))) => {
                inside.push(*escaped);
                rest = behind;
            }
            _ => inside.push(*byte),
        }
    }
    (inside, rest)
}

/// The word up to the first space, and what follows it.
fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b' ') {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default()),
        None => (bytes, b""),
    }
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    let digits = std::str::from_utf8(bytes).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The length of a literal that a line announces at its end.
pub(super) fn literal(line: &[u8]) -> Option<u64> {
    let inside = line.strip_suffix(b"}")?;
    let at = inside.iter().rposition(|byte| *byte == b'{')?;
    number(inside.get(at + 1..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(line: &[u8]) -> Attributes {
        match response(line) {
            Response::Untagged(Data::Fetch(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_servers_say_is_understood() {
        let Response::Tagged(tag, status) = response(b"a7 NO [AUTHENTICATIONFAILED] Wrong password.") else { panic!() };
        assert_eq!((tag.as_str(), status.kind, status.words.as_str()), ("a7", Kind::No, "Wrong password."));
        assert!(status.says("authenticationfailed"));
        let Response::Untagged(Data::Status(status)) = response(b"* OK [UIDVALIDITY 17] ok") else { panic!() };
        assert_eq!(status.number("UIDVALIDITY"), Some(17));
        assert_eq!(response(b"* 23 exists"), Response::Untagged(Data::Exists(23)));
        assert_eq!(response(b"+ idling"), Response::Continue);
        let list = |line: &[u8]| response(line);
        assert_eq!(
            list(b"* LIST (\\HasNoChildren) \"/\" \"A \\\"b\\\"\""),
            Response::Untagged(Data::List(true, b"A \"b\"".to_vec()))
        );
        assert_eq!(list(b"* LIST (\\Noselect) NIL {3}\r\na b"), Response::Untagged(Data::List(false, b"a b".to_vec())));
    }

    #[test]
    fn attributes_are_found_in_any_order() {
        let found =
            fetch(b"* 3 FETCH (FLAGS (\\Seen) UID 9 RFC822.SIZE 120 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")");
        assert_eq!((found.uid, found.size), (Some(9), Some(120)));
        assert_eq!(found.date, Timestamp::parse_rfc3339("1996-07-17T09:44:25Z"));
        assert!(fetch(b"* 3 FETCH (INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\")").date.is_some());
        assert_eq!(fetch(b"* 3 FETCH (BODY[] {0}\r\n UID 9)").uid, Some(9));
        assert_eq!(fetch(b"* 3 FETCH (BODY[] \"a\\\"b\")").body.as_deref(), Some(&b"a\"b"[..]));
    }

    #[test]
    fn garbage_is_something_else() {
        for line in [&b""[..], b"* ", b"*", b"* 5", b"* LIST", b"* LIST (", b"* 1 FETCH ((((", b"* 99999999999 EXISTS"]
        {
            let found = response(line);
            assert!(!matches!(found, Response::Untagged(Data::Exists(_) | Data::List(..))), "{line:?}: {found:?}");
        }
        let deep = [b"* 1 FETCH (X ".to_vec(), vec![b'('; 60_000]].concat();
        assert_eq!(fetch(&deep), Attributes::default());
        assert_eq!(literal(b"* 1 FETCH (BODY[] {4294967296}"), Some(4_294_967_296));
        for none in [&b"}"[..], b"{}x", b"{-1}", b"{1", b"{99999999999999999999999}"] {
            assert_eq!(literal(none), None);
        }
    }
}
