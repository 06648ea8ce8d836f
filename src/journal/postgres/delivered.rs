//! PostgreSQL stores what was delivered to records.

use jiff::Timestamp;

use super::connection::{Tables, Wrong, cell};
use super::outcomes::moment;
use super::store::Postgres;
use crate::journal::error::JournalError;
use crate::journal::row_id::id_of;
use crate::journal::store::Deliveries;
use crate::model::Fingerprint;

impl Deliveries for Postgres {
    fn unmerged(&self, account: &str, own: i64) -> Result<Vec<(i64, String)>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT run, name FROM sending JOIN run ON run.id = run
                 WHERE account = $1 AND NOT is_merged AND run <> $2 ORDER BY run",
                &[&account, &own],
            )?;
            let each = |row| Ok((cell(row, 0)?, cell(row, 1)?));
            rows.iter().map(each).collect()
        })
    }

    fn merge_run(&mut self, run: i64, now: Timestamp) -> Result<(), JournalError> {
        self.change(|tables| {
            let row = tables.first(
                "SELECT account, since FROM sending WHERE run = $1 AND NOT is_merged",
                &[&run],
            )?;
            let Some(row) = row else {
                return Ok(());
            };
            merge(tables, run, cell(&row, 0)?, cell(&row, 1)?, now)?;
            tables.execute(
                "UPDATE sending SET is_merged = true WHERE run = $1",
                &[&run],
            )?;
            Ok(())
        })
    }

    fn has_delivered(&self, account: &str) -> Result<bool, JournalError> {
        self.read(|tables| {
            let row = tables.one(
                "SELECT EXISTS (SELECT 1 FROM delivered WHERE account = $1)",
                &[&account],
            )?;
            cell(&row, 0)
        })
    }

    fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(Fingerprint, Timestamp)>, JournalError> {
        self.read(|tables| {
            let row = tables.first(
                "SELECT fingerprint, at FROM delivered
                 WHERE account = $1 AND record = $2 AND length(fingerprint) > 0",
                &[&account, &path],
            )?;
            let delivered = |row: postgres::Row| Ok((cell(&row, 0)?, moment(cell(&row, 1)?)?));
            row.map(delivered).transpose()
        })
    }
}

/// Takes account of what a run has delivered to its rows' records, in the records' order, since it did so
/// for this account. A record to which a request was made with another end than this holds nobody knows
/// what; and what a run that reads sends to it replaces what one that does not had delivered: an empty
/// fingerprint stands for both, as of `now`, so that an older run which is taken account of later does not
/// bring back what it delivered. Where two runs delivered different things and the clock was set in
/// between, nobody knows either which came last.
fn merge(
    tables: &mut Tables<'_>,
    run: i64,
    account: &str,
    since: i64,
    now: Timestamp,
) -> Result<(), Wrong> {
    let (first, last) = (id_of(run, 0), id_of(run, u64::MAX));
    let row = tables.one(
        "SELECT EXISTS (SELECT 1 FROM delivered WHERE account = $1)
             OR EXISTS (SELECT 1 FROM sending WHERE account = $1 AND run <> $2 AND NOT is_merged)",
        &[&account, &run],
    )?;
    if cell::<bool>(&row, 0)? {
        tables.execute(
            "INSERT INTO delivered
             SELECT DISTINCT ON (path) $1, path, ''::bytea, $5::bigint
             FROM planned LEFT JOIN outcome ON outcome.id = planned.id
             WHERE planned.id > $2 AND planned.id <= $3 AND path IS NOT NULL
               AND (attempts > 0 OR (state IS NULL AND (planned.id & 4294967295) <=
                    (SELECT reach FROM sending WHERE run = $4)))
               AND NOT (state IS NOT DISTINCT FROM 'updated' AND fingerprint IS NOT NULL)
             ORDER BY path
             ON CONFLICT (account, record) DO UPDATE SET fingerprint = ''::bytea, at = excluded.at",
            &[&account, &first, &last, &run, &now.as_microsecond()],
        )?;
    }
    // Of a record that several rows wrote to, what the last one wrote; the others were before it.
    tables.execute(
        "INSERT INTO delivered
         SELECT DISTINCT ON (path) $1, path, fingerprint, at
         FROM planned JOIN outcome ON outcome.id = planned.id
         WHERE planned.id > $2 AND planned.id <= $3 AND at >= $4
           AND state = 'updated' AND fingerprint IS NOT NULL
         ORDER BY path, at DESC, planned.id DESC
         ON CONFLICT (account, record) DO UPDATE SET
             at = greatest(excluded.at, delivered.at), fingerprint = CASE
             WHEN excluded.at > delivered.at THEN excluded.fingerprint
             WHEN length(delivered.fingerprint) = 0 THEN ''::bytea
             WHEN excluded.at = delivered.at THEN excluded.fingerprint
             WHEN excluded.fingerprint = delivered.fingerprint THEN excluded.fingerprint
             ELSE ''::bytea END",
        &[&account, &first, &last, &since],
    )?;
    Ok(())
}
