//! Journal errors state why runs cannot be recorded or read.

use std::path::PathBuf;

use thiserror::Error;

use crate::l10n::say;
use crate::model::{Code, DatabaseError, Fact, IoError};

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
    /// SQLite refused.
    #[error("{}", say().journal_sqlite(action.in_words(), path.display().to_string()))]
    Sqlite {
        /// What was tried.
        action: StoreAction,
        /// The journal's file.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The database refused, or cannot be reached.
    #[error("{}", say().journal_database(action.in_words(), place.as_str()))]
    Database {
        /// What was tried.
        action: StoreAction,
        /// The server and the database, without a password.
        place: String,
        /// Why.
        source: StoreError,
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
    /// The server backs up its databases itself.
    #[error("{}", say().journal_no_backup())]
    NoBackup,
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
    /// The file has tables that are not those of a journal.
    #[error("{}", say().journal_foreign(path.display().to_string()))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// No run of that name.
    #[error("{}", say().journal_no_run(name.as_str()))]
    NoRun {
        /// What was requested.
        name: String,
    },
    /// No run waits to continue.
    #[error("{}", say().journal_nothing_unfinished())]
    NothingUnfinished,
    /// A run's record is damaged.
    #[error("{}", say().journal_damaged_run(run.as_str()))]
    DamagedRun {
        /// The run.
        run: String,
        /// What is wrong with it.
        source: StoreError,
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

impl JournalError {
    /// The same for logs and notifications: of a database error, only its code.
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

/// What the program tries to do with the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAction {
    /// Open it.
    Open,
    /// Read from it.
    Read,
    /// Write to it.
    Write,
    /// Keep the shared quota in it.
    KeepQuota,
    /// Keep the records in it that the API returned.
    KeepRecords,
    /// Bring its tables to this version.
    Migrate,
    /// Delete old runs from it.
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

/// The error of a store. Its causes repeat it and are not printed.
#[derive(Debug)]
pub struct StoreError {
    /// For a person: a database's own words may quote values.
    words: String,
    number: Option<DatabaseError>,
    io: Option<IoError>,
}

impl StoreError {
    /// A refusal in words of our own.
    pub(super) fn words(words: String) -> StoreError {
        StoreError {
            words,
            number: None,
            io: None,
        }
    }

    /// The same with the database's number for it.
    #[cfg(feature = "postgres")]
    pub(super) fn numbered(self, number: Option<DatabaseError>) -> StoreError {
        StoreError { number, ..self }
    }

    /// The same with what the operating system said.
    #[cfg(feature = "postgres")]
    pub(super) fn of_system(self, io: Option<IoError>) -> StoreError {
        StoreError { io, ..self }
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
    fn what_a_database_says_is_its_number_in_a_log() {
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
    fn a_failed_migration_and_a_failed_prune_say_what_was_tried() {
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
