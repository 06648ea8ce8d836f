//! Faults and reasons are described for people who do not administer computers.

use crate::l10n::{Argument, number, say};
use crate::model::{Held, Problem, Threshold};
use crate::targets::Kind;

/// What is wrong with a cell or a row. Where the cell can be typed here, the advice is to type it and not to
/// export the list again.
pub fn fault_in_words(problem: &Problem, system: &str) -> String {
    let argument = |wanted: &str| {
        let mut arguments = problem.message.args();
        let found = arguments.find(|(name, _)| *name == wanted);
        found.map_or(String::new(), |(_, value)| in_text(value))
    };
    // An API's own code, such as `duplicate`, comes with the API's own message.
    let reason = problem.code.rsplit_once('.');
    let reason = reason.map_or("", |(_, reason)| reason);
    match (&*problem.code, reason) {
        ("lookup.not_found", _) => say().console_fault_not_found(system),
        (_, "mojibake") => say().console_fault_mojibake(),
        (_, "scientific" | "serial_number" | "leading_zero") => say().console_fault_number(),
        (_, "day_month_order") => say().console_fault_date_order(),
        ("municipality_code.format", _) => say().console_fault_municipality(),
        ("text.formula", _) => say().console_fault_formula(),
        ("text.spreadsheet_error" | "text.nul" | "text.replacement_character", _)
        | ("text.undecodable" | "text.object" | "text.escape", _) => say().console_fault_damaged(),
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
        _ => first_upper(&problem.message.to_string()),
    }
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
