//! The `[renumbering]` table of a target file describes changes of identity numbers.

use schemars::JsonSchema;
use serde::Deserialize;

/// Records whose temporary identity number is replaced with a final one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renumbering {
    /// The field with the identity number, which begins with the date of birth as `YYYYMMDD`.
    pub number: String,
    /// The boolean field that marks a temporary number. It is set to false with the new number.
    pub temporary: String,
    /// Whether coordination numbers, whose day is increased by 60, are replaced too.
    #[serde(default)]
    pub coordination: bool,
    /// Fields that find a record whose number differs from the row's, such as an id in another system.
    pub by: Vec<String>,
}
