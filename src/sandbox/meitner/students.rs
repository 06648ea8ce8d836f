//! Storage of students with indexes of unique fields.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::sandbox::{Variation, merge};

/// The students by id, with indexes of their unique values.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Students {
    by_id: BTreeMap<String, Map<String, Json>>,
    /// The student that holds each value, by unique field.
    holders: [HashMap<String, String>; UNIQUE.len()],
    last_change: Option<Timestamp>,
    /// The deletions, as the API lists them.
    deletions: Vec<Map<String, Json>>,
    /// The behaviours that differ from the documentation.
    pub(in crate::sandbox) vary: Vec<Variation>,
}

/// The fields with unique values.
const UNIQUE: [&str; 3] = ["identityNumber", "emailAddress1", "eduPersonPrincipalName"];

/// The user recorded as the author of all changes.
const USER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// The name of a unique field whose value another student holds.
#[derive(Debug, PartialEq)]
pub(in crate::sandbox) struct Taken(pub(super) &'static str);

impl Students {
    pub(in crate::sandbox) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(in crate::sandbox) fn dump(&self) -> Json {
        json!(self.by_id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Map<String, Json>> {
        self.by_id.get(id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Map<String, Json>> {
        self.by_id.values()
    }

    /// Adds a student unless another student holds one of its unique values.
    pub(in crate::sandbox) fn insert(
        &mut self,
        id: &str,
        mut student: Map<String, Json>,
        now: Timestamp,
    ) -> Result<(), Taken> {
        self.refuse_taken(id, &student)?;
        student.insert("id".into(), json!(id));
        let updated = (!self.varies(Variation::UnsetTimes)).then_some(now);
        student.insert(
            "meta".into(),
            json!({"createdAt": now, "createdBy": USER, "updatedAt": updated, "updatedBy": USER}),
        );
        self.index(id, &student);
        self.by_id.insert(id.to_owned(), student);
        Ok(())
    }

    /// Merges `change` into a student. Objects are merged member by member, other values are replaced.
    pub(in crate::sandbox) fn update(
        &mut self,
        id: &str,
        change: &Map<String, Json>,
        now: Timestamp,
    ) -> Result<Option<Map<String, Json>>, Taken> {
        let Some(old) = self.by_id.get(id) else {
            return Ok(None);
        };
        let mut new = old.clone();
        merge(&mut new, change);
        self.refuse_taken(id, &new)?;
        // Simultaneous changes still get increasing times.
        let moved = match self.last_change {
            Some(last) if last >= now => last + jiff::SignedDuration::from_micros(1),
            _ => now,
        };
        self.last_change = Some(moved);
        if let Some(Json::Object(meta)) = new.get_mut("meta")
            && !self.varies(Variation::FrozenTimes)
        {
            meta.insert("updatedAt".into(), json!(moved));
        }
        let old = old.clone();
        self.unindex(&old);
        self.index(id, &new);
        self.by_id.insert(id.to_owned(), new.clone());
        Ok(Some(new))
    }

    /// Removes a student and records the deletion. Returns whether the student existed.
    pub(in crate::sandbox) fn remove(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(student) = self.by_id.remove(id) else {
            return false;
        };
        self.unindex(&student);
        if !self.varies(Variation::SilentDeletions) {
            let number = self.deletions.len();
            let event = json!({
                "id": Uuid::from_u128(number as u128).hyphenated().to_string(),
                "timestamp": now,
                "resource": "Student",
                "resourceID": id,
                "type": "Delete",
                "meta": {"createdAt": now, "createdBy": USER},
            });
            self.deletions.extend(event.as_object().cloned());
        }
        true
    }

    /// Returns the deletions.
    pub(super) fn deletions(&self) -> impl Iterator<Item = &Map<String, Json>> {
        self.deletions.iter()
    }

    /// Returns whether the API has this variation.
    pub(super) fn varies(&self, how: Variation) -> bool {
        self.vary.contains(&how)
    }

    fn refuse_taken(&self, id: &str, student: &Map<String, Json>) -> Result<(), Taken> {
        for (name, holders) in UNIQUE.into_iter().zip(&self.holders) {
            let holder = value_of(student, name).and_then(|value| holders.get(&value));
            if holder.is_some_and(|other| other != id) {
                return Err(Taken(name));
            }
        }
        Ok(())
    }

    fn index(&mut self, id: &str, student: &Map<String, Json>) {
        for (name, holders) in UNIQUE.into_iter().zip(&mut self.holders) {
            if let Some(value) = value_of(student, name) {
                holders.insert(value, id.to_owned());
            }
        }
    }

    fn unindex(&mut self, student: &Map<String, Json>) {
        for (name, holders) in UNIQUE.into_iter().zip(&mut self.holders) {
            if let Some(value) = value_of(student, name) {
                holders.remove(&value);
            }
        }
    }
}

/// Returns a unique value in lower case, for comparison.
fn value_of(student: &Map<String, Json>, name: &str) -> Option<String> {
    student.get(name)?.as_str().map(str::to_lowercase)
}
