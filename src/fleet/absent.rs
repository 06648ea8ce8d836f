//! Replacement for the shared queue in builds without PostgreSQL.

mod desk;
mod entry;

use crate::app::{AppError, GoOn, ListedRun, Session, SweepOptions, Swept};
use crate::journal::{JournalError, RunRecord, State};
use crate::run::AuditEntry;

pub use desk::QueueDesk;
pub use entry::{EntryState, GoesOn, QueueEntry};

fn not_built<T>() -> Result<T, AppError> {
    Err(JournalError::NotBuilt.into())
}

/// Returns the error of a build without PostgreSQL.
pub fn put_back(
    _state: &State,
    _id: i64,
    _how: GoOn,
    _deed: &AuditEntry,
) -> Result<GoesOn, AppError> {
    not_built()
}

/// Returns the error of a build without PostgreSQL.
pub fn end_declined(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

/// Returns the error of a build without PostgreSQL.
pub fn remove(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

/// Returns no queue entry for any run.
pub fn place_of(
    _state: &State,
    _run: &RunRecord,
    _shown: &mut ListedRun,
) -> Result<Option<QueueEntry>, AppError> {
    Ok(None)
}

/// Returns the error of a build without PostgreSQL.
pub fn sweep_into_queue(
    _session: &Session,
    _options: SweepOptions,
    _desk: &QueueDesk<'_>,
) -> Result<Swept, AppError> {
    not_built()
}
