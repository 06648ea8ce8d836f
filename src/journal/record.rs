//! The interface that makes intents and outcomes durable.

use super::error::JournalError;
use crate::model::{Outcome, RowState};

/// Records a run's intents and outcomes.
pub trait Record: Sync {
    /// Records the intent of attempt number `attempt` for `row`. Returns once it is durable, which is
    /// immediate if the row is in a recorded window. After an error, the request must not be made.
    fn intent(
        &self,
        row: u64,
        attempt: u32,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Queues the outcome of a row for recording. Waits only if too many outcomes are queued. Fails if
    /// nothing can be recorded any more.
    fn outcome(&self, outcome: Outcome) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Returns the next rows whose outcome is durable and that therefore count as done. Never returns if
    /// nothing is queued.
    fn durable(&self) -> impl Future<Output = Result<Vec<(u64, RowState)>, JournalError>> + Send;

    /// Returns once every queued outcome is durable.
    fn flush(&self) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// The stage of a run, which determines how its entries are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Planning: unfinished work is repeated after a crash, so nothing waits for the disk.
    Planning,
    /// Sending, with intents for a window of requests and outcomes in groups.
    Sending,
    /// Sending with a commit before and after each request, so that only requests in progress are ever in
    /// doubt.
    StrictSending,
}
