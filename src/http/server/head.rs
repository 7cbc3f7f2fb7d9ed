//! The strict reading of a request's head (RFC 9112) that decides where the request ends.
//!
//! The parser behind it forgives more: bare line feeds, a length beside a transfer coding, doubled
//! codings. Whoever forgives reads another request than the proxy in front, so none of it is let
//! through. Pure: bytes in, verdict out.

use poem::http::StatusCode;

use super::exchange::Refusal;

/// The longest head, in bytes, with the request line.
pub(super) const MAX_HEAD: usize = 16 * 1024;
/// The longest request target, in bytes.
const MAX_TARGET: usize = 8 * 1024;
/// The most header lines.
const MAX_LINES: usize = 100;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A body of so many bytes, then the next head.
    Length(u64),
    /// A chunked body or another protocol: what comes after it cannot be told from here.
    Unbounded,
}

/// How far a head has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its end has not come.
    More,
    /// It ends before this offset.
    Complete(usize),
    /// It is malformed or too long.
    Refuse(Refusal),
}

fn refuse<T>(status: StatusCode, detail: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, detail })
}

fn malformed<T>(detail: &'static str) -> Result<T, Refusal> {
    refuse(StatusCode::BAD_REQUEST, detail)
}

/// Looks for the end of the head in `bytes`, going on at `seen`, where an earlier call stopped.
pub(super) fn find_end(bytes: &[u8], seen: &mut usize) -> Progress {
    let bad = |detail| Progress::Refuse(Refusal { status: StatusCode::BAD_REQUEST, detail });
    while let Some(&byte) = bytes.get(*seen) {
        let before = bytes.get(..*seen).unwrap_or_default();
        match byte {
            0 => return bad("the request's head has a zero byte"),
            b'\n' if !before.ends_with(b"\r") => {
                return bad("a line of the request's head ends without a carriage return");
            }
            b'\n' if before.ends_with(b"\r\n\r") => return Progress::Complete(*seen + 1),
            b'\n' => {}
            _ if before.ends_with(b"\r") => return bad("the request's head has a carriage return inside a line"),
            _ => {}
        }
        *seen += 1;
    }
    if bytes.len() < MAX_HEAD {
        return Progress::More;
    }
    let (status, detail) = if bytes.contains(&b'\n') {
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's head is too large")
    } else {
        (StatusCode::URI_TOO_LONG, "the request's address is too long")
    };
    Progress::Refuse(Refusal { status, detail })
}

/// Reads a whole head and tells what follows it.
pub(super) fn judge(head: &[u8]) -> Result<Framing, Refusal> {
    let Ok(text) = std::str::from_utf8(head) else { return judge_lines(&String::from_utf8_lossy(head)) };
    judge_lines(text)
}

fn judge_lines(text: &str) -> Result<Framing, Refusal> {
    if text.len() > MAX_HEAD {
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's head is too large");
    }
    let mut lines = text.split("\r\n");
    let request = request_line(lines.next().unwrap_or_default())?;
    let mut fields = Fields::default();
    for (count, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        if count >= MAX_LINES {
            return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request has too many header lines");
        }
        fields.take(line)?;
    }
    fields.framing(&request)
}

struct RequestLine<'a> {
    is_1_1: bool,
    target: &'a str,
}

fn request_line(line: &str) -> Result<RequestLine<'_>, Refusal> {
    let mut parts = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return malformed("the request line is malformed");
    };
    if method.is_empty()
        || !method.bytes().all(is_token)
        || target.is_empty()
        || !target.bytes().all(|b| b.is_ascii_graphic())
    {
        return malformed("the request line is malformed");
    }
    if target.len() > MAX_TARGET {
        return refuse(StatusCode::URI_TOO_LONG, "the request's address is too long");
    }
    if method == "CONNECT" {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "this server is no proxy");
    }
    match version {
        "HTTP/1.1" => Ok(RequestLine { is_1_1: true, target }),
        "HTTP/1.0" => Ok(RequestLine { is_1_1: false, target }),
        _ if version.starts_with("HTTP/") => {
            refuse(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "this server speaks HTTP/1.1")
        }
        _ => malformed("the request line is malformed"),
    }
}

/// The header fields that decide about framing and host.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a str>,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

impl<'a> Fields<'a> {
    fn take(&mut self, line: &'a str) -> Result<(), Refusal> {
        let Some((name, value)) = line.split_once(':') else { return malformed("a header line has no colon") };
        if name.is_empty() || !name.bytes().all(is_token) {
            return malformed("a header's name is malformed");
        }
        let value = value.trim_matches([' ', '\t']);
        if value.bytes().any(|b| b < 0x20 && b != b'\t' || b == 0x7f) {
            return malformed("a header's value has a control character");
        }
        if name.eq_ignore_ascii_case("host") {
            if self.host.replace(value).is_some() {
                return malformed("the request has two Host headers");
            }
        } else if name.eq_ignore_ascii_case("content-length") {
            let digits = !value.is_empty() && value.len() <= 18 && value.bytes().all(|b| b.is_ascii_digit());
            let Some(length) = value.parse().ok().filter(|_| digits) else {
                return malformed("the request's Content-Length is malformed");
            };
            if self.length.replace(length).is_some() {
                return malformed("the request has two Content-Length headers");
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") || std::mem::replace(&mut self.chunked, true) {
                return malformed("the request's Transfer-Encoding is not chunked alone");
            }
        } else if name.eq_ignore_ascii_case("upgrade") {
            self.upgrade = true;
        }
        Ok(())
    }

    fn framing(&self, request: &RequestLine<'_>) -> Result<Framing, Refusal> {
        match self.host {
            None if request.is_1_1 => return malformed("the request has no Host header"),
            Some(host) if !same_authority(request.target, host) => {
                return malformed("the request's address and its Host header disagree");
            }
            _ => {}
        }
        if self.chunked && (self.length.is_some() || !request.is_1_1) {
            return malformed("the request has a Transfer-Encoding where none is allowed");
        }
        if self.chunked || self.upgrade {
            return Ok(Framing::Unbounded);
        }
        Ok(Framing::Length(self.length.unwrap_or(0)))
    }
}

/// Whether a target with an authority (`http://host/path`) names the host that `Host` names.
fn same_authority(target: &str, host: &str) -> bool {
    if target.starts_with('/') || target == "*" {
        return true;
    }
    let Some((_, rest)) = target.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.eq_ignore_ascii_case(host)
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(head: &str) -> Result<Framing, u16> {
        let mut seen = 0;
        match find_end(head.as_bytes(), &mut seen) {
            Progress::More => panic!("no end: {head:?}"),
            Progress::Complete(end) => judge(&head.as_bytes()[..end]).map_err(|refusal| refusal.status.as_u16()),
            Progress::Refuse(refusal) => Err(refusal.status.as_u16()),
        }
    }

    #[test]
    fn ordinary_heads_pass_with_their_framing() {
        let table = [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Length(0)),
            ("GET / HTTP/1.0\r\n\r\n", Framing::Length(0)),
            ("OPTIONS * HTTP/1.1\r\nhost:a\r\n\r\n", Framing::Length(0)),
            ("GET http://a:80/x HTTP/1.1\r\nHost: A:80\r\n\r\n", Framing::Length(0)),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 012 \r\n\r\n", Framing::Length(12)),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", Framing::Unbounded),
            ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", Framing::Unbounded),
            ("GET /\u{17c} HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Length(0)),
        ];
        for (head, framing) in table.iter().take(7) {
            assert_eq!(verdict(head), Ok(*framing), "{head}");
        }
        assert_eq!(verdict(table[7].0), Err(400), "targets are ASCII");
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        let heads = [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\x0bb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET /\r\n\r\n",
            " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ];
        for head in heads {
            assert_eq!(verdict(head), Err(400), "{head:?}");
        }
        assert_eq!(verdict("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Err(505));
        assert_eq!(verdict("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), Err(405));
    }

    #[test]
    fn heads_have_a_bound() {
        let lines = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count));
        assert_eq!(verdict(&lines(99)), Ok(Framing::Length(0)));
        assert_eq!(verdict(&lines(100)), Err(431));
        assert_eq!(verdict(&format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000))), Err(414));
        assert_eq!(verdict(&format!("GET /{}", "a".repeat(1 << 20))), Err(414));
        assert_eq!(verdict(&format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(1 << 20))), Err(431));
    }

    proptest::proptest! {
        #[test]
        fn the_end_is_found_the_same_in_pieces(head in "(GET / HTTP/1.1\r\n)?([a-z: \r\n\0]|\r\n){0,40}(\r\n\r\n)?", cut in 0_usize..60) {
            let bytes = head.as_bytes();
            let whole = find_end(bytes, &mut 0);
            let mut seen = 0;
            let mut pieces = find_end(&bytes[..cut.min(bytes.len())], &mut seen);
            if pieces == Progress::More {
                pieces = find_end(bytes, &mut seen);
            }
            proptest::prop_assert_eq!(whole, pieces);
        }
    }
}
