use serde_json::Value as Json;

use super::work::{Conflict, Halt, Work};
use crate::journal::{Register, RowMark};
use crate::l10n::say;
use crate::model::{Call, Problem};
use crate::plan::LookUp;
use crate::targets::Place;

/// Calls that are kept until it is known whether the other record gives its value up; beyond it the
/// API is asked.
const KEPT: usize = 10_000;

/// Whether one more call is kept beside so many.
fn is_room(kept: usize) -> bool {
    kept < KEPT
}

/// Conflicts that can be known before anything is sent, because all records were listed.
impl Work<'_> {
    /// Notes what a listed record has of the fields that must be unique.
    pub(super) fn note_unique(
        &self,
        register: &Register,
        look_up: &LookUp,
        record: &Json,
    ) -> Result<(), Halt> {
        let Some(id) = look_up.id_of(record) else {
            return Ok(());
        };
        let spec = self.planning.prepared.checker.spec();
        for (field, own) in spec.fields.iter().enumerate() {
            if own.unique
                && own.place == Place::Body
                && let Some(held) = record.pointer(&own.pointer)
                && let Some(value) = self.comparable(field, held)
            {
                register.add_holder(field, &value, &id)?;
            }
        }
        Ok(())
    }

    /// Plans a call, or keeps it back where it would take a value that another record has.
    pub(super) async fn call_unless_taken(
        &mut self,
        mark: RowMark,
        call: Call,
    ) -> Result<(), Halt> {
        match self.conflict(&call)? {
            Some((field, other)) if is_room(self.conflicts.len()) => {
                self.conflicts.push(Conflict {
                    mark,
                    call,
                    field,
                    other,
                });
                Ok(())
            }
            _ => self.call(mark, call).await,
        }
    }

    fn conflict(&self, call: &Call) -> Result<Option<(usize, String)>, Halt> {
        let spec = self.planning.prepared.checker.spec();
        let (Some(register), Some(id)) = (&self.register, spec.id_in(&call.path)) else {
            return Ok(None);
        };
        let mut found = None;
        for change in &call.changes {
            let Some(field) = spec.field(&change.field) else {
                continue;
            };
            if !spec.fields[field].unique || change.is_idle() {
                continue;
            }
            register.add_changed(field, &id)?;
            if let Some(value) = self.comparable(field, &change.to)
                && let Some(other) = register.other_holder(field, &value, &id)?
            {
                found.get_or_insert((field, other));
            }
        }
        Ok(found)
    }

    /// Plans the calls that were kept back: those whose value the other record gives up in the same
    /// file, and the others as invalid.
    pub(super) async fn settle_conflicts(&mut self) -> Result<(), Halt> {
        for conflict in std::mem::take(&mut self.conflicts) {
            let Conflict {
                mark,
                call,
                field,
                other,
            } = conflict;
            let given_up = match &self.register {
                Some(register) => register.is_changed(field, &other)?,
                None => true,
            };
            if given_up {
                self.call(mark, call).await?;
            } else {
                let problem = self.taken(&call, field, &other);
                self.invalid(mark, problem).await?;
            }
        }
        Ok(())
    }

    fn taken(&self, call: &Call, field: usize, other: &str) -> Problem {
        let checker = &self.planning.prepared.checker;
        let spec = checker.spec();
        let name = spec.fields[field].name();
        let change = call.changes.iter().find(|change| change.field == name);
        let value = change.map_or(String::new(), |change| match &change.to {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        });
        Problem {
            column: checker.name_of(field).to_owned(),
            field: name.to_owned(),
            ..Problem::of_row(
                "lookup.taken",
                say().row_taken(spec.record_name(), other, value),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_calls_are_kept_as_there_is_room_for() {
        assert!(is_room(0) && is_room(KEPT - 1));
        assert!(!is_room(KEPT) && !is_room(KEPT + 1));
    }
}
