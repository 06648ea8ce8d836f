//! Earlier runs show which rows of a retry have already succeeded.

use super::row_fingerprints::{is_as_it_was, says_the_same, still_looks_right};
use super::row_planner::{Halt, RowPlanner};
use super::row_tasks::{NextStep, RowTask};
use crate::check::{TOO_FEW, TOO_MANY, is_damage, looks_right, was_damaged};
use crate::journal::PastRow;
use crate::l10n::{Message, message};
use crate::model::{LEFT_OUT, Problem, RowState};
use crate::targets::Kind;

/// The state of a row in earlier runs, its code and its problems.
type EarlierState = (RowState, String, Vec<Problem>);

impl RowPlanner<'_> {
    /// Returns the final state of a row that a retry does not send.
    pub(super) fn succeeded_before(&self, task: &RowTask) -> Result<Option<EarlierState>, Halt> {
        let (Some(retries), Some(run)) =
            (&self.context.delivery.retries, self.context.earlier.retried)
        else {
            return Ok(None);
        };
        if !has_earlier_state(task) {
            return Ok(None);
        }
        let past = &self.context.earlier.journal;
        let history = past.history(run, task.mark.key)?;
        let rows = self.context.prepared.survey.rows;
        let is_part = || Ok(rows < past.rows_of(run)?);
        earlier_state(task, &history, &retries.only, is_part)
    }
}

/// Whether earlier runs can settle a row: it has a key and no problem.
fn has_earlier_state(task: &RowTask) -> bool {
    let is_open = match &task.what {
        NextStep::Settled(outcome) => outcome.error_code == LEFT_OUT,
        NextStep::Call(_) | NextStep::LookUp { .. } => true,
    };
    is_open && task.mark.key != 0
}

/// Returns the final state of a row by its `history`, newest run first, if the retry covers the states of `only`.
/// `is_part` returns whether the file has fewer rows than that of the earlier run.
fn earlier_state(
    task: &RowTask,
    history: &[PastRow],
    only: &[RowState],
    is_part: impl FnOnce() -> Result<bool, Halt>,
) -> Result<Option<EarlierState>, Halt> {
    let same = |cells: &[u8]| says_the_same(&task.mark.cells, cells);
    // The record holds the values of the newest success, which may be an undo.
    let newest = history
        .iter()
        .find(|past| past.state.is_some_and(RowState::succeeded));
    if newest.is_some_and(|past| same(&past.cells)) {
        return Ok(Some((RowState::Unchanged, String::new(), Vec::new())));
    }
    // It was left out already.
    if matches!(task.what, NextStep::Settled(_)) {
        return Ok(None);
    }
    if let Some(cut) = was_cut(task, history, newest) {
        return Ok(Some(cut));
    }
    // A duplicate looks valid if the other row is not in the file. In a complete file, the check finds duplicates
    // itself.
    let told = history.iter().find(|past| past.error_code != LEFT_OUT);
    if let Some(past) = told
        && Kind::is_duplicate(&past.error_code)
        && same(&past.cells)
        && is_part()?
    {
        let why = with_hint(past, message::row_was_so());
        return Ok(Some((RowState::Invalid, past.error_code.clone(), why)));
    }
    let last = history.first().map(|past| match past.state {
        None => RowState::NotSent,
        Some(RowState::Unknown) => RowState::Failed,
        Some(state) => state,
    });
    // A row without a known outcome counts as not sent.
    let last = last.unwrap_or(RowState::NotSent);
    if only.is_empty() || only.contains(&last) {
        return Ok(None);
    }
    let why = message::row_was_other_state(last.message());
    let why = Problem::of_row(LEFT_OUT, why);
    Ok(Some((RowState::NotSent, LEFT_OUT.to_owned(), vec![why])))
}

/// The problems of a row in an earlier run, with the hint added once.
fn with_hint(past: &PastRow, hint: Message) -> Vec<Problem> {
    let others = past.problems.iter().filter(|one| one.message != hint);
    let mut problems: Vec<Problem> = others.cloned().collect();
    problems.push(Problem::of_row(past.error_code.clone(), hint));
    problems
}

/// Returns the state of a row whose cells were missing, surplus, split or truncated in an earlier run and were not
/// corrected since.
///
/// In a results file the row has all its cells, so a cell that was missing shows only as empty. Later runs settle
/// this only if they sent the row.
fn was_cut(task: &RowTask, history: &[PastRow], newest: Option<&PastRow>) -> Option<EarlierState> {
    let since = newest.map_or(i64::MIN, |past| past.run);
    let is_cut = |past: &&PastRow| {
        let is_so = match &*past.error_code {
            code if looks_right(code) => {
                !task.is_released && still_looks_right(&task.mark.cells, &past.cells)
            }
            code if is_damage(code) => {
                !task.is_released && is_as_it_was(&task.mark.cells, &past.cells)
            }
            TOO_MANY => task.has_surplus && says_the_same(&task.mark.cells, &past.cells),
            _ => false,
        };
        is_so && past.run >= since
    };
    if let Some(past) = history.iter().find(is_cut) {
        let hint = match &*past.error_code {
            TOO_FEW => Some(message::row_fill_in()),
            code if looks_right(code) || is_damage(code) => Some(message::row_correct_cell()),
            _ => None,
        };
        let why = match hint {
            Some(hint) => with_hint(past, hint),
            None => past.problems.clone(),
        };
        return Some((RowState::Invalid, past.error_code.clone(), why));
    }
    // The file may record a fault that no earlier run recorded.
    let damaged = task.damaged.map(|code| (code, was_damaged(code)));
    let lost_kind = task.lost_kind.map(|code| (code, message::row_lost_kind()));
    for (code, why) in damaged.into_iter().chain(lost_kind) {
        if !history.iter().any(|past| past.error_code == code) {
            let why = vec![Problem::of_row(code, why)];
            return Some((RowState::Invalid, code.to_owned(), why));
        }
    }
    None
}

#[cfg(test)]
mod tests;
