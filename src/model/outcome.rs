//! An outcome is the final state of a row.

use super::Problem;
use crate::l10n::{Message, message};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The states in which a row can end. Every row of a finished run is in exactly one of the first
/// seven; `Unknown` exists only in a run that died, until it is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// The API accepted the request.
    Updated,
    /// The record held these values already; nothing was sent.
    Unchanged,
    /// The row did not pass the checks; nothing was sent.
    Invalid,
    /// The API refused the row.
    Rejected,
    /// The request could not be delivered.
    Failed,
    /// Not attempted.
    NotSent,
    /// The row is about a protected person; it was not looked up and not sent.
    Withheld,
    /// Sent, and no answer seen.
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

    /// The word used in results files and summaries.
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

    /// The word for a person.
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

    /// The same in the reader's language.
    pub fn in_words(self) -> String {
        self.message().to_string()
    }

    /// Whether the remote record now holds what the row says.
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

/// The code of a row that was not among those asked for.
pub const LEFT_OUT: &str = "row.left_out";

/// The code of a row about a protected person.
pub const PROTECTED: &str = "row.protected";

/// The code of a row whose record marks a protected person.
pub const PROTECTED_RECORD: &str = "record.protected";

/// The code of a field that was overwritten although its value had changed since it was last written.
pub const OVERWRITTEN: &str = "conflict.overwritten";

/// The code of a number that keeps its value because its mark of a temporary number does, or the reverse.
pub const FIELD_BOUND: &str = "field.bound";

/// What became of one row: exactly what the results file says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Row number, from 1.
    pub row: u64,
    /// The state it ended in.
    pub state: RowState,
    /// HTTP status of the last answer, if there was one.
    pub http_status: Option<u16>,
    /// The API's own error code, or the first problem's.
    pub error_code: String,
    /// Every problem of the row; on success, what is doubtful about it.
    pub problems: Vec<Problem>,
    /// Names of the fields that were sent because they differed, space-separated.
    pub changed: String,
    /// Requests made for this row.
    pub attempts: u32,
    /// The API's request id, for its support.
    pub request_id: String,
    /// When the row reached its state.
    pub finished_at: Timestamp,
}

impl Outcome {
    /// Every problem of the row, for a person; empty on success.
    pub fn error(&self) -> String {
        Problem::join(&self.problems)
    }
}
