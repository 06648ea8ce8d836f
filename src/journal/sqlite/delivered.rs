//! SQLite stores what was delivered to records.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::outcomes::Moment;
use super::schema::slices;
use super::store::Sqlite;
use crate::journal::error::{Action, JournalError};
use crate::journal::store::Deliveries;
use crate::model::Fingerprint;

impl Deliveries for Sqlite {
    fn unmerged(&self, account: &str, own: i64) -> Result<Vec<(i64, String)>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT run, name FROM sending JOIN run ON run.id = run
                 WHERE account = ?1 AND is_merged = 0 AND run <> ?2 ORDER BY run",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(params![account, own], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
            })
            .map_err(self.explain(Action::Write))
    }

    fn merge_run(&mut self, run: i64, now: Timestamp) -> Result<(), JournalError> {
        let explain = self.explain(Action::Write);
        let sending: Option<(String, i64, bool)> = self
            .connection
            .prepare_cached("SELECT account, since, is_merged FROM sending WHERE run = ?1")
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                statement.query_row([run], row).optional()
            })
            .map_err(&explain)?;
        let Some((account, since, false)) = sending else {
            return Ok(());
        };
        for ends in slices(&self.connection, run).map_err(&explain)? {
            self.in_one_step(|transaction| merge(transaction, (run, ends), &account, since, now))?;
        }
        self.in_one_step(|transaction| {
            transaction.execute("UPDATE sending SET is_merged = 1 WHERE run = ?1", [run])?;
            Ok(())
        })
    }

    fn has_delivered(&self, account: &str) -> Result<bool, JournalError> {
        self.connection
            .prepare_cached("SELECT 1 FROM delivered WHERE account = ?1")
            .and_then(|mut statement| statement.exists([account]))
            .map_err(self.explain(Action::Write))
    }

    fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(Fingerprint, Timestamp)>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT fingerprint, at FROM delivered
                 WHERE account = ?1 AND record = ?2 AND fingerprint <> x''",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([account, path], |row| {
                        Ok((row.get(0)?, row.get::<_, Moment>(1)?.0))
                    })
                    .optional()
            })
            .map_err(self.explain(Action::Read))
    }
}

/// Takes account of what a run has delivered to some of its rows' records, in the records' order, since
/// it did so for this account. A record to which a request was made with another end than this holds
/// nobody knows what; and what a run that reads sends to it replaces what one that does not had
/// delivered: an empty fingerprint stands for both, as of `now`, so that an older run which is taken
/// account of later does not bring back what it delivered. Where two runs delivered different things
/// and the clock was set in between, nobody knows either which came last.
fn merge(
    connection: &Connection,
    (run, (first, last)): (i64, (i64, i64)),
    account: &str,
    since: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let any = connection
        .prepare_cached(
            "SELECT 1 FROM delivered WHERE account = ?1
             UNION ALL SELECT 1 FROM sending WHERE account = ?1 AND run <> ?2 AND is_merged = 0",
        )?
        .exists(params![account, run])?;
    if any {
        connection
            .prepare_cached(
                "INSERT INTO delivered
                 SELECT ?1, path, x'', ?5 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 WHERE planned.id > ?2 AND planned.id <= ?3 AND path IS NOT NULL
                   AND (attempts > 0 OR (state IS NULL AND (planned.id & 4294967295) <=
                        (SELECT reach FROM sending WHERE run = ?4)))
                   AND NOT (state IS 'updated' AND fingerprint IS NOT NULL)
                 ORDER BY path
                 ON CONFLICT DO UPDATE SET fingerprint = x'', at = excluded.at",
            )?
            .execute(params![account, first, last, run, Moment(now)])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO delivered
             SELECT ?1, path, fingerprint, at FROM planned JOIN outcome ON outcome.id = planned.id
             WHERE planned.id > ?2 AND planned.id <= ?3 AND typeof(at) = 'integer' AND at >= ?4
               AND state = 'updated' AND fingerprint IS NOT NULL
             ORDER BY path, planned.id
             ON CONFLICT DO UPDATE SET at = max(excluded.at, delivered.at), fingerprint = CASE
                 WHEN excluded.at > delivered.at THEN excluded.fingerprint
                 WHEN delivered.fingerprint = x'' THEN x''
                 WHEN excluded.at = delivered.at THEN excluded.fingerprint
                 WHEN excluded.fingerprint = delivered.fingerprint THEN excluded.fingerprint
                 ELSE x'' END",
        )?
        .execute(params![account, first, last, since])?;
    Ok(())
}
