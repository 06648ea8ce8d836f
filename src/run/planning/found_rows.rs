//! Rows whose records were found are compared with them and planned.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::edit_rules::Ruled;
use super::row_planner::{Halt, MatchedBy, RowPlanner, Unresolved, kept_as_is};
use super::row_tasks::{problem_in, settled, settled_invalid};
use super::totals::AskedRow;
use crate::events::Turn;
use crate::journal::{PlannedRow, PlannedWhat, RowMark};
use crate::l10n::message;
use crate::model::{Call, FIELD_BOUND, Found, Problem, RowState, Value};
use crate::plan::{
    ConflictPolicy, Difference, Left, RenumberMode, changes_person, digest, left_temporary,
};
use crate::report::NOT_FOUND;
use crate::run::error::RunError;

/// An error of a row or of the run.
enum Wrong {
    Row(Problem),
    Run(RunError),
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Wrong {
        Wrong::Row(problem)
    }
}

impl From<RunError> for Wrong {
    fn from(error: RunError) -> Wrong {
        Wrong::Run(error)
    }
}

impl RowPlanner<'_> {
    /// Plans a row for which these records were found.
    pub async fn settle(&mut self, row: Unresolved, records: &[&Json]) -> Result<(), Halt> {
        self.done += 1;
        self.report_progress(self.done, self.context.prepared.survey.rows);
        if self.is_protected(records.iter().copied()) {
            return self.withhold(row.mark).await;
        }
        let mut row = row;
        if row.renumbered.is_none() {
            if let Some(why) = self.renumber_by_further_key(&mut row, records) {
                return self.settle_disagreement(row, why).await;
            }
            self.note_matched(row.mark.at.row, records);
        }
        // Rows beyond the maximum number of questions keep their values.
        let is_past = self.context.chooses && !self.totals.can_ask();
        let decided = is_past.then_some(ConflictPolicy::Theirs);
        let mut ruled = Ruled::decided(decided);
        let mut judged = self.judge(&mut row, records, &mut ruled);
        if let (Ok((Difference::Call(_), _)), Some(field)) =
            (&judged, self.left_temporary(&row, records))
        {
            // An update with a final number also clears the record's mark of a temporary number.
            row.values[field] = Some(Value::Bool(false));
            ruled = Ruled::decided(decided);
            judged = self.judge(&mut row, records, &mut ruled);
        }
        match judged {
            Ok((Difference::Call(call), left)) => {
                let mut call = *call;
                call.note = kept_as_is(&left);
                // An approval covers the row as it was shown, regardless of decisions about its conflicts.
                let shown = match ruled.has_kept {
                    true => self.as_asked(&mut row, records)?,
                    false => None,
                };
                let of_shown = || self.turn_of(&row, shown.as_ref()?, records);
                if let Some(turn) = self.turn_of(&row, &call, records).or_else(of_shown) {
                    let digest = digest(shown.as_ref().unwrap_or(&call));
                    // An approval does not cover a change that differs from the planned change.
                    let approved = self.context.delivery.approved.as_ref();
                    let is_approved = approved.map(|rows| rows.get(&call.at.row) == Some(&digest));
                    row.mark.facts.identity = Some(digest);
                    let checker = &self.context.prepared.checker;
                    let record = records.last().copied().unwrap_or(&Json::Null);
                    self.totals.note_persons(checker, &call, record, turn);
                    let mode = self.context.delivery.guards.renumber;
                    let needs_none = turn == Turn::Number && mode == RenumberMode::Approve;
                    let is_refused = !needs_none && is_approved == Some(false);
                    let is_number = turn != Turn::Person;
                    self.totals.renumbered += u64::from(is_number && !is_refused);
                    match is_approved.filter(|_| !needs_none) {
                        _ if needs_none => {}
                        None => self.totals.note_waiting(checker, &call, turn),
                        Some(true) => {}
                        Some(false) => {
                            let (clock, number) = (self.context.clock, call.at.row);
                            let (code, why) = match turn {
                                Turn::Person => {
                                    ("identity.changed", message::row_identity_changed())
                                }
                                Turn::Number | Turn::Proposal => {
                                    ("renumber.unapproved", message::row_renumber_unapproved())
                                }
                            };
                            let why = Problem::of_row(code, why);
                            let state = RowState::NotSent;
                            let outcome = settled(clock, number, state, code, vec![why]);
                            return self.settled(row.mark, outcome).await;
                        }
                    }
                }
                let mark = self.under_rules(row, records, (&mut call, ruled))?;
                self.call_unless_taken(mark, call).await
            }
            Ok((Difference::None, left)) if left.is_empty() => {
                self.totals.note_conflicts(&ruled.conflicts);
                let outcome = self.unchanged(row.mark.at.row, ruled.notes);
                self.settled(row.mark, outcome).await
            }
            Ok((Difference::None, left)) => self.all_invalid(row.mark, &kept_as_is(&left)).await,
            Err(Wrong::Row(problem)) => self.invalid(row.mark, problem).await,
            Err(Wrong::Run(error)) => Err(Halt::Error(error)),
        }
    }

    /// The field that marks the record's number as temporary, if the row has a final number and does not name the
    /// field. An undo restores the earlier value.
    fn left_temporary(&self, row: &Unresolved, records: &[&Json]) -> Option<usize> {
        let spec = self.context.prepared.checker.spec();
        let record = records
            .last()
            .filter(|_| self.context.earlier.undone.is_none())?;
        left_temporary(spec, &row.values, record)
    }

    /// The change of a record's person by a call, if it requires an approval.
    fn turn_of(&self, row: &Unresolved, call: &Call, records: &[&Json]) -> Option<Turn> {
        if self.turns_person(call, records) {
            return Some(Turn::Person);
        }
        let spec = self.context.prepared.checker.spec();
        let number = spec.fields[self.renumberings.how.as_ref()?.number()].name();
        let is_changed = call.changes.iter().any(|change| change.field == number);
        row.renumbered.filter(|_| is_changed).map(|by| match by {
            MatchedBy::Field(_) => Turn::Number,
            MatchedBy::Person => Turn::Proposal,
        })
    }

    /// Whether a call would turn one person into another. An undo restores the earlier person.
    fn turns_person(&self, call: &Call, records: &[&Json]) -> bool {
        let spec = self.context.prepared.checker.spec();
        let changes = &call.changes;
        self.context.earlier.undone.is_none()
            && records
                .last()
                .is_some_and(|record| changes_person(spec, record, changes))
    }

    /// The call of a row before its conflicts are decided, if it has one then.
    fn as_asked(&self, row: &mut Unresolved, records: &[&Json]) -> Result<Option<Call>, RunError> {
        match self.judge(row, records, &mut Ruled::as_asked()) {
            Ok((Difference::Call(call), _)) => Ok(Some(*call)),
            Ok((Difference::None, _)) | Err(Wrong::Row(_)) => Ok(None),
            Err(Wrong::Run(error)) => Err(error),
        }
    }

    /// Records the result of the edit rules in the call, its row and the plan.
    fn under_rules(
        &mut self,
        mut row: Unresolved,
        records: &[&Json],
        (call, ruled): (&mut Call, Ruled),
    ) -> Result<RowMark, Halt> {
        self.totals.note_conflicts(&ruled.conflicts);
        row.mark.warning.extend(ruled.warnings());
        row.mark.facts.conflicts.clone_from(&ruled.asked);
        if self.context.chooses && !ruled.asked.is_empty() {
            let mut kept = Ruled::decided(Some(ConflictPolicy::Theirs));
            // The same row, but the fields in conflict keep their values.
            let what = match self.judge(&mut row, records, &mut kept) {
                Ok((Difference::Call(mut call), _)) => {
                    call.note = kept.notes;
                    if self.context.delivery.no_undo {
                        call.changes.clear();
                    }
                    PlannedWhat::Call(call)
                }
                Ok((Difference::None, _)) => {
                    PlannedWhat::Settled(self.unchanged(row.mark.at.row, kept.notes))
                }
                Err(Wrong::Row(problem)) => {
                    let (clock, number) = (self.context.clock, row.mark.at.row);
                    PlannedWhat::Settled(settled_invalid(clock, number, &[problem]))
                }
                Err(Wrong::Run(error)) => return Err(Halt::Error(error)),
            };
            let mark = row.mark.clone();
            self.totals.asked.push(AskedRow {
                overwritten: call.changed.clone(),
                kept: PlannedRow { mark, what },
                conflicts: ruled.to_decide().cloned().collect(),
            });
        }
        call.note.extend(ruled.notes);
        Ok(row.mark)
    }

    /// Returns the difference between a row and its record; for an undo also the fields that were changed since.
    fn judge(
        &self,
        row: &mut Unresolved,
        records: &[&Json],
        ruled: &mut Ruled,
    ) -> Result<(Difference, Left), Wrong> {
        let prepared = self.context.prepared;
        let spec = prepared.checker.spec();
        let key = self.key;
        let field = key.map(|key| spec.fields[key].name());
        let name = key.map_or("id", |key| prepared.checker.name_of(key));
        let problem = |code, message| {
            Wrong::Row(Problem {
                column: name.to_owned(),
                field: field.unwrap_or_default().to_owned(),
                ..Problem::of_row(code, message)
            })
        };
        // A record that moves to another page during the listing is seen twice.
        let mut records = records.to_vec();
        let id_of = |record: &Json| self.look_up.as_ref().and_then(|how| how.id_of(record));
        if records.len() > 1 {
            records.reverse();
            let mut ids = HashSet::new();
            records.retain(|record| ids.insert(id_of(record)));
        }
        let record = match records[..] {
            [record] => record,
            [] => {
                let text = message::row_none_has(spec.record_name(), row.key.as_str());
                return Err(problem(NOT_FOUND, text));
            }
            ref several => {
                let text =
                    message::row_several_have(several.len(), spec.records_name(), row.key.as_str());
                return Err(problem("lookup.several", text));
            }
        };
        let Some(id) = id_of(record) else {
            let text = message::row_found_no_id(spec.record_name());
            return Err(problem("lookup.incomplete", text));
        };
        row.mark.facts.found = Some(Found {
            id: id.clone(),
            by: match row.renumbered {
                Some(MatchedBy::Person) => self.names_of_person(),
                _ => field.unwrap_or_default().to_owned(),
            },
        });
        let own = spec
            .key_field()
            .and_then(|field| row.values[field].as_ref());
        if let Some(own) = own.filter(|own| !own.as_text().eq_ignore_ascii_case(&id)) {
            let text = message::row_other_record(
                spec.record_name(),
                row.key.as_str(),
                id.as_str(),
                own.as_text(),
            );
            return Err(problem("lookup.other_record", text));
        }
        let found = (id.as_str(), record);
        if let Some(run) = self.context.earlier.undone {
            let path = self.planner.path_of(&id);
            let past = &self.context.earlier.journal;
            let changes = past.changes_made(run, &path).map_err(RunError::from)?;
            return Ok(self.planner.reversal(
                &prepared.checker,
                row.mark.at,
                &row.key,
                &changes,
                found,
            )?);
        }
        let all = self.context.delivery.all;
        let at = row.mark.at;
        let mut bound: Vec<usize> = Vec::new();
        let difference = loop {
            let mut left = Vec::new();
            let difference = self.planner.difference(
                &prepared.checker,
                (at, &row.key),
                &row.values,
                found,
                all,
                |path, change| {
                    let field = spec.field(&change.field);
                    let is_left = match field.filter(|field| bound.contains(field)) {
                        Some(field) => {
                            let why = message::row_bound(prepared.checker.name_of(field));
                            let note = problem_in(&prepared.checker, Some(field), FIELD_BOUND, why);
                            ruled.notes.push(note);
                            true
                        }
                        None => self.ruling.leaves(ruled, at, (path, change)),
                    };
                    left.extend(field.filter(|_| is_left));
                    is_left
                },
            )?;
            // A number and its mark change together.
            let mut also = spec.bound_to(&left);
            also.retain(|field| changes(&difference, spec.fields[*field].name()));
            if also.is_empty() {
                break difference;
            }
            bound.extend(also);
            ruled.begin_again();
        };
        if let Some(error) = ruled.error.take() {
            return Err(Wrong::Run(error));
        }
        if let Difference::Call(call) = &difference {
            for change in &call.changes {
                let lowered = spec
                    .field(&change.field)
                    .zip(change.from.as_ref())
                    .and_then(|(field, before)| {
                        prepared.checker.lowered(field, before, &change.to)
                    });
                if let Some(problem) = lowered {
                    return Err(problem.into());
                }
            }
        }
        Ok((difference, Left::default()))
    }
}

/// Whether a difference changes a field.
fn changes(difference: &Difference, name: &str) -> bool {
    let Difference::Call(call) = difference else {
        return false;
    };
    let mut changes = call.changes.iter();
    changes.any(|change| change.field == name && !change.is_idle())
}
