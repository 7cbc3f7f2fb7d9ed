//! Hours in which a team is there: a table of the week in a time zone, and days on which nobody is.
//!
//! The clock on the wall decides: an hour that comes twice in autumn is open twice, one that spring leaves out is not
//! missed.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::base::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Most spans of a week.
const MAX_SPANS: usize = 70;
/// Most closed days.
const MAX_CLOSED: usize = 400;

/// When somebody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hours {
    /// The time zone, by its IANA name.
    pub zone: String,
    /// The week, in order; a day may have several spans, and one without is closed.
    pub week: Vec<Span>,
    /// Days that are closed whatever the week says, in order.
    pub closed: Vec<Closed>,
}

impl Default for Hours {
    /// Monday to Friday, nine to five, UTC.
    fn default() -> Hours {
        let week = (1..=5).map(|day| Span { day, from: 9 * 60, to: 17 * 60 }).collect();
        Hours { zone: String::from("UTC"), week, closed: Vec::new() }
    }
}

/// A stretch of one day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// 1 for Monday to 7 for Sunday.
    pub day: u8,
    /// Its first minute, counted from midnight.
    pub from: u16,
    /// The minute it ends before; 1440 is the end of the day.
    pub to: u16,
}

/// A day that is closed: of one year, or of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Closed {
    /// The year; none for each.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31.
    pub day: i8,
}

/// What is wrong with hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No such time zone.
    Zone,
    /// A span that ends before it begins, runs into another, or is on no day; or too many.
    Week,
    /// A day that no calendar has, or too many.
    Closed,
}

impl Hours {
    /// The same in order.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn checked(mut self) -> Result<Hours, Fault> {
        zone(&self.zone).ok_or(Fault::Zone)?;
        self.week.sort_unstable();
        self.closed.sort_unstable();
        self.closed.dedup();
        let sound = |span: &Span| (1..=7).contains(&span.day) && span.from < span.to && span.to <= DAY;
        let apart = |pair: &[Span]| matches!(pair, [a, b] if a.day != b.day || a.to <= b.from);
        if self.week.len() > MAX_SPANS || !self.week.iter().all(sound) || !self.week.windows(2).all(apart) {
            return Err(Fault::Week);
        }
        if self.closed.len() > MAX_CLOSED || !self.closed.iter().all(Closed::exists) {
            return Err(Fault::Closed);
        }
        Ok(self)
    }

    /// Whether somebody is there at a moment. A zone that is not known any more is read as UTC.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.millis()) else { return false };
        let local = zone(&self.zone).unwrap_or(TimeZone::UTC).to_datetime(moment);
        if self.closed.iter().any(|closed| closed.is(local.date())) {
            return false;
        }
        let day = local.date().weekday().to_monday_one_offset();
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        self.week.iter().any(|span| {
            i32::from(span.day) == i32::from(day) && (i32::from(span.from)..i32::from(span.to)).contains(&minute)
        })
    }
}

impl Span {
    /// A minute of the day from `HH:MM`, up to `24:00`.
    pub fn minute(text: &str) -> Option<u16> {
        let (hour, minute) = text.split_once(':')?;
        let number = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u16>().ok()).flatten()
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        let whole = hour * 60 + minute;
        (minute < 60 && whole <= DAY).then_some(whole)
    }

    /// A minute of the day as `HH:MM`.
    pub fn clock(minute: u16) -> String {
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }
}

impl Closed {
    /// Reads `2026-12-25`, or `12-25` for each year.
    pub fn parse(text: &str) -> Option<Closed> {
        let parts: Vec<&str> = text.split('-').collect();
        let (year, month, day) = match parts.as_slice() {
            [year, month, day] if year.len() == 4 => (Some(year.parse().ok()?), month, day),
            [month, day] => (None, month, day),
            _ => return None,
        };
        let closed = Closed { year, month: month.parse().ok()?, day: day.parse().ok()? };
        (month.len() == 2 && day.len() == 2 && closed.exists()).then_some(closed)
    }

    /// As [`Closed::parse`] reads it.
    pub fn written(self) -> String {
        let day = format!("{:02}-{:02}", self.month, self.day);
        self.year.map_or(day.clone(), |year| format!("{year:04}-{day}"))
    }

    /// Whether a calendar has it: 29 February counts as a day of each year.
    fn exists(&self) -> bool {
        let year = self.year.unwrap_or(2000);
        (1970..=9998).contains(&year) && Date::new(year, self.month, self.day).is_ok()
    }

    fn is(&self, date: Date) -> bool {
        self.year.is_none_or(|year| year == date.year()) && (self.month, self.day) == (date.month(), date.day())
    }
}

/// A time zone out of the table in the program, so that the machine's own does not matter.
fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled().get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn warsaw() -> Hours {
        let closed = ["2026-04-06", "05-03"].map(|day| Closed::parse(day).unwrap()).to_vec();
        let mut week = Hours::default().week;
        week.push(Span { day: 7, from: 0, to: 4 * 60 });
        week.push(Span { day: 6, from: 22 * 60, to: DAY });
        Hours { zone: String::from("Europe/Warsaw"), week, closed }.checked().unwrap()
    }

    #[test]
    fn the_clock_on_the_wall_decides_whatever_the_season() {
        let hours = warsaw();
        for (moment, open) in [
            // Winter: one hour ahead of UTC.
            ("2026-03-02T08:00:00Z", true),
            ("2026-03-02T07:59:59Z", false),
            ("2026-03-02T15:59:59Z", true),
            ("2026-03-02T16:00:00Z", false),
            // Summer: two.
            ("2026-06-01T07:00:00Z", true),
            ("2026-06-01T06:59:59Z", false),
            ("2026-06-01T15:00:00Z", false),
            // Monday in Auckland is still Sunday here, and midnight belongs to the day after.
            ("2026-03-07T21:00:00Z", true),
            ("2026-03-07T22:59:59Z", true),
            ("2026-03-07T23:00:00Z", true),
            ("2026-03-08T03:00:00Z", false),
            // In spring the hour from two to three is left out; at three the clock says three.
            ("2026-03-29T00:59:59Z", true),
            ("2026-03-29T01:00:00Z", true),
            ("2026-03-29T02:00:00Z", false),
            // In autumn it comes twice, and four o'clock an hour later.
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T02:59:59Z", true),
            ("2026-10-25T03:00:00Z", false),
        ] {
            assert_eq!(hours.is_open(at(moment)), open, "{moment}");
        }
    }

    #[test]
    fn closed_days_are_of_one_year_or_of_each() {
        let hours = warsaw();
        assert!(!hours.is_open(at("2026-04-06T10:00:00Z")), "Easter Monday");
        assert!(hours.is_open(at("2027-04-06T10:00:00Z")));
        assert!(hours.is_open(at("2027-05-04T10:00:00Z")));
        let sunday = Hours { week: vec![Span { day: 1, from: 0, to: DAY }], ..hours };
        assert!(!sunday.is_open(at("2027-05-03T10:00:00Z")), "the third of May, a Monday");
        // 23:30 of the day before in UTC is the closed day already.
        assert!(!sunday.is_open(at("2027-05-02T22:30:00Z")));
    }

    #[test]
    fn hours_nobody_can_keep_are_refused() {
        let plain = Hours::default();
        let week = |week: &[(u8, u16, u16)]| Hours {
            week: week.iter().map(|(day, from, to)| Span { day: *day, from: *from, to: *to }).collect(),
            ..Hours::default()
        };
        for (hours, fault) in [
            (Hours { zone: String::from("Europe/Atlantis"), ..plain.clone() }, Fault::Zone),
            (Hours { zone: String::new(), ..plain.clone() }, Fault::Zone),
            (Hours { zone: String::from("../../etc/passwd"), ..plain.clone() }, Fault::Zone),
            (week(&[(1, 600, 540)]), Fault::Week),
            (week(&[(0, 540, 600)]), Fault::Week),
            (week(&[(8, 540, 600)]), Fault::Week),
            (week(&[(1, 540, 1441)]), Fault::Week),
            (week(&[(1, 700, 800), (1, 540, 701)]), Fault::Week),
            (Hours { closed: vec![Closed { year: Some(2026), month: 2, day: 29 }], ..plain.clone() }, Fault::Closed),
            (Hours { closed: vec![Closed { year: None, month: 13, day: 1 }], ..plain.clone() }, Fault::Closed),
        ] {
            assert_eq!(hours.clone().checked(), Err(fault), "{hours:?}");
        }
        assert_eq!(week(&[(2, 540, 600), (1, 600, 700), (1, 540, 600)]).checked().unwrap().week[0].from, 540);
    }

    #[test]
    fn times_and_days_are_read_as_they_are_written() {
        for (text, minute) in [("00:00", Some(0)), ("09:05", Some(545)), ("24:00", Some(1440))] {
            assert_eq!(Span::minute(text), minute);
            assert_eq!(minute.map(Span::clock).as_deref(), Some(text));
        }
        for bad in ["24:01", "9:00", "09:60", "0900", "", "-1:00", "+1:00", "09:00:00", "99:99"] {
            assert_eq!(Span::minute(bad), None, "{bad}");
        }
        for good in ["2026-12-25", "05-03", "02-29"] {
            assert_eq!(Closed::parse(good).unwrap().written(), good);
        }
        for bad in ["2026-02-29", "13-01", "1-1", "26-01-01", "2026-12-25-1", "", "-05-03"] {
            assert_eq!(Closed::parse(bad), None, "{bad}");
        }
    }
}
