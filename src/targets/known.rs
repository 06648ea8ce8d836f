//! Key lists describe the keys of APIs without readable records.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::lookup::{Lookup, Paging, SearchNames};
use crate::l10n::Language;

/// A list of the keys that the API knows, for an API whose records cannot be read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Path that lists the keys, with GET.
    pub list: String,
    /// JSON pointer to the entries in an answer.
    pub records: String,
    /// JSON pointer to the number of all entries.
    #[serde(default)]
    pub total: String,
    /// Entries a page.
    pub page_size: u32,
    /// How one page follows another.
    pub paging: Paging,
    /// JSON pointers in an entry, by the field in the update's path whose value stands there.
    pub fields: BTreeMap<String, String>,
    /// What to do about a key that the API does not know, by language.
    #[serde(default)]
    pub remedy: BTreeMap<String, String>,
}

impl Known {
    /// The same as a list of records, of which nothing but the key is read.
    pub fn as_lookup(&self) -> Lookup {
        Lookup {
            keys: Vec::new(),
            id: String::new(),
            read: None,
            search: None,
            search_filter: String::new(),
            search_body: serde_json::Map::new(),
            search_names: SearchNames::Nested,
            list: Some(self.list.clone()),
            records: Some(self.records.clone()),
            query: Vec::new(),
            total: self.total.clone(),
            trust_total: !self.total.is_empty(),
            page_size: Some(self.page_size),
            paging: Some(self.paging.clone()),
            changes: None,
        }
    }

    /// What to do about a key that the API does not know, in the language that is spoken, else in English.
    pub fn remedy(&self) -> Option<&str> {
        let spoken = self.remedy.get(Language::spoken().code());
        spoken.or_else(|| self.remedy.get("en")).map(String::as_str)
    }
}
