//! The description of an API's responses in a target file.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a success contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expects {
    /// The record as it is after the update.
    Record,
    /// 204 No Content.
    NoContent,
    /// The record, or 204 No Content.
    RecordOrNoContent,
}

/// How answers are read. Every 2xx is success, whatever its body, unless `expects` is set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// JSON pointer to the API's error code.
    #[serde(default)]
    pub code: String,
    /// JSON pointer to the error's text.
    #[serde(default)]
    pub message: String,
    /// JSON pointer to an object with messages by field, or a list of objects; the empty pointer
    /// is the whole body. Its members are flattened to `profile.salutation: …`.
    pub fields: Option<String>,
    /// JSON pointer to the request's id.
    #[serde(default)]
    pub request_id: String,
    /// What the answer to a successful update contains. Any other content stops the run: a login
    /// page or a proxy answered.
    pub expects: Option<Expects>,
    /// JSON pointer to the record in the answer to an update and to `lookup.read`.
    #[serde(default)]
    pub record: String,
    /// Statuses after which the request is made again.
    pub retry: Vec<u16>,
    /// Statuses that refuse one row.
    pub reject: Vec<u16>,
    /// Statuses that stop the run: the credentials are refused.
    pub stop: Vec<u16>,
}
