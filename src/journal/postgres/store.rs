//! An open journal in a PostgreSQL database.

use postgres::types::ToSql;

use super::connection::{Fence, Tables, Wrong};
use super::database::Database;
use crate::journal::error::{JournalError, StoreAction};

/// The open journal in a database.
#[derive(Debug)]
pub(in crate::journal) struct Postgres {
    database: Database,
    /// The fencing tokens that this process holds.
    pub(super) fences: Vec<Fence>,
    /// The start of the run that is being written, in microseconds since the Unix epoch.
    pub(super) began: i64,
}

impl Postgres {
    pub(in crate::journal) fn open(database: &Database) -> Result<Postgres, JournalError> {
        database.connection()?;
        Ok(Postgres {
            database: database.clone(),
            fences: database.fences().to_vec(),
            began: 0,
        })
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Reads in one transaction, from one snapshot.
    pub(super) fn read<T: Send>(
        &self,
        read: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        let read = self.database.connection()?.read(read);
        read.map_err(|wrong| self.database.told(StoreAction::Read, wrong))
    }

    /// Changes tables atomically, unless another process has taken over.
    pub(super) fn change<T: Send>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        let changed = self.database.connection()?.change(&self.fences, change);
        changed.map_err(|wrong| self.database.told(StoreAction::Write, wrong))
    }

    /// Runs one statement that changes rows.
    pub(super) fn set(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<(), JournalError> {
        self.change(|tables| tables.execute(sql, values))
            .map(|_| ())
    }
}

/// Converts a number to one that the database can store.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a text without NUL, which the database cannot store.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
