use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::error::JournalError;
use super::run_state::told;
use super::store::Journal;
use crate::model::{DAMAGED, Outcome, RowState};

/// What became of a run's rows.
impl Journal {
    /// How many of a run's rows have an outcome.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn recorded(&self, run: i64) -> Result<u64, JournalError> {
        self.connection
            .query_row(
                "SELECT count(*) FROM row WHERE run = ?1 AND state NOT IN ('open', ?2)",
                params![run, RowState::Unknown.as_str()],
                |row| row.get(0),
            )
            .map_err(self.explain("read"))
    }

    /// The recorded outcomes of a run's rows from `first` to `last`, in row order. One that is
    /// damaged is a failure that says so.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, state, http_status, error_code, error, changed, attempts, request_id, at
                 FROM row WHERE run = ?1 AND row BETWEEN ?2 AND ?3 AND state <> 'open' ORDER BY row",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map(params![run, first, last], whole_outcome)
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }
}

impl Journal {
    /// The rows of a run whose outcome is damaged, and what is wrong with it.
    pub(super) fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError> {
        let explain = self.explain("read");
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, state, http_status, error_code, error, changed, attempts, request_id, at
                 FROM row WHERE run = ?1 AND state <> 'open'",
            )
            .map_err(&explain)?;
        let mut rows = statement.query([run]).map_err(&explain)?;
        let mut damaged = BTreeMap::new();
        while let Some(row) = rows.next().map_err(&explain)? {
            if let Err(why) = outcome(row) {
                damaged.insert(row.get(0).map_err(&explain)?, why.to_string());
            }
        }
        Ok(damaged)
    }

    /// What was doubtful about a run's rows from `first` to `last`, in row order, where anything was.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, String)>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, text FROM warning WHERE run = ?1 AND row BETWEEN ?2 AND ?3 ORDER BY row",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map(params![run, first, last], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }

    /// The body that a run was to send for a row; empty where there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError> {
        self.connection
            .prepare_cached("SELECT body FROM call WHERE run = ?1 AND row = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![run, row], |row| row.get(0))
                    .optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(self.explain("read"))
    }

    /// The first `most` rows of a run, in row order, that the API does not hold as they stand.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, state, http_status, error_code, error, changed, attempts, request_id, at
                 FROM row WHERE run = ?1 AND state IN ('invalid', 'rejected', 'failed')
                 ORDER BY row LIMIT ?2",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map(params![run, most], whole_outcome)
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }
}

/// A row's outcome, or that its record is damaged: then nobody knows what became of it, and the rows
/// around it are none the worse.
fn whole_outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    outcome(row).or_else(|why| {
        Ok(Outcome {
            row: row.get(0)?,
            state: RowState::Failed,
            http_status: None,
            error_code: DAMAGED.into(),
            error: format!(
                "the journal's record of this row is damaged ({why}), so it is not known what became of it"
            ),
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at: Timestamp::UNIX_EPOCH,
        })
    })
}

fn outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    Ok(Outcome {
        row: row.get(0)?,
        state: row.get(1)?,
        http_status: row.get(2)?,
        error_code: row.get(3)?,
        error: row.get(4)?,
        changed: row.get(5)?,
        attempts: row.get(6)?,
        request_id: row.get(7)?,
        finished_at: row.get(8)?,
    })
}

impl FromSql for RowState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(told)
    }
}

impl ToSql for RowState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}
