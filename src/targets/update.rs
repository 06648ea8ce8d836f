//! The update request of a target file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Method;

/// The request that updates one record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The HTTP method.
    pub method: Method,
    /// Path below the base address, with a placeholder `{field}` for each field in the path.
    pub path: String,
    /// The media type of the body, which must be JSON, such as `application/scim+json`.
    #[serde(default = "default_content_type")]
    pub content_type: String,
    /// JSON pointer in the body to the object that holds the fields, such as `/user`.
    #[serde(default)]
    pub body: String,
    /// Constant members of the body, such as `{ schemas = ["urn:…"] }`.
    #[serde(default)]
    pub body_members: serde_json::Map<String, serde_json::Value>,
    /// Whether updates are idempotent, so that a request without a response can be resent.
    pub idempotent: bool,
    /// Fields that an update may reset by omitting them. If the record was read, every update includes their
    /// current values.
    #[serde(default)]
    pub keep: Vec<String>,
    /// The version to send in `If-Match`: `etag` for the `ETag` header of `lookup.read`, or a JSON pointer to
    /// the version in the record, such as `/meta/version`. If the record has changed since it was read, the
    /// API rejects the update with 412.
    pub if_match: Option<String>,
    /// Whether a record without a version is updated without `If-Match`. Otherwise its row fails.
    #[serde(default)]
    pub if_match_optional: bool,
    /// Whether the API merges the body into the record, nested objects included. Only changed fields are then
    /// sent.
    #[serde(default)]
    pub merges: bool,
    /// The value that clears a field.
    #[serde(default)]
    pub clear: Clear,
    /// `PUT`: whether omitted members are erased. The whole record is then sent with the changes.
    #[serde(default = "yes")]
    pub replaces: bool,
    /// `PUT`: pointers to members that only the API sets and that are not fields, such as `/meta`. They are
    /// omitted from the body.
    #[serde(default)]
    pub read_only: Vec<String>,
    /// Pointers to nested objects that the API replaces as a whole. Sending only a part would lose the rest.
    #[serde(default)]
    pub whole: Vec<String>,
}

/// The value of `update.if_match` that takes the version from the `ETag` header.
pub const ETAG: &str = "etag";

/// The value that clears a field.
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
