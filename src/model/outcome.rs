//! An outcome is the final state of a row.

use super::Problem;
use crate::l10n::{Message, message};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The final state of a row. Each row of a finished run has exactly one of the first seven states. `Unknown`
/// occurs only in an interrupted run until it is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// The API accepted the request.
    Updated,
    /// The record already held these values; nothing was sent.
    Unchanged,
    /// The row failed the checks; nothing was sent.
    Invalid,
    /// The API rejected the row.
    Rejected,
    /// The request could not be delivered.
    Failed,
    /// No request was sent.
    NotSent,
    /// The row is about a protected person. It was neither looked up nor sent.
    Withheld,
    /// A request was sent, and no response was received.
    Unknown,
}

impl RowState {
    /// Every state, in the order of the summary.
    pub const ALL: [RowState; 8] = [
        RowState::Updated,
        RowState::Unchanged,
        RowState::Invalid,
        RowState::Rejected,
        RowState::Failed,
        RowState::NotSent,
        RowState::Withheld,
        RowState::Unknown,
    ];

    /// The state's name in results files and summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            RowState::Updated => "updated",
            RowState::Unchanged => "unchanged",
            RowState::Invalid => "invalid",
            RowState::Rejected => "rejected",
            RowState::Failed => "failed",
            RowState::NotSent => "not_sent",
            RowState::Withheld => "withheld",
            RowState::Unknown => "unknown",
        }
    }

    /// The state's name for the user.
    pub fn message(self) -> Message {
        match self {
            RowState::Updated => message::word_updated(),
            RowState::Unchanged => message::word_unchanged(),
            RowState::Invalid => message::word_invalid(),
            RowState::Rejected => message::word_rejected(),
            RowState::Failed => message::word_failed(),
            RowState::NotSent => message::word_not_sent(),
            RowState::Withheld => message::word_withheld(),
            RowState::Unknown => message::word_unknown(),
        }
    }

    /// The state's name in the interface language.
    pub fn in_words(self) -> String {
        self.message().to_string()
    }

    /// Whether the record now holds the row's values.
    pub fn succeeded(self) -> bool {
        matches!(self, RowState::Updated | RowState::Unchanged)
    }
}

impl fmt::Display for RowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RowState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        RowState::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a row state"))
    }
}

/// The code of a row that was not selected.
pub const LEFT_OUT: &str = "row.left_out";

/// The code of a row about a protected person.
pub const PROTECTED: &str = "row.protected";

/// The code of a row whose record marks a protected person.
pub const PROTECTED_RECORD: &str = "record.protected";

/// The code of a field that was overwritten although its value had changed since it was last written.
pub const OVERWRITTEN: &str = "conflict.overwritten";

/// The code of a field that keeps its value because another field of the record keeps its own.
pub const FIELD_BOUND: &str = "field.bound";

/// The outcome of one row, as the results file reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The row number, from 1.
    pub row: u64,
    /// The row's final state.
    pub state: RowState,
    /// The HTTP status of the last response, if there was one.
    pub http_status: Option<u16>,
    /// The API's error code, or the code of the first problem.
    pub error_code: String,
    /// All problems of the row; its warnings if it succeeded.
    pub problems: Vec<Problem>,
    /// The names of the changed fields that were sent, space-separated.
    pub changed: String,
    /// The number of requests for the row.
    pub attempts: u32,
    /// The request id that the API returned, for its support.
    pub request_id: String,
    /// When the row reached its final state.
    pub finished_at: Timestamp,
}

impl Outcome {
    /// All problems of the row as text; empty on success.
    pub fn error(&self) -> String {
        Problem::join(&self.problems)
    }
}
