//! Replacement for the shared queue in builds without PostgreSQL. Each function fails, and no run has an entry.

#![expect(missing_docs, reason = "the shared queue documents its functions")]

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

pub fn put_back(
    _state: &State,
    _id: i64,
    _how: GoOn,
    _deed: &AuditEntry,
) -> Result<GoesOn, AppError> {
    not_built()
}

pub fn end_declined(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

pub fn remove(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

pub fn place_of(
    _state: &State,
    _run: &RunRecord,
    _shown: &mut ListedRun,
) -> Result<Option<QueueEntry>, AppError> {
    Ok(None)
}

pub fn sweep_into_queue(
    _session: &Session,
    _options: SweepOptions,
    _desk: &QueueDesk<'_>,
) -> Result<Swept, AppError> {
    not_built()
}
