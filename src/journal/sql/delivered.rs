//! Shared SQL for the last delivered values of unreadable records.

use jiff::Timestamp;

use super::{Row, Sql, Value, Wrong};
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;
use crate::model::Fingerprint;

impl Journal {
    /// Returns the runs of `account` other than `own` whose deliveries are not merged yet, by number and
    /// name, oldest first.
    pub fn unmerged(&self, account: &str, own: i64) -> Result<Vec<(i64, String)>, JournalError> {
        self.look(|sql| {
            sql.all(
                "SELECT run, name FROM sending JOIN run ON run.id = run
                 WHERE account = ?1 AND NOT is_merged AND run <> ?2 ORDER BY run",
                &[account.into(), own.into()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
    }

    /// Merges a run's deliveries into the last delivered values, unless that was done before. A long run is
    /// merged in batches, so that other processes can write in between.
    pub fn merge_run(&mut self, run: i64, now: Timestamp) -> Result<(), JournalError> {
        let sending = "SELECT account, since FROM sending WHERE run = ?1 AND NOT is_merged";
        let both = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
        let sending = self.look(|sql| sql.any(sending, &[run.into()], both))?;
        let Some((account, since)) = sending else {
            return Ok(());
        };
        let account: String = account;
        for ends in self.slices(run)? {
            self.step(|sql| merge(sql, (run, ends), &account, since, now))?;
        }
        let set = "UPDATE sending SET is_merged = true WHERE run = ?1";
        self.put(set, &[run.into()])
    }

    /// Returns whether any delivery is known for `account`.
    pub fn has_delivered(&self, account: &str) -> Result<bool, JournalError> {
        let any = "SELECT 1 FROM delivered WHERE account = ?1 LIMIT 1";
        let any = self.look(|sql| sql.any(any, &[account.into()], |_| Ok(())))?;
        Ok(any.is_some())
    }

    /// Returns the fingerprint and the time of the last delivery to the record at `path`.
    pub fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(Fingerprint, Timestamp)>, JournalError> {
        self.look(|sql| {
            sql.any(
                "SELECT fingerprint, at FROM delivered
                 WHERE account = ?1 AND record = ?2 AND length(fingerprint) > 0",
                &[account.into(), path.into()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
    }
}

/// Merges the deliveries of a run to some of its rows' records, in the order of the records, from `since` on
/// for this account. An empty fingerprint, as of `now`, means that the values of a record are unknown: its
/// request had another outcome, or a run that reads records has replaced the values. The time prevents an
/// older run that is merged later from restoring its values. If two runs delivered different values and the
/// clock was set in between, their order is unknown too.
fn merge(
    sql: &mut dyn Sql,
    (run, (first, last)): (i64, (i64, i64)),
    account: &str,
    since: i64,
    now: Timestamp,
) -> Result<(), Wrong> {
    const EMPTY: Value<'_> = Value::Bytes(b"");
    let any = sql.any(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM delivered WHERE account = ?1)
             OR EXISTS (SELECT 1 FROM sending WHERE account = ?1 AND run <> ?2 AND NOT is_merged)",
        &[account.into(), run.into()],
        |_| Ok(()),
    )?;
    if any.is_some() {
        sql.change(
            "INSERT INTO delivered SELECT ?1, path, ?6, ?5 FROM (
                 SELECT DISTINCT path FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 WHERE planned.id > ?2 AND planned.id <= ?3 AND path IS NOT NULL
                   AND (attempts > 0 OR (state IS NULL AND (planned.id & 4294967295) <=
                        (SELECT reach FROM sending WHERE run = ?4)))
                   AND NOT (coalesce(state, '') = 'updated' AND fingerprint IS NOT NULL)
             ) AS touched WHERE true ORDER BY path
             ON CONFLICT (account, record) DO UPDATE SET
                 fingerprint = excluded.fingerprint, at = excluded.at",
            &[
                account.into(),
                first.into(),
                last.into(),
                run.into(),
                now.into(),
                EMPTY,
            ],
        )?;
    }
    // If several rows wrote to a record, the values of the last row count.
    sql.change(
        "INSERT INTO delivered SELECT ?1, path, fingerprint, at FROM (
             SELECT path, fingerprint, at,
                    row_number() OVER (PARTITION BY path ORDER BY at DESC, planned.id DESC) AS place
             FROM planned JOIN outcome ON outcome.id = planned.id
             WHERE planned.id > ?2 AND planned.id <= ?3 AND at >= ?4
               AND state = 'updated' AND fingerprint IS NOT NULL
         ) AS written WHERE place = 1 ORDER BY path
         ON CONFLICT (account, record) DO UPDATE SET
             at = CASE WHEN excluded.at > delivered.at THEN excluded.at ELSE delivered.at END,
             fingerprint = CASE
                 WHEN excluded.at > delivered.at THEN excluded.fingerprint
                 WHEN length(delivered.fingerprint) = 0 THEN delivered.fingerprint
                 WHEN excluded.at = delivered.at THEN excluded.fingerprint
                 WHEN excluded.fingerprint = delivered.fingerprint THEN excluded.fingerprint
                 ELSE ?5 END",
        &[
            account.into(),
            first.into(),
            last.into(),
            since.into(),
            EMPTY,
        ],
    )?;
    Ok(())
}
