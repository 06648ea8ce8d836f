use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::JournalError;
use super::outcomes::Moment;
use super::schema::id_of;
use super::store::Journal;
use crate::model::Fingerprint;

/// What was last delivered to records that cannot be read.
impl Journal {
    /// Takes account of what the runs of `account` have delivered that have not come to an end yet, or
    /// never will. Returns whether anything is known to be delivered at all.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn merge_delivered(&mut self, account: &str, now: Timestamp) -> Result<bool, JournalError> {
        let explain = self.explain("write");
        let runs: Vec<i64> = self
            .connection
            .prepare_cached("SELECT run FROM sending WHERE account = ?1 AND is_merged = 0")
            .and_then(|mut statement| {
                statement
                    .query_map([account], |row| row.get(0))
                    .and_then(Iterator::collect)
            })
            .map_err(&explain)?;
        for run in runs {
            self.in_one_step(|transaction| merge(transaction, run, account, now))?;
        }
        self.connection
            .prepare_cached("SELECT 1 FROM delivered WHERE account = ?1")
            .and_then(|mut statement| statement.exists([account]))
            .map_err(&explain)
    }

    /// The fingerprint of what was last delivered to the record at `path`, and when.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn delivered(
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
            .map_err(self.explain("read"))
    }
}

/// Takes account of what a run has delivered, in the records' order. A record to which a request was
/// made with another end than this holds nobody knows what; and what a run that reads sends to it
/// replaces what one that does not had delivered: an empty fingerprint stands for both, as of `now`, so
/// that an older run which is taken account of later does not bring back what it delivered.
pub(super) fn merge(
    connection: &Connection,
    run: i64,
    account: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let (first, last) = (id_of(run, 0), id_of(run, u64::MAX));
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
             WHERE planned.id > ?2 AND planned.id <= ?3
               AND state = 'updated' AND fingerprint IS NOT NULL AND typeof(at) = 'integer'
             ORDER BY path, planned.id
             ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, at = excluded.at
             WHERE excluded.at > delivered.at
                OR (excluded.at = delivered.at AND delivered.fingerprint <> x'')",
        )?
        .execute(params![account, first, last])?;
    Ok(())
}
