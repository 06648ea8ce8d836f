//! Row facts are the results of planning a row, in addition to its outcome.

use serde::{Deserialize, Serialize};

/// The results of planning a row, in addition to its outcome. The journal stores them as JSON, so that new
/// facts do not require new columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFacts {
    /// The record that the row matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// A digest of the change if it would replace one person with another. An approval covers this change
    /// only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Digests of the conflicts that require a decision. A decision covers these conflicts only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
}

/// The record that a row matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The API's id of the record.
    pub id: String,
    /// The name of the field that found the record.
    pub by: String,
}

impl RowFacts {
    /// Whether there are no facts.
    pub fn is_empty(&self) -> bool {
        *self == RowFacts::default()
    }
}
