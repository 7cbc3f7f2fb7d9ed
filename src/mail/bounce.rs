//! Reports that a mail could not be delivered: the standard ones (RFC 3464, 6533) and those that older servers write
//! in words of their own. What a report says is a claim: whether it is about a mail of ours is found out elsewhere.

use serde::{Deserialize, Serialize};

use super::parse::Parsed;
use super::scan::{Kind, Structure};
use super::thread;
use crate::base::text::one_line;

/// Recipients of one report that are looked at.
const MAX_RECIPIENTS: usize = 100;
/// Bytes of a report's fields, and of its words, that are looked at.
const MAX_FIELDS: usize = 64 << 10;
/// Longest words of a server kept, in bytes.
const MAX_WORDS: usize = 500;

/// A report about a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounce {
    /// The Message-ID of the mail it is about, without brackets, when it says.
    pub about: Option<String>,
    /// What became of whom; empty when it does not say in a way that can be read.
    pub recipients: Vec<Bounced>,
}

/// What became of one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounced {
    /// The address it is about.
    pub address: String,
    /// What happened.
    pub action: Action,
    /// The status of RFC 3463, such as `5.1.1`, when there is one.
    pub status: Option<String>,
    /// The words of whoever refused it, one line.
    pub words: String,
}

/// What happened to a mail for a recipient (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It did not get there and will not.
    #[default]
    Failed,
    /// Not yet; it is being tried.
    Delayed,
    /// It got there, or to somebody who does not report further.
    Delivered,
}

impl Bounced {
    /// Whether the address itself is the trouble, so that writing there again is in vain: it does not exist, its
    /// domain does not, or it is disabled. A full mailbox, a policy or a server in trouble is something else.
    pub fn is_hard(&self) -> bool {
        self.action == Action::Failed && self.status.as_deref().is_some_and(is_hard)
    }
}

/// Whether a status (RFC 3463) says that an address is no good: `5.1.x` but for the sender's own, or `5.2.1`.
pub fn is_hard(status: &str) -> bool {
    (status.starts_with("5.1.") && !matches!(status, "5.1.7" | "5.1.8")) || status == "5.2.1"
}

/// The status at the beginning of a server's words: `550 5.1.1 No such user` has `5.1.1`.
pub fn status_of(words: &str) -> Option<String> {
    words.split([' ', '-', ';']).take(3).find(|word| is_status(word)).map(String::from)
}

fn is_status(word: &str) -> bool {
    let mut parts = word.split('.');
    let class = parts.next().is_some_and(|class| matches!(class, "2" | "4" | "5"));
    let number = |part: Option<&str>| {
        part.is_some_and(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    class && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

/// The report that a mail is, if it is one.
pub(super) fn read(raw: &[u8], structure: &Structure, parsed: &Parsed) -> Option<Bounce> {
    let about = original_id(raw, structure);
    if parsed.marks.delivery_report {
        let recipients = fields_of(raw, structure).map(|text| standard(&text)).unwrap_or_default();
        return Some(Bounce { about, recipients });
    }
    let header = structure.entities.first().map(|root| root.header.clone()).unwrap_or_default();
    let header = raw.get(header).unwrap_or_default();
    if let Some(failed) = field(header, "x-failed-recipients") {
        let words = words_of(parsed);
        let addresses = failed.split(',').map(str::trim).filter(|address| !address.is_empty());
        let recipients = addresses.take(MAX_RECIPIENTS).map(|address| told(address, &words)).collect();
        return Some(Bounce { about, recipients });
    }
    let recipients = qmail(&parsed.text);
    if !recipients.is_empty() {
        return Some(Bounce { about: about.or_else(|| id_in(&parsed.text)), recipients });
    }
    // A machine that speaks of failure about a mail it shows: who it was for is not said in a known way.
    (is_postmaster(parsed) && about.is_some()).then_some(Bounce { about, recipients: Vec::new() })
}

/// The fields of message/delivery-status.
fn fields_of(raw: &[u8], structure: &Structure) -> Option<String> {
    let is_fields = |kind: &str| matches!(kind, "message/delivery-status" | "message/global-delivery-status");
    let part = structure.entities.iter().find(|entity| !entity.in_message && is_fields(&entity.mime.content_type))?;
    let bytes = part.mime.transfer.decode(raw.get(part.body.clone()).unwrap_or_default());
    Some(String::from_utf8_lossy(bytes.get(..bytes.len().min(MAX_FIELDS)).unwrap_or_default()).into_owned())
}

/// The Message-ID of the mail that a report carries, whole or its header alone.
fn original_id(raw: &[u8], structure: &Structure) -> Option<String> {
    let inner = structure.entities.iter().find(|entity| entity.in_message).map(|entity| entity.header.clone());
    if let Some(header) = inner {
        return field(raw.get(header)?, "message-id").and_then(|id| thread::normalise_id(&id));
    }
    let is_header = |kind: &str| matches!(kind, "text/rfc822-headers" | "message/global-headers" | "message/rfc822");
    let part = structure.entities.iter().find(|entity| is_header(&entity.mime.content_type))?;
    if part.kind == Kind::Multipart {
        return None;
    }
    let bytes = part.mime.transfer.decode(raw.get(part.body.clone())?);
    field(bytes.get(..bytes.len().min(MAX_FIELDS))?, "message-id").and_then(|id| thread::normalise_id(&id))
}

/// The value of a header field, unfolded; the first of that name before an empty line.
fn field(header: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(header.get(..header.len().min(MAX_FIELDS))?);
    let mut value: Option<String> = None;
    for line in text.lines() {
        match &mut value {
            Some(value) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            Some(_) => break,
            None if line.trim().is_empty() => break,
            None => {
                if let Some((field, rest)) = line.split_once(':')
                    && field.trim().eq_ignore_ascii_case(name)
                {
                    value = Some(rest.trim().to_owned());
                }
            }
        }
    }
    value.filter(|value| !value.is_empty())
}

/// The recipients of a standard report: groups of fields, of which the first is about the mail as a whole.
fn standard(text: &str) -> Vec<Bounced> {
    let text = text.replace("\r\n", "\n");
    let mut out = Vec::new();
    for group in text.split("\n\n").take(MAX_RECIPIENTS + 1) {
        let value = |name: &str| field(group.trim_start_matches('\n').as_bytes(), name);
        let typed = |value: String| value.split_once(';').map_or(value.clone(), |(_, rest)| rest.trim().to_owned());
        // What we wrote to comes first: behind a forward the final one is somebody we never heard of.
        let original = value("original-recipient").map(typed).filter(|address| !address.is_empty());
        let Some(address) = original.or_else(|| value("final-recipient").map(typed)) else { continue };
        if out.len() == MAX_RECIPIENTS {
            break;
        }
        let action = match value("action").unwrap_or_default().to_ascii_lowercase().as_str() {
            "failed" => Action::Failed,
            "delayed" => Action::Delayed,
            "delivered" | "relayed" | "expanded" => Action::Delivered,
            _ => continue,
        };
        let status = value("status").and_then(|status| status_of(&status));
        let words = value("diagnostic-code").map(typed).unwrap_or_default();
        out.push(Bounced { address: clean(&address), action, status, words: one_line(&words, MAX_WORDS) });
    }
    out
}

/// qmail's own form (QSBMF): `<address>:` on a line, the words below it.
fn qmail(text: &str) -> Vec<Bounced> {
    let begins = text.trim_start().starts_with("Hi. This is the ") || text.contains("\nHi. This is the qmail-send");
    if !begins {
        return Vec::new();
    }
    let before = text.split("--- Below this line is a copy of the message").next().unwrap_or_default();
    let mut out: Vec<Bounced> = Vec::new();
    let mut open = false;
    for line in before.lines().take(2_000) {
        if let Some(address) = line.strip_prefix('<').and_then(|line| line.strip_suffix(">:")) {
            if out.len() == MAX_RECIPIENTS {
                break;
            }
            out.push(told(address, ""));
            open = true;
        } else if line.trim().is_empty() {
            open = false;
        } else if let Some(last) = out.last_mut().filter(|_| open) {
            last.words = one_line(&format!("{} {line}", last.words), MAX_WORDS);
            last.status = last.status.take().or_else(|| status_in(line));
        }
    }
    out
}

/// A recipient of whom it is said in words that a mail did not reach it.
fn told(address: &str, words: &str) -> Bounced {
    Bounced {
        address: clean(address),
        action: Action::Failed,
        status: status_in(words),
        words: one_line(words, MAX_WORDS),
    }
}

/// A status anywhere in words, as `#5.1.1` or by itself.
fn status_in(words: &str) -> Option<String> {
    let marks = |c: char| c.is_whitespace() || matches!(c, '#' | '(' | ')' | '<' | '>' | ',' | ';' | ':');
    words.split(marks).find(|word| word.starts_with(['4', '5']) && is_status(word)).map(String::from)
}

/// The line of a report in words that says what was answered.
fn words_of(parsed: &Parsed) -> String {
    let answer = |line: &&str| status_in(line).is_some() || line.trim_start().starts_with(['4', '5']);
    parsed.text.lines().find(answer).unwrap_or_default().trim().to_owned()
}

/// A Message-ID that stands in words as a field of a copied header.
fn id_in(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:"))?;
    thread::normalise_id(line.split_once(':')?.1)
}

/// Whether a mail comes from a mail server rather than a person, by the name it gives itself.
fn is_postmaster(parsed: &Parsed) -> bool {
    let machine = |email: &str| {
        let local = email.split('@').next().unwrap_or_default().to_ascii_lowercase();
        matches!(local.as_str(), "mailer-daemon" | "postmaster" | "mail-daemon" | "microsoftexchange")
    };
    parsed.from.first().is_some_and(|from| machine(&from.email))
}

fn clean(address: &str) -> String {
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    one_line(address, 320)
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    const STANDARD: &str = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\n\
        Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; mx.example\r\n\r\n\
        Final-Recipient: rfc822; new@elsewhere.example\r\nOriginal-Recipient: rfc822;anna@shop.example\r\n\
        Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No\r\n such user\r\n\r\n\
        Final-Recipient: rfc822; <jan@shop.example>\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Hi\r\nMessage-ID:\r\n <our.id@desk.example>\r\n\r\nBody\r\n--b--\r\n";

    #[test]
    fn a_standard_report_names_the_mail_and_each_recipient() {
        let bounce = parse(STANDARD.as_bytes()).bounce.unwrap();
        assert_eq!(bounce.about.as_deref(), Some("our.id@desk.example"));
        let [anna, jan] = bounce.recipients.as_slice() else { panic!("{bounce:?}") };
        assert_eq!((anna.address.as_str(), anna.action), ("anna@shop.example", Action::Failed));
        assert_eq!((anna.status.as_deref(), anna.words.as_str()), (Some("5.1.1"), "550 5.1.1 No such user"));
        assert_eq!((jan.address.as_str(), jan.action), ("jan@shop.example", Action::Delayed));
        assert!(anna.is_hard() && !jan.is_hard());
        let headers = STANDARD.replace("message/rfc822", "text/rfc822-headers");
        assert_eq!(parse(headers.as_bytes()).bounce.unwrap().about.as_deref(), Some("our.id@desk.example"));
    }

    #[test]
    fn the_forms_of_older_servers_are_read_too() {
        let exim = "From: Mail Delivery System <Mailer-Daemon@mx.example>\r\nX-Failed-Recipients: anna@shop.example,\r\n \
            jan@shop.example\r\nSubject: Mail delivery failed\r\n\r\nThe following address failed:\r\n\r\n  \
            anna@shop.example\r\n    550 5.1.1 Unknown user\r\n";
        let bounce = parse(exim.as_bytes()).bounce.unwrap();
        let addresses: Vec<&str> = bounce.recipients.iter().map(|one| one.address.as_str()).collect();
        assert_eq!(addresses, ["anna@shop.example", "jan@shop.example"]);
        assert_eq!(bounce.recipients[0].status.as_deref(), Some("5.1.1"));
        let qmail = "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program \
            at mx.example.\r\nI'm afraid I wasn't able to deliver.\r\n\r\n<anna@shop.example>:\r\nSorry, no mailbox here \
            by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nMessage-ID: \
            <our.id@desk.example>\r\n\r\n<not@this.example>:\r\n";
        let bounce = parse(qmail.as_bytes()).bounce.unwrap();
        assert_eq!(bounce.about.as_deref(), Some("our.id@desk.example"));
        assert_eq!(bounce.recipients.len(), 1);
        assert!(bounce.recipients[0].is_hard(), "{bounce:?}");
    }

    #[test]
    fn ordinary_mail_is_no_report_and_odd_reports_are_bounded() {
        for plain in [
            "From: anna@shop.example\r\nSubject: Undeliverable\r\n\r\n550 5.1.1 hello <a@b.example>:\r\n",
            "From: postmaster@shop.example\r\nSubject: Maintenance\r\n\r\nTonight.\r\n",
        ] {
            assert_eq!(parse(plain.as_bytes()).bounce, None, "{plain}");
        }
        let many = "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n\r\n".repeat(5_000);
        let huge = STANDARD.replace("Reporting-MTA: dns; mx.example\r\n\r\n", &many);
        let bounce = parse(huge.as_bytes()).bounce.unwrap();
        assert!((1..=MAX_RECIPIENTS).contains(&bounce.recipients.len()));
        let odd = STANDARD.replace("Action: failed", "Action: exploded").replace("4.4.1", "99.99999.x");
        assert_eq!(parse(odd.as_bytes()).bounce.unwrap().recipients.len(), 1);
    }

    #[test]
    fn hard_is_what_the_address_itself_is_to_blame_for() {
        for (words, hard) in [
            ("550 5.1.1 No such user", true),
            ("550-5.1.10 not found", true),
            ("554 5.2.1 disabled", true),
            ("552 5.2.2 full", false),
            ("550 5.7.1 policy", false),
            ("553 5.1.8 your sender", false),
            ("550 no", false),
        ] {
            assert_eq!(status_of(words).is_some_and(|status| is_hard(&status)), hard, "{words}");
        }
    }
}
