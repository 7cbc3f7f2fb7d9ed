//! The SMTP session as a state machine (RFC 5321 section 4.1.4): lines and answers in, replies and actions out.
//!
//! Pure: no I/O, no time. Who drives it does what the [`Action`] says and comes back with the outcome.

use std::net::SocketAddr;

use super::address::Mailbox;
use super::command::{self, Command, Sender, Target};
use super::intake::{Envelope, RecipientAnswer, StorageState, TlsInfo};
use super::reply::{self, Reply};
use super::settings::Limits;
use crate::base::Timestamp;

/// What is to be done before the next line is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Give the next line.
    Next,
    /// Find out whether there is room, then [`Session::storage`].
    AskStorage,
    /// Find out about [`Session::asked`], then [`Session::recipient`].
    AskRecipient,
    /// Take a message, then [`Session::finished`] or [`Session::refused`].
    TakeMessage,
    /// Send what was answered, shake hands, then [`Session::secured`].
    StartTls,
    /// Send what was answered and close.
    Close,
}

/// One session, from the greeting to the end.
#[derive(Debug)]
pub struct Session {
    hostname: String,
    limits: Limits,
    tls_offered: bool,
    tls: Option<TlsInfo>,
    hello: Option<Hello>,
    mail: Option<Mail>,
    counts: Counts,
    slow: bool,
}

#[derive(Clone, Debug)]
struct Hello {
    name: String,
    esmtp: bool,
}

#[derive(Debug)]
struct Mail {
    sender: Sender,
    recipients: Vec<Mailbox>,
    asked: Option<Mailbox>,
    tried: bool,
}

#[derive(Debug, Default)]
struct Counts {
    errors: u32,
    unknown: u32,
    idle: u32,
    mails: u32,
}

impl Session {
    /// A session before its greeting.
    pub fn new(hostname: &str, limits: Limits, tls_offered: bool) -> Session {
        Session {
            hostname: hostname.to_owned(),
            limits,
            tls_offered,
            tls: None,
            hello: None,
            mail: None,
            counts: Counts::default(),
            slow: false,
        }
    }

    /// Writes the greeting.
    pub fn greet(&self, out: &mut Vec<u8>) {
        say_all(out, &["220 ", &self.hostname, " ESMTP\r\n"]);
    }

    /// Takes one line, its line end included. `more` says that further bytes have already come behind it.
    pub fn line(&mut self, line: &[u8], more: bool, out: &mut Vec<u8>) -> Action {
        match command::parse(line) {
            Ok(command) => self.command(command, more, out),
            // Who does not end lines as the protocol says cannot be followed any further.
            Err(reply::BARE_LINE_END) => close(out, reply::BARE_LINE_END),
            Err(reply) => self.error(reply, out),
        }
    }

    /// A line came that is longer than [`Limits::command_line`].
    pub fn line_too_long(&mut self, out: &mut Vec<u8>) -> Action {
        close(out, reply::LINE_TOO_LONG)
    }

    /// The sender and recipient that [`Action::AskRecipient`] is about.
    pub fn asked(&self) -> Option<(Option<&Mailbox>, &Mailbox)> {
        let mail = self.mail.as_ref()?;
        Some((mail.sender.path.as_ref(), mail.asked.as_ref()?))
    }

    /// The answer to [`Action::AskStorage`].
    pub fn storage(&mut self, state: StorageState, out: &mut Vec<u8>) -> Action {
        match state {
            StorageState::Fine => say(out, reply::SENDER_OK),
            StorageState::Low => {
                self.mail = None;
                say(out, reply::STORAGE_LOW)
            }
        }
    }

    /// The answer to [`Action::AskRecipient`].
    pub fn recipient(&mut self, answer: RecipientAnswer, out: &mut Vec<u8>) -> Action {
        let Some(mail) = self.mail.as_mut() else { return say(out, reply::BAD_SEQUENCE) };
        let Some(mailbox) = mail.asked.take() else { return say(out, reply::BAD_SEQUENCE) };
        match answer {
            RecipientAnswer::Unknown if !mailbox.is_required_role() => self.stranger(reply::UNKNOWN_RECIPIENT, out),
            RecipientAnswer::Denied if !mailbox.is_required_role() => self.stranger(reply::SENDER_DENIED, out),
            RecipientAnswer::Accept | RecipientAnswer::Unknown | RecipientAnswer::Denied => {
                if !mail.recipients.contains(&mailbox) {
                    mail.recipients.push(mailbox);
                }
                say(out, reply::RECIPIENT_OK)
            }
            RecipientAnswer::NoRelay => self.stranger(reply::NO_RELAY, out),
            RecipientAnswer::TryLater => say(out, reply::TRY_LATER),
        }
    }

    /// The envelope of the message being taken. The transaction is over after this.
    pub fn envelope(&mut self, peer: SocketAddr, size: u64, received_at: Timestamp) -> Option<Envelope> {
        let (mail, hello) = (self.mail.take()?, self.hello.as_ref()?);
        Some(Envelope {
            helo: hello.name.clone(),
            esmtp: hello.esmtp,
            peer,
            tls: self.tls,
            mail_from: mail.sender.path,
            rcpt_to: mail.recipients,
            smtputf8: mail.sender.smtputf8,
            eight_bit: mail.sender.eight_bit,
            size,
            received_at,
        })
    }

    /// The message was taken, under this id.
    pub fn finished(&mut self, id: &str, out: &mut Vec<u8>) -> Action {
        self.mail = None;
        self.counts.errors = 0;
        self.counts.idle = 0;
        say_all(out, &["250 2.0.0 Ok: queued as ", id, "\r\n"]);
        Action::Next
    }

    /// The message was not taken. What stood in it may disagree with us on where it ends: then close.
    pub fn refused(&mut self, reply: Reply, out: &mut Vec<u8>) -> Action {
        self.mail = None;
        match reply {
            reply::STRAY_LINE_END => close(out, reply),
            reply if reply.code() < 500 => say(out, reply),
            reply => self.error(reply, out),
        }
    }

    /// TLS is up: everything said before is forgotten (RFC 3207 section 4.2).
    pub fn secured(&mut self, tls: TlsInfo) {
        self.tls = Some(tls);
        self.tls_offered = false;
        self.hello = None;
        self.mail = None;
    }

    /// Whether the present reply is to be held back a while; asking resets it.
    pub fn take_slow(&mut self) -> bool {
        std::mem::take(&mut self.slow)
    }

    fn command(&mut self, command: Command, more: bool, out: &mut Vec<u8>) -> Action {
        let ends_group =
            matches!(command, Command::Ehlo(_) | Command::Helo(_) | Command::Data | Command::StartTls | Command::Bdat);
        if more && ends_group {
            return close(out, reply::PIPELINING);
        }
        match command {
            Command::Ehlo(name) => self.hello(name, true, out),
            Command::Helo(name) => self.hello(name, false, out),
            Command::Mail(sender) => self.mail(sender, out),
            Command::Rcpt(target) => self.rcpt(target, out),
            Command::Data => self.data(out),
            Command::StartTls => self.start_tls(out),
            Command::Rset => {
                self.mail = None;
                self.idle(reply::OK, out)
            }
            Command::Noop => self.idle(reply::OK, out),
            Command::Vrfy => self.idle(reply::CANNOT_VERIFY, out),
            Command::Help => self.idle(reply::HELP, out),
            Command::Absent | Command::Bdat => self.error(reply::NOT_IMPLEMENTED, out),
            Command::Foreign => close(out, reply::NOT_HTTP),
            Command::Quit => close(out, reply::BYE),
        }
    }

    fn hello(&mut self, name: String, esmtp: bool, out: &mut Vec<u8>) -> Action {
        self.mail = None;
        self.counts.idle += 1;
        if self.counts.idle > self.limits.idle_commands {
            return close(out, reply::TOO_MANY_COMMANDS);
        }
        self.hello = Some(Hello { name, esmtp });
        if !esmtp {
            say_all(out, &["250 ", &self.hostname, "\r\n"]);
            return Action::Next;
        }
        let size = self.limits.data.message.to_string();
        say_all(out, &["250-", &self.hostname, "\r\n250-PIPELINING\r\n250-SIZE ", &size, "\r\n250-8BITMIME\r\n"]);
        if self.tls_offered {
            say_all(out, &["250-STARTTLS\r\n"]);
        }
        say_all(out, &["250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"]);
        Action::Next
    }

    fn mail(&mut self, sender: Sender, out: &mut Vec<u8>) -> Action {
        if self.hello.is_none() || self.mail.is_some() {
            return self.error(reply::BAD_SEQUENCE, out);
        }
        if self.counts.mails >= self.limits.mails {
            return close(out, reply::TOO_MANY_MAILS);
        }
        if sender.size > self.limits.data.message {
            return self.error(reply::TOO_LARGE, out);
        }
        self.counts.idle += 1;
        if self.counts.idle > self.limits.idle_commands {
            return close(out, reply::TOO_MANY_COMMANDS);
        }
        self.mail = Some(Mail { sender, recipients: Vec::new(), asked: None, tried: false });
        Action::AskStorage
    }

    fn rcpt(&mut self, target: Target, out: &mut Vec<u8>) -> Action {
        let limit = self.limits.recipients;
        let Some(mail) = self.mail.as_mut() else { return self.error(reply::BAD_SEQUENCE, out) };
        mail.tried = true;
        let mailbox = match target {
            Target::Mailbox(mailbox) => mailbox,
            Target::Elsewhere => return self.stranger(reply::NO_RELAY, out),
        };
        if !mailbox.is_ascii() && !mail.sender.smtputf8 {
            return self.error(reply::NEEDS_SMTPUTF8, out);
        }
        if mail.sender.path.is_none() && !mail.recipients.is_empty() {
            return self.idle(reply::ONE_RECIPIENT_FOR_NULL_SENDER, out);
        }
        if mail.recipients.len() >= limit {
            return self.idle(reply::TOO_MANY_RECIPIENTS, out);
        }
        mail.asked = Some(mailbox);
        Action::AskRecipient
    }

    fn data(&mut self, out: &mut Vec<u8>) -> Action {
        match &self.mail {
            Some(mail) if !mail.recipients.is_empty() => {
                self.counts.mails += 1;
                Action::TakeMessage
            }
            Some(mail) if mail.tried => self.error(reply::NO_RECIPIENTS, out),
            _ => self.error(reply::BAD_SEQUENCE, out),
        }
    }

    fn start_tls(&mut self, out: &mut Vec<u8>) -> Action {
        if self.tls.is_some() {
            return self.error(reply::ALREADY_SECURE, out);
        }
        if !self.tls_offered {
            return self.error(reply::TLS_UNAVAILABLE, out);
        }
        let _ = say(out, reply::START_TLS);
        Action::StartTls
    }

    /// A recipient that is not here: counted over the whole session, so that mail between does not help a harvester.
    fn stranger(&mut self, reply: Reply, out: &mut Vec<u8>) -> Action {
        self.counts.unknown += 1;
        if self.counts.unknown >= self.limits.unknown_recipients {
            return close(out, reply::TOO_MANY_ERRORS);
        }
        self.slow |= self.counts.unknown > self.limits.soft_errors;
        self.error(reply, out)
    }

    fn error(&mut self, reply: Reply, out: &mut Vec<u8>) -> Action {
        self.counts.errors += 1;
        if self.counts.errors >= self.limits.hard_errors {
            return close(out, reply::TOO_MANY_ERRORS);
        }
        self.slow |= self.counts.errors > self.limits.soft_errors;
        say(out, reply)
    }

    fn idle(&mut self, reply: Reply, out: &mut Vec<u8>) -> Action {
        self.counts.idle += 1;
        if self.counts.idle > self.limits.idle_commands {
            close(out, reply::TOO_MANY_COMMANDS)
        } else {
            say(out, reply)
        }
    }
}

fn say(out: &mut Vec<u8>, reply: Reply) -> Action {
    out.extend_from_slice(reply.0.as_bytes());
    Action::Next
}

fn close(out: &mut Vec<u8>, reply: Reply) -> Action {
    let _ = say(out, reply);
    Action::Close
}

fn say_all(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = Vec<u8>> {
        let fixed = |text: &'static str| Just(format!("{text}\r\n").into_bytes());
        prop_oneof![
            3 => fixed("EHLO a"), 1 => fixed("HELO a"), 3 => fixed("MAIL FROM:<a@b>"), 1 => fixed("MAIL FROM:<>"),
            3 => fixed("RCPT TO:<a@b>"), 2 => fixed("RCPT TO:<postmaster>"), 1 => fixed("RCPT TO:<a%b@c>"),
            3 => fixed("DATA"), 1 => fixed("RSET"), 1 => fixed("STARTTLS"), 1 => fixed("NOOP"), 1 => fixed("BDAT 1"),
            1 => proptest::collection::vec(any::<u8>(), 0..60),
            1 => "(EHLO|MAIL FROM:|RCPT TO:|VRFY|AUTH)[ -~ż]{0,40}\r\n".prop_map(String::into_bytes),
        ]
    }

    fn answer() -> impl Strategy<Value = RecipientAnswer> {
        prop_oneof![
            Just(RecipientAnswer::Accept),
            Just(RecipientAnswer::Unknown),
            Just(RecipientAnswer::NoRelay),
            Just(RecipientAnswer::Denied),
            Just(RecipientAnswer::TryLater),
        ]
    }

    /// Every reply is whole: `ddd` and a space or dash on each line, CR LF at its end, once.
    fn well_formed(out: &[u8]) -> bool {
        let text = String::from_utf8(out.to_vec()).unwrap();
        let good = |line: &str| {
            let (code, rest) = line.split_at_checked(3).unwrap_or_default();
            code.parse::<u16>().is_ok_and(|code| (200..600).contains(&code)) && rest.starts_with([' ', '-'])
        };
        text.ends_with("\r\n") && text.trim_end().split("\r\n").all(|line| good(line) && !line.contains(['\r', '\n']))
    }

    proptest! {
        #[test]
        fn every_line_has_one_answer_and_mail_has_recipients(
            lines in proptest::collection::vec((line(), answer(), any::<bool>()), 0..80),
        ) {
            let mut session = Session::new("mx.example", Limits { mails: 5, ..Limits::default() }, true);
            let peer = "192.0.2.1:25".parse().unwrap();
            for (line, answer, more) in lines {
                let mut out = Vec::new();
                let mut action = session.line(&line, more, &mut out);
                match action {
                    Action::AskStorage => action = session.storage(StorageState::Fine, &mut out),
                    Action::AskRecipient => {
                        prop_assert!(session.asked().is_some());
                        action = session.recipient(answer, &mut out);
                    }
                    Action::TakeMessage => {
                        let envelope = session.envelope(peer, 1, Timestamp(0)).unwrap();
                        prop_assert!(!envelope.rcpt_to.is_empty() && !envelope.helo.is_empty());
                        prop_assert!(envelope.mail_from.is_some() || envelope.rcpt_to.len() == 1);
                        action = session.finished("1", &mut out);
                    }
                    Action::StartTls => session.secured(TlsInfo { version: "TLSv1_3", cipher: "x" }),
                    _ => {}
                }
                prop_assert!(well_formed(&out), "{:?}", String::from_utf8_lossy(&out));
                if action == Action::Close {
                    break;
                }
            }
        }
    }
}
