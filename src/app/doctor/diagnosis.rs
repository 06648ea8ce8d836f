//! The findings of the checks before an import.

use std::io;
use std::time::Duration;

/// The result of one check before an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The subject of the check.
    pub what: String,
    /// The result of the check.
    pub health: Health,
    /// Details and, if something is wrong, what to do.
    pub told: String,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The check passed.
    Well,
    /// The result is unknown before something is sent, or is doubtful but does not stop an import.
    Unknown,
    /// The problem would stop an import or its notifications.
    Wrong,
    /// The API rejects requests or cannot be reached, which would stop an import.
    Refused,
}

impl Diagnosis {
    /// Creates a finding about `what`.
    pub fn new(what: impl Into<String>, health: Health, told: impl Into<String>) -> Diagnosis {
        Diagnosis {
            what: what.into(),
            health,
            told: told.into(),
        }
    }
}

/// The maximum timeout for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `work` on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?.block_on(work))
}
