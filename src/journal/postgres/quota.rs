//! The quota bucket of an account in PostgreSQL.

use super::connection::{Wrong, cell};
use super::database::Database;
use super::store::signed;
use crate::journal::bucket::{Alter, Quotas, SharedQuota};
use crate::journal::error::JournalError;

/// The bucket of one account in the database.
#[derive(Debug)]
pub(in crate::journal) struct PostgresQuota {
    database: Database,
    account: String,
}

impl PostgresQuota {
    pub(in crate::journal) fn open(
        database: &Database,
        account: &str,
    ) -> Result<PostgresQuota, JournalError> {
        database.connection()?;
        Ok(PostgresQuota {
            database: database.clone(),
            account: account.to_owned(),
        })
    }
}

impl Quotas for PostgresQuota {
    /// The machines share the database's clock. If that was set back, the time continues from the latest
    /// write.
    fn began(&mut self, _boot: &str, since: u64, _wall: u64) -> Result<u64, JournalError> {
        let now = self.database.change(|tables| {
            let row = tables.one(
                "SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000000)::bigint,
                                 (SELECT max(steady) FROM quota WHERE account = $1))",
                &[&self.account],
            )?;
            cell::<i64>(&row, 0)
        })?;
        Ok(now.unsigned_abs().saturating_sub(since))
    }

    fn update(&mut self, change: &mut Alter<'_>) -> Result<(), JournalError> {
        let account = &self.account;
        self.database.change(|tables| {
            tables.execute(
                "INSERT INTO quota VALUES ($1, 0, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
                &[account],
            )?;
            let row = tables.one(
                "SELECT arrival, interval, not_before, held_at, steady, wall, api_date, dated_at
                 FROM quota WHERE account = $1 FOR UPDATE",
                &[account],
            )?;
            let number = |column| Ok::<u64, Wrong>(cell::<i64>(&row, column)?.unsigned_abs());
            let shared = SharedQuota {
                arrival: number(0)?,
                interval: number(1)?,
                not_before: number(2)?,
                held_at: number(3)?,
                steady: number(4)?,
                wall: number(5)?,
                api_date: number(6)?,
                dated_at: number(7)?,
            };
            let Some(next) = change(shared) else {
                return Ok(());
            };
            tables.execute(
                "UPDATE quota SET arrival = $2, interval = $3, not_before = $4, held_at = $5,
                        steady = $6, wall = $7, api_date = $8, dated_at = $9
                 WHERE account = $1",
                &[
                    account,
                    &signed(next.arrival),
                    &signed(next.interval),
                    &signed(next.not_before),
                    &signed(next.held_at),
                    &signed(next.steady),
                    &signed(next.wall),
                    &signed(next.api_date),
                    &signed(next.dated_at),
                ],
            )?;
            Ok(())
        })
    }

    fn announced(&mut self) -> Result<Option<String>, JournalError> {
        self.database.change(|tables| {
            let row = tables.first(
                "SELECT announced FROM quota
                 WHERE account = $1 AND announced_at > now() - interval '1 day'",
                &[&self.account],
            )?;
            row.map_or(Ok(None), |row| cell(&row, 0))
        })
    }

    fn announce(&mut self, limit: &str) -> Result<(), JournalError> {
        self.database.change(|tables| {
            tables.execute(
                "UPDATE quota SET announced = $2, announced_at = now() WHERE account = $1",
                &[&self.account, &limit],
            )
        })?;
        Ok(())
    }
}
