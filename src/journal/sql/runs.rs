//! Shared SQL for runs and their states.

use jiff::Timestamp;

use super::{FORGET_ANSWERS, Row, Sql, Value, Wrong, damaged, ends_of};
use crate::journal::error::{JournalError, StoreError};
use crate::journal::facade::Journal;
use crate::journal::records::{NewRun, RunRecord};
use crate::journal::run_state::RunState;
use crate::model::Held;

const RUN_COLUMNS: &str = "id, name, command, state, target, base_url, file, sha256, \
     settings, started_at, finished_at, summary, held";

/// Reads a run, or returns an error if its record is damaged.
fn run_record(row: &dyn Row) -> Result<RunRecord, JournalError> {
    let read = || {
        let state: String = row.get(3)?;
        let held = row.text(12)?.map(serde_json::from_str).transpose();
        Ok(RunRecord {
            id: row.get(0)?,
            name: row.get(1)?,
            command: row.get(2)?,
            state: RunState::of_word(&state)
                .ok_or_else(|| damaged(format!("\"{state}\" is not a run's state")))?,
            target: row.get(4)?,
            base_url: row.get(5)?,
            file: row.get(6)?,
            sha256: row.get(7)?,
            settings: row.get(8)?,
            started_at: row.get(9)?,
            finished_at: row.maybe(10)?,
            summary: row.maybe(11)?,
            held: held.map_err(damaged)?,
        })
    };
    read().map_err(|wrong| JournalError::DamagedRun {
        run: row.get(1).unwrap_or_else(|_| "?".into()),
        source: match wrong {
            Wrong::Refused(refusal) => refusal,
            Wrong::TakenOver => StoreError::words(String::new()),
        },
    })
}

/// Returns the newest run that matches a condition.
fn newest(
    store: &Journal,
    condition: &str,
    values: &[Value<'_>],
) -> Result<Option<RunRecord>, JournalError> {
    let query = format!("SELECT {RUN_COLUMNS} FROM run WHERE {condition} ORDER BY id DESC LIMIT 1");
    let found = store.look(|sql| sql.any(&query, values, |row| Ok(run_record(row))))?;
    found.transpose()
}

const IS_UNFINISHED: &str = "state IN ('running', 'interrupted', 'planning')";

impl Journal {
    /// Records the start of a run without a plan. Returns its number and its name: the requested name, with a
    /// number appended if another run has it.
    pub fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError> {
        let (id, name) = self.step(|sql| {
            let mut name = run.name.clone();
            let mut number = 1;
            loop {
                let known = "SELECT 1 FROM run WHERE name = ?1";
                if sql.any(known, &[(&name).into()], |_| Ok(()))?.is_some() {
                    number += 1;
                    name = format!("{}-{number}", run.name);
                    continue;
                }
                // Another machine may have started a run with this name meanwhile.
                let Some(id) = insert(sql, run, &name)? else {
                    continue;
                };
                if let Some(queued) = run.queued {
                    sql.change(
                        "UPDATE queued SET run = ?2, run_name = ?3 WHERE id = ?1",
                        &[queued.into(), id.into(), (&name).into()],
                    )?;
                }
                return Ok((id, name));
            }
        })?;
        self.take_over(id)?;
        Ok((id, name))
    }

    /// Resets a run to planning: it is no longer held and has no figures.
    pub fn begin_again(&mut self, run: i64) -> Result<(), JournalError> {
        self.step(|sql| {
            refuse_undone(sql.change(
                "UPDATE run SET state = 'planning', held = NULL, summary = NULL, finished_at = NULL
                 WHERE id = ?1 AND state NOT IN ('undone', 'declined')",
                &[run.into()],
            )?)
        })
    }

    /// Records that a run has ended, with its figures as JSON.
    pub fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.step(|sql| {
            refuse_undone(sql.change(
                "UPDATE run SET state = ?2, finished_at = ?3, summary = ?4
                 WHERE id = ?1 AND state NOT IN ('undone', 'declined')",
                &[
                    run.into(),
                    state.as_str().into(),
                    finished_at.into(),
                    summary.into(),
                ],
            )?)
        })
    }

    /// Returns the run called `name`, or the newest one. Returns [`JournalError::NoRun`] if there is none.
    pub fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError> {
        let found = match name {
            Some(name) => newest(self, "name = ?1", &[name.into()])?,
            None => newest(self, "true", &[])?,
        };
        found.ok_or_else(|| JournalError::NoRun {
            name: name.unwrap_or("newest").to_owned(),
        })
    }

    /// Returns all runs, newest first, with an error in place of each damaged record.
    pub fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError> {
        let query = format!("SELECT {RUN_COLUMNS} FROM run ORDER BY id DESC");
        self.look(|sql| sql.all(&query, &[], |row| Ok(run_record(row))))
    }

    /// Returns the undo runs that began after `run`, newest first.
    pub fn undos_after(&self, run: i64) -> Result<Vec<RunRecord>, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE id > ?1 AND command = 'undo' ORDER BY id DESC"
        );
        let found = self.look(|sql| sql.all(&query, &[run.into()], |row| Ok(run_record(row))))?;
        found.into_iter().collect()
    }

    /// Returns the newest run with this content, file path, target and address, if it has not ended.
    pub fn unfinished(
        &self,
        file: &str,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        let condition = format!(
            "id = (SELECT max(id) FROM run
                   WHERE file = ?1 AND sha256 = ?2 AND target = ?3 AND base_url = ?4)
             AND {IS_UNFINISHED}"
        );
        let values = [file, sha256, target, base_url].map(Value::from);
        newest(self, &condition, &values)
    }

    /// Returns the newest run of this content, under any file name, with the same target and address, if it
    /// has ended or is held.
    pub fn finished_before(
        &self,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        let condition = "sha256 = ?1 AND target = ?2 AND base_url = ?3
             AND state IN ('finished', 'held', 'undone')";
        let values = [sha256, target, base_url].map(Value::from);
        newest(self, condition, &values)
    }

    /// Returns the newest run that was interrupted or whose process died, or
    /// [`JournalError::NothingUnfinished`].
    pub fn newest_unfinished(&self) -> Result<RunRecord, JournalError> {
        newest(self, IS_UNFINISHED, &[])?.ok_or(JournalError::NothingUnfinished)
    }

    /// Records the state of a run. Stored responses are deleted once the run is no longer planning.
    pub fn set_state(&mut self, run: i64, state: RunState) -> Result<(), JournalError> {
        let keeps_answers = self.keeps_answers();
        self.step(|sql| {
            refuse_undone(sql.change(
                "UPDATE run SET state = ?2 WHERE id = ?1 AND (state NOT IN ('undone', 'declined') OR state = ?2)",
                &[run.into(), state.as_str().into()],
            )?)?;
            if keeps_answers && state != RunState::Planning {
                sql.change(FORGET_ANSWERS, &[run.into()])?;
            }
            Ok(())
        })
    }

    /// Records a run's plan, as JSON, and adds the number of requests made for it.
    pub fn set_plan(&mut self, run: i64, plan: &str, requests: u64) -> Result<(), JournalError> {
        self.put(
            "UPDATE run SET plan = ?2, planned_requests = planned_requests + ?3 WHERE id = ?1",
            &[run.into(), plan.into(), requests.into()],
        )
    }

    /// Returns a run's plan, as JSON, and the number of requests made for it.
    pub fn plan(&self, run: i64) -> Result<(Option<String>, u64), JournalError> {
        let plan = "SELECT plan, planned_requests FROM run WHERE id = ?1";
        let both = |row: &dyn Row| Ok((row.maybe(0)?, row.get(1)?));
        self.look(|sql| sql.one(plan, &[run.into()], both))
    }

    /// Records the new paths of a run's file and of the files that belong to it.
    pub fn moved(
        &mut self,
        run: i64,
        file: &str,
        settings: &str,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.forget_for_good()?;
        self.put(
            "UPDATE run SET file = ?2, settings = ?3, summary = ?4 WHERE id = ?1",
            &[run.into(), file.into(), settings.into(), summary.into()],
        )
    }

    /// Records a run's settings, as JSON.
    pub fn set_settings(&mut self, run: i64, settings: &str) -> Result<(), JournalError> {
        // Overwrite edited cells that the new settings no longer contain.
        self.forget_for_good()?;
        let set = "UPDATE run SET settings = ?2 WHERE id = ?1";
        self.put(set, &[run.into(), settings.into()])
    }

    /// Records why a guard holds a run. Stored responses are deleted.
    pub fn hold(&mut self, run: i64, why: &Held) -> Result<(), JournalError> {
        let keeps_answers = self.keeps_answers();
        self.step(|sql| {
            let why = serde_json::to_string(why).map_err(damaged)?;
            let hold = "UPDATE run SET held = ?2 WHERE id = ?1";
            sql.change(hold, &[run.into(), (&why).into()])?;
            if keeps_answers {
                sql.change(FORGET_ANSWERS, &[run.into()])?;
            }
            Ok(())
        })
    }

    /// Removes the plan and the outcomes of a run before it is planned again.
    pub fn clear(&mut self, run: i64) -> Result<(), JournalError> {
        self.step(|sql| clear(sql, run))
    }

    /// Removes a run completely, in one transaction.
    pub fn forget(&mut self, run: i64) -> Result<(), JournalError> {
        self.step(|sql| {
            clear(sql, run)?;
            sql.change("DELETE FROM run WHERE id = ?1", &[run.into()])?;
            Ok(())
        })
    }

    /// Returns the name of a run.
    pub fn name_of(&self, run: i64) -> Result<String, JournalError> {
        let name = "SELECT name FROM run WHERE id = ?1";
        self.look(|sql| sql.one(name, &[run.into()], |row| row.get(0)))
    }

    /// Returns all runs with readable records, newest first.
    pub fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        let all = self.all_runs()?.into_iter();
        Ok(all.filter_map(Result::ok).collect())
    }
}

fn clear(sql: &mut dyn Sql, run: i64) -> Result<(), Wrong> {
    for table in ["planned", "outcome"] {
        let delete = format!("DELETE FROM {table} WHERE id > ?1 AND id <= ?2");
        sql.change(&delete, &ends_of(run))?;
    }
    for table in ["row_key", "field_set", "warning", "sending"] {
        let delete = format!("DELETE FROM {table} WHERE run = ?1");
        sql.change(&delete, &[run.into()])?;
    }
    let set = "UPDATE run SET is_indexed = false WHERE id = ?1";
    sql.change(set, &[run.into()])?;
    Ok(())
}

/// Records a run with this name, unless there is one. Returns its number.
fn insert(sql: &mut dyn Sql, run: &NewRun, name: &str) -> Result<Option<i64>, Wrong> {
    sql.any(
        "INSERT INTO run (name, command, state, target, base_url, file, sha256, settings, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING RETURNING id",
        &[
            name.into(),
            run.command.into(),
            RunState::Planning.as_str().into(),
            (&run.target).into(),
            (&run.base_url).into(),
            (&run.file).into(),
            (&run.sha256).into(),
            (&run.settings).into(),
            run.started_at.into(),
        ],
        |row| row.get(0),
    )
}

/// Fails if no state was changed, because an undo has closed the run.
fn refuse_undone(changed: u64) -> Result<(), Wrong> {
    match changed {
        0 => Err(Wrong::TakenOver),
        _ => Ok(()),
    }
}
