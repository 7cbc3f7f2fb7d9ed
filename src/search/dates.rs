//! The dates people type behind `before:` and `after:`.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::Timestamp;

/// The moment `text` means, milliseconds since 1970; `None` when it is no date.
///
/// `2026-03-31`, `2026-03` and `2026` mean the first midnight of that time in `zone`; `today` and
/// `yesterday` the midnight they began with; `12h`, `7d`, `2w`, `3m`, `1y` that long before `now`
/// (a month is 30 days, a year 365).
pub(super) fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "today" => return midnight(day_of(now, zone)?, zone),
        "yesterday" => return midnight(day_of(now, zone)?.yesterday().ok()?, zone),
        _ => {}
    }
    relative(&text, now).or_else(|| midnight(absolute(&text)?, zone))
}

fn day_of(now: Timestamp, zone: &TimeZone) -> Option<Date> {
    Some(jiff::Timestamp::from_millisecond(now.millis()).ok()?.to_zoned(zone.clone()).date())
}

fn midnight(day: Date, zone: &TimeZone) -> Option<i64> {
    Some(day.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

fn relative(text: &str, now: Timestamp) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let hours = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 24 * 7,
        'm' => 24 * 30,
        'y' => 24 * 365,
        _ => return None,
    };
    let count = digits(text.strip_suffix(unit)?, 1, 5)?;
    Some(now.plus_seconds(-i64::from(count) * hours * 3600).millis())
}

fn absolute(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 1, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 1, 2))?;
    if parts.next().is_some() {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn digits(text: &str, least: usize, most: usize) -> Option<u32> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}
