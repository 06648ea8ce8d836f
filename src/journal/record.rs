//! The record interface makes intents and outcomes durable.

use super::error::JournalError;
use crate::model::{Outcome, RowState};

/// Where a run's intents and outcomes are recorded.
pub trait Record: Sync {
    /// Records the intent of attempt number `attempt` for `row`. Returns when that is durable: at once, where it
    /// was recorded beforehand that it may be.
    ///
    /// # Errors
    /// When it could not be recorded: the request must not be made.
    fn intent(
        &self,
        row: u64,
        attempt: u32,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Hands over the outcome of a row, to be recorded soon. Waits only where too much is on its way
    /// to the disk.
    ///
    /// # Errors
    /// When nothing can be recorded any more.
    fn outcome(&self, outcome: Outcome) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// The next rows whose outcome has become durable: they count as done. Never returns where
    /// nothing is on its way.
    fn durable(&self) -> impl Future<Output = Result<Vec<(u64, RowState)>, JournalError>> + Send;

    /// Returns when every outcome that was handed over is durable.
    fn flush(&self) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// What a writer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Planning: what was not finished is done again, so nothing waits for the disk.
    Planning,
    /// Sending, a window of requests ahead, and outcomes in groups.
    Sending,
    /// Sending with a commit before each request and after it: only what is in progress is ever in doubt.
    StrictSending,
}
