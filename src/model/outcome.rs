//! An outcome is the final state of a row.

use super::Problem;
use crate::l10n::{Message, message};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The meaning of a state. Reports, retries and undos depend on it, so a state needs no code of its own there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The record was changed.
    Changed,
    /// The record already held the row's values.
    Same,
    /// The row is left out on purpose.
    Left,
    /// The row requires the user's attention.
    Faulty,
    /// No request was sent; a later one may succeed.
    Open,
    /// The record may have been changed.
    InDoubt,
}

/// Declares the states, each with its name in results files and summaries, its name for the user and its
/// meaning.
macro_rules! states {
    ($($(#[doc = $doc:literal])+ $state:ident $word:literal $message:ident $standing:ident;)*) => {
        /// The final state of a row. Each row of a finished run has exactly one state other than `Unknown`,
        /// which occurs only in an interrupted run until it is resumed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum RowState {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $state,)*
        }

        impl RowState {
            /// Every state, in the order of the summary.
            pub const ALL: &[RowState] = &[$(RowState::$state),*];

            /// The state's name in results files and summaries.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(RowState::$state => $word,)*
                }
            }

            /// The state's name for the user.
            pub fn message(self) -> Message {
                match self {
                    $(RowState::$state => message::$message(),)*
                }
            }

            /// The state's meaning.
            pub fn standing(self) -> Standing {
                match self {
                    $(RowState::$state => Standing::$standing,)*
                }
            }
        }
    };
}

states! {
    /// The API accepted the request.
    Updated "updated" word_updated Changed;
    /// The record already held these values; nothing was sent.
    Unchanged "unchanged" word_unchanged Same;
    /// The row failed the checks; nothing was sent.
    Invalid "invalid" word_invalid Faulty;
    /// The API rejected the row.
    Rejected "rejected" word_rejected Faulty;
    /// The request could not be delivered.
    Failed "failed" word_failed Faulty;
    /// No request was sent.
    NotSent "not_sent" word_not_sent Open;
    /// The row is about a protected person. It was neither looked up nor sent.
    Withheld "withheld" word_withheld Left;
    /// A request was sent, and no response was received.
    Unknown "unknown" word_unknown InDoubt;
}

impl RowState {
    /// The state's name in the interface language.
    pub fn in_words(self) -> String {
        self.message().to_string()
    }

    /// Whether the record now holds the row's values.
    pub fn succeeded(self) -> bool {
        matches!(self.standing(), Standing::Changed | Standing::Same)
    }

    /// Whether the record was changed, or may have been.
    pub fn may_have_changed(self) -> bool {
        matches!(self.standing(), Standing::Changed | Standing::InDoubt)
    }

    /// Whether a retry can select rows in this state.
    pub fn can_be_retried(self) -> bool {
        matches!(self.standing(), Standing::Faulty | Standing::Open)
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
        let mut all = RowState::ALL.iter().copied();
        all.find(|state| state.as_str() == text)
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
    /// Creates the outcome of a row in this state for which no request was sent.
    pub fn of(row: u64, state: RowState, finished_at: Timestamp) -> Outcome {
        Outcome {
            row,
            state,
            http_status: None,
            error_code: String::new(),
            problems: Vec::new(),
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at,
        }
    }

    /// All problems of the row as text; empty on success.
    pub fn error(&self) -> String {
        Problem::join(&self.problems)
    }
}
