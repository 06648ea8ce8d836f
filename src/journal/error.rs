//! The errors of the journal.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::l10n::say;
use crate::model::{Code, DatabaseError, Fact, IoError};

/// Why runs cannot be recorded or read. Sending stops if the journal cannot be written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The state folder cannot be created or used.
    #[error("{}", say().journal_folder(path.display().to_string()))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The state folder is on a network file system.
    #[error("{}", say().journal_network(path.display().to_string()))]
    Network {
        /// The folder.
        path: PathBuf,
    },
    /// SQLite returned an error.
    #[error("{}", say().journal_sqlite(action.in_words(), path.display().to_string()))]
    Sqlite {
        /// The attempted action.
        action: StoreAction,
        /// The journal's file.
        path: PathBuf,
        /// The cause.
        source: StoreError,
    },
    /// The database returned an error or cannot be reached.
    #[error("{}", say().journal_database(action.in_words(), place.as_str()))]
    Database {
        /// The attempted action.
        action: StoreAction,
        /// The server and the database, without a password.
        place: String,
        /// The cause.
        source: StoreError,
    },
    /// The database address is invalid.
    #[error("{}", say().journal_address(why.as_str()))]
    Address {
        /// The reason.
        why: String,
    },
    /// The database has no journal of this format.
    #[error("{}", say().journal_not_migrated(place.as_str()))]
    NotMigrated {
        /// The server and the database.
        place: String,
    },
    /// The journal is in a database, which the server backs up.
    #[error("{}", say().journal_no_backup())]
    NoBackup,
    /// This build does not support PostgreSQL.
    #[error("{}", say().journal_not_built())]
    NotBuilt,
    /// Another process has taken over the run.
    #[error("{}", say().journal_taken_over())]
    TakenOver,
    /// A newer version of rosterpatch wrote the journal.
    #[error("{}", say().journal_newer(path.display().to_string(), *found, *known))]
    Newer {
        /// The journal's file, or its database.
        path: PathBuf,
        /// The format of the journal.
        found: i64,
        /// The newest supported format.
        known: i64,
    },
    /// The file is not a journal of rosterpatch.
    #[error("{}", say().journal_foreign(path.display().to_string()))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// No run has that name.
    #[error("{}", say().journal_no_run(name.as_str()))]
    NoRun {
        /// The requested name.
        name: String,
    },
    /// There is no run to resume.
    #[error("{}", say().journal_nothing_unfinished())]
    NothingUnfinished,
    /// The record of a run is damaged.
    #[error("{}", say().journal_damaged_run(run.as_str()))]
    DamagedRun {
        /// The run.
        run: String,
        /// The reason.
        source: StoreError,
    },
    /// The stored data of a row is damaged.
    #[error("{}", say().journal_damaged_row(*row, run.as_str(), why.as_str()))]
    DamagedRow {
        /// The run.
        run: String,
        /// The row's number.
        row: u64,
        /// The reason.
        why: String,
    },
    /// The changes of a run are no longer stored.
    #[error("{}", say().journal_no_changes(run.as_str()))]
    NoChanges {
        /// The run.
        run: String,
    },
    /// The writer thread has ended.
    #[error("{}", say().journal_closed())]
    Closed,
    /// An earlier write failed, and nothing may be sent without a record.
    #[error("{}", say().journal_broken(.0.as_str()))]
    Broken(String),
}

impl JournalError {
    /// Returns a function that wraps an I/O error of the state folder or a file in it.
    pub(super) fn folder(path: &Path) -> impl Fn(std::io::Error) -> JournalError + Copy {
        move |source| JournalError::Folder {
            path: path.to_owned(),
            source,
        }
    }

    /// Returns a function that wraps an error of SQLite while it does this to the file at `path`.
    pub(super) fn sqlite(
        action: StoreAction,
        path: &Path,
    ) -> impl Fn(rusqlite::Error) -> JournalError + Copy {
        move |source| JournalError::Sqlite {
            action,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// Returns a function that wraps an error of a file of records that the API returned.
    pub fn of_records(path: &Path) -> impl Fn(rusqlite::Error) -> JournalError + Copy {
        JournalError::sqlite(StoreAction::KeepRecords, path)
    }

    /// Returns the error for logs and notifications, with only the code of a database error.
    pub fn fact(&self) -> Fact {
        match self {
            JournalError::Folder { path, source } => {
                Fact::new(Code::JournalFolder).at_path(path).with_io(source)
            }
            JournalError::Network { path } => Fact::new(Code::JournalNetwork).at_path(path),
            JournalError::Sqlite { path, source, .. } => {
                source.told(Fact::new(Code::JournalSqlite).at_path(path))
            }
            JournalError::Database { source, .. } => source.told(Fact::new(Code::JournalDatabase)),
            JournalError::Address { .. } => Fact::new(Code::JournalAddress),
            JournalError::NotMigrated { .. } => Fact::new(Code::JournalNotMigrated),
            JournalError::NoBackup => Fact::new(Code::JournalNoBackup),
            JournalError::NotBuilt => Fact::new(Code::JournalNotBuilt),
            JournalError::TakenOver => Fact::new(Code::JournalTakenOver),
            JournalError::Newer { path, found, known } => Fact::new(Code::JournalNewer)
                .at_path(path)
                .with_count(found.unsigned_abs())
                .with_most(known.unsigned_abs()),
            JournalError::Foreign { path } => Fact::new(Code::JournalForeign).at_path(path),
            JournalError::NoRun { name } => Fact::new(Code::JournalNoRun).in_run(name),
            JournalError::NothingUnfinished => Fact::new(Code::JournalNothingUnfinished),
            JournalError::DamagedRun { run, source } => {
                source.told(Fact::new(Code::JournalDamagedRun).in_run(run))
            }
            JournalError::DamagedRow { run, row, .. } => {
                Fact::new(Code::JournalDamagedRow).in_run(run).at_row(*row)
            }
            JournalError::NoChanges { run } => Fact::new(Code::JournalNoChanges).in_run(run),
            JournalError::Closed => Fact::new(Code::JournalClosed),
            JournalError::Broken(_) => Fact::new(Code::JournalBroken),
        }
    }
}

/// An action on the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAction {
    /// Open the journal.
    Open,
    /// Read the journal.
    Read,
    /// Write to the journal.
    Write,
    /// Store the shared quota.
    KeepQuota,
    /// Store the records that the API returned.
    KeepRecords,
    /// Migrate the tables to this version.
    Migrate,
    /// Delete old runs.
    Prune,
}

impl StoreAction {
    fn in_words(self) -> String {
        match self {
            StoreAction::Open => say().journal_action_open(),
            StoreAction::Read => say().journal_action_read(),
            StoreAction::Write => say().journal_action_write(),
            StoreAction::KeepQuota => say().journal_action_quota(),
            StoreAction::KeepRecords => say().journal_action_records(),
            StoreAction::Migrate => say().journal_action_migrate(),
            StoreAction::Prune => say().journal_action_prune(),
        }
    }
}

/// The error of a store. The message includes its causes, so they are not printed separately.
#[derive(Debug)]
pub struct StoreError {
    /// The message for users only, because a database error may quote values.
    pub(super) words: String,
    pub(super) number: Option<DatabaseError>,
    pub(super) io: Option<IoError>,
}

impl StoreError {
    /// Returns a refusal with our own message.
    pub(super) fn words(words: String) -> StoreError {
        StoreError {
            words,
            number: None,
            io: None,
        }
    }

    fn told(&self, fact: Fact) -> Fact {
        let fact = fact.with_database(self.number);
        match &self.io {
            Some(io) => fact.with_io(io.clone()),
            None => fact,
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        let number = error.sqlite_error();
        StoreError {
            number: number.map(|error| DatabaseError::Sqlite(error.extended_code)),
            ..StoreError::words(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_error_is_logged_by_its_code_only() {
        let source = StoreError::words("Key (number)=(20100402-2388) already exists".to_owned());
        let error = JournalError::DamagedRun {
            run: "Åsa Ek".to_owned(),
            source: StoreError {
                number: DatabaseError::sql_state("23505"),
                ..source
            },
        };
        let text = error.fact().in_words();
        assert!(text.contains("SQLSTATE 23505"), "{text}");
        assert!(
            !text.contains("20100402") && !text.contains("Åsa"),
            "{text}"
        );
    }

    #[test]
    fn failed_migrations_and_prunes_name_the_attempted_action() {
        let failed = |action| {
            let error = JournalError::Database {
                action,
                place: "db/roster".to_owned(),
                source: StoreError::words(String::new()),
            };
            error.to_string()
        };
        assert_eq!(
            failed(StoreAction::Migrate),
            "cannot migrate the journal in db/roster"
        );
        assert_eq!(
            failed(StoreAction::Prune),
            "cannot prune the journal in db/roster"
        );
    }
}
