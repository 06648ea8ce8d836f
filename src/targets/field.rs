//! Fields define the columns, kinds and positions of values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use super::pointer::Pointer;
use crate::model::Declared;

/// Declares the kinds of cells, each with its name in target files, its notation, the JSON type of its values, and
/// whether one value can be right in many rows.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $word:literal $notation:ident $json:ident $for_many:literal;)*) => {
        /// The kind of a field's cells, which determines how they are checked and normalized.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $word)] $kind,)*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The kind's name in target files, and the prefix of its problem codes.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => $word,)*
                }
            }

            /// The notation of the cells.
            pub fn notation(self) -> Notation {
                match self {
                    $(Kind::$kind => Notation::$notation,)*
                }
            }

            /// The JSON type of the values.
            pub fn json_type(self) -> JsonType {
                match self {
                    $(Kind::$kind => JsonType::$json,)*
                }
            }

            /// Whether one value can be right in many rows.
            pub fn is_for_many(self) -> bool {
                match self {
                    $(Kind::$kind => $for_many,)*
                }
            }
        }
    };
}

kinds! {
    /// Text on a single line.
    Text "text" Words String false;
    /// A UUID (RFC 9562).
    Uuid "uuid" Code String false;
    /// A Swedish personnummer or samordningsnummer, normalized to `YYYYMMDD-NNNN`.
    IdentityNumber "identity_number" Number String false;
    /// A calendar date, normalized to `YYYY-MM-DD`.
    Date "date" Number String false;
    /// One of the field's `choices`, or a synonym.
    Choice "choice" Code String true;
    /// A JSON boolean.
    Boolean "boolean" Number Boolean true;
    /// An email address.
    Email "email" Code String false;
    /// A telephone number, normalized to E.164 if the target has a region.
    Phone "phone" Number String false;
    /// A Swedish postal code, normalized to `NNN NN`.
    PostalCode "postal_code" Number String true;
    /// An ISO 3166-1 alpha-3 country code.
    Country "country" Code String true;
    /// A Swedish municipality code of four digits.
    MunicipalityCode "municipality_code" Number String true;
    /// An eduPersonPrincipalName, `localIdentifier@domain`.
    Eppn "eppn" Code String false;
    /// An integer.
    Integer "integer" Number Number false;
    /// A list of values of the kind `items`.
    List "list" Words Array false;
}

impl Kind {
    /// Whether a problem code reports a value that several rows share.
    pub fn is_duplicate(code: &str) -> bool {
        let kind = code.strip_suffix(".duplicate");
        Kind::ALL.iter().any(|own| kind == Some(own.as_str()))
    }
}

/// The notation of a kind's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Digits.
    Number,
    /// A word or an address that is mostly ASCII.
    Code,
    /// A name or other free text.
    Words,
}

/// The JSON type of a kind's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// A string.
    String,
    /// A number.
    Number,
    /// A Boolean.
    Boolean,
    /// An array.
    Array,
}

/// The position of a field's value in the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the JSON body at the field's pointer.
    #[default]
    Body,
    /// In the path, in place of `{name}`.
    Path,
}

/// The effect of a row on the record's list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// The row's values are added to the list.
    #[default]
    Add,
    /// The row's values replace the list.
    Replace,
    /// The row's values are removed from the list.
    Remove,
}

/// The separator between the values in a cell.
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
    /// All separators.
    pub const ALL: [Separator; 3] = [Separator::Semicolon, Separator::Comma, Separator::Bar];

    /// The separator's character.
    pub fn character(self) -> char {
        match self {
            Separator::Semicolon => ';',
            Separator::Comma => ',',
            Separator::Bar => '|',
        }
    }
}

/// The field that holds a person's gender, with its choices.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenderFrom {
    /// The choice field.
    pub field: String,
    /// The choice for women.
    pub women: String,
    /// The choice for men.
    pub men: String,
}

/// A field of a record: the headers of its column, the content of its cells, and its position in requests.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The column's name in templates, messages and results.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// The kind of its cells.
    pub kind: Kind,
    /// Its position in the request.
    #[serde(default, rename = "in")]
    pub place: Place,
    /// JSON pointer (RFC 6901) into the request body and the record. It can select one element of a list, as
    /// in `/emails[type=work]/value`.
    #[serde(default)]
    pub pointer: Pointer,
    /// Whether every row must have a value and every file the column.
    #[serde(default)]
    pub required: bool,
    /// Whether the API accepts `null`, which `<null>` in a cell sends.
    #[serde(default)]
    pub nullable: bool,
    /// Whether the value must be unique among all records.
    #[serde(default)]
    pub unique: bool,
    /// Whether the API ignores the case of values. Record searches then ignore case, and a change of case
    /// alone is not sent.
    #[serde(default)]
    pub ignore_case: bool,
    /// Whether only the API can set the field. A column for it is refused.
    #[serde(default)]
    pub read_only: bool,
    /// Values that grant privileges and require `--allow FIELD=VALUE`.
    #[serde(default)]
    pub guarded: Vec<String>,
    /// Whether only certain accounts may change the field. The API rejects the field for other accounts.
    #[serde(default)]
    pub only_some_accounts: bool,
    /// The value of rows with an empty cell, and of files without the column.
    pub default: Option<String>,
    /// A value that is sent for every row. The field has no column.
    pub constant: Option<String>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<String>,
    /// The minimum number of characters.
    pub min_length: Option<usize>,
    /// The maximum number of characters.
    pub max_length: Option<usize>,
    /// Whether the API accepts any text. A value that is not of the field's kind is then reported as doubtful
    /// and sent unchanged, unless it is damaged.
    #[serde(default)]
    pub free_text: bool,
    /// `list`: the kind of each value.
    pub items: Option<Kind>,
    /// `list`: the separator between the values in a cell, besides line breaks. The default is `;`.
    pub separator: Option<Separator>,
    /// `list`: the effect of a row on the record's list. The default is `add`.
    pub mode: Option<ListMode>,
    /// `text`: whether the value may contain line breaks.
    #[serde(default)]
    pub lines: bool,
    /// `choice`: the values that the API accepts.
    #[serde(default)]
    pub choices: Vec<String>,
    /// `choice`: synonyms of each choice. Case is ignored.
    #[serde(default)]
    pub synonyms: BTreeMap<String, Vec<String>>,
    /// `choice`: the name of each choice by language. Cells may contain it.
    #[serde(default)]
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// `identity_number`: the boolean field that marks the number as temporary.
    pub temporary_if: Option<String>,
    /// `identity_number`: the field with the date of birth, which is compared with the number.
    pub born_from: Option<String>,
    /// `identity_number`: the field with the gender, which is compared with the number.
    pub gender_from: Option<GenderFrom>,
    /// `postal_code`: the country field that determines whether the code is Swedish.
    pub country_from: Option<String>,
    /// `date`: whether dates after today are invalid.
    #[serde(default)]
    pub past: bool,
    /// An example value for templates.
    #[serde(default)]
    pub example: String,
    /// Other headers of the column, by language.
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
}

impl FieldSpec {
    /// A value as users write it in the language with this code. A choice becomes its name, and null becomes
    /// an empty text.
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

    /// The name of a choice in the language with this code, or the choice itself if it has no name.
    pub fn word_for<'a>(&'a self, choice: &'a str, language: Option<&str>) -> &'a str {
        let words = language.and_then(|language| self.words.get(language));
        words
            .and_then(|words| words.get(choice))
            .map_or(choice, String::as_str)
    }

    /// Whether the API ignores the case of values.
    pub fn folds_case(&self) -> bool {
        self.ignore_case || self.kind == Kind::Email
    }

    /// The field's name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The kind of the value, or of the items of a list.
    pub fn value_kind(&self) -> Kind {
        match (self.kind, self.items) {
            (Kind::List, Some(items)) => items,
            (kind, _) => kind,
        }
    }

    /// Whether the value is a list.
    pub fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    /// The separator between the values in a cell.
    pub fn separator(&self) -> Separator {
        self.separator.unwrap_or_default()
    }

    /// The effect of a row on the record's list.
    pub fn mode(&self) -> ListMode {
        self.mode.unwrap_or_default()
    }

    /// Whether an update requires the current record, because it contains the whole list.
    pub fn needs_record(&self) -> bool {
        let is_changed = self.is_list() && self.mode() != ListMode::Replace;
        !self.read_only && (is_changed || self.pointer.is_in_list())
    }

    /// The values in a list cell, without surrounding space.
    pub fn values_in<'a>(&self, cell: &'a str) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let separator = self.separator().character();
        let values = cell.split([separator, '\n', '\r']);
        values.map(str::trim).filter(|value| !value.is_empty())
    }

    /// The cell that holds these values of a list. Returns `None` if no cell can represent them.
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

    /// The field's name for logs and notifications.
    pub fn declared(&self) -> Declared {
        Declared::name(self.name())
    }

    /// The field as a reader of this language calls it: its first alias in the language, or else its name.
    pub fn label(&self, language: &str) -> &str {
        let aliases = self.aliases.get(language);
        let first = aliases.and_then(|aliases| aliases.first());
        first.map_or(self.name(), String::as_str)
    }

    /// The other headers of the column: the API's names for the field, and its aliases in all languages.
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
    fn kind_names_match_those_in_target_files() {
        for kind in Kind::ALL.iter().copied() {
            let read: Kind = serde_json::from_value(json!(kind.as_str())).unwrap();
            assert_eq!(read, kind);
        }
    }

    #[test]
    fn values_are_shown_in_the_given_language() {
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
    fn a_list_round_trips_through_a_cell() {
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
    fn a_field_has_the_apis_names_and_all_aliases_as_headers() {
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
        // The field is in the path, so the API's body has no name for it.
        assert_eq!(names("id")[..2], ["Student ID", "Meitner ID"]);
    }
}
