//! The place of the queue of many machines in a program that was built without PostgreSQL.

use std::path::Path;
use std::time::Duration;

use crate::app::{AppError, Session};
use crate::journal::{JournalError, State};
use crate::model::{Exit, Summary};

/// What a sweep did with a file.
#[derive(Debug)]
pub enum SweptFile {
    /// It was put into the queue, under this number.
    Enqueued(i64),
    /// It waits there.
    Waiting,
    /// A guard holds its run, or somebody has to see to it.
    Held {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// Its run has ended; it and its results were put away.
    Ended(Box<Summary>),
    /// It could not be read, and was put aside.
    Failed(String),
}

fn not_built<T>() -> Result<T, AppError> {
    Err(JournalError::NotBuilt.into())
}

/// Says that this program was built without it.
///
/// # Errors
/// Always.
pub fn approve(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

/// Says that this program was built without it.
///
/// # Errors
/// Always.
pub fn put_back(_state: &State, _id: i64) -> Result<(), AppError> {
    not_built()
}

/// Says that this program was built without it.
///
/// # Errors
/// Always.
pub fn sweep_into_queue(
    _session: &Session,
    _folder: &Path,
    _settle: Duration,
    _outcome_first: bool,
    _profile_of: &dyn Fn(&str) -> Result<Option<String>, AppError>,
    _told: &dyn Fn(&str, &SweptFile),
) -> Result<Exit, AppError> {
    not_built()
}
