//! Rows whose number is not found are matched with records that have a temporary number.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::records::{other_key, parsed};
use super::register::Register;
use crate::l10n::{Argument, Message, message};
use crate::plan::{Disagreement, Renumber, RenumberMode};
use crate::run::planning::row_planner::{
    Halt, MatchedBy, PlanContext, Renumbered, Renumberings, RowPlanner, Unresolved,
};
use crate::run::planning::row_tasks::problem_in;

/// Maximum number of deferred rows. Beyond it, a row is planned at once and compared with later rows only.
const KEPT: usize = 10_000;

/// The register's index of records with a temporary number by date of birth.
fn person_key(birth: u32) -> String {
    format!("\0person/{birth}")
}

/// The row's own value of a field, if it has one.
fn value_of(row: &Unresolved, field: usize) -> Option<String> {
    let value = row.values[field].as_ref()?.as_text().into_owned();
    (!value.is_empty()).then_some(value)
}

impl Renumberings {
    /// The renumberings of a run that is planned so.
    pub fn of(context: &PlanContext<'_>, key: Option<usize>) -> Renumberings {
        let checker = &context.prepared.checker;
        let spec = checker.spec();
        let is_off = context.delivery.guards.renumber == RenumberMode::Off;
        let how = Renumber::of(spec).filter(|how| {
            !is_off
                && context.earlier.undone.is_none()
                && key == Some(how.number())
                && !context.delivery.blind
        });
        let by = how.iter().flat_map(|how| how.by.iter().copied());
        let by = by.filter(|field| {
            checker.map().column(*field).is_some() && !checker.other_keys().contains(field)
        });
        Renumberings {
            by: by.collect(),
            how,
            ..Renumberings::default()
        }
    }
}

impl RowPlanner<'_> {
    /// Adds a listed record to the register under the keys of renumberings.
    pub(super) fn note_renumbering(&self, register: &Register, record: &Json) -> Result<(), Halt> {
        let Some(how) = &self.renumberings.how else {
            return Ok(());
        };
        let spec = self.context.prepared.checker.spec();
        let is_provisional = how.is_provisional(spec, record);
        for field in &self.renumberings.by {
            if let Some(key) = self.key_in(record, *field) {
                // For any other record, only its existence matters.
                let content = match is_provisional {
                    true => record.to_string(),
                    false => Json::Null.to_string(),
                };
                register.add(&other_key(*field, &key), &content)?;
            }
        }
        if let Some(birth) = how.birth_of_record(spec, record).filter(|_| is_provisional) {
            register.add(&person_key(birth), &record.to_string())?;
        }
        Ok(())
    }

    /// Notes the records that a row matched by a key, as far as another row can match them otherwise: all of them if
    /// there are further keys, and those with a temporary number.
    pub fn note_matched(&mut self, row: u64, records: &[&Json]) {
        let checker = &self.context.prepared.checker;
        let is_any = !checker.other_keys().is_empty();
        let how = self.renumberings.how.as_ref();
        let counts = |record: &&&Json| {
            is_any || how.is_some_and(|how| how.is_provisional(checker.spec(), record))
        };
        for record in records.iter().filter(counts) {
            if let Some(id) = self.look_up.as_ref().and_then(|how| how.id_of(record)) {
                self.matched.note(&id, row);
            }
        }
    }

    /// Gives the record of a row another number if a further key of the roster found a record with a temporary
    /// number. Returns how it matched and, if both are not known to be one person, why.
    pub fn renumber_by_further_key(
        &self,
        row: &mut Unresolved,
        records: &[&Json],
    ) -> Option<(MatchedBy, Disagreement)> {
        let (how, key) = (self.renumberings.how.as_ref()?, self.key?);
        let spec = self.context.prepared.checker.spec();
        // A record that was listed twice is one record. With several records the row is invalid anyway.
        let record = records.last()?;
        let is_match = key != how.number()
            && how.by.contains(&key)
            && how.is_final(&row.values)
            && how.is_provisional(spec, record)
            && how.can_replace(spec, &row.values, record);
        if !is_match {
            return None;
        }
        let by = MatchedBy::Field(key);
        if let Some(why) = how.disagrees(spec, &row.values, record) {
            return Some((by, why));
        }
        how.make_final(&mut row.values);
        row.renumbered = Some(by);
        None
    }

    /// The fields and values to search for if the row's number is not found.
    pub(super) fn sought_by(&self, values: &crate::plan::Values) -> Vec<(usize, String)> {
        let how = self.renumberings.how.as_ref();
        // Listed records are in the register.
        if !how.is_some_and(|how| how.is_final(values)) || self.register.is_some() {
            return Vec::new();
        }
        let value = |field: &usize| {
            let value = values[*field].as_ref()?.as_text().into_owned();
            (!value.is_empty()).then_some((*field, value))
        };
        self.renumberings.by.iter().filter_map(value).collect()
    }

    /// The fields by which [`RowPlanner::sought_by`] searches.
    pub(super) fn renumbers_by(&self) -> Vec<usize> {
        self.renumberings.by.clone()
    }

    /// Matches rows whose number is not found with records that have a temporary number. Returns the rows without a
    /// match.
    pub(super) async fn match_renumbered(
        &mut self,
        rows: Vec<Unresolved>,
    ) -> Result<Vec<Unresolved>, Halt> {
        let Some(how) = self.renumberings.how.clone() else {
            return Ok(rows);
        };
        let mut missing = rows;
        for field in self.renumbers_by() {
            let asked = missing.iter().flat_map(|row| self.sought_by(&row.values));
            let asked: Vec<String> = asked
                .filter_map(|(other, value)| (other == field).then_some(value))
                .collect();
            let before = self.find_by(field);
            let keys: Vec<&str> = asked.iter().map(String::as_str).collect();
            let found = self.search_all(&keys).await?;
            let by_key = self.by_key(&found.records);
            self.find_as(before);
            let mut left = Vec::new();
            for row in missing {
                let value = value_of(&row, field).filter(|_| how.is_final(&row.values));
                let Some(value) = value else {
                    left.push(row);
                    continue;
                };
                let mut records = parsed(&self.listed_by(field, &value)?);
                let key = self.comparable(field, &Json::from(value.as_str()));
                let found = key.and_then(|key| by_key.get(&key));
                records.extend(found.into_iter().flatten().map(|record| (*record).clone()));
                if let Some(row) = self
                    .consider(&how, row, &records, MatchedBy::Field(field))
                    .await?
                {
                    left.push(row);
                }
            }
            missing = left;
        }
        let mut left = Vec::new();
        for row in missing {
            let records = self.of_this_person(&how, &row)?;
            if let Some(row) = self
                .consider(&how, row, &records, MatchedBy::Person)
                .await?
            {
                left.push(row);
            }
        }
        Ok(left)
    }

    /// The listed records with a temporary number that have the row's name and date of birth, and no other id
    /// in another system.
    fn of_this_person(&self, how: &Renumber, row: &Unresolved) -> Result<Vec<Json>, Halt> {
        let birth = how
            .birth_of_row(&row.values)
            .filter(|_| how.is_final(&row.values));
        let (Some(register), Some(birth)) = (&self.register, birth) else {
            return Ok(Vec::new());
        };
        let spec = self.context.prepared.checker.spec();
        let mut records = parsed(&register.find(&person_key(birth))?);
        let is_other = |record: &Json| {
            how.by.iter().any(|field| {
                let own = value_of(row, *field);
                let own = own.and_then(|own| self.comparable(*field, &Json::from(own)));
                let theirs = self.key_in(record, *field);
                own.is_some() && theirs.is_some() && own != theirs
            })
        };
        records.retain(|record| {
            how.disagrees(spec, &row.values, record).is_none() && !is_other(record)
        });
        Ok(records)
    }

    /// Defers a row that matches one record with a temporary number, and reports a row that disagrees with its
    /// record. Returns a row without a match.
    async fn consider(
        &mut self,
        how: &Renumber,
        row: Unresolved,
        records: &[Json],
        by: MatchedBy,
    ) -> Result<Option<Unresolved>, Halt> {
        let spec = self.context.prepared.checker.spec().clone();
        let id_of = |record: &Json| self.look_up.as_ref().and_then(|how| how.id_of(record));
        let mut ids = HashSet::new();
        let records: Vec<&Json> = records
            .iter()
            // A record may have been listed twice.
            .filter(|record| id_of(record).is_none_or(|id| ids.insert(id)))
            .collect();
        if self.is_protected(records.iter().copied()) {
            self.done += 1;
            self.withhold(row.mark).await?;
            return Ok(None);
        }
        let Some(record) = records
            .iter()
            .find(|record| how.is_provisional(&spec, record))
        else {
            return Ok(Some(row));
        };
        if !how.can_replace(&spec, &row.values, record) {
            return Ok(Some(row));
        }
        let why = match records.len() {
            1 => how.disagrees(&spec, &row.values, record),
            _ => Some(Disagreement::Several),
        };
        if let Some(why) = why {
            self.done += 1;
            self.settle_disagreement(row, (by, why)).await?;
            return Ok(None);
        }
        let record = (*record).clone();
        let renumbered = Renumbered { row, record, by };
        if self.renumberings.kept.len() < KEPT {
            self.renumberings.kept.push(renumbered);
        } else {
            self.renumber(how, renumbered).await?;
        }
        Ok(None)
    }

    /// Plans the deferred rows whose record no other row matches.
    pub async fn settle_renumbered(&mut self) -> Result<(), Halt> {
        let Some(how) = self.renumberings.how.clone() else {
            return Ok(());
        };
        let kept = std::mem::take(&mut self.renumberings.kept);
        let mut rows: HashMap<String, u64> = HashMap::new();
        for one in &kept {
            *rows.entry(self.id_of(&one.record)).or_default() += 1;
        }
        for one in kept {
            let id = self.id_of(&one.record);
            if rows[&id] > 1 || self.matched.row_of(&id).is_some() {
                self.done += 1;
                let why = (one.by, Disagreement::Twice);
                self.settle_disagreement(one.row, why).await?;
            } else {
                self.renumber(&how, one).await?;
            }
        }
        Ok(())
    }

    fn id_of(&self, record: &Json) -> String {
        let id = self.look_up.as_ref().and_then(|how| how.id_of(record));
        id.unwrap_or_default()
    }

    async fn renumber(&mut self, how: &Renumber, one: Renumbered) -> Result<(), Halt> {
        let Renumbered {
            mut row,
            record,
            by,
        } = one;
        how.make_final(&mut row.values);
        row.renumbered = Some(by);
        let before = match by {
            MatchedBy::Field(field) => {
                if let Some(value) = value_of(&row, field) {
                    row.key = value;
                }
                Some(self.find_by(field))
            }
            MatchedBy::Person => None,
        };
        let settled = self.settle(row, &[&record]).await;
        if let Some(before) = before {
            self.find_as(before);
        }
        settled
    }

    /// Reports a row that may not be about the person of the matched record. The message has no data of that record.
    pub async fn settle_disagreement(
        &mut self,
        row: Unresolved,
        (by, why): (MatchedBy, Disagreement),
    ) -> Result<(), Halt> {
        let checker = &self.context.prepared.checker;
        let spec = checker.spec();
        let how: Argument = match by {
            MatchedBy::Field(field) => checker.name_of(field).into(),
            MatchedBy::Person => message::renumber_by_person().into(),
        };
        let why: Message = match why {
            Disagreement::Name => message::renumber_name(spec.record_name(), how),
            Disagreement::Birth => message::renumber_birth(spec.record_name(), how),
            Disagreement::Several => message::renumber_several(spec.records_name(), how),
            Disagreement::Twice => message::renumber_twice(spec.record_name(), how),
        };
        let problem = problem_in(checker, self.key, "renumber.disagrees", why);
        self.invalid(row.mark, problem).await
    }

    /// The description of a match by name and date of birth.
    pub fn names_of_person(&self) -> String {
        let person = self.context.prepared.checker.spec().person.as_ref();
        let fields = person.into_iter().flat_map(crate::targets::Person::fields);
        let fields = fields.filter(|(key, _)| *key != "number");
        fields.map(|(_, name)| name).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests;
