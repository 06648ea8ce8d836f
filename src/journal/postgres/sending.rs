//! PostgreSQL stores which rows of a run are sent.

use jiff::Timestamp;

use super::calls::reach_of;
use super::connection::cell;
use super::history::index_rows_of;
use super::store::Postgres;
use crate::journal::error::JournalError;
use crate::journal::row_id::id_of;
use crate::journal::store::{Deliveries, Sending};

impl Sending for Postgres {
    fn reopen(&mut self, run: i64) -> Result<u64, JournalError> {
        let (first, last) = (id_of(run, 0), id_of(run, u64::MAX));
        self.change(|tables| {
            let reach = reach_of(tables, run)?;
            // Requests that may have been made when the process died.
            tables.execute(
                "INSERT INTO outcome (id, state, attempts, at)
                 SELECT id, 'unknown', 1,
                        (SELECT (extract(epoch FROM started_at) * 1000000)::bigint
                         FROM run WHERE id = $1)
                 FROM planned WHERE id > $2 AND id <= $3 AND path IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
                &[&run, &first, &id_of(run, reach)],
            )?;
            tables.execute("UPDATE sending SET reach = 0 WHERE run = $1", &[&run])?;
            let row = tables.one(
                "SELECT coalesce(sum(attempts), 0) FROM outcome WHERE id > $1 AND id <= $2",
                &[&first, &last],
            )?;
            let requests: i64 = cell(&row, 0)?;
            // The requests already made for a row stay with it: one that was refused for want of
            // credentials was made all the same.
            tables.execute(
                "UPDATE outcome SET state = 'open' WHERE id > $1 AND id <= $2 AND state = 'not_sent'
                 AND id IN (SELECT id FROM planned WHERE id > $1 AND id <= $2 AND path IS NOT NULL)",
                &[&first, &last],
            )?;
            tables.execute(
                "UPDATE run SET state = 'running', finished_at = NULL, is_indexed = false WHERE id = $1",
                &[&run],
            )?;
            Ok(requests.unsigned_abs())
        })
    }

    fn begin_sending(
        &mut self,
        run: i64,
        account: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let before: Option<String> = self.read(|tables| {
            let row = tables.first("SELECT account FROM sending WHERE run = $1", &[&run])?;
            row.map(|row| cell(&row, 0)).transpose()
        })?;
        let is_another = before.is_some_and(|before| before != account);
        if is_another {
            // What it sent until now is another account's.
            self.merge_run(run, now)?;
        }
        let since = if is_another { now.as_microsecond() } else { 0 };
        self.set(
            "INSERT INTO sending (run, account) VALUES ($1, $2)
             ON CONFLICT (run) DO UPDATE SET
             account = $2, since = greatest(sending.since, $3), is_merged = false",
            &[&run, &account, &since],
        )
    }

    fn index_own(&mut self, run: i64) -> Result<(), JournalError> {
        self.change(|tables| index_rows_of(tables, run))
    }

    fn settle(&mut self, run: i64, now: Timestamp, is_indexed: bool) -> Result<(), JournalError> {
        self.merge_run(run, now)?;
        self.change(|tables| {
            if !is_indexed {
                index_rows_of(tables, run)?;
            }
            tables.execute("UPDATE run SET is_indexed = true WHERE id = $1", &[&run])
        })
        .map(|_| ())
    }
}
