//! Date cells: normalized to ISO 8601 dates.

use compact_str::{CompactString, format_compact};
use jiff::civil::Date;

use crate::check::fault::{Checked, Fault, is_scientific, refuse};
use crate::check::plain::digits;
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Restored "date.day_month_order" what_date_day_month_order_restored "25/12/2010" remedy_restored;
    Invalid "date.format" what_date_format "2 april 2010" remedy_value;
    Invalid "date.no_such_day" what_date_no_such_day "2010-02-30" remedy_value;
    Invalid "date.future" what_date_future "2099-01-01" remedy_value;
    Invalid "date.day_month_order" what_date_day_month_order "02/03/2010" remedy_value;
    Invalid "date.serial_number" what_date_serial_number "40270" remedy_as_text;
    Invalid "date.scientific" what_date_scientific "2,01004E+07" remedy_as_text;
}

/// Checks a date and normalizes it to `YYYY-MM-DD` (RFC 3339, full-date).
///
/// `20100402`, `2010/04/02`, `2010.04.02` and a date followed by midnight are accepted. Day-month order is
/// restored if no other reading is possible: with dots, which are never used with the month first, or with a
/// day above 12. Serial numbers of Excel are refused, because they count from 1900 or from 1904.
///
/// `today` is the latest valid date, if the field has one. `repaired` is set if the reading was restored.
pub(in crate::check) fn check<'a>(
    text: &'a str,
    today: Option<Date>,
    repaired: &mut Option<&'static str>,
) -> Checked<'a> {
    let (date, normal) = match plain_date(text) {
        Some(date) => (date, None),
        None => read(text, repaired)?,
    };
    if today.is_some_and(|today| date > today) {
        return refuse("date.future", message::date_future(text));
    }
    Ok(match normal {
        None => Value::Text(text),
        Some(normal) => Value::Rewritten(normal),
    })
}

/// Parses a date in normal form.
#[inline]
pub(in crate::check) fn plain_date(text: &str) -> Option<Date> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else {
        return None;
    };
    let digits = digits([a, b, c, d, e, f, g, h])?;
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    let year = i16::from(pair(0)) * 100 + i16::from(pair(2));
    // Two digits are at most 99.
    Date::new(year, pair(4) as i8, pair(6) as i8).ok()
}

type Read = (Date, Option<CompactString>);

fn read(text: &str, repaired: &mut Option<&'static str>) -> Result<Read, Fault> {
    let plain = without_midnight(text);
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    let parts: Vec<&str> = plain.split(['-', '/', '.']).collect();
    let numeric = parts.iter().all(|part| {
        !part.is_empty() && part.len() <= 8 && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !numeric {
        if is_scientific(text) {
            return refuse("date.scientific", message::number_cut_short(text));
        }
        return refuse("date.format", message::date_format(text));
    }
    match parts[..] {
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            civil(text, year, month, day)
        }
        [whole] if digits == 8 => civil(text, &whole[..4], &whole[4..6], &whole[6..]),
        [serial] if serial.len() == 5 => {
            refuse("date.serial_number", message::date_serial_number(serial))
        }
        [first, second, year] if year.len() == 4 && first.len() <= 2 && second.len() <= 2 => {
            let above_twelve = |part: &str| part.parse::<u8>().is_ok_and(|number| number > 12);
            let (day, month) = if plain.contains('.') || above_twelve(first) {
                (first, second)
            } else if above_twelve(second) {
                (second, first)
            } else {
                return refuse("date.day_month_order", message::date_two_ways(text));
            };
            *repaired = Some("date.day_month_order");
            civil(text, year, month, day)
        }
        _ => refuse("date.format", message::date_format(text)),
    }
}

fn civil(text: &str, year: &str, month: &str, day: &str) -> Result<Read, Fault> {
    let numbers = (year.parse(), month.parse(), day.parse());
    let date = match numbers {
        (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
        _ => None,
    };
    let Some(date) = date else {
        return refuse("date.no_such_day", message::date_no_such_day(text));
    };
    let normal = format_compact!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
    Ok((date, (normal != text).then_some(normal)))
}

/// Removes the time if it is midnight, which database exports append.
fn without_midnight(text: &str) -> &str {
    match text.split_once([' ', 'T']) {
        Some((date, time)) if is_midnight(time) => date,
        _ => text,
    }
}

fn is_midnight(time: &str) -> bool {
    time.len() >= 4
        && time.starts_with('0')
        && time
            .trim_end_matches('Z')
            .bytes()
            .all(|byte| matches!(byte, b'0' | b':' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Option<Date> {
        Some(jiff::civil::date(2026, 8, 1))
    }

    #[test]
    fn date_formats_are_normalized() {
        for (text, normal, restored) in [
            ("2010-04-02", "2010-04-02", false),
            ("20100402", "2010-04-02", false),
            ("2010/4/2", "2010-04-02", false),
            ("2010-04-02 00:00:00", "2010-04-02", false),
            ("2010-04-02T00:00:00Z", "2010-04-02", false),
            ("2.4.2010", "2010-04-02", true),
            ("25/12/2010", "2010-12-25", true),
            ("12/25/2010", "2010-12-25", true),
            ("13/12/2010", "2010-12-13", true),
            ("1987-12-30", "1987-12-30", false),
            ("2026-08-01", "2026-08-01", false),
        ] {
            let mut repaired = None;
            let value = check(text, today(), &mut repaired).unwrap();
            assert_eq!(value.as_text(), normal, "{text}");
            assert_eq!(repaired.is_some(), restored, "{text}");
        }
        for (text, code) in [
            ("2010-02-30", "date.no_such_day"),
            ("2010-13-01", "date.no_such_day"),
            ("2026-08-02", "date.future"),
            ("40270", "date.serial_number"),
            ("01/02/2010", "date.day_month_order"),
            ("2,01004E+07", "date.scientific"),
            ("2 april 2010", "date.format"),
            ("2010-04-02 08:15", "date.format"),
            ("100402", "date.format"),
            ("abcde", "date.format"),
            ("123456789", "date.format"),
            ("2010--02", "date.format"),
            ("210-04-02", "date.format"),
            ("2010-004-02", "date.format"),
            ("2010-04-002", "date.format"),
            ("25/12/10", "date.format"),
            ("1/2/10", "date.format"),
            ("125/12/2010", "date.format"),
            ("12/125/2010", "date.format"),
            ("12/11/2010", "date.day_month_order"),
            ("2010-04-02 0", "date.format"),
            ("2010-04-02 0:0", "date.format"),
            ("2010-04-02 ::::", "date.format"),
        ] {
            assert_eq!(
                check(text, today(), &mut None).unwrap_err().code,
                code,
                "{text}"
            );
        }
    }

    #[test]
    fn a_normalized_date_is_unchanged() {
        let day = jiff::civil::date(1987, 12, 30);
        assert_eq!(plain_date("1987-12-30"), Some(day));
        assert_eq!(
            check("1987-12-30", None, &mut None),
            Ok(Value::Text("1987-12-30"))
        );
        for text in ["1987-12-3", "1987/12/30", "1987-13-30", "198a-12-30"] {
            assert_eq!(plain_date(text), None, "{text}");
        }
        assert!(
            check("2099-01-01", None, &mut None).is_ok(),
            "it need not be past"
        );
    }
}
