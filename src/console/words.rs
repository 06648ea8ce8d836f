//! Faults, reasons and times are described for people who do not administer computers.

use crate::app::ListedRun;
use crate::events::{Plan, Progress};
use crate::journal::RunState;
use crate::l10n::{Argument, clock_time, number, say};
use crate::model::{Held, Problem};
use crate::targets::{Kind, TargetSpec};

/// The name of the system that a target writes to.
pub(super) fn system_name(spec: &TargetSpec) -> String {
    let mut letters = spec.name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// What is wrong with a cell or a row. Where the cell can be typed here, the advice is to type it and not to
/// export the list again.
pub(super) fn fault_in_words(problem: &Problem, system: &str) -> String {
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
        _ => notice_in_words(problem),
    }
}

/// What was noticed in a cell. Where the message advises to export the list again, the advice is to type the value.
pub(super) fn notice_in_words(problem: &Problem) -> String {
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
pub(super) fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// How far a run has come.
pub(super) fn state_in_words(state: RunState) -> String {
    match state {
        RunState::Held => say().console_state_held(),
        _ => state.in_words(),
    }
}

/// How far a listed run has come.
pub(super) fn listed_in_words(run: &ListedRun) -> String {
    match run.state {
        RunState::Held => state_in_words(run.state),
        _ => run.state_in_words(),
    }
}

/// Why a run waits for an approval, with the limit.
pub(super) fn held_in_words(held: &Held) -> String {
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

fn limit(most: &crate::model::Threshold) -> String {
    most.to_string().replace('%', "\u{a0}%")
}

/// When sending will be done, as far as is known.
pub(super) fn left_in_words(progress: &Progress, now: jiff::Timestamp) -> Option<String> {
    let is_open = progress.sent < progress.to_send;
    let finish = progress.finish.filter(|_| is_open)?;
    Some(say().console_done_about(clock_time(finish, now)))
}

/// How long sending takes, and until when.
pub(super) fn time_in_words(plan: &Plan, now: jiff::Timestamp) -> String {
    let seconds = plan.estimate_s;
    let time = match seconds {
        ..60.0 => say().console_time_short(),
        ..3600.0 => {
            let minutes = (seconds / 60.0).ceil() as u64;
            say().console_time_minutes(minutes, number(minutes))
        }
        _ => {
            let hours = (seconds / 3600.0).ceil() as u64;
            say().console_time_hours(hours, number(hours))
        }
    };
    match plan.estimated_finish.filter(|_| seconds >= 60.0) {
        Some(finish) => say().console_time_until(time, clock_time(finish, now)),
        None => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::glossary::avoided_in;
    use crate::l10n::{Language, in_scope, message};
    use crate::model::Threshold;

    #[test]
    fn a_reason_has_the_limit_and_no_setting() {
        let held = Held::MaxInvalid {
            count: 26,
            rows: 60,
            most: Threshold::Percent(20.0),
        };
        for (language, expected) in [
            (
                Language::English,
                "26 of 60 rows have faults, more than the limit of 20\u{a0}%.",
            ),
            (
                Language::Swedish,
                "26 av 60 rader har fel, fler än gränsen på 20\u{a0}%.",
            ),
        ] {
            let text = in_scope(language, || held_in_words(&held));
            assert_eq!(text, expected);
            assert!(avoided_in(&text, language).is_empty(), "{text}");
        }
    }

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

    #[test]
    fn a_fault_is_described_without_codes_and_without_advice_for_spreadsheets() {
        let problem = |code: &'static str, message| Problem::of_row(code, message);
        for (problem, expected) in [
            (
                problem("lookup.not_found", message::row_unknown_key("pupil", "1")),
                "Personen finns inte i Meitner",
            ),
            (
                problem("identity_number.duplicate", message::row_duplicate(7u64)),
                "Rad 7 har samma värde; bara en person kan ha det",
            ),
            (
                problem("phone.scientific", message::number_cut_short("4,6E+10")),
                "Ett kalkylprogram har ändrat talet; skriv det som det ska vara",
            ),
            (
                problem(
                    "identity_number.duplicate",
                    message::row_same_record(7u64, "elev"),
                ),
                "Rad 7 gäller samma elev, och det får bara finnas en rad för varje elev",
            ),
            (
                problem("duplicate", message::row_duplicate(7u64)),
                "Rad 7 har samma värde, och det måste vara unikt",
            ),
            (
                problem(
                    "lookup.other_record",
                    message::row_other_record("elev", "1", "a", "b"),
                ),
                "Den person i Meitner som har 1 har ett annat ID än det som står på raden",
            ),
            (
                problem("lookup.refused", message::row_look_up_refused("1", 400u16)),
                "Meitner godtog inte 1 vid sökningen; rätta värdet",
            ),
            (
                problem("lookup.other_key", message::row_other_key("1", "elev")),
                "Sökningen efter 1 i Meitner gav en annan person; skriv värdet så som det står i Meitner",
            ),
            (
                problem("lookup.unwritable", message::row_unwritable("*", "1*")),
                "Det går inte att söka efter ett värde med * i Meitner; rätta värdet",
            ),
            (
                problem(
                    "guarded.not_allowed",
                    message::guarded_value("admin", "roles"),
                ),
                "”admin” ger behörigheter; den som sköter rosterpatch måste tillåta värdet",
            ),
            (
                problem(
                    "guarded.not_allowed",
                    message::guarded_removed("admin", "roles"),
                ),
                "”admin” ger behörigheter; den som sköter rosterpatch måste tillåta att det tas bort",
            ),
            (
                problem("cell.required", message::cell_required()),
                "Cellen är tom, och varje rad måste ha ett värde här",
            ),
        ] {
            let text = in_scope(Language::Swedish, || fault_in_words(&problem, "Meitner"));
            assert_eq!(text, expected);
            assert!(avoided_in(&text, Language::Swedish).is_empty(), "{text}");
        }
    }
}
