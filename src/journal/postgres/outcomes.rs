//! PostgreSQL stores the outcomes of rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use postgres::Row;

use super::calls::state_at;
use super::connection::{Tables, Wrong, cell, word};
use super::store::{Postgres, signed};
use crate::journal::error::{JournalError, Refusal};
use crate::journal::postgres::connection::problems_of;
use crate::journal::records::{FailureKind, Traces};
use crate::journal::row_id::{id_of, row_of};
use crate::journal::sql::reach_of;
use crate::journal::store::Outcomes;
use crate::l10n::message;
use crate::model::{DAMAGED, Outcome, Problem, RowState, StateCounts};

fn ends(run: i64) -> (i64, i64) {
    (id_of(run, 0), id_of(run, u64::MAX))
}

fn count(row: &Row, column: usize) -> Result<u64, Wrong> {
    Ok(cell::<i64>(row, column)?.unsigned_abs())
}

/// A moment in whole microseconds since the Unix epoch.
pub(super) fn moment(micros: i64) -> Result<Timestamp, Wrong> {
    Timestamp::from_microsecond(micros)
        .map_err(|why| Wrong::Refused(Refusal::words(why.to_string())))
}

impl Outcomes for Postgres {
    fn recorded(&self, run: i64, first: u64, last: u64) -> Result<u64, JournalError> {
        let (first, last) = (id_of(run, first), id_of(run, last));
        self.read(|tables| {
            let row = tables.one(
                "SELECT count(*) FROM outcome WHERE id BETWEEN $1 AND $2
                 AND state NOT IN ('open', 'unknown')",
                &[&first, &last],
            )?;
            count(&row, 0)
        })
    }

    fn states(&self, run: i64) -> Result<StateCounts, JournalError> {
        let (first, last) = ends(run);
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT state, count(*) FROM outcome WHERE id > $1 AND id <= $2
                 AND state NOT IN ('open', 'unknown') GROUP BY state",
                &[&first, &last],
            )?;
            let mut states = StateCounts::default();
            for row in &rows {
                states.add(word::<RowState>(cell(row, 0)?)?, count(row, 1)?);
            }
            Ok(states)
        })
    }

    fn traces(&self, run: i64) -> Result<Traces, JournalError> {
        let (first, last) = ends(run);
        self.read(|tables| {
            let row = tables.one(
                "SELECT coalesce(sum(attempts), 0), coalesce(sum(greatest(attempts - 1, 0)), 0), max(at)
                 FROM outcome WHERE id > $1 AND id <= $2",
                &[&first, &last],
            )?;
            let at: Option<i64> = cell(&row, 2)?;
            Ok(Traces {
                requests: count(&row, 0)?,
                retries: count(&row, 1)?,
                last: at.and_then(|at| Timestamp::from_microsecond(at).ok()),
            })
        })
    }

    fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError> {
        self.read(|tables| {
            let reach = reach_of(tables, run)?;
            // Both of one moment: a run that is under way goes on writing.
            let mut outcomes = outcomes_where(
                tables,
                "outcome.id BETWEEN $1 AND $2 AND state <> 'open' ORDER BY outcome.id LIMIT $3",
                (id_of(run, first), id_of(run, last)),
                i64::MAX,
            )?;
            if first > reach {
                return Ok(outcomes);
            }
            // Requests that were made, or may have been, and of which nothing is recorded yet.
            let rows = tables.rows(
                "SELECT id FROM planned WHERE id BETWEEN $1 AND $2 AND path IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
                &[&id_of(run, first), &id_of(run, last.min(reach))],
            )?;
            for row in &rows {
                outcomes.push(Outcome {
                    row: row_of(cell(row, 0)?),
                    state: RowState::Unknown,
                    http_status: None,
                    error_code: String::new(),
                    problems: Vec::new(),
                    changed: String::new(),
                    attempts: 1,
                    request_id: String::new(),
                    finished_at: Timestamp::UNIX_EPOCH,
                });
            }
            outcomes.sort_by_key(|outcome| outcome.row);
            outcomes.dedup_by_key(|outcome| outcome.row);
            Ok(outcomes)
        })
    }

    fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, Vec<Problem>)>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT row, text FROM warning WHERE run = $1 AND row BETWEEN $2 AND $3 ORDER BY row",
                &[&run, &signed(first), &signed(last)],
            )?;
            let warning = |row| Ok((count(row, 0)?, problems_of(row, 1)?));
            rows.iter().map(warning).collect()
        })
    }

    fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError> {
        self.read(|tables| {
            let row = tables.first(
                "SELECT body FROM planned WHERE id = $1",
                &[&id_of(run, row)],
            )?;
            let body: Option<Option<Vec<u8>>> = row.map(|row| cell(&row, 0)).transpose()?;
            Ok(body.flatten().unwrap_or_default())
        })
    }

    fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError> {
        self.read(|tables| {
            outcomes_where(
                tables,
                "outcome.id BETWEEN $1 AND $2 AND state IN ('invalid', 'rejected', 'failed')
                 ORDER BY outcome.id LIMIT $3",
                ends(run),
                signed(most as u64),
            )
        })
    }

    fn kinds(&self, run: i64) -> Result<Vec<FailureKind>, JournalError> {
        let (first, last) = ends(run);
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT state, coalesce(error_code, ''), count(*) FROM outcome
                 WHERE id > $1 AND id <= $2 AND (state IN ('invalid', 'rejected', 'failed')
                      OR state = 'updated' AND error_code IS NOT NULL)
                 GROUP BY state, error_code
                 ORDER BY count(*) DESC, error_code COLLATE \"C\" NULLS FIRST",
                &[&first, &last],
            )?;
            let kind = |row| {
                Ok(FailureKind {
                    state: word(cell(row, 0)?)?,
                    code: cell(row, 1)?,
                    rows: count(row, 2)?,
                })
            };
            rows.iter().map(kind).collect()
        })
    }

    fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError> {
        let (first, last) = ends(run);
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT id, state, http_status, error_code, error, NULL::text, attempts, request_id, at
                 FROM outcome WHERE id > $1 AND id <= $2 AND state <> 'open'",
                &[&first, &last],
            )?;
            let mut damaged = BTreeMap::new();
            for row in &rows {
                if let Err(Wrong::Refused(why)) = outcome(row) {
                    damaged.insert(row_of(cell(row, 0)?), why.to_string());
                }
            }
            Ok(damaged)
        })
    }
}

fn outcomes_where(
    tables: &mut Tables<'_>,
    condition: &str,
    (first, last): (i64, i64),
    most: i64,
) -> Result<Vec<Outcome>, Wrong> {
    let rows = tables.rows(
        &format!(
            "SELECT outcome.id, state, http_status, error_code, error, names, attempts, request_id, at
             FROM outcome LEFT JOIN planned ON state = 'updated' AND planned.id = outcome.id
             LEFT JOIN field_set ON field_set.id = planned.changed
             WHERE {condition}"
        ),
        &[&first, &last, &most],
    )?;
    rows.iter().map(whole_outcome).collect()
}

/// A row's outcome, or that its record is damaged: then nobody knows what became of it, and the rows
/// around it are none the worse.
fn whole_outcome(row: &Row) -> Result<Outcome, Wrong> {
    outcome(row).or_else(|why| {
        let why = match why {
            Wrong::Refused(refusal) => refusal.to_string(),
            Wrong::TakenOver => String::new(),
        };
        Ok(Outcome {
            row: row_of(cell(row, 0)?),
            state: RowState::Failed,
            http_status: None,
            error_code: DAMAGED.into(),
            problems: vec![Problem::of_row(
                DAMAGED,
                message::journal_damaged_outcome(why),
            )],
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at: Timestamp::UNIX_EPOCH,
        })
    })
}

fn outcome(row: &Row) -> Result<Outcome, Wrong> {
    let text = |column| Ok::<_, Wrong>(cell::<Option<String>>(row, column)?.unwrap_or_default());
    let status: Option<i32> = cell(row, 2)?;
    Ok(Outcome {
        row: row_of(cell(row, 0)?),
        state: state_at(row, 1)?.unwrap_or(RowState::Unknown),
        http_status: status.and_then(|status| u16::try_from(status).ok()),
        error_code: text(3)?,
        problems: problems_of(row, 4)?,
        changed: text(5)?,
        attempts: cell::<i32>(row, 6)?.unsigned_abs(),
        request_id: text(7)?,
        finished_at: moment(cell(row, 8)?)?,
    })
}
