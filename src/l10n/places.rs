//! Formatting of times for the current language and time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::say;

/// Formats a time near `now` in local time: `18:32`, with the date unless it is today.
pub fn clock_time(moment: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::system();
    let (then, today) = (moment.to_zoned(zone.clone()), now.to_zoned(zone));
    let time = then.strftime("%H:%M").to_string();
    if then.date() == today.date() {
        time
    } else {
        say().time_of_day(time, then.date().to_string())
    }
}

/// Formats a time in local time with seconds: `2026-08-17 18:32:05`.
pub fn local_seconds(moment: Timestamp) -> String {
    let zoned = moment.to_zoned(TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Formats a time in local time for a list: `2026-08-17 18:32`.
pub fn local_time(moment: Timestamp) -> String {
    let zoned = moment.to_zoned(TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M").to_string()
}
