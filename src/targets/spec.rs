//! The description of an API, as a target file contains it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::answers::{Answers, Expects};
use super::field::FieldSpec;
use super::known::Known;
use super::lookup::Lookup;
use super::person::Person;
use super::placeholders::placeholders;
use super::protected::Protected;
use super::quota::Quota;
use super::renumbering::Renumbering;
use super::sign_in::SignIn;
use super::update::Update;
use super::words::{Words, words_in};
use crate::l10n::Language;
use crate::model::{Call, Change, Method, members, shows_all};

/// The description of an API, with all of its properties.
///
/// ```
/// let meitner = rosterpatch::targets::load("meitner")?;
/// assert_eq!(meitner.update.path, "/student/{id}");
/// let key = meitner.key_field().map(|field| meitner.fields[field].name());
/// assert_eq!(key, Some("id"));
/// # Ok::<(), rosterpatch::targets::TargetError>(())
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "A target of rosterpatch",
    description = "What an API looks like: everything that is particular to it."
)]
pub struct TargetSpec {
    /// The target's name, as `--target` takes it.
    pub name: String,
    /// The title, on one line.
    pub title: String,
    /// The noun for a record in messages, such as `student`.
    pub record: String,
    /// The nouns for records in other languages, by language code.
    #[serde(default)]
    pub words: BTreeMap<String, Words>,
    /// The country whose numbering plan completes telephone numbers. By default they are sent unchanged.
    pub region: Option<Region>,
    /// Base addresses by name. `production` is the default.
    pub environments: BTreeMap<String, String>,
    /// Variables in the addresses, paths and sign-in. They are set with `--var`.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Constant headers of every request, in addition to those of the sign-in. They must not contain secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Sign-in methods. The first method whose environment variables are all set is used.
    pub sign_in: Vec<SignIn>,
    /// The request that updates one record.
    pub update: Update,
    /// The interpretation of responses.
    pub answers: Answers,
    /// The API's rate limit.
    pub quota: Quota,
    /// The requests that read records, if the API has any.
    pub lookup: Option<Lookup>,
    /// The list of the API's keys, if records cannot be read.
    pub known: Option<Known>,
    /// The fields that identify the person of a record. With them, a row that would replace one person with
    /// another holds the run.
    pub person: Option<Person>,
    /// The replacement of temporary identity numbers. With it, a row whose number is not found may match a
    /// person with a temporary number.
    pub renumbering: Option<Renumbering>,
    /// The marking of protected persons. A marked record is never updated.
    pub protected: Option<Protected>,
    /// The fields, in the order of a template's columns.
    pub fields: Vec<FieldSpec>,
}

/// A country with a supported telephone numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Region {
    /// Sweden.
    #[serde(rename = "SE")]
    Sweden,
}

/// A variable in the addresses, paths or sign-in of a target.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The description for messages.
    pub about: String,
    /// The default value.
    pub default: Option<String>,
}

impl TargetSpec {
    /// The noun for one record in the interface language.
    pub fn record_name(&self) -> String {
        self.spoken_words().record
    }

    /// The noun for several records in the interface language.
    pub fn records_name(&self) -> String {
        self.spoken_words().records
    }

    fn spoken_words(&self) -> Words {
        words_in(Language::spoken(), &self.words, &self.record)
    }

    /// The positions of the writable fields in the object at `pointer`.
    pub fn fields_below<'a>(&'a self, pointer: &'a str) -> impl Iterator<Item = usize> + 'a {
        let below = move |field: &FieldSpec| {
            let rest = field.pointer.as_str().strip_prefix(pointer);
            !field.read_only && rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let fields = self.fields.iter().enumerate();
        fields
            .filter(move |(_, field)| below(field))
            .map(|(index, _)| index)
    }

    /// The position of the field `name`.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// The field `name`.
    pub fn field_named(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name() == name)
    }

    /// The positions of the fields whose values form a person's name, in the order in which they are shown.
    pub fn name_fields(&self) -> Vec<usize> {
        let person = self.person.as_ref();
        let named = person.map(|person| vec![&*person.first_name, &*person.last_name]);
        let usual = [
            vec!["first_name", "last_name"],
            vec!["display_name"],
            vec!["name"],
        ];
        let mut found = named.into_iter().chain(usual).map(|names| {
            let fields = names.into_iter().filter_map(|name| self.field(name));
            fields.collect::<Vec<usize>>()
        });
        found.find(|fields| !fields.is_empty()).unwrap_or_default()
    }

    /// A column as a reader of this language calls it: by its header, or by the label of the field if the header
    /// is only the field's name, as in the files that rosterpatch writes.
    pub fn column_label<'a>(&'a self, header: &'a str, language: &str) -> &'a str {
        match self.field(header) {
            Some(field) => self.fields[field].label(language),
            None => header,
        }
    }

    /// The positions of each identity number field and the field that marks it as temporary. Both change
    /// together.
    pub fn number_marks(&self) -> impl Iterator<Item = (usize, usize)> {
        let fields = self.fields.iter().enumerate();
        fields
            .filter_map(|(number, field)| Some((number, self.field(field.temporary_if.as_ref()?)?)))
    }

    /// The fields that must keep their value because the paired field keeps its own: a number and its mark.
    pub fn bound_to(&self, kept: &[usize]) -> Vec<usize> {
        let pairs = self.number_marks();
        let pairs = pairs.flat_map(|(number, mark)| [(number, mark), (mark, number)]);
        let bound = pairs.filter(|(one, other)| kept.contains(one) && !kept.contains(other));
        bound.map(|(_, other)| other).collect()
    }

    /// The names of the fields in the update's path, in order.
    pub fn path_fields(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.update.path)
    }

    /// The position of the field that identifies the record: the last one in the update's path.
    pub fn key_field(&self) -> Option<usize> {
        self.path_fields().last().and_then(|name| self.field(name))
    }

    /// The name of that field.
    pub fn key_name(&self) -> Option<&str> {
        Some(self.fields[self.key_field()?].name())
    }

    /// Whether records can be read.
    pub fn is_readable(&self) -> bool {
        self.lookup.as_ref().is_some_and(Lookup::finds_any)
    }

    /// The positions of the fields by which a record can be found, in order of preference: the field in the
    /// update's path, then those of the look-up if records can be read.
    pub fn keys(&self) -> Vec<usize> {
        let mut keys: Vec<usize> = self.key_field().into_iter().collect();
        if let Some(lookup) = self.lookup.as_ref().filter(|_| self.is_readable()) {
            let others = lookup.keys.iter().filter_map(|name| self.field(name));
            keys.extend(others.filter(|key| Some(*key) != self.key_field()));
        }
        keys
    }

    /// The decoded record id in an update path.
    pub fn id_in(&self, path: &str) -> Option<String> {
        self.value_in(path, self.key_name()?)
    }

    /// The changes of a call. If the record was not read, they are the values that the call sends.
    pub fn changes_of<'a>(&self, call: &'a Call) -> Cow<'a, [Change]> {
        if !call.changes.is_empty() || call.changed.is_empty() {
            return Cow::Borrowed(&call.changes);
        }
        let body: Json = serde_json::from_slice(&call.body).unwrap_or_default();
        let names = call.changed.split(' ');
        let change = |name: &str| {
            let field = &self.fields[self.field(name)?];
            Some(Change {
                field: name.to_owned(),
                from: None,
                to: field.pointer.get(self.sent_in(&body)?).ok()??.into_owned(),
            })
        };
        Cow::Owned(names.filter_map(change).collect())
    }

    /// The decoded value of the field `name` in an update path.
    pub fn value_in(&self, path: &str, name: &str) -> Option<String> {
        let name = format!("{{{name}}}");
        let mut places = self.update.path.split('/').zip(path.split('/'));
        // A value may be surrounded by other text, as in OData's `users('{id}')`.
        let segment = places.find_map(|(place, segment)| {
            let (before, after) = place.split_once(&name)?;
            segment.strip_prefix(before)?.strip_suffix(after)
        })?;
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        decoded.ok().map(|id| id.into_owned())
    }

    /// Whether an update erases omitted members.
    pub fn erases(&self) -> bool {
        self.update.method == Method::Put && self.update.replaces
    }

    /// The object with the fields in the body of an update.
    pub fn sent_in<'a>(&self, body: &'a Json) -> Option<&'a Json> {
        body.pointer(&self.update.body)
    }

    /// The record in the response to an update or to a look-up of one record.
    pub fn record_in<'a>(&self, answer: &'a Json) -> Option<&'a Json> {
        answer.pointer(&self.answers.record)
    }

    /// Whether the response to an update has a record with every value in the body that was `sent`, whose values
    /// are then not parsed. A record in another notation has to be parsed for a comparison.
    pub fn shows_sent(&self, answer: &[u8], sent: &[u8]) -> bool {
        let expects_none = self.answers.expects == Some(Expects::NoContent);
        if expects_none || !self.update.body.is_empty() {
            return false;
        }
        let (Ok(answer), Ok(sent)) = (serde_json::from_slice(answer), serde_json::from_slice(sent))
        else {
            return false;
        };
        let mut steps = self.answers.record.split('/').skip(1);
        let record = steps.try_fold(answer, |value, name| members(value)?.get(name).copied());
        let has_values = members(sent).is_some_and(|sent| !sent.is_empty());
        has_values && record.is_some_and(|record| shows_all(record, sent))
    }

    /// The pointer to a field in a record that was read.
    pub fn record_pointer(&self, field: usize) -> String {
        match &self.lookup {
            Some(lookup) if self.key_field() == Some(field) => lookup.id.clone(),
            _ => self.fields[field].pointer.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::RowAt;
    use crate::targets::load;

    #[test]
    fn a_response_shows_what_was_sent_only_if_it_has_the_record_and_every_value() {
        let mut spec = crate::targets::load("meitner").unwrap();
        let shows = |spec: &TargetSpec, answer: &str, sent: &str| {
            spec.shows_sent(answer.as_bytes(), sent.as_bytes())
        };
        let sent = r#"{"firstName":"Åsa"}"#;
        let record = r#"{"id":"1","firstName":"Åsa"}"#;
        assert!(shows(&spec, record, sent));
        for answer in [
            r#"{"id":"1","firstName":"Eva"}"#,
            r#"{"id":"1"}"#,
            r#"{"data":{"firstName":"Åsa"}}"#,
            // It is JSON by its syntax, but not text, so it has to be refused where it is parsed.
            r#"{"id":"1","firstName":"\ud800"}"#,
            r#"{"id":"1","firstName":"Åsa""#,
            "<html>",
            "",
        ] {
            assert!(!shows(&spec, answer, sent), "{answer}");
        }
        assert!(!shows(&spec, record, "{}"), "nothing was sent");
        spec.answers.record = "/data/0".into();
        assert!(!shows(&spec, r#"{"data":[{"firstName":"Åsa"}]}"#, sent));
        spec.answers.record = "/data".into();
        assert!(shows(&spec, r#"{"data":{"firstName":"Åsa"}}"#, sent));
        assert!(!shows(&spec, record, sent));
        spec.answers.expects = Some(Expects::NoContent);
        assert!(!shows(&spec, r#"{"data":{"firstName":"Åsa"}}"#, sent));
    }

    #[test]
    fn only_writable_fields_of_a_nested_object_are_returned() {
        let spec = load("pathwright").unwrap();
        let names = |pointer: &str| -> Vec<&str> {
            let below: Vec<usize> = spec.fields_below(pointer).collect();
            below
                .iter()
                .map(|field| spec.fields[*field].name())
                .collect()
        };
        assert_eq!(
            names("/profile"),
            ["salutation", "bio", "location", "phone_number"]
        );
        assert_eq!(names("/membership"), ["membership_type"]);
        // The field itself, a prefix of a name, and a read-only field.
        for pointer in ["/first_name", "/prof", "/links", "/absent"] {
            assert!(names(pointer).is_empty(), "{pointer}");
        }
    }

    #[test]
    fn the_path_key_precedes_the_lookup_keys() {
        let mut spec = load("meitner").unwrap();
        let names = |spec: &TargetSpec| -> Vec<String> {
            let keys = spec.keys();
            let names = keys.iter().map(|key| spec.fields[*key].name().to_owned());
            names.collect()
        };
        let all = [
            "id",
            "identity_number",
            "external_source_id",
            "email_address1",
            "edu_person_principal_name",
        ];
        assert_eq!(names(&spec), all);
        let change = |spec: &mut TargetSpec, change: fn(&mut Lookup)| {
            change(spec.lookup.as_mut().unwrap());
        };
        change(&mut spec, |how| {
            how.keys = vec!["external_source_id".into(), "id".into()];
            how.search = None;
        });
        assert!(spec.is_readable());
        assert_eq!(names(&spec), ["id", "external_source_id"]);
        change(&mut spec, |how| {
            how.list = None;
        });
        assert!(spec.is_readable(), "one by one");
        change(&mut spec, |how| how.read = None);
        assert!(!spec.is_readable());
        assert_eq!(names(&spec), ["id"]);
        change(&mut spec, |how| how.search = Some("/search".into()));
        assert!(spec.is_readable());
        let blind = load("pathwright").unwrap();
        assert!(!blind.is_readable());
        assert_eq!(names(&blind), ["external_id"]);
    }

    #[test]
    fn a_value_round_trips_through_an_update_path() {
        let spec = load("pathwright").unwrap();
        let path = "/member/saml2/a%2F%C3%A5/";
        assert_eq!(spec.id_in(path).as_deref(), Some("a/å"));
        assert_eq!(spec.value_in(path, "integration").as_deref(), Some("saml2"));
        for (path, name) in [
            (path, "email"),
            (path, "member"),
            ("/member", "external_id"),
            ("/member/saml2/%FF/", "external_id"),
        ] {
            assert_eq!(spec.value_in(path, name), None, "{name} in {path}");
        }
    }

    #[test]
    fn changes_of_an_unread_record_are_the_values_sent() {
        let spec = load("pathwright").unwrap();
        let body = json!({"first_name": "Kim", "profile": {"bio": null}, "email": "a@b.se"});
        let change = |field: &str, from: Option<Json>, to: Json| Change {
            field: field.to_owned(),
            from,
            to,
        };
        let call = |changed: &str, changes: Vec<Change>| Call {
            at: RowAt::FIRST,
            key: String::new(),
            path: String::new(),
            body: body.to_string().into_bytes(),
            changed: changed.to_owned(),
            changes,
            fingerprint: None,
            note: Vec::new(),
        };
        let read = vec![change("bio", Some(json!("x")), json!("y"))];
        assert_eq!(*spec.changes_of(&call("first_name", read.clone())), read);
        assert!(spec.changes_of(&call("", Vec::new())).is_empty());
        // A field that the target no longer has, and a field that the body lacks.
        let sent = call("first_name shoe_size bio location", Vec::new());
        let expected = [
            change("first_name", None, json!("Kim")),
            change("bio", None, Json::Null),
        ];
        assert_eq!(*spec.changes_of(&sent), expected);
        let damaged = Call {
            body: b"{".to_vec(),
            ..sent
        };
        assert!(spec.changes_of(&damaged).is_empty());
    }

    #[test]
    fn the_key_is_read_at_the_lookups_id_pointer() {
        let mut spec = load("meitner").unwrap();
        let pointers = |spec: &TargetSpec| {
            let pointer = |name: &str| spec.record_pointer(spec.field(name).unwrap());
            (pointer("id"), pointer("external_source_id"))
        };
        let source = || "/external/sourceID".to_owned();
        assert_eq!(pointers(&spec), ("/id".to_owned(), source()));
        spec.lookup = None;
        assert_eq!(pointers(&spec), (String::new(), source()));
        let text = crate::targets::text("meitner").unwrap();
        let unsaid = text.replace("\nid = \"/id\"\n", "\n");
        assert_ne!(unsaid, text);
        let spec = crate::targets::parse("x.toml", &unsaid).unwrap();
        assert_eq!(pointers(&spec), ("/id".to_owned(), source()));
    }

    #[test]
    fn record_nouns_come_from_the_target() {
        let spec = load("meitner").unwrap();
        let names = (spec.record_name(), spec.records_name());
        assert_eq!(names, ("student".to_owned(), "students".to_owned()));
    }
}
