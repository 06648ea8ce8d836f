//! The specification describes an API to the program.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::answers::Answers;
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
use crate::model::{Call, Change, Method};

/// What an API looks like: everything that is particular to it.
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
    /// The name that `--target` takes.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What one record is called in messages, such as `student`.
    pub record: String,
    /// The same in other languages, by language code, and what several are called.
    #[serde(default)]
    pub words: BTreeMap<String, Words>,
    /// The country whose numbering plan completes telephone numbers. Without one they are sent as
    /// they are written.
    pub region: Option<Region>,
    /// Base addresses by name. The one called `production` is the default.
    pub environments: BTreeMap<String, String>,
    /// Variables of the addresses, paths and sign-in, set with `--var`.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Headers that stand on every request, besides those of the sign-in. No secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Ways to sign in; the first whose variables are all set is used.
    pub sign_in: Vec<SignIn>,
    /// The request that updates one record.
    pub update: Update,
    /// How answers are understood.
    pub answers: Answers,
    /// How many requests the API accepts.
    pub quota: Quota,
    /// How records are read, if they can be.
    pub lookup: Option<Lookup>,
    /// How the keys that the API knows are listed, if records cannot be read.
    pub known: Option<Known>,
    /// The fields that identify the person of a record. With them, a row that would turn one person into another holds
    /// the run.
    pub person: Option<Person>,
    /// The numbers that persons get in place of temporary ones. With it, a row whose number is not found may
    /// be about a person with a temporary number.
    pub renumbering: Option<Renumbering>,
    /// How a record marks a protected person. A marked record is never written.
    pub protected: Option<Protected>,
    /// The fields, in the order of a template's columns.
    pub fields: Vec<FieldSpec>,
}

/// A country whose telephone numbers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Region {
    /// Sweden.
    #[serde(rename = "SE")]
    Sweden,
}

/// A variable of a target's addresses, paths and sign-in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its meaning, for messages.
    pub about: String,
    /// Its value where none is given.
    pub default: Option<String>,
}

impl TargetSpec {
    /// What one record is called in the language that is spoken.
    pub fn record_name(&self) -> String {
        self.spoken_words().record
    }

    /// What several records are called.
    pub fn records_name(&self) -> String {
        self.spoken_words().records
    }

    fn spoken_words(&self) -> Words {
        words_in(Language::spoken(), &self.words, &self.record)
    }

    /// Positions of the fields that stand in the nested object at `pointer`.
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

    /// The position of the field called `name`.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// The fields with a number, each with the field that marks the number as temporary, by position. Both change
    /// together.
    pub fn number_marks(&self) -> impl Iterator<Item = (usize, usize)> {
        let fields = self.fields.iter().enumerate();
        fields
            .filter_map(|(number, field)| Some((number, self.field(field.temporary_if.as_ref()?)?)))
    }

    /// The fields of which one must keep its value because the other one does: a number and its mark.
    pub fn bound_to(&self, kept: &[usize]) -> Vec<usize> {
        let pairs = self.number_marks();
        let pairs = pairs.flat_map(|(number, mark)| [(number, mark), (mark, number)]);
        let bound = pairs.filter(|(one, other)| kept.contains(one) && !kept.contains(other));
        bound.map(|(_, other)| other).collect()
    }

    /// Names of the fields that stand in the update's path, in its order.
    pub fn path_fields(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.update.path)
    }

    /// The position of the field that names the record: the last one in the update's path.
    pub fn key_field(&self) -> Option<usize> {
        self.path_fields().last().and_then(|name| self.field(name))
    }

    /// Whether records can be read.
    pub fn is_readable(&self) -> bool {
        self.lookup.as_ref().is_some_and(Lookup::finds_any)
    }

    /// The fields by which a record can be found, by position, the best one first: the one in the
    /// update's path and, where records can be read, those of the look-up.
    pub fn keys(&self) -> Vec<usize> {
        let mut keys: Vec<usize> = self.key_field().into_iter().collect();
        if let Some(lookup) = self.lookup.as_ref().filter(|_| self.is_readable()) {
            let others = lookup.keys.iter().filter_map(|name| self.field(name));
            keys.extend(others.filter(|key| Some(*key) != self.key_field()));
        }
        keys
    }

    /// The record's id in a path that was made for it, decoded.
    pub fn id_in(&self, path: &str) -> Option<String> {
        self.value_in(path, self.fields[self.key_field()?].name())
    }

    /// What a call changes: where nothing was read before, what it sends.
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

    /// The value of the field called `name` in a path that was made for a record, decoded.
    pub fn value_in(&self, path: &str, name: &str) -> Option<String> {
        let name = format!("{{{name}}}");
        let mut places = self.update.path.split('/').zip(path.split('/'));
        // A value may stand between other text, as in OData's `users('{id}')`.
        let segment = places.find_map(|(place, segment)| {
            let (before, after) = place.split_once(&name)?;
            segment.strip_prefix(before)?.strip_suffix(after)
        })?;
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        decoded.ok().map(|id| id.into_owned())
    }

    /// Whether an update erases what its body leaves out.
    pub fn erases(&self) -> bool {
        self.update.method == Method::Put && self.update.replaces
    }

    /// The fields in the body of an update.
    pub fn sent_in<'a>(&self, body: &'a Json) -> Option<&'a Json> {
        body.pointer(&self.update.body)
    }

    /// The record in an answer to an update or to a look-up of one record.
    pub fn record_in<'a>(&self, answer: &'a Json) -> Option<&'a Json> {
        answer.pointer(&self.answers.record)
    }

    /// Where a field stands in a record that was read.
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
    fn the_fields_of_a_nested_object_are_those_that_can_be_set_in_it() {
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
        // The field itself, the first letters of one, and what only the API sets.
        for pointer in ["/first_name", "/prof", "/links", "/absent"] {
            assert!(names(pointer).is_empty(), "{pointer}");
        }
    }

    #[test]
    fn a_record_is_found_by_the_key_in_the_path_first_and_then_by_the_look_ups() {
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
    fn a_value_is_read_back_out_of_the_path_that_was_made_for_it() {
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
    fn what_a_call_changes_is_what_it_sends_where_nothing_was_read() {
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
        // A field that the target no longer has, and one that the body lacks.
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
    fn a_records_own_id_stands_where_the_look_up_says() {
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
    fn one_record_and_several_are_called_what_the_target_says() {
        let spec = load("meitner").unwrap();
        let names = (spec.record_name(), spec.records_name());
        assert_eq!(names, ("student".to_owned(), "students".to_owned()));
    }
}
