//! PostgreSQL stores the planned calls of a run.

use postgres::Row;

use super::connection::{Wrong, cell, word};
use super::store::{Postgres, signed, text};
use crate::journal::changes::{changes_of, kept};
use crate::journal::entries::last_segment;
use crate::journal::error::{JournalError, Refusal};
use crate::journal::postgres::connection::problems_of;
use crate::journal::records::{CallsLeft, KeptCall, Which};
use crate::journal::row_id::{id_of, row_of};
use crate::journal::sql::reach_of;
use crate::journal::store::Calls;
use crate::model::{Call, DAMAGED, Pending, RowAt, RowState};

/// A limit that the database can hold.
fn limit(most: usize) -> i64 {
    signed(most as u64)
}

impl Calls for Postgres {
    fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError> {
        self.read(|tables| {
            let reach = reach_of(tables, run)?;
            let rows = tables.rows(
                "SELECT planned.id, path, body, note, attempts, nullif(state, 'open'), names
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE planned.id > $1 AND planned.id <= $2 AND path IS NOT NULL
                   AND (state IS NULL OR state IN ('unknown', 'open'))
                 ORDER BY planned.id LIMIT $3",
                &[&id_of(run, after), &id_of(run, u64::MAX), &limit(most)],
            )?;
            let (mut calls, mut damaged) = CallsLeft::default();
            for row in &rows {
                let number = row_of(cell(row, 0)?);
                match pending(row, number) {
                    Ok((mut call, seen)) => {
                        if !seen && number <= reach {
                            call.doubtful = true;
                            call.attempts = 1;
                        }
                        calls.push(call);
                    }
                    Err(wrong) => damaged.push((number, in_words(wrong))),
                }
            }
            Ok((calls, damaged))
        })
    }

    fn replace_calls(&mut self, run: i64, calls: &[Call]) -> Result<(), JournalError> {
        self.change(|tables| {
            for call in calls {
                let told = |why: serde_json::Error| Refusal::words(why.to_string());
                let changes = kept(call).map_err(told)?;
                tables.execute(
                    "INSERT INTO field_set (run, names) SELECT $1, $2 WHERE NOT EXISTS
                     (SELECT 1 FROM field_set WHERE run = $1 AND names = $2)",
                    &[&run, &call.changed],
                )?;
                tables.execute(
                    "UPDATE planned SET body = $3, changes = $4,
                         fingerprint = CASE WHEN fingerprint IS NOT NULL THEN $5::bytea END,
                         changed = (SELECT min(id) FROM field_set WHERE run = $1 AND names = $6)
                     WHERE id = $2",
                    &[
                        &run,
                        &id_of(run, call.at.row),
                        &call.body,
                        &changes,
                        &call.fingerprint,
                        &call.changed,
                    ],
                )?;
            }
            Ok(())
        })
    }

    fn set_damaged(&self, run: i64, row: u64, why: &str) -> Result<(), JournalError> {
        self.set(
            "INSERT INTO outcome (id, state, error_code, error, at)
             SELECT $2, $3, $4, $5, (extract(epoch FROM started_at) * 1000000)::bigint
             FROM run WHERE id = $1
             ON CONFLICT (id) DO UPDATE SET state = $3, error_code = $4, error = $5",
            &[
                &run,
                &id_of(run, row),
                &RowState::Failed.as_str(),
                &DAMAGED,
                &text(why),
            ],
        )
    }

    fn calls_after(
        &self,
        run: i64,
        after: u64,
        which: Which,
        most: usize,
    ) -> Result<Vec<(u64, KeptCall)>, JournalError> {
        let condition = match which {
            Which::All => "true",
            Which::Changed => {
                "changes IS NOT NULL AND (state IS NULL OR state IN ('updated', 'unknown'))"
            }
        };
        let sql = format!(
            "SELECT planned.id, line, path, body, names, changes, planned.name, note,
                    nullif(state, 'open')
             FROM planned LEFT JOIN outcome ON outcome.id = planned.id
             LEFT JOIN field_set ON field_set.id = changed
             WHERE planned.id > $1 AND planned.id <= $2 AND path IS NOT NULL AND {condition}
             ORDER BY planned.id LIMIT $3"
        );
        self.read(|tables| {
            let reach = reach_of(tables, run)?;
            let rows = tables.rows(
                &sql,
                &[&id_of(run, after), &id_of(run, u64::MAX), &limit(most)],
            )?;
            let kept = |row: &Row| {
                let number = row_of(cell(row, 0)?);
                let record = call(row, number).and_then(|call| {
                    let state = state_at(row, 8)?;
                    let in_doubt = state.is_none() && number <= reach;
                    Ok((call, state.or(in_doubt.then_some(RowState::Unknown))))
                });
                Ok((number, record.map_err(in_words)))
            };
            rows.iter().map(kept).collect()
        })
    }

    fn fields_changed(&self, run: i64) -> Result<Vec<String>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows("SELECT names FROM field_set WHERE run = $1", &[&run])?;
            let mut fields = Vec::new();
            for row in &rows {
                let names: String = cell(row, 0)?;
                fields.extend(names.split(' ').map(str::to_owned));
            }
            Ok(fields)
        })
    }
}

fn in_words(wrong: Wrong) -> String {
    match wrong {
        Wrong::Refused(refusal) => refusal.to_string(),
        Wrong::TakenOver => String::new(),
    }
}

/// The state in a column, if it has one.
pub(super) fn state_at(row: &Row, column: usize) -> Result<Option<RowState>, Wrong> {
    let state: Option<&str> = cell(row, column)?;
    state.map(word).transpose()
}

/// What is left to send for a row, and whether its record says that anything was sent.
fn pending(row: &Row, number: u64) -> Result<(Pending, bool), Wrong> {
    let state = state_at(row, 5)?;
    let attempts: Option<i32> = cell(row, 4)?;
    let call = Pending {
        row: number,
        path: cell(row, 1)?,
        body: cell(row, 2)?,
        changed: cell::<Option<String>>(row, 6)?.unwrap_or_default(),
        note: problems_of(row, 3)?,
        attempts: attempts.unwrap_or(0).unsigned_abs(),
        doubtful: state == Some(RowState::Unknown),
    };
    Ok((call, attempts.is_some()))
}

/// A call, from the columns that [`Calls::calls_after`] reads.
pub(super) fn call(row: &Row, number: u64) -> Result<Call, Wrong> {
    let changes: Option<&str> = cell(row, 5)?;
    let path: String = cell(row, 2)?;
    let name: Option<String> = cell(row, 6)?;
    let body: Vec<u8> = cell(row, 3)?;
    let changed = cell::<Option<String>>(row, 4)?.unwrap_or_default();
    let changes = changes.map_or(Ok(Vec::new()), |text| changes_of(text, &changed, &body));
    Ok(Call {
        at: RowAt {
            row: number,
            sheet_row: cell::<Option<i64>>(row, 1)?.unwrap_or(0).unsigned_abs(),
            ..RowAt::default()
        },
        body,
        changed,
        changes: changes.map_err(|why| Refusal::words(why.to_string()))?,
        key: name.unwrap_or_else(|| last_segment(&path).to_owned()),
        path,
        note: problems_of(row, 7)?,
        fingerprint: None,
    })
}
