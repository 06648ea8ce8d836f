//! The quota bucket of an account in SQLite.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::store::Sqlite;
use crate::journal::bucket::{Alter, Quotas, SharedQuota};
use crate::journal::error::{JournalError, StoreAction};

/// The bucket of one account in the journal's file.
///
/// Writes do not wait for the disk: a killed process loses nothing, and after a power failure the bucket has
/// had time to refill.
#[derive(Debug)]
pub(in crate::journal) struct SqliteQuota {
    connection: Connection,
    path: PathBuf,
    account: String,
}

impl SqliteQuota {
    pub(in crate::journal) fn open(
        folder: &Path,
        account: &str,
    ) -> Result<SqliteQuota, JournalError> {
        let (connection, path) = Sqlite::open(folder)?.into_parts();
        let store = SqliteQuota {
            connection,
            path,
            account: account.to_owned(),
        };
        store
            .connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(|source| store.explain(source))?;
        Ok(store)
    }

    fn explain(&self, source: rusqlite::Error) -> JournalError {
        JournalError::sqlite(StoreAction::KeepQuota, &self.path)(source)
    }

    fn try_began(&mut self, boot: &str, since: u64, wall: u64) -> rusqlite::Result<u64> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = transaction
            .query_row("SELECT began FROM boot WHERE id = ?1", [boot], |row| {
                row.get(0)
            })
            .optional()?;
        let began = match known {
            Some(began) => began,
            None => {
                let seen: u64 = transaction.query_row(
                    "SELECT coalesce(max(steady), 0) FROM quota",
                    [],
                    |row| row.get(0),
                )?;
                let now = if seen == 0 { wall } else { seen };
                let began = now.saturating_sub(since);
                transaction.execute("INSERT INTO boot VALUES (?1, ?2)", params![boot, began])?;
                began
            }
        };
        transaction.commit()?;
        Ok(began)
    }

    fn try_update(&mut self, change: &mut Alter<'_>) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let shared = transaction
            .prepare_cached(
                "SELECT arrival, interval, not_before, held_at, steady, wall, api_date, dated_at
                 FROM quota WHERE account = ?1",
            )?
            .query_row([&self.account], |row| {
                Ok(SharedQuota {
                    arrival: row.get(0)?,
                    interval: row.get(1)?,
                    not_before: row.get(2)?,
                    held_at: row.get(3)?,
                    steady: row.get(4)?,
                    wall: row.get(5)?,
                    api_date: row.get(6)?,
                    dated_at: row.get(7)?,
                })
            })
            .optional()?
            .unwrap_or_default();
        if let Some(next) = change(shared) {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO quota VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    self.account,
                    next.arrival,
                    next.interval,
                    next.not_before,
                    next.held_at,
                    next.steady,
                    next.wall,
                    next.api_date,
                    next.dated_at
                ])?;
        }
        transaction.commit()
    }
}

impl Quotas for SqliteQuota {
    fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError> {
        self.try_began(boot, since, wall)
            .map_err(|source| self.explain(source))
    }

    fn update(&mut self, change: &mut Alter<'_>) -> Result<(), JournalError> {
        self.try_update(change)
            .map_err(|source| self.explain(source))
    }
}
