use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

/// The students, by id, with what must be unique kept beside them.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Students {
    by_id: BTreeMap<String, Map<String, Json>>,
    identity_numbers: HashMap<String, String>,
    emails: HashMap<String, String>,
    last_change: Option<Timestamp>,
}

/// The name of a unique field that another student holds.
#[derive(Debug, PartialEq)]
pub(super) struct Taken(pub(super) &'static str);

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

    /// Adds a student, unless one of its unique values is taken.
    pub(super) fn insert(
        &mut self,
        id: &str,
        mut student: Map<String, Json>,
        now: Timestamp,
    ) -> Result<(), Taken> {
        self.refuse_taken(id, &student)?;
        student.insert("id".into(), json!(id));
        student.insert(
            "meta".into(),
            json!({"createdAt": now, "createdBy": "sandbox", "updatedAt": now, "updatedBy": "sandbox"}),
        );
        self.index(id, &student);
        self.by_id.insert(id.to_owned(), student);
        Ok(())
    }

    /// Merges `change` into a student: objects member by member, everything else whole.
    pub(super) fn update(
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
        // Two changes in one moment are still one after the other.
        let moved = match self.last_change {
            Some(last) if last >= now => last + jiff::SignedDuration::from_micros(1),
            _ => now,
        };
        self.last_change = Some(moved);
        if let Some(Json::Object(meta)) = new.get_mut("meta") {
            meta.insert("updatedAt".into(), json!(moved));
        }
        let old = old.clone();
        self.unindex(&old);
        self.index(id, &new);
        self.by_id.insert(id.to_owned(), new.clone());
        Ok(Some(new))
    }

    fn refuse_taken(&self, id: &str, student: &Map<String, Json>) -> Result<(), Taken> {
        let holds = |index: &HashMap<String, String>, value: Option<String>| {
            value
                .and_then(|value| index.get(&value))
                .is_some_and(|other| other != id)
        };
        if holds(&self.identity_numbers, text(student, "identityNumber")) {
            return Err(Taken("identityNumber"));
        }
        if holds(&self.emails, email(student)) {
            return Err(Taken("emailAddress1"));
        }
        Ok(())
    }

    fn index(&mut self, id: &str, student: &Map<String, Json>) {
        if let Some(number) = text(student, "identityNumber") {
            self.identity_numbers.insert(number, id.to_owned());
        }
        if let Some(email) = email(student) {
            self.emails.insert(email, id.to_owned());
        }
    }

    fn unindex(&mut self, student: &Map<String, Json>) {
        if let Some(number) = text(student, "identityNumber") {
            self.identity_numbers.remove(&number);
        }
        if let Some(email) = email(student) {
            self.emails.remove(&email);
        }
    }
}

fn merge(into: &mut Map<String, Json>, change: &Map<String, Json>) {
    for (name, value) in change {
        match (into.get_mut(name), value) {
            (Some(Json::Object(old)), Json::Object(new)) => merge(old, new),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

fn text(student: &Map<String, Json>, name: &str) -> Option<String> {
    student.get(name)?.as_str().map(str::to_owned)
}

fn email(student: &Map<String, Json>) -> Option<String> {
    text(student, "emailAddress1").map(|email| email.to_lowercase())
}
