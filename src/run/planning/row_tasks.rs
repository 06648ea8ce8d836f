//! A task is a row with its next step.

use std::borrow::Cow;

use tokio::sync::mpsc;

use super::row_fingerprints::RowFingerprints;
use crate::check::{CheckedRow, Checker, Survey};
use crate::clock::Clock;
use crate::journal::RowMark;
use crate::l10n::{Message, message};
use crate::model::{
    Call, LEFT_OUT, Outcome, PROTECTED, PROTECTED_RECORD, Problem, RowState, Value,
};
use crate::plan::{Planner, Selection, Values};
use crate::read::{Input, RawRow, ReadError, Table};

/// A row and its next step.
pub struct RowTask {
    pub mark: RowMark,
    /// Whether the cell with its error was emptied, which releases the row.
    pub is_released: bool,
    /// The code of the damage that a results file records for the row.
    pub damaged: Option<&'static str>,
    /// The code of a cell that lost its type in a results file.
    pub(super) lost_kind: Option<&'static str>,
    /// Whether it has a value beyond the last named column.
    pub(super) has_surplus: bool,
    pub what: NextStep,
}

/// The next step of a row.
pub enum NextStep {
    /// None: the row has its outcome.
    Settled(Outcome),
    /// This request is made.
    Call(Box<Call>),
    /// The record with this key is compared with these values.
    LookUp {
        key: String,
        /// The further keys, tried if this key finds no record: the field, by position, and its value.
        others: Vec<(usize, String)>,
        values: Values,
    },
}

/// Builds the task of each row.
pub struct TaskBuilder<'a> {
    pub checker: &'a Checker,
    pub survey: &'a Survey,
    pub planner: &'a Planner,
    pub selection: &'a Selection,
    pub clock: &'a dyn Clock,
    /// Whether records are to be looked up.
    pub(super) looks_up: bool,
    /// The fields, by position, whose values make reading the record unnecessary; `None` if records are always read.
    pub(super) enough: Option<Vec<usize>>,
    /// Whether only the keys of rows count.
    pub(super) names_only: bool,
}

impl TaskBuilder<'_> {
    /// Reads all rows, and sends their tasks in the file's order.
    pub fn build(
        &self,
        input: &Input,
        tasks: &mpsc::Sender<Vec<RowTask>>,
    ) -> Result<(), ReadError> {
        let mut left = self.selection.limit.unwrap_or(u64::MAX);
        input.scan(
            |table| self.of_table(table),
            |mut made: Vec<RowTask>| {
                for task in &mut made {
                    if !matches!(task.what, NextStep::Settled(_)) {
                        if left == 0 {
                            let why = message::row_beyond_limit();
                            task.what = NextStep::Settled(self.left_out(task.mark.at.row, why));
                        }
                        left = left.saturating_sub(1);
                    }
                }
                // A receiver that is gone has reported why.
                Ok(tasks.blocking_send(made).is_ok())
            },
        )
    }

    /// Returns the first calls of a table's rows that change a value, at most `most`.
    pub(super) fn first_calls(&self, table: &Table, most: usize) -> Vec<Call> {
        let mut checked = CheckedRow::default();
        let calls = table.rows().filter_map(|raw| {
            self.checker.check_into(&raw, &mut checked);
            match self.what(&mut checked) {
                NextStep::Call(call) if !call.changed.is_empty() => Some(*call),
                NextStep::Call(_) | NextStep::Settled(_) | NextStep::LookUp { .. } => None,
            }
        });
        calls.take(most).collect()
    }

    pub(super) fn of_table(&self, table: &Table) -> Vec<RowTask> {
        let mut checked = CheckedRow::default();
        let mut fingerprints = RowFingerprints::of(self.checker, self.survey.key());
        let of = |raw| self.of_row(&raw, &mut checked, &mut fingerprints);
        table.rows().map(of).collect()
    }

    /// Builds the task of a row. `row` is a buffer that is reused for each row.
    fn of_row<'a>(
        &self,
        raw: &RawRow<'a>,
        row: &mut CheckedRow<'a>,
        fingerprints: &mut RowFingerprints<'_>,
    ) -> RowTask {
        self.checker.check_into(raw, row);
        let (key, cells) = fingerprints.of_row(raw, row);
        // Other rows can turn a warning into an error, so it is read after the step.
        let what = self.what(row);
        let warning = row.warning();
        RowTask {
            mark: RowMark {
                at: row.at,
                key,
                cells,
                warning,
                ..RowMark::default()
            },
            is_released: self.checker.is_released(raw),
            damaged: self.checker.damage_before(raw),
            lost_kind: self.checker.lost_kind(raw),
            has_surplus: self.checker.has_surplus(raw),
            what,
        }
    }

    fn what(&self, row: &mut CheckedRow<'_>) -> NextStep {
        let number = row.at.row;
        if row.is_withheld {
            return NextStep::Settled(settled_withheld(self.clock, number));
        }
        if row.is_skipped {
            return NextStep::Settled(self.left_out(number, message::row_skipped()));
        }
        if !self.selection.holds(number, row.at.sheet_row) {
            return NextStep::Settled(self.left_out(number, message::row_not_asked_for()));
        }
        if let Some(other) = self.survey.superseded_by(number) {
            let why = message::row_superseded(self.survey.line_of(other));
            return NextStep::Settled(self.left_out(number, why));
        }
        self.survey.add_problems_of_others(self.checker, row);
        let key = self
            .survey
            .key()
            .and_then(|key| row.values[key].as_ref())
            .map_or(String::new(), |value| value.as_text().into_owned());
        if !row.is_valid() && (!self.names_only || key.is_empty()) {
            return NextStep::Settled(settled_invalid(self.clock, number, &row.problems));
        }
        if !self.looks_up {
            return NextStep::Call(Box::new(self.planner.call(row, &key)));
        }
        let has = |field: &usize| row.values[*field].is_some();
        if self
            .enough
            .as_ref()
            .is_some_and(|enough| enough.iter().all(has))
        {
            let call = self.planner.call(row, &key);
            return NextStep::Call(Box::new(Call {
                // The record could be read, so deliveries are never trusted for it.
                fingerprint: None,
                ..call
            }));
        }
        let value_of = |field: &usize| {
            let value = row.values[*field].as_ref()?.as_text().into_owned();
            (!value.is_empty()).then_some((*field, value))
        };
        let others = self
            .checker
            .other_keys()
            .iter()
            .filter_map(value_of)
            .collect();
        let values = std::mem::take(&mut row.values);
        NextStep::LookUp {
            key,
            others,
            values: values
                .into_iter()
                .map(|value| value.map(Value::into_owned))
                .collect(),
        }
    }

    /// The outcome of a row that is left out.
    fn left_out(&self, row: u64, why: Message) -> Outcome {
        let why = Problem::of_row(LEFT_OUT, why);
        settled(self.clock, row, RowState::NotSent, LEFT_OUT, vec![why])
    }
}

/// A problem in the column of a field, or of the whole row without a field.
pub fn problem_in(
    checker: &Checker,
    field: Option<usize>,
    code: impl Into<Cow<'static, str>>,
    message: Message,
) -> Problem {
    let name = |field: usize| checker.spec().fields[field].name();
    Problem {
        column: field.map_or("", |field| checker.name_of(field)).to_owned(),
        field: field.map_or("", name).to_owned(),
        ..Problem::of_row(code, message)
    }
}

/// The outcome of a row about a protected person.
pub(super) fn settled_withheld(clock: &dyn Clock, row: u64) -> Outcome {
    let why = Problem::of_row(PROTECTED, message::row_protected());
    settled(clock, row, RowState::Withheld, PROTECTED, vec![why])
}

/// The outcome of a row whose record marks a protected person.
pub(super) fn settled_protected(clock: &dyn Clock, row: u64) -> Outcome {
    let code = PROTECTED_RECORD;
    let why = Problem::of_row(code, message::record_protected());
    settled(clock, row, RowState::Withheld, code, vec![why])
}

/// The outcome of a row that is invalid.
pub(super) fn settled_invalid(clock: &dyn Clock, row: u64, problems: &[Problem]) -> Outcome {
    let code = problems.first().map_or("", |problem| &problem.code);
    settled(clock, row, RowState::Invalid, code, problems.to_vec())
}

/// The outcome of a row for which nothing is sent.
pub fn settled(
    clock: &dyn Clock,
    row: u64,
    state: RowState,
    code: &str,
    problems: Vec<Problem>,
) -> Outcome {
    Outcome {
        error_code: code.to_owned(),
        problems,
        ..Outcome::of(row, state, clock.timestamp())
    }
}

#[cfg(test)]
mod tests;
