//! The location of the journal: a folder or a database.

use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::postgres::Database;

/// The location of recorded runs: a folder of this machine, or a database that several machines share.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
    database: Option<Database>,
}

/// The location of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Folder(&'a Path),
    Database(&'a Database),
}

impl State {
    /// Returns a state with the journal in a file in `folder`.
    pub fn in_folder(folder: &Path) -> State {
        State {
            folder: folder.to_owned(),
            database: None,
        }
    }

    /// Returns a state with the journal in the database at `address`, using `password` if the address has
    /// none. `folder` holds the local files of this machine.
    pub fn in_database(
        address: &str,
        password: Option<&str>,
        folder: &Path,
    ) -> Result<State, JournalError> {
        Ok(State {
            folder: folder.to_owned(),
            database: Some(Database::at(address, password)?),
        })
    }

    /// Returns the folder for local files, which also holds the journal if it is not in a database.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the location for display.
    pub fn shown(&self) -> String {
        match &self.database {
            Some(database) => database.place().to_owned(),
            None => self.folder.display().to_string(),
        }
    }

    /// Returns the database, if the journal is in one.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    #[cfg(feature = "postgres")]
    /// Returns the state with separate connections. Every write fails once another process holds newer
    /// fencing tokens than `fences`.
    pub(crate) fn fenced(&self, fences: Vec<super::Fence>) -> State {
        State {
            folder: self.folder.clone(),
            database: self
                .database
                .as_ref()
                .map(|database| database.fenced(fences)),
        }
    }

    pub(super) fn place(&self) -> Place<'_> {
        match &self.database {
            Some(database) => Place::Database(database),
            None => Place::Folder(&self.folder),
        }
    }
}
