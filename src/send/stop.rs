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
    },
    /// Nobody answered, not even once.
    Unreachable,
    /// Someone asked for it.
    Asked,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Refused { status, message } => {
                write!(
                    f,
                    "the API refused the credentials (HTTP {status}: {message})"
                )
            }
            Stop::Unreachable => f.write_str("the API could not be reached"),
            Stop::Asked => f.write_str("the run was asked to stop"),
        }
    }
}
