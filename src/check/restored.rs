//! Describes repairs by their codes.

use crate::l10n::{Message, message};

/// The code of a row that lacks empty cells at its end. No value was changed.
pub(super) const TRAILING_CELLS: &str = "row.trailing_cells";

/// The code of an identity number that was read as a temporary one. No program had changed it.
pub const TEMPORARY_NUMBER: &str = "identity_number.temporary";

/// Whether a repair with this code changed a value, and not only the notation of a row.
pub fn restores_a_value(code: &str) -> bool {
    code != TRAILING_CELLS
}

/// The description of a repair, by its code.
pub fn what_was_restored(code: &str) -> Message {
    match code {
        "cell.number_format" => message::repair_number_format(),
        "cell.before_midnight" => message::repair_before_midnight(),
        "municipality_code.leading_zero" => message::repair_municipality(),
        "identity_number.leading_zero" => message::repair_identity(),
        TEMPORARY_NUMBER => message::repair_temporary(),
        "phone.leading_zero" => message::repair_phone_zero(),
        "phone.leading_plus" => message::repair_phone_plus(),
        "date.day_month_order" => message::repair_date(),
        TRAILING_CELLS => message::repair_trailing_cells(),
        "text.formula" => message::repair_formula(),
        "text.apostrophe" => message::repair_apostrophe(),
        "text.decimal_zero" => message::repair_decimal_zero(),
        "text.invisible_character" => message::repair_invisible_character(),
        "text.lookalike_character" => message::repair_lookalike_character(),
        _ => message::repair_other(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::check::severity::{Finding, Severity, findings};

    #[test]
    fn each_repair_has_its_own_description() {
        let is_restored = |one: &&Finding| one.severity == Severity::Restored;
        let codes = findings().filter(is_restored).map(|one| one.code);
        let words: BTreeSet<String> = codes
            .clone()
            .map(|code| what_was_restored(code).to_string())
            .collect();
        assert_eq!(words.len(), codes.count(), "{words:?}");
        assert!(!words.contains(&what_was_restored("").to_string()));
    }
}
