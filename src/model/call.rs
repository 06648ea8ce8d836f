//! A call is a planned request for one row.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::{Problem, RowAt};

/// The HTTP method of a target's update requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Changes part of a record (RFC 5789).
    Patch,
    /// Replaces a record (RFC 9110, section 9.3.4).
    Put,
    /// Semantics defined by the API (RFC 9110, section 9.3.3).
    Post,
}

impl Method {
    /// The method's name in an HTTP request.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Patch => "PATCH",
            Method::Put => "PUT",
            Method::Post => "POST",
        }
    }
}

/// A change of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name.
    pub field: String,
    /// The record's current value; `None` if it could not be read.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known"
    )]
    pub from: Option<Json>,
    /// The new value.
    pub to: Json,
}

impl Change {
    /// Whether the new value equals the current one. This occurs when all values of a row are sent on
    /// request.
    pub fn is_idle(&self) -> bool {
        self.from.as_ref() == Some(&self.to)
    }
}

/// Deserializes `null` as a known null value. A missing member means that the value is unknown.
fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(from).map(Some)
}

/// A planned request for one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call {
    /// The row's position.
    pub at: RowAt,
    /// The value that found the record.
    pub key: String,
    /// The path below the base address, percent-encoded, beginning with `/`.
    pub path: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// The names of the changed fields, in the target's order, space-separated.
    pub changed: String,
    /// The changed fields with their values, for display and undo. Empty if the record was not read; the body
    /// holds the new values.
    pub changes: Vec<Change>,
    /// Fingerprints of the fields in the body. They are stored if the record cannot be read.
    pub fingerprint: Option<Fingerprint>,
    /// Warnings about the row, reported even if it succeeds.
    pub note: Vec<Problem>,
}

/// The fingerprints of a body's fields, in the target's order.
pub type Fingerprint = Vec<u8>;

/// The fingerprint of a field: a hash of the record's path, the field's name and its value. If two values of a
/// field have the same fingerprint, which happens with a probability of 2^-64, the change from one to the other
/// counts as delivered and is not sent before `--trust-for` has passed.
pub type FieldPrint = [u8; 8];

/// The request that remains to be sent for a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// The row's number, from 1.
    pub row: u64,
    /// The path below the base address, percent-encoded, beginning with `/`.
    pub path: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// The names of the changed fields, space-separated.
    pub changed: String,
    /// Warnings about the row, reported even if it succeeds.
    pub note: Vec<Problem>,
    /// Known requests for the row before the run was interrupted.
    pub attempts: u32,
    /// Whether a request may have been sent without a response, so that the change may already have been
    /// made.
    pub doubtful: bool,
}
