//! The checker: what it knows of a target and of a file's columns, and how it compares values of records.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use regex::Regex;
use serde_json::Value as Json;

use super::column::{Column, Empty, Glance, Identity};
use super::fault::Checked;
use super::kinds::{Choices, form_of};
use super::options::CheckOptions;
use crate::l10n::say;
use crate::map::{ColumnMap, MapError, MapOptions};
use crate::model::Value;
use crate::targets::{Kind, TargetSpec};

/// Checks rows of one file against one target.
///
/// ```
/// use std::sync::Arc;
/// use rosterpatch::check::{CheckOptions, Checker};
/// use rosterpatch::map::{ColumnMap, MapOptions};
/// use rosterpatch::read::{Input, ReadError, ReadOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("roster");
/// std::fs::write(&path, "id,first_name,last_name,email_address1\n\
///     0be85103-97b1-435f-af10-712babf0d299,Anna,Ek,anna@\n")?;
/// let spec = Arc::new(rosterpatch::targets::load("meitner")?);
/// let input = Input::open(&path, &ReadOptions::default())?;
/// let options = MapOptions { sparse: true, ..MapOptions::default() };
/// let map = ColumnMap::new(input.header(), &spec, &options)?;
/// let today = "2026-08-01".parse()?;
/// let mut options = CheckOptions::new(today);
/// options.sparse_key = spec.key_field();
/// let checker = Checker::new(spec, Arc::new(map), options);
/// let mut problems = Vec::new();
/// input.scan(
///     |table| table.rows().flat_map(|row| checker.check(&row).problems).collect::<Vec<_>>(),
///     |found| {
///         problems.extend(found);
///         Ok::<bool, ReadError>(true)
///     },
/// )?;
/// assert_eq!(problems[0].field, "email_address1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Checker {
    pub(super) spec: Arc<TargetSpec>,
    pub(super) map: Arc<ColumnMap>,
    pub(super) options: CheckOptions,
    /// The fields with a column, and the data for checking them.
    pub(super) columns: Vec<Column>,
    pub(super) constants: Vec<(usize, Value<'static>)>,
    /// The identity numbers that are compared with other columns.
    pub(super) identities: Vec<Identity>,
}

impl Checker {
    /// Creates a checker for rows with a column for each field that a row can set. Fails if two fields have
    /// one header.
    pub fn of_all_fields(spec: &Arc<TargetSpec>, today: Date) -> Result<Checker, MapError> {
        let fields = spec.fields.iter();
        let settable = fields.filter(|field| !field.read_only && field.constant.is_none());
        let names: Vec<String> = settable.map(|field| field.name().to_owned()).collect();
        let map = ColumnMap::new(&names, spec, &MapOptions::default())?;
        let options = CheckOptions::new(today);
        Ok(Checker::new(spec.clone(), Arc::new(map), options))
    }

    /// Creates a checker for rows with the columns of `map`.
    pub fn new(spec: Arc<TargetSpec>, map: Arc<ColumnMap>, options: CheckOptions) -> Checker {
        let keys = spec.keys();
        let columns: Vec<Column> = spec
            .fields
            .iter()
            .enumerate()
            .filter_map(|(index, field)| {
                let column = map.column(index)?;
                let language = map.language_of(field, column);
                Some(Column {
                    field: index,
                    column,
                    empty: Empty::of(field, index, &options),
                    glance: Glance::of(field),
                    form: form_of(field, keys.contains(&index)),
                    choices: (field.value_kind() == Kind::Choice)
                        .then(|| Choices::of(field, language)),
                    // A target with an invalid pattern is refused when it is loaded.
                    pattern: field
                        .pattern
                        .as_ref()
                        .and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok()),
                })
            })
            .collect();
        let identities = Identity::all(&spec, &columns);
        let mut checker = Checker {
            spec,
            map,
            options,
            columns,
            constants: Vec::new(),
            identities,
        };
        checker.constants = checker.constants();
        checker
    }

    /// The values without a cell: constants, and defaults of fields without a column.
    fn constants(&self) -> Vec<(usize, Value<'static>)> {
        let mut constants = Vec::new();
        for (index, field) in self.spec.fields.iter().enumerate() {
            let missing = self.map.column(index).is_none();
            let text = field
                .constant
                .as_ref()
                .or(field.default.as_ref().filter(|_| missing));
            if let Some(text) = text {
                let value = self.of_target(field, None, text);
                let value = value.unwrap_or_else(|_| Value::Rewritten(text.into()));
                constants.push((index, value));
            }
        }
        constants
    }

    /// The target.
    pub fn spec(&self) -> &Arc<TargetSpec> {
        &self.spec
    }

    /// The column mapping.
    pub fn map(&self) -> &Arc<ColumnMap> {
        &self.map
    }

    /// Formats a value of a field as in the roster: a choice in the column's language, null as an empty text.
    pub fn in_words(&self, field: usize, value: &Json) -> String {
        let spec = &self.spec.fields[field];
        let column = self.map.column(field);
        let language = column.and_then(|column| self.map.language_of(spec, column));
        spec.in_words(value, language)
    }

    /// The name of a field in the roster: the header of its column.
    pub fn name_of(&self, field: usize) -> &str {
        self.map.name_of(&self.spec, field)
    }

    /// The positions of further key fields.
    pub fn other_keys(&self) -> &[usize] {
        &self.options.other_keys
    }

    /// Normalizes a record's value like a cell. A value that no cell can hold is unchanged.
    pub fn normalised(&self, field: usize, held: &Json) -> Json {
        let spec = &self.spec.fields[field];
        match held {
            Json::String(text) if text.trim().is_empty() => Json::Null,
            Json::String(text) => {
                let value = self.of_record(field, text);
                value.map_or_else(|_| held.clone(), |value| value.to_json())
            }
            Json::Array(items) if spec.is_list() => {
                let items = items.iter().map(|item| self.normalised(field, item));
                items.collect()
            }
            other => other.clone(),
        }
    }

    /// Checks the text of a record like a cell.
    fn of_record<'a>(&self, field: usize, text: &'a str) -> Checked<'a> {
        let column = self.column_of(field);
        let choices = column.and_then(|column| column.choices.as_ref());
        let spec = &self.spec.fields[field];
        self.of_kind(spec, choices, text.trim(), &|_| None, &mut None)
    }

    /// The column of a field, if the file has it.
    pub(super) fn column_of(&self, field: usize) -> Option<&Column> {
        self.columns.iter().find(|column| column.field == field)
    }

    /// Whether a record's value equals `meant` in any notation. The order and repetition of list items are
    /// ignored.
    pub fn is_same(&self, field: usize, held: &Json, meant: &Json) -> bool {
        if held == meant {
            return true;
        }
        let set = |list: &Json| match self.normalised(field, list) {
            Json::Array(items) => {
                let texts = items.iter().map(Json::to_string);
                Some(texts.collect::<BTreeSet<String>>())
            }
            Json::Null => Some(BTreeSet::new()),
            _ => None,
        };
        match self.spec.fields[field].is_list() {
            true => set(held).is_some_and(|held| Some(held) == set(meant)),
            false => self.normalised(field, held) == *meant,
        }
    }

    /// Returns a record's value as it is compared with cells, or null if there is none. Returns the reason if
    /// no cell can hold the value: every import would send the field again.
    pub fn judge(&self, field: usize, held: &Json) -> Result<Json, String> {
        let spec = &self.spec.fields[field];
        match (held, spec.kind) {
            (Json::String(text), _) if !text.trim().is_empty() => {
                let value = self.of_record(field, text).map(|value| value.to_json());
                value.map_err(|fault| fault.into_inner().message.to_string())
            }
            (Json::Array(_), _) if spec.is_list() => Ok(self.normalised(field, held)),
            (Json::Null | Json::String(_), _)
            | (Json::Bool(_), Kind::Boolean)
            | (Json::Number(_), Kind::Integer) => Ok(self.normalised(field, held)),
            (Json::Array(_) | Json::Object(_) | Json::Bool(_) | Json::Number(_), kind) => {
                let found = match held {
                    Json::Array(_) => say().json_list(),
                    Json::Object(_) => say().json_object(),
                    Json::Bool(_) => say().json_boolean(),
                    _ => say().json_number(),
                };
                Err(say().json_other_kind(found, kind.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::tests::{Roster, target};

    const CLUB: [(&str, &str); 5] = [
        ("name", "kind = \"text\""),
        ("mail", "kind = \"email\""),
        (
            "group",
            "kind = \"choice\"\nchoices = [\"a\"]\nconstant = \"a\"",
        ),
        ("points", "kind = \"integer\"\ndefault = \"007\""),
        (
            "sex",
            "kind = \"choice\"\nchoices = [\"F\"]\nwords.sv.F = \"Kvinna\"\naliases.sv = [\"Kön\"]",
        ),
    ];

    #[test]
    fn fields_are_named_by_column_and_values_by_language() {
        use serde_json::json;
        let roster = Roster::of(&target(&CLUB), "id;Kön\n1;Kvinna\n");
        let checker = &roster.checker;
        let at = |name| checker.spec().field(name).unwrap();
        assert_eq!(checker.name_of(at("sex")), "Kön");
        assert_eq!(checker.name_of(at("mail")), "mail");
        assert_eq!(checker.map().column(at("sex")), Some(1));
        assert_eq!(checker.in_words(at("sex"), &json!("F")), "Kvinna");
        assert_eq!(checker.in_words(at("group"), &json!("a")), "a");
        for (field, held, expected) in [
            ("sex", json!(" kvinna "), json!("F")),
            ("sex", json!("x"), json!("x")),
            ("name", json!(" "), json!(null)),
            ("name", json!(" Anna"), json!("Anna")),
            ("points", json!("007"), json!(7)),
            ("points", json!(8), json!(8)),
        ] {
            assert_eq!(
                checker.normalised(at(field), &held),
                expected,
                "{field} {held}"
            );
        }
    }
}
