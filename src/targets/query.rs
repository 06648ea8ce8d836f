//! How a target file describes finding records by a key with GET.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A GET request that finds the records with a key, or one record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The field of `lookup.keys` by which it finds records.
    #[schemars(with = "String")]
    pub key: Spanned<String>,
    /// Its path. Without `parameter` it holds `{key}`, and the answer is one record.
    pub path: String,
    /// The query parameter that holds the filter. The answer is a list of records.
    pub parameter: Option<String>,
    /// How one key is written, such as `userName eq "{key}"`. Else the key alone.
    pub filter: Option<String>,
    /// What joins the keys of one request, such as ` or `.
    pub between: Option<String>,
    /// Text around the joined keys, such as `id in ({filter})`.
    pub around: Option<String>,
    /// How characters of a key are written, such as `{ '"' = '\"' }`.
    #[serde(default)]
    pub escape: BTreeMap<char, String>,
    /// The maximum number of keys in one request. Else one.
    pub most: Option<u32>,
    /// Whether the API also returns records that only contain the key, or resemble it.
    #[serde(default)]
    pub partial: bool,
}

impl Query {
    /// The text of a path or filter that stands for the key.
    pub const KEY: &'static str = "{key}";
    /// The text that stands for the joined keys.
    pub const FILTER: &'static str = "{filter}";

    /// Returns the name of the field by which it finds records.
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    /// Returns the text in which the key stands: the filter or, for one record, the path.
    pub fn template(&self) -> &str {
        match (&self.parameter, &self.filter) {
            (None, _) => &self.path,
            (_, Some(filter)) => filter,
            (_, None) => Query::KEY,
        }
    }

    /// Returns the maximum number of keys in one request.
    pub fn most(&self) -> usize {
        self.most.unwrap_or(1).max(1) as usize
    }
}
