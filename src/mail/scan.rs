//! Finds the parts of a raw mail in one pass over its lines, without recursion and with limits.
//!
//! It only says where each part begins and ends (RFC 2045, 2046); what is in them is read elsewhere.
//! A mail beyond the limits is refused here, before anything costly touches it, and shown as raw.

use std::ops::Range;

use super::headers::{self, Mime};

/// Deepest nesting of multipart and message parts.
pub const MAX_LEVEL: usize = 50;
/// Most parts of one mail, containers counted.
pub const MAX_PARTS: usize = 2_000;
/// Largest header block of the mail or of one part, in bytes.
pub const MAX_HEADER_BYTES: usize = 256 * 1024;
/// Most header fields of the mail or of one part.
pub const MAX_HEADERS: usize = 1_000;

/// Why a mail is shown as raw instead of being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuse {
    /// Nested beyond [`MAX_LEVEL`].
    TooDeep,
    /// More than [`MAX_PARTS`] parts.
    TooManyParts,
    /// A header block beyond [`MAX_HEADER_BYTES`].
    HeaderTooLarge,
    /// More than [`MAX_HEADERS`] fields in one header block.
    TooManyHeaders,
}

/// What a part is to the structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text or a file.
    Leaf,
    /// Holds parts between boundaries.
    Multipart,
    /// Holds one whole mail, which is the next entity.
    Message,
}

/// One part: the mail itself is the first.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Place of the part that holds this one.
    pub parent: Option<usize>,
    /// 0 for the mail itself.
    pub level: usize,
    /// Where its header block stands in the raw bytes.
    pub header: Range<usize>,
    /// Where its content stands in the raw bytes, still encoded.
    pub body: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Whether it belongs to a mail inside the mail.
    pub in_message: bool,
    /// Its MIME fields.
    pub(super) mime: Mime,
}

/// All parts in the order in which they begin.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// The parts; never empty.
    pub entities: Vec<Entity>,
    /// A boundary never came, or never closed.
    pub broken: bool,
}

impl Structure {
    /// Places of the parts that `parent` holds directly, in order.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &Entity)> {
        self.entities.iter().enumerate().skip(parent + 1).filter(move |(_, e)| e.parent == Some(parent))
    }
}

/// Reads the structure of `raw`; the time is linear in its length.
pub fn scan(raw: &[u8]) -> Result<Structure, Refuse> {
    let mut scanner = Scanner { raw, out: Structure::default(), open: Vec::new(), state: State::Skip, headers: 0 };
    scanner.open_entity(None, 0, false)?;
    let mut at = 0;
    while at < raw.len() {
        let rest = raw.get(at..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'\n').map_or(raw.len(), |n| at + n + 1);
        scanner.line(at, end)?;
        at = end;
    }
    scanner.finish();
    Ok(scanner.out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Inside the header block of the innermost open entity.
    Header,
    /// Inside a leaf.
    Body,
    /// Before the first boundary of a multipart, or behind its last.
    Skip,
}

/// An open entity and, for a multipart, its boundary.
struct Open {
    entity: usize,
    boundary: Option<Vec<u8>>,
    /// Whether a part of it was seen.
    used: bool,
}

struct Scanner<'a> {
    raw: &'a [u8],
    out: Structure,
    open: Vec<Open>,
    state: State,
    headers: usize,
}

impl Scanner<'_> {
    fn line(&mut self, start: usize, end: usize) -> Result<(), Refuse> {
        let line = trim_line_end(self.raw.get(start..end).unwrap_or_default());
        if line.starts_with(b"--")
            && let Some((place, closing)) = self.find_boundary(line)
        {
            return self.boundary(place, closing, start, end);
        }
        if self.state == State::Header { self.header_line(line, start, end) } else { Ok(()) }
    }

    /// The innermost open multipart that `line` delimits, and whether it closes it (RFC 2046 5.1.1).
    fn find_boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        let rest = line.get(2..)?;
        self.open.iter().enumerate().rev().find_map(|(place, open)| {
            let tail = rest.strip_prefix(open.boundary.as_deref()?)?;
            if tail.trim_ascii().is_empty() {
                return Some((place, false));
            }
            tail.starts_with(b"--").then_some((place, true))
        })
    }

    fn boundary(&mut self, place: usize, closing: bool, start: usize, end: usize) -> Result<(), Refuse> {
        let content_end = before_line_end(self.raw, start);
        self.out.broken |= self.open.iter().skip(place + 1).any(|open| open.boundary.is_some());
        self.close_above(place + 1, content_end);
        let Some(open) = self.open.get_mut(place) else { return Ok(()) };
        open.used = true;
        let multipart = open.entity;
        if closing {
            self.close_above(place, start);
            self.state = State::Skip;
            return Ok(());
        }
        self.open_entity(Some(multipart), end, false)
    }

    /// Ends every open entity from `place` on at `end`.
    fn close_above(&mut self, place: usize, end: usize) {
        for open in self.open.drain(place.min(self.open.len())..).rev() {
            let Some(entity) = self.out.entities.get_mut(open.entity) else { continue };
            entity.header.end = entity.header.end.min(end.max(entity.header.start));
            entity.body.start = entity.body.start.min(end.max(entity.header.end));
            entity.body.end = end.max(entity.body.start);
            if entity.kind == Kind::Multipart && !open.used {
                entity.kind = Kind::Leaf;
                self.out.broken = true;
            }
        }
    }

    fn open_entity(&mut self, parent: Option<usize>, at: usize, nested: bool) -> Result<(), Refuse> {
        let above = parent.and_then(|place| self.out.entities.get(place));
        let level = above.map_or(0, |entity| entity.level + 1);
        let in_message = nested || above.is_some_and(|entity| entity.in_message);
        if level > MAX_LEVEL {
            return Err(Refuse::TooDeep);
        }
        if self.out.entities.len() >= MAX_PARTS {
            return Err(Refuse::TooManyParts);
        }
        let (header, body) = (at..at, at..self.raw.len());
        let entity = Entity { parent, level, header, body, kind: Kind::Leaf, in_message, mime: Mime::default() };
        self.out.entities.push(entity);
        self.open.push(Open { entity: self.out.entities.len() - 1, boundary: None, used: false });
        self.state = State::Header;
        self.headers = 0;
        Ok(())
    }

    fn header_line(&mut self, line: &[u8], start: usize, end: usize) -> Result<(), Refuse> {
        let first = self.current().is_some_and(|entity| entity.header.start == start);
        if line.is_empty() {
            return self.end_header(start, end);
        }
        // A part that begins with text has no header block at all.
        if first && !looks_like_header(line) {
            return self.end_header(start, start);
        }
        self.headers += usize::from(!line.starts_with(b" ") && !line.starts_with(b"\t"));
        let Some(entity) = self.current() else { return Ok(()) };
        entity.header.end = end;
        entity.body.start = end;
        if entity.header.len() > MAX_HEADER_BYTES {
            return Err(Refuse::HeaderTooLarge);
        }
        if self.headers > MAX_HEADERS { Err(Refuse::TooManyHeaders) } else { Ok(()) }
    }

    fn current(&mut self) -> Option<&mut Entity> {
        let place = self.open.last()?.entity;
        self.out.entities.get_mut(place)
    }

    /// The header block ends at `header_end`; the content begins at `body_start`.
    fn end_header(&mut self, header_end: usize, body_start: usize) -> Result<(), Refuse> {
        let raw = self.raw;
        let digest = self.parent_is_digest();
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let Some(entity) = self.out.entities.get_mut(open.entity) else { return Ok(()) };
        entity.header.end = header_end;
        entity.body.start = body_start;
        entity.mime = headers::mime(raw.get(entity.header.clone()).unwrap_or_default(), digest);
        entity.kind = entity.mime.kind();
        match entity.kind {
            Kind::Leaf => self.state = State::Body,
            Kind::Multipart => {
                open.boundary = entity.mime.boundary.as_ref().map(|text| text.trim_end().as_bytes().to_vec());
                self.state = State::Skip;
            }
            Kind::Message => {
                let parent = open.entity;
                return self.open_entity(Some(parent), body_start, true);
            }
        }
        Ok(())
    }

    /// Whether the current part stands in a digest, where parts are mails unless they say otherwise.
    fn parent_is_digest(&self) -> bool {
        let current = self.open.last().and_then(|open| self.out.entities.get(open.entity));
        let parent = current.and_then(|entity| self.out.entities.get(entity.parent?));
        parent.is_some_and(|entity| entity.mime.content_type == "multipart/digest")
    }

    fn finish(&mut self) {
        if self.state == State::Header {
            let end = self.raw.len();
            // Only the innermost entity can still be in its header block, and it has no content.
            // An error would be one more level, for a mail that has no byte left.
            let _ = self.end_header(end, end);
        }
        if self.open.iter().any(|open| open.boundary.is_some()) {
            self.out.broken = true;
        }
        self.close_above(0, self.raw.len());
    }
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
fn before_line_end(raw: &[u8], at: usize) -> usize {
    let before = raw.get(..at).unwrap_or_default();
    trim_line_end(before).len()
}

/// Whether a first line can be a header field, or the envelope line of an mbox file.
fn looks_like_header(line: &[u8]) -> bool {
    if line.starts_with(b"From ") || line.starts_with(b">From ") {
        return true;
    }
    let name = line.split(|b| *b == b':').next().unwrap_or_default().trim_ascii_end();
    name.len() < line.len() && !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic() || !b.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(raw: &str) -> Vec<(usize, Kind, String)> {
        let found = scan(raw.as_bytes()).unwrap();
        let body = |e: &Entity| raw.get(e.body.clone()).unwrap().to_owned();
        found.entities.iter().map(|e| (e.level, e.kind, body(e))).collect()
    }

    #[test]
    fn parts_end_before_the_line_end_of_their_boundary() {
        let raw = "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npre\r\n--b\r\n\r\none\r\n\r\n--b \r\nContent-Type: text/html\r\n\r\ntwo\r\n--bb\r\n--b--\r\nafter\r\n--b\r\nno part";
        let found = shape(raw);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], (1, Kind::Leaf, "one\r\n".into()));
        assert_eq!(found[2], (1, Kind::Leaf, "two\r\n--bb".into()));
    }

    #[test]
    fn an_outer_boundary_ends_what_is_inside() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nx\n--a\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=q\n\n--q\n\ny\n--a--\n";
        let kinds: Vec<_> = shape(raw).into_iter().map(|(level, kind, _)| (level, kind)).collect();
        use Kind::{Leaf, Message, Multipart};
        assert_eq!(kinds, [(0, Multipart), (1, Multipart), (2, Leaf), (1, Message), (2, Multipart), (3, Leaf)]);
        assert!(scan(raw.as_bytes()).unwrap().broken);
    }

    #[test]
    fn what_has_no_boundary_or_no_header_is_a_leaf() {
        assert_eq!(shape("Content-Type: multipart/mixed; boundary=a\n\ntext\n"), [(0, Kind::Leaf, "text\n".into())]);
        assert_eq!(shape("just text here\nX: y\n\nmore"), [(0, Kind::Leaf, "just text here\nX: y\n\nmore".into())]);
        assert_eq!(shape(""), [(0, Kind::Leaf, String::new())]);
        assert_eq!(shape("Subject: x"), [(0, Kind::Leaf, String::new())]);
    }

    #[test]
    fn the_limits_hold_in_linear_time() {
        let started = crate::mail::tests::cost::Meter::start();
        let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(40_000);
        assert_eq!(scan(deep.as_bytes()).unwrap_err(), Refuse::TooDeep);
        let wide = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
            "--b\r\n\r\nx\r\n--b\r\nA: b\r\n\r\n".repeat(700_000)
        );
        assert_eq!(scan(wide.as_bytes()).unwrap_err(), Refuse::TooManyParts);
        let nested: String =
            (0..10_000).map(|n| format!("--{}\nContent-Type: multipart/mixed; boundary={n}\n\n", n - 1)).collect();
        assert_eq!(
            scan(format!("Content-Type: multipart/mixed; boundary=-1\n\n{nested}").as_bytes()).unwrap_err(),
            Refuse::TooDeep
        );
        let long = format!("Subject: {}\r\n\r\n", "x".repeat(MAX_HEADER_BYTES));
        assert_eq!(scan(long.as_bytes()).unwrap_err(), Refuse::HeaderTooLarge);
        let many = format!("{}\r\n", "X-A: b\r\n".repeat(1_001));
        assert_eq!(scan(many.as_bytes()).unwrap_err(), Refuse::TooManyHeaders);
        assert!(started.elapsed().as_secs() < 2);
    }
}
