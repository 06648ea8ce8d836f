use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::l10n::{Language, say};

/// What records are called in a language.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// One of them, such as `elev`.
    pub record: String,
    /// Several, such as `elever`.
    pub records: String,
}

/// What records are called in the language that is spoken: by the target's own words, in English by
/// `record`, else by a word that fits any.
pub(super) fn spoken(words: &BTreeMap<String, Words>, record: &str) -> Words {
    let language = Language::spoken();
    match words.get(language.code()) {
        Some(words) => words.clone(),
        None if language == Language::English => Words {
            record: record.to_owned(),
            records: format!("{record}s"),
        },
        None => Words {
            record: say().word_record(),
            records: say().word_records(),
        },
    }
}
