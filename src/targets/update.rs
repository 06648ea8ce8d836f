//! The update of a target file: the request that changes one record.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Method;

/// The request that updates one record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The HTTP method.
    pub method: Method,
    /// Path below the base address, with `{field}` for each field that goes into it.
    pub path: String,
    /// The media type of the body: a JSON type, such as `application/scim+json`.
    #[serde(default = "default_content_type")]
    pub content_type: String,
    /// JSON pointer in the body below which the fields stand, such as `/user`.
    #[serde(default)]
    pub body: String,
    /// Members of every body, such as `{ schemas = ["urn:…"] }`.
    #[serde(default)]
    pub body_members: serde_json::Map<String, serde_json::Value>,
    /// Whether a request whose answer was lost may be sent again.
    pub idempotent: bool,
    /// Fields that an update which leaves them out might reset: where the record was read, they
    /// stand in every update as they are.
    #[serde(default)]
    pub keep: Vec<String>,
    /// The version that `If-Match` sends: `etag`, the `ETag` header of `lookup.read`, or a JSON
    /// pointer to the version in the record, such as `/meta/version`. If the record has changed since
    /// it was read, the API refuses the update with 412.
    pub if_match: Option<String>,
    /// Whether a record without a version is updated without `If-Match`. Otherwise its row fails.
    #[serde(default)]
    pub if_match_optional: bool,
    /// Whether the API merges a body into the record, nested objects included. Then only the fields
    /// that differ are sent.
    #[serde(default)]
    pub merges: bool,
    /// What clears a field.
    #[serde(default)]
    pub clear: Clear,
    /// `PUT`: whether it erases what the body leaves out. Then the whole record is sent as it was
    /// read, with the changes in it.
    #[serde(default = "yes")]
    pub replaces: bool,
    /// `PUT`: pointers of members that only the API sets and no field names, such as `/meta`. They
    /// are left out of the body.
    #[serde(default)]
    pub read_only: Vec<String>,
    /// Pointers of nested objects that the API takes whole only: part of one would lose the rest.
    #[serde(default)]
    pub whole: Vec<String>,
}

/// The value of `update.if_match` that takes the version from the `ETag` header.
pub const ETAG: &str = "etag";

/// What clears a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clear {
    /// JSON `null`.
    #[default]
    Null,
    /// An empty string.
    Empty,
}

fn yes() -> bool {
    true
}

fn default_content_type() -> String {
    "application/json".into()
}
