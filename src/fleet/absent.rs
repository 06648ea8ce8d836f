//! The place of the queue of many machines in a program that was built without PostgreSQL.

mod entry;
mod swept;

use crate::app::{AppError, ListedRun, Session, SweepOptions, Swept};
use crate::journal::{JournalError, RunRecord, State};
use crate::run::Deed;

pub use entry::{Entry, EntryState, GoesOn};
pub use swept::{QueueDesk, SweptFile};

fn not_built<T>() -> Result<T, AppError> {
    Err(JournalError::NotBuilt.into())
}

/// Returns the error of a build without PostgreSQL.
///
/// # Errors
/// Always.
pub fn approve(_state: &State, _id: i64, _deed: &Deed) -> Result<GoesOn, AppError> {
    not_built()
}

/// Says that this program was built without it.
///
/// # Errors
/// Always.
pub fn put_back(_state: &State, _id: i64, _deed: &Deed) -> Result<GoesOn, AppError> {
    not_built()
}

/// Returns the error of a build without PostgreSQL.
///
/// # Errors
/// Always.
pub fn remove(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

/// Where a run stands in the queue: this program knows none.
///
/// # Errors
/// None.
pub fn place_of(
    _state: &State,
    _run: &RunRecord,
    _shown: &mut ListedRun,
) -> Result<Option<Entry>, AppError> {
    Ok(None)
}

/// Says that this program was built without it.
///
/// # Errors
/// Always.
pub fn sweep_into_queue(
    _session: &Session,
    _options: &SweepOptions,
    _desk: &QueueDesk<'_>,
) -> Result<Swept, AppError> {
    not_built()
}
