//! Builds request bodies from the pointers of a target's fields.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::model::Value;
use crate::targets::{Clear, FieldSpec, JsonType, Place, Pointer, TargetSpec};

/// The structure of a target's JSON body, computed once from the fields' pointers.
#[derive(Debug, Clone)]
pub struct BodyShape {
    root: Vec<Member>,
    /// The constant bytes before the fields' members.
    before: Vec<u8>,
    /// The constant bytes after the fields' members.
    after: Vec<u8>,
    /// The JSON that clears each field.
    clears: Vec<&'static str>,
}

/// A member of an object: its name as JSON with the colon, and its content.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    node: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Field(usize),
    Object(Vec<Member>),
    /// A list that is sent as it was read, with new values of these fields in its elements.
    List(Vec<(usize, Pointer)>),
}

/// The content of an update to a record that was read.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// The values to send, by field.
    pub(super) values: Vec<Option<Value<'static>>>,
    /// The record as it was read.
    pub(super) record: &'a Json,
    /// The fields whose lists are sent unchanged.
    pub(super) lists: Vec<usize>,
}

impl Sent<'_> {
    /// Returns the list of these fields with their new values, or `None` if it is not sent.
    fn list(&self, fields: &[(usize, Pointer)]) -> Option<Json> {
        let value = |field: usize| self.values[field].as_ref();
        let is_sent =
            |(field, _): &(usize, Pointer)| value(*field).is_some() || self.lists.contains(field);
        if !fields.iter().any(is_sent) {
            return None;
        }
        let list = fields
            .iter()
            .find_map(|(_, pointer)| pointer.stem_in(self.record));
        let mut list = list.cloned();
        for (field, pointer) in fields {
            if let Some(value) = value(*field) {
                pointer.set_in_list(list.get_or_insert(Json::Null), value.to_json());
            }
        }
        // Members that the record lacks are not sent.
        list
    }
}

impl BodyShape {
    /// Computes the structure of the target's body.
    pub fn of(spec: &TargetSpec) -> BodyShape {
        let mut root = Vec::new();
        for (index, field) in spec.fields.iter().enumerate() {
            if field.place == Place::Body {
                insert(&mut root, field.pointer.path(), (index, &field.pointer));
            }
        }
        let (before, after) = envelope(spec);
        BodyShape {
            root,
            before,
            after,
            clears: spec
                .fields
                .iter()
                .map(|field| cleared(spec, field))
                .collect(),
        }
    }

    /// Builds the JSON body from typed values. Fields without a value and objects without members are
    /// omitted.
    ///
    /// Lists that must be read first are never included: runs with rows that have such lists read the
    /// records.
    pub fn build(&self, values: &[Option<Value<'_>>]) -> Vec<u8> {
        self.enclosed(|body| self.write_members(body, &self.root, values, None))
    }

    /// Builds the body of an update to a record that was read.
    pub(super) fn build_beside(&self, sent: &Sent<'_>) -> Vec<u8> {
        self.enclosed(|body| self.write_members(body, &self.root, &sent.values, Some(sent)))
    }

    /// Builds the body with the members that `write` adds.
    fn enclosed(&self, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut body = Vec::with_capacity(512);
        body.extend_from_slice(&self.before);
        write(&mut body);
        let mut after = &*self.after;
        if body.len() == self.before.len() {
            // Without members, the comma between them and their neighbors is removed.
            if body.ends_with(b",") {
                body.pop();
            } else {
                after = after.strip_prefix(b",").unwrap_or(after);
            }
        }
        body.extend_from_slice(after);
        body
    }

    /// Writes the members that have values, and the lists of the record that was read, if any.
    fn write_members(
        &self,
        body: &mut Vec<u8>,
        members: &[Member],
        values: &[Option<Value<'_>>],
        read: Option<&Sent<'_>>,
    ) {
        let mut is_first = true;
        for Member { name, node } in members {
            let before = body.len();
            if !is_first {
                body.push(b',');
            }
            body.extend_from_slice(name.as_bytes());
            let is_there = match node {
                Node::Field(index) => match values.get(*index) {
                    Some(Some(Value::Null)) => {
                        body.extend_from_slice(self.clears[*index].as_bytes());
                        true
                    }
                    Some(Some(value)) => {
                        write_value(body, value);
                        true
                    }
                    _ => false,
                },
                Node::Object(children) => {
                    body.push(b'{');
                    let opened = body.len();
                    self.write_members(body, children, values, read);
                    body.push(b'}');
                    body.len() > opened + 1
                }
                Node::List(fields) => match read.and_then(|sent| sent.list(fields)) {
                    // Writing to memory cannot fail.
                    Some(list) => serde_json::to_writer(&mut *body, &list).is_ok(),
                    None => false,
                },
            };
            if is_there {
                is_first = false;
            } else {
                body.truncate(before);
            }
        }
    }

    /// Builds the body of an update that erases omitted members.
    ///
    /// It is the record with the new values, without the members that only the API sets.
    pub(super) fn build_whole(&self, spec: &TargetSpec, sent: &Sent<'_>) -> Vec<u8> {
        let mut record = sent.record.clone();
        let own = spec.fields.iter().filter(|field| field.read_only);
        let own = own.map(|field| Cow::Borrowed(&field.pointer));
        for pointer in own.chain(set_by_api(spec)) {
            pointer.remove(&mut record);
        }
        for (index, field) in spec.fields.iter().enumerate() {
            if let Some(Some(value)) = sent.values.get(index)
                && field.place == Place::Body
            {
                let value = match value {
                    Value::Null if field.pointer.is_in_list() => Json::Null,
                    Value::Null => serde_json::from_str(self.clears[index]).unwrap_or_default(),
                    value => value.to_json(),
                };
                field.pointer.set(&mut record, value);
            }
        }
        let members = record.to_string();
        let members = members
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        self.enclosed(|body| body.extend_from_slice(members.unwrap_or_default().as_bytes()))
    }
}

/// Returns the JSON that clears a field. Numbers and Booleans cannot be empty strings; lists are cleared by an
/// empty list.
pub(super) fn cleared(spec: &TargetSpec, field: &FieldSpec) -> &'static str {
    match (field.kind.json_type(), spec.update.clear) {
        (JsonType::Array, _) => "[]",
        (JsonType::String, Clear::Empty) => "\"\"",
        (JsonType::String, Clear::Null) | (JsonType::Number | JsonType::Boolean, _) => "null",
    }
}

/// Sets the value at a path and creates missing objects. An empty path replaces the whole record.
pub(super) fn put(record: &mut Json, path: &[String], value: Json) {
    let [name, rest @ ..] = path else {
        *record = value;
        return;
    };
    if !record.is_object() {
        *record = Json::Object(Default::default());
    }
    if let Json::Object(members) = record {
        put(
            members.entry(name.clone()).or_insert(Json::Null),
            rest,
            value,
        );
    }
}

/// Pointers to the members that only the API sets and that are not fields.
fn set_by_api(spec: &TargetSpec) -> impl Iterator<Item = Cow<'_, Pointer>> {
    let pointers = spec.update.read_only.iter();
    pointers.map(|pointer| Cow::Owned(Pointer::from(&**pointer)))
}

/// Returns the members of a record that are neither fields nor set only by the API.
///
/// Empty objects and lists are omitted, as is `null` in their place, because both mean the same.
pub fn unnamed(spec: &TargetSpec, record: &Json) -> Json {
    let mut rest = record.clone();
    let fields = spec
        .fields
        .iter()
        .map(|field| Cow::Borrowed(&field.pointer));
    let id = spec
        .lookup
        .iter()
        .map(|how| Cow::Owned(Pointer::from(&*how.id)));
    for pointer in fields.chain(set_by_api(spec)).chain(id) {
        pointer.remove_with_empty(&mut rest);
    }
    rest
}

/// Returns the lists of a record, each at its path, that contain fields and are part of `sent`.
pub fn lists_of(spec: &TargetSpec, record: &Json, sent: &Json) -> Json {
    let mut lists = Json::Object(Map::new());
    for field in &spec.fields {
        let pointer = &field.pointer;
        if pointer.is_in_list()
            && pointer.stem_in(sent).is_some()
            && let Some(list) = pointer.stem_in(record)
        {
            put(&mut lists, pointer.path(), list.clone());
        }
    }
    lists
}

/// A placeholder member name that no API uses.
const MARK: &str = "\u{0}fields";

/// Returns the constant bytes of the body before and after the fields' members.
fn envelope(spec: &TargetSpec) -> (Vec<u8>, Vec<u8>) {
    let mut whole = Json::Object(spec.update.body_members.clone());
    let places = tokens(&spec.update.body);
    let mut place = &mut whole;
    for token in &places {
        // Any other value is replaced with an object.
        let is_list = matches!(&*place, Json::Array(items) if token.parse().is_ok_and(|at: usize| at < items.len()));
        if !is_list && !place.is_object() {
            *place = Json::Object(Default::default());
        }
        place = match place {
            Json::Array(items) => &mut items[token.parse::<usize>().unwrap_or_default()],
            Json::Object(members) => members.entry(token.clone()).or_insert(Json::Null),
            _ => return (b"{".to_vec(), b"}".to_vec()),
        };
    }
    if !place.is_object() {
        *place = Json::Object(Default::default());
    }
    place[MARK] = Json::from(0);
    let text = whole.to_string();
    let mark = format!("{}:0", Json::from(MARK));
    let (before, after) = text.split_once(&mark).unwrap_or(("{", "}"));
    (before.as_bytes().to_vec(), after.as_bytes().to_vec())
}

fn insert(members: &mut Vec<Member>, path: &[String], field: (usize, &Pointer)) {
    let [name, rest @ ..] = path else {
        return;
    };
    let name = format!("{}:", Json::from(name.as_str()));
    if rest.is_empty() {
        let (index, pointer) = field;
        if !pointer.is_in_list() {
            let node = Node::Field(index);
            members.push(Member { name, node });
            return;
        }
        let own = (index, pointer.clone());
        let known = members.iter_mut().find(|other| other.name == name);
        match known.map(|member| &mut member.node) {
            Some(Node::List(fields)) => fields.push(own),
            Some(Node::Field(_) | Node::Object(_)) | None => {
                let node = Node::List(vec![own]);
                members.push(Member { name, node });
            }
        }
        return;
    }
    let known = members
        .iter()
        .position(|other| other.name == name && matches!(other.node, Node::Object(_)));
    let position = known.unwrap_or_else(|| {
        let node = Node::Object(Vec::new());
        members.push(Member { name, node });
        members.len() - 1
    });
    if let Some(Member {
        node: Node::Object(children),
        ..
    }) = members.get_mut(position)
    {
        insert(children, rest, field);
    }
}

/// Writes a value as [`Value::to_json`] represents it, without an intermediate value for text.
pub(super) fn write_value(body: &mut Vec<u8>, value: &Value<'_>) {
    // Writing to memory cannot fail.
    let _ = match value {
        Value::Text(text) => serde_json::to_writer(body, text),
        Value::Rewritten(text) => serde_json::to_writer(body, text.as_str()),
        value => serde_json::to_writer(body, &value.to_json()),
    };
}

/// The tokens of a JSON pointer.
pub(super) fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(unescape).collect()
}

/// Unescapes a reference token of a JSON pointer (RFC 6901, section 4).
fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_holds_only_the_rows_values_nested_and_typed() {
        let spec = crate::targets::load("meitner").unwrap();
        let shape = BodyShape::of(&spec);
        let mut values = vec![None; spec.fields.len()];
        let mut set = |name: &str, value| values[spec.field(name).unwrap()] = Some(value);
        set("id", Value::Text("not in the body"));
        set("identity_number", Value::Text("20100402-2388"));
        set("external_source_id", Value::Text("E-1"));
        set("identity_temporary", Value::Bool(false));
        set("postal_code", Value::Rewritten("169 56".into()));
        set("municipality_code", Value::Null);
        set("last_name", Value::Text("O\"B\\\né"));
        let body = shape.build(&values);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"identityNumber":"20100402-2388","lastName":"O\"B\\\né","external":{"sourceID":"E-1"},"identityTemporary":false,"address":{"postalCode":"169 56","municipalityCode":null}}"#
        );
    }

    #[test]
    fn a_replacing_body_is_the_record_with_the_changes() {
        let mut spec = (*crate::plan::tests::registry()).clone();
        spec.update.read_only = vec!["/meta/version".to_owned()];
        let mut values = vec![None; spec.fields.len()];
        values[spec.field("id").unwrap()] = Some(Value::Text("not in the body"));
        values[spec.field("surname").unwrap()] = Some(Value::Text("Ek"));
        values[spec.field("nickname").unwrap()] = Some(Value::Null);
        values[spec.field("temporary").unwrap()] = Some(Value::Null);
        values[spec.field("city").unwrap()] = Some(Value::Null);
        let record = serde_json::json!({
            "surname": "Ask",
            "nickname": "Kim",
            "temporary": true,
            "other": 1,
            "address": {"street": "Storgatan 1", "verified": true},
            "meta": {"version": 7, "kind": "x"},
        });
        for (clear, cleared) in [(Clear::Null, Json::Null), (Clear::Empty, Json::from(""))] {
            spec.update.clear = clear;
            let shape = BodyShape::of(&spec);
            let sent = Sent {
                values: values.clone(),
                record: &record,
                lists: Vec::new(),
            };
            let whole = shape.build_whole(&spec, &sent);
            // A Boolean cannot be an empty string.
            let expected = serde_json::json!({
                "surname": "Ek",
                "nickname": cleared,
                "temporary": null,
                "other": 1,
                "address": {"street": "Storgatan 1", "city": cleared},
                "meta": {"kind": "x"},
            });
            assert_eq!(serde_json::from_slice::<Json>(&whole).unwrap(), expected);
            let part: Json = serde_json::from_slice(&shape.build(&values)).unwrap();
            assert_eq!(part["address"]["city"], cleared);
        }
    }

    #[test]
    fn fields_are_written_into_the_constant_members() {
        let mut spec = (*crate::plan::tests::registry()).clone();
        let surname = spec.field("surname").unwrap();
        let mut body = |pointer: &str, members: &str, surnames: &[&'static str]| {
            spec.update.body = pointer.to_owned();
            spec.update.body_members = serde_json::from_str(members).unwrap();
            let mut values = vec![None; spec.fields.len()];
            for name in surnames {
                values[surname] = Some(Value::Text(name));
            }
            let body = BodyShape::of(&spec).build(&values);
            let json: Json = serde_json::from_slice(&body).unwrap();
            let sent = spec.sent_in(&json).cloned().unwrap();
            assert_eq!(sent.get("surname").is_some(), !surnames.is_empty());
            String::from_utf8(body).unwrap()
        };
        assert_eq!(body("/user", "{}", &["Ek"]), r#"{"user":{"surname":"Ek"}}"#);
        assert_eq!(body("/user", "{}", &[]), r#"{"user":{}}"#);
        let scim = r#"{"schemas":["urn:x"],"Operations":[{"op":"replace","value":{}}]}"#;
        let scim = body("/Operations/0/value", scim, &["Ek"]);
        let expected = serde_json::json!({
            "schemas": ["urn:x"],
            "Operations": [{"op": "replace", "value": {"surname": "Ek"}}],
        });
        assert_eq!(serde_json::from_str::<Json>(&scim).unwrap(), expected);
        // The extra member can precede or follow the fields.
        for member in ["a", "zz"] {
            let members = format!("{{\"{member}\":1}}");
            let whole = body("", &members, &["Ek"]);
            let whole: Json = serde_json::from_str(&whole).unwrap();
            assert_eq!(whole, serde_json::json!({member: 1, "surname": "Ek"}));
            assert_eq!(body("", &members, &[]), members);
        }
        assert_eq!(
            body("/a/b", r#"{"a":{"c":1}}"#, &["Ek"])
                .matches("Ek")
                .count(),
            1
        );
    }

    #[test]
    fn an_object_that_contains_only_fields_has_no_unnamed_members() {
        let mut spec = (*crate::plan::tests::registry()).clone();
        let surname = spec.field("surname").unwrap();
        spec.fields[surname].pointer = "/a~1b/name/last".into();
        let rest = |text: &str| unnamed(&spec, &serde_json::from_str(text).unwrap());
        let sent = rest(r#"{"other":1,"a/b":{"name":{"last":"Ek"}}}"#);
        assert_eq!(sent, serde_json::json!({"other": 1}));
        for same in [
            r#"{"other":1}"#,
            r#"{"other":1,"a/b":null}"#,
            r#"{"other":1,"a/b":{}}"#,
            r#"{"other":1,"a/b":{"name":null}}"#,
        ] {
            assert_eq!(rest(same), sent, "{same}");
        }
        assert_ne!(rest(r#"{"other":1,"a/b":{"name":{"first":"Bo"}}}"#), sent);
        assert_ne!(rest(r#"{"other":null}"#), sent);
    }

    #[test]
    fn an_object_without_values_is_omitted() {
        let mut spec = (*crate::plan::tests::registry()).clone();
        let street = spec.field("street").unwrap();
        spec.fields[street].pointer = "/address/home/a~1b~0c".into();
        let shape = BodyShape::of(&spec);
        let body = |set: &[(&str, Value<'static>)]| {
            let mut values = vec![None; spec.fields.len()];
            for (name, value) in set {
                values[spec.field(name).unwrap()] = Some(value.clone());
            }
            String::from_utf8(shape.build(&values)).unwrap()
        };
        assert_eq!(body(&[]), "{}");
        assert_eq!(body(&[("id", Value::Text("7"))]), "{}");
        assert_eq!(
            body(&[("points", Value::Number("-7".into()))]),
            r#"{"points":-7}"#
        );
        assert_eq!(
            body(&[("city", Value::Text("")), ("surname", Value::Text("Ek"))]),
            r#"{"surname":"Ek","address":{"city":""}}"#
        );
        assert_eq!(
            body(&[("street", Value::Bool(true))]),
            r#"{"address":{"home":{"a/b~c":true}}}"#
        );
        // The row has fewer values than the target has fields.
        assert_eq!(shape.build(&[]), b"{}");
    }
}
