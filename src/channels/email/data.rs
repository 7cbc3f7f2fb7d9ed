//! The message after DATA, as a stream (RFC 5321 section 4.5.2): where it ends, which of its bytes are kept.
//!
//! Pure: no I/O, nothing is buffered. The end is CR LF `.` CR LF and nothing else; a CR or LF that stands
//! alone makes the whole message refused, since relays disagree on what it ends (SMTP smuggling).

/// What a message may be at most.
#[derive(Clone, Copy, Debug)]
pub struct DataLimits {
    /// Bytes of the whole message, line ends included.
    pub message: u64,
    /// Bytes of one line without its line end.
    pub line: usize,
    /// Bytes of the header block.
    pub header_bytes: u64,
    /// Header fields.
    pub header_fields: u32,
    /// `Received` fields: more is a loop (RFC 5321 section 6.3).
    pub hops: u32,
}

impl Default for DataLimits {
    fn default() -> DataLimits {
        DataLimits { message: 50 << 20, line: 8 << 10, header_bytes: 256 << 10, header_fields: 1000, hops: 100 }
    }
}

/// Bytes read past the limit before the connection is given up rather than drained.
const DRAIN: u64 = 8 << 20;

/// The first thing found wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A CR without LF or a LF without CR.
    StrayLineEnd,
    /// A line above [`DataLimits::line`].
    LineTooLong,
    /// More bytes than [`DataLimits::message`].
    TooLarge,
    /// More header bytes or fields than allowed.
    HeaderTooLarge,
    /// More than [`DataLimits::hops`] `Received` fields.
    TooManyHops,
    /// More than one From field, or more than one mailbox in it: readers would show one and verify another.
    SeveralAuthors,
}

/// What to do with the head of the input: keep `keep` bytes, then drop `skip`; `end` says that was the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes that belong to the message.
    pub keep: usize,
    /// Bytes after them that do not: the dots of transparency and the end mark.
    pub skip: usize,
    /// The end mark has been read.
    pub end: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LineStart,
    /// After a dot at the start of a line; the dot is not kept.
    Dot,
    /// After dot and CR, neither kept.
    DotCr,
    Text,
    /// After a CR, which is kept.
    Cr,
}

/// Reads one message; a new one for each.
#[derive(Debug)]
pub struct DataReader {
    limits: DataLimits,
    place: Place,
    line: usize,
    kept: u64,
    seen: u64,
    header: Header,
    defect: Option<Defect>,
}

impl DataReader {
    /// Ready for the first byte after the 354 reply.
    pub fn new(limits: DataLimits) -> DataReader {
        let header = Header { open: true, ..Header::default() };
        DataReader { limits, place: Place::LineStart, line: 0, kept: 0, seen: 0, header, defect: None }
    }

    /// Looks at the head of `input`. Call again with what is left until `input` is used up or `end`.
    pub fn step(&mut self, input: &[u8]) -> Step {
        let step = self.scan(input);
        self.kept += step.keep as u64;
        self.seen += (step.keep + step.skip) as u64;
        if self.kept > self.limits.message {
            self.found(Defect::TooLarge);
        }
        step
    }

    /// The first defect so far; the message must be refused with it, after its end.
    pub fn defect(&self) -> Option<Defect> {
        self.defect
    }

    /// Whether so much came that waiting for the end is not worth it: refuse and close.
    pub fn is_hopeless(&self) -> bool {
        self.seen > self.limits.message.saturating_add(DRAIN)
    }

    /// Bytes of the message so far.
    pub fn size(&self) -> u64 {
        self.kept
    }

    fn scan(&mut self, input: &[u8]) -> Step {
        let mut rest = input;
        while let Some((&byte, after)) = rest.split_first() {
            let keep = input.len() - rest.len();
            match self.place {
                Place::LineStart if byte == b'.' => {
                    self.place = Place::Dot;
                    return Step { keep, skip: 1, end: false };
                }
                Place::LineStart => self.start_line(byte),
                Place::Dot if byte == b'\r' => {
                    self.place = Place::DotCr;
                    return Step { keep, skip: 1, end: false };
                }
                Place::Dot => self.start_line(byte),
                Place::DotCr if byte == b'\n' => return Step { keep, skip: 1, end: true },
                Place::DotCr => {
                    self.found(Defect::StrayLineEnd);
                    self.place = Place::Cr;
                }
                Place::Cr => {
                    if byte == b'\n' {
                        self.end_line();
                    } else {
                        self.found(Defect::StrayLineEnd);
                        self.place = if byte == b'\r' { Place::Cr } else { Place::Text };
                    }
                    rest = after;
                }
                Place::Text => rest = self.text(rest),
            }
        }
        Step { keep: input.len(), skip: 0, end: false }
    }

    /// Takes text up to and with the next CR or LF; gives what is left.
    fn text<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let until = find_line_end(input);
        let (text, rest) = input.split_at_checked(until).unwrap_or((input, &[]));
        self.line += text.len();
        self.header.text(text);
        if self.line > self.limits.line {
            self.found(Defect::LineTooLong);
        }
        match rest.split_first() {
            Some((b'\r', rest)) => {
                self.place = Place::Cr;
                rest
            }
            Some((_, rest)) => {
                self.found(Defect::StrayLineEnd);
                rest
            }
            None => rest,
        }
    }

    fn start_line(&mut self, first: u8) {
        self.place = Place::Text;
        self.line = 0;
        self.header.start_line(first);
    }

    fn end_line(&mut self) {
        self.place = Place::LineStart;
        if self.header.open {
            self.header.bytes += self.line as u64 + 2;
            if self.header.bytes > self.limits.header_bytes || self.header.fields > self.limits.header_fields {
                self.found(Defect::HeaderTooLarge);
            }
            if self.header.hops > self.limits.hops {
                self.found(Defect::TooManyHops);
            }
            if self.header.from.fields > 1 || self.header.from.mailboxes > 1 {
                self.found(Defect::SeveralAuthors);
            }
        }
    }

    fn found(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }
}

/// Counts over the header block, which ends at the first empty line. A line that is no header field
/// counts as one all the same: a parser may read on behind it.
#[derive(Debug, Default)]
struct Header {
    open: bool,
    bytes: u64,
    fields: u32,
    hops: u32,
    name: Name,
    from: Authors,
}

/// Which field the present one is, as far as has been read.
#[derive(Clone, Copy, Debug, Default)]
enum Name {
    /// So many bytes of a name that may still be one that counts; trailing blanks are not counted.
    Begun(usize, &'static [u8]),
    /// From, behind its colon.
    From,
    /// Any other.
    #[default]
    Other,
}

impl Header {
    fn start_line(&mut self, first: u8) {
        if !self.open {
            return;
        }
        match first {
            b'\r' => self.open = false,
            b' ' | b'\t' if matches!(self.name, Name::From) => {}
            b' ' | b'\t' => self.name = Name::Other,
            _ => {
                self.fields = self.fields.saturating_add(1);
                self.name = match first {
                    b'r' | b'R' => Name::Begun(0, b"received"),
                    b'f' | b'F' => Name::Begun(0, b"from"),
                    _ => Name::Other,
                };
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        if !self.open {
            return;
        }
        let mut rest = text;
        while let (Name::Begun(done, wanted), Some((byte, after))) = (self.name, rest.split_first()) {
            rest = after;
            self.name = match (wanted.get(done), byte) {
                (Some(want), byte) if byte.eq_ignore_ascii_case(want) => Name::Begun(done + 1, wanted),
                (None, b' ' | b'\t') => Name::Begun(done, wanted),
                (None, b':') if wanted == b"from" => {
                    self.from = Authors { fields: self.from.fields.saturating_add(1), ..Authors::default() };
                    Name::From
                }
                (None, b':') => {
                    self.hops = self.hops.saturating_add(1);
                    Name::Other
                }
                _ => Name::Other,
            };
        }
        if matches!(self.name, Name::From) {
            rest.iter().for_each(|byte| self.from.read(*byte));
        }
    }
}

/// Counts the mailboxes of a From field: what stands between commas and has an `@` outside of names and comments.
#[derive(Debug, Default)]
struct Authors {
    fields: u32,
    mailboxes: u32,
    quoted: bool,
    escaped: bool,
    comments: u32,
    counted: bool,
}

impl Authors {
    fn read(&mut self, byte: u8) {
        if std::mem::take(&mut self.escaped) {
            return;
        }
        let inside = self.quoted || self.comments > 0;
        match byte {
            b'\\' if inside => self.escaped = true,
            b'"' if self.comments == 0 => self.quoted = !self.quoted,
            b'(' if !self.quoted => self.comments = self.comments.saturating_add(1),
            b')' if !self.quoted => self.comments = self.comments.saturating_sub(1),
            b',' | b';' if !inside => self.counted = false,
            b'@' if !inside && !self.counted => {
                self.counted = true;
                self.mailboxes = self.mailboxes.saturating_add(1);
            }
            _ => {}
        }
    }
}

/// Where the first CR or LF stands, eight bytes at a time; the length if there is none.
fn find_line_end(input: &[u8]) -> usize {
    let (words, tail) = input.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits = zero_bytes(word ^ splat(b'\r')) | zero_bytes(word ^ splat(b'\n'));
        if hits != 0 {
            return index * 8 + (hits.trailing_zeros() / 8) as usize;
        }
    }
    let in_tail = tail.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    in_tail.map_or(input.len(), |at| words.len() * 8 + at)
}

const fn splat(byte: u8) -> u64 {
    0x0101_0101_0101_0101_u64.wrapping_mul(byte as u64)
}

/// The high bit of each byte that is zero; bytes above the first such one may be wrong.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(splat(1)) & !word & splat(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Outcome = (Vec<u8>, Option<Defect>, Option<usize>);

    /// Feeds `input` in pieces of the given sizes; gives the kept bytes, the defect and where the end was.
    fn read(input: &[u8], limits: DataLimits, sizes: &[usize]) -> Outcome {
        let mut reader = DataReader::new(limits);
        let (mut kept, mut at, mut sizes) = (Vec::new(), 0, sizes.iter().cycle());
        while at < input.len() {
            let until = (at + sizes.next().unwrap_or(&usize::MAX).max(&1).min(&input.len())).min(input.len());
            while at < until {
                let step = reader.step(&input[at..until]);
                kept.extend_from_slice(&input[at..at + step.keep]);
                at += step.keep + step.skip;
                if step.end {
                    return (kept, reader.defect(), Some(at));
                }
            }
        }
        (kept, reader.defect(), None)
    }

    fn whole(input: &str) -> Outcome {
        read(input.as_bytes(), DataLimits::default(), &[])
    }

    #[test]
    fn dots_are_taken_away_and_the_end_is_found() {
        for (input, message) in [
            (".\r\n", ""),
            ("\r\n.\r\n", "\r\n"),
            ("a: b\r\n\r\n..\r\n...x\r\n.y\r\n.\r\n", "a: b\r\n\r\n.\r\n..x\r\ny\r\n"),
            ("x.\r\n.\r\n", "x.\r\n"),
            ("caf\u{e9}\0\r\n.\r\n", "caf\u{e9}\0\r\n"),
        ] {
            let (kept, defect, end) = whole(input);
            assert_eq!((String::from_utf8(kept).unwrap().as_str(), defect, end), (message, None, Some(input.len())));
        }
    }

    #[test]
    fn nothing_but_crlf_dot_crlf_ends_a_message() {
        for end in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\r",
            "\n.\r",
            "\r\n.\0\r\n",
            "\r\n.\r\r\nx",
            "\r\n..\r\n",
        ] {
            let (_, defect, found) = whole(&format!("a: b\r\n\r\nhi{end}MAIL FROM:<>\r\n"));
            assert_eq!(found, None, "{end:?}");
            assert_eq!(defect.is_some(), !matches!(end, "\r\n.\0\r\n" | "\r\n..\r\n"), "{end:?}");
        }
    }

    #[test]
    fn limits_are_held() {
        let small = DataLimits { message: 40, line: 12, header_bytes: 30, header_fields: 3, hops: 1 };
        for (input, defect) in [
            ("a: b\r\n\r\n123456789012\r\n.\r\n", None),
            ("a: b\r\n\r\n1234567890123\r\n.\r\n", Some(Defect::LineTooLong)),
            ("a:\r\n\r\n123456789\r\n123456789\r\n123456789\r\n1234\r\n.\r\n", Some(Defect::TooLarge)),
            ("a:\r\nb:\r\nc:\r\n f\r\nd:\r\n\r\n.\r\n", Some(Defect::HeaderTooLarge)),
            ("a:\r\nb:\r\n\r\nc\r\nd\r\ne\r\nf\r\n.\r\n", None),
            ("a:12345\r\n 1234567\r\n 1234567\r\n 1\r\n\r\n.\r\n", Some(Defect::HeaderTooLarge)),
            ("Received: a\r\nreceived: b\r\n\r\n.\r\n", Some(Defect::TooManyHops)),
            ("Received: a\r\n received: b\r\n\r\nReceived:\r\n.\r\n", None),
            ("Received:\r\n\r\nReceived:\r\n.\r\n", None),
        ] {
            assert_eq!(read(input.as_bytes(), small, &[]).1, defect, "{input:?}");
        }
    }

    #[test]
    fn a_message_has_one_author() {
        let several = Some(Defect::SeveralAuthors);
        for (header, defect) in [
            ("From: a@x.example", None),
            ("From: \"a@x.example, b@y.example\" <c@z.example>", None),
            ("From: \"a \\\" , b@y.example\" <c@z.example>", None),
            ("From: a@x.example <a@x.example>", None),
            ("From: Doe, John <john@x.example>", None),
            ("From: John (a@x.example, b@y.example) <john@x.example>", None),
            ("Fromage: a@x.example, b@y.example", None),
            ("To: a@x.example, b@y.example", None),
            ("From: a@x.example\r\nTo: b\r\n From: c@y.example", None),
            ("From: a@x.example, b@y.example", several),
            ("From: a@x.example,\r\n\tb@y.example", several),
            ("From: Team: a@x.example, b@y.example;", several),
            ("From: a@x.example\r\nFrom: b@y.example", several),
            ("From: a@x.example\r\nSubject: s\r\nFROM : a@x.example", several),
            ("From:\r\n a@x.example\r\nfrom\t:", several),
        ] {
            let input = format!("{header}\r\n\r\nFrom: z@z.example, y@z.example\r\n.\r\n");
            for sizes in [&[][..], &[1], &[3, 2]] {
                assert_eq!(read(input.as_bytes(), DataLimits::default(), sizes).1, defect, "{header:?}");
            }
        }
    }

    #[test]
    fn an_endless_message_is_given_up() {
        let mut reader = DataReader::new(DataLimits { message: 1000, ..DataLimits::default() });
        let piece = [b'x'; 4096];
        let mut seen = 0;
        while !reader.is_hopeless() {
            assert!(seen <= 1000 + DRAIN + 4096);
            seen += reader.step(&piece).keep as u64;
        }
        assert_eq!(reader.defect(), Some(Defect::TooLarge));
    }

    proptest! {
        #[test]
        fn where_the_input_is_cut_does_not_matter(
            input in proptest::collection::vec(prop_oneof![
                4 => Just(b'\r'), 4 => Just(b'\n'), 3 => Just(b'.'), 1 => Just(b' '), 1 => Just(b':'), 4 => any::<u8>(),
            ], 0..200),
            sizes in proptest::collection::vec(1_usize..9, 1..8),
        ) {
            let limits = DataLimits { message: 120, line: 20, header_bytes: 60, header_fields: 8, hops: 1 };
            let one = read(&input, limits, &[]);
            let many = read(&input, limits, &sizes);
            prop_assert_eq!(&one.1, &many.1);
            prop_assert_eq!(&one.2, &many.2);
            if one.1.is_none() {
                prop_assert_eq!(one.0, many.0);
            }
        }

        #[test]
        fn what_a_client_stuffs_comes_back(lines in proptest::collection::vec("[.a-z ]{0,12}", 0..20)) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let stuffed: String = lines.iter().map(|line| match line.strip_prefix('.') {
                Some(_) => format!(".{line}\r\n"),
                None => format!("{line}\r\n"),
            }).collect();
            let (kept, defect, end) = read(format!("{stuffed}.\r\n").as_bytes(), DataLimits::default(), &[3]);
            prop_assert_eq!(kept, message.into_bytes());
            prop_assert_eq!((defect, end), (None, Some(stuffed.len() + 3)));
        }
    }
}
