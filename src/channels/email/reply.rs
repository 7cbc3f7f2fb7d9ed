//! Every fixed reply of the receiver on one page: RFC 5321 codes with RFC 3463 enhanced codes.
//!
//! The only map from what happened to an SMTP code.

use super::data::Defect;
use super::intake::IntakeError;

/// One reply line, complete with its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply(pub &'static str);

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        pub(super) const $name: Reply = Reply(concat!($text, "\r\n"));
    )*};
}

replies! {
    OK = "250 2.0.0 Ok";
    SENDER_OK = "250 2.1.0 Ok";
    RECIPIENT_OK = "250 2.1.5 Ok";
    GO_AHEAD = "354 End data with <CR><LF>.<CR><LF>";
    START_TLS = "220 2.0.0 Ready to start TLS";
    BYE = "221 2.0.0 Bye";
    HELP = "214 2.0.0 See RFC 5321";
    CANNOT_VERIFY = "252 2.5.0 Cannot verify the user; will take mail and try";

    STOPPING = "421 4.3.2 Service is stopping, try again later";
    TIMED_OUT = "421 4.4.2 Timed out";
    TOO_MANY_CONNECTIONS = "421 4.7.0 Too many connections, try again later";
    TOO_MANY_ERRORS = "421 4.7.0 Too many errors";
    TOO_MANY_COMMANDS = "421 4.7.0 Too many commands without mail";
    TOO_MANY_MAILS = "421 4.7.0 Too many mails in one session, connect again";
    TRY_LATER = "451 4.3.0 Temporary failure, try again later";
    STORAGE_LOW = "452 4.3.1 Insufficient storage, try again later";
    TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients";
    ONE_RECIPIENT_FOR_NULL_SENDER = "452 4.5.3 One recipient a mail from the null sender";
    TLS_UNAVAILABLE = "454 4.7.0 TLS not available";

    LINE_TOO_LONG = "500 5.5.2 Line too long";
    BARE_LINE_END = "500 5.5.2 Lines must end with CR LF";
    UNKNOWN_COMMAND = "500 5.5.2 Command not recognised";
    SYNTAX = "501 5.5.2 Syntax error";
    BAD_PARAMETER = "501 5.5.4 Bad parameter";
    BAD_SENDER = "501 5.1.7 Bad sender address syntax";
    BAD_RECIPIENT = "501 5.1.3 Bad recipient address syntax";
    NOT_IMPLEMENTED = "502 5.5.1 Command not implemented";
    TALKED_FIRST = "521 5.5.1 You talked before the greeting";
    BAD_SEQUENCE = "503 5.5.1 Bad sequence of commands";
    PIPELINING = "503 5.5.1 Commands sent ahead of an answer that had to be awaited";
    ALREADY_SECURE = "503 5.5.1 TLS already active";
    UNKNOWN_RECIPIENT = "550 5.1.1 No such mailbox here";
    NO_RELAY = "550 5.7.1 Relaying denied";
    SENDER_DENIED = "550 5.7.1 This mailbox takes no mail from you";
    TOO_LARGE = "552 5.3.4 Message too large";
    NEEDS_SMTPUTF8 = "553 5.6.7 Address needs SMTPUTF8";
    NO_RECIPIENTS = "554 5.5.1 No valid recipients";
    NOT_HTTP = "554 5.7.0 This is not a web server";
    UNKNOWN_PARAMETER = "555 5.5.4 Parameter not recognised";

    STRAY_LINE_END = "554 5.6.0 Message has a bare CR or LF; lines must end with CR LF";
    DATA_LINE_TOO_LONG = "554 5.6.0 Message has a line that is too long";
    HEADER_TOO_LARGE = "552 5.3.4 Message header too large";
    SEVERAL_AUTHORS = "550 5.6.0 Message names more than one author in From; it must name one mailbox, once";
    MAIL_LOOP = "554 5.4.6 Too many hops, this mail is going in circles";
}

impl Reply {
    /// The three-digit code; 0 never occurs.
    pub fn code(self) -> u16 {
        self.0.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

impl From<IntakeError> for Reply {
    fn from(error: IntakeError) -> Reply {
        match error {
            IntakeError::TryLater => TRY_LATER,
            IntakeError::StorageLow => STORAGE_LOW,
            IntakeError::TooLarge => TOO_LARGE,
        }
    }
}

impl From<Defect> for Reply {
    fn from(defect: Defect) -> Reply {
        match defect {
            Defect::StrayLineEnd => STRAY_LINE_END,
            Defect::LineTooLong => DATA_LINE_TOO_LONG,
            Defect::TooLarge => TOO_LARGE,
            Defect::HeaderTooLarge => HEADER_TOO_LARGE,
            Defect::TooManyHops => MAIL_LOOP,
            Defect::SeveralAuthors => SEVERAL_AUTHORS,
        }
    }
}
