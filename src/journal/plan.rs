use std::path::Path;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::error::JournalError;
use super::lock::RunLock;
use super::store::{Journal, RUN_COLUMNS, RunRecord, RunState, run_record};
use crate::model::{Call, DAMAGED, RowAt, RowState};

/// What a run is going to send, and how far it has come.
impl Journal {
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

    /// Forgets what was planned and settled of a run: before it is planned anew.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn clear(&mut self, run: i64) -> Result<(), JournalError> {
        self.in_one_step(|transaction| clear(transaction, run))
    }

    /// Forgets a run, as if it had never been: all of it or nothing.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget(&mut self, run: i64) -> Result<(), JournalError> {
        self.in_one_step(|transaction| {
            clear(transaction, run)?;
            transaction.execute("DELETE FROM run WHERE id = ?1", [run])?;
            Ok(())
        })
    }

    fn in_one_step(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), JournalError> {
        let explain = self.explain("write");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&explain)?;
        change(&transaction).map_err(&explain)?;
        transaction.commit().map_err(&explain)
    }

    /// Makes an interrupted run ready to go on: its rows that were to be sent and were not are
    /// open again. Returns the requests that were made for its rows.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn reopen(&mut self, run: i64) -> Result<u64, JournalError> {
        let explain = self.explain("write");
        let requests = self
            .connection
            .query_row(
                "SELECT coalesce(sum(attempts), 0) FROM row WHERE run = ?1",
                [run],
                |row| row.get(0),
            )
            .map_err(&explain)?;
        // The requests already made for a row stay with it: one that was refused for want of
        // credentials was made all the same.
        self.connection
            .execute(
                "UPDATE row SET state = 'open' WHERE run = ?1 AND state = 'not_sent'
                 AND row IN (SELECT row FROM call WHERE run = ?1)",
                [run],
            )
            .map_err(&explain)?;
        self.connection
            .execute(
                "UPDATE run SET state = 'running', finished_at = NULL WHERE id = ?1",
                [run],
            )
            .map_err(&explain)?;
        Ok(requests)
    }

    /// The first `most` calls of a run for rows after `after` that have no outcome yet, in row
    /// order. A row whose call is damaged is recorded as failed, and the next ones follow.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn calls_left(&self, run: i64, after: u64, most: usize) -> Result<Vec<Call>, JournalError> {
        let mut after = after;
        loop {
            let (calls, damaged) = self.calls_left_after(run, after, most)?;
            for (row, why) in &damaged {
                self.connection
                    .execute(
                        "INSERT INTO row (run, row, state, error_code, error, at)
                         SELECT ?1, ?2, ?3, ?4, ?5, started_at FROM run WHERE id = ?1
                         ON CONFLICT (run, row) DO UPDATE SET state = ?3, error_code = ?4, error = ?5",
                        params![run, row, RowState::Failed, DAMAGED, why.to_string()],
                    )
                    .map_err(self.explain("write"))?;
            }
            match damaged.last() {
                Some((row, _)) if calls.is_empty() => after = *row,
                _ => return Ok(calls),
            }
        }
    }

    fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT call.row, line, method, path, body, call.changed, changes, key, note,
                        coalesce(row.attempts, 0), nullif(row.state, 'open')
                 FROM call LEFT JOIN row ON row.run = call.run AND row.row = call.row
                 WHERE call.run = ?1 AND call.row > ?2
                   AND (row.state IS NULL OR row.state IN ('unknown', 'open'))
                 ORDER BY call.row LIMIT ?3",
            )
            .map_err(self.explain("read"))?;
        let explain = self.explain("read");
        let mut rows = statement
            .query(params![run, after, most])
            .map_err(&explain)?;
        let (mut calls, mut damaged) = CallsLeft::default();
        while let Some(row) = rows.next().map_err(&explain)? {
            let number = row.get(0).map_err(&explain)?;
            match call(row) {
                Ok(call) => calls.push(call),
                Err(why) => damaged.push((number, self.damaged_row(run, number, &why))),
            }
        }
        Ok((calls, damaged))
    }

    /// A run's name.
    pub(super) fn name_of(&self, run: i64) -> Result<String, JournalError> {
        self.connection
            .query_row("SELECT name FROM run WHERE id = ?1", [run], |row| {
                row.get(0)
            })
            .map_err(self.explain("read"))
    }

    /// That what is held of a row is damaged.
    pub(super) fn damaged_row(
        &self,
        run: i64,
        row: u64,
        why: &dyn std::fmt::Display,
    ) -> JournalError {
        JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_else(|_| run.to_string()),
            row,
            why: why.to_string(),
        }
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

    /// Forgets runs that began before `moment`, with all that was kept of their records, and what was
    /// delivered before it; but for runs that somebody is at work on, or reads, as `folder`'s locks
    /// tell. A run whose process died is forgotten like any other.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn prune(&mut self, folder: &Path, moment: Timestamp) -> Result<Pruned, JournalError> {
        let explain = self.explain("prune");
        // What is forgotten is overwritten, not just no longer found.
        self.connection
            .pragma_update(None, "secure_delete", "ON")
            .map_err(&explain)?;
        let mut pruned = Pruned::default();
        let runs = self.runs()?;
        for run in runs.iter().filter(|run| run.started_at < moment) {
            match RunLock::take(folder, &run.name)? {
                None => pruned.left += 1,
                Some(_alone) => {
                    self.forget(run.id)?;
                    pruned.forgotten += 1;
                }
            }
        }
        self.connection
            .execute("DELETE FROM delivered WHERE at < ?1", [moment.to_string()])
            .map_err(&explain)?;
        let mut under_way = false;
        for run in runs.iter().filter(|run| run.started_at >= moment) {
            let open = matches!(run.state, RunState::Planning | RunState::Running);
            under_way |= open && RunLock::is_held(folder, &run.name)?;
        }
        // To give the room back, the file is written anew, and nobody could write meanwhile.
        if pruned.left == 0 && !under_way {
            self.connection.execute_batch("VACUUM").map_err(&explain)?;
        }
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(&explain)?;
        Ok(pruned)
    }

    /// Hands every call of a run to `each`, in row order, with the state of its row, if it has one.
    /// Calls that are damaged are passed over; [`Journal::damaged`] tells them.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_call<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(Call, Option<RowState>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_record(run, |_, record| match record {
            Ok((call, state)) => each(call, state),
            Err(_) => Ok(()),
        })
    }

    /// What is damaged of what is held of a run's rows.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn damaged(&self, run: i64) -> Result<Vec<JournalError>, JournalError> {
        let mut damaged = self.damaged_outcomes(run)?;
        self.each_record(run, |row, record| {
            if let Err(why) = record {
                damaged.entry(row).or_insert_with(|| why.to_string());
            }
            Ok::<(), JournalError>(())
        })?;
        let damaged = damaged.into_iter();
        Ok(damaged
            .map(|(row, why)| self.damaged_row(run, row, &why))
            .collect())
    }

    fn each_record<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(u64, rusqlite::Result<(Call, Option<RowState>)>) -> Result<(), E>,
    ) -> Result<(), E> {
        const PAGE: usize = 256;
        let mut after = 0;
        loop {
            let mut statement = self
                .connection
                .prepare_cached(
                    "SELECT row, line, method, path, body, changed, changes, key, note, 0,
                            (SELECT nullif(state, 'open') FROM row
                             WHERE row.run = call.run AND row.row = call.row)
                     FROM call WHERE run = ?1 AND row > ?2 ORDER BY row LIMIT ?3",
                )
                .map_err(self.explain("read"))?;
            let with_state = |row: &Row<'_>| {
                let number: u64 = row.get(0)?;
                Ok((number, call(row).and_then(|call| Ok((call, row.get(10)?)))))
            };
            let records: Vec<_> = statement
                .query_map(params![run, after, PAGE], with_state)
                .and_then(Iterator::collect)
                .map_err(self.explain("read"))?;
            let Some((last, _)) = records.last() else {
                return Ok(());
            };
            after = *last;
            for (row, record) in records {
                each(row, record)?;
            }
        }
    }
}

/// Calls, and rows whose call is damaged.
type CallsLeft = (Vec<Call>, Vec<(u64, JournalError)>);

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that are gone.
    pub forgotten: usize,
    /// Runs that are old enough, and that somebody is at work on.
    pub left: usize,
}

fn clear(transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<()> {
    for table in ["row", "call", "content", "warning"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    Ok(())
}

fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let method: String = row.get(2)?;
    let changes: String = row.get(6)?;
    let state: Option<RowState> = row.get(10)?;
    let wrong = |column: usize, why: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
    };
    Ok(Call {
        at: RowAt {
            row: row.get(0)?,
            line: row.get(1)?,
            ..RowAt::default()
        },
        method: method.parse().map_err(|why| wrong(2, why))?,
        path: row.get(3)?,
        body: row.get(4)?,
        changed: row.get(5)?,
        changes: serde_json::from_str(&changes).map_err(|why| wrong(6, why.to_string()))?,
        key: row.get(7)?,
        note: row.get(8)?,
        fingerprint: None,
        attempts: row.get(9)?,
        doubtful: state == Some(RowState::Unknown),
    })
}
