use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::error::JournalError;
use super::run_state::RunState;
use super::store::Journal;

/// A run as it begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its name, unique in the journal.
    pub name: String,
    /// The command that makes it.
    pub command: &'static str,
    /// The target's name.
    pub target: String,
    /// The address that requests go to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How it was asked for, as JSON: what going on with it needs. Holds no secret.
    pub settings: String,
    /// When it begins.
    pub started_at: Timestamp,
}

/// A run as the journal knows it.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number in the journal.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The command that made it.
    pub command: String,
    /// How far it has come.
    pub state: RunState,
    /// The target's name.
    pub target: String,
    /// The address that requests went to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How it was asked for, as JSON.
    pub settings: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub finished_at: Option<Timestamp>,
    /// Its figures, as JSON, once it has ended.
    pub summary: Option<String>,
    /// Why a guard held it, if one did.
    pub held: Option<String>,
}

/// The runs themselves.
impl Journal {
    /// Records that a run begins, with its plan to be made. Returns its number, and its name: the one asked for, with a
    /// number behind it where another run has that already.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError> {
        let explain = self.explain("write");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&explain)?;
        let mut name = run.name.clone();
        let mut number = 1;
        while transaction
            .query_row("SELECT 1 FROM run WHERE name = ?1", [&name], |_| Ok(()))
            .optional()
            .map_err(&explain)?
            .is_some()
        {
            number += 1;
            name = format!("{}-{number}", run.name);
        }
        transaction
            .execute(
                "INSERT INTO run (name, command, state, target, base_url, file, sha256, settings, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    name,
                    run.command,
                    RunState::Planning.as_str(),
                    run.target,
                    run.base_url,
                    run.file,
                    run.sha256,
                    run.settings,
                    run.started_at.to_string(),
                ],
            )
            .map_err(&explain)?;
        let id = transaction.last_insert_rowid();
        transaction.commit().map_err(&explain)?;
        Ok((id, name))
    }

    /// Records that a run has ended, with its figures as JSON.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET state = ?2, finished_at = ?3, summary = ?4 WHERE id = ?1",
                params![run, state.as_str(), finished_at.to_string(), summary],
            )
            .map_err(self.explain("write"))?;
        Ok(())
    }

    /// The run called `name`, or the newest one.
    ///
    /// # Errors
    /// When there is no such run, or the journal cannot be read.
    pub fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE ?1 IS NULL OR name = ?1 ORDER BY id DESC LIMIT 1"
        );
        let with_name = |row: &Row<'_>| Ok((row.get::<_, String>(1)?, run_record(row)));
        let (run, record) = self
            .connection
            .query_row(&query, [name], with_name)
            .optional()
            .map_err(self.explain("read"))?
            .ok_or_else(|| JournalError::NoRun {
                name: name.unwrap_or("newest").to_owned(),
            })?;
        record.map_err(|source| JournalError::DamagedRun {
            run,
            source: source.into(),
        })
    }

    /// All runs whose records can be read, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        Ok(self
            .all_runs()?
            .into_iter()
            .filter_map(Result::ok)
            .collect())
    }

    /// All runs, the newest first, and in the place of one whose record is damaged what is wrong
    /// with it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError> {
        let explain = self.explain("read");
        let query = format!("SELECT {RUN_COLUMNS} FROM run ORDER BY id DESC");
        let mut statement = self.connection.prepare(&query).map_err(&explain)?;
        let mut rows = statement.query([]).map_err(&explain)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(&explain)? {
            let name = || row.get::<_, String>(1).unwrap_or_else(|_| "?".into());
            runs.push(run_record(row).map_err(|source| JournalError::DamagedRun {
                run: name(),
                source: source.into(),
            }));
        }
        Ok(runs)
    }

    /// The newest run of this very content of `file`, by the same target to the same address,
    /// that has begun and not come to its end.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unfinished(
        &self,
        file: &str,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run
             WHERE id = (SELECT max(id) FROM run
                         WHERE file = ?1 AND sha256 = ?2 AND target = ?3 AND base_url = ?4)
             AND state IN ('running', 'interrupted', 'planning')"
        );
        self.connection
            .query_row(&query, [file, sha256, target, base_url], run_record)
            .optional()
            .map_err(self.explain("read"))
    }

    /// The newest run that was interrupted, or whose process died.
    ///
    /// # Errors
    /// When there is none, or the journal cannot be read.
    pub fn newest_unfinished(&self) -> Result<RunRecord, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE state IN ('running', 'interrupted', 'planning')
             ORDER BY id DESC LIMIT 1"
        );
        self.connection
            .query_row(&query, [], run_record)
            .optional()
            .map_err(self.explain("read"))?
            .ok_or(JournalError::NothingUnfinished)
    }

    /// Records how far a run has come.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn set_state(&mut self, run: i64, state: RunState) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET state = ?2 WHERE id = ?1",
                params![run, state.as_str()],
            )
            .map(|_| ())
            .map_err(self.explain("write"))
    }

    /// Records a run's plan, as JSON, and the requests that were made for it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn set_plan(&mut self, run: i64, plan: &str, requests: u64) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET plan = ?2, planned_requests = planned_requests + ?3 WHERE id = ?1",
                params![run, plan, requests],
            )
            .map(|_| ())
            .map_err(self.explain("write"))
    }

    /// A run's plan, as JSON, and the requests that were made for it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn plan(&self, run: i64) -> Result<(Option<String>, u64), JournalError> {
        self.connection
            .query_row(
                "SELECT plan, planned_requests FROM run WHERE id = ?1",
                [run],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(self.explain("read"))
    }

    /// A run's name.
    pub(super) fn name_of(&self, run: i64) -> Result<String, JournalError> {
        self.connection
            .query_row("SELECT name FROM run WHERE id = ?1", [run], |row| {
                row.get(0)
            })
            .map_err(self.explain("read"))
    }

    /// Records that a run's file and what belongs to it lie elsewhere now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn moved(
        &mut self,
        run: i64,
        file: &str,
        settings: &str,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET file = ?2, settings = ?3, summary = ?4 WHERE id = ?1",
                params![run, file, settings, summary],
            )
            .map(|_| ())
            .map_err(self.explain("write"))
    }

    /// Records what a run was asked for, as JSON.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn set_settings(&mut self, run: i64, settings: &str) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET settings = ?2 WHERE id = ?1",
                params![run, settings],
            )
            .map(|_| ())
            .map_err(self.explain("write"))
    }

    /// Records that a guard holds a run, and why.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn hold(&mut self, run: i64, why: &str) -> Result<(), JournalError> {
        self.connection
            .execute("UPDATE run SET held = ?2 WHERE id = ?1", params![run, why])
            .map(|_| ())
            .map_err(self.explain("write"))
    }
}

pub(super) const RUN_COLUMNS: &str = "id, name, command, state, target, base_url, file, sha256, settings, started_at, finished_at, summary, held";

pub(super) fn run_record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        command: row.get(2)?,
        state: row.get(3)?,
        target: row.get(4)?,
        base_url: row.get(5)?,
        file: row.get(6)?,
        sha256: row.get(7)?,
        settings: row.get(8)?,
        started_at: row.get(9)?,
        finished_at: row.get(10)?,
        summary: row.get(11)?,
        held: row.get(12)?,
    })
}
