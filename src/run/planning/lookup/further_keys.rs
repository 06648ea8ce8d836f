//! Further keys find the records of rows that the first key does not find.

use std::collections::HashSet;

use serde_json::Value as Json;
use xxhash_rust::xxh3::xxh3_128;

use super::records::parsed;
use crate::l10n::message;
use crate::model::Found;
use crate::plan::LookUp;
use crate::run::planning::row_planner::{ByOther, ByOthers, Halt, Matched, RowPlanner, Unresolved};
use crate::run::planning::row_tasks::problem_in;

/// The look-up that was in use before a further key.
pub type Before = (Option<usize>, Option<LookUp>);

/// Maximum number of deferred rows. Beyond it, a row is planned at once and compared with earlier rows only.
const KEPT: usize = 10_000;

impl Matched {
    /// Notes that a row matched the record with this id.
    pub fn note(&mut self, id: &str, row: u64) {
        self.rows.entry(xxh3_128(id.as_bytes())).or_insert(row);
    }

    /// The row that has matched the record with this id.
    pub(super) fn row_of(&self, id: &str) -> Option<u64> {
        self.rows.get(&xxh3_128(id.as_bytes())).copied()
    }
}

/// Records that further keys find, where `--key` names several fields.
///
/// A request by a further key costs quota, so it is made only for rows that no key before it found. Two keys of a row
/// are compared only without extra requests: if all records were listed, and with the records that the same requests
/// returned for other rows.
impl RowPlanner<'_> {
    /// Finds records by another field from here on. Returns the previous look-up.
    pub(super) fn find_by(&mut self, field: usize) -> Before {
        let look_up = LookUp::new(self.context.prepared.checker.spec(), field);
        (
            self.key.replace(field),
            std::mem::replace(&mut self.look_up, look_up),
        )
    }

    /// Finds records as before.
    pub(super) fn find_as(&mut self, before: Before) {
        (self.key, self.look_up) = before;
    }

    /// The listed records that a row's further keys find.
    pub(super) fn listed_by_others(&self, row: &Unresolved) -> Result<ByOthers, Halt> {
        let mut found = Vec::new();
        for (field, value) in &row.others {
            found.push((*field, parsed(&self.listed_by(*field, value)?)));
        }
        found.retain(|(_, records)| !records.is_empty());
        Ok(found)
    }

    /// The records among `records` that a row's further keys find.
    pub fn beside(&self, row: &Unresolved, records: &[Json]) -> ByOthers {
        let mut found = Vec::new();
        for (field, value) in &row.others {
            let key = self.comparable(*field, &Json::from(value.as_str()));
            let has_key = |record: &&Json| key.is_some() && self.key_in(record, *field) == key;
            let same: Vec<Json> = records.iter().filter(has_key).cloned().collect();
            if !same.is_empty() {
                found.push((*field, same));
            }
        }
        found
    }

    /// The fields of two keys that found different records.
    pub(super) fn contradicts(
        &self,
        records: &[Json],
        by_others: &ByOthers,
    ) -> Option<(usize, usize)> {
        let ids = |records: &[Json]| -> HashSet<Option<String>> {
            let id_of = |record: &Json| self.look_up.as_ref().and_then(|how| how.id_of(record));
            records.iter().map(id_of).collect()
        };
        let own = self.key.filter(|_| !records.is_empty());
        let mut sets = own.map(|key| (key, ids(records))).into_iter();
        let mut others = by_others
            .iter()
            .map(|(field, records)| (*field, ids(records)));
        let (first, known) = sets.next().or_else(|| others.next())?;
        let other = others.find(|(_, other)| other.is_disjoint(&known));
        other.map(|(field, _)| (first, field))
    }

    /// Reports a row whose keys match different records. The message has no data of those records.
    pub(super) async fn settle_contradiction(
        &mut self,
        row: Unresolved,
        (first, second): (usize, usize),
    ) -> Result<(), Halt> {
        let checker = &self.context.prepared.checker;
        let spec = checker.spec();
        let (one, other) = (checker.name_of(first), checker.name_of(second));
        let text = message::row_conflicting_keys(one, other, spec.records_name());
        let problem = problem_in(checker, Some(first), "lookup.conflicting_keys", text);
        self.done += 1;
        self.invalid(row.mark, problem).await
    }

    /// Defers a row whose records a further key found.
    pub(super) async fn keep_by(
        &mut self,
        mut row: Unresolved,
        field: usize,
        records: Vec<Json>,
    ) -> Result<(), Halt> {
        let own = row.others.iter().find(|(other, _)| *other == field);
        if let Some((_, value)) = own {
            row.key.clone_from(value);
        }
        let found = ByOther {
            row,
            field,
            records,
        };
        if self.matched.kept.len() < KEPT {
            self.matched.kept.push(found);
            return Ok(());
        }
        self.settle_by(found).await
    }

    /// Plans the deferred rows whose record no other row matches.
    pub async fn settle_kept_by(&mut self) -> Result<(), Halt> {
        let mut kept = std::mem::take(&mut self.matched.kept);
        kept.sort_by_key(|found| found.row.mark.at.row);
        for found in kept {
            self.settle_by(found).await?;
        }
        Ok(())
    }

    async fn settle_by(&mut self, found: ByOther) -> Result<(), Halt> {
        let ByOther {
            row,
            field,
            records,
        } = found;
        let before = self.find_by(field);
        let records: Vec<&Json> = records.iter().collect();
        let id_of = |record: &&Json| self.look_up.as_ref().and_then(|how| how.id_of(record));
        let mut ids = records.iter().filter_map(id_of);
        let other = ids.find_map(|id| Some((self.matched.row_of(&id)?, id)));
        let settled = match other.filter(|_| !self.is_protected(records.iter().copied())) {
            Some((other, id)) => self.settle_same_record(row, field, (other, id)).await,
            None => self.settle(row, &records).await,
        };
        self.find_as(before);
        settled
    }

    /// Reports a row that is about the record of another row.
    async fn settle_same_record(
        &mut self,
        mut row: Unresolved,
        field: usize,
        (other, id): (u64, String),
    ) -> Result<(), Halt> {
        let prepared = self.context.prepared;
        let (checker, line) = (&prepared.checker, prepared.survey.line_of(other));
        let spec = checker.spec();
        let own = &spec.fields[field];
        let by = own.name().to_owned();
        let code = format!("{}.duplicate", own.kind.as_str());
        let text = message::row_same_record(line, spec.record_name());
        let problem = problem_in(checker, Some(field), code, text);
        row.mark.facts.found = Some(Found { id, by });
        self.done += 1;
        self.invalid(row.mark, problem).await
    }

    /// Finds the records of these rows by further keys, and plans those that are found. Returns the others.
    pub(super) async fn resolve_by_others(
        &mut self,
        rows: Vec<Unresolved>,
    ) -> Result<Vec<Unresolved>, Halt> {
        let prepared = self.context.prepared;
        let mut missing = rows;
        for field in prepared.checker.other_keys() {
            let before = self.find_by(*field);
            missing = self.resolve_by(*field, missing).await?;
            self.find_as(before);
        }
        Ok(missing)
    }

    async fn resolve_by(
        &mut self,
        field: usize,
        rows: Vec<Unresolved>,
    ) -> Result<Vec<Unresolved>, Halt> {
        let value = |row: &Unresolved| {
            let own = row.others.iter().find(|(other, _)| *other == field);
            own.map(|(_, value)| value.clone())
        };
        let asked: Vec<String> = rows.iter().filter_map(value).collect();
        let keys: Vec<&str> = asked.iter().map(String::as_str).collect();
        let found = self.search_all(&keys).await?;
        let by_key = self.by_key(&found.records);
        let mut missing = Vec::new();
        for mut row in rows {
            let Some(value) = value(&row) else {
                missing.push(row);
                continue;
            };
            let key = self.key_text(&Json::from(value.as_str()));
            let records = key.and_then(|key| by_key.get(&key));
            match (records, found.unanswered.get(&value)) {
                (Some(records), _) => {
                    let records = records.iter().map(|record| (*record).clone());
                    self.keep_by(row, field, records.collect()).await?;
                }
                (None, Some(why)) => {
                    row.key = value;
                    self.settle_unanswered(row, why).await?;
                }
                (None, None) => missing.push(row),
            }
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests;
