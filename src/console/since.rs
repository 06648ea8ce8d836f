//! The people who are new or missing since the last roster, for the review.

use std::collections::BTreeSet;

use crate::app::{AppError, Naming, Protection, roster_of};
use crate::events::Plan;
use crate::journal::{Journal, JournalError};
use crate::l10n::{local_time, number, say};
use crate::report::plan_since;
use crate::run::{Prepared, RunError, rows_seen};

/// The people who are new or missing since the last roster.
#[derive(Debug, Clone)]
pub(super) struct Since {
    /// The counts in words.
    pub(super) text: String,
    /// New people, and missing people if the last roster is still stored.
    pub(super) groups: Vec<Group>,
}

/// A group of people with a heading.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) heading: String,
    /// The first names, with their classes.
    pub(super) names: Vec<String>,
    /// The number of omitted names.
    pub(super) more: Option<String>,
}

/// The maximum number of names in a group.
const NAMES: usize = 50;

impl Since {
    /// Compares the rows of a run with those of the last roster.
    ///
    /// # Errors
    /// Fails if the journal or the roster cannot be read.
    pub(super) fn of(
        journal: &Journal,
        run: i64,
        plan: &Plan,
        prepared: Option<&Prepared>,
    ) -> Result<Option<Since>, AppError> {
        let (Some(since), Some(text)) = (&plan.since, plan_since(plan)) else {
            return Ok(None);
        };
        let other = match journal.run(Some(&since.run)) {
            Ok(other) => Some(other),
            // The run was pruned.
            Err(JournalError::NoRun { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut groups = Vec::new();
        if let Some(other) = other {
            let at = local_time(since.at);
            if let Some(prepared) = prepared.filter(|_| since.new > 0) {
                let rows = journal.rows_without(run, other.id)?;
                let heading = say().console_new_since(at.as_str());
                groups.extend(named(heading, &rows, (journal, run), prepared)?);
            }
            if since.missing > 0
                && let Ok(before) = roster_of(&other)
            {
                let rows = journal.rows_without(other.id, run)?;
                let heading = say().console_missing_since(at.as_str());
                groups.extend(named(heading, &rows, (journal, other.id), &before)?);
            }
        }
        Ok(Some(Since { text, groups }))
    }
}

/// Returns the people of rows of a run who may be named, with a heading.
fn named(
    heading: String,
    rows: &[u64],
    (journal, run): (&Journal, i64),
    prepared: &Prepared,
) -> Result<Option<Group>, AppError> {
    let first: BTreeSet<u64> = rows.iter().take(NAMES).copied().collect();
    let seen = rows_seen(prepared, |raw, _| first.contains(&raw.at.row)).map_err(RunError::from)?;
    let naming = Naming::of(prepared);
    let protection = Protection::of(journal, run, Some(prepared))?;
    let mut names = Vec::new();
    for seen in &seen {
        let (name, class) = (naming.name(&seen.cells), naming.class(&seen.cells));
        if name.is_empty() || protection.hides(seen)? {
            continue;
        }
        names.push(match class.is_empty() {
            true => name,
            false => format!("{name} · {class}"),
        });
    }
    let more = rows.len().saturating_sub(names.len()) as u64;
    let more = (more > 0).then(|| say().plan_more(number(more)));
    Ok((!names.is_empty()).then_some(Group {
        heading,
        names,
        more,
    }))
}
