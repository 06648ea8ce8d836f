//! Fields define the columns, kinds and places of values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use super::pointer::Pointer;
use crate::model::Declared;

/// Declares the kinds, each with its word in target files.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $word:literal;)*) => {
        /// The kind of a field's cells, which determines how they are checked and normalised.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $word)] $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The word used in target files, and the first half of the kind's problem codes.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// Any text on one line.
    Text "text";
    /// A UUID (RFC 9562).
    Uuid "uuid";
    /// A Swedish personnummer or samordningsnummer, as `YYYYMMDD-NNNN`.
    IdentityNumber "identity_number";
    /// A calendar date, as `YYYY-MM-DD`.
    Date "date";
    /// One of the field's `choices`, or a synonym of one.
    Choice "choice";
    /// A JSON boolean.
    Boolean "boolean";
    /// An e-mail address.
    Email "email";
    /// A telephone number: as E.164 by the target's region, or as it is written.
    Phone "phone";
    /// A Swedish postal code, as `NNN NN`.
    PostalCode "postal_code";
    /// An ISO 3166-1 alpha-3 country code.
    Country "country";
    /// A Swedish municipality code: four digits.
    MunicipalityCode "municipality_code";
    /// An eduPersonPrincipalName, `localIdentifier@domain`.
    Eppn "eppn";
    /// A whole number.
    Integer "integer";
    /// A list of values, each of the kind `items`.
    List "list";
}

impl Kind {
    /// Whether a problem code reports a value that several rows have.
    pub fn is_duplicate(code: &str) -> bool {
        let kind = code.strip_suffix(".duplicate");
        Kind::ALL.iter().any(|own| kind == Some(own.as_str()))
    }
}

/// Where in the request a field's value goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the JSON body, at the field's pointer.
    #[default]
    Body,
    /// Into the path, in place of `{name}`.
    Path,
}

/// What a row does to the list that a record has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// Its values are added to the list.
    #[default]
    Add,
    /// Its values replace the list.
    Replace,
    /// Its values are removed from the list.
    Remove,
}

/// What is between two values in a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Separator {
    /// A semicolon.
    #[default]
    #[serde(rename = ";")]
    Semicolon,
    /// A comma.
    #[serde(rename = ",")]
    Comma,
    /// A vertical bar.
    #[serde(rename = "|")]
    Bar,
}

impl Separator {
    /// Every separator.
    pub const ALL: [Separator; 3] = [Separator::Semicolon, Separator::Comma, Separator::Bar];

    /// The character.
    pub fn character(self) -> char {
        match self {
            Separator::Semicolon => ';',
            Separator::Comma => ',',
            Separator::Bar => '|',
        }
    }
}

/// Where a row says a person's gender.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenderFrom {
    /// The choice field.
    pub field: String,
    /// The choice of women.
    pub women: String,
    /// The choice of men.
    pub men: String,
}

/// One field of a record: how a column is recognised, what its cells may hold, where it is sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The column's name in templates, messages and results.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// What its cells hold.
    pub kind: Kind,
    /// Where it goes in the request.
    #[serde(default, rename = "in")]
    pub place: Place,
    /// JSON pointer (RFC 6901) into the body, and into the record that comes back. It can select one
    /// element of a list, as in `/emails[type=work]/value`.
    #[serde(default)]
    pub pointer: Pointer,
    /// Whether a row without it is invalid, and a file without its column refused.
    #[serde(default)]
    pub required: bool,
    /// Whether the API takes `null` for it, which is what `<null>` in a cell sends.
    #[serde(default)]
    pub nullable: bool,
    /// Whether no two records may share a value.
    #[serde(default)]
    pub unique: bool,
    /// Whether values that differ only in case are the same for the API: records are found by either,
    /// and neither replaces the other.
    #[serde(default)]
    pub ignore_case: bool,
    /// Whether only the API sets it: a column for it is refused.
    #[serde(default)]
    pub read_only: bool,
    /// Values that need the user's word, `--allow FIELD=VALUE`, because they give rights.
    #[serde(default)]
    pub guarded: Vec<String>,
    /// Whether only some accounts may change it: the API refuses an update with it for the others.
    #[serde(default)]
    pub only_some_accounts: bool,
    /// A value for rows whose cell is empty, and for files without the column.
    pub default: Option<String>,
    /// A value that is sent for every row, whatever the file says; the field has no column.
    pub constant: Option<String>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<String>,
    /// Characters that a value must have at least.
    pub min_length: Option<usize>,
    /// Characters that a value may have at most.
    pub max_length: Option<usize>,
    /// Whether the API takes any text here: what is not of the field's kind is then doubtful, and
    /// sent as it stands, unless it was damaged on its way.
    #[serde(default)]
    pub free_text: bool,
    /// `list`: the kind of each value.
    pub items: Option<Kind>,
    /// `list`: what is between two values in a cell, besides line breaks; `;` where it is not set.
    pub separator: Option<Separator>,
    /// `list`: what a row does to the list; `add` where it is not set.
    pub mode: Option<ListMode>,
    /// `text`: whether line breaks may stand in it.
    #[serde(default)]
    pub lines: bool,
    /// `choice`: the values that the API takes.
    #[serde(default)]
    pub choices: Vec<String>,
    /// `choice`: other words for a choice, by choice. Case does not matter.
    #[serde(default)]
    pub synonyms: BTreeMap<String, Vec<String>>,
    /// `choice`: the word that people use for a choice, by language and choice. It is understood too.
    #[serde(default)]
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// `identity_number`: the boolean field that says a row's number is a temporary one.
    pub temporary_if: Option<String>,
    /// `identity_number`: the field with the date of birth, which the number begins with.
    pub born_from: Option<String>,
    /// `identity_number`: the field that holds the gender, which the number tells too.
    pub gender_from: Option<GenderFrom>,
    /// `postal_code`: the country field that says whether a row's code is a Swedish one.
    pub country_from: Option<String>,
    /// `date`: whether a day after today is a mistake.
    #[serde(default)]
    pub past: bool,
    /// A value that shows what the field looks like; used by templates.
    #[serde(default)]
    pub example: String,
    /// Other headers under which the column is found, by language.
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
}

impl FieldSpec {
    /// A value as people write it in the language with this code: a choice as its word, an absent value as an empty
    /// text.
    pub fn in_words(&self, value: &Json, language: Option<&str>) -> String {
        match value {
            Json::Null => String::new(),
            Json::String(text) => self.word_for(text, language).to_owned(),
            Json::Bool(true) if language == Some("sv") => "Ja".to_owned(),
            Json::Bool(false) if language == Some("sv") => "Nej".to_owned(),
            Json::Array(items) => {
                let words = items.iter().map(|item| self.in_words(item, language));
                let between = format!("{} ", self.separator().character());
                words.collect::<Vec<_>>().join(&between)
            }
            other => other.to_string(),
        }
    }

    /// What people call a choice in the language with this code; itself where they have no word.
    pub fn word_for<'a>(&'a self, choice: &'a str, language: Option<&str>) -> &'a str {
        let words = language.and_then(|language| self.words.get(language));
        words
            .and_then(|words| words.get(choice))
            .map_or(choice, String::as_str)
    }

    /// Whether values that differ only in case are the same for the API.
    pub fn folds_case(&self) -> bool {
        self.ignore_case || self.kind == Kind::Email
    }

    /// The field's name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The kind of its value, or of each of its values.
    pub fn value_kind(&self) -> Kind {
        match (self.kind, self.items) {
            (Kind::List, Some(items)) => items,
            (kind, _) => kind,
        }
    }

    /// Whether it holds a list of values.
    pub fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    /// What is between two values in a cell.
    pub fn separator(&self) -> Separator {
        self.separator.unwrap_or_default()
    }

    /// What a row does to the list that a record has.
    pub fn mode(&self) -> ListMode {
        self.mode.unwrap_or_default()
    }

    /// Whether the record must be read to write it: an update contains the whole list.
    pub fn needs_record(&self) -> bool {
        let is_changed = self.is_list() && self.mode() != ListMode::Replace;
        !self.read_only && (is_changed || self.pointer.is_in_list())
    }

    /// The values in a cell of a list, without space around them.
    pub fn values_in<'a>(&self, cell: &'a str) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let separator = self.separator().character();
        let values = cell.split([separator, '\n', '\r']);
        values.map(str::trim).filter(|value| !value.is_empty())
    }

    /// The cell that holds these values of a list; nothing if a cell cannot.
    pub fn cell_of(&self, values: &[Json]) -> Option<String> {
        let mut cell = String::new();
        for value in values {
            let text = self.in_words(value, None);
            let mut same = self.values_in(&text);
            if value.is_array()
                || value.is_object()
                || (same.next(), same.next()) != (Some(&*text), None)
            {
                return None;
            }
            if !cell.is_empty() {
                cell.push(self.separator().character());
            }
            cell.push_str(&text);
        }
        Some(cell)
    }

    /// The same for logs and notifications.
    pub fn declared(&self) -> Declared {
        Declared::name(self.name())
    }

    /// Every header by which the column is recognised besides the field's name: the API's own
    /// name for it and the aliases of all languages.
    pub fn other_names(&self) -> impl Iterator<Item = String> + '_ {
        let names = self.pointer.names().into_iter();
        names.chain(self.aliases.values().flatten().cloned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_called_what_target_files_call_it() {
        for kind in Kind::ALL.iter().copied() {
            let read: Kind = serde_json::from_value(json!(kind.as_str())).unwrap();
            assert_eq!(read, kind);
        }
    }

    #[test]
    fn a_value_is_shown_in_the_words_of_its_language() {
        let spec = crate::targets::load("meitner").unwrap();
        let gender = &spec.fields[spec.field("gender").unwrap()];
        for (value, language, shown) in [
            (json!("Female"), Some("sv"), "Kvinna"),
            (json!("Female"), Some("en"), "Female"),
            (json!("Female"), None, "Female"),
            (json!("Unknown"), Some("sv"), "Unknown"),
            (json!(true), Some("sv"), "Ja"),
            (json!(false), Some("sv"), "Nej"),
            (json!(true), Some("en"), "true"),
            (json!(false), None, "false"),
            (json!(7), Some("sv"), "7"),
            (Json::Null, Some("sv"), ""),
        ] {
            assert_eq!(gender.in_words(&value, language), shown, "{language:?}");
        }
    }

    #[test]
    fn a_list_is_written_into_a_cell_and_read_from_it() {
        let spec = crate::targets::load("meitner").unwrap();
        let mut field = spec.fields[spec.field("gender").unwrap()].clone();
        (field.kind, field.items) = (Kind::List, Some(Kind::Choice));
        assert_eq!(
            field.in_words(&json!(["Female", "x"]), Some("sv")),
            "Kvinna; x"
        );
        field.separator = Some(Separator::Comma);
        assert_eq!(field.in_words(&json!(["Female", 7]), None), "Female, 7");
        for (values, cell) in [
            (json!(["a", "b;c", 7]), Some("a,b;c,7")),
            (json!([]), Some("")),
            (json!(["a,b"]), None),
            (json!(["a\nb"]), None),
            (json!([" a"]), None),
            (json!([""]), None),
            (json!([null]), None),
            (json!([["a"]]), None),
            (json!([{"id": 1}]), None),
        ] {
            let found = field.cell_of(values.as_array().unwrap());
            assert_eq!(found.as_deref(), cell, "{values}");
        }
        assert_eq!(
            field.values_in("a , b\n,c;d").collect::<Vec<_>>(),
            ["a", "b", "c;d"]
        );
    }

    #[test]
    fn a_column_is_found_by_the_apis_names_and_every_alias() {
        let spec = crate::targets::load("meitner").unwrap();
        let names = |name: &str| -> Vec<String> {
            spec.fields[spec.field(name).unwrap()]
                .other_names()
                .collect()
        };
        assert_eq!(
            names("external_source_id"),
            [
                "external.sourceID",
                "sourceID",
                "External ID",
                "Source ID",
                "Externt id",
                "Elevnummer",
                "Käll-ID"
            ]
        );
        // It stands in the path, so the API's body has no name for it.
        assert_eq!(names("id")[..2], ["Student ID", "Meitner ID"]);
    }
}
