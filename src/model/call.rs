use serde::Deserialize;

use super::RowAt;

/// The HTTP methods with which a target may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

/// One request that is to be made for one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The row it is made for.
    pub at: RowAt,
    /// The HTTP method.
    pub method: Method,
    /// Path below the base address, percent-encoded, beginning with `/`.
    pub path: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// Names of the fields that are in the body because they are to be changed, in the target's
    /// order, space-separated.
    pub changed: String,
}
