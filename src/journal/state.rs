//! The state is the folder or the database that holds the journal.

use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::postgres::Database;

/// Where runs are recorded: in a folder of this machine, or in a database that several machines share.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
    database: Option<Database>,
}

/// Where the journal lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Folder(&'a Path),
    Database(&'a Database),
}

impl State {
    /// A journal in a file in `folder`.
    pub fn in_folder(folder: &Path) -> State {
        State {
            folder: folder.to_owned(),
            database: None,
        }
    }

    /// A journal in the database at `address`, with this password where that has none; `folder` is for what this machine needs for itself.
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

    /// The folder for what this machine needs for itself, which holds the journal where no database does.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it is, for a person.
    pub fn shown(&self) -> String {
        match &self.database {
            Some(database) => database.place().to_owned(),
            None => self.folder.display().to_string(),
        }
    }

    /// The database, where the journal lies in one.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    #[cfg(feature = "postgres")]
    /// The same with separate connections. Every write fails once another process holds newer fencing tokens than
    /// `fences`.
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
