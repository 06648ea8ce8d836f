//! Boolean cells: English and Swedish words.

use crate::check::fault::{Checked, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Invalid "boolean.unknown" what_boolean_unknown "kanske" remedy_value;
}

const TRUE: [&str; 8] = ["true", "sant", "ja", "yes", "j", "y", "1", "t"];
const FALSE: [&str; 7] = ["false", "falskt", "nej", "no", "n", "0", "f"];

/// Checks a Boolean: an English word, a word of a Swedish Excel (`SANT`, `FALSKT`), or `Ja` and `Nej`.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    match read(text) {
        Some(flag) => Ok(Value::Bool(flag)),
        None => refuse("boolean.unknown", message::boolean_unknown(text)),
    }
}

/// Parses a Boolean word.
pub(in crate::check) fn read(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&TRUE) {
        Some(true)
    } else if is(&FALSE) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::model::Value;

    #[test]
    fn english_and_swedish_booleans_are_parsed() {
        for yes in ["SANT", "sant", "Ja", "TRUE", "1", "j"] {
            assert_eq!(check(yes), Ok(Value::Bool(true)), "{yes}");
        }
        for no in ["FALSKT", "Nej", "false", "0", "n"] {
            assert_eq!(check(no), Ok(Value::Bool(false)), "{no}");
        }
        for bad in ["kanske", "2", "x", "-1"] {
            assert_eq!(check(bad).unwrap_err().code, "boolean.unknown", "{bad}");
        }
    }
}
