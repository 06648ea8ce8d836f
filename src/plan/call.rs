use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::body::{BodyShape, tokens};
use crate::check::CheckedRow;
use crate::model::{Call, Change, Fingerprint, RowAt, Value};
use crate::targets::{Place, TargetSpec};

/// All but the unreserved characters of RFC 3986, section 2.3, so that a value is one path
/// segment whatever it holds.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Makes calls out of valid rows.
#[derive(Debug, Clone)]
pub struct Planner {
    spec: Arc<TargetSpec>,
    shape: BodyShape,
    path: Vec<Segment>,
    /// Where each field stands in a record: its pointer's tokens.
    places: Vec<Vec<String>>,
}

/// A part of the update's path.
#[derive(Debug, Clone)]
enum Segment {
    /// As it stands.
    Fixed(String),
    /// A field's value or, where a row has none, what stands for it.
    Field(usize, String),
}

impl Planner {
    /// A planner for `spec`, with values for the variables of its paths.
    pub fn new(spec: Arc<TargetSpec>, variables: BTreeMap<String, String>) -> Planner {
        Planner {
            shape: BodyShape::of(&spec),
            path: segments(&spec, &variables),
            places: spec
                .fields
                .iter()
                .map(|field| tokens(&field.pointer))
                .collect(),
            spec,
        }
    }

    /// The target it plans for.
    pub fn spec(&self) -> &TargetSpec {
        &self.spec
    }

    /// The call that brings a valid row to an API whose records cannot be read: all that the row
    /// says. `key` is the value that finds the record.
    pub fn call(&self, row: &CheckedRow<'_>, key: &str) -> Call {
        let sent = self.spec.fields.iter().zip(&row.values);
        let sent = sent.filter(|(field, value)| field.place == Place::Body && value.is_some());
        let mut changed = String::with_capacity(16 * row.values.len());
        for (field, _) in sent {
            if !changed.is_empty() {
                changed.push(' ');
            }
            changed.push_str(field.name());
        }
        let call = self.call_with(row.at, key, &row.values, &row.values, changed);
        Call {
            // What cannot be read is remembered, so that the same is not sent again.
            fingerprint: Some(fingerprint(&call.body)),
            ..call
        }
    }

    /// A call with the body of `body`'s values, to the record that `path`'s name.
    fn call_with(
        &self,
        at: RowAt,
        key: &str,
        path: &[Option<Value<'_>>],
        body: &[Option<Value<'_>>],
        changed: String,
    ) -> Call {
        Call {
            at,
            key: key.to_owned(),
            path: self.path(path),
            body: self.shape.build(body),
            changed,
            changes: Vec::new(),
            fingerprint: None,
            note: String::new(),
        }
    }

    /// The same for a record that was read, and of which these changes are known.
    pub(super) fn call_for(
        &self,
        at: RowAt,
        key: &str,
        path: &[Option<Value<'_>>],
        body: &[Option<Value<'_>>],
        changes: Vec<Change>,
    ) -> Call {
        let changed: Vec<&str> = changes.iter().map(|change| &*change.field).collect();
        let call = self.call_with(at, key, path, body, changed.join(" "));
        Call { changes, ..call }
    }

    /// What a record holds of a field, if anything.
    pub(super) fn held<'a>(&self, record: &'a Json, field: usize) -> Option<&'a Json> {
        let mut places = self.places[field].iter();
        places.try_fold(record, |value, token| match value {
            Json::Object(members) => members.get(token),
            Json::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The path of the record with this id.
    pub fn path_of(&self, id: &str) -> String {
        let mut values = vec![None; self.spec.fields.len()];
        if let Some(key) = self.spec.key_field() {
            values[key] = Some(Value::Text(id));
        }
        self.path(&values)
    }

    fn path(&self, values: &[Option<Value<'_>>]) -> String {
        let mut path = String::with_capacity(64);
        for segment in &self.path {
            match segment {
                Segment::Fixed(text) => path.push_str(text),
                Segment::Field(field, otherwise) => match &values[*field] {
                    Some(value) => path.extend(utf8_percent_encode(&value.as_text(), SEGMENT)),
                    None => path.push_str(otherwise),
                },
            }
        }
        path
    }
}

/// The parts of the update's path, each variable in its place.
fn segments(spec: &TargetSpec, variables: &BTreeMap<String, String>) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = &*spec.update.path;
    for name in spec.path_fields() {
        let mark = format!("{{{name}}}");
        let Some((fixed, after)) = rest.split_once(&mark) else {
            continue;
        };
        rest = after;
        segments.push(Segment::Fixed(fixed.to_owned()));
        let variable = variables.get(name).map_or("", String::as_str);
        let variable = utf8_percent_encode(variable, SEGMENT).to_string();
        segments.push(match spec.field(name) {
            Some(field) => Segment::Field(field, variable),
            None => Segment::Fixed(variable),
        });
    }
    segments.push(Segment::Fixed(rest.to_owned()));
    segments
}

/// A fingerprint of a body.
fn fingerprint(body: &[u8]) -> Fingerprint {
    let mut half = Fingerprint::default();
    let length = half.len();
    half.copy_from_slice(&Sha256::digest(body)[..length]);
    half
}
