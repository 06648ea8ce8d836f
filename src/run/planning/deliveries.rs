//! Deliveries are the values that runs sent to records that cannot be read. An undo restores earlier deliveries.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::journal::{Journal, JournalError, PastCall};
use crate::model::{Change, RowState};
use crate::run::settings::Settings;
use crate::targets::{FieldSpec, ListMode, Place, TargetSpec};

/// The deliveries in the journal that the undo of a run needs.
#[derive(Debug)]
pub struct Deliveries {
    run: i64,
    /// Runs that keep no values for an undo.
    unkept: BTreeSet<i64>,
}

/// The deliveries of a run to one record, compared with earlier and later ones.
#[derive(Debug, Default, PartialEq)]
pub struct Delivered {
    /// The record as delivered last.
    pub record: Json,
    /// The fields that the run changed from an earlier delivery.
    pub changes: Vec<Change>,
    /// The fields that the run changed without a known earlier delivery.
    pub unknown: Vec<String>,
    /// The fields to which a later run may have delivered another value.
    pub changed_since: Vec<Change>,
}

impl Deliveries {
    /// The deliveries that show what `run` changed.
    pub fn of(journal: &Journal, run: i64) -> Result<Deliveries, JournalError> {
        journal.index_deliveries(run)?;
        let keeps = |settings: Settings| !settings.delivery.no_undo;
        let runs = journal.runs()?;
        let unkept = runs
            .iter()
            .filter(|run| !Settings::of(run).is_ok_and(keeps))
            .map(|run| run.id);
        Ok(Deliveries {
            run,
            unkept: unkept.collect(),
        })
    }

    /// Returns the run's delivery to the record at `path`; `None` if it changed no field.
    pub fn to(
        &self,
        journal: &Journal,
        spec: &TargetSpec,
        path: &str,
    ) -> Result<Option<Delivered>, JournalError> {
        let past = journal.deliveries(self.run, path)?;
        Ok(self.among(spec, past))
    }

    fn among(&self, spec: &TargetSpec, mut past: Vec<PastCall>) -> Option<Delivered> {
        sort_newest_first(&mut past);
        let is_own = |past: &PastCall| past.run == self.run && past.state.may_have_changed();
        let own = past.iter().position(is_own)?;
        // A request without an outcome was made while its run was in progress.
        let is_later = |index: usize, call: &PastCall| match (call.at, past[own].at) {
            (Some(_), Some(_)) => index < own,
            _ => call.run > self.run,
        };
        let others = past.iter().enumerate().filter(|(index, _)| *index != own);
        let (since, before): (Vec<_>, Vec<_>) =
            others.partition(|(index, call)| is_later(*index, call));
        let sent = self.sent(spec, &past[own]);
        let changed: Vec<&str> = past[own].call.changed.split(' ').collect();
        let mut delivered = Delivered {
            record: json!({}),
            ..Delivered::default()
        };
        for field in &spec.fields {
            let name = field.name();
            let sent = sent.as_ref().filter(|_| is_put_back(field));
            let value = |sent: &Json| Some(field.pointer.get(sent).ok()??.into_owned());
            let Some(to) = sent.and_then(value) else {
                // The row adds to a list, or the value was removed from the journal.
                if changed.contains(&name) {
                    delivered.unknown.push(name.to_owned());
                }
                continue;
            };
            field.pointer.set(&mut delivered.record, to.clone());
            let from = match self.last(spec, field, &before) {
                Last::Value(from) if from == to => continue,
                Last::Value(from) => from,
                Last::Unknown | Last::Nothing => {
                    // An unchanged field already had this value by an earlier delivery.
                    if changed.contains(&name) {
                        delivered.unknown.push(name.to_owned());
                    }
                    continue;
                }
            };
            let change = Change {
                field: name.to_owned(),
                from: Some(from),
                to,
            };
            match self.last(spec, field, &since) {
                Last::Unknown => delivered.changed_since.push(change),
                Last::Value(now) => {
                    field.pointer.set(&mut delivered.record, now);
                    delivered.changes.push(change);
                }
                Last::Nothing => delivered.changes.push(change),
            }
        }
        let is_some = !delivered.changes.is_empty()
            || !delivered.unknown.is_empty()
            || !delivered.changed_since.is_empty();
        is_some.then_some(delivered)
    }

    /// Returns the value of a field in the newest of these calls that has it.
    fn last(&self, spec: &TargetSpec, field: &FieldSpec, calls: &[(usize, &PastCall)]) -> Last {
        for (_, past) in calls {
            let Some(sent) = self.sent(spec, past) else {
                return Last::Unknown;
            };
            match field.pointer.get(&sent) {
                Ok(Some(value)) if past.state == RowState::Updated => {
                    return Last::Value(value.into_owned());
                }
                Ok(None) => {}
                // The call may not have arrived, or the element of a list is ambiguous.
                Ok(Some(_)) | Err(_) => return Last::Unknown,
            }
        }
        Last::Nothing
    }

    /// The fields that a call sent; `None` if its values were removed or not kept.
    fn sent(&self, spec: &TargetSpec, past: &PastCall) -> Option<Json> {
        if self.unkept.contains(&past.run) {
            return None;
        }
        let body: Json = serde_json::from_slice(&past.call.body).ok()?;
        spec.sent_in(&body).cloned()
    }
}

/// The last delivery of a field.
enum Last {
    Value(Json),
    /// A value that is not known.
    Unknown,
    /// No call is known.
    Nothing,
}

/// Whether a field holds exactly its delivered value.
fn is_put_back(field: &FieldSpec) -> bool {
    let is_whole = !field.is_list() || field.mode() == ListMode::Replace;
    field.place == Place::Body && !field.read_only && is_whole
}

/// Sorts by time. The number of a run is not enough: a resumed run may have sent a row much later than it began.
pub(super) fn sort_newest_first(past: &mut [PastCall]) {
    past.sort_by_key(|past| std::cmp::Reverse((past.at.is_none(), past.at, past.run)));
}
