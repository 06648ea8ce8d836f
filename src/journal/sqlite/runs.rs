//! SQLite stores runs and their states.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::outcomes::Moment;
use super::store::Sqlite;
use crate::journal::error::{Action, JournalError};
use crate::journal::records::{NewRun, RunRecord};
use crate::journal::run_state::RunState;
use crate::journal::store::Runs;

impl Runs for Sqlite {
    fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError> {
        let explain = self.explain(Action::Write);
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
                    Moment(run.started_at),
                ],
            )
            .map_err(&explain)?;
        let id = transaction.last_insert_rowid();
        transaction.commit().map_err(&explain)?;
        Ok((id, name))
    }

    fn begin_again(&mut self, run: i64) -> Result<(), JournalError> {
        let changed = self
            .connection
            .execute(
                "UPDATE run SET state = 'planning', held = NULL, summary = NULL, finished_at = NULL
                 WHERE id = ?1 AND state <> 'undone'",
                [run],
            )
            .map_err(self.explain(Action::Write))?;
        refuse_undone(changed)
    }

    fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError> {
        let changed = self
            .connection
            .execute(
                "UPDATE run SET state = ?2, finished_at = ?3, summary = ?4
                 WHERE id = ?1 AND state <> 'undone'",
                params![run, state.as_str(), Moment(finished_at), summary],
            )
            .map_err(self.explain(Action::Write))?;
        refuse_undone(changed)
    }

    fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE ?1 IS NULL OR name = ?1 ORDER BY id DESC LIMIT 1"
        );
        let with_name = |row: &Row<'_>| Ok((row.get::<_, String>(1)?, run_record(row)));
        let (run, record) = self
            .connection
            .query_row(&query, [name], with_name)
            .optional()
            .map_err(self.explain(Action::Read))?
            .ok_or_else(|| JournalError::NoRun {
                name: name.unwrap_or("newest").to_owned(),
            })?;
        record.map_err(|source| JournalError::DamagedRun {
            run,
            source: source.into(),
        })
    }

    fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError> {
        let explain = self.explain(Action::Read);
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

    fn unfinished(
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
            .map_err(self.explain(Action::Read))
    }

    fn newest_unfinished(&self) -> Result<RunRecord, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE state IN ('running', 'interrupted', 'planning')
             ORDER BY id DESC LIMIT 1"
        );
        self.connection
            .query_row(&query, [], run_record)
            .optional()
            .map_err(self.explain(Action::Read))?
            .ok_or(JournalError::NothingUnfinished)
    }

    fn set_state(&mut self, run: i64, state: RunState) -> Result<(), JournalError> {
        let changed = self
            .connection
            .execute(
                "UPDATE run SET state = ?2 WHERE id = ?1 AND (state <> 'undone' OR ?2 = 'undone')",
                params![run, state.as_str()],
            )
            .map_err(self.explain(Action::Write))?;
        refuse_undone(changed)
    }

    fn set_plan(&mut self, run: i64, plan: &str, requests: u64) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET plan = ?2, planned_requests = planned_requests + ?3 WHERE id = ?1",
                params![run, plan, requests],
            )
            .map(|_| ())
            .map_err(self.explain(Action::Write))
    }

    fn plan(&self, run: i64) -> Result<(Option<String>, u64), JournalError> {
        self.connection
            .query_row(
                "SELECT plan, planned_requests FROM run WHERE id = ?1",
                [run],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(self.explain(Action::Read))
    }

    fn moved(
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
            .map_err(self.explain(Action::Write))
    }

    fn set_settings(&mut self, run: i64, settings: &str) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET settings = ?2 WHERE id = ?1",
                params![run, settings],
            )
            .map(|_| ())
            .map_err(self.explain(Action::Write))
    }

    fn hold(&mut self, run: i64, why: &str) -> Result<(), JournalError> {
        self.connection
            .execute("UPDATE run SET held = ?2 WHERE id = ?1", params![run, why])
            .map(|_| ())
            .map_err(self.explain(Action::Write))
    }

    fn name_of(&self, run: i64) -> Result<String, JournalError> {
        self.connection
            .query_row("SELECT name FROM run WHERE id = ?1", [run], |row| {
                row.get(0)
            })
            .map_err(self.explain(Action::Read))
    }
}

/// Refuses a step of a run whose state was not changed: an undo has closed it.
fn refuse_undone(changed: usize) -> Result<(), JournalError> {
    match changed {
        0 => Err(JournalError::TakenOver),
        _ => Ok(()),
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
        started_at: row.get::<_, Moment>(9)?.0,
        finished_at: row.get::<_, Option<Moment>>(10)?.map(|at| at.0),
        summary: row.get(11)?,
        held: row.get(12)?,
    })
}
