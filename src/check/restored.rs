//! Restored values are described by the code of their finding.

use crate::l10n::say;

/// What was put back, in words, by the code of the finding.
pub fn what_was_restored(code: &str) -> String {
    match code {
        "cell.number_format" => say().repair_number_format(),
        "cell.before_midnight" => say().repair_before_midnight(),
        "municipality_code.leading_zero" => say().repair_municipality(),
        "identity_number.leading_zero" => say().repair_identity(),
        "identity_number.temporary" => say().repair_temporary(),
        "phone.leading_zero" => say().repair_phone_zero(),
        "phone.leading_plus" => say().repair_phone_plus(),
        "date.day_month_order" => say().repair_date(),
        "row.trailing_cells" => say().repair_trailing_cells(),
        "text.formula" => say().repair_formula(),
        "text.apostrophe" => say().repair_apostrophe(),
        "text.decimal_zero" => say().repair_decimal_zero(),
        "text.invisible_character" => say().repair_invisible_character(),
        "text.lookalike_character" => say().repair_lookalike_character(),
        _ => say().repair_other(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::check::severity::{Finding, SEVERITIES, Severity};

    #[test]
    fn each_repair_has_its_own_description() {
        let is_restored = |one: &&Finding| one.severity == Severity::Restored;
        let codes = SEVERITIES.iter().filter(is_restored).map(|one| one.code);
        let words: BTreeSet<String> = codes.clone().map(what_was_restored).collect();
        assert_eq!(words.len(), codes.count(), "{words:?}");
        assert!(!words.contains(&what_was_restored("")));
    }
}
