//! SQLite stores the outcomes of rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::store::Sqlite;
use crate::journal::error::{Action, JournalError};
use crate::journal::records::{FailureKind, Traces};
use crate::journal::row_id::{id_of, row_of};
use crate::journal::run_state::told;
use crate::journal::store::Outcomes;
use crate::l10n::message;
use crate::model::{DAMAGED, Outcome, Problem, RowState, StateCounts};

impl Outcomes for Sqlite {
    fn recorded(&self, run: i64, first: u64, last: u64) -> Result<u64, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT count(*) FROM outcome WHERE id BETWEEN ?1 AND ?2
                 AND state NOT IN ('open', 'unknown')",
            )
            .and_then(|mut statement| {
                let ends = params![id_of(run, first), id_of(run, last)];
                statement.query_row(ends, |row| row.get(0))
            })
            .map_err(self.explain(Action::Read))
    }

    fn states(&self, run: i64) -> Result<StateCounts, JournalError> {
        let explain = self.explain(Action::Read);
        let sql = "SELECT state, count(*) FROM outcome WHERE id > ?1 AND id <= ?2
                   AND state NOT IN ('open', 'unknown') GROUP BY state";
        let mut statement = self.connection.prepare_cached(sql).map_err(&explain)?;
        let ends = params![id_of(run, 0), id_of(run, u64::MAX)];
        let each = statement.query_map(ends, |row| Ok((row.get(0)?, row.get(1)?)));
        let mut states = StateCounts::default();
        for each in each.map_err(&explain)? {
            let (state, rows) = each.map_err(&explain)?;
            states.add(state, rows);
        }
        Ok(states)
    }

    fn traces(&self, run: i64) -> Result<Traces, JournalError> {
        let sql = "SELECT coalesce(sum(attempts), 0), coalesce(sum(max(attempts - 1, 0)), 0),
                          max(at)
                   FROM outcome WHERE id > ?1 AND id <= ?2";
        let ends = params![id_of(run, 0), id_of(run, u64::MAX)];
        let traces = self.connection.query_row(sql, ends, |row| {
            Ok(Traces {
                requests: row.get(0)?,
                retries: row.get(1)?,
                last: row
                    .get::<_, Option<i64>>(2)?
                    .and_then(|at| Timestamp::from_microsecond(at).ok()),
            })
        });
        traces.map_err(self.explain(Action::Read))
    }

    fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError> {
        let explain = self.explain(Action::Read);
        // Of one moment: a run that is under way goes on writing.
        let _moment = self.connection.unchecked_transaction().map_err(&explain)?;
        let reach = self.reach_of(run)?;
        let mut outcomes = self.outcomes_where(
            "outcome.id BETWEEN ?1 AND ?2 AND state <> 'open' ORDER BY outcome.id",
            params![id_of(run, first), id_of(run, last)],
        )?;
        if first > reach {
            return Ok(outcomes);
        }
        // Requests that were made, or may have been, and of which nothing is recorded yet.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id FROM planned WHERE id BETWEEN ?1 AND ?2 AND path IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
            )
            .map_err(&explain)?;
        let ends = params![id_of(run, first), id_of(run, last.min(reach))];
        let in_doubt: Vec<i64> = statement
            .query_map(ends, |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(&explain)?;
        outcomes.extend(in_doubt.into_iter().map(row_of).map(|row| Outcome {
            row,
            state: RowState::Unknown,
            http_status: None,
            error_code: String::new(),
            problems: Vec::new(),
            changed: String::new(),
            attempts: 1,
            request_id: String::new(),
            finished_at: Timestamp::UNIX_EPOCH,
        }));
        outcomes.sort_by_key(|outcome| outcome.row);
        Ok(outcomes)
    }

    fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, Vec<Problem>)>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, text FROM warning WHERE run = ?1 AND row BETWEEN ?2 AND ?3 ORDER BY row",
            )
            .map_err(self.explain(Action::Read))?;
        statement
            .query_map(params![run, first, last], |row| {
                Ok((row.get(0)?, problems_of(row, 1)?))
            })
            .and_then(Iterator::collect)
            .map_err(self.explain(Action::Read))
    }

    fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError> {
        self.connection
            .prepare_cached("SELECT body FROM planned WHERE id = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([id_of(run, row)], |row| row.get::<_, Option<Vec<u8>>>(0))
                    .optional()
            })
            .map(|body| body.flatten().unwrap_or_default())
            .map_err(self.explain(Action::Read))
    }

    fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError> {
        self.outcomes_where(
            "outcome.id BETWEEN ?1 AND ?2 AND state IN ('invalid', 'rejected', 'failed')
             ORDER BY outcome.id LIMIT ?3",
            params![id_of(run, 0), id_of(run, u64::MAX), most],
        )
    }

    fn kinds(&self, run: i64) -> Result<Vec<FailureKind>, JournalError> {
        let explain = self.explain(Action::Read);
        let sql = "SELECT state, coalesce(error_code, ''), count(*) FROM outcome
                   WHERE id > ?1 AND id <= ?2 AND (state IN ('invalid', 'rejected', 'failed')
                        OR state = 'updated' AND error_code IS NOT NULL)
                   GROUP BY state, error_code ORDER BY count(*) DESC, error_code";
        let mut statement = self.connection.prepare_cached(sql).map_err(&explain)?;
        let ends = params![id_of(run, 0), id_of(run, u64::MAX)];
        let kinds = statement.query_map(ends, |row| {
            Ok(FailureKind {
                state: row.get(0)?,
                code: row.get(1)?,
                rows: row.get(2)?,
            })
        });
        kinds.and_then(Iterator::collect).map_err(&explain)
    }

    fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError> {
        let explain = self.explain(Action::Read);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, state, http_status, error_code, error, NULL, attempts, request_id, at
                 FROM outcome WHERE id > ?1 AND id <= ?2 AND state <> 'open'",
            )
            .map_err(&explain)?;
        let ends = params![id_of(run, 0), id_of(run, u64::MAX)];
        let mut rows = statement.query(ends).map_err(&explain)?;
        let mut damaged = BTreeMap::new();
        while let Some(row) = rows.next().map_err(&explain)? {
            if let Err(why) = outcome(row) {
                damaged.insert(row_of(row.get(0).map_err(&explain)?), why.to_string());
            }
        }
        Ok(damaged)
    }
}

impl Sqlite {
    fn outcomes_where(
        &self,
        condition: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<Outcome>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT outcome.id, state, http_status, error_code, error, names, attempts, request_id, at
                 FROM outcome LEFT JOIN planned ON state = 'updated' AND planned.id = outcome.id
                 LEFT JOIN field_set ON field_set.id = planned.changed
                 WHERE {condition}"
            ))
            .map_err(self.explain(Action::Read))?;
        statement
            .query_map(values, whole_outcome)
            .and_then(Iterator::collect)
            .map_err(self.explain(Action::Read))
    }
}

/// The problems in a column; none where it has none.
pub(super) fn problems_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Problem>> {
    let stored: Option<String> = row.get(column)?;
    Ok(Problem::of_stored(&stored.unwrap_or_default()))
}

/// A row's outcome, or that its record is damaged: then nobody knows what became of it, and the rows
/// around it are none the worse.
fn whole_outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    outcome(row).or_else(|why| {
        Ok(Outcome {
            row: row_of(row.get(0)?),
            state: RowState::Failed,
            http_status: None,
            error_code: DAMAGED.into(),
            problems: vec![Problem::of_row(
                DAMAGED,
                message::journal_damaged_outcome(why.to_string()),
            )],
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at: Timestamp::UNIX_EPOCH,
        })
    })
}

fn outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    let text = |column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default())
    };
    Ok(Outcome {
        row: row_of(row.get(0)?),
        state: row.get(1)?,
        http_status: row.get(2)?,
        error_code: text(3)?,
        problems: problems_of(row, 4)?,
        changed: text(5)?,
        attempts: row.get(6)?,
        request_id: text(7)?,
        finished_at: row.get::<_, Moment>(8)?.0,
    })
}

/// A moment in whole microseconds since the Unix epoch.
pub(super) struct Moment(pub(super) Timestamp);

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let moment = Timestamp::from_microsecond(value.as_i64()?);
        moment.map(Moment).map_err(|why| told(why.to_string()))
    }
}

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
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
