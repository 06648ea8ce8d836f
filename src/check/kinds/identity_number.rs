//! Identity number cells: validates, restores and normalizes Swedish identity numbers.

use compact_str::{CompactString, format_compact};
use jiff::civil::Date;

use crate::check::fault::{Checked, Fault, is_scientific, refuse};
use crate::check::plain::digits;
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Restored "identity_number.temporary" what_identity_number_temporary_restored "20150101-TF01" remedy_restored;
    Restored "identity_number.leading_zero" what_identity_number_leading_zero_restored "904022388" remedy_restored;
    Doubtful "identity_number.test" what_identity_number_test "20170101-2393" remedy_look;
    Doubtful "identity_number.birth_date" what_identity_number_birth_date "20100402-2388, 2010-04-03" remedy_look;
    Doubtful "identity_number.gender" what_identity_number_gender "20100402-2388, Man" remedy_look;
    Invalid "identity_number.format" what_identity_number_format "2010-0402" remedy_value;
    Invalid "identity_number.check_digit" what_identity_number_check_digit "20100402-2389" remedy_value;
    Invalid "identity_number.date" what_identity_number_date "20100231-2388" remedy_value;
    Invalid "identity_number.future" what_identity_number_future "20990402-2388" remedy_value;
    Invalid "identity_number.temporary" what_identity_number_temporary "20150101-TF01" remedy_value;
    Invalid "identity_number.leading_zero" what_identity_number_leading_zero "904022388" remedy_as_text;
    Invalid "identity_number.scientific" what_identity_number_scientific "2,01912E+11" remedy_as_text;
}

/// The row's statement about whether its number is temporary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Marked {
    /// The number is temporary.
    Temporary,
    /// The number is not temporary, or the file cannot mark it.
    Not,
    /// The row does not state it.
    Unknown,
}

/// Checks a Swedish personnummer or samordningsnummer and normalizes it to `YYYYMMDD-NNNN` (Skatteverket, SKV
/// 704 and SKV 707).
///
/// Ten and twelve digits are accepted, with and without hyphens. Ten digits omit the century: it is the
/// latest one in which the birthday is not after `today`, or the century before that if `+` replaces the
/// hyphen. In a samordningsnummer, the day is increased by 60; an unknown day or month of birth is 0 (one of
/// Skatteverket's test numbers is 191500722390). The last digit is the Luhn check digit of the nine digits
/// before it, beginning with the year without century.
///
/// The last four places of a temporary number may hold letters or a school's own digits, so only the date is
/// checked. The forms `TF01`, `T123` and `R220` are recognized without a mark and reported in `repaired`.
///
/// Nine digits have lost a leading zero in a spreadsheet. If the check digit agrees, the zero is restored and
/// reported in `repaired`.
pub(in crate::check) fn check<'a>(
    text: &'a str,
    marked: Marked,
    today: Date,
    repaired: &mut Option<&'static str>,
) -> Checked<'a> {
    if text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole = format_compact!("0{text}");
        return match read(&whole, false, today) {
            Ok(value) => {
                *repaired = Some("identity_number.leading_zero");
                Ok(value.into_owned())
            }
            Err(_) => refuse(
                "identity_number.leading_zero",
                message::identity_leading_zero(text),
            ),
        };
    }
    let is_known = marked == Marked::Unknown && has_temporary_form(text);
    let value = read(text, marked == Marked::Temporary || is_known, today)?;
    if is_known {
        *repaired = Some("identity_number.temporary");
    }
    Ok(value)
}

/// Whether the last four places have the form of a temporary number: `TF01` (Skolverket), `T123` or `R220`.
fn has_temporary_form(text: &str) -> bool {
    let is_digit = u8::is_ascii_digit;
    match text.as_bytes() {
        [.., b'T' | b't', b'F' | b'f', c, d] => is_digit(c) && is_digit(d),
        [.., b'T' | b't' | b'R' | b'r', b, c, d] => is_digit(b) && is_digit(c) && is_digit(d),
        _ => false,
    }
}

fn read(text: &str, temporary: bool, today: Date) -> Checked<'_> {
    if let Some(value) = plain(text, today) {
        return Ok(value);
    }
    let parts = split(text)?;
    let year = match parts.year {
        Year::Full(year) => year,
        Year::Short(short) => century(short, &parts, today).ok_or_else(|| no_such_day(text))?,
    };
    let date = first_day(year, parts.month, parts.day).ok_or_else(|| no_such_day(text))?;
    if date > today {
        return refuse("identity_number.future", message::identity_future(text));
    }
    let mut normal = normal(year, &parts);
    if has_temporary_form(text) {
        normal = normal.to_ascii_uppercase();
    }
    if !temporary {
        check_last_four(text, &normal)?;
    }
    Ok(if normal == text {
        Value::Text(text)
    } else {
        Value::Rewritten(normal)
    })
}

/// Fast path: a valid number of twelve digits, with or without its hyphen, as most cells are.
#[inline]
pub(in crate::check) fn plain(text: &str, today: Date) -> Option<Value<'_>> {
    let (places, is_normal) = match *text.as_bytes() {
        [a, b, c, d, e, f, g, h, b'-', i, j, k, l] => ([a, b, c, d, e, f, g, h, i, j, k, l], true),
        [a, b, c, d, e, f, g, h, i, j, k, l] => ([a, b, c, d, e, f, g, h, i, j, k, l], false),
        _ => return None,
    };
    let digits = digits(places)?;
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    let year = i16::from(pair(0)) * 100 + i16::from(pair(2));
    // Two digits are at most 99.
    let date = first_day(year, pair(4) as i8, pair(6) as i8)?;
    if date > today || luhn(&digits[2..11]) != digits[11] {
        return None;
    }
    if is_normal {
        return Some(Value::Text(text));
    }
    let (born, last) = text.split_at_checked(8)?;
    let mut number = CompactString::from(born);
    number.push('-');
    number.push_str(last);
    Some(Value::Rewritten(number))
}

/// The date of birth at the beginning of a number. If a samordningsnummer omits month or day, it is the
/// earliest possible date.
#[inline]
fn first_day(year: i16, month: i8, written_day: i8) -> Option<Date> {
    if written_day < 60 {
        return Date::new(year, month, written_day).ok();
    }
    // An unknown month may have 31 days.
    Date::new(year, month.max(1), (written_day - 60).max(1)).ok()
}

/// Whether a normalized number is compatible with the date of birth `date`.
pub(in crate::check) fn is_born_on(number: &str, date: Date) -> bool {
    let part = |range| {
        number
            .get(range)
            .and_then(|digits: &str| digits.parse::<i16>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (part(0..4), part(4..6), part(6..8)) else {
        return true;
    };
    let is_coordination = day >= 60;
    let day = if is_coordination { day - 60 } else { day };
    let is =
        |written: i16, known: i8| written == i16::from(known) || is_coordination && written == 0;
    year == date.year() && is(month, date.month()) && is(day, date.day())
}

/// Whether a normalized number is a woman's, if it states the gender: the third of the last four places is
/// even for women. Of temporary numbers, only those with `TF` follow this rule.
pub(in crate::check) fn is_of_woman(number: &str, is_temporary: bool) -> Option<bool> {
    let last_four = number.as_bytes().get(9..13)?;
    let is_digit = last_four[2].is_ascii_digit();
    let is_told = match last_four.starts_with(b"TF") {
        true => is_digit,
        false => !is_temporary && last_four.iter().all(u8::is_ascii_digit),
    };
    is_told.then(|| (last_four[2] - b'0').is_multiple_of(2))
}

struct Parts {
    year: Year,
    month: i8,
    /// The day as written, increased by 60 in a samordningsnummer.
    day: i8,
    last_four: [u8; 4],
    /// Whether `+` replaces the hyphen.
    hundred: bool,
}

enum Year {
    Full(i16),
    Short(i16),
}

fn split(text: &str) -> Result<Parts, Fault> {
    if is_scientific(text) {
        return refuse(
            "identity_number.scientific",
            message::number_cut_short(text),
        );
    }
    let unreadable = || Fault::new("identity_number.format", message::identity_format(text));
    let mut places = [0; 12];
    let mut count = 0;
    let mut plus_at = None;
    // The number of places before each separator: a hyphen, with or without surrounding spaces, or spaces.
    let mut separators: Vec<usize> = Vec::new();
    let mut hyphen_at = None;
    for c in text.chars() {
        match c {
            '0'..='9' | 'a'..='z' | 'A'..='Z' => {
                *places.get_mut(count).ok_or_else(unreadable)? = c as u8;
                count += 1;
            }
            '-' | '+' | ' ' => {
                if c != ' ' && hyphen_at.replace(count) == Some(count) {
                    return Err(unreadable());
                }
                if c == '+' {
                    plus_at = Some(count);
                }
                if separators.last() != Some(&count) {
                    separators.push(count);
                }
            }
            _ => return Err(unreadable()),
        }
    }
    // 20100402-2388 and 2010-04-02-2388, with or without the century.
    let (year, last) = (count.saturating_sub(8), count.saturating_sub(4));
    let is_separated = match separators[..] {
        [] => true,
        [one] => one == last,
        [one, two] => (one, two) == (year, year + 2),
        [one, two, three] => (one, two, three) == (year, year + 2, last),
        _ => false,
    };
    if !is_separated || !matches!(count, 10 | 12) || plus_at.is_some_and(|at| at != last) {
        return Err(unreadable());
    }
    let two = |at: usize| match places[at..at + 2] {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Ok((tens - b'0') * 10 + (ones - b'0')),
        _ => Err(unreadable()),
    };
    let (year, at) = match count {
        12 => {
            let year = i16::from(two(0)?) * 100 + i16::from(two(2)?);
            (Year::Full(year), 4)
        }
        _ => (Year::Short(two(0)?.into()), 2),
    };
    let [.., a, b, c, d] = places[..count] else {
        return Err(unreadable());
    };
    Ok(Parts {
        year,
        // Two digits are at most 99.
        month: two(at)? as i8,
        day: two(at + 2)? as i8,
        last_four: [a, b, c, d],
        hundred: plus_at.is_some(),
    })
}

/// The normalized number, `YYYYMMDD-NNNN`.
fn normal(year: i16, parts: &Parts) -> CompactString {
    let mut text = *b"00000000-0000";
    // Writes the last two digits of `number`.
    let mut put = |at: usize, number: i16| {
        text[at] += (number / 10 % 10) as u8;
        text[at + 1] += (number % 10) as u8;
    };
    put(0, year / 100);
    put(2, year);
    put(4, parts.month.into());
    put(6, parts.day.into());
    text[9..].copy_from_slice(&parts.last_four);
    std::str::from_utf8(&text).unwrap_or_default().into()
}

/// The full year of a number without century.
fn century(short: i16, parts: &Parts, today: Date) -> Option<i16> {
    let this_century = today.year() - today.year() % 100;
    let latest = [this_century, this_century - 100]
        .into_iter()
        .map(|century| century + short)
        // A leap day may exist in only one of the two centuries.
        .find(|&year| first_day(year, parts.month, parts.day).is_some_and(|date| date <= today))?;
    Some(if parts.hundred { latest - 100 } else { latest })
}

/// Checks the last four places of a normalized number. `text` is the original, for messages.
fn check_last_four(text: &str, normal: &str) -> Result<(), Fault> {
    let places = normal.bytes().filter(|byte| *byte != b'-').skip(2);
    let mut digits = [0; 10];
    for (digit, place) in digits.iter_mut().zip(places) {
        if !place.is_ascii_digit() {
            return refuse(
                "identity_number.temporary",
                message::identity_temporary(text),
            );
        }
        *digit = place - b'0';
    }
    let [nine @ .., last] = digits;
    if last != luhn(&nine) {
        return refuse(
            "identity_number.check_digit",
            message::identity_check_digit(text),
        );
    }
    Ok(())
}

/// Whether a normalized number is one that Skatteverket publishes for tests. The list has some 44,000 numbers
/// and grows each year. It uses the birth numbers 238 and 239 for persons born since 1987, 988, 989 and 999
/// for the two years before, and 238 and 239 for samordningsnummer (Skatteverket's open data
/// "Testpersonnummer"). Earlier years follow no pattern and are not recognized.
pub(in crate::check) fn is_for_tests(number: &str) -> bool {
    let &[y1, y2, y3, y4, _, _, day, _, _, a, b, c, ..] = number.as_bytes() else {
        return false;
    };
    let is_coordination = day >= b'6';
    match &[a, b, c] {
        b"238" | b"239" => is_coordination || [y1, y2, y3, y4] >= *b"1987",
        b"988" | b"989" | b"999" => {
            !is_coordination && matches!(&[y1, y2, y3, y4], b"1985" | b"1986")
        }
        _ => false,
    }
}

/// The doubt about a valid number that is reserved for tests.
pub(in crate::check) fn doubt(number: &str) -> Option<Fault> {
    is_for_tests(number).then(|| Fault::new("identity_number.test", message::identity_test(number)))
}

/// The Luhn check digit (ISO/IEC 7812-1, annex B) of nine digits.
fn luhn(digits: &[u8]) -> u8 {
    let sum: u8 = digits
        .iter()
        .enumerate()
        .map(|(index, digit)| {
            let product = digit * if index % 2 == 0 { 2 } else { 1 };
            if product > 9 { product - 9 } else { product }
        })
        .sum();
    (10 - sum % 10) % 10
}

fn no_such_day(text: &str) -> Fault {
    Fault::new("identity_number.date", message::identity_no_such_day(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        jiff::civil::date(2026, 8, 1)
    }

    fn normal(text: &str) -> String {
        check(text, Marked::Not, today(), &mut None)
            .unwrap()
            .as_text()
            .into_owned()
    }

    /// Whether the fast check accepts a normalized number, with and without its hyphen.
    fn is_plain(number: &str) -> bool {
        let bare = number.replace('-', "");
        let found = [number, &bare].map(|text| plain(text, today()).map(Value::into_owned));
        let normal = Some(Value::Rewritten(number.into()));
        let is_it = found.contains(&normal);
        assert!(
            found.iter().all(|value| value.is_some() == is_it),
            "{found:?}"
        );
        is_it
    }

    fn code(text: &str) -> &'static str {
        check(text, Marked::Not, today(), &mut None)
            .unwrap_err()
            .code
    }

    #[test]
    fn ten_and_twelve_digits_are_accepted_with_and_without_hyphens() {
        for text in [
            "20100402-2388",
            "201004022388",
            "100402-2388",
            "1004022388",
            "20100402 2388",
            "20100402 - 2388",
            "2010-04-02-2388",
            "10-04-02-2388",
            "2010 04 02 2388",
            "2010-04-022388",
            "10-04-022388",
        ] {
            assert_eq!(normal(text), "20100402-2388", "{text}");
        }
    }

    #[test]
    fn the_century_is_the_latest_possible_one() {
        // 120501-0018 belongs to a person of fourteen years, not of a hundred and fourteen.
        assert_eq!(normal("120501-0018"), "20120501-0018");
        assert_eq!(normal("120501+0018"), "19120501-0018");
        // A birthday later this year must be a century earlier.
        let not_yet = format!("260802-000{}", luhn(&[2, 6, 0, 8, 0, 2, 0, 0, 0]));
        assert!(normal(&not_yet).starts_with("19260802-"));
        let today_born = format!("260801-000{}", luhn(&[2, 6, 0, 8, 0, 1, 0, 0, 0]));
        assert!(normal(&today_born).starts_with("20260801-"));
        // 29 February 1900 did not exist.
        assert_eq!(code("000229+0005"), "identity_number.date");
    }

    #[test]
    fn a_birth_date_in_the_future_is_refused() {
        for (day, nine, is_born) in [
            ("20260801", [2, 6, 0, 8, 0, 1, 0, 0, 0], true),
            ("20260802", [2, 6, 0, 8, 0, 2, 0, 0, 0], false),
            ("20270801", [2, 7, 0, 8, 0, 1, 0, 0, 0], false),
        ] {
            let number = format!("{day}-000{}", luhn(&nine));
            assert_eq!(is_plain(&number), is_born, "{number}");
            let checked = check(&number, Marked::Not, today(), &mut None);
            assert_eq!(checked.is_ok(), is_born, "{number}");
            if !is_born {
                assert_eq!(code(&number), "identity_number.future");
            }
        }
        // Month and day must exist.
        for (day, nine) in [
            ("20101301", [1, 0, 1, 3, 0, 1, 0, 0, 0]),
            ("20100001", [1, 0, 0, 0, 0, 1, 0, 0, 0]),
            ("20100132", [1, 0, 0, 1, 3, 2, 0, 0, 0]),
        ] {
            let number = format!("{day}-000{}", luhn(&nine));
            assert!(!is_plain(&number), "{number}");
            assert_eq!(code(&number), "identity_number.date", "{number}");
        }
    }

    #[test]
    fn a_coordination_number_has_its_day_increased_by_60() {
        // Skatteverket's example of a samordningsnummer: 701063-2391.
        assert_eq!(normal("701063-2391"), "19701063-2391");
        assert_eq!(code("701093-2391"), "identity_number.date");
    }

    #[test]
    fn a_coordination_number_may_omit_month_and_day() {
        for number in [
            "19150072-2390",
            "19700060-2396",
            "19700072-2392",
            "19700460-2392",
        ] {
            assert_eq!(normal(number), number);
            assert!(is_plain(number), "{number}");
        }
        // Dates beyond the end of a month, and a month or day that only a samordningsnummer may omit.
        for (ymd, nine) in [
            ("19700291", [7, 0, 0, 2, 9, 1, 2, 3, 9]),
            ("19700092", [7, 0, 0, 0, 9, 2, 2, 3, 9]),
            ("19701372", [7, 0, 1, 3, 7, 2, 2, 3, 9]),
            ("19700012", [7, 0, 0, 0, 1, 2, 2, 3, 9]),
            ("19700400", [7, 0, 0, 4, 0, 0, 2, 3, 9]),
        ] {
            let number = format!("{ymd}-239{}", luhn(&nine));
            assert_eq!(code(&number), "identity_number.date", "{number}");
            assert!(!is_plain(&number), "{number}");
        }
    }

    #[test]
    fn a_number_states_birth_date_and_gender() {
        let date = |month, day| jiff::civil::date(1970, month, day);
        for (number, date, is) in [
            ("19701003-2391", date(10, 3), true),
            ("19701003-2391", date(10, 4), false),
            ("19701003-2391", date(11, 3), false),
            ("19711003-2391", date(10, 3), false),
            ("19701063-2391", date(11, 3), false),
            ("19701063-2391", date(10, 4), false),
            ("19701063-2391", date(10, 3), true),
            ("19700060-2396", date(7, 9), true),
            ("19700072-2392", date(7, 12), true),
            ("19700072-2392", date(7, 13), false),
            ("19700460-2392", date(4, 30), true),
            ("19700460-2392", date(5, 30), false),
        ] {
            assert_eq!(is_born_on(number, date), is, "{number} {date}");
        }
        assert_eq!(is_of_woman("20100402-2388", false), Some(true));
        assert_eq!(is_of_woman("20150101-TF11", true), Some(false));
        for number in [
            "20150101-TFXX",
            "20150101-T123",
            "20150101-R220",
            "20150101-9912",
        ] {
            assert_eq!(is_of_woman(number, true), None, "{number}");
        }
    }

    #[test]
    fn unmarked_temporary_numbers_are_recognized_by_their_form() {
        for (text, normal) in [
            ("20150101-TF01", "20150101-TF01"),
            ("150101-T123", "20150101-T123"),
            ("20150101R220", "20150101-R220"),
            ("20150101-tf02", "20150101-TF02"),
        ] {
            let mut repaired = None;
            let value = check(text, Marked::Unknown, today(), &mut repaired).unwrap();
            assert_eq!(value.as_text(), normal);
            assert_eq!(repaired, Some("identity_number.temporary"), "{text}");
            let refused = check(text, Marked::Not, today(), &mut None).unwrap_err();
            assert_eq!(refused.code, "identity_number.temporary", "{text}");
        }
        for text in ["20150101-ABCD", "20150101-XF01", "20150101-UTL1"] {
            let refused = check(text, Marked::Unknown, today(), &mut None).unwrap_err();
            assert_eq!(refused.code, "identity_number.temporary", "{text}");
        }
    }

    #[test]
    fn each_fault_of_an_identity_number_has_its_own_code() {
        assert_eq!(code("20100402-2389"), "identity_number.check_digit");
        assert_eq!(code("20100231-2388"), "identity_number.date");
        assert_eq!(code("20300402-2388"), "identity_number.future");
        assert_eq!(code("2,01912E+11"), "identity_number.scientific");
        for text in [
            "2010-0402-2388",
            "2010040-2388",
            "Anna Berg",
            "2010-04-0223-88",
            "2010+04-02-2388",
            "20100402-238",
            "Anna",
            "",
            "2010040-22388",
            "20100402--2388",
            "20100402-23é8",
        ] {
            assert_eq!(code(text), "identity_number.format", "{text}");
        }
    }

    #[test]
    fn a_leading_zero_is_restored_if_the_check_digit_agrees() {
        let whole = format!("090402238{}", luhn(&[0, 9, 0, 4, 0, 2, 2, 3, 8]));
        let mut repaired = None;
        let value = check(&whole[1..], Marked::Not, today(), &mut repaired).unwrap();
        assert!(value.as_text().starts_with("20090402-238"));
        assert_eq!(repaired, Some("identity_number.leading_zero"));
        assert_eq!(code("123456789"), "identity_number.leading_zero");
    }

    #[test]
    fn test_numbers_are_recognized() {
        // Numbers from Skatteverket's list or with its pattern, and others.
        for (number, is_one) in [
            ("19850113-9995", true),
            ("19870102-2389", true),
            ("20170101-2393", true),
            ("19700178-2395", true),
            ("19811218-9876", false),
            ("20100402-9945", false),
            ("19600402-2388", false),
            ("19860113-9885", true),
            ("19850173-9995", false),
            ("20100402-9995", false),
            ("19870102-2405", false),
        ] {
            assert_eq!(doubt(number).is_some(), is_one, "{number}");
        }
    }

    #[test]
    fn a_temporary_number_needs_no_check_digit() {
        for text in ["20191216-TF01", "20191216-T123", "20191216-1234"] {
            assert_eq!(
                check(text, Marked::Temporary, today(), &mut None)
                    .unwrap()
                    .as_text(),
                text
            );
        }
        assert_eq!(
            check("20191216TF01", Marked::Temporary, today(), &mut None)
                .unwrap()
                .as_text(),
            "20191216-TF01"
        );
        assert_eq!(code("20191216-TF01"), "identity_number.temporary");
        assert_eq!(
            check("20191316-TF01", Marked::Temporary, today(), &mut None)
                .unwrap_err()
                .code,
            "identity_number.date"
        );
    }

    #[test]
    fn temporary_forms_are_recognized() {
        for text in ["TF01", "tf01", "T123", "t123", "R220", "20150101-r220"] {
            assert!(has_temporary_form(text), "{text}");
        }
        for text in [
            "TFX1", "TF1X", "T12X", "T1X3", "TX23", "X123", "F123", "F01",
        ] {
            assert!(!has_temporary_form(text), "{text}");
        }
        let mut repaired = None;
        let number = "20100402-2388";
        let value = check(number, Marked::Unknown, today(), &mut repaired);
        assert_eq!((value, repaired), (Ok(Value::Text(number)), None));
        let marked = check("20191216-TF01", Marked::Temporary, today(), &mut repaired);
        assert_eq!(marked, Ok(Value::Text("20191216-TF01")));
    }

    #[test]
    fn leap_days_depend_on_the_century() {
        for (ymd, nine, is) in [
            ("19960229", [9, 6, 0, 2, 2, 9, 0, 0, 0], true),
            ("20000229", [0, 0, 0, 2, 2, 9, 0, 0, 0], true),
            ("19000229", [0, 0, 0, 2, 2, 9, 0, 0, 0], false),
            ("19970229", [9, 7, 0, 2, 2, 9, 0, 0, 0], false),
        ] {
            let number = format!("{ymd}-000{}", luhn(&nine));
            assert_eq!(is_plain(&number), is, "{number}");
        }
    }

    #[test]
    fn the_check_digit_follows_luhn() {
        for (nine, digit) in [
            // Skatteverket's example, 811218-9876.
            ([8, 1, 1, 2, 1, 8, 9, 8, 7], 6),
            ([0, 9, 0, 0, 0, 0, 0, 0, 0], 1),
            ([0; 9], 0),
        ] {
            assert_eq!(luhn(&nine), digit, "{nine:?}");
        }
    }
}
