//! Builds calls from valid rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::utf8_percent_encode;
use serde_json::Value as Json;
use xxhash_rust::xxh3::xxh3_64;

use super::body::{BodyShape, Sent, cleared, write_value};
use crate::check::CheckedRow;
use crate::model::{Call, Change, FieldPrint, Fingerprint, RowAt, Value};
use crate::targets::{FieldSpec, Place, SEGMENT, TargetSpec};

/// Builds calls from valid rows.
#[derive(Debug, Clone)]
pub struct Planner {
    spec: Arc<TargetSpec>,
    shape: BodyShape,
    path: Vec<Segment>,
}

/// A part of the update's path.
#[derive(Debug, Clone)]
enum Segment {
    /// Constant text.
    Fixed(String),
    /// A field's value, or the default if a row has none.
    Field(usize, String),
}

impl Planner {
    /// Creates a planner for `spec` with values for the variables of its paths.
    pub fn new(spec: Arc<TargetSpec>, variables: BTreeMap<String, String>) -> Planner {
        Planner {
            shape: BodyShape::of(&spec),
            path: segments(&spec, &variables),
            spec,
        }
    }

    /// The target.
    pub fn spec(&self) -> &TargetSpec {
        &self.spec
    }

    /// Builds the call that sends all values of a row, for an API whose records cannot be read. `key` is the
    /// value that identifies the record.
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
        let body = self.shape.build(&row.values);
        let call = self.call_with(row.at, key, &row.values, body, changed);
        Call {
            // The fingerprint prevents the same values from being sent again.
            fingerprint: Some(self.fingerprint(&call.path, &row.values)),
            ..call
        }
    }

    /// Builds a call with `body` for the record that the values in `path` identify.
    fn call_with(
        &self,
        at: RowAt,
        key: &str,
        path: &[Option<Value<'_>>],
        body: Vec<u8>,
        changed: String,
    ) -> Call {
        Call {
            at,
            key: key.to_owned(),
            path: self.path(path),
            body,
            changed,
            ..Call::default()
        }
    }

    /// Builds a call for a record that was read, with known changes.
    pub(super) fn call_for(
        &self,
        at: RowAt,
        key: &str,
        path: &[Option<Value<'_>>],
        sent: &Sent<'_>,
        changes: Vec<Change>,
    ) -> Call {
        let body = match self.spec.erases() {
            true => self.shape.build_whole(&self.spec, sent),
            false => self.shape.build_beside(sent),
        };
        let changed: Vec<&str> = changes.iter().map(|change| &*change.field).collect();
        let call = self.call_with(at, key, path, body, changed.join(" "));
        Call { changes, ..call }
    }

    /// The fingerprints of the fields that are sent to the record at `path`.
    fn fingerprint(&self, path: &str, values: &[Option<Value<'_>>]) -> Fingerprint {
        let fields = self.spec.fields.iter().zip(values);
        let mut printer = FieldPrinter::new(path);
        let mut prints = Fingerprint::with_capacity(size_of::<FieldPrint>() * values.len());
        for (field, value) in fields.filter(|(field, _)| field.place == Place::Body) {
            if let Some(value) = value {
                let print = printer.print(field.name(), |text| write_value(text, value));
                prints.extend_from_slice(&print);
            }
        }
        prints
    }

    /// The path of the record with this id.
    pub fn path_of(&self, id: &str) -> String {
        let mut values = vec![None; self.spec.fields.len()];
        if let Some(key) = self.spec.key_field() {
            values[key] = Some(Value::Text(id));
        }
        self.path(&values)
    }

    /// The path of the record that an entry of [`TargetSpec::known`] identifies, if it identifies one.
    pub fn path_known(&self, entry: &Json) -> Option<String> {
        let known = self.spec.known.as_ref()?;
        let mut texts = vec![None; self.spec.fields.len()];
        for (name, pointer) in &known.fields {
            texts[self.spec.field(name)?] = match entry.pointer(pointer)? {
                Json::String(text) => Some(text.clone()),
                Json::Number(number) => Some(number.to_string()),
                _ => return None,
            };
        }
        let values: Vec<Option<Value<'_>>> = texts
            .iter()
            .map(|text| text.as_deref().map(Value::Text))
            .collect();
        Some(self.path(&values))
    }

    pub(super) fn path(&self, values: &[Option<Value<'_>>]) -> String {
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

/// Removes the changes of these fields from a planned call.
pub fn without(spec: &TargetSpec, mut call: Call, fields: &[usize]) -> Call {
    let mut body: Json = serde_json::from_slice(&call.body).unwrap_or_default();
    for field in fields {
        let field = &spec.fields[*field];
        let change = call.changes.iter().find(|it| it.field == field.name());
        let before = change.map(|change| change.from.clone());
        let is_kept = stands_in_each(spec, field);
        if let Some(sent) = body.pointer_mut(&spec.update.body) {
            match before {
                Some(Some(from)) if is_kept => field.pointer.set(sent, from),
                None if is_kept => {}
                _ => field.pointer.remove_with_empty(sent),
            }
        }
        call.changes.retain(|change| change.field != field.name());
        let names = call.changed.split(' ').filter(|name| *name != field.name());
        call.changed = names.collect::<Vec<_>>().join(" ");
    }
    call.body = body.to_string().into_bytes();
    let sent = spec.sent_in(&body);
    let in_body = |field: &&FieldSpec| field.place == Place::Body;
    let prints = spec.fields.iter().filter(in_body).filter_map(|field| {
        let value = field.pointer.get(sent?).ok()??;
        let value = match value.to_string() == cleared(spec, field) {
            true => &Json::Null,
            false => &*value,
        };
        Some(field_print(&call.path, field.name(), value))
    });
    call.fingerprint = Some(prints.flatten().collect());
    call
}

/// Whether every update must include this field, unchanged if necessary. Without it, the API would reject the
/// update or erase the value.
fn stands_in_each(spec: &TargetSpec, field: &FieldSpec) -> bool {
    let is_needed = field.required && spec.is_readable();
    spec.erases() || is_needed || field.pointer.is_in_list()
}

/// Whether a change can be removed from a planned call. If the field must be sent, its current value must be
/// known.
pub fn can_do_without(spec: &TargetSpec, call: &Call, field: usize) -> bool {
    let field = &spec.fields[field];
    let is_changed = call.changed.split(' ').any(|name| name == field.name());
    let mut known = call.changes.iter().filter(|change| change.from.is_some());
    !is_changed || !stands_in_each(spec, field) || known.any(|change| change.field == field.name())
}

/// The segments of the update's path, with the variables filled in.
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

/// Computes the fingerprint of a field of the record at `path`.
pub fn field_print(path: &str, field: &str, value: &Json) -> FieldPrint {
    FieldPrinter::new(path).print(field, |text| {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(text, value);
    })
}

/// Computes the fingerprints of a record's fields in one buffer.
struct FieldPrinter {
    /// The path, and the hashed text of the last field.
    text: Vec<u8>,
    path: usize,
}

impl FieldPrinter {
    fn new(path: &str) -> FieldPrinter {
        let mut text = Vec::with_capacity(256);
        text.extend_from_slice(path.as_bytes());
        text.push(0);
        FieldPrinter {
            path: text.len(),
            text,
        }
    }

    /// The fingerprint of a field whose value `write` writes as JSON.
    fn print(&mut self, field: &str, write: impl FnOnce(&mut Vec<u8>)) -> FieldPrint {
        self.text.truncate(self.path);
        self.text.extend_from_slice(field.as_bytes());
        self.text.push(0);
        write(&mut self.text);
        xxh3_64(&self.text).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Method;
    use crate::plan::tests::registry;

    fn variables(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }

    fn row<'a>(spec: &TargetSpec, values: &[(&str, Value<'a>)]) -> CheckedRow<'a> {
        let mut row = CheckedRow::default();
        row.values.resize(spec.fields.len(), None);
        for (name, value) in values {
            row.values[spec.field(name).unwrap()] = Some(value.clone());
        }
        row
    }

    #[test]
    fn an_unreadable_record_is_sent_whole_with_fingerprints() {
        let spec = registry();
        let planner = Planner::new(spec.clone(), variables(&[("year", "2026"), ("group", "a")]));
        let call = |values: &[(&str, Value<'static>)]| {
            let call = planner.call(&row(&spec, values), "k");
            assert_eq!(call.key, "k");
            call
        };
        let id = ("id", Value::Text("7"));
        let first = call(&[
            id.clone(),
            ("city", Value::Text("Lund")),
            ("surname", Value::Text("Ek")),
            ("mobile", Value::Null),
        ]);
        assert_eq!(first.path, "/2026/groups/a/people/7/");
        assert_eq!(
            String::from_utf8(first.body.clone()).unwrap(),
            r#"{"surname":"Ek","mobile":null,"address":{"city":"Lund"}}"#
        );
        assert_eq!(first.changed, "surname mobile city");
        assert!(first.changes.is_empty());
        // Each field has its own fingerprint, in the order of `changed`.
        let print = |field: &str, value: Json| field_print(&first.path, field, &value);
        let expected = [
            print("surname", json!("Ek")),
            print("mobile", Json::Null),
            print("city", json!("Lund")),
        ];
        assert_eq!(first.fingerprint.clone().unwrap(), expected.concat());
        let other = call(&[id.clone(), ("city", Value::Text("Solna"))]);
        assert_eq!(other.fingerprint.unwrap(), print("city", json!("Solna")));
        assert_ne!(
            print("city", json!("Lund")),
            print("surname", json!("Lund"))
        );
        assert_ne!(
            print("city", json!("Lund")),
            field_print("/elsewhere", "city", &json!("Lund"))
        );
        assert_eq!(other.changed, "city");
        assert_eq!(call(&[id]).changed, "");
    }

    #[test]
    fn a_value_in_a_path_is_encoded_as_one_segment() {
        let given = variables(&[("year", "20/26"), ("group", "Å-._~")]);
        let planner = Planner::new(registry(), given);
        for (id, segment) in [
            ("azAZ09-._~", "azAZ09-._~"),
            ("a/b?c=d#e&f", "a%2Fb%3Fc%3Dd%23e%26f"),
            ("100 %", "100%20%25"),
            ("{group}", "%7Bgroup%7D"),
            ("é", "%C3%A9"),
        ] {
            let path = format!("/20%2F26/groups/%C3%85-._~/people/{segment}/");
            assert_eq!(planner.path_of(id), path);
        }
        let unset = Planner::new(registry(), BTreeMap::new());
        assert_eq!(unset.path_of("7"), "//groups//people/7/");
    }

    #[test]
    fn a_removed_field_leaves_no_trace_in_the_call() {
        let spec = registry();
        let planner = Planner::new(spec.clone(), variables(&[("year", "1"), ("group", "a")]));
        let with = |values: &[(&str, Value<'static>)]| planner.call(&row(&spec, values), "k");
        let (id, surname) = (("id", Value::Text("7")), ("surname", Value::Text("Ek")));
        let city = ("city", Value::Text("Lund"));
        let field = spec.field("city").unwrap();
        let less = without(&spec, with(&[id.clone(), surname.clone(), city]), &[field]);
        assert_eq!(less, with(&[id, surname]));
    }

    #[test]
    fn a_field_removed_from_a_replacement_keeps_the_value_read() {
        let mut spec = (*registry()).clone();
        (spec.update.method, spec.update.replaces) = (Method::Put, true);
        let call = Call {
            body: json!({"surname": "Ek", "address": {"city": "Lund"}, "mobile": "1"})
                .to_string()
                .into_bytes(),
            changed: "surname city".to_owned(),
            changes: vec![Change {
                field: "city".to_owned(),
                from: Some(json!("Solna")),
                to: json!("Lund"),
            }],
            ..Planner::new(Arc::new(spec.clone()), BTreeMap::new())
                .call(&row(&spec, &[("id", Value::Text("7"))]), "k")
        };
        let fields = ["city", "mobile"].map(|name| spec.field(name).unwrap());
        let less = without(&spec, call, &fields);
        assert_eq!(
            serde_json::from_slice::<Json>(&less.body).unwrap(),
            json!({"surname": "Ek", "address": {"city": "Solna"}, "mobile": "1"})
        );
        assert_eq!((&*less.changed, less.changes), ("surname", Vec::new()));
    }
}
