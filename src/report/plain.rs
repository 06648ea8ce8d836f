//! Faults and reasons are described for people who do not administer computers.

use crate::l10n::{Argument, number, say};
use crate::model::{Held, Problem, Threshold};
use crate::targets::Kind;

/// What is wrong with a cell or a row. Where the cell can be typed here, the advice is to type it and not to
/// export the list again.
pub fn fault_in_words(problem: &Problem, system: &str) -> String {
    let argument = |wanted: &str| problem_argument(problem, wanted);
    // An API's own code, such as `duplicate`, comes with the API's own message.
    let reason = problem.code.rsplit_once('.');
    let reason = reason.map_or("", |(_, reason)| reason);
    match (&*problem.code, reason) {
        ("lookup.not_found", _) => say().console_fault_not_found(system),
        (_, "mojibake") => say().console_fault_mojibake(),
        ("date.serial_number", _) => say().console_fault_serial(),
        (_, "scientific" | "leading_zero") => say().console_fault_number(),
        (_, "day_month_order") => say().console_fault_date_order(),
        ("municipality_code.format", _) => say().console_fault_municipality(),
        ("text.formula", _) => say().console_fault_formula(),
        ("text.spreadsheet_error" | "text.nul" | "text.replacement_character", _)
        | ("text.undecodable" | "text.object" | "text.escape", _) => say().console_fault_damaged(),
        ("row.too_few_cells", _) => {
            say().console_fault_few_cells(argument("found"), argument("expected"))
        }
        ("row.too_many_cells", _) => {
            say().console_fault_many_cells(argument("found"), argument("expected"))
        }
        ("uuid.format", _) => say().console_fault_id(),
        ("null.not_allowed", _) => say().console_fault_empty(system),
        (_, "check_digit") => say().console_fault_check_digit(),
        // The row that repeats a record, and a list that repeats an item, have other messages.
        (code, "duplicate")
            if Kind::is_duplicate(code) && problem.message.key() == Some("row-duplicate") =>
        {
            say().console_fault_duplicate(argument("row").as_str())
        }
        ("lookup.taken", _) => say().console_fault_taken(system, argument("value").as_str()),
        ("lookup.other_record", _) => {
            say().console_fault_other_record(argument("key").as_str(), system)
        }
        ("lookup.refused", _) => say().console_fault_refused(system, argument("key").as_str()),
        ("lookup.other_key", _) => say().console_fault_other_key(argument("key").as_str(), system),
        ("lookup.unwritable", _) => {
            say().console_fault_unwritable(system, argument("part").as_str())
        }
        ("guarded.not_allowed", _) => match problem.message.key() {
            Some("guarded-removed" | "guarded-lowered") => {
                say().console_fault_guarded_removed(argument("from").as_str())
            }
            Some("guarded-value") => say().console_fault_guarded(argument("text").as_str()),
            _ => first_upper(&problem.message.to_string()),
        },
        _ => notice_in_words(problem),
    }
}

/// An argument of a problem's message; empty if the message has no such argument.
pub fn problem_argument(problem: &Problem, wanted: &str) -> String {
    let mut arguments = problem.message.args();
    let found = arguments.find(|(name, _)| *name == wanted);
    found.map_or(String::new(), |(_, value)| in_text(value))
}

/// What was noticed in a cell. Where the message advises to export the list again, the advice is to type the value.
pub fn notice_in_words(problem: &Problem) -> String {
    let typed = problem.message.key().and_then(to_be_typed);
    typed.unwrap_or_else(|| first_upper(&problem.message.to_string()))
}

/// What is said instead of a message about a cell that advises to format a column or to export the list again.
fn to_be_typed(key: &str) -> Option<String> {
    Some(match key {
        "cell-formula" => say().console_fault_formula(),
        "cell-mojibake" => say().console_fault_mojibake(),
        "cell-spreadsheet-error"
        | "cell-hashes"
        | "cell-nul"
        | "cell-replacement-character"
        | "cell-undecodable"
        | "cell-object"
        | "cell-escape" => say().console_fault_damaged(),
        "cell-question-mark" | "cell-question-mark-edge" | "cell-question-marks" => {
            say().console_doubt_question_mark()
        }
        "cell-date-perhaps" => say().console_doubt_date(),
        "cell-number-perhaps" => say().console_doubt_number(),
        "number-cut-short" | "date-serial-number" | "identity-leading-zero" => {
            say().console_fault_number()
        }
        "date-two-ways" => say().console_fault_date_order(),
        "municipality-format" => say().console_fault_municipality(),
        _ => return None,
    })
}

fn in_text(argument: &Argument) -> String {
    serde_json::to_value(argument).map_or(String::new(), |value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    })
}

/// A message as a sentence of its own.
pub fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Why a run waits for an approval, with the limit.
pub fn held_in_words(held: &Held) -> String {
    match held {
        Held::NoRows => say().console_held_no_rows(),
        Held::MaxInvalid { count, rows, most } => {
            say().console_held_invalid(number(*count), number(*rows), limit(most))
        }
        Held::MaxShrink { rows, last, most } => {
            say().console_held_shrink(number(*rows), number(*last), limit(most))
        }
        Held::MaxChanges { count, rows, most } => {
            say().console_held_changes(number(*count), number(*rows), limit(most))
        }
        Held::IdentityChanges { count, most, .. } => {
            say().console_held_identity(*count, number(*count), number(*most))
        }
        Held::Renumbering { count, .. } => say().console_held_renumbering(*count, number(*count)),
        Held::Conflicts { count } => say().console_held_conflicts(*count, number(*count)),
    }
}

fn limit(most: &Threshold) -> String {
    most.to_string().replace('%', "\u{a0}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_about_a_cell_that_can_be_typed_advises_to_export_the_list_again() {
        for (catalogue, word) in [
            (include_str!("../l10n/messages/en/check.ftl"), "export"),
            (include_str!("../l10n/messages/sv/check.ftl"), "exporter"),
        ] {
            let mut found = 0;
            for line in catalogue.lines() {
                let Some((key, text)) = line.split_once(" = ") else {
                    continue;
                };
                // A row that is damaged as a whole cannot be typed.
                let is_of_cell = !key.starts_with("row-") && !key.starts_with('-');
                if is_of_cell && (text.contains(word) || text.contains("{ -as-text }")) {
                    let said = to_be_typed(key).unwrap_or_else(|| panic!("{key}: {text}"));
                    assert!(!said.contains(word), "{key}: {said}");
                    found += 1;
                }
            }
            assert!(found > 10, "{found}");
        }
    }
}
