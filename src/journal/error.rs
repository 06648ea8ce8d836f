use crate::l10n::say;
use std::path::PathBuf;

use thiserror::Error;

/// Why the record of runs cannot be kept or read. Sending stops when it cannot be written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The state folder cannot be made or used.
    #[error("{}", say().journal_folder(path.display().to_string()))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The state folder is on a network file system.
    #[error("{}", say().journal_network(path.display().to_string()))]
    Network {
        /// The folder.
        path: PathBuf,
    },
    /// Others could change the journal.
    #[error("{why}")]
    Strangers {
        /// What is wrong with which file or folder, and what to do.
        why: String,
    },
    /// SQLite refused.
    #[error("{}", say().journal_sqlite(doing(action), path.display().to_string()))]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The journal's file.
        path: PathBuf,
        /// Why.
        source: Refusal,
    },
    /// The database refused, or cannot be reached.
    #[error("{}", say().journal_database(doing(action), place.as_str()))]
    Database {
        /// What was tried.
        action: &'static str,
        /// The server and the database, without a password.
        place: String,
        /// Why.
        source: Refusal,
    },
    /// The address of the database cannot be understood.
    #[error("{}", say().journal_address(why.as_str()))]
    Address {
        /// What is wrong with it.
        why: String,
    },
    /// The database has no journal of this format yet.
    #[error("{}", say().journal_not_migrated(place.as_str()))]
    NotMigrated {
        /// The server and the database.
        place: String,
    },
    /// This program was built without it.
    #[error("{}", say().journal_not_built())]
    NotBuilt,
    /// Another process has taken the work over.
    #[error("{}", say().journal_taken_over())]
    TakenOver,
    /// A newer version of the program wrote the journal.
    #[error("{}", say().journal_newer(path.display().to_string(), *found, *known))]
    Newer {
        /// The journal's file, or its database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// No run of that name.
    #[error("{}", say().journal_no_run(name.as_str()))]
    NoRun {
        /// What was asked for.
        name: String,
    },
    /// No run waits to go on.
    #[error("{}", say().journal_nothing_unfinished())]
    NothingUnfinished,
    /// A run's record is damaged.
    #[error("{}", say().journal_damaged_run(run.as_str()))]
    DamagedRun {
        /// The run.
        run: String,
        /// What is wrong with it.
        source: Refusal,
    },
    /// What the journal holds of a row is damaged.
    #[error("{}", say().journal_damaged_row(*row, run.as_str(), why.as_str()))]
    DamagedRow {
        /// The run.
        run: String,
        /// The row's number.
        row: u64,
        /// What is wrong with it.
        why: String,
    },
    /// What a run changed is no longer there.
    #[error("{}", say().journal_no_changes(run.as_str()))]
    NoChanges {
        /// The run.
        run: String,
    },
    /// The thread that writes has ended.
    #[error("{}", say().journal_closed())]
    Closed,
    /// A write failed earlier, and nothing may be sent without a record.
    #[error("{}", say().journal_broken(.0.as_str()))]
    Broken(String),
}

/// What was to be done with the journal, in words.
fn doing(action: &str) -> String {
    match action {
        "open" => say().journal_action_open(),
        "write" => say().journal_action_write(),
        "quota" => say().journal_action_quota(),
        "records" => say().journal_action_records(),
        _ => say().journal_action_read(),
    }
}

/// What a store says. Its own causes say the same in other words, and are not told.
#[derive(Debug)]
pub struct Refusal(String);

impl Refusal {
    /// A refusal in words of our own.
    pub(super) fn words(words: String) -> Refusal {
        Refusal(words)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal(error.to_string())
    }
}
