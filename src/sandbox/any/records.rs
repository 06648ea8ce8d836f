//! The records of a described API.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::description::{Description, Field, Kind};
use super::lists::{at, list_of, put};
use super::variation::{UNNAMED, Variation};
use crate::sandbox::{SeedRow, merge, text_in};

/// The records of an API that a target file describes, by id.
#[derive(Debug)]
pub(in crate::sandbox) struct Records {
    pub(super) api: Description,
    by_key: BTreeMap<Vec<String>, Value>,
    /// The key of the record that holds each unique value, by pointer and text.
    taken: HashMap<(String, String), Vec<String>>,
    /// The behaviours that differ from the target file.
    pub(super) variations: Vec<Variation>,
    /// The number of look-ups so far.
    pub(super) asked: u64,
}

/// A refused update: status code, field name and message.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) field: String,
    pub(super) message: String,
}

impl Records {
    /// Creates records that could precede the roster's `rows`. Every third record lacks one member.
    pub(in crate::sandbox) fn new(
        mut api: Description,
        rows: &[SeedRow],
        variations: Vec<Variation>,
    ) -> Records {
        for variation in &variations {
            variation.describe(&mut api);
        }
        let mut by_key = BTreeMap::new();
        let missing = api.fields.iter().find(|field| {
            field.kind == Kind::Text
                && field.place != "path"
                && !field.unique
                && field.pattern.is_none()
                && field.constant.is_none()
        });
        for (number, row) in rows.iter().enumerate() {
            let value = |name: &str| text_in(row, name);
            let made_up = made_up(&api, number);
            let key: Option<Vec<String>> = api
                .keys()
                .into_iter()
                .map(|name| value(name).map(str::to_owned).or(made_up.clone()))
                .collect();
            let Some(key) = key.filter(|key| !key.is_empty()) else {
                continue;
            };
            let mut record = Value::Object(Map::new());
            for field in &api.fields {
                let text = value(&field.name).or(field.constant.as_deref());
                let is_left_out =
                    number % 3 == 0 && missing.is_some_and(|missing| missing.name == field.name);
                if let Some(text) = text.filter(|_| !is_left_out) {
                    put(&mut record, &api.place(field), typed(field, text));
                }
            }
            // Keys must be present even if the roster identifies records by another field.
            for (name, text) in api.keys().into_iter().zip(&key) {
                if let Some(field) = api.fields.iter().find(|field| field.name == name) {
                    put(&mut record, &api.place(field), typed(field, text));
                }
            }
            for variation in &variations {
                for (place, value) in variation.more(&api, &record, number) {
                    put(&mut record, &place, value);
                }
            }
            by_key.insert(key, record);
        }
        let mut taken = HashMap::new();
        for (key, record) in &by_key {
            take(&api, &mut taken, key, record);
        }
        Records {
            api,
            by_key,
            taken,
            variations,
            asked: 0,
        }
    }

    pub(in crate::sandbox) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Returns all records as JSON, in the order of their keys.
    pub(in crate::sandbox) fn dump(&self) -> Value {
        let records = self.by_key.iter();
        let record = |(key, record): (&Vec<String>, &Value)| (key.join("/"), record.clone());
        Value::Object(records.map(record).collect())
    }

    pub(super) fn get(&self, key: &[String]) -> Option<&Value> {
        self.by_key.get(key)
    }

    /// Returns the key of the record with this text at a pointer.
    pub(super) fn key_with(&self, place: &str, text: &str) -> Option<Vec<String>> {
        let mut records = self.by_key.iter();
        let is_found = |record: &Value| record.pointer(place).map(text_of).as_deref() == Some(text);
        let (key, _) = records.find(|(_, record)| is_found(record))?;
        Some(key.clone())
    }

    /// Returns the records that match all of `wanted`: pointers with their accepted values.
    pub(super) fn found(&self, wanted: &[(String, HashSet<String>)]) -> Vec<&Value> {
        let fits = |record: &&Value| {
            wanted.iter().all(|(place, values)| {
                let held = record.pointer(place).map(text_of);
                held.is_some_and(|held| values.contains(&held))
            })
        };
        self.by_key.values().filter(fits).collect()
    }

    /// Applies the body of an update to a record, or returns `None` if there is no such record.
    pub(super) fn update(
        &mut self,
        key: &[String],
        body: &Value,
    ) -> Option<Result<Value, Refusal>> {
        let before = self.by_key.get(key)?;
        if let Err(refusal) = self.check(key, body) {
            return Some(Err(refusal));
        }
        let mut after = match &*self.api.update.method {
            "PUT" if self.api.update.replaces => {
                let mut whole = Value::Object(Map::new());
                for field in self.api.fields.iter().filter(|field| field.place == "path") {
                    let place = self.api.place(field);
                    if let Some(value) = before.pointer(&place) {
                        put(&mut whole, &place, value.clone());
                    }
                }
                whole
            }
            _ => before.clone(),
        };
        if let (Value::Object(after), Value::Object(body)) = (&mut after, body) {
            merge(after, body);
        }
        let held = self.by_key.insert(key.to_vec(), after.clone());
        for place in held.iter().flat_map(|held| unique(&self.api, held)) {
            self.taken.remove(&place);
        }
        take(&self.api, &mut self.taken, key, &after);
        Some(Ok(after))
    }

    fn check(&self, key: &[String], body: &Value) -> Result<(), Refusal> {
        let refuse = |status, field: &str, message: &str| {
            Err(Refusal {
                status,
                field: field.to_owned(),
                message: message.to_owned(),
            })
        };
        if !body.is_object() {
            return refuse(400, "", "The body is not a JSON object.");
        }
        let unnamed = format!("/{UNNAMED}");
        for (place, value) in leaves(body, String::new()) {
            let takes = |variation| self.variations.contains(&variation);
            // An API that returns null for absent members accepts it too.
            if takes(Variation::NullMembers) && value.is_null()
                || takes(Variation::UnnamedMembers) && place.starts_with(&unnamed)
            {
                continue;
            }
            let of_list = self.api.fields.iter().filter(|field| {
                let own = self.api.place(field);
                list_of(&own) == Some(&place)
            });
            let of_list: Vec<&Field> = of_list.collect();
            if !of_list.is_empty() {
                let is_list = |item: &Vec<Value>| item.iter().all(Value::is_object);
                if !value.is_null() && !value.as_array().is_some_and(is_list) {
                    return refuse(
                        422,
                        place.trim_start_matches('/'),
                        "This must be a list of objects.",
                    );
                }
                for field in of_list {
                    let own = self.api.place(field);
                    if let Some(value) = at(body, &own).filter(|value| !value.is_null()) {
                        self.check_value(key, field, own, &value)?;
                    }
                }
                continue;
            }
            let field = self.api.fields.iter().find(|field| {
                let own = self.api.place(field);
                own == place || value.is_null() && own.starts_with(&format!("{place}/"))
            });
            let Some(field) = field else {
                return refuse(
                    422,
                    place.trim_start_matches('/'),
                    "There is no such member.",
                );
            };
            self.check_value(key, field, place, value)?;
        }
        Ok(())
    }

    fn check_value(
        &self,
        key: &[String],
        field: &Field,
        place: String,
        value: &Value,
    ) -> Result<(), Refusal> {
        let refuse = |status, message: String| Refusal {
            status,
            field: field.name.clone(),
            message,
        };
        if let Some(message) = wrong(field, value) {
            return Err(refuse(422, message));
        }
        let holder = self.taken.get(&(place, text_of(value)));
        if field.unique && holder.is_some_and(|holder| holder != key) {
            return Err(refuse(409, "Another record has this value.".to_owned()));
        }
        Ok(())
    }
}

/// Returns an id for a record whose row has none because another field finds it.
fn made_up(api: &Description, number: usize) -> Option<String> {
    api.lookup.as_ref()?;
    let keys = api.keys();
    let name = keys.last()?;
    let field = api.fields.iter().find(|field| field.name == **name)?;
    Some(match field.kind {
        Kind::Uuid => format!("00000000-0000-4000-8000-{:012}", number + 1),
        _ => (number + 1).to_string(),
    })
}

/// Returns the unique values of a record, by pointer and text.
fn unique(api: &Description, record: &Value) -> Vec<(String, String)> {
    let fields = api.fields.iter().filter(|field| field.unique);
    fields
        .filter_map(|field| {
            let place = api.place(field);
            let value = at(record, &place).filter(|value| !value.is_null())?;
            let text = text_of(&value);
            Some((place, text))
        })
        .collect()
}

fn take(
    api: &Description,
    taken: &mut HashMap<(String, String), Vec<String>>,
    key: &[String],
    record: &Value,
) {
    for place in unique(api, record) {
        taken.insert(place, key.to_vec());
    }
}

/// Returns the error of a value for a field, if any.
fn wrong(field: &Field, value: &Value) -> Option<String> {
    let expected = match (field.kind, value) {
        (Kind::List, Value::Array(values)) => {
            let one = one_of(field);
            return values.iter().find_map(|value| wrong(&one, value));
        }
        (Kind::List, _) => "a list",
        (_, Value::Null) if field.nullable => return None,
        (_, Value::Null) => "not null",
        (Kind::Integer, Value::Number(_)) | (Kind::Boolean, Value::Bool(_)) => return None,
        (Kind::Integer, _) => "a number",
        (Kind::Boolean, _) => "true or false",
        (Kind::Choice, Value::String(text)) if field.choices.contains(text) => return None,
        (Kind::Choice, _) => "one of the choices",
        (Kind::Text | Kind::Uuid | Kind::Formatted, Value::String(text)) => {
            let most = field.max_length.unwrap_or(usize::MAX);
            if text.chars().count() <= most {
                return None;
            }
            "a shorter text"
        }
        (Kind::Text | Kind::Uuid | Kind::Formatted, _) => "a text",
    };
    Some(format!("This must be {expected}."))
}

/// Returns every value that is not an object, with its JSON pointer.
fn leaves(value: &Value, place: String) -> Vec<(String, &Value)> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{place}/{name}"))
            })
            .collect(),
        leaf => vec![(place, leaf)],
    }
}

/// Returns the field definition of a single list element.
fn one_of(field: &Field) -> Field {
    Field {
        kind: field.items.unwrap_or(Kind::Text),
        nullable: false,
        ..field.clone()
    }
}

fn typed(field: &Field, text: &str) -> Value {
    match field.kind {
        Kind::List => {
            let one = one_of(field);
            let separators = [field.separator.unwrap_or(';'), '\n', '\r'];
            let values = text.split(separators).map(str::trim);
            let values = values.filter(|value| !value.is_empty());
            values.map(|value| typed(&one, value)).collect()
        }
        Kind::Integer => text.parse::<i64>().map_or(text.into(), Value::from),
        Kind::Boolean => Value::Bool(text == "true"),
        Kind::Text | Kind::Choice | Kind::Uuid | Kind::Formatted => text.into(),
    }
}

pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
