//! The rows that need attention, with their persons, for the review and for the page of a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::{AppError, FieldNames, Naming, Protection, is_identifier};
use crate::console::words::{fault_in_words, first_upper, system_name};
use crate::journal::{Journal, JournalError};
use crate::l10n::say;
use crate::model::{Outcome, Problem};
use crate::report::{NOT_FOUND, problem_argument};
use crate::run::{Prepared, SeenRow, Settings, rows_seen};

pub(super) struct Attention {
    pub(super) row: u64,
    /// The spreadsheet row number, the person and the class.
    pub(super) which: String,
    /// What is wrong, and what to do.
    pub(super) why: String,
    pub(super) link: String,
}

/// Returns whether the person of a row is not in the system. The row itself has no fault.
pub(super) fn is_missing(outcome: &Outcome) -> bool {
    outcome.error_code == NOT_FOUND
}

/// The code of a value that another person has.
const TAKEN: &str = "lookup.taken";

/// Describes rows of a run. Without the roster, rows have no names.
pub(super) fn attention(
    journal: &Journal,
    run: i64,
    prepared: Option<&Prepared>,
    outcomes: &[Outcome],
) -> Result<Vec<Attention>, AppError> {
    let persons = match prepared {
        Some(prepared) => persons(journal, run, prepared, outcomes)?,
        None => Persons::default(),
    };
    let words = field_names(journal, run)?;
    let system = prepared.map(|prepared| system_name(prepared.checker.spec()));
    let system = system.unwrap_or_else(|| say().console_the_system());
    let fault = |problem: &Problem| match &*problem.code {
        TAKEN => persons.taken(problem, &system),
        NOT_FOUND => say().console_plan_not_found(system.as_str()),
        _ => fault_in_words(problem, &system),
    };
    let described = outcomes.iter().map(|outcome| {
        let why = outcome.problems.iter().map(|one| match &*one.column {
            "" => fault(one),
            _ if one.code == NOT_FOUND => fault(one),
            column => format!("{}: {}", in_words(&words, column), fault(one)),
        });
        let which = persons.of_rows.get(&outcome.row).cloned();
        Attention {
            row: outcome.row,
            which: which.unwrap_or_else(|| say().place_row(outcome.row)),
            why: Some(why.collect::<Vec<_>>().join(" · "))
                .filter(|why| !why.is_empty())
                .unwrap_or_else(|| first_upper(&outcome.state.in_words())),
            link: match is_missing(outcome) {
                true => say().console_show_row(),
                false => say().console_correct(),
            },
        }
    });
    Ok(described.collect())
}

/// The persons of rows, in words.
#[derive(Default)]
struct Persons {
    of_rows: BTreeMap<u64, String>,
    /// The persons of this roster whose records have these ids.
    of_ids: BTreeMap<String, String>,
    /// Whether the roster has every person, so that a record without a row is about someone else.
    is_whole: bool,
}

impl Persons {
    /// Returns who has the value of a row already.
    fn taken(&self, problem: &Problem, system: &str) -> String {
        let value = problem_argument(problem, "value");
        let id = problem_argument(problem, "id");
        match self.of_ids.get(&id) {
            Some(who) => say().console_fault_taken_by(who.as_str(), value, system),
            None if self.is_whole => say().console_fault_taken_outside(system, value),
            None => fault_in_words(problem, system),
        }
    }
}

fn persons(
    journal: &Journal,
    run: i64,
    prepared: &Prepared,
    outcomes: &[Outcome],
) -> Result<Persons, AppError> {
    let protection = Protection::of(journal, run, Some(prepared))?;
    let rows: BTreeSet<u64> = outcomes.iter().map(|outcome| outcome.row).collect();
    let problems = outcomes.iter().flat_map(|outcome| &outcome.problems);
    let taken = problems.filter(|problem| problem.code == TAKEN);
    let ids: BTreeSet<String> = taken.map(|one| problem_argument(one, "id")).collect();
    let mut found: BTreeMap<u64, String> = BTreeMap::new();
    if !ids.is_empty() {
        for (row, facts) in journal.facts(run, 1, u64::MAX)? {
            let id = facts.found.map(|found| found.id);
            found.extend(id.filter(|id| ids.contains(id)).map(|id| (row, id)));
        }
    }
    let id_column = prepared.checker.spec().key_field();
    let id_column = id_column.and_then(|field| prepared.checker.map().column(field));
    let id_in = |cell: &str| Some(cell.trim().to_owned()).filter(|id| ids.contains(id));
    let seen = rows_seen(prepared, |raw, _| {
        let of_id = || {
            let cell = raw.cell(id_column?)?;
            id_in(&String::from_utf8_lossy(cell.bytes()))
        };
        let is_found = found.contains_key(&raw.at.row);
        rows.contains(&raw.at.row) || is_found || of_id().is_some()
    })?;
    let naming = Naming::of(prepared);
    let mut persons = Persons {
        is_whole: !protection.is_possible() && prepared.survey.withheld.is_empty(),
        ..Persons::default()
    };
    for seen in &seen {
        let which = match protection.hides(seen)? {
            true => None,
            false => Some(which(seen, &naming)),
        };
        if rows.contains(&seen.at.row) {
            let unnamed = || say().place_row(seen.at.sheet_row);
            let which = which.clone().unwrap_or_else(unnamed);
            persons.of_rows.insert(seen.at.row, which);
        }
        let of_cell = id_column.and_then(|column| id_in(seen.cells.get(column)?));
        let id = found.get(&seen.at.row).cloned().or(of_cell);
        if let (Some(id), Some(which)) = (id, which) {
            persons.of_ids.insert(id, which);
        }
    }
    Ok(persons)
}

/// Returns the row number, the person and the class of a row.
fn which(seen: &SeenRow, naming: &Naming) -> String {
    let named = [
        say().place_row(seen.at.sheet_row),
        naming.name(&seen.cells),
        naming.class(&seen.cells),
    ];
    let named = named.into_iter();
    let named = named.filter(|part| !part.is_empty() && !is_identifier(part));
    named.collect::<Vec<_>>().join(" · ")
}

/// The names of a run's fields, if its target can be read. An undo has the names of the run that it undoes.
pub(super) fn field_names(journal: &Journal, run: i64) -> Result<Option<FieldNames>, JournalError> {
    let runs = journal.runs()?;
    let record = runs.iter().find(|record| record.id == run);
    let undone = record.and_then(|record| Settings::of(record).ok()?.delivery.undoes);
    let undone = undone.and_then(|undone| runs.iter().find(|record| record.name == undone));
    let names = |record| FieldNames::of(journal, record);
    Ok(undone.and_then(names).or_else(|| record.and_then(names)))
}

/// A column as the reader calls it.
pub(super) fn in_words(words: &Option<FieldNames>, column: &str) -> String {
    let label = words.as_ref().map(|words| words.label(column));
    label.unwrap_or(column).to_owned()
}
