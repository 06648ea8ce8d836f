//! Shared SQL for the changes to the records of a key.

use jiff::Timestamp;

use super::calls::{CALL_COLUMNS, CALL_JOINS, call};
use super::{Row, Sql, Value, Wrong, changed_states, ends_of};
use crate::journal::entries::{encoded_segment, facts_of_record};
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;
use crate::journal::records::{PastCall, RowSaid};
use crate::journal::row_id::{id_of, row_of};
use crate::model::{Call, RowAt, RowState};

impl Journal {
    /// Returns the changed records that match one of these `keys`, as pairs of run and path. A key matches
    /// the end of the path, the value that found the record, or a value that was sent.
    pub fn records_by(&self, keys: &[String]) -> Result<Vec<(i64, String)>, JournalError> {
        let query = self.records_by_key();
        self.look(|sql| {
            let mut found = Vec::new();
            for key in keys {
                let encoded = encoded_segment(key);
                let quoted = serde_json::Value::from(key.as_str()).to_string();
                let values = [
                    (&encoded).into(),
                    key.into(),
                    (&quoted).into(),
                    quoted.as_bytes().into(),
                ];
                let pair = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
                found.extend(sql.all(query, &values, pair)?);
            }
            Ok(found)
        })
    }

    /// Returns the calls that these `runs` sent, or may have sent, to the record at `path`, newest first.
    /// Fails if one of them is damaged.
    pub fn calls_to(&self, runs: &[i64], path: &str) -> Result<Vec<PastCall>, JournalError> {
        let states = changed_states();
        self.look(|sql| {
            let mut calls = Vec::new();
            for run in runs {
                let [first, last] = ends_of(*run);
                calls.extend(sql.all(
                    &format!(
                        "SELECT {CALL_COLUMNS} FROM planned {CALL_JOINS}
                     LEFT JOIN sending ON sending.run = planned.id >> 32
                     WHERE planned.id > ?1 AND planned.id <= ?2 AND path = ?3
                       AND (state IN {states}
                            OR state IS NULL AND (planned.id & 4294967295) <= coalesce(reach, 0))"
                    ),
                    &[first, last, path.into()],
                    past_call,
                )?);
            }
            calls.sort_by_key(|past| std::cmp::Reverse((past.run, past.call.at.row)));
            Ok(calls)
        })
    }

    /// Removes the values that ended runs store about the record at `path`: changes, request bodies and
    /// messages. The fact and the time of each change are kept. Returns the number of affected rows.
    ///
    /// The fingerprints of the last deliveries to that path are removed for every account. Without its
    /// fingerprint, a record is sent again.
    pub fn forget_values(&mut self, runs: &[i64], path: &str) -> Result<u64, JournalError> {
        self.forget_for_good()?;
        let count = self.step(|sql| {
            let mut count = 0;
            sql.change("DELETE FROM delivered WHERE record = ?1", &[path.into()])?;
            for run in runs {
                count += forget_values_of(sql, *run, path)?;
            }
            Ok(count)
        })?;
        self.give_room_back(false)?;
        Ok(count)
    }

    /// Removes the id and the problems of rows in ended runs that matched a record with one of these `ids`
    /// and had nothing to send. Returns each run with the number of affected rows.
    pub fn forget_found(
        &mut self,
        runs: &[i64],
        ids: &[String],
    ) -> Result<Vec<(i64, u64)>, JournalError> {
        self.forget_for_good()?;
        let known: Vec<String> = ids.iter().map(|id| facts_of_record(id)).collect();
        let rows = self.step(|sql| {
            let mut rows = Vec::new();
            for run in runs {
                let mut found: Vec<i64> = Vec::new();
                sql.each(
                    "SELECT planned.id, facts FROM planned JOIN run ON run.id = planned.id >> 32
                     WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NULL
                       AND facts IS NOT NULL AND run.state IN ('finished', 'replaced', 'undone', 'declined')",
                    &ends_of(*run),
                    &mut |row| {
                        let facts = row.text(1)?.unwrap_or_default();
                        if known.iter().any(|known| facts.starts_with(known.as_str())) {
                            found.push(row.get(0)?);
                        }
                        Ok(())
                    },
                )?;
                for id in &found {
                    forget_row(sql, *run, *id)?;
                }
                rows.extend(found.iter().map(|id| (*run, row_of(*id))));
            }
            Ok(rows)
        })?;
        self.give_room_back(false)?;
        Ok(rows)
    }

    /// Removes the values of all records from an ended run, as [`Self::forget_values`] does. Returns the
    /// number of affected rows.
    pub fn forget_all_values(&mut self, run: i64) -> Result<u64, JournalError> {
        self.forget_for_good()?;
        let [first, last] = ends_of(run);
        let count = self.step(|sql| {
            if !has_ended(sql, run)? {
                return Ok(0);
            }
            let said = sql.change(
                "UPDATE outcome SET error = NULL WHERE id > ?1 AND id <= ?2 AND error IS NOT NULL",
                &[first, last],
            )?;
            let warned = sql.change("DELETE FROM warning WHERE run = ?1", &[run.into()])?;
            let sent = sql.change(
                "UPDATE planned SET body = ?3, changes = NULL, note = NULL, name = '…',
                                    fingerprint = NULL
                 WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL AND body <> ?3",
                &[first, last, Value::Bytes(b"")],
            )?;
            let found = sql.change(
                "UPDATE planned SET facts = NULL WHERE id > ?1 AND id <= ?2 AND facts IS NOT NULL",
                &[first, last],
            )?;
            forget_examples(sql, run)?;
            Ok(said.max(warned).max(sent).max(found))
        })?;
        if count > 0 {
            self.give_room_back(false)?;
        }
        Ok(count)
    }

    /// Returns the rows whose key has one of these fingerprints, in any state, including rows that changed no
    /// record.
    pub fn rows_by(&self, keys: &[i64]) -> Result<Vec<RowSaid>, JournalError> {
        self.look(|sql| {
            let mut rows = Vec::new();
            for key in keys {
                rows.extend(sql.all(
                    "SELECT planned.id, line, state, error_code, error, warning.text
                     FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                     LEFT JOIN warning ON warning.run = planned.id >> 32
                                          AND warning.row = (planned.id & 4294967295)
                     WHERE key = ?1",
                    &[(*key).into()],
                    |row| {
                        let id: i64 = row.get(0)?;
                        let mut problems = row.problems(4)?;
                        problems.extend(row.problems(5)?);
                        Ok(RowSaid {
                            run: id >> 32,
                            at: RowAt {
                                row: row_of(id),
                                sheet_row: row.maybe(1)?.unwrap_or_default(),
                                ..RowAt::default()
                            },
                            state: row.maybe(2).unwrap_or(None),
                            error_code: row.filled(3)?,
                            problems,
                        })
                    },
                )?);
            }
            rows.sort_by_key(|row| std::cmp::Reverse((row.run, row.at.row)));
            Ok(rows)
        })
    }

    /// Removes the messages and warnings of these rows from ended runs. Returns the number of affected rows.
    pub fn forget_said(&mut self, rows: &[(i64, u64)]) -> Result<u64, JournalError> {
        self.forget_for_good()?;
        let count = self.step(|sql| {
            let mut count = 0;
            for (run, row) in rows {
                if !has_ended(sql, *run)? {
                    continue;
                }
                let said = sql.change(
                    "UPDATE outcome SET error = NULL WHERE id = ?1 AND error IS NOT NULL",
                    &[id_of(*run, *row).into()],
                )?;
                let warned = sql.change(
                    "DELETE FROM warning WHERE run = ?1 AND row = ?2",
                    &[(*run).into(), (*row).into()],
                )?;
                forget_examples(sql, *run)?;
                count += said.max(warned);
            }
            Ok(count)
        })?;
        self.give_room_back(false)?;
        Ok(count)
    }
}

/// Returns whether a run has ended, so that no process needs its values.
fn has_ended(sql: &mut dyn Sql, run: i64) -> Result<bool, Wrong> {
    let ended = "SELECT 1 FROM run
                 WHERE id = ?1 AND state IN ('finished', 'replaced', 'undone', 'declined')";
    let ended: Option<i64> = sql.any(ended, &[run.into()], |row| row.get(0))?;
    Ok(ended.is_some())
}

/// Removes the values of a record from a run. Returns the number of affected rows.
fn forget_values_of(sql: &mut dyn Sql, run: i64, path: &str) -> Result<u64, Wrong> {
    let [first, last] = ends_of(run);
    let ids: Vec<i64> = sql.all(
        "SELECT planned.id FROM planned JOIN run ON run.id = planned.id >> 32
         WHERE planned.id > ?1 AND planned.id <= ?2 AND path = ?3
           AND run.state IN ('finished', 'replaced', 'undone', 'declined')",
        &[first, last, path.into()],
        |row| row.get(0),
    )?;
    for id in &ids {
        let id = *id;
        sql.change(
            "UPDATE planned SET body = ?2, changes = NULL, note = NULL, name = '…', fingerprint = NULL
             WHERE id = ?1",
            &[id.into(), Value::Bytes(b"")],
        )?;
        forget_row(sql, run, id)?;
    }
    forget_examples(sql, run)?;
    Ok(ids.len() as u64)
}

/// Removes the changes and problems that a plan stores as examples.
fn forget_examples(sql: &mut dyn Sql, run: i64) -> Result<(), Wrong> {
    let plan = "SELECT plan FROM run WHERE id = ?1";
    let plan: Option<String> = sql.any(plan, &[run.into()], |row| row.maybe(0))?.flatten();
    if let Some(plan) = plan {
        // A damaged plan may hold values anywhere, and an ended run needs no plan.
        let mut plan: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&plan).unwrap_or_default();
        for examples in [
            "examples",
            "problems",
            "noticed",
            "persons",
            "conflict_examples",
        ] {
            plan.insert(examples.into(), serde_json::json!([]));
        }
        let plan = serde_json::Value::Object(plan);
        sql.change(
            "UPDATE run SET plan = ?2 WHERE id = ?1",
            &[run.into(), (&plan.to_string()).into()],
        )?;
    }
    Ok(())
}

/// Removes the facts and messages of a row from a run.
fn forget_row(sql: &mut dyn Sql, run: i64, id: i64) -> Result<(), Wrong> {
    sql.change(
        "UPDATE planned SET facts = NULL WHERE id = ?1",
        &[id.into()],
    )?;
    sql.change(
        "UPDATE outcome SET error = NULL WHERE id = ?1 AND error IS NOT NULL",
        &[id.into()],
    )?;
    sql.change(
        "DELETE FROM warning WHERE run = ?1 AND row = ?2",
        &[run.into(), row_of(id).into()],
    )?;
    Ok(())
}

/// Reads a call that was sent to a record. A damaged call is empty and its state unknown.
pub(super) fn delivery(row: &dyn Row) -> Result<PastCall, Wrong> {
    let id: i64 = row.get(0)?;
    let sent = call(row, row_of(id));
    let state: Option<RowState> = row.maybe(8).unwrap_or(None);
    Ok(PastCall {
        run: id >> 32,
        state: state.filter(|_| sent.is_ok()).unwrap_or(RowState::Unknown),
        call: sent.unwrap_or_else(|_| Call {
            at: RowAt {
                row: row_of(id),
                ..RowAt::default()
            },
            ..Call::default()
        }),
        at: row.maybe::<Timestamp>(9).unwrap_or(None),
    })
}

fn past_call(row: &dyn Row) -> Result<PastCall, Wrong> {
    let id: i64 = row.get(0)?;
    Ok(PastCall {
        run: id >> 32,
        call: call(row, row_of(id))?,
        state: row.maybe(8)?.unwrap_or(RowState::Unknown),
        at: row.maybe(9)?,
    })
}
