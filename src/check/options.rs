//! Check options control empty cells, doubtful values and identity numbers.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What an empty cell means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmptyCell {
    /// Leave the value alone.
    #[default]
    Keep,
    /// Clear the value.
    Clear,
}

/// How rows are checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckOptions {
    /// What an empty cell means.
    pub empty: EmptyCell,
    /// The day against which centuries and dates of birth are judged.
    pub today: Date,
    /// Whether what is doubtful is invalid.
    #[serde(default)]
    pub strict: bool,
    /// Whether the records are real people's, so that a number kept for tests is out of place.
    #[serde(default)]
    pub production: bool,
    /// Whether the rows of an earlier run are known, so that a row whose cells were filled in its results is
    /// recognized.
    #[serde(default)]
    pub recalls: bool,
    /// Guarded values that the user has allowed, as field and value.
    pub allowed: Vec<(String, String)>,
    /// The field that finds a record, by position, where records can be read: what a row's file has
    /// no column for is then taken from its record.
    #[serde(default)]
    pub sparse_key: Option<usize>,
    /// The further key fields, by position, in the order in which they are tried.
    #[serde(default)]
    pub other_keys: Vec<usize>,
}

impl CheckOptions {
    /// The options that hold where nobody says anything, on the day `today`.
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
