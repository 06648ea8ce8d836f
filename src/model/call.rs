//! A call is a planned request for one row.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::{Problem, RowAt};

/// The HTTP methods with which a target may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// RFC 5789: change some of a record.
    Patch,
    /// RFC 9110, section 9.3.4: replace a record.
    Put,
    /// RFC 9110, section 9.3.3: whatever the API makes of it.
    Post,
}

impl Method {
    /// The method's name as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Patch => "PATCH",
            Method::Put => "PUT",
            Method::Post => "POST",
        }
    }
}

/// One field that a call changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name.
    pub field: String,
    /// What the record held; nothing where it could not be read.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known"
    )]
    pub from: Option<Json>,
    /// What it is to hold.
    pub to: Json,
}

impl Change {
    /// Whether it changes nothing: all that a row says is sent where that is requested.
    pub fn is_idle(&self) -> bool {
        self.from.as_ref() == Some(&self.to)
    }
}

/// A value that is known to be null is not one that is unknown.
fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(from).map(Some)
}

/// One request that is to be made for one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The row it is made for.
    pub at: RowAt,
    /// The value by which the record was found.
    pub key: String,
    /// Path below the base address, percent-encoded, beginning with `/`.
    pub path: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// Names of the fields that are in the body because they are to be changed, in the target's
    /// order, space-separated.
    pub changed: String,
    /// The same with their values, for a person to see or undo them. Empty where nothing was read:
    /// what they are to be stands in the body.
    pub changes: Vec<Change>,
    /// Fingerprints of the fields in the body, where they are to be remembered because the record
    /// cannot be read.
    pub fingerprint: Option<Fingerprint>,
    /// Messages about the row even if it succeeds.
    pub note: Vec<Problem>,
}

/// Fingerprints of the fields of a body, in the target's order.
pub type Fingerprint = Vec<u8>;

/// The fingerprint of a field: the first half of a SHA-256 of the record's path, the field's name and
/// its value.
pub type FieldPrint = [u8; 16];

/// What is left to send for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The row's number, from 1.
    pub row: u64,
    /// Path below the base address, percent-encoded, beginning with `/`.
    pub path: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// Names of the fields that are in the body because they are to be changed, space-separated.
    pub changed: String,
    /// What is to be said of the row even if it succeeds.
    pub note: Vec<Problem>,
    /// Requests made for the row before this run was interrupted, as far as is known.
    pub attempts: u32,
    /// Whether one may have been made that was never answered, so that the change may have been made
    /// already.
    pub doubtful: bool,
}
