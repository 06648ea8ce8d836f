//! The people of the rows that are sent and read back before the others.

use crate::app::{AppError, FieldNames, Naming, Protection};
use crate::journal::{Journal, JournalError};
use crate::l10n::say;
use crate::model::Call;
use crate::run::{Prepared, rows_seen};

/// The people of the rows that are sent first, with their changes.
pub(super) struct FirstPeople {
    fields: Option<FieldNames>,
    /// The name of each person, or `None` if the person must not be named.
    people: Vec<(Option<String>, Call)>,
}

impl FirstPeople {
    /// Returns the people of the first `count` changes of a run.
    pub(super) fn of(
        journal: &Journal,
        run: i64,
        prepared: &Prepared,
        count: u64,
    ) -> Result<FirstPeople, AppError> {
        let record = journal.runs()?.into_iter().find(|record| record.id == run);
        let mut calls = Vec::new();
        journal.each_call_after::<JournalError>(run, 0, |call, _| {
            calls.push(call);
            Ok((calls.len() as u64) < count)
        })?;
        let seen = rows_seen(prepared, |raw, _| {
            calls.iter().any(|call| call.at.row == raw.at.row)
        })?;
        let naming = Naming::of(prepared);
        let protection = Protection::of(journal, run, Some(prepared))?;
        let mut people = Vec::new();
        for call in calls {
            let name = match seen.iter().find(|seen| seen.at.row == call.at.row) {
                Some(seen) if protection.hides(seen)? => None,
                Some(seen) => Some(naming.name(&seen.cells)),
                None => Some(String::new()),
            };
            people.push((name, call));
        }
        Ok(FirstPeople {
            fields: record.and_then(|record| FieldNames::of(journal, &record)),
            people,
        })
    }

    /// Returns each person and the changes as text.
    pub(super) fn in_words(&self) -> Vec<(String, String)> {
        let people = self.people.iter();
        people
            .map(|(name, call)| match name {
                Some(name) => (name.clone(), self.changes(call)),
                None => {
                    let row = say().place_row(call.at.sheet_row);
                    (row, say().console_person_hidden())
                }
            })
            .collect()
    }

    fn changes(&self, call: &Call) -> String {
        let changes = self.fields.as_ref().map(|fields| fields.changes(call));
        let changes = changes.iter().flatten();
        let texts = changes.map(|one| format!("{} {}", one.label, one.to));
        texts.collect::<Vec<_>>().join(", ")
    }
}
