//! Text cells: one line of visible characters.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::check::cell::LONGEST;
use crate::check::fault::{Checked, is_scientific, refuse};
use crate::check::plain::is_plain_name;
use crate::l10n::message;
use crate::model::Value;
use crate::read::of_utf_7;

/// Checks text on a single line and converts it to Unicode normalization form C. macOS, for example,
/// decomposes letters into a base and an accent (`o` and `¨`).
#[inline]
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    if is_plain(text) {
        return Ok(Value::Text(text));
    }
    if is_cut_short(text) {
        return refuse("text.scientific", message::number_cut_short(text));
    }
    if text.contains('+')
        && let Some(repaired) = of_utf_7(text)
    {
        return refuse("text.mojibake", message::cell_mojibake(text, repaired));
    }
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some() {
        return refuse("text.line_break", message::cell_line_break());
    }
    composed(text)
}

/// Whether a program wrote a number in scientific notation, as `1,84E+02` or `1.84e+02`. 7E1 may be the name
/// of a class.
fn is_cut_short(text: &str) -> bool {
    // Programs write at least two exponent digits, except for a spreadsheet's narrow column.
    let lower_case = text
        .split_once("e+")
        .is_some_and(|(_, exponent)| exponent.len() >= 2);
    (lower_case || text.contains("E+")) && is_scientific(text)
}

/// Whether the text consists of ordinary ASCII and composed western European letters, and begins and ends
/// like a word.
#[inline]
pub(in crate::check) fn is_plain(text: &str) -> bool {
    text.len() <= LONGEST && is_plain_name(text)
}

/// Composes accents and letters.
fn composed(text: &str) -> Checked<'_> {
    Ok(if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Value::Text(text)
    } else {
        Value::Rewritten(text.nfc().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_composed_and_limited_to_one_line() {
        assert_eq!(check("Åsa").unwrap().as_text(), "Åsa");
        assert_eq!(check("A\u{30A}sa").unwrap().as_text(), "Åsa");
        assert_eq!(check("1,05E+11").unwrap_err().code, "text.scientific");
        assert!(check("7E1").is_ok(), "a class, perhaps");
        assert!(check("7e+1").is_ok(), "no program writes it so");
        assert_eq!(check("1.84e+02").unwrap_err().code, "text.scientific");
        assert_eq!(check("Å\nsa").unwrap_err().code, "text.line_break");
        assert_eq!(check("Žižek"), Ok(Value::Text("Žižek")));
        assert!(check("Typ e+12 (A)").is_ok());
    }

    #[test]
    fn common_text_is_plain() {
        let long = "x".repeat(LONGEST + 1);
        for text in ["Anna", "Åsa", "Skolgatan 3 B", &long[1..]] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "Žižek",
            "BjÜrn",
            "A\u{30A}sa",
            "Anna ",
            "-",
            "Åsa (A)",
            "NULL",
            &long,
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
