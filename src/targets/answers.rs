//! The description of an API's responses in a target file.

use schemars::JsonSchema;
use serde::Deserialize;

/// The content of the response to a successful update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expects {
    /// The updated record.
    Record,
    /// 204 No Content.
    NoContent,
    /// The updated record, or 204 No Content.
    RecordOrNoContent,
}

/// The interpretation of responses. Every 2xx status is success regardless of the body, unless `expects` is
/// set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// JSON pointer to the API's error code.
    #[serde(default)]
    pub code: String,
    /// JSON pointer to the text of the error.
    #[serde(default)]
    pub message: String,
    /// JSON pointer to an object, or a list of objects, with messages by field; the empty pointer is the
    /// whole body. Nested members are flattened to `profile.salutation: …`.
    pub fields: Option<String>,
    /// JSON pointer to the request id.
    #[serde(default)]
    pub request_id: String,
    /// The content of the response to a successful update. Any other content stops the run, because a login
    /// page or a proxy has probably responded.
    pub expects: Option<Expects>,
    /// JSON pointer to the record in the response to an update and to `lookup.read`.
    #[serde(default)]
    pub record: String,
    /// Status codes after which the request is retried.
    pub retry: Vec<u16>,
    /// Status codes that reject the row.
    pub reject: Vec<u16>,
    /// Status codes that stop the run, because the API refused the credentials.
    pub stop: Vec<u16>,
}
