//! The `[renumbering]` table of a target file describes persons that get another identity number.

use schemars::JsonSchema;
use serde::Deserialize;

/// Records whose number is replaced once the person gets a final one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renumbering {
    /// The field with the number. It begins with the date of birth, `YYYYMMDD`.
    pub number: String,
    /// The field that is true of a temporary number. It becomes false with the new number.
    pub temporary: String,
    /// Whether a coordination number, in which the day has 60 added, is replaced too.
    #[serde(default)]
    pub coordination: bool,
    /// Fields that find a record whose number differs from the row's, such as an id in another system.
    pub by: Vec<String>,
}
