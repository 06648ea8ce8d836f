//! States and times as text for users who do not administer computers.

use std::time::Duration;

use crate::app::{AppError, ListedRun};
use crate::events::{Plan, Progress};
use crate::journal::RunState;
use crate::l10n::{Language, clock_time, number, say};
use crate::map::MapError;
use crate::model::{Code, RowState, StateCounts};
pub(super) use crate::report::{fault_in_words, first_upper, held_in_words, notice_in_words};
use crate::run::RunError;
use crate::send::SendError;
use crate::targets::{Kind, TargetSpec};

/// Returns the name of the system that a target writes to.
pub(super) fn system_name(spec: &TargetSpec) -> String {
    first_upper(&spec.name)
}

/// Returns the fields whose names a reader may not know: their labels and what they are.
pub(super) fn fields_in_words(spec: &TargetSpec) -> Vec<(String, String)> {
    let language = Language::spoken().code();
    let explained = spec.fields.iter().enumerate().filter_map(|(index, field)| {
        let text = match field.kind {
            _ if field.name().starts_with("external_") => say().console_field_external(),
            Kind::Eppn => say().console_field_eppn(),
            Kind::Uuid if Some(index) == spec.key_field() => {
                say().console_field_id(system_name(spec))
            }
            _ => return None,
        };
        Some((field.label(language).to_owned(), text))
    });
    explained.collect()
}

pub(super) fn state_in_words(state: RunState) -> String {
    match state {
        RunState::Held => say().console_state_held(),
        _ => state.in_words(),
    }
}

pub(super) fn listed_in_words(run: &ListedRun) -> String {
    match run.state {
        RunState::Held => state_in_words(run.state),
        _ => run.state_in_words(),
    }
}

/// Returns the states of rows with their counts as text. A row that was not sent for a fault, or because the system does
/// not have the person, is to be corrected.
pub(super) fn outcome_in_words(states: &StateCounts, is_undo: bool) -> Vec<(RowState, String)> {
    let phrases = states.phrases(is_undo).into_iter();
    phrases
        .map(|(state, phrase)| match state {
            RowState::Invalid => {
                let count = states.invalid;
                (state, say().console_to_correct(count, number(count)))
            }
            RowState::Withheld => {
                let count = states.withheld;
                let word = say().console_protected(count);
                (state, format!("{} {word}", number(count)))
            }
            _ => (state, phrase),
        })
        .collect()
}

/// Returns why a run ended early in words for its page, and the reason for the IT department if it is technical.
pub(super) fn stop_in_words(code: Code, reason: String, system: &str) -> (String, Option<String>) {
    let text = match code {
        Code::ApiRefused => say().console_stop_refused(system),
        Code::ApiForeign | Code::ApiUnreachable => say().console_stop_unreachable(system),
        Code::ApiLookup => say().console_stop_unreadable(system),
        Code::ApiFailing => say().console_stop_failing(system),
        _ => return (first_upper(&reason), None),
    };
    (text, Some(reason))
}

/// Returns an error of a job in words for its page, and the error for the IT department if it is technical. `text` is
/// the error with its causes.
pub(super) fn error_in_words(error: &AppError, text: String) -> (String, Option<String>) {
    let plain = match error {
        AppError::SignIn(_) | AppError::Run(RunError::Send(SendError::SignIn(_))) => {
            say().console_stop_sign_in()
        }
        AppError::Run(RunError::Changed { .. }) => say().console_file_changed(),
        // The user can do something about these.
        AppError::Front(_)
        | AppError::File { .. }
        | AppError::RosterGone { .. }
        | AppError::Older
        | AppError::TooFewFiles(_)
        | AppError::TooFewThreads(_)
        | AppError::Run(
            RunError::Read(_)
            | RunError::Map { .. }
            | RunError::Report(_)
            | RunError::Busy { .. }
            | RunError::NotUndoable { .. }
            | RunError::NotResumable { .. }
            | RunError::NotHeld { .. }
            | RunError::SandboxGone { .. }
            | RunError::Undone { .. },
        ) => return (text, None),
        AppError::Usage(_)
        | AppError::Setup { .. }
        | AppError::Config { .. }
        | AppError::Run(_) => say().console_stop_other(),
    };
    (plain, Some(text))
}

/// Returns the estimated completion time of sending as text.
pub(super) fn left_in_words(progress: &Progress, now: jiff::Timestamp) -> Option<String> {
    let is_open = progress.sent < progress.to_send;
    let finish = progress.finish.filter(|_| is_open)?;
    Some(say().console_done_about(clock_time(finish, now)))
}

/// Returns the remaining time of reading as text.
pub(super) fn rest_in_words(rest: Duration) -> String {
    match rest.as_secs() {
        seconds @ ..60 => {
            let seconds = seconds.max(1);
            say().console_left_seconds(seconds, number(seconds))
        }
        seconds => {
            let minutes = seconds.div_ceil(60);
            say().console_left_minutes(minutes, number(minutes))
        }
    }
}

/// Returns the duration of sending and its end as text.
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

/// Returns the error of a column mapping in the page's words, if the page can correct it.
pub(super) fn columns_in_words(error: &MapError, spec: &TargetSpec) -> Option<String> {
    let label = |name: &str| {
        spec.column_label(name, Language::spoken().code())
            .to_owned()
    };
    match error {
        MapError::TwoColumns {
            field,
            first,
            second,
            ..
        } => {
            let (first, second) = (first.as_str(), second.as_str());
            Some(say().console_two_columns(first, second, label(field.as_str())))
        }
        MapError::ReadOnly { field, column, .. } => {
            let (column, field) = (column.as_str(), label(field.as_str()));
            Some(say().console_read_only(column, field, system_name(spec)))
        }
        MapError::Missing {
            one_is_enough,
            fields,
            ..
        } => {
            let fields = fields.iter().map(|field| label(field.as_str()));
            let fields = fields.collect::<Vec<_>>().join(", ");
            Some(match one_is_enough {
                true => say().console_no_key(fields),
                false => say().console_missing(fields),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::glossary::avoided_in;
    use crate::l10n::{in_scope, message};
    use crate::model::{Held, Problem, Threshold};

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
