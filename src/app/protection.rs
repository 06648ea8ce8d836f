//! Who is named on the page of a run. A later run may have withheld a row about the same person as protected.

use std::collections::BTreeSet;

use super::error::AppError;
use super::runs::figures_of;
use super::spellings::spellings;
use crate::journal::{Journal, RunRecord};
use crate::model::RowState;
use crate::run::{Prepared, SeenRow, key_fingerprint};

/// The protection of a person according to the journal.
pub(super) enum Marks {
    None,
    Protected,
    Unknown,
}

/// Returns the runs that withheld rows about protected persons.
pub(super) fn withholding(journal: &Journal, runs: &[RunRecord]) -> Result<Vec<i64>, AppError> {
    let mut withholding = Vec::new();
    for run in runs {
        let is_withholding = match figures_of(run) {
            Ok(summary) => summary.states.withheld > 0,
            Err(_) => !journal.rows_in(run.id, &[RowState::Withheld])?.is_empty(),
        };
        if is_withholding {
            withholding.push(run.id);
        }
    }
    Ok(withholding)
}

/// Returns the protection of the person whom these values name, from the rows of all runs. The journal stores no key
/// of a withheld row. The withheld rows of a run are about other people only if the run has another row about this
/// person.
pub(super) fn marks_of(
    journal: &Journal,
    by: &[String],
    withholding: &[i64],
) -> Result<Marks, AppError> {
    let spellings = by.iter().flat_map(|value| spellings(value));
    let prints: BTreeSet<i64> = spellings.map(|key| key_fingerprint(&key)).collect();
    let rows = journal.rows_by(&prints.into_iter().collect::<Vec<i64>>())?;
    if rows.iter().any(|row| row.state == Some(RowState::Withheld)) {
        return Ok(Marks::Protected);
    }
    let is_another = |run: &i64| rows.iter().any(|row| row.run == *run);
    Ok(match withholding.iter().all(is_another) {
        true => Marks::None,
        false => Marks::Unknown,
    })
}

/// Returns the columns of a roster whose values name a person.
pub(super) fn key_columns(prepared: &Prepared) -> Vec<usize> {
    let map = prepared.checker.map();
    let keys = prepared.checker.spec().keys();
    keys.into_iter()
        .filter_map(|field| map.column(field))
        .collect()
}

/// Decides who is named on the page of a run.
pub struct Protection<'a> {
    journal: &'a Journal,
    /// The rows of the run that are about protected persons.
    withheld: Vec<u64>,
    /// The later runs that withheld rows.
    later: Vec<i64>,
    keys: Vec<usize>,
}

impl Protection<'_> {
    /// Finds the protected persons of a run and the later runs that have some.
    pub fn of<'a>(
        journal: &'a Journal,
        run: i64,
        prepared: Option<&Prepared>,
    ) -> Result<Protection<'a>, AppError> {
        let mut later = journal.runs()?;
        later.retain(|other| other.id > run);
        Ok(Protection {
            withheld: journal.rows_in(run, &[RowState::Withheld])?,
            later: withholding(journal, &later)?,
            keys: prepared.map_or(Vec::new(), key_columns),
            journal,
        })
    }

    /// Returns whether any person may be protected.
    pub fn is_possible(&self) -> bool {
        !self.withheld.is_empty() || !self.later.is_empty()
    }

    /// Returns whether the person of a row must not be named.
    pub fn hides(&self, seen: &SeenRow) -> Result<bool, AppError> {
        let cells = self
            .keys
            .iter()
            .filter_map(|column| seen.cells.get(*column));
        let by = cells
            .map(|cell| cell.trim())
            .filter(|cell| !cell.is_empty());
        let by: Vec<String> = by.map(str::to_owned).collect();
        self.hides_by(seen.at.row, &by)
    }

    /// Returns whether the person of a row, who is named by these values, must not be named.
    pub fn hides_by(&self, row: u64, by: &[String]) -> Result<bool, AppError> {
        if self.withheld.binary_search(&row).is_ok() {
            return Ok(true);
        }
        if self.later.is_empty() {
            return Ok(false);
        }
        Ok(!matches!(
            marks_of(self.journal, by, &self.later)?,
            Marks::None
        ))
    }
}
