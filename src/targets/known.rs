//! Key lists contain the keys of APIs whose records cannot be read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::lookup::{Lookup, Paging};
use crate::l10n::Language;

/// The list of the API's keys, for an API whose records cannot be read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Path that lists the keys with GET.
    pub list: String,
    /// JSON pointer to the entries in a response.
    pub records: String,
    /// JSON pointer to the total number of entries.
    #[serde(default)]
    pub total: String,
    /// The number of entries per page.
    pub page_size: u32,
    /// The paging method.
    pub paging: Paging,
    /// JSON pointers to values in an entry, by the name of the field in the update's path.
    pub fields: BTreeMap<String, String>,
    /// Instructions for a key that the API does not have, by language.
    #[serde(default)]
    pub remedy: BTreeMap<String, String>,
}

impl Known {
    /// The key list as a list of records that contain only the key.
    pub fn as_lookup(&self) -> Lookup {
        Lookup {
            list: Some(self.list.clone()),
            records: Some(self.records.clone()),
            total: self.total.clone(),
            trust_total: !self.total.is_empty(),
            page_size: Some(self.page_size),
            paging: Some(self.paging.clone()),
            ..Lookup::default()
        }
    }

    /// Instructions for a key that the API does not have, in the interface language if available and
    /// otherwise in English.
    pub fn remedy(&self) -> Option<&str> {
        let spoken = self.remedy.get(Language::spoken().code());
        spoken.or_else(|| self.remedy.get("en")).map(String::as_str)
    }
}
