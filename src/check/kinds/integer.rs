//! Integer cells: a whole number within the limits of the field.

use crate::check::fault::{Checked, is_scientific, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Invalid "integer.format" what_integer_format "1,5" remedy_value;
    Invalid "integer.scientific" what_integer_scientific "1E+05" remedy_as_text;
}

/// Checks a whole number. It is sent as a JSON number with all of its digits.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    if is_scientific(text) {
        return refuse("integer.scientific", message::number_cut_short(text));
    }
    match text.parse::<i64>() {
        Ok(number) => Ok(Value::Number(compact_str::format_compact!("{number}"))),
        Err(_) => refuse("integer.format", message::integer_format(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn whole_numbers_are_parsed_exactly() {
        assert_eq!(check("007").unwrap().as_text(), "7");
        assert_eq!(check("-3").unwrap().to_json(), serde_json::json!(-3));
        assert_eq!(check("1,5").unwrap_err().code, "integer.format");
        assert_eq!(check("1E+05").unwrap_err().code, "integer.scientific");
    }
}
