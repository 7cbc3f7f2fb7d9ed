//! What a channel says by itself, and the hours it goes by, as the interface writes them.

use poem_openapi::{Enum, Object};

use crate::desk::Error;
use crate::domain::auto_reply::{self, AutoReply};
use crate::domain::hours::{Closed, Hours, Span};

/// At which hours an automatic reply is sent.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "snake_case")]
enum When {
    /// At all.
    Always,
    /// While nobody is there.
    OutsideHours,
    /// While somebody is.
    InsideHours,
}

/// A stretch of a day.
#[derive(Object)]
struct SpanView {
    /// 1 for Monday to 7 for Sunday.
    day: u8,
    /// When it begins, `09:00`.
    from: String,
    /// When it ends, up to `24:00`.
    to: String,
}

/// Hours in which somebody is there.
#[derive(Object)]
struct HoursView {
    /// The time zone, by its IANA name.
    zone: String,
    /// The week; a day without a stretch is closed.
    week: Vec<SpanView>,
    /// Days that are closed, `2026-12-25`, or `12-25` for each year.
    closed: Vec<String>,
}

/// What a channel says by itself to who begins a conversation, once a day.
#[derive(Object)]
pub(super) struct AutoReplyView {
    /// Whether it does.
    enabled: bool,
    /// The subject, where that of the mail answered is not to be repeated; empty for a plain one.
    subject: String,
    /// The words, HTML; `{{contact.name}}` and `{{conversation.number}}` are filled in.
    text: String,
    /// At which hours.
    when: When,
    /// The hours.
    hours: HoursView,
}

impl From<&AutoReply> for AutoReplyView {
    fn from(reply: &AutoReply) -> AutoReplyView {
        let span = |span: &Span| SpanView { day: span.day, from: Span::clock(span.from), to: Span::clock(span.to) };
        AutoReplyView {
            enabled: reply.enabled,
            subject: reply.subject.clone(),
            text: reply.text.clone(),
            when: match reply.when {
                auto_reply::When::Always => When::Always,
                auto_reply::When::OutsideHours => When::OutsideHours,
                auto_reply::When::InsideHours => When::InsideHours,
            },
            hours: HoursView {
                zone: reply.hours.zone.clone(),
                week: reply.hours.week.iter().map(span).collect(),
                closed: reply.hours.closed.iter().map(|day| day.written()).collect(),
            },
        }
    }
}

impl AutoReplyView {
    /// What it says.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a time or day that is none.
    pub(super) fn read(self) -> Result<AutoReply, Error> {
        let span = |span: SpanView| {
            let minutes = Span::minute(&span.from).zip(Span::minute(&span.to));
            minutes
                .map(|(from, to)| Span { day: span.day, from, to })
                .ok_or(Error::invalid("auto_reply.week", "invalid"))
        };
        let day = |day: String| Closed::parse(day.trim()).ok_or(Error::invalid("auto_reply.closed", "invalid"));
        let hours = Hours {
            zone: self.hours.zone,
            week: self.hours.week.into_iter().map(span).collect::<Result<_, _>>()?,
            closed: self.hours.closed.into_iter().map(day).collect::<Result<_, _>>()?,
        };
        let when = match self.when {
            When::Always => auto_reply::When::Always,
            When::OutsideHours => auto_reply::When::OutsideHours,
            When::InsideHours => auto_reply::When::InsideHours,
        };
        Ok(AutoReply { enabled: self.enabled, subject: self.subject, text: self.text, when, hours })
    }
}
