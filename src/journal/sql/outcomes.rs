//! Shared SQL for the outcomes of rows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Row, Sql, Value, Wrong, ends_of, reach_of, states_that};
use crate::journal::entries::facts_in;
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;
use crate::journal::records::{FailureKind, Traces};
use crate::journal::row_id::{id_of, row_of};
use crate::l10n::message;
use crate::model::{DAMAGED, Outcome, Problem, RowFacts, RowState, Standing, StateCounts};

/// Returns the names of the states of unsuccessful rows.
fn faulty_states() -> String {
    states_that(|state| state.standing() == Standing::Faulty)
}

impl Journal {
    /// Counts the rows from `first` to `last` that have an outcome.
    pub fn recorded(&self, run: i64, first: u64, last: u64) -> Result<u64, JournalError> {
        self.look(|sql| {
            sql.one(
                "SELECT count(*) FROM outcome WHERE id BETWEEN ?1 AND ?2
                 AND state NOT IN ('open', 'unknown')",
                &[id_of(run, first).into(), id_of(run, last).into()],
                |row| row.get(0),
            )
        })
    }

    /// Counts the rows of a run by their final state.
    pub fn states(&self, run: i64) -> Result<StateCounts, JournalError> {
        let mut states = StateCounts::default();
        self.look(|sql| {
            sql.each(
                "SELECT state, count(*) FROM outcome WHERE id > ?1 AND id <= ?2
                 AND state NOT IN ('open', 'unknown') GROUP BY state",
                &ends_of(run),
                &mut |row| {
                    states.add(row.get(0)?, row.get(1)?);
                    Ok(())
                },
            )
        })?;
        Ok(states)
    }

    /// Returns the number of requests of a run's rows, and the time of the last outcome.
    pub fn traces(&self, run: i64) -> Result<Traces, JournalError> {
        let traces = |row: &dyn Row| {
            let (requests, rows): (u64, u64) = (row.get(0)?, row.get(1)?);
            let last: Option<i64> = row.maybe(2)?;
            Ok(Traces {
                requests,
                retries: requests.saturating_sub(rows),
                last: last.and_then(|at| Timestamp::from_microsecond(at).ok()),
            })
        };
        self.look(|sql| {
            sql.one(
                "SELECT coalesce(sum(attempts), 0), count(*) FILTER (WHERE attempts > 0), max(at)
                 FROM outcome WHERE id > ?1 AND id <= ?2",
                &ends_of(run),
                traces,
            )
        })
    }

    /// Returns the recorded outcomes of rows `first` to `last`, in row order. A damaged record is returned as
    /// a failed row with the reason.
    pub fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError> {
        self.look(|sql| {
            let reach = reach_of(sql, run)?;
            let mut outcomes = outcomes_where(
                sql,
                "outcome.id BETWEEN ?1 AND ?2 AND state <> 'open' ORDER BY outcome.id",
                &[id_of(run, first).into(), id_of(run, last).into()],
            )?;
            if first > reach {
                return Ok(outcomes);
            }
            // Requests that were made, or may have been, without a recorded outcome.
            let in_doubt = sql.all(
                "SELECT id FROM planned WHERE id BETWEEN ?1 AND ?2 AND path IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
                &[id_of(run, first).into(), id_of(run, last.min(reach)).into()],
                |row| {
                    Ok(Outcome {
                        attempts: 1,
                        ..nothing_of(row_of(row.get(0)?), RowState::Unknown)
                    })
                },
            )?;
            outcomes.extend(in_doubt);
            outcomes.sort_by_key(|outcome| outcome.row);
            Ok(outcomes)
        })
    }

    /// Returns the warnings of rows `first` to `last`, in row order. Rows without warnings are omitted.
    pub fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, Vec<Problem>)>, JournalError> {
        self.look(|sql| {
            sql.all(
                "SELECT row, text FROM warning WHERE run = ?1 AND row BETWEEN ?2 AND ?3 ORDER BY row",
                &[run.into(), first.into(), last.into()],
                |row| Ok((row.get(0)?, row.problems(1)?)),
            )
        })
    }

    /// Returns the facts that planning stored about rows `first` to `last`, in row order. Rows without facts
    /// are omitted.
    pub fn facts(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, RowFacts)>, JournalError> {
        let rows = self.look(|sql| {
            sql.all(
                "SELECT id, facts FROM planned WHERE id BETWEEN ?1 AND ?2 AND facts IS NOT NULL
                 ORDER BY id",
                &[id_of(run, first).into(), id_of(run, last).into()],
                |row| Ok((row_of(row.get(0)?), row.get(1)?)),
            )
        })?;
        Ok(facts_in(rows))
    }

    /// Returns the request body of a row, or an empty one if it has none.
    pub fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError> {
        let body = "SELECT body FROM planned WHERE id = ?1";
        let row = id_of(run, row);
        let body = self.look(|sql| sql.any(body, &[row.into()], |row| row.maybe(0)))?;
        Ok(body.flatten().unwrap_or_default())
    }

    /// Returns the first `most` unsuccessful rows of a run, in row order.
    pub fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError> {
        let [first, last] = ends_of(run);
        self.look(|sql| {
            outcomes_where(
                sql,
                &format!(
                    "outcome.id > ?1 AND outcome.id <= ?2 AND state IN {}
                     ORDER BY outcome.id LIMIT ?3",
                    faulty_states()
                ),
                &[first, last, most.into()],
            )
        })
    }

    /// Counts the unsuccessful rows of a run by state and code, most frequent first, and the successful rows
    /// with warnings by code.
    pub fn kinds(&self, run: i64) -> Result<Vec<FailureKind>, JournalError> {
        let mut kinds = self.look(|sql| {
            sql.all(
                &format!(
                    "SELECT state, coalesce(error_code, ''), count(*) FROM outcome
                     WHERE id > ?1 AND id <= ?2 AND (state IN {}
                          OR state = 'updated' AND error_code IS NOT NULL)
                     GROUP BY state, error_code",
                    faulty_states()
                ),
                &ends_of(run),
                |row| {
                    Ok(FailureKind {
                        state: row.get(0)?,
                        code: row.get(1)?,
                        rows: row.get(2)?,
                    })
                },
            )
        })?;
        // The database sorts text by its locale.
        kinds.sort_by(|a, b| {
            let by_code = (&a.code, a.state.as_str()).cmp(&(&b.code, b.state.as_str()));
            Reverse(a.rows).cmp(&Reverse(b.rows)).then(by_code)
        });
        Ok(kinds)
    }

    /// Returns the rows with a damaged outcome, and the reason for each.
    pub fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError> {
        let mut damaged = BTreeMap::new();
        self.look(|sql| {
            sql.each(
                "SELECT id, state, http_status, error_code, error, '', attempts, request_id, at
                 FROM outcome WHERE id > ?1 AND id <= ?2 AND state <> 'open'",
                &ends_of(run),
                &mut |row| {
                    if let Err(why) = outcome(row) {
                        damaged.insert(row_of(row.get(0)?), why.to_string());
                    }
                    Ok(())
                },
            )
        })?;
        Ok(damaged)
    }
}

fn outcomes_where(
    sql: &mut dyn Sql,
    condition: &str,
    values: &[Value<'_>],
) -> Result<Vec<Outcome>, Wrong> {
    let query = format!(
        "SELECT outcome.id, state, http_status, error_code, error, names, attempts, request_id, at
         FROM outcome LEFT JOIN planned ON state = 'updated' AND planned.id = outcome.id
         LEFT JOIN field_set ON field_set.id = planned.changed
         WHERE {condition}"
    );
    sql.all(&query, values, whole_outcome)
}

/// Reads a row's outcome. A damaged record is returned as a failed outcome with the reason, without affecting
/// other rows.
fn whole_outcome(row: &dyn Row) -> Result<Outcome, Wrong> {
    outcome(row).or_else(|why| {
        let why = message::journal_damaged_outcome(why.to_string());
        Ok(Outcome {
            error_code: DAMAGED.into(),
            problems: vec![Problem::of_row(DAMAGED, why)],
            ..nothing_of(row_of(row.get(0)?), RowState::Failed)
        })
    })
}

/// Returns an outcome of which only the state is known.
fn nothing_of(row: u64, state: RowState) -> Outcome {
    Outcome::of(row, state, Timestamp::UNIX_EPOCH)
}

fn outcome(row: &dyn Row) -> Result<Outcome, Wrong> {
    Ok(Outcome {
        row: row_of(row.get(0)?),
        state: row.get(1)?,
        http_status: row.maybe(2)?,
        error_code: row.filled(3)?,
        problems: row.problems(4)?,
        changed: row.filled(5)?,
        attempts: row.get(6)?,
        request_id: row.filled(7)?,
        finished_at: row.get(8)?,
    })
}
