//! The part of a target file that describes finding records by a key with GET.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A GET request that finds the records with a key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The field of `lookup.keys` that the request searches.
    #[schemars(with = "String")]
    pub key: Spanned<String>,
    /// The request's path. Without `parameter` it contains `{key}`, and the response is one record.
    pub path: String,
    /// The query parameter for the filter. The response is a list of records.
    pub parameter: Option<String>,
    /// The filter for one key, such as `userName eq "{key}"`. The default is the key itself.
    pub filter: Option<String>,
    /// The separator between the keys of one request, such as ` or `.
    pub between: Option<String>,
    /// The text around the joined keys, such as `id in ({filter})`.
    pub around: Option<String>,
    /// The escapes of characters in a key, such as `{ '"' = '\"' }`.
    #[serde(default)]
    pub escape: BTreeMap<char, String>,
    /// The maximum number of keys per request. The default is 1.
    pub most: Option<u32>,
    /// Whether the API also returns records that only contain or resemble the key.
    #[serde(default)]
    pub partial: bool,
}

impl Query {
    /// The placeholder of the key in a path or filter.
    pub const KEY: &'static str = "{key}";
    /// The placeholder of the joined keys.
    pub const FILTER: &'static str = "{filter}";

    /// Returns the name of the field that the request searches.
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    /// Returns the text that contains the key: the filter, or the path for one record.
    pub fn template(&self) -> &str {
        match (&self.parameter, &self.filter) {
            (None, _) => &self.path,
            (_, Some(filter)) => filter,
            (_, None) => Query::KEY,
        }
    }

    /// Returns the maximum number of keys per request.
    pub fn most(&self) -> usize {
        self.most.unwrap_or(1).max(1) as usize
    }
}
