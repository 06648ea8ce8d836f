use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::error::JournalError;
use super::runs::{RUN_COLUMNS, RunRecord, run_record};
use super::store::Journal;
use crate::model::{Change, LEFT_OUT, RowState};

/// What a row said in an earlier run, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRow {
    /// The run's number: the later, the higher.
    pub run: i64,
    /// A fingerprint of its cells.
    pub cells: Vec<u8>,
    /// Its state; none where it was open still.
    pub state: Option<RowState>,
    /// The code of what was wrong with it.
    pub error_code: String,
    /// What was wrong with it.
    pub error: String,
}

/// What earlier runs have done, for those after them.
impl Journal {
    /// How often these keys occur in each run, by its number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError> {
        let mut counts = BTreeMap::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT run FROM content WHERE key = ?1")
            .map_err(self.explain("read"))?;
        for key in keys {
            let runs = statement
                .query_map([key], |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .map_err(self.explain("read"))?;
            for run in runs {
                *counts.entry(run).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// What became of the row with this key in a run and in those after it with the same target and
    /// address, the newest first: its cells' fingerprint and its state.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn history(&self, since: i64, key: i64) -> Result<Vec<PastRow>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT content.run, content.cells, nullif(row.state, 'open'), coalesce(row.error_code, ''), coalesce(row.error, '')
                 FROM content JOIN run ON run.id = content.run
                 JOIN run AS first ON first.id = ?1
                 LEFT JOIN row ON row.run = content.run AND row.row = content.row
                 WHERE content.key = ?2 AND content.run >= ?1
                   AND run.target = first.target AND run.base_url = first.base_url
                 ORDER BY content.run DESC",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map([since, key], |row| {
                Ok(PastRow {
                    run: row.get(0)?,
                    cells: row.get(1)?,
                    state: row.get(2)?,
                    error_code: row.get(3)?,
                    error: row.get(4)?,
                })
            })
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }

    /// How many rows a run's file had, as far as it was read.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn rows_of(&self, run: i64) -> Result<u64, JournalError> {
        self.connection
            .prepare_cached("SELECT coalesce(max(row), 0) FROM content WHERE run = ?1")
            .and_then(|mut statement| statement.query_row([run], |row| row.get(0)))
            .map_err(self.explain("read"))
    }

    /// The rows of a run that are in one of these states, in row order; a row without an outcome
    /// is not sent. A row that was left out because it was not asked for is not among them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT content.row, nullif(row.state, 'open') FROM content
                 LEFT JOIN row ON row.run = content.run AND row.row = content.row
                 WHERE content.run = ?1 AND coalesce(row.error_code, '') <> ?2 ORDER BY content.row",
            )
            .map_err(self.explain("read"))?;
        let mut rows = statement
            .query(params![run, LEFT_OUT])
            .map_err(self.explain("read"))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(self.explain("read"))? {
            let number: u64 = row.get(0).map_err(self.explain("read"))?;
            let state = match row.get(1) {
                Ok(None) => RowState::NotSent,
                // What became of it is not known.
                Ok(Some(RowState::Unknown)) | Err(_) => RowState::Failed,
                Ok(Some(state)) => state,
            };
            if states.contains(&state) {
                found.push(number);
            }
        }
        Ok(found)
    }

    /// The newest run of this content that came to its end or is held, by any name, with the same
    /// target and address.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn finished_before(
        &self,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run
             WHERE sha256 = ?1 AND target = ?2 AND base_url = ?3 AND state IN ('finished', 'held')
             ORDER BY id DESC LIMIT 1"
        );
        self.connection
            .query_row(&query, [sha256, target, base_url], run_record)
            .optional()
            .map_err(self.explain("read"))
    }

    /// The fingerprint of what was last delivered to the record at `path`, and when.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(String, Timestamp)>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT fingerprint, at FROM delivered WHERE account = ?1 AND record = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([account, path], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(self.explain("read"))
    }

    /// What a run has changed in the record at `path`, which it updated.
    ///
    /// # Errors
    /// When the journal cannot be read, or what was changed is not there, or cannot be understood.
    pub fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError> {
        let changes: Option<(u64, String)> = self
            .connection
            .prepare_cached(
                "SELECT row, changes FROM call JOIN row USING (run, row)
                 WHERE run = ?1 AND path = ?2 AND state = 'updated' ORDER BY row DESC",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![run, path], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(self.explain("read"))?;
        // That nothing is known is not that nothing was changed.
        let Some((row, changes)) = changes else {
            return Err(JournalError::NoChanges {
                run: self.name_of(run)?,
            });
        };
        serde_json::from_str(&changes).map_err(|why| self.damaged_row(run, row, &why))
    }
}
