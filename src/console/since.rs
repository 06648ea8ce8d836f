//! The people who are new or missing since the last roster, for the review.

use std::collections::BTreeSet;

use crate::app::{AppError, Naming, Protection, roster_of};
use crate::events::{Plan, SinceLast};
use crate::journal::{Journal, JournalError};
use crate::l10n::{local_time, number, say};
use crate::report::plan_since;
use crate::run::{Prepared, rows_seen};

/// The people who are new or missing since the last roster.
#[derive(Debug, Clone)]
pub(super) struct Since {
    last: SinceLast,
    new: People,
    missing: People,
}

/// Some people of a roster.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// The first names, with their classes.
    pub(super) names: Vec<String>,
    more: u64,
}

/// The maximum number of names in a group.
const NAMES: usize = 50;

impl Since {
    /// Compares the rows of a run with those of the last roster.
    pub(super) fn of(
        journal: &Journal,
        run: i64,
        plan: &Plan,
        prepared: Option<&Prepared>,
    ) -> Result<Option<Since>, AppError> {
        let Some(last) = &plan.since else {
            return Ok(None);
        };
        let other = match journal.run(Some(&last.run)) {
            Ok(other) => Some(other),
            // The run was pruned.
            Err(JournalError::NoRun { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut since = Since {
            last: last.clone(),
            new: People::default(),
            missing: People::default(),
        };
        if let Some(other) = other {
            if let Some(prepared) = prepared.filter(|_| last.new > 0) {
                let rows = journal.rows_without(run, other.id)?;
                since.new = People::of(&rows, (journal, run), prepared)?;
            }
            if last.missing > 0
                && let Ok(before) = roster_of(&other)
            {
                let rows = journal.rows_without(other.id, run)?;
                since.missing = People::of(&rows, (journal, other.id), &before)?;
            }
        }
        Ok(Some(since))
    }

    pub(super) fn in_words(&self) -> String {
        plan_since(&self.last)
    }

    /// Returns the people who may be named, under headings.
    pub(super) fn groups(&self) -> Vec<(String, &People)> {
        let at = local_time(self.last.at);
        let groups = [
            (say().console_new_since(at.as_str()), &self.new),
            (say().console_missing_since(at.as_str()), &self.missing),
        ];
        let named = groups.into_iter();
        named.filter(|(_, of)| !of.names.is_empty()).collect()
    }
}

impl People {
    /// Returns the people of rows of a run, without those who must not be named.
    fn of(
        rows: &[u64],
        (journal, run): (&Journal, i64),
        prepared: &Prepared,
    ) -> Result<People, AppError> {
        let first: BTreeSet<u64> = rows.iter().take(NAMES).copied().collect();
        let seen = rows_seen(prepared, |raw, _| first.contains(&raw.at.row))?;
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
        Ok(People { names, more })
    }

    /// Returns the number of omitted names as text.
    pub(super) fn more(&self) -> Option<String> {
        (self.more > 0).then(|| say().plan_more(number(self.more)))
    }
}
