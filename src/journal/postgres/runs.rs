//! PostgreSQL stores runs and their states.

use jiff::Timestamp;
use postgres::Row;

use super::answers::FORGET_ANSWERS;
use super::connection::{Wrong, cell, word};
use super::store::{Postgres, signed, text};
use crate::journal::error::{JournalError, Refusal};
use crate::journal::records::{NewRun, RunRecord};
use crate::journal::run_state::RunState;
use crate::journal::store::Runs;

pub(super) const RUN_COLUMNS: &str = "id, name, command, state, target, base_url, file, sha256, \
     settings, started_at, finished_at, summary, held";

pub(super) fn run_record(row: &Row) -> Result<RunRecord, Wrong> {
    Ok(RunRecord {
        id: cell(row, 0)?,
        name: cell(row, 1)?,
        command: cell(row, 2)?,
        state: word(cell(row, 3)?)?,
        target: cell(row, 4)?,
        base_url: cell(row, 5)?,
        file: cell(row, 6)?,
        sha256: cell(row, 7)?,
        settings: cell(row, 8)?,
        started_at: cell(row, 9)?,
        finished_at: cell(row, 10)?,
        summary: cell(row, 11)?,
        held: cell(row, 12)?,
    })
}

/// A run, or that its record is damaged.
fn checked(row: &Row) -> Result<RunRecord, JournalError> {
    run_record(row).map_err(|wrong| JournalError::DamagedRun {
        run: cell(row, 1).unwrap_or_else(|_| "?".into()),
        source: match wrong {
            Wrong::Refused(refusal) => refusal,
            Wrong::TakenOver => Refusal::words(String::new()),
        },
    })
}

impl Runs for Postgres {
    fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError> {
        let (id, name) = self.change(|tables| {
            let mut name = run.name.clone();
            let mut number = 1;
            loop {
                let known = "SELECT 1 FROM run WHERE name = $1";
                if tables.first(known, &[&name])?.is_some() {
                    number += 1;
                    name = format!("{}-{number}", run.name);
                    continue;
                }
                // Another machine may have begun one of that name meanwhile.
                let row = tables.first(
                    "INSERT INTO run (name, command, state, target, base_url, file, sha256, settings,
                                      started_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING id",
                    &[
                        &name,
                        &run.command,
                        &RunState::Planning.as_str(),
                        &run.target,
                        &run.base_url,
                        &run.file,
                        &run.sha256,
                        &run.settings,
                        &run.started_at,
                    ],
                )?;
                if let Some(row) = row {
                    let id: i64 = cell(&row, 0)?;
                    if let Some(queued) = run.queued {
                        tables.execute(
                            "UPDATE queued SET run = $2, run_name = $3 WHERE id = $1",
                            &[&queued, &id, &name],
                        )?;
                    }
                    return Ok((id, name));
                }
            }
        })?;
        self.take_over(id)?;
        Ok((id, name))
    }

    fn take_over(&mut self, run: i64) -> Result<(), JournalError> {
        let fence = self.database().begin(&format!("run {run}"))?;
        self.fences.retain(|other| other.name != fence.name);
        self.fences.push(fence);
        Ok(())
    }

    fn begin_again(&mut self, run: i64) -> Result<(), JournalError> {
        self.change(|tables| {
            refuse_undone(tables.execute(
                "UPDATE run SET state = 'planning', held = NULL, summary = NULL, finished_at = NULL
                 WHERE id = $1 AND state <> 'undone'",
                &[&run],
            )?)
        })
    }

    fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.change(|tables| {
            refuse_undone(tables.execute(
                "UPDATE run SET state = $2, finished_at = $3, summary = $4
                 WHERE id = $1 AND state <> 'undone'",
                &[&run, &state.as_str(), &finished_at, &summary],
            )?)
        })
    }

    fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError> {
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE $1::text IS NULL OR name = $1
             ORDER BY id DESC LIMIT 1"
        );
        let rows = self.rows(&sql, &[&name])?;
        let row = rows.first().ok_or_else(|| JournalError::NoRun {
            name: name.unwrap_or("newest").to_owned(),
        })?;
        checked(row)
    }

    fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM run ORDER BY id DESC");
        Ok(self.rows(&sql, &[])?.iter().map(checked).collect())
    }

    fn unfinished(
        &self,
        file: &str,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM run
             WHERE id = (SELECT max(id) FROM run
                         WHERE file = $1 AND sha256 = $2 AND target = $3 AND base_url = $4)
             AND state IN ('running', 'interrupted', 'planning')"
        );
        let rows = self.rows(&sql, &[&file, &sha256, &target, &base_url])?;
        rows.first().map(checked).transpose()
    }

    fn newest_unfinished(&self) -> Result<RunRecord, JournalError> {
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE state IN ('running', 'interrupted', 'planning')
             ORDER BY id DESC LIMIT 1"
        );
        let rows = self.rows(&sql, &[])?;
        checked(rows.first().ok_or(JournalError::NothingUnfinished)?)
    }

    fn set_state(&mut self, run: i64, state: RunState) -> Result<(), JournalError> {
        self.change(|tables| {
            let changed = tables.execute(
                "UPDATE run SET state = $2 WHERE id = $1 AND (state <> 'undone' OR $2 = 'undone')",
                &[&run, &state.as_str()],
            )?;
            refuse_undone(changed)?;
            match state {
                RunState::Planning => Ok(0),
                _ => tables.execute(FORGET_ANSWERS, &[&run]),
            }
        })
        .map(|_| ())
    }

    fn set_plan(&mut self, run: i64, plan: &str, requests: u64) -> Result<(), JournalError> {
        self.set(
            "UPDATE run SET plan = $2, planned_requests = planned_requests + $3 WHERE id = $1",
            &[&run, &plan, &signed(requests)],
        )
    }

    fn plan(&self, run: i64) -> Result<(Option<String>, u64), JournalError> {
        self.read(|tables| {
            let row = tables.one(
                "SELECT plan, planned_requests FROM run WHERE id = $1",
                &[&run],
            )?;
            Ok((cell(&row, 0)?, cell::<i64>(&row, 1)?.unsigned_abs()))
        })
    }

    fn moved(
        &mut self,
        run: i64,
        file: &str,
        settings: &str,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.set(
            "UPDATE run SET file = $2, settings = $3, summary = $4 WHERE id = $1",
            &[&run, &file, &settings, &summary],
        )
    }

    fn set_settings(&mut self, run: i64, settings: &str) -> Result<(), JournalError> {
        self.set(
            "UPDATE run SET settings = $2 WHERE id = $1",
            &[&run, &settings],
        )
    }

    fn hold(&mut self, run: i64, why: &str) -> Result<(), JournalError> {
        self.change(|tables| {
            tables.execute(
                "UPDATE run SET held = $2 WHERE id = $1",
                &[&run, &text(why)],
            )?;
            tables.execute(FORGET_ANSWERS, &[&run])
        })
        .map(|_| ())
    }

    fn name_of(&self, run: i64) -> Result<String, JournalError> {
        self.read(|tables| {
            let row = tables.one("SELECT name FROM run WHERE id = $1", &[&run])?;
            cell(&row, 0)
        })
    }
}

/// Refuses a step of a run whose state was not changed: an undo has closed it.
fn refuse_undone(changed: u64) -> Result<(), Wrong> {
    match changed {
        0 => Err(Wrong::TakenOver),
        _ => Ok(()),
    }
}
