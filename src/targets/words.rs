//! Target files name records in each language.

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

/// What records are called in `language`, the one that is spoken: by the target's own words, in English by
/// `record`, else by a word that fits any.
pub(super) fn words_in(language: Language, words: &BTreeMap<String, Words>, record: &str) -> Words {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_called_by_the_targets_words_where_it_has_any_in_the_language() {
        let of = |record: &str, records: &str| Words {
            record: record.to_owned(),
            records: records.to_owned(),
        };
        let none = BTreeMap::new();
        let swedish = BTreeMap::from([("sv".to_owned(), of("barn", "barnen"))]);
        let english = BTreeMap::from([("en".to_owned(), of("child", "children"))]);
        for (language, words, record, records) in [
            (Language::English, &none, "child", "childs"),
            (Language::English, &english, "child", "children"),
            (Language::English, &swedish, "child", "childs"),
            (Language::Swedish, &swedish, "barn", "barnen"),
            // The language of this process is English.
            (Language::Swedish, &english, "record", "records"),
        ] {
            let said = words_in(language, words, "child");
            assert_eq!((&*said.record, &*said.records), (record, records));
        }
    }
}
