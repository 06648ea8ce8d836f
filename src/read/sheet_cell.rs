//! Converts workbook cells to text.

use calamine::{Data, ExcelDateTime};

use super::mark::CellMark;
use super::number_format::{NumberFormat, Shown, plain};

/// The seconds of a day.
const DAY: f64 = 86_400.0;

/// The seconds by which some programs store a midnight too early. They stem from the local mean time of a
/// nineteenth-century time zone.
const LOST: f64 = 12.0;

/// The last date that a spreadsheet supports, 31 December 9999.
const LAST_DAY: f64 = 2_958_465.0;

impl Shown {
    /// Text without a mark.
    pub(super) fn text(text: String) -> Shown {
        Shown { text, mark: None }
    }

    pub(super) fn marked(text: impl Into<String>, mark: CellMark) -> Shown {
        Shown {
            text: text.into(),
            mark: Some(mark),
        }
    }

    /// A Boolean.
    pub(super) fn boolean(value: bool) -> Shown {
        Shown::marked(if value { "TRUE" } else { "FALSE" }, CellMark::Boolean)
    }

    /// An error as the spreadsheet displays it.
    pub(super) fn error(text: impl Into<String>) -> Shown {
        Shown::marked(text, CellMark::Error)
    }

    /// A formula without a calculated result.
    pub(super) fn no_result() -> Shown {
        Shown::marked("", CellMark::NoResult)
    }
}

/// Converts a cell to text: whole numbers without decimal point and exponent, dates as `YYYY-MM-DD`, errors
/// as the spreadsheet displays them, and numbers as displayed if the format adds digits or text.
pub(super) fn shown(value: Data, format: Option<&NumberFormat>) -> Shown {
    match value {
        Data::Int(number) => number_shown(number as f64, format),
        Data::Float(number) => number_shown(number, format),
        Data::Bool(value) => Shown::boolean(value),
        Data::DateTime(moment) => moment_shown(&moment, format),
        Data::String(text) => match format.and_then(|format| format.show_text(&text)) {
            Some(text) => Shown::marked(text, CellMark::Formatted),
            None if format.is_some_and(NumberFormat::hides_text) => {
                Shown::marked(text, CellMark::ShownOtherwise)
            }
            None => Shown::text(text),
        },
        Data::DateTimeIso(text) => date_in_words(&text),
        Data::DurationIso(text) => duration_in_words(&text),
        Data::Error(error) => Shown::error(error.to_string()),
        Data::Empty => Shown::text(String::new()),
    }
}

fn number_shown(value: f64, format: Option<&NumberFormat>) -> Shown {
    match format {
        Some(format) => format.show(value),
        // Numbers with fewer digits are stored exactly.
        None if value.abs() < 1e15 => Shown::text(plain(value)),
        None => NumberFormat::of("General").show(value),
    }
}

/// Converts a date or time that is stored as a number of days.
fn moment_shown(moment: &ExcelDateTime, format: Option<&NumberFormat>) -> Shown {
    let days = moment.as_f64();
    let (shows_date, shows_time) = format.map_or((false, false), NumberFormat::shows_date_and_time);
    // Spreadsheets display this for numbers that are not dates.
    if !(0.0..=LAST_DAY + 1.0).contains(&days) {
        return Shown::error("########");
    }
    if !moment.is_datetime() || shows_time && !shows_date {
        return Shown::marked(time_of(days * DAY), CellMark::Time);
    }
    let of_day = (days.fract() * DAY).round();
    let is_midnight_meant = !shows_time && of_day == DAY - LOST;
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    if is_midnight_meant {
        let day = jiff::civil::Date::new(year as i16, month as i8, day as i8);
        return match day.and_then(|day| day.tomorrow()) {
            Ok(next) => Shown::marked(next.to_string(), CellMark::DateBeforeMidnight),
            Err(_) => Shown::error("########"),
        };
    }
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) != (0, 0, 0) {
        text.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
    }
    Shown::marked(text, CellMark::Date)
}

/// Formats a time of day or a duration.
fn time_of(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match seconds {
        0 => format!("{hours:02}:{minutes:02}"),
        _ => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// Converts a date or time in ISO 8601 format, such as `2026-03-01T00:00:00`.
pub(super) fn date_in_words(text: &str) -> Shown {
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        let is_time = text.contains(':');
        let mark = if is_time {
            CellMark::Time
        } else {
            CellMark::Date
        };
        return Shown::marked(text, mark);
    };
    let time = time.trim_end_matches('Z');
    let whole = time.split(['.', ',']).next().unwrap_or_default();
    if whole.bytes().all(|byte| matches!(byte, b'0' | b':')) {
        return Shown::marked(date, CellMark::Date);
    }
    Shown::marked(format!("{date} {whole}"), CellMark::Date)
}

/// Converts a duration in ISO 8601 format, such as `PT10H15M00S`.
pub(super) fn duration_in_words(text: &str) -> Shown {
    let mut seconds = 0.0;
    let mut digits = String::new();
    for c in text.chars() {
        let unit = match c {
            '0'..='9' | '.' | ',' => {
                digits.push(if c == ',' { '.' } else { c });
                continue;
            }
            'D' => DAY,
            'H' => 3600.0,
            'M' => 60.0,
            'S' => 1.0,
            _ => 0.0,
        };
        seconds += unit * digits.parse().unwrap_or(0.0);
        digits.clear();
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    Shown::marked(format!("{sign}{}", time_of(seconds)), CellMark::Time)
}

#[cfg(test)]
mod tests {
    use calamine::{CellErrorType, ExcelDateTimeType};

    use super::*;
    use CellMark::{Boolean, Date, DateBeforeMidnight, Error, LongNumber, Time};

    #[test]
    fn cells_are_converted_to_plain_text() {
        for (value, text, mark) in [
            (Data::Float(201_004_022_388.0), "201004022388", None),
            (Data::Float(184.0), "184", None),
            (Data::Float(1.5), "1.5", None),
            (Data::Float(1e15), "1000000000000000", Some(LongNumber)),
            (Data::Int(7), "7", None),
            (Data::Bool(true), "TRUE", Some(Boolean)),
            (Data::String("Åsa".into()), "Åsa", None),
            (Data::Error(CellErrorType::NA), "#N/A", Some(Error)),
            (
                Data::DateTimeIso("2026-03-01T00:00:00".into()),
                "2026-03-01",
                Some(Date),
            ),
            (
                Data::DateTimeIso("2026-03-01T10:15:00.000Z".into()),
                "2026-03-01 10:15:00",
                Some(Date),
            ),
            (Data::DateTimeIso("10:15:00".into()), "10:15:00", Some(Time)),
            (Data::DurationIso("PT10H15M00S".into()), "10:15", Some(Time)),
            (Data::Empty, "", None),
        ] {
            let text = text.to_owned();
            assert_eq!(shown(value, None), Shown { text, mark });
        }
    }

    #[test]
    fn the_format_determines_whether_a_date_or_a_time_is_read() {
        let moment = |days, kind, is_1904| Data::DateTime(ExcelDateTime::new(days, kind, is_1904));
        let (days, span) = (ExcelDateTimeType::DateTime, ExcelDateTimeType::TimeDelta);
        for (value, code, text, mark) in [
            (
                moment(46082.0, days, false),
                "yyyy-mm-dd",
                "2026-03-01",
                Date,
            ),
            (moment(46082.0, days, false), "d-mmm", "2026-03-01", Date),
            (moment(46082.0, days, false), "General", "2026-03-01", Date),
            (
                moment(44620.0, days, true),
                "yyyy-mm-dd",
                "2026-03-01",
                Date,
            ),
            (
                moment(46082.5, days, false),
                "yyyy-mm-dd hh:mm",
                "2026-03-01 12:00:00",
                Date,
            ),
            (
                moment(46082.5, days, false),
                "yyyy-mm-dd",
                "2026-03-01 12:00:00",
                Date,
            ),
            (
                moment(46082.0 - 12.0 / 86_400.0, days, false),
                "yyyy-mm-dd",
                "2026-03-01",
                DateBeforeMidnight,
            ),
            (
                moment(46082.0 - 12.0 / 86_400.0, days, false),
                "yyyy-mm-dd hh:mm:ss",
                "2026-02-28 23:59:48",
                Date,
            ),
            (
                moment(46082.0 - 0.0001 / 86_400.0, days, false),
                "yyyy-mm-dd",
                "2026-03-01",
                Date,
            ),
            (
                moment(0.427_083_333_333_333_3, days, false),
                "hh:mm",
                "10:15",
                Time,
            ),
            (moment(1.5, span, false), "[h]:mm:ss", "36:00", Time),
            (moment(-1.0, days, false), "yyyy-mm-dd", "########", Error),
            (moment(3e6, days, false), "yyyy-mm-dd", "########", Error),
        ] {
            let format = NumberFormat::of(code);
            let text = text.to_owned();
            assert_eq!(
                shown(value, Some(&format)),
                Shown {
                    text,
                    mark: Some(mark)
                },
                "{code}"
            );
        }
    }
}
