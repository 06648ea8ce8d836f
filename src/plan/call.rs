use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::body::BodyShape;
use crate::check::CheckedRow;
use crate::model::{Call, Change, Value};
use crate::targets::{Place, TargetSpec};

/// All but the unreserved characters of RFC 3986, section 2.3, so that a value is one path
/// segment whatever it holds.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
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

    /// The call that brings a valid row to the API.
    pub fn call(&self, row: &CheckedRow<'_>) -> Call {
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
        let changed: Vec<&str> = changes.iter().map(|change| &*change.field).collect();
        Call {
            at: row.at,
            method: self.spec.update.method,
            path: self.path(&row.values),
            body: self.shape.build(&row.values).to_string().into_bytes(),
            changed: changed.join(" "),
            changes,
            attempts: 0,
            doubtful: false,
        }
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
