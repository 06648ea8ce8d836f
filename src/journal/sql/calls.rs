//! Shared SQL for the planned calls of a run.

use super::{Row, Wrong, changed_states, damaged, reach_of};
use crate::journal::changes::{changes_of, kept};
use crate::journal::entries::{filled, last_segment};
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;
use crate::journal::records::{CallsLeft, KeptCall, Which};
use crate::journal::row_id::{id_of, row_of};
use crate::model::{Call, Pending, Problem, RowAt, RowState};

impl Journal {
    /// Returns the first `most` calls without an outcome for rows after `after`, in row order, and the rows
    /// among them whose call is damaged.
    pub fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError> {
        let (mut calls, mut damaged) = CallsLeft::default();
        self.look(|sql| {
            let reach = reach_of(sql, run)?;
            sql.each(
                "SELECT planned.id, path, body, note, attempts, nullif(state, 'open'), names
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL
                   AND (state IS NULL OR state IN ('unknown', 'open'))
                 ORDER BY planned.id LIMIT ?3",
                &[
                    id_of(run, after).into(),
                    id_of(run, u64::MAX).into(),
                    most.into(),
                ],
                &mut |row| {
                    let number = row_of(row.get(0)?);
                    match pending(row, number) {
                        Ok((mut call, seen)) => {
                            if !seen && number <= reach {
                                call.doubtful = true;
                                call.attempts = 1;
                            }
                            calls.push(call);
                        }
                        Err(why) => damaged.push((number, why.to_string())),
                    }
                    Ok(())
                },
            )
        })?;
        Ok((calls, damaged))
    }

    /// Replaces planned calls of a run: their bodies, their fields and their fingerprints, if any. Atomic.
    pub fn replace_calls(&mut self, run: i64, calls: &[Call]) -> Result<(), JournalError> {
        self.step(|sql| {
            for call in calls {
                let changes = kept(call).map_err(damaged)?;
                sql.change(
                    "INSERT INTO field_set (run, names) SELECT ?1, ?2 WHERE NOT EXISTS
                     (SELECT 1 FROM field_set WHERE run = ?1 AND names = ?2)",
                    &[run.into(), (&call.changed).into()],
                )?;
                sql.change(
                    "UPDATE planned SET body = ?3, changes = ?4, note = ?7,
                         fingerprint = CASE WHEN fingerprint IS NULL THEN fingerprint ELSE ?5 END,
                         changed = (SELECT min(id) FROM field_set WHERE run = ?1 AND names = ?6)
                     WHERE id = ?2",
                    &[
                        run.into(),
                        id_of(run, call.at.row).into(),
                        (&call.body).into(),
                        changes.as_deref().into(),
                        call.fingerprint.as_ref().into(),
                        (&call.changed).into(),
                        filled(&Problem::to_stored(&call.note)).into(),
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// Records a row as failed because its stored data is damaged.
    pub fn set_damaged(&self, run: i64, row: u64, why: &Problem) -> Result<(), JournalError> {
        let problems = Problem::to_stored(std::slice::from_ref(why));
        self.step(|sql| {
            let began = "SELECT started_at FROM run WHERE id = ?1";
            let began: i64 = sql.one(began, &[run.into()], |row| row.get(0))?;
            sql.change(
                "INSERT INTO outcome (id, state, error_code, error, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET state = ?2, error_code = ?3, error = ?4",
                &[
                    id_of(run, row).into(),
                    RowState::Failed.as_str().into(),
                    (&*why.code).into(),
                    (&problems).into(),
                    began.into(),
                ],
            )?;
            Ok(())
        })
    }

    /// Returns the first `most` calls for rows after `after`, in row order, with the states of their rows.
    /// The state of a row is unknown if a request may have been made without a recorded outcome.
    pub fn calls_after(
        &self,
        run: i64,
        after: u64,
        which: Which,
        most: usize,
    ) -> Result<Vec<(u64, KeptCall)>, JournalError> {
        let condition = match which {
            Which::All => "true".to_owned(),
            Which::Changed => format!(
                "changes IS NOT NULL AND (state IS NULL OR state IN {})",
                changed_states()
            ),
        };
        let query = format!(
            "SELECT {CALL_COLUMNS} FROM planned {CALL_JOINS}
             WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL AND {condition}
             ORDER BY planned.id LIMIT ?3"
        );
        let ends = [
            id_of(run, after).into(),
            id_of(run, u64::MAX).into(),
            most.into(),
        ];
        self.look(|sql| {
            let reach = reach_of(sql, run)?;
            sql.all(&query, &ends, |row| {
                let number = row_of(row.get(0)?);
                let record = call(row, number).and_then(|call| {
                    let state: Option<RowState> = row.maybe(8)?;
                    let in_doubt = state.is_none() && number <= reach;
                    Ok((call, state.or(in_doubt.then_some(RowState::Unknown))))
                });
                Ok((number, record.map_err(|why| why.to_string())))
            })
        })
    }

    /// Returns the paths of the first `most` calls of a run, in row order.
    pub fn paths(&self, run: i64, most: usize) -> Result<Vec<String>, JournalError> {
        let paths = "SELECT path FROM planned WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL
                     ORDER BY id LIMIT ?3";
        let ends = [
            id_of(run, 0).into(),
            id_of(run, u64::MAX).into(),
            most.into(),
        ];
        self.look(|sql| sql.all(paths, &ends, |row| row.get(0)))
    }

    /// Returns the names of the fields that any call of a run changes, with repetitions.
    pub fn fields_changed(&self, run: i64) -> Result<Vec<String>, JournalError> {
        let sets = "SELECT names FROM field_set WHERE run = ?1";
        let sets: Vec<String> = self.look(|sql| sql.all(sets, &[run.into()], |row| row.get(0)))?;
        let names = sets.iter().flat_map(|names| names.split(' '));
        Ok(names.map(str::to_owned).collect())
    }
}

/// Returns the remaining requests of a row, and whether the journal has its request.
fn pending(row: &dyn Row, number: u64) -> Result<(Pending, bool), Wrong> {
    let state: Option<RowState> = row.maybe(5)?;
    let attempts: Option<u32> = row.maybe(4)?;
    let call = Pending {
        row: number,
        path: row.get(1)?,
        body: row.get(2)?,
        changed: row.filled(6)?,
        note: row.problems(3)?,
        attempts: attempts.unwrap_or(0),
        doubtful: state == Some(RowState::Unknown),
    };
    Ok((call, attempts.is_some()))
}

/// The columns of a call, for [`call`], with the state of its row and the time of its outcome.
pub(super) const CALL_COLUMNS: &str =
    "planned.id, line, planned.path, body, names, changes, planned.name, note,
     nullif(outcome.state, 'open'), outcome.at";

/// The tables of [`CALL_COLUMNS`] beside `planned`.
pub(super) const CALL_JOINS: &str = "LEFT JOIN outcome ON outcome.id = planned.id
     LEFT JOIN field_set ON field_set.id = changed";

/// Reads a call from [`CALL_COLUMNS`].
pub(super) fn call(row: &dyn Row, number: u64) -> Result<Call, Wrong> {
    let path: String = row.get(2)?;
    let body: Vec<u8> = row.get(3)?;
    let changed = row.filled(4)?;
    let changes = row.text(5)?;
    let changes = changes.map_or(Ok(Vec::new()), |text| changes_of(text, &changed, &body));
    let name: Option<String> = row.maybe(6)?;
    Ok(Call {
        at: RowAt {
            row: number,
            sheet_row: row.maybe(1)?.unwrap_or(0),
            ..RowAt::default()
        },
        changes: changes.map_err(damaged)?,
        body,
        changed,
        key: name.unwrap_or_else(|| last_segment(&path).to_owned()),
        path,
        note: row.problems(7)?,
        fingerprint: None,
    })
}
