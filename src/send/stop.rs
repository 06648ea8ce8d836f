use super::answer::Answer;
use crate::model::Outcome;

/// Whether someone has asked for a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    /// Nobody has.
    None,
    /// Requests under way may finish.
    Finish,
    /// At once.
    Now,
}

/// Why sending ended before its last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The API refused the credentials: status and its own words.
    Refused {
        /// HTTP status.
        status: u16,
        /// The API's message.
        message: String,
        /// Whether something was to be read, and not to be changed.
        reading: bool,
    },
    /// Nobody answered.
    Unreachable,
    /// Nearly every row ends in the same error.
    Failing {
        /// The error.
        error: String,
    },
    /// A guard holds the run before anything is sent.
    Held {
        /// Why.
        why: String,
    },
    /// The first rows do not hold what was sent.
    Canary {
        /// What was found.
        why: String,
    },
    /// What the API holds could not be read, so nothing could be planned.
    LookUp {
        /// Why.
        why: String,
        /// The answer's status, if it was that.
        status: Option<u16>,
    },
    /// Someone asked for it.
    Asked,
}

impl Stop {
    /// Whether the credentials may be such as may write and not read.
    pub fn may_not_read(&self) -> bool {
        matches!(
            self,
            Stop::Refused {
                status: 403,
                reading: true,
                ..
            } | Stop::LookUp {
                status: Some(403 | 404),
                ..
            }
        )
    }

    /// The stop that an answer calls for which refuses the credentials.
    pub(super) fn refused(answer: Answer, reading: bool) -> Stop {
        Stop::Refused {
            status: answer.status,
            message: answer.message,
            reading: reading && !answer.sign_in_refused,
        }
    }

    /// The stop that an error calls for in which nearly every row ended.
    pub(super) fn repeated(outcome: &Outcome) -> Stop {
        match outcome.http_status {
            None => Stop::Unreachable,
            Some(status) => Stop::Failing {
                error: format!("HTTP {status}: {}", outcome.error),
            },
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Refused {
                status, message, ..
            } => {
                write!(
                    f,
                    "the API refused the credentials (HTTP {status}: {message})"
                )
            }
            Stop::Unreachable => f.write_str("the API could not be reached"),
            Stop::Failing { error } => {
                write!(f, "nearly every row ends in the same error ({error})")
            }
            Stop::Held { why } => write!(f, "held, and nothing was sent: {why}"),
            Stop::Canary { why } => write!(f, "the first rows were read back, and {why}"),
            Stop::LookUp { why, .. } => write!(f, "the API's records could not be read ({why})"),
            Stop::Asked => f.write_str("the run was asked to stop"),
        }
    }
}
