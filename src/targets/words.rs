//! The nouns for records in each language.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::l10n::{Language, say};

/// The nouns for records in a language.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The singular, such as `elev`.
    pub record: String,
    /// The plural, such as `elever`.
    pub records: String,
}

/// The nouns for records in the interface language `language`: the target's own, the English `record`, or a
/// generic noun.
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
    fn record_nouns_of_the_target_take_precedence() {
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
            // The interface language of the test process is English.
            (Language::Swedish, &english, "record", "records"),
        ] {
            let said = words_in(language, words, "child");
            assert_eq!((&*said.record, &*said.records), (record, records));
        }
    }
}
