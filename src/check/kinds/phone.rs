//! Phone cells: normalized to E.164.

use compact_str::{CompactString, format_compact};

use super::text;
use crate::check::fault::{Checked, Fault, is_scientific, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;
use crate::targets::Region;

declare_findings! {
    Restored "phone.leading_zero" what_phone_leading_zero "701740605" remedy_restored;
    Restored "phone.leading_plus" what_phone_leading_plus "46701740605" remedy_restored;
    Doubtful "phone.several" what_phone_several "0411-123 45/6" remedy_look;
    Doubtful "phone.no_prefix" what_phone_no_prefix "846500400" remedy_look;
    Doubtful "phone.unusual_length" what_phone_unusual_length "08-465" remedy_look;
    Doubtful "phone.character" what_phone_character "070-174 06 05 x" remedy_look;
    Invalid "phone.scientific" what_phone_scientific "4,67017E+10" remedy_as_text;
    Invalid "phone.length" what_phone_length "070-174" remedy_as_text;
}

/// Checks a telephone number and normalizes it to E.164 (ITU-T E.164: `+` and at most 15 digits). A number
/// without an international prefix is Swedish (PTS numbering plan: seven to nine digits after the trunk
/// prefix 0, nine for mobile numbers).
///
/// A mobile number that lost its first 0 or its `+` in a spreadsheet is unambiguous, so it is restored and
/// reported in `repaired`.
///
/// Without a region, the numbering plan is unknown and numbers are unchanged.
pub(in crate::check) fn check<'a>(
    text: &'a str,
    region: Option<Region>,
    repaired: &mut Option<&'static str>,
) -> Checked<'a> {
    if is_scientific(text) {
        return refuse("phone.scientific", message::number_cut_short(text));
    }
    if region.is_none() {
        return text::check(text);
    }
    if let Some(mobile) = plain_mobile(text) {
        return Ok(mobile);
    }
    if has_several(text) {
        return refuse("phone.several", message::phone_several(text));
    }
    Ok(as_value(text, normalise(text, repaired)?))
}

fn as_value(text: &str, number: CompactString) -> Value<'_> {
    if number == text {
        Value::Text(text)
    } else {
        Value::Rewritten(number)
    }
}

/// Fast path: a Swedish mobile number in a common notation, `0` or `+46` and digits with spaces and hyphens.
#[inline]
pub(in crate::check) fn plain_mobile(text: &str) -> Option<Value<'_>> {
    const LONGEST: usize = 32;
    let bytes = text.as_bytes();
    if bytes.len() > LONGEST || !bytes.last().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let national = match bytes {
        [b'+', b'4', b'6', national @ ..] | [b'0', national @ ..] => national,
        _ => return None,
    };
    let mut number = *b"+46000000000";
    let mut places = number[3..].iter_mut();
    for byte in national {
        match byte {
            b'0'..=b'9' => *places.next()? = *byte,
            b' ' | b'-' => {}
            _ => return None,
        }
    }
    if places.next().is_some() {
        return None;
    }
    let number = std::str::from_utf8(&number).ok()?;
    is_mobile(&number[3..]).then(|| as_value(text, number.into()))
}

fn normalise(text: &str, repaired: &mut Option<&'static str>) -> Result<CompactString, Fault> {
    let mut kept = [0; 32];
    let (international, digits) = digits_of(text, &mut kept)?;
    let national = if international {
        match digits.strip_prefix("46") {
            // "+46 (0)70…": the trunk prefix 0 is omitted after a country code.
            Some(swedish) => swedish.strip_prefix('0').unwrap_or(swedish),
            None => return foreign(text, digits),
        }
    } else if let Some(national) = digits.strip_prefix('0') {
        national
    } else if digits.len() == 9 && is_mobile(digits) {
        *repaired = Some("phone.leading_zero");
        digits
    } else if let Some(mobile) = digits
        .strip_prefix("46")
        .filter(|rest| rest.len() == 9 && is_mobile(rest))
    {
        *repaired = Some("phone.leading_plus");
        mobile
    } else {
        return refuse("phone.no_prefix", message::phone_no_prefix(text));
    };
    let length = national.len();
    // All Swedish mobile numbers have nine digits, so a shorter one has lost some.
    if is_mobile(national) && length < 9 {
        return refuse("phone.length", message::phone_too_few_digits(text));
    }
    let fits = if is_mobile(national) {
        length == 9
    } else {
        (7..=9).contains(&length) && !national.starts_with('0')
    };
    if !fits {
        return refuse("phone.unusual_length", message::phone_wrong_length(text));
    }
    let mut number = CompactString::const_new("+46");
    number.push_str(national);
    Ok(number)
}

/// Whether the text contains several numbers, or a number with the last digits of another one: `0411-123
/// 45/6`, `070-174 06 05, 073-174 06 05`, `08-123 45 60 el. 070-174 06 05`.
fn has_several(text: &str) -> bool {
    /// The maximum number of digits in an area code with country code. A part with more is a complete number.
    const AREA: usize = 4;
    let mut parts = text.split(|c: char| {
        matches!(c, '/' | ',' | ';' | '|' | '&' | '\\' | '\n' | '\r') || c.is_alphabetic()
    });
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let first = parts.next().unwrap_or_default();
    let area = if first.trim_start().starts_with(['+']) || first.trim_start().starts_with("00") {
        AREA + 3
    } else {
        AREA
    };
    let mut numbers = std::iter::once(first)
        .chain(parts)
        .map(digits)
        .filter(|count| *count > 0);
    let is_number = numbers.next().is_some_and(|count| count > area);
    if is_number && numbers.next().is_some() {
        return true;
    }
    // A second number has a country code or is in parentheses, or a single digit stands apart.
    let pluses = text.matches('+').count();
    let apart = text.rsplit(['-', '.', '(']).next();
    let is_one = apart.is_some_and(|part| digits(part) == 1);
    pluses > 1 || is_one && digits(text) > AREA + 1
}

/// The number's digits, and whether they begin with a country code, after `+` or `00`.
fn digits_of<'a>(text: &str, kept: &'a mut [u8; 32]) -> Result<(bool, &'a str), Fault> {
    let mut length = 0;
    let mut plus = false;
    for c in text.chars() {
        match c {
            '0'..='9' if length < kept.len() => {
                kept[length] = c as u8;
                length += 1;
            }
            '0'..='9' => {
                return refuse("phone.unusual_length", message::phone_too_many_digits(text));
            }
            // `has_several` refuses a second `+`.
            '+' if length == 0 => plus = true,
            ' ' | '-' | '(' | ')' | '.' | '/' => {}
            _ => {
                return refuse(
                    "phone.character",
                    message::phone_character(text, c.to_string()),
                );
            }
        }
    }
    // Only digits were kept.
    let digits = std::str::from_utf8(&kept[..length]).unwrap_or_default();
    Ok(match digits.strip_prefix("00") {
        Some(international) if !plus => (true, international),
        _ => (plus, digits),
    })
}

fn foreign(text: &str, digits: &str) -> Result<CompactString, Fault> {
    if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
        return refuse("phone.unusual_length", message::phone_foreign(text));
    }
    Ok(format_compact!("+{digits}"))
}

/// Swedish mobile numbers begin with 70, 72, 73, 76 or 79.
fn is_mobile(national: &str) -> bool {
    matches!(
        national.as_bytes(),
        [b'7', b'0' | b'2' | b'3' | b'6' | b'9', ..]
    )
}

#[cfg(test)]
mod tests {
    use super::{Region, Value, check, plain_mobile};

    const SWEDEN: Option<Region> = Some(Region::Sweden);

    #[test]
    fn telephone_numbers_are_normalized_to_e164() {
        for (text, normal, restored) in [
            ("+46701740605", "+46701740605", false),
            ("070-174 06 05", "+46701740605", false),
            ("0701740605", "+46701740605", false),
            ("0046 70 174 06 05", "+46701740605", false),
            ("+46 (0)70-174 06 05", "+46701740605", false),
            ("08-465 004 00", "+46846500400", false),
            ("08/465 004 00", "+46846500400", false),
            ("+46 8/465 004 00", "+46846500400", false),
            ("(08) 465 004 00", "+46846500400", false),
            ("08-465.004.00", "+46846500400", false),
            ("+47 22 12 34 56", "+4722123456", false),
            ("0045123456", "+45123456", false),
            ("0045 12 34 56 78", "+4512345678", false),
            ("0411/123 45", "+4641112345", false),
            ("0046 8/465 004 00", "+46846500400", false),
            ("+46 411/123 45", "+4641112345", false),
            ("+46-411-123-45", "+4641112345", false),
            ("701740605", "+46701740605", true),
            ("46701740605", "+46701740605", true),
        ] {
            let mut repaired = None;
            assert_eq!(
                check(text, SWEDEN, &mut repaired).unwrap().as_text(),
                normal,
                "{text}"
            );
            assert_eq!(repaired.is_some(), restored, "{text}");
        }
        for (text, code) in [
            ("4,67017E+10", "phone.scientific"),
            ("070-174", "phone.length"),
            ("070-174 06 05 1", "phone.unusual_length"),
            ("08-465", "phone.unusual_length"),
            ("846500400", "phone.no_prefix"),
            ("123456789", "phone.no_prefix"),
            ("46846500400", "phone.no_prefix"),
            ("4670174060", "phone.no_prefix"),
            ("0701740605 mamma", "phone.character"),
            ("070-1740605, 070-1740606", "phone.several"),
            ("0701740605 / 0731740605", "phone.several"),
            ("0411-123 45/6", "phone.several"),
            ("0411-123 45-6", "phone.several"),
            ("0411-123 45 (6)", "phone.several"),
            ("08-465 004 00 el. 070-174 06 05", "phone.several"),
            ("08-465 004 00 eller 070-174 06 05", "phone.several"),
            ("08-465 004 00;070-174 06 05", "phone.several"),
            ("08-465 004 00\n070-174 06 05", "phone.several"),
            ("+46701740605+46731740605", "phone.several"),
            ("08-465 004 00 ankn 12", "phone.several"),
            ("7017406051", "phone.no_prefix"),
            ("+46 00 465 00 40", "phone.unusual_length"),
            ("+0046701740605", "phone.unusual_length"),
            ("0411-1", "phone.unusual_length"),
            ("0411-12-1", "phone.several"),
            ("+46701740605/0731740605", "phone.several"),
            ("+", "phone.unusual_length"),
            ("070+1740605", "phone.character"),
            ("070174060507017406050701740605070", "phone.unusual_length"),
            ("07017406050701740605070174060507", "phone.unusual_length"),
            ("+1", "phone.unusual_length"),
            ("example", "phone.character"),
        ] {
            assert_eq!(
                check(text, SWEDEN, &mut None).unwrap_err().code,
                code,
                "{text}"
            );
        }
    }

    #[test]
    fn without_a_region_numbers_are_unchanged() {
        for text in ["8645550123", "(864) 555-0123", "020 7946 0958", "example"] {
            assert_eq!(check(text, None, &mut None).unwrap().as_text(), text);
        }
        let cut = check("8,64555E+09", None, &mut None).unwrap_err();
        assert_eq!(cut.code, "phone.scientific");
    }

    #[test]
    fn common_mobile_formats_are_plain() {
        let spaced = format!("070{}1740605", " ".repeat(22));
        for text in ["070-174 06 05", "0701740605", "+46 70 174 06 05", &spaced] {
            let number = Value::Rewritten("+46701740605".into());
            assert_eq!(plain_mobile(text), Some(number), "{text}");
        }
        let number = "+46701740605";
        assert_eq!(plain_mobile(number), Some(Value::Text(number)));
        for text in [
            "",
            "0701740605 ",
            "070/1740605",
            "070174060",
            "07017406051",
            "0801740605",
            "701740605",
            "+4701740605",
            &spaced.replacen(' ', "  ", 1),
        ] {
            assert_eq!(plain_mobile(text), None, "{text}");
        }
    }
}
