//! Options of the checks: empty cells, strictness and guarded values.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The meaning of an empty cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmptyCell {
    /// The value is not changed.
    #[default]
    Keep,
    /// The value is cleared.
    Clear,
}

/// The options of the checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckOptions {
    /// The meaning of an empty cell.
    pub empty: EmptyCell,
    /// The reference date for centuries and dates of birth.
    pub today: Date,
    /// Whether doubtful values are invalid.
    #[serde(default)]
    pub strict: bool,
    /// Whether the records are those of real persons, so that test numbers are doubtful.
    #[serde(default)]
    pub production: bool,
    /// Whether the rows of an earlier run are known, so that rows that were padded in its results are
    /// recognized.
    #[serde(default)]
    pub recalls: bool,
    /// Guarded values that the user has allowed, as field and value.
    pub allowed: Vec<(String, String)>,
    /// The position of the field that finds a record, if records can be read. Values without a column are
    /// then taken from the record.
    #[serde(default)]
    pub sparse_key: Option<usize>,
    /// The positions of further key fields, in the order in which they are tried.
    #[serde(default)]
    pub other_keys: Vec<usize>,
}

impl CheckOptions {
    /// Whether an empty cell clears a field that may be empty.
    pub fn clears_fields(&self) -> bool {
        self.empty == EmptyCell::Clear
    }

    /// The default options for the date `today`.
    pub fn new(today: Date) -> CheckOptions {
        CheckOptions {
            empty: EmptyCell::Keep,
            today,
            strict: false,
            production: false,
            recalls: false,
            allowed: Vec::new(),
            sparse_key: None,
            other_keys: Vec::new(),
        }
    }
}
