//! A placeholder for PostgreSQL in a build without it.

use super::error::JournalError;

/// A database with a journal, which this build does not support.
#[derive(Debug, Clone)]
pub enum Database {}

/// A fencing token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The name of the token.
    pub name: String,
    /// The number of times that it was taken.
    pub epoch: i64,
}

impl Database {
    /// Always fails, because this build does not support PostgreSQL.
    pub fn at(_address: &str, _password: Option<&str>) -> Result<Database, JournalError> {
        Err(JournalError::NotBuilt)
    }

    /// Returns the server and the database.
    pub fn place(&self) -> &str {
        match *self {}
    }

    /// Returns the address as given.
    pub fn address(&self) -> &str {
        match *self {}
    }
}

/// An advisory lock of a database session.
#[derive(Debug)]
pub(super) enum SessionLock {}

impl SessionLock {
    pub(super) fn share(database: &Database, _name: &str) -> Result<SessionLock, JournalError> {
        match *database {}
    }

    pub(super) fn take(
        database: &Database,
        _name: &str,
    ) -> Result<Option<SessionLock>, JournalError> {
        match *database {}
    }
}
