//! Compares rows with their records.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::body::Sent;
use super::call::Planner;
use crate::check::Checker;
use crate::l10n::{Message, message};
use crate::model::{Call, Change, Problem, RowAt, Value};
use crate::targets::{Clear, ListMode, Place, TargetSpec, Unclear};

/// The difference between a row and its record.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// The record already holds the row's values.
    None,
    /// The call that updates the record.
    Call(Box<Call>),
}

/// The fields that an undo does not restore, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Fields that changed after the run.
    pub changed_since: Vec<String>,
    /// Fields that were empty before and that the API does not allow to be cleared.
    pub cannot_be_cleared: Vec<String>,
    /// Fields of unreadable records without a known earlier delivery.
    pub unknown: Vec<String>,
    /// Fields that must change together with a field that is not restored.
    pub bound: Vec<String>,
}

impl Left {
    /// Whether all fields are restored.
    pub fn is_empty(&self) -> bool {
        self.changed_since.is_empty()
            && self.cannot_be_cleared.is_empty()
            && self.unknown.is_empty()
            && self.bound.is_empty()
    }
}

/// The values of a row, by field.
pub type Values = Vec<Option<Value<'static>>>;

impl Planner {
    /// Compares a row's values with `record`, which has the id `id`. The call sends the differing values and
    /// the current values that the API requires: fields of every update, fields that omission may reset, and
    /// the siblings in a nested object that may be replaced as a whole. With `all`, the call sends all values
    /// of the row. Changes for which `leaves` returns true are omitted; it receives the record's path and a
    /// change.
    ///
    /// # Errors
    /// Fails if neither the row nor the record has a value that every update requires.
    pub fn difference(
        &self,
        checker: &Checker,
        (at, key): (RowAt, &str),
        values: &Values,
        (id, record): (&str, &Json),
        all: bool,
        mut leaves: impl FnMut(&str, &Change) -> bool,
    ) -> Result<Difference, Problem> {
        let spec = self.spec();
        let path_values = || {
            let mut of_path: Values = vec![None; spec.fields.len()];
            for index in spec.path_fields().filter_map(|name| spec.field(name)) {
                of_path[index].clone_from(&values[index]);
            }
            if let Some(key) = spec.key_field() {
                of_path[key] = Some(Value::Rewritten(id.into()));
            }
            of_path
        };
        let mut path = None;
        let mut changes = Vec::new();
        let mut row = Cow::Borrowed(values);
        let mut changed = vec![false; spec.fields.len()];
        for (index, field) in spec.fields.iter().enumerate() {
            let Some(value) = values[index]
                .as_ref()
                .filter(|_| field.place == Place::Body)
            else {
                continue;
            };
            let from = self.held(checker, record, index)?;
            let to = match field.is_list() {
                true => {
                    let to = list_after(checker, index, &from, value);
                    row.to_mut()[index] = Some(value_of(&to));
                    to
                }
                false => value.to_json(),
            };
            let same = self.are_same(checker, index, &from, &to);
            if !same || all {
                let change = Change {
                    field: field.name().to_owned(),
                    from: Some(from.into_owned()),
                    to,
                };
                if !same {
                    let path = path.get_or_insert_with(|| self.path(&path_values()));
                    if leaves(path, &change) {
                        continue;
                    }
                }
                changed[index] = true;
                changes.push(change);
            }
        }
        if changes.is_empty() {
            return Ok(Difference::None);
        }
        let own = |index: usize| row[index].clone();
        let body = self.whole_body(checker, record, &changed, own, |field| {
            message::lookup_nobody_has_it(field, spec.record_name())
        })?;
        let call = self.call_for(at, key, &path_values(), &body, changes);
        Ok(Difference::Call(Box::new(call)))
    }

    /// Returns the record's value of a field, or null if it has none.
    ///
    /// # Errors
    /// Fails if several elements of a list match.
    fn held<'a>(
        &self,
        checker: &Checker,
        record: &'a Json,
        field: usize,
    ) -> Result<Cow<'a, Json>, Problem> {
        let own = &self.spec().fields[field];
        let held = match own.pointer.get(record) {
            Ok(Some(held)) if own.is_list() && !(held.is_array() || held.is_null()) => {
                Err(Unclear::NoList)
            }
            held => held,
        };
        let (code, message) = match held {
            Ok(held) => return Ok(held.unwrap_or(Cow::Owned(Json::Null))),
            Err(unclear) => explained(&unclear, own.pointer.as_str(), self.spec()),
        };
        Err(Problem {
            column: checker.name_of(field).to_owned(),
            field: own.name().to_owned(),
            ..Problem::of_row(code, message)
        })
    }

    /// Whether the record's value `held` equals `meant` for a field. If an empty string clears fields, it
    /// equals null.
    pub fn are_same(&self, checker: &Checker, field: usize, held: &Json, meant: &Json) -> bool {
        let is_empty = |value: &Json| value.is_null() || value == "";
        checker.is_same(field, held, meant)
            || self.spec().fields[field].ignore_case && differ_in_case(held, meant)
            || self.spec().update.clear == Clear::Empty && is_empty(held) && is_empty(meant)
    }

    /// Collects the values to send: `own` values for the `changed` fields, and the record's values that must
    /// accompany them. `lacks` creates the message for a required field without a value.
    fn whole_body<'a>(
        &self,
        checker: &Checker,
        record: &'a Json,
        changed: &[bool],
        own: impl Fn(usize) -> Option<Value<'static>>,
        lacks: impl Fn(String) -> Message,
    ) -> Result<Sent<'a>, Problem> {
        let spec = self.spec();
        let object_of = |index: usize| {
            let object = spec.fields[index].pointer.object();
            (!object.is_empty()).then_some(object)
        };
        let touched: Vec<&[String]> = (0..spec.fields.len())
            .filter(|index| changed[*index])
            .filter_map(object_of)
            .collect();
        let mut values = vec![None; spec.fields.len()];
        let mut lists = Vec::new();
        for (index, field) in spec.fields.iter().enumerate() {
            if field.place != Place::Body || field.read_only {
                continue;
            }
            if changed[index] {
                values[index] = own(index);
                continue;
            }
            let of_record = || match &*self.held(checker, record, index)? {
                Json::Null => Ok(None),
                value => Ok(Some(value_of(value))),
            };
            let kept = spec.update.keep.iter().any(|name| name == field.name());
            if field.required {
                let lacks = || Problem::of_row("lookup.incomplete", lacks(field.name().to_owned()));
                values[index] = Some(of_record()?.ok_or_else(lacks)?);
            } else if kept
                || !spec.update.merges
                    && object_of(index).is_some_and(|object| touched.contains(&object))
            {
                match field.pointer.is_in_list() {
                    true => lists.push(index),
                    false => values[index] = of_record()?,
                }
            }
        }
        Ok(Sent {
            values,
            record,
            lists,
        })
    }

    /// Builds the call that restores the old values of `changes`. A field is restored if it still holds the
    /// value that the run wrote and the API allows it. The fields that are not restored are also returned.
    ///
    /// # Errors
    /// Fails if the record lacks a value that every update requires.
    pub fn reversal(
        &self,
        checker: &Checker,
        at: RowAt,
        key: &str,
        changes: &[Change],
        (id, record): (&str, &Json),
    ) -> Result<(Difference, Left), Problem> {
        let spec = self.spec();
        let mut changed = vec![false; spec.fields.len()];
        let mut values: Values = vec![None; spec.fields.len()];
        let (mut back, mut left) = (Vec::new(), Left::default());
        for change in changes {
            let (Some(index), Some(before)) = (spec.field(&change.field), &change.from) else {
                continue;
            };
            let holds = self.held(checker, record, index)?;
            if self.are_same(checker, index, &holds, before) {
                continue;
            }
            if !self.are_same(checker, index, &holds, &change.to) {
                left.changed_since.push(change.field.clone());
                continue;
            }
            let own = &spec.fields[index];
            // Fields of lists can always be restored: the API itself held the list without the element, or an
            // empty list.
            let is_of_list = own.is_list() || own.pointer.is_in_list();
            if before.is_null() && !own.nullable && !is_of_list {
                left.cannot_be_cleared.push(change.field.clone());
                continue;
            }
            changed[index] = true;
            values[index] = Some(value_of(before));
            back.push(Change {
                field: change.field.clone(),
                from: Some(holds.into_owned()),
                to: before.clone(),
            });
        }
        let is_left = |name: &String| {
            left.changed_since.contains(name) || left.cannot_be_cleared.contains(name)
        };
        let kept = spec.fields.iter().enumerate();
        let kept = kept.filter(|(_, field)| is_left(&field.name().to_owned()));
        let kept: Vec<usize> = kept.map(|(index, _)| index).collect();
        for index in spec.bound_to(&kept) {
            if !std::mem::take(&mut changed[index]) {
                continue;
            }
            let name = spec.fields[index].name();
            back.retain(|change| change.field != name);
            left.bound.push(name.to_owned());
        }
        if back.is_empty() {
            return Ok((Difference::None, left));
        }
        let own = |index: usize| values[index].clone();
        let body = self.whole_body(checker, record, &changed, own, |field| {
            message::lookup_record_lacks(field, spec.record_name())
        })?;
        let mut path_values: Values = vec![None; spec.fields.len()];
        if let Some(key) = spec.key_field() {
            path_values[key] = Some(Value::Rewritten(id.into()));
        }
        let call = self.call_for(at, key, &path_values, &body, back);
        Ok((Difference::Call(Box::new(call)), left))
    }
}

/// Returns the list of a record after a row with this value is applied. Existing items keep the record's
/// form; new items are appended. A row that clears the field empties the list in every mode.
fn list_after(checker: &Checker, field: usize, held: &Json, value: &Value<'_>) -> Json {
    let held = held.as_array().map_or(&[][..], Vec::as_slice);
    let known: Vec<Json> = held
        .iter()
        .map(|item| checker.normalised(field, item))
        .collect();
    let Json::Array(own) = value.to_json() else {
        return Json::Array(Vec::new());
    };
    let is_own = |(_, known): &(&Json, &Json)| own.contains(known);
    let as_held = || held.iter().zip(&known);
    match checker.spec().fields[field].mode() {
        ListMode::Add => {
            let new = own.iter().filter(|item| !known.contains(item));
            held.iter().chain(new).cloned().collect()
        }
        ListMode::Remove => {
            let left = as_held().filter(|pair| !is_own(pair));
            left.map(|(item, _)| item.clone()).collect()
        }
        ListMode::Replace => {
            let of_record = |item: &Json| {
                let same = as_held().find(|(_, known)| *known == item);
                same.map_or_else(|| item.clone(), |(held, _)| held.clone())
            };
            own.iter().map(of_record).collect()
        }
    }
}

/// Whether two different texts are equal without regard to case.
fn differ_in_case(one: &Json, other: &Json) -> bool {
    let (Some(one), Some(other)) = (one.as_str(), other.as_str()) else {
        return false;
    };
    one.to_lowercase() == other.to_lowercase()
}

/// Converts a record's value to the form that is sent back.
fn value_of(json: &Json) -> Value<'static> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) => Value::Rewritten(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        other => Value::Number(other.to_string().into()),
    }
}

#[cfg(test)]
mod list_tests;
/// The code and message for a record in which a list element is ambiguous.
pub fn explained(unclear: &Unclear, pointer: &str, spec: &TargetSpec) -> (&'static str, Message) {
    match unclear {
        Unclear::Several(count) => (
            "lookup.several_elements",
            message::lookup_several_elements(pointer, *count, spec.record_name()),
        ),
        Unclear::NoList => (
            "lookup.no_list",
            message::lookup_not_a_list(pointer, spec.record_name()),
        ),
    }
}

#[cfg(test)]
mod tests;
