//! Earlier runs show which rows of a retry have already succeeded.

use super::row_fingerprints::{is_as_it_was, says_the_same, still_looks_right};
use super::row_planner::{Halt, RowPlanner};
use super::row_tasks::{NextStep, RowTask};
use crate::check::{TOO_FEW, TOO_MANY, is_damage, looks_right, was_damaged};
use crate::journal::PastRow;
use crate::l10n::{Message, message};
use crate::model::{LEFT_OUT, Problem, RowState};
use crate::targets::Kind;

/// The state of a row by earlier runs, the code of what is wrong with it, and why.
type EarlierState = (RowState, String, Vec<Problem>);

impl RowPlanner<'_> {
    /// Where an earlier run is tried again: the state of a row that needs no trying, and why.
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

/// Whether earlier runs can tell anything of a row: it has a key, and nothing is wrong with it.
fn has_earlier_state(task: &RowTask) -> bool {
    let is_open = match &task.what {
        NextStep::Settled(outcome) => outcome.error_code == LEFT_OUT,
        NextStep::Call(_) | NextStep::LookUp { .. } => true,
    };
    is_open && task.mark.key != 0
}

/// What the `history` of a row, the newest run first, tells of it where rows in the states of `only` are tried
/// again; `is_part` tells whether its file has fewer rows than the one that they come from.
fn earlier_state(
    task: &RowTask,
    history: &[PastRow],
    only: &[RowState],
    is_part: impl FnOnce() -> Result<bool, Halt>,
) -> Result<Option<EarlierState>, Halt> {
    let same = |cells: &[u8]| says_the_same(&task.mark.cells, cells);
    // The newest success is what the record holds; an undo is one too.
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
    // Alone in its file, a row that had another's value looks as if it had it for itself.
    // Where all rows are there again, the check has seen for itself.
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

/// The problems of a row in an earlier run, with this hint once.
fn with_hint(past: &PastRow, hint: Message) -> Vec<Problem> {
    let others = past.problems.iter().filter(|one| one.message != hint);
    let mut problems: Vec<Problem> = others.cloned().collect();
    problems.push(Problem::of_row(past.error_code.clone(), hint));
    problems
}

/// A row that had too few cells in the runs before, or too many, or was divided or truncated, and that nobody has fixed since.
///
/// In its results file it has as many cells as any other row, and nobody can tell which of them were
/// missing: as long as nobody has filled one in, they are. A run that left the row out, or found
/// something else wrong with it, knows no better; one that sent it does.
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
    // Only the file tells of a fault that no earlier run recorded.
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
