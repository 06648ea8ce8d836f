//! Shared SQL for the rows of earlier runs, by key and by state.

use super::calls::{CALL_COLUMNS, CALL_JOINS};
use super::dossier::delivery;
use super::{Row, Value, changed_states, damaged, ends_of, reach_of};
use crate::journal::changes::changes_of;
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;
use crate::journal::records::{PastCall, PastRow};
use crate::journal::row_id::{id_of, row_of};
use crate::model::{Change, LEFT_OUT, RowState};

impl Journal {
    /// Returns the fingerprint and the outcome of the row with this key in the run `since` and in later runs
    /// with the same target and address, newest first.
    pub fn history(&self, since: i64, key: i64) -> Result<Vec<PastRow>, JournalError> {
        let query = format!(
            "SELECT run.id, cells, {STATE}, coalesce(outcome.error_code, ''), outcome.error
             FROM run JOIN run AS first ON first.id = ?1
             JOIN row_key ON row_key.run = run.id AND row_key.key = ?2
             JOIN planned ON planned.id = (run.id << 32) + row_key.row
             LEFT JOIN outcome ON outcome.id = planned.id
             LEFT JOIN sending ON sending.run = run.id
             WHERE run.id >= ?1 AND run.target = first.target AND run.base_url = first.base_url
             ORDER BY run.id DESC, row_key.row DESC"
        );
        let past = |row: &dyn Row| {
            Ok(PastRow {
                run: row.get(0)?,
                cells: row.get(1)?,
                state: row.maybe(2)?,
                error_code: row.get(3)?,
                problems: row.problems(4)?,
            })
        };
        self.look(|sql| sql.all(&query, &[since.into(), key.into()], past))
    }

    /// Some of the keys of a run's rows, at most so many, in no order of the file.
    pub fn some_keys(&self, run: i64, most: u64) -> Result<Vec<i64>, JournalError> {
        let [first, last] = ends_of(run);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let keys = "SELECT DISTINCT key FROM planned WHERE id > ?1 AND id <= ?2 AND key <> 0
                    ORDER BY key LIMIT ?3";
        self.look(|sql| sql.all(keys, &[first, last, most.into()], |row| row.get(0)))
    }

    /// The rows of a run, in order, whose keys no row of the run `other` has; of rows with the same key, the first.
    pub fn rows_without(&self, run: i64, other: i64) -> Result<Vec<u64>, JournalError> {
        let ([first, last], [other_first, other_last]) = (ends_of(run), ends_of(other));
        self.look(|sql| {
            sql.all(
                "SELECT min(id) FROM planned WHERE id > ?1 AND id <= ?2 AND key IN
                 (SELECT key FROM planned WHERE id > ?1 AND id <= ?2 AND key <> 0
                  EXCEPT SELECT key FROM planned WHERE id > ?3 AND id <= ?4 AND key <> 0)
                 GROUP BY key ORDER BY min(id)",
                &[first, last, other_first, other_last],
                |row| row.get(0).map(row_of),
            )
        })
    }

    /// Returns the number of rows of a run's file that were read.
    pub fn rows_of(&self, run: i64) -> Result<u64, JournalError> {
        let last = "SELECT max(id) FROM planned WHERE id > ?1 AND id <= ?2";
        let last = self.look(|sql| sql.one(last, &ends_of(run), |row| row.maybe(0)))?;
        Ok(last.map_or(0, row_of))
    }

    /// Returns the keys of a run's rows in ranges for one transaction each: above the first of each pair, up
    /// to the second.
    pub(super) fn slices(&self, run: i64) -> Result<Vec<(i64, i64)>, JournalError> {
        let (rows, most) = (self.rows_of(run)?, self.rows_a_step());
        let (mut slices, mut first) = (Vec::new(), 0);
        while first < rows {
            let last = first.saturating_add(most);
            slices.push((id_of(run, first), id_of(run, last)));
            first = last;
        }
        Ok(slices)
    }

    /// Returns the rows of a run in one of these states, in row order. A row without an outcome counts as not
    /// sent. Rows that were not selected are omitted.
    pub fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError> {
        let query = format!(
            "SELECT planned.id, {STATE} FROM planned
             LEFT JOIN outcome ON outcome.id = planned.id
             LEFT JOIN sending ON sending.run = ?1
             WHERE planned.id > ?2 AND planned.id <= ?3 AND coalesce(error_code, '') <> ?4
             ORDER BY planned.id"
        );
        let [first, last] = ends_of(run);
        let mut found = Vec::new();
        self.look(|sql| {
            let values = [run.into(), first, last, LEFT_OUT.into()];
            sql.each(&query, &values, &mut |row| {
                let state = match row.maybe(1) {
                    Ok(None) => RowState::NotSent,
                    // A damaged or unknown outcome counts as failed.
                    Ok(Some(RowState::Unknown)) | Err(_) => RowState::Failed,
                    Ok(Some(state)) => state,
                };
                if states.contains(&state) {
                    found.push(row_of(row.get(0)?));
                }
                Ok(())
            })
        })?;
        Ok(found)
    }

    /// Returns the rows of a run, in order, whose records the run `undo` restored.
    pub fn restored(&self, run: i64, undo: i64) -> Result<Vec<u64>, JournalError> {
        let ([first, last], [undo_first, undo_last]) = (ends_of(run), ends_of(undo));
        self.look(|sql| {
            sql.all(
                "SELECT id FROM planned WHERE id > ?1 AND id <= ?2 AND path IN
                 (SELECT path FROM planned JOIN outcome USING (id)
                  WHERE id > ?3 AND id <= ?4 AND state = 'updated') ORDER BY id",
                &[first, last, undo_first, undo_last],
                |row| row.get(0).map(row_of),
            )
        })
    }

    /// Returns the changes that a run made, or may have made, to the record at `path`. Fails if they are
    /// missing or damaged.
    pub fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError> {
        let kept = |row: &dyn Row| {
            let (id, changes): (i64, Option<String>) = (row.get(0)?, row.maybe(1)?);
            let changes = changes.map(|changes| {
                let body: Vec<u8> = row.get(3)?;
                changes_of(&changes, &row.filled(2)?, &body).map_err(damaged)
            });
            Ok((id, changes))
        };
        let found = self.look(|sql| {
            sql.any(
                "SELECT planned.id, changes, names, body
                 FROM changed_path JOIN planned USING (id)
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE changed_path.run = ?1 AND changed_path.path = ?2
                 ORDER BY planned.id DESC LIMIT 1",
                &[run.into(), path.into()],
                kept,
            )
        })?;
        // An unknown outcome does not mean that nothing was changed.
        let Some((id, Some(changes))) = found else {
            return Err(JournalError::NoChanges {
                run: self.name_of(run)?,
            });
        };
        changes.map_err(|why| JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_default(),
            row: row_of(id),
            why: why.to_string(),
        })
    }

    /// Builds the index for [`Journal::changes_made`], for this connection only.
    pub fn index_changes(&self, run: i64) -> Result<(), JournalError> {
        let [first, last] = ends_of(run);
        let states = changed_states();
        self.look(|sql| {
            let reach = reach_of(sql, run)?;
            sql.change(
                "CREATE TEMP TABLE IF NOT EXISTS changed_path
                 (run bigint NOT NULL, path text NOT NULL, id bigint NOT NULL, PRIMARY KEY (run, path, id))",
                &[],
            )?;
            sql.change(
                &format!("INSERT INTO changed_path SELECT ?4, path, planned.id FROM planned
                 LEFT JOIN outcome ON outcome.id = planned.id
                 WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL
                   AND (state IN {states} OR (state IS NULL AND planned.id <= ?3))
                 ORDER BY path, planned.id
                 ON CONFLICT DO NOTHING"),
                &[first, last, id_of(run, reach).into(), run.into()],
            )?;
            Ok(())
        })
    }

    /// Returns the calls of `run` and of all runs with its target and address to the record at `path`, latest
    /// planned first, that the API accepted or may have accepted. A damaged call is empty and its state
    /// unknown.
    pub fn deliveries(&self, run: i64, path: &str) -> Result<Vec<PastCall>, JournalError> {
        let states = changed_states();
        self.look(|sql| {
            sql.all(
                &format!(
                    "SELECT {CALL_COLUMNS} FROM delivery JOIN planned USING (id) {CALL_JOINS}
                 LEFT JOIN sending ON sending.run = planned.id >> 32
                 WHERE delivery.path = ?1 AND delivery.of = ?2
                   AND (state IN {states} OR attempts > 0 AND state <> 'rejected'
                        OR state IS NULL AND (planned.id & 4294967295) <= coalesce(reach, 0))
                 ORDER BY planned.id DESC"
                ),
                &[path.into(), run.into()],
                delivery,
            )
        })
    }

    /// Builds the index for [`Journal::deliveries`], for this connection only.
    pub fn index_deliveries(&self, run: i64) -> Result<(), JournalError> {
        let [first, last] = ends_of(run);
        self.look(|sql| {
            sql.change(DELIVERY, &[])?;
            sql.change(
                "INSERT INTO delivery SELECT ?3, path, planned.id FROM planned
                 WHERE path IN (SELECT path FROM planned WHERE id > ?1 AND id <= ?2)
                   AND planned.id >> 32 IN
                       (SELECT other.id FROM run AS own JOIN run AS other
                        ON other.target = own.target AND other.base_url = own.base_url
                        WHERE own.id = ?3)
                 ORDER BY path, planned.id
                 ON CONFLICT DO NOTHING",
                &[first, last, run.into()],
            )?;
            Ok(())
        })
    }

    /// Builds the index of [`Journal::deliveries`] under the number `of`, with the requests of all runs with
    /// this target and address. It exists for this connection only. Returns whether there are any.
    pub fn index_written(
        &self,
        of: i64,
        target: &str,
        base_url: &str,
    ) -> Result<bool, JournalError> {
        self.look(|sql| {
            sql.change(DELIVERY, &[])?;
            sql.change("DELETE FROM delivery WHERE of = ?1", &[of.into()])?;
            let written = sql.change(
                "INSERT INTO delivery SELECT ?1, path, planned.id FROM run JOIN planned
                 ON planned.id > run.id << 32 AND planned.id < (run.id + 1) << 32
                 WHERE run.target = ?2 AND run.base_url = ?3 AND path IS NOT NULL
                 ORDER BY path, planned.id",
                &[of.into(), target.into(), base_url.into()],
            )?;
            Ok(written > 0)
        })
    }

    /// Indexes the rows of runs other than `own` that have not ended and are not indexed yet. Returns their
    /// names: some may still be in progress.
    pub fn index_rows(&self, own: i64) -> Result<Vec<String>, JournalError> {
        let runs: Vec<(i64, String)> = self.look(|sql| {
            sql.all(
                "SELECT id, name FROM run WHERE NOT is_indexed AND id <> ?1 ORDER BY id",
                &[Value::from(own)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })?;
        for (run, _) in &runs {
            self.index_own(*run)?;
        }
        Ok(runs.into_iter().map(|(_, name)| name).collect())
    }
}

/// The calls to each record, under the number of the searching run.
const DELIVERY: &str = "CREATE TEMP TABLE IF NOT EXISTS delivery
     (of bigint NOT NULL, path text NOT NULL, id bigint NOT NULL, PRIMARY KEY (of, path, id))";

/// The state of a planned row: unknown if a request may have been made without a recorded outcome.
const STATE: &str = "CASE WHEN outcome.state IS NULL AND path IS NOT NULL
     AND (planned.id & 4294967295) <= coalesce(reach, 0)
     THEN 'unknown' ELSE nullif(outcome.state, 'open') END";
