use jiff::Timestamp;
use serde::Serialize;

use super::queue::database_of;
use crate::app::AppError;
use crate::journal::{State, Wrong, cell};

/// A file of the queue, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// The file as it was called where it was enqueued.
    pub file: String,
    /// How it is imported.
    pub profile: Option<String>,
    /// Its run, once it has begun.
    pub run: Option<String>,
    /// What becomes of it.
    pub state: EntryState,
    /// When the next slice of it may be done.
    pub due: Timestamp,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When its way through the queue ended.
    pub ended_at: Option<Timestamp>,
    /// The worker that does a slice of it: its machine and its process.
    pub owner: Option<String>,
    /// Slices that were begun.
    pub slices: i64,
    /// Requests that they made.
    pub requests: i64,
    /// How many of them the API refused for being too many.
    pub throttled: i64,
    /// The exit code of its run, once that has ended.
    pub exit_code: Option<i32>,
    /// What keeps or kept it.
    pub why: Option<String>,
    /// Whether a slice of it has been due for a minute and nobody does it.
    pub is_late: bool,
}

/// What becomes of a file in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// It waits for its turn, or for its quota.
    Waiting,
    /// A slice of it is being done.
    Running,
    /// Its run came to its end.
    Finished,
    /// A guard holds it.
    Held,
    /// Somebody has to see to it.
    Stopped,
    /// It cannot be read.
    Failed,
}

impl EntryState {
    fn of(word: &str) -> EntryState {
        match word {
            "waiting" => EntryState::Waiting,
            "running" => EntryState::Running,
            "finished" => EntryState::Finished,
            "held" => EntryState::Held,
            "failed" => EntryState::Failed,
            _ => EntryState::Stopped,
        }
    }
}

/// What waits in the queue, is being done, or needs somebody, the next one due first; and where `all` are
/// asked for, what has ended, the newest first.
///
/// # Errors
/// When the journal lies in no database, or that refuses.
pub fn listed_queue(state: &State, all: bool) -> Result<Vec<Entry>, AppError> {
    let database = database_of(state)?;
    let entries = database.change(|tables| {
        let rows = tables.rows(
            "SELECT id, file, profile, run_name, state, due, enqueued_at, ended_at, owner, slices,
                    requests, throttled, exit_code, why,
                    state = 'waiting' AND due < now() - interval '1 minute'
             FROM queued WHERE $1 OR state IN ('waiting', 'running', 'held', 'stopped')
             ORDER BY state IN ('finished', 'failed'), CASE WHEN ended_at IS NULL THEN due END,
                      ended_at DESC, id",
            &[&all],
        )?;
        let entry = |row| {
            Ok::<_, Wrong>(Entry {
                id: cell(row, 0)?,
                file: cell(row, 1)?,
                profile: cell(row, 2)?,
                run: cell(row, 3)?,
                state: EntryState::of(cell(row, 4)?),
                due: cell(row, 5)?,
                enqueued_at: cell(row, 6)?,
                ended_at: cell(row, 7)?,
                owner: cell(row, 8)?,
                slices: cell(row, 9)?,
                requests: cell(row, 10)?,
                throttled: cell(row, 11)?,
                exit_code: cell(row, 12)?,
                why: cell(row, 13)?,
                is_late: cell(row, 14)?,
            })
        };
        rows.iter().map(entry).collect()
    })?;
    Ok(entries)
}
