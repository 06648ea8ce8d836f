//! SQLite stores which rows of a run are sent.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::row_keys::index_rows_of;
use super::schema::slices;
use super::store::Sqlite;
use crate::journal::error::{Action, JournalError};
use crate::journal::row_id::id_of;
use crate::journal::store::{Deliveries, Sending};

impl Sending for Sqlite {
    fn reopen(&mut self, run: i64) -> Result<u64, JournalError> {
        let reach = self.reach_of(run)?;
        let ends = [id_of(run, 0), id_of(run, u64::MAX)];
        let mut requests = 0;
        self.in_one_step(|transaction| {
            // Requests that may have been made when the process died.
            transaction.execute(
                "INSERT INTO outcome (id, state, attempts, at)
                 SELECT id, 'unknown', 1, (SELECT started_at FROM run WHERE id = ?1)
                 FROM planned WHERE id > ?2 AND id <= ?3 AND path IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
                params![run, ends[0], id_of(run, reach)],
            )?;
            transaction.execute(
                "UPDATE sending SET reach = 0 WHERE run = ?1",
                [run],
            )?;
            requests = transaction.query_row(
                "SELECT coalesce(sum(attempts), 0) FROM outcome WHERE id > ?1 AND id <= ?2",
                ends,
                |row| row.get(0),
            )?;
            // The requests already made for a row stay with it: one that was refused for want of
            // credentials was made all the same.
            transaction.execute(
                "UPDATE outcome SET state = 'open' WHERE id > ?1 AND id <= ?2 AND state = 'not_sent'
                 AND id IN (SELECT id FROM planned WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL)",
                ends,
            )?;
            transaction.execute(
                "UPDATE run SET state = 'running', finished_at = NULL, is_indexed = 0 WHERE id = ?1",
                [run],
            )?;
            Ok(())
        })?;
        Ok(requests)
    }

    fn begin_sending(
        &mut self,
        run: i64,
        account: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let explain = self.explain(Action::Write);
        let before: Option<String> = self
            .connection
            .query_row("SELECT account FROM sending WHERE run = ?1", [run], |row| {
                row.get(0)
            })
            .optional()
            .map_err(&explain)?;
        let is_another = before.is_some_and(|before| before != account);
        if is_another {
            // What it sent until now is another account's.
            self.merge_run(run, now)?;
        }
        let since = if is_another { now.as_microsecond() } else { 0 };
        self.connection
            .execute(
                "INSERT INTO sending (run, account) VALUES (?1, ?2)
                 ON CONFLICT (run) DO UPDATE SET
                 account = ?2, since = max(since, ?3), is_merged = 0",
                params![run, account, since],
            )
            .map(|_| ())
            .map_err(explain)
    }

    fn index_own(&mut self, run: i64) -> Result<(), JournalError> {
        let slices = slices(&self.connection, run).map_err(self.explain(Action::Write))?;
        for ends in slices {
            self.in_one_step(|transaction| index_rows_of(transaction, run, ends))?;
        }
        Ok(())
    }

    fn settle(&mut self, run: i64, now: Timestamp, is_indexed: bool) -> Result<(), JournalError> {
        self.merge_run(run, now)?;
        if !is_indexed {
            self.index_own(run)?;
        }
        self.in_one_step(|transaction| {
            transaction.execute("UPDATE run SET is_indexed = 1 WHERE id = ?1", [run])?;
            Ok(())
        })
    }
}
