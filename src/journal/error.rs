use std::path::PathBuf;

use thiserror::Error;

/// Why the record of runs cannot be kept or read. Sending stops when it cannot be written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The state folder cannot be made or used.
    #[error("cannot use the state folder {} (--state names another)", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The state folder is on a network file system.
    #[error(
        "the state folder {} is on a network file system, where SQLite cannot keep a journal safely; name a local one with --state",
        path.display()
    )]
    Network {
        /// The folder.
        path: PathBuf,
    },
    /// Others could change the journal.
    #[error("the journal's {} {why}", path.display())]
    Strangers {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: &'static str,
    },
    /// SQLite refused.
    #[error("cannot {action} the journal {}", path.display())]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The journal's file.
        path: PathBuf,
        /// Why.
        source: Refusal,
    },
    /// A newer version of the program wrote the journal.
    #[error(
        "the journal {} has format {found}, and this version knows up to {known}; use a newer version of the program",
        path.display()
    )]
    Newer {
        /// The journal's file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// No run of that name.
    #[error("there is no run \"{name}\"; `rosterpatch runs` lists them")]
    NoRun {
        /// What was asked for.
        name: String,
    },
    /// No run waits to go on.
    #[error("no run was interrupted, so there is nothing to resume; `rosterpatch runs` lists all")]
    NothingUnfinished,
    /// A run's record is damaged.
    #[error("the journal's record of the run {run} is damaged")]
    DamagedRun {
        /// The run.
        run: String,
        /// What is wrong with it.
        source: Refusal,
    },
    /// What the journal holds of a row is damaged.
    #[error("the journal's record of row {row} of the run {run} is damaged: {why}")]
    DamagedRow {
        /// The run.
        run: String,
        /// The row's number.
        row: u64,
        /// What is wrong with it.
        why: String,
    },
    /// What a run changed is no longer there.
    #[error(
        "what the run {run} changed in one of its records is not in the journal, so it cannot be put back"
    )]
    NoChanges {
        /// The run.
        run: String,
    },
    /// The thread that writes has ended.
    #[error("the journal is closed")]
    Closed,
    /// A write failed earlier, and nothing may be sent without a record.
    #[error("the journal could not be written, so nothing more is sent: {0}")]
    Broken(String),
}

/// What SQLite says. Its own cause says the same in other words, and is not told.
#[derive(Debug)]
pub struct Refusal(pub(super) rusqlite::Error);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal(error)
    }
}
