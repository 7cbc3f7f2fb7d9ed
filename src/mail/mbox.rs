//! mbox files: many mails in one, each behind a line that begins with `From `.
//!
//! Read and written as mboxrd (RFC 4155 and its common form): a `From ` line counts at the start of the file or behind an empty
//! line, when it ends in a date; of lines that begin with `>From `, `>>From ` … one `>` is taken away. Never more is
//! kept in memory than is asked for, however long a line or a mail is.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};

use crate::base::Timestamp;

/// Bytes read of a line at a time.
const PIECE: u64 = 64 << 10;
/// Longest `From ` line, bytes.
const MAX_FROM: usize = 1000;
/// Fields that mail programs write about a mail they keep: they change while the mail does not.
const KEPT_BY: [&[u8]; 8] =
    [b"status", b"x-status", b"x-keywords", b"x-uid", b"x-imap", b"x-imapbase", b"content-length", b"lines"];

/// A mail of an mbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where its `From ` line begins.
    pub offset: u64,
    /// The date in that line, taken as UTC.
    pub came_at: Option<Timestamp>,
    /// Its bytes, up to as many as were asked for.
    pub raw: Vec<u8>,
    /// How many it has.
    pub size: u64,
}

/// Reads an mbox from one `From ` line on.
pub struct Mbox<R> {
    input: R,
    /// Where the next byte stands.
    offset: u64,
    /// The `From ` line of the next mail.
    next: Option<(u64, Option<Timestamp>)>,
}

impl<R: BufRead> Mbox<R> {
    /// A reader of what begins at `offset`.
    pub fn new(input: R, offset: u64) -> Mbox<R> {
        Mbox { input, offset, next: None }
    }

    /// The next mail, with at most `keep` of its bytes.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` when the first line is no `From ` line.
    pub fn read(&mut self, keep: usize) -> io::Result<Option<Found>> {
        let Some((offset, came_at)) = self.begin()? else { return Ok(None) };
        let mut found = Found { offset, came_at, raw: Vec::new(), size: 0 };
        let (mut starts, mut blank, mut line) = (true, true, Vec::new());
        loop {
            let at = self.offset;
            self.piece(&mut line)?;
            if line.is_empty() {
                break;
            }
            if starts
                && blank
                && let Some(came_at) = from_line(&line)
            {
                self.next = Some((at, came_at));
                break;
            }
            let quoted = starts && is_quoted_from(&line);
            let bytes = line.get(usize::from(quoted)..).unwrap_or_default();
            let room = keep.saturating_sub(found.raw.len());
            found.raw.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            found.size += bytes.len() as u64;
            blank = starts && matches!(line.as_slice(), b"\n" | b"\r\n");
            starts = line.ends_with(b"\n");
        }
        if found.size == found.raw.len() as u64 {
            without_separator(&mut found.raw);
            found.size = found.raw.len() as u64;
        }
        Ok(Some(found))
    }

    /// The `From ` line that the next mail stands behind.
    fn begin(&mut self) -> io::Result<Option<(u64, Option<Timestamp>)>> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        let mut line = Vec::new();
        loop {
            let at = self.offset;
            self.piece(&mut line)?;
            match line.as_slice() {
                b"" => return Ok(None),
                b"\n" | b"\r\n" => {}
                line => {
                    let no_mbox = || io::Error::new(io::ErrorKind::InvalidData, "it does not begin with a From line");
                    return from_line(line).map(|came_at| Some((at, came_at))).ok_or_else(no_mbox);
                }
            }
        }
    }

    /// Reads up to the end of the line, or [`PIECE`] of it.
    fn piece(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        line.clear();
        self.offset += self.input.by_ref().take(PIECE).read_until(b'\n', line)? as u64;
        Ok(())
    }
}

/// Takes away the empty line that stands between two mails.
fn without_separator(raw: &mut Vec<u8>) {
    if raw.ends_with(b"\n\n") {
        raw.truncate(raw.len() - 1);
    } else if raw.ends_with(b"\n\r\n") {
        raw.truncate(raw.len() - 2);
    }
}

fn is_quoted_from(line: &[u8]) -> bool {
    let bare = line.iter().position(|byte| *byte != b'>').unwrap_or(line.len());
    bare > 0 && line.get(bare..).is_some_and(|rest| rest.starts_with(b"From "))
}

/// Whether a line separates mails, and the date in it: `From sender Thu Nov 23 06:12:31 2026`. Sentences that begin
/// with the word have no time and year in them.
fn from_line(line: &[u8]) -> Option<Option<Timestamp>> {
    if !line.starts_with(b"From ") || !line.ends_with(b"\n") || line.len() > MAX_FROM {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let time =
        words.iter().position(|word| word.split(':').count() >= 2 && word.starts_with(|c: char| c.is_ascii_digit()))?;
    let is_year = |word: &&&str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let year = words.get(time..)?.iter().find(is_year)?;
    let date = || -> Option<Timestamp> {
        let (month, day, time) = (words.get(time.checked_sub(2)?)?, words.get(time.checked_sub(1)?)?, words.get(time)?);
        let time = if time.split(':').count() == 2 { format!("{time}:00") } else { String::from(*time) };
        let text = format!("{month} {day} {time} {year}");
        let at = jiff::civil::DateTime::strptime("%b %d %H:%M:%S %Y", text).ok()?;
        Some(Timestamp(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
    };
    Some(date())
}

/// How the mail program that kept a mail has marked it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// It was read.
    pub seen: bool,
    /// It waits to be removed.
    pub deleted: bool,
    /// It was never sent.
    pub draft: bool,
}

/// The marks in a mail's Status and X-Status.
pub fn marked(raw: &[u8]) -> Marked {
    let mut marked = Marked::default();
    for (name, value) in fields(raw) {
        match name.as_slice() {
            b"status" => marked.seen |= value.contains(&b'R'),
            b"x-status" => {
                marked.deleted |= value.contains(&b'D');
                marked.draft |= value.contains(&b'T');
            }
            _ => {}
        }
    }
    marked
}

/// What a mail is known by: its bytes, whatever its line ends are and whatever the program that kept it noted in it.
pub fn hash(raw: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let (mut in_head, mut left_out) = (true, false);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        in_head &= !bare.is_empty();
        if in_head {
            if !bare.starts_with(b" ") && !bare.starts_with(b"\t") {
                left_out = KEPT_BY.contains(&name_of(bare).as_slice());
            }
            if left_out {
                continue;
            }
        }
        hasher.update(bare);
        hasher.update(b"\n");
    }
    *hasher.finalize().as_bytes()
}

/// Writes a mail to the end of an mbox, as mboxrd, with its lines' ends as they are.
///
/// # Errors
/// Those of writing.
pub fn write(to: &mut impl Write, sender: &str, at: Timestamp, raw: &[u8]) -> io::Result<()> {
    let plain = sender.bytes().all(|byte| byte.is_ascii_graphic()) && !sender.is_empty();
    let sender = if plain { sender } else { "MAILER-DAEMON" };
    let moment = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    writeln!(to, "From {sender} {}", moment.strftime("%a %b %e %H:%M:%S %Y"))?;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"From ") || is_quoted_from(line) {
            to.write_all(b">")?;
        }
        to.write_all(line)?;
    }
    to.write_all(if raw.ends_with(b"\n") { b"\n" } else { b"\n\n" })
}

/// A mail without the `Authentication-Results` that bear `id`: whoever reads them elsewhere would take them for ours
/// (RFC 8601, section 5).
pub fn without_results_of<'m>(raw: &'m [u8], id: &str) -> Cow<'m, [u8]> {
    let (mut kept, mut head, mut left_out) = (Vec::new(), 0, false);
    let mut lines = raw.split_inclusive(|byte| *byte == b'\n').peekable();
    let mut any = false;
    while let Some(line) = lines.next() {
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
        head += line.len();
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            // The id may stand on the folded line behind the name.
            let value = line.iter().position(|byte| *byte == b':').and_then(|colon| line.get(colon + 1..));
            let value = value.unwrap_or_default().trim_ascii();
            let value = if value.is_empty() { lines.peek().map_or(value, |next| next.trim_ascii()) } else { value };
            let bearer = value.split(|byte| matches!(byte, b' ' | b';' | b'\t' | b'(')).next().unwrap_or_default();
            left_out = name_of(line) == b"authentication-results" && bearer.eq_ignore_ascii_case(id.as_bytes());
            any |= left_out;
        }
        if !left_out {
            kept.extend_from_slice(line);
        }
    }
    if !any {
        return Cow::Borrowed(raw);
    }
    kept.extend_from_slice(raw.get(head..).unwrap_or_default());
    Cow::Owned(kept)
}

/// The fields of the head, names in lower case; folded lines are left out.
fn fields(raw: &[u8]) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    let lines = raw.split(|byte| *byte == b'\n').take_while(|line| !matches!(*line, b"" | b"\r"));
    lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((name_of(line), line.get(colon + 1..)?))
    })
}

fn name_of(line: &[u8]) -> Vec<u8> {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.trim_ascii().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<Found> {
        let mut mbox = Mbox::new(text, 0);
        std::iter::from_fn(|| mbox.read(1 << 20).unwrap()).collect()
    }

    #[test]
    fn mails_are_told_apart_and_unquoted() {
        let text = b"From a@b Thu Nov 23 06:12:31 2023\nSubject: 1\n\nFrom here it is far\n>From the sea\n>>From x\n\n\
            From MAILER-DAEMON Fri Jul  8 12:08 2011 +0200\r\nSubject: 2\r\n\r\nx\r\n\r\n";
        let found = all(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].raw, b"Subject: 1\n\nFrom here it is far\nFrom the sea\n>From x\n");
        assert_eq!(found[0].came_at.unwrap().rfc3339(), "2023-11-23T06:12:31.000Z");
        assert_eq!(found[1].raw, b"Subject: 2\r\n\r\nx\r\n");
        assert_eq!(found[1].came_at.unwrap().rfc3339(), "2011-07-08T12:08:00.000Z");
        let mut again = Mbox::new(&text[found[1].offset as usize..], found[1].offset);
        assert_eq!(again.read(1 << 20).unwrap().as_ref(), Some(&found[1]));
    }

    #[test]
    fn no_more_is_kept_than_asked_for() {
        let mut text = b"From a Thu Nov 23 06:12:31 2023\nA: ".to_vec();
        text.extend(vec![b'x'; 3 << 20]);
        text.extend(b"\n\nFrom b Thu Nov 23 06:12:31 2023\nB: 1\n");
        let mut mbox = Mbox::new(text.as_slice(), 0);
        let found = mbox.read(1000).unwrap().unwrap();
        assert_eq!((found.raw.len(), found.size > 3 << 20), (1000, true));
        assert_eq!(mbox.read(1000).unwrap().unwrap().raw, b"B: 1\n");
        assert_eq!(mbox.read(1000).unwrap(), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mails: [&[u8]; 4] = [
            b"Subject: 1\r\n\r\nFrom here\r\n>From there\r\n\r\n",
            b"Subject: 2\n\nno end of line",
            b"\n",
            b"Subject: 4\n\nFrom a Thu Nov 23 06:12:31 2023\n",
        ];
        let (mut out, at) = (Vec::new(), Timestamp(1_700_719_951_000));
        for (mail, sender) in mails.into_iter().zip(["a@b", "", "Ewa Lis", "\u{17c}@b"]) {
            write(&mut out, sender, at, mail).unwrap();
        }
        let found = all(&out);
        assert_eq!(found.len(), mails.len());
        for (found, mail) in found.iter().zip(mails) {
            assert_eq!(hash(&found.raw), hash(mail), "{:?}", String::from_utf8_lossy(&found.raw));
            assert_eq!(found.came_at, Some(at));
        }
        assert!(out.starts_with(b"From a@b Thu Nov 23 06:12:31 2023\n"));
        assert_eq!(String::from_utf8_lossy(&out).matches("From MAILER-DAEMON ").count(), 3);
    }

    #[test]
    fn results_that_claim_to_be_ours_are_left_out() {
        let mail = b"Authentication-Results: DESK.example; spf=pass\r\n smtp.mailfrom=a\r\nA: 1\r\n\
            authentication-results:\r\n desk.example (x); dkim=pass\r\nAuthentication-Results: other.example; spf=fail\r\n\
            \r\nAuthentication-Results: desk.example; words\r\n";
        let kept = without_results_of(mail, "desk.example");
        let rest = b"A: 1\r\nAuthentication-Results: other.example; spf=fail\r\n\r\n\
            Authentication-Results: desk.example; words\r\n";
        assert_eq!(String::from_utf8_lossy(&kept), String::from_utf8_lossy(rest));
        assert!(matches!(without_results_of(rest, "desk.example"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_no_mbox_is_said() {
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\n\n"), []);
        for text in [&b"\0\xff\0binary"[..], b"Subject: a mail\n\nFrom x\n", b"From me\n"] {
            assert_eq!(Mbox::new(text, 0).read(10).unwrap_err().kind(), io::ErrorKind::InvalidData, "{text:?}");
        }
    }

    #[test]
    fn a_mail_is_known_whatever_its_keeper_noted() {
        let one = hash(b"Subject: a\nStatus: RO\nX-Status: A\nX-UID: 7\n\nStatus: kept\n");
        assert_eq!(one, hash(b"Subject: a\r\nStatus: O\r\n\r\nStatus: kept\r\n"));
        assert_ne!(one, hash(b"Subject: a\n\nStatus: changed\n"));
        assert_ne!(one, hash(b"Subject: b\n\nStatus: kept\n"));
        let marked = marked(b"Status: RO\nX-Status: AD\n\nX-Status: T\n");
        assert_eq!(marked, Marked { seen: true, deleted: true, draft: false });
    }
}
