//! One command line to one command. Pure.
//!
//! Verbs, EHLO names and parameter values are read by smtp-proto's grammar; what it lets through and
//! we do not (line ends, paths, doubled and unadvertised parameters, words behind a command) is held here.

use std::borrow::Cow;

use smtp_proto::request::parser::Rfc5321Parser;
use smtp_proto::{Error as Grammar, MAIL_BODY_8BITMIME, MAIL_BODY_BINARYMIME, MAIL_SMTPUTF8, Request};

use super::address::Mailbox;
use super::reply::{self, Reply};

/// A command whose syntax is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// EHLO with the client's name.
    Ehlo(String),
    /// HELO with the client's name.
    Helo(String),
    /// MAIL FROM.
    Mail(Sender),
    /// RCPT TO.
    Rcpt(Target),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP, with or without words.
    Noop,
    /// QUIT.
    Quit,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// STARTTLS.
    StartTls,
    /// A command we know of and do not have.
    Absent,
    /// BDAT, which we do not have: what follows it would be message text, not commands.
    Bdat,
    /// The words of another protocol: some browser was made to talk to us.
    Foreign,
}

/// What MAIL said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The reverse path, `None` for the null sender.
    pub path: Option<Mailbox>,
    /// SIZE in bytes (RFC 1870), 0 if not said.
    pub size: u64,
    /// BODY=8BITMIME.
    pub eight_bit: bool,
    /// SMTPUTF8.
    pub smtputf8: bool,
}

/// Whom RCPT named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A mailbox.
    Mailbox(Mailbox),
    /// Somebody behind another host: a source route, `user%host`, `host!user`, `"user@host"`.
    Elsewhere,
}

const ABSENT: [&str; 9] = ["AUTH", "EXPN", "LHLO", "ETRN", "ATRN", "BURL", "TURN", "SEND", "SOML"];
const FOREIGN: [&str; 7] = ["GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS", "USER"];

/// Reads one line, its line end included; the error is the reply to give.
pub fn parse(line: &[u8]) -> Result<Command, Reply> {
    let body = line.strip_suffix(b"\r\n").ok_or(reply::BARE_LINE_END)?;
    let text = std::str::from_utf8(body).map_err(|_| reply::SYNTAX)?;
    if text.chars().any(char::is_control) {
        return Err(reply::SYNTAX);
    }
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let is = |word: &&str| verb.eq_ignore_ascii_case(word);
    if ABSENT.iter().any(is) {
        return Ok(Command::Absent);
    }
    if FOREIGN.iter().any(is) {
        return Ok(Command::Foreign);
    }
    if is(&"BDAT") {
        return Ok(Command::Bdat);
    }
    if is(&"MAIL") {
        return mail(rest);
    }
    if is(&"RCPT") {
        return rcpt(rest);
    }
    // The grammar forgives space before a verb; nobody sends that.
    if verb.is_empty() { Err(reply::UNKNOWN_COMMAND) } else { simple(line, rest.trim_ascii()) }
}

fn simple(line: &[u8], rest: &str) -> Result<Command, Reply> {
    let request = Request::parse(&mut line.iter()).map_err(|error| match error {
        Grammar::UnknownCommand => reply::UNKNOWN_COMMAND,
        _ => reply::SYNTAX,
    })?;
    let bare = |command: Command| if rest.is_empty() { Ok(command) } else { Err(reply::SYNTAX) };
    match request {
        Request::Ehlo { host } => Ok(Command::Ehlo(name(host)?)),
        Request::Helo { host } => Ok(Command::Helo(name(host)?)),
        Request::Data => bare(Command::Data),
        Request::Rset => bare(Command::Rset),
        Request::Quit => bare(Command::Quit),
        Request::StartTls => bare(Command::StartTls),
        Request::Noop { .. } => Ok(Command::Noop),
        Request::Help { .. } => Ok(Command::Help),
        Request::Vrfy { .. } => Ok(Command::Vrfy),
        _ => Err(reply::UNKNOWN_COMMAND),
    }
}

/// Any printable ASCII word: strange names are common, and nothing is believed for them.
fn name(host: Cow<'_, str>) -> Result<String, Reply> {
    if host.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(host.into_owned()) } else { Err(reply::SYNTAX) }
}

fn mail(rest: &str) -> Result<Command, Reply> {
    let (path, parameters) = path(rest, "FROM:")?;
    no_doubles(parameters)?;
    let (eight_bit, smtputf8) = mail_flags(parameters)?;
    // A source route before the sender's mailbox is to be accepted and ignored (RFC 5321 appendix C).
    let mailbox = source_route(path).map_or(path, |(_, mailbox)| mailbox);
    let path = match mailbox {
        "" if path.is_empty() => None,
        text => Some(Mailbox::parse(text).map_err(|_| reply::BAD_SENDER)?),
    };
    if path.as_ref().is_some_and(|path| !path.is_ascii()) && !smtputf8 {
        return Err(reply::NEEDS_SMTPUTF8);
    }
    Ok(Command::Mail(Sender { path, size: declared_size(parameters)?, eight_bit, smtputf8 }))
}

fn rcpt(rest: &str) -> Result<Command, Reply> {
    let (path, parameters) = path(rest, "TO:")?;
    if !parameters.is_empty() {
        no_doubles(parameters)?;
        return Err(reply::UNKNOWN_PARAMETER);
    }
    if path.eq_ignore_ascii_case("postmaster") {
        return Ok(Command::Rcpt(Target::Mailbox(Mailbox::bare_postmaster())));
    }
    let (routed, text) = source_route(path).map_or((false, path), |(_, mailbox)| (true, mailbox));
    let mailbox = Mailbox::parse(text).map_err(|_| reply::BAD_RECIPIENT)?;
    let elsewhere = routed || mailbox.is_routed();
    Ok(Command::Rcpt(if elsewhere { Target::Elsewhere } else { Target::Mailbox(mailbox) }))
}

/// Splits `FROM:<path> parameters` into path and parameters; a space before the path is forgiven.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(&'a str, &'a str), Reply> {
    let rest = rest.trim_start_matches(' ');
    let (head, tail) = rest.split_at_checked(keyword.len()).ok_or(reply::SYNTAX)?;
    if !head.eq_ignore_ascii_case(keyword) {
        return Err(reply::SYNTAX);
    }
    let inner = tail.trim_start_matches(' ').strip_prefix('<').ok_or(reply::SYNTAX)?;
    let close = closing_bracket(inner).ok_or(reply::SYNTAX)?;
    let path = inner.get(..close).unwrap_or_default();
    let after = inner.get(close + 1..).unwrap_or_default();
    if after.is_empty() || after.starts_with(' ') { Ok((path, after.trim_ascii())) } else { Err(reply::SYNTAX) }
}

/// Where the `>` that is not inside quotes stands.
fn closing_bracket(inner: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// `@one,@two:mailbox` into route and mailbox.
fn source_route(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('@')?.split_once(':')
}

fn keys(parameters: &str) -> impl Iterator<Item = &str> {
    parameters.split_ascii_whitespace().map(|word| word.split_once('=').map_or(word, |(key, _)| key))
}

fn no_doubles(parameters: &str) -> Result<(), Reply> {
    let doubled = keys(parameters)
        .enumerate()
        .any(|(at, key)| keys(parameters).skip(at + 1).any(|other| other.eq_ignore_ascii_case(key)));
    if doubled { Err(reply::BAD_PARAMETER) } else { Ok(()) }
}

/// BODY and SMTPUTF8; a parameter that we do not advertise is unknown, whatever the grammar knows.
fn mail_flags(parameters: &str) -> Result<(bool, bool), Reply> {
    if parameters.is_empty() {
        return Ok((false, false));
    }
    let known = |key: &str| ["SIZE", "BODY", "SMTPUTF8"].iter().any(|word| key.eq_ignore_ascii_case(word));
    if !keys(parameters).all(known) {
        return Err(reply::UNKNOWN_PARAMETER);
    }
    let others: Vec<&str> = parameters.split_ascii_whitespace().filter(|word| !is_size(word)).collect();
    let line = format!("{}\r\n", others.join(" "));
    let mut bytes = line.as_bytes().iter();
    let read = Rfc5321Parser::new(&mut bytes).mail_from_parameters(Cow::Borrowed(""));
    match read {
        Ok(said) if said.flags & MAIL_BODY_BINARYMIME != 0 => Err(reply::UNKNOWN_PARAMETER),
        Ok(said) => Ok((said.flags & MAIL_BODY_8BITMIME != 0, said.flags & MAIL_SMTPUTF8 != 0)),
        Err(_) => Err(reply::BAD_PARAMETER),
    }
}

fn is_size(word: &str) -> bool {
    keys(word).any(|key| key.eq_ignore_ascii_case("SIZE"))
}

/// SIZE, read here since the grammar's number wraps around; more digits than RFC 1870 has is bad syntax.
fn declared_size(parameters: &str) -> Result<u64, Reply> {
    let Some(word) = parameters.split_ascii_whitespace().find(|word| is_size(word)) else { return Ok(0) };
    match word.split_once('=').map(|(_, digits)| digits) {
        Some(digits) if (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(digits.parse().unwrap_or(u64::MAX))
        }
        _ => Err(reply::BAD_PARAMETER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> u16 {
        parse(format!("{line}\r\n").as_bytes()).err().map_or(250, Reply::code)
    }

    #[test]
    fn lines_must_end_with_crlf_and_hold_no_controls() {
        assert_eq!(parse(b"NOOP\n"), Err(reply::BARE_LINE_END));
        assert_eq!(parse(b"NOOP\rNOOP\r\n"), Err(reply::SYNTAX));
        assert_eq!(parse(b"NOOP \0\r\n"), Err(reply::SYNTAX));
        assert_eq!(parse(b"NOOP \xff\r\n"), Err(reply::SYNTAX));
        assert_eq!(parse(b"nOOp with words\r\n"), Ok(Command::Noop));
    }

    #[test]
    fn codes_of_good_and_bad_lines() {
        for (line, expected) in [
            ("EHLO client.example", 250),
            ("ehlo [IPv6:::1]", 250),
            ("EHLO", 501),
            ("EHLO ", 501),
            ("EHLO ż", 501),
            ("HELO a;b\"c", 250),
            ("DATA", 250),
            ("DATA now", 501),
            ("QUIT ", 250),
            ("QUIT x", 501),
            ("RSET x", 501),
            ("STARTTLS x", 501),
            ("VRFY anna", 250),
            ("VRFY", 501),
            ("HELP", 250),
            ("HELP me", 250),
            ("XYZZY", 500),
            ("", 500),
            (" NOOP", 500),
            ("STARTTLSX", 500),
            ("BDAT -1", 250),
            ("BDAT 18446744073709551616 LAST", 250),
            ("AUTH PLAIN AGEAYg==", 250),
            ("AUTH", 250),
            ("EXPN list", 250),
            ("MAIL FROM:<>", 250),
            ("MAIL FROM:<a@b>", 250),
            ("mail from: <a@b> size=10 body=8bitmime", 250),
            ("MAIL FROM:<a@b>junk", 501),
            ("MAIL FROM:a@b", 501),
            ("MAIL FROM:<a@b", 501),
            ("MAIL", 501),
            ("MAIL FROM:<a@b> FOO=1", 555),
            ("MAIL FROM:<a@b> RET=FULL", 555),
            ("MAIL FROM:<a@b> SIZE=1 SIZE=1", 501),
            ("MAIL FROM:<a@b> SIZE=x", 501),
            ("MAIL FROM:<a@b> SIZE=", 501),
            ("MAIL FROM:<a@b> SIZE", 501),
            ("MAIL FROM:<a@b> SIZE=-1", 501),
            ("MAIL FROM:<a@b> BODY=BINARYMIME", 555),
            ("MAIL FROM:<a@b> BODY=x", 501),
            ("MAIL FROM:<ż@b>", 553),
            ("MAIL FROM:<ż@b> SMTPUTF8", 250),
            ("MAIL FROM:<@r.example:a@b>", 250),
            ("MAIL FROM:<@r.example:>", 501),
            ("MAIL FROM:<a\tb@c>", 501),
            ("MAIL FROM:<a%0d%0ab@c>", 501),
            ("RCPT TO:<a@b>", 250),
            ("RCPT TO:<a@b>>", 501),
            ("RCPT TO:<a@b> NOTIFY=NEVER", 555),
            ("RCPT TO:<>", 501),
            ("RCPT TO:<Postmaster>", 250),
            ("RCPT TO:<a>", 501),
            ("RCPT TO:<\"a>b\"@c>", 250),
            ("RCPT TO:a@b", 501),
        ] {
            assert_eq!(code(line), expected, "{line}");
        }
    }

    #[test]
    fn sizes_do_not_wrap() {
        for (text, size) in
            [("0", 0), ("0012", 12), ("18446744073709551615", u64::MAX), ("99999999999999999999", u64::MAX)]
        {
            match parse(format!("MAIL FROM:<a@b> SIZE={text}\r\n").as_bytes()) {
                Ok(Command::Mail(sender)) => assert_eq!(sender.size, size),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(code("MAIL FROM:<a@b> SIZE=999999999999999999999"), 501);
    }

    #[test]
    fn other_hops_are_seen() {
        for path in ["@relay.example:a@b", "@a,@b:c@d", "a%b@c", "b!a@c", "\"a@b\"@c"] {
            assert_eq!(
                parse(format!("RCPT TO:<{path}>\r\n").as_bytes()),
                Ok(Command::Rcpt(Target::Elsewhere)),
                "{path}"
            );
        }
    }
}
