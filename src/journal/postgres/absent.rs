//! The place of the journal in PostgreSQL in a program that was built without it.

use super::bucket::Quotas;
use super::error::JournalError;
use super::store::Store;

/// A database that holds a journal: this program knows none.
#[derive(Debug, Clone)]
pub enum Database {}

/// That a process has begun what is called so, as the last one so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// What was begun.
    pub name: String,
    /// How often it was begun until then.
    pub epoch: i64,
}

impl Database {
    /// Returns the error of a build without PostgreSQL.
    ///
    /// # Errors
    /// Always.
    pub fn at(_address: &str, _password: Option<&str>) -> Result<Database, JournalError> {
        Err(JournalError::NotBuilt)
    }

    /// The server and the database.
    pub fn place(&self) -> &str {
        match *self {}
    }

    /// The address as it was given.
    pub fn address(&self) -> &str {
        match *self {}
    }
}

/// A lock of a session with the database.
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

pub(super) fn open_store(database: &Database) -> Result<Box<dyn Store>, JournalError> {
    match *database {}
}

pub(super) fn open_quota(
    database: &Database,
    _account: &str,
) -> Result<Box<dyn Quotas>, JournalError> {
    match *database {}
}
