use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::error::JournalError;
use super::store::{Journal, RUN_COLUMNS, RunRecord, run_record};
use crate::model::{Change, RowState, Summary};

/// What a row said in an earlier run, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRow {
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
                "SELECT content.cells, row.state, coalesce(row.error_code, ''), coalesce(row.error, '')
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
                let state: Option<String> = row.get(1)?;
                Ok(PastRow {
                    cells: row.get(0)?,
                    state: state.and_then(|state| state.parse().ok()),
                    error_code: row.get(2)?,
                    error: row.get(3)?,
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
    /// is not sent.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT content.row, row.state FROM content
                 LEFT JOIN row ON row.run = content.run AND row.row = content.row
                 WHERE content.run = ?1 ORDER BY content.row",
            )
            .map_err(self.explain("read"))?;
        let mut rows = statement.query([run]).map_err(self.explain("read"))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(self.explain("read"))? {
            let number: u64 = row.get(0).map_err(self.explain("read"))?;
            let state: Option<String> = row.get(1).map_err(self.explain("read"))?;
            let state = match state.as_deref().and_then(|state| state.parse().ok()) {
                None => RowState::NotSent,
                Some(RowState::Unknown) => RowState::Failed,
                Some(state) => state,
            };
            if states.contains(&state) {
                found.push(number);
            }
        }
        Ok(found)
    }

    /// Whether no other file of a run's name has been imported since to the same place: then what it
    /// brought there still stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn is_last_of_its_name(&self, run: &RunRecord) -> Result<bool, JournalError> {
        // A number that was added where another of its name lay already is no part of it.
        let name = |file: &str| {
            let stem = std::path::Path::new(file).file_stem()?.to_str()?.to_owned();
            let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit());
            Some(bare.strip_suffix('-').map_or(stem.clone(), str::to_owned))
        };
        let later = self.runs()?;
        Ok(!later.iter().any(|other| {
            other.id > run.id
                && (&other.target, &other.base_url) == (&run.target, &run.base_url)
                && other.sha256 != run.sha256
                && (name(&other.file) == name(&run.file) || other.command == "undo")
        }))
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

    /// The rows of the last file of this name that came to its end with this target.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn rows_last_time(&self, target: &str, file: &str) -> Result<Option<u64>, JournalError> {
        let name = |file: &str| {
            let name = std::path::Path::new(file).file_name();
            name.map(std::ffi::OsStr::to_owned)
        };
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT file, summary FROM run
                 WHERE target = ?1 AND state = 'finished' AND command = 'import' ORDER BY id DESC",
            )
            .map_err(self.explain("read"))?;
        let mut runs = statement.query([target]).map_err(self.explain("read"))?;
        while let Some(run) = runs.next().map_err(self.explain("read"))? {
            let known: String = run.get(0).map_err(self.explain("read"))?;
            let summary: Option<String> = run.get(1).map_err(self.explain("read"))?;
            if name(&known) == name(file) {
                let summary = summary.and_then(|json| serde_json::from_str::<Summary>(&json).ok());
                return Ok(summary.map(|summary| summary.rows));
            }
        }
        Ok(None)
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
                    .query_row([account, path], |row| {
                        let at: String = row.get(1)?;
                        let at = at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
                        Ok((row.get(0)?, at))
                    })
                    .optional()
            })
            .map_err(self.explain("read"))
    }

    /// What a run has changed in the record at `path`: nothing where it has changed none there.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError> {
        let changes: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT changes FROM call JOIN row USING (run, row)
                 WHERE run = ?1 AND path = ?2 AND state = 'updated' ORDER BY row DESC",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![run, path], |row| row.get(0))
                    .optional()
            })
            .map_err(self.explain("read"))?;
        Ok(changes
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default())
    }
}
