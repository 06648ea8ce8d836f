use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use sha2::{Digest, Sha256};

use super::body::BodyShape;
use crate::check::CheckedRow;
use crate::model::{Call, Change, RowAt, Value};
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
    variables: BTreeMap<String, String>,
}

impl Planner {
    /// A planner for `spec`, with values for the variables of its paths.
    pub fn new(spec: Arc<TargetSpec>, variables: BTreeMap<String, String>) -> Planner {
        Planner {
            shape: BodyShape::of(&spec),
            spec,
            variables,
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
        let sent = sent.filter(|(field, _)| field.place == Place::Body);
        let changes: Vec<Change> = sent
            .filter_map(|(field, value)| {
                Some(Change {
                    field: field.name().to_owned(),
                    from: None,
                    to: value.as_ref()?.to_json(),
                })
            })
            .collect();
        let mut call = self.call_with(row.at, key, &row.values, &row.values, changes);
        // What cannot be read is remembered, so that the same is not sent again.
        call.fingerprint = Some(fingerprint(&call.body));
        call
    }

    /// A call with the body of `body`'s values, to the record that `path`'s name.
    pub(super) fn call_with(
        &self,
        at: RowAt,
        key: &str,
        path: &[Option<Value<'_>>],
        body: &[Option<Value<'_>>],
        changes: Vec<Change>,
    ) -> Call {
        let changed: Vec<&str> = changes.iter().map(|change| &*change.field).collect();
        Call {
            at,
            key: key.to_owned(),
            method: self.spec.update.method,
            path: self.path(path),
            body: self.shape.build(body).to_string().into_bytes(),
            changed: changed.join(" "),
            changes,
            fingerprint: None,
            note: String::new(),
            attempts: 0,
            doubtful: false,
        }
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
        let mut path = self.spec.update.path.clone();
        for name in self.spec.path_fields() {
            let of_row = self
                .spec
                .field(name)
                .and_then(|index| values[index].as_ref());
            let value = match (of_row, self.variables.get(name)) {
                (Some(value), _) => value.as_text(),
                (None, Some(variable)) => variable.as_str().into(),
                (None, None) => "".into(),
            };
            let encoded = utf8_percent_encode(&value, SEGMENT).to_string();
            path = path.replace(&format!("{{{name}}}"), &encoded);
        }
        path
    }
}

/// A fingerprint of a body, in hexadecimal.
fn fingerprint(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    hash.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
