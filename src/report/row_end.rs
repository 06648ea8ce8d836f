//! The outcome of a row in the result columns.

use std::borrow::Cow;

use crate::l10n::say;
use crate::map::ResultColumn;
use crate::model::{Code, Outcome, RowFacts, RowState};

/// The outcome of a row as shown in the result columns.
pub(super) struct RowEnd<'a> {
    pub(super) row: u64,
    /// The spreadsheet row number in the original file.
    pub(super) line: u64,
    pub(super) outcome: Option<&'a Outcome>,
    pub(super) warning: &'a str,
    /// Why it is not sent if it has no outcome.
    pub(super) unsent: Option<(Code, &'a str)>,
    /// The facts about the row from planning.
    pub(super) facts: RowFacts,
}

impl RowEnd<'_> {
    /// Returns the row's text in a column.
    pub(super) fn cell(&self, column: ResultColumn) -> Cow<'_, str> {
        let of = |text: fn(&Outcome) -> Cow<'_, str>| self.outcome.map_or(Cow::Borrowed(""), text);
        let found = self.facts.found.as_ref();
        let is_unseen = self
            .outcome
            .is_some_and(|outcome| outcome.state == RowState::Unknown);
        match column {
            ResultColumn::Row => self.row.to_string().into(),
            ResultColumn::Status => {
                let state = self.outcome.map(|outcome| final_state(outcome.state));
                state.unwrap_or(RowState::NotSent).as_str().into()
            }
            ResultColumn::HttpStatus => of(|outcome| {
                let status = outcome.http_status;
                status.map_or(Cow::Borrowed(""), |status| status.to_string().into())
            }),
            ResultColumn::ErrorCode if is_unseen => "network.unknown".into(),
            ResultColumn::ErrorCode => match (self.outcome, self.unsent) {
                (None, Some((code, _))) => code.as_str().into(),
                _ => of(|outcome| outcome.error_code.as_str().into()),
            },
            ResultColumn::Error if is_unseen => say().answer_unseen().into(),
            ResultColumn::Error => match (self.outcome, self.unsent) {
                (None, Some((_, why))) => why.into(),
                _ => of(|outcome| outcome.error().into()),
            },
            ResultColumn::Changed => of(|outcome| outcome.changed.as_str().into()),
            ResultColumn::Attempts => of(|outcome| outcome.attempts.to_string().into()),
            ResultColumn::RequestId => of(|outcome| outcome.request_id.as_str().into()),
            ResultColumn::FinishedAt => of(|outcome| format!("{:.3}", outcome.finished_at).into()),
            ResultColumn::Line => self.line.to_string().into(),
            ResultColumn::Warning => self.warning.into(),
            ResultColumn::RecordId => found.map_or("", |found| &found.id).into(),
            ResultColumn::MatchedBy => found.map_or("", |found| &found.by).into(),
        }
    }
}

/// Returns the reported state of a row. A row whose request got no response counts as failed.
pub(super) fn final_state(state: RowState) -> RowState {
    match state {
        RowState::Unknown => RowState::Failed,
        state => state,
    }
}
