//! Conflicts are found by comparing records with the values that runs last wrote.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::deliveries::sort_newest_first;
use super::row_tasks::problem_in;
use crate::check::Checker;
use crate::events::FoundConflict;
use crate::journal::{Journal, JournalError, PastCall};
use crate::l10n::{Message, message};
use crate::model::{Change, OVERWRITTEN, Problem, RowAt, RowState, hex};
use crate::plan::{ConflictPolicy, EditRules, Kept, Planner};
use crate::run::error::RunError;
use crate::run::settings::Delivery;
use crate::targets::{FieldSpec, ListMode};

/// The code of a conflict that requires a decision.
const CONFLICT_FOUND: &str = "conflict.found";
/// The code of a conflict in which the field keeps its value.
const CONFLICT_KEPT: &str = "conflict.kept";
/// The code of a protected field that keeps its value.
const FIELD_PROTECTED: &str = "field.protected";
/// The code of a field that is only filled and keeps its value.
const FIELD_FILLED: &str = "field.filled";

/// The edit rules, applied to the changes of rows.
pub struct Ruling<'a> {
    checker: &'a Checker,
    planner: &'a Planner,
    rules: &'a EditRules,
    /// The decisions about single conflicts, by digest.
    decided: &'a BTreeMap<String, ConflictPolicy>,
    /// The key of these digests.
    digest_key: [u8; 16],
    /// The values that earlier runs wrote, for the run of this number.
    past: (&'a Journal, i64),
    /// The address that requests go to.
    base_url: &'a str,
    /// Whether earlier runs wrote any values. The first row that would change a record builds their index.
    has_written: OnceCell<bool>,
}

/// The result of the edit rules for one row.
#[derive(Default)]
pub struct Ruled {
    /// The decision about conflicts with the policy `ask` that were not decided before.
    decision: Option<ConflictPolicy>,
    /// Whether no such conflict counts as decided.
    is_as_asked: bool,
    /// Whether a field keeps its value because that was decided before.
    pub(super) has_kept: bool,
    /// Digests of the conflicts that require a decision.
    pub asked: Vec<String>,
    /// The messages of the row even if it succeeds.
    pub(super) notes: Vec<Problem>,
    /// The conflicts, each with its policy.
    pub conflicts: Vec<(FoundConflict, ConflictPolicy)>,
    /// The values written to the record, once they were searched for.
    past: Option<Vec<PastCall>>,
    pub error: Option<RunError>,
}

impl Ruled {
    /// The same for a row whose conflicts are decided.
    pub fn decided(decision: Option<ConflictPolicy>) -> Ruled {
        Ruled {
            decision,
            ..Ruled::default()
        }
    }

    /// The same for a row as it is shown before its conflicts are decided.
    pub(super) fn as_asked() -> Ruled {
        Ruled {
            is_as_asked: true,
            ..Ruled::default()
        }
    }

    /// Forgets the results for a row to which the rules are applied again.
    pub fn begin_again(&mut self) {
        *self = Ruled {
            decision: self.decision,
            is_as_asked: self.is_as_asked,
            past: self.past.take(),
            error: self.error.take(),
            ..Ruled::default()
        };
    }

    /// The conflicts that require a decision.
    pub(super) fn to_decide(&self) -> impl Iterator<Item = &FoundConflict> {
        let conflicts = self.conflicts.iter();
        let asked = conflicts.filter(|(_, policy)| *policy == ConflictPolicy::Ask);
        asked.map(|(found, _)| found)
    }

    /// The warnings of the row until its conflicts are decided.
    pub fn warnings(&self) -> impl Iterator<Item = Problem> {
        let asked = self.to_decide();
        asked.map(|found| found.problem(CONFLICT_FOUND, message::row_conflict_found))
    }
}

impl FoundConflict {
    fn problem(
        &self,
        code: &'static str,
        words: impl Fn(String, String, String) -> Message,
    ) -> Problem {
        Problem {
            column: self.column.clone(),
            field: self.field.clone(),
            ..Problem::of_row(
                code,
                words(
                    self.current.clone(),
                    self.written.clone(),
                    self.roster.clone(),
                ),
            )
        }
    }

    fn kept(&self) -> Problem {
        self.problem(CONFLICT_KEPT, message::row_conflict_kept)
    }

    fn overwritten(&self) -> Problem {
        self.problem(OVERWRITTEN, message::row_conflict_overwritten)
    }
}

impl<'a> Ruling<'a> {
    /// The rules of a delivery, for rows that are checked and planned so.
    pub fn of(
        delivery: &'a Delivery,
        (checker, planner): (&'a Checker, &'a Planner),
        past: (&'a Journal, i64),
        digest_key: [u8; 16],
    ) -> Ruling<'a> {
        Ruling {
            checker,
            planner,
            rules: &delivery.edits,
            decided: &delivery.decided,
            digest_key,
            past,
            base_url: &delivery.client.base_url,
            has_written: OnceCell::new(),
        }
    }

    /// Whether a change is left out of what is sent to the record at `path` for the row at `at`.
    pub fn leaves(&self, ruled: &mut Ruled, at: RowAt, (path, change): (&str, &Change)) -> bool {
        let checker = self.checker;
        let spec = checker.spec();
        let (Some(index), Some(held)) = (spec.field(&change.field), &change.from) else {
            return false;
        };
        let field = &spec.fields[index];
        let words = |value: &Json| checker.in_words(index, value);
        if let Some(kept) = self.rules.keeps(field, held) {
            let (code, message) = match kept {
                Kept::Protected => (
                    FIELD_PROTECTED,
                    message::row_field_protected(words(held), words(&change.to)),
                ),
                Kept::Filled => (
                    FIELD_FILLED,
                    message::row_field_filled(words(held), words(&change.to)),
                ),
            };
            let note = problem_in(checker, Some(index), code, message);
            ruled.notes.push(note);
            return true;
        }
        // A row that adds to a list or removes from it does not change its other values.
        if field.is_list() && field.mode() != ListMode::Replace {
            return false;
        }
        let written = match self.last_written(ruled, path, (index, field, held)) {
            Ok(Some(written)) => written,
            Ok(None) => return false,
            Err(error) => {
                ruled.error = Some(error.into());
                return false;
            }
        };
        let found = FoundConflict {
            row: at.row,
            line: at.sheet_row,
            column: checker.name_of(index).to_owned(),
            field: field.name().to_owned(),
            written: words(&written),
            current: words(held),
            roster: words(&change.to),
        };
        let mut policy = self.rules.policy_of(field.name());
        if policy == ConflictPolicy::Ask && !ruled.is_as_asked {
            let digest = self.digest(at, path, (change, &written));
            let decided = self.decided.get(&digest).copied();
            ruled.has_kept |= decided == Some(ConflictPolicy::Theirs);
            policy = decided.or(ruled.decision).unwrap_or(policy);
            if policy == ConflictPolicy::Ask {
                ruled.asked.push(digest);
            }
        }
        ruled.notes.push(match policy {
            ConflictPolicy::Theirs => found.kept(),
            ConflictPolicy::Roster | ConflictPolicy::Ask => found.overwritten(),
        });
        ruled.conflicts.push((found, policy));
        policy == ConflictPolicy::Theirs
    }

    /// A keyed digest of a conflict: its row, record and field, and the written, the current and the roster's value.
    fn digest(&self, at: RowAt, path: &str, (change, written): (&Change, &Json)) -> String {
        let mut hash = Sha256::new_with_prefix(self.digest_key);
        hash.update(at.row.to_le_bytes());
        let from = change.from.as_ref().map(Json::to_string);
        for part in [
            path,
            &change.field,
            &written.to_string(),
            &from.unwrap_or_default(),
            &change.to.to_string(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        // A part of the hash cannot be extended to that of a longer text.
        hex(&hash.finalize()[..12])
    }

    /// The value that was last written to a field, if the field now has another value. `None` if they are equal or
    /// the written value is unknown.
    fn last_written(
        &self,
        ruled: &mut Ruled,
        path: &str,
        (index, field, held): (usize, &FieldSpec, &Json),
    ) -> Result<Option<Json>, JournalError> {
        let past = match &ruled.past {
            Some(past) => past,
            None => ruled.past.insert(self.written_to(path)?),
        };
        let is_held = |value: &Json| self.planner.are_same(self.checker, index, held, value);
        for call in past {
            if !call
                .call
                .changed
                .split(' ')
                .any(|name| name == field.name())
            {
                // The sent values cannot be read.
                if call.call.changed.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            let Some(value) = self.sent(call, field) else {
                return Ok(None);
            };
            if is_held(&value) {
                return Ok(None);
            }
            if call.state == RowState::Updated {
                return Ok(Some(value));
            }
            // If the request did not arrive, the record still has the value of an earlier write.
        }
        Ok(None)
    }

    /// The values sent to the record at `path`, newest first.
    fn written_to(&self, path: &str) -> Result<Vec<PastCall>, JournalError> {
        let (journal, run) = self.past;
        let has_written = match self.has_written.get() {
            Some(known) => *known,
            None => {
                let name = &self.checker.spec().name;
                let any = journal.index_written(run, name, self.base_url)?;
                *self.has_written.get_or_init(|| any)
            }
        };
        if !has_written {
            return Ok(Vec::new());
        }
        let mut past = journal.deliveries(run, path)?;
        sort_newest_first(&mut past);
        Ok(past)
    }

    /// The value that a call sent for a field that it changed; `None` if it was removed from the journal.
    fn sent(&self, past: &PastCall, field: &FieldSpec) -> Option<Json> {
        let changes = &past.call.changes;
        if let Some(change) = changes.iter().find(|change| change.field == field.name()) {
            return Some(change.to.clone());
        }
        let body: Json = serde_json::from_slice(&past.call.body).ok()?;
        let sent = self.checker.spec().sent_in(&body)?;
        // A whole-record update clears the fields that it omits.
        let value = field.pointer.get(sent).ok()?;
        Some(value.map_or(Json::Null, std::borrow::Cow::into_owned))
    }
}

#[cfg(test)]
mod tests;
