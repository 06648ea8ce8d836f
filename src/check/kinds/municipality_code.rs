//! Municipality code cells: validates Swedish codes and restores leading zeros.

use std::sync::LazyLock;

use compact_str::format_compact;

use crate::check::fault::{Checked, Fault, refuse};
use crate::check::plain::digits;
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Restored "municipality_code.leading_zero" what_municipality_code_leading_zero "184" remedy_restored;
    Doubtful "municipality_code.unknown" what_municipality_code_unknown "0199" remedy_look;
    Invalid "municipality_code.format" what_municipality_code_format "Solna" remedy_value;
    Invalid "municipality_code.county" what_municipality_code_county "0284" remedy_value;
}

/// Checks a Swedish municipality code: four digits, of which the first two are the county (Statistics Sweden:
/// counties 01, 03–10, 12–14 and 17–25).
///
/// Three digits have lost a leading zero in a spreadsheet. The code is unambiguous, so the zero is restored
/// and reported in `repaired`.
pub(in crate::check) fn check<'a>(
    text: &'a str,
    repaired: &mut Option<&'static str>,
) -> Checked<'a> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        4 if digits => {
            if is_county(&text[..2]) {
                Ok(Value::Text(text))
            } else {
                refuse(
                    "municipality_code.county",
                    message::municipality_county(text, &text[..2]),
                )
            }
        }
        3 if digits && is_county(&format_compact!("0{}", &text[..1])) => {
            *repaired = Some("municipality_code.leading_zero");
            Ok(Value::Rewritten(format_compact!("0{text}")))
        }
        _ => refuse(
            "municipality_code.format",
            message::municipality_format(text),
        ),
    }
}

/// All municipality codes, ascending. The file states its sources.
const ALL: &str = include_str!("municipalities.txt");

/// The doubt about a code in the right form that no municipality has. The value is sent, because codes may be
/// added.
pub(in crate::check) fn doubt(code: &str) -> Option<Fault> {
    // An empty code clears the field.
    (!code.is_empty() && !is_known(code)).then(|| {
        Fault::new(
            "municipality_code.unknown",
            message::municipality_unknown(code),
        )
    })
}

/// Whether a municipality has this code.
#[inline]
pub(in crate::check) fn is_known(code: &str) -> bool {
    // Indexed by the four-digit code.
    static KNOWN: LazyLock<[bool; 10_000]> = LazyLock::new(|| {
        let mut known = [false; 10_000];
        let lines = ALL.lines().filter(|line| !line.starts_with('#'));
        let codes = lines.filter_map(|line| line.split('\t').next()?.parse::<usize>().ok());
        codes.for_each(|code| known[code] = true);
        known
    });
    let &[a, b, c, d] = code.as_bytes() else {
        return false;
    };
    digits([a, b, c, d]).is_some_and(|digits| {
        let number = digits.iter();
        KNOWN[number.fold(0, |number, digit| number * 10 + usize::from(*digit))]
    })
}

fn is_county(digits: &str) -> bool {
    matches!(digits.parse::<u8>(), Ok(1 | 3..=10 | 12..=14 | 17..=25))
}

#[cfg(test)]
mod tests {
    use super::{ALL, check, doubt, is_known};

    #[test]
    fn an_unassigned_municipality_code_is_doubtful() {
        let codes: Vec<&str> = ALL.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(codes.len(), 290);
        assert!(codes.is_sorted());
        let known = (0..10_000).map(|code| format!("{code:04}"));
        let known: Vec<String> = known.filter(|code| is_known(code)).collect();
        let listed = codes.iter().map(|line| line.split('\t').next().unwrap());
        assert!(listed.eq(&known));
        assert!(doubt("").is_none(), "the field is cleared");
        assert!(doubt("0184").is_none());
        assert!(doubt("2584").is_none());
        assert_eq!(doubt("0199").unwrap().code, "municipality_code.unknown");
    }

    #[test]
    fn municipality_codes_are_validated_and_restored() {
        let mut repaired = None;
        assert_eq!(check("0184", &mut repaired).unwrap().as_text(), "0184");
        assert_eq!(check("2584", &mut repaired).unwrap().as_text(), "2584");
        assert_eq!(repaired, None);
        assert_eq!(check("184", &mut repaired).unwrap().as_text(), "0184");
        assert_eq!(repaired, Some("municipality_code.leading_zero"));
        for (bad, code) in [
            ("0284", "municipality_code.county"),
            ("1184", "municipality_code.county"),
            ("2684", "municipality_code.county"),
            ("284", "municipality_code.format"),
            ("1a4", "municipality_code.format"),
            ("Soln", "municipality_code.format"),
            ("Öst", "municipality_code.format"),
            ("84", "municipality_code.format"),
            ("Solna", "municipality_code.format"),
        ] {
            assert_eq!(check(bad, &mut None).unwrap_err().code, code, "{bad}");
        }
    }
}
