//! SQLite finds the rows of earlier runs by key and by state.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use super::calls::changes_in;
use super::dossier::delivery;
use super::store::Sqlite;
use crate::journal::error::{Action, JournalError};
use crate::journal::records::{PastCall, PastRow, RunRecord};
use crate::journal::row_id::{id_of, row_of};
use crate::journal::sql::{Engine, finished_before, index_rows_of};
use crate::journal::sqlite::outcomes::problems_of;
use crate::journal::store::{History, Runs};
use crate::model::{Change, LEFT_OUT, RowState};

impl History for Sqlite {
    fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError> {
        let mut counts = BTreeMap::new();
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id FROM run WHERE EXISTS
                 (SELECT 1 FROM row_key WHERE row_key.run = run.id AND key = ?1)",
            )
            .map_err(self.explain(Action::Read))?;
        for key in keys {
            let runs = statement
                .query_map([key], |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .map_err(self.explain(Action::Read))?;
            for run in runs {
                *counts.entry(run).or_default() += 1;
            }
        }
        Ok(counts)
    }

    fn history(&self, since: i64, key: i64) -> Result<Vec<PastRow>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT run.id, cells, {STATE}, coalesce(outcome.error_code, ''), coalesce(outcome.error, '')
                 FROM run JOIN run AS first ON first.id = ?1
                 JOIN row_key ON row_key.run = run.id AND row_key.key = ?2
                 JOIN planned ON planned.id = (run.id << 32) + row_key.row
                 LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN sending ON sending.run = run.id
                 WHERE run.id >= ?1 AND run.target = first.target AND run.base_url = first.base_url
                 ORDER BY run.id DESC, row_key.row DESC"
            ))
            .map_err(self.explain(Action::Read))?;
        statement
            .query_map([since, key], |row| {
                Ok(PastRow {
                    run: row.get(0)?,
                    cells: row.get(1)?,
                    state: row.get(2)?,
                    error_code: row.get(3)?,
                    problems: problems_of(row, 4)?,
                })
            })
            .and_then(Iterator::collect)
            .map_err(self.explain(Action::Read))
    }

    fn rows_of(&self, run: i64) -> Result<u64, JournalError> {
        self.connection
            .prepare_cached("SELECT max(id) FROM planned WHERE id > ?1 AND id <= ?2")
            .and_then(|mut statement| {
                let ends = [id_of(run, 0), id_of(run, u64::MAX)];
                statement.query_row(ends, |row| row.get::<_, Option<i64>>(0))
            })
            .map(|last| last.map_or(0, row_of))
            .map_err(self.explain(Action::Read))
    }

    fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT planned.id, {STATE} FROM planned
                 LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN sending ON sending.run = ?1
                 WHERE planned.id > ?2 AND planned.id <= ?3 AND coalesce(error_code, '') <> ?4
                 ORDER BY planned.id"
            ))
            .map_err(self.explain(Action::Read))?;
        let mut rows = statement
            .query(params![run, id_of(run, 0), id_of(run, u64::MAX), LEFT_OUT])
            .map_err(self.explain(Action::Read))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(self.explain(Action::Read))? {
            let number = row_of(row.get(0).map_err(self.explain(Action::Read))?);
            let state = match row.get(1) {
                Ok(None) => RowState::NotSent,
                // What became of it is not known.
                Ok(Some(RowState::Unknown)) | Err(_) => RowState::Failed,
                Ok(Some(state)) => state,
            };
            if states.contains(&state) {
                found.push(number);
            }
        }
        Ok(found)
    }

    fn finished_before(
        &self,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        finished_before(self, sha256, target, base_url)
    }

    fn restored(&self, run: i64, undo: i64) -> Result<Vec<u64>, JournalError> {
        let ends = [(run, 0), (run, u64::MAX), (undo, 0), (undo, u64::MAX)];
        let ends = ends.map(|(run, row)| id_of(run, row));
        self.connection
            .prepare(RESTORED)
            .and_then(|mut statement| {
                statement
                    .query_map(ends, |row| row.get(0).map(row_of))?
                    .collect()
            })
            .map_err(self.explain(Action::Read))
    }

    fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError> {
        type Kept = (i64, Option<String>, Option<String>, Vec<u8>);
        let kept: Option<Kept> = self
            .connection
            .prepare_cached(
                "SELECT planned.id, changes, names, body
                 FROM temp.changed_path JOIN planned USING (id)
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE temp.changed_path.path = ?1 ORDER BY planned.id DESC",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([path], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })
                    .optional()
            })
            .map_err(self.explain(Action::Read))?;
        // That nothing is known is not that nothing was changed.
        let Some((id, Some(changes), names, body)) = kept else {
            return Err(JournalError::NoChanges {
                run: self.name_of(run)?,
            });
        };
        let names = names.unwrap_or_default();
        changes_in((&changes, &names, &body), 1).map_err(|why| JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_default(),
            row: row_of(id),
            why: why.to_string(),
        })
    }

    fn index_changes(&self, run: i64) -> Result<(), JournalError> {
        let reach = self.reach_of(run)?;
        self.connection
            .execute_batch(
                "CREATE TEMP TABLE changed_path
                 (path TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (path, id)) WITHOUT ROWID",
            )
            .and_then(|()| {
                self.connection.execute(
                    "INSERT INTO temp.changed_path SELECT path, planned.id FROM planned
                     LEFT JOIN outcome ON outcome.id = planned.id
                     WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL
                       AND (state IN ('updated', 'unknown') OR (state IS NULL AND planned.id <= ?3))
                     ORDER BY path, planned.id",
                    params![id_of(run, 0), id_of(run, u64::MAX), id_of(run, reach)],
                )
            })
            .map(|_| ())
            .map_err(self.explain(Action::Read))
    }

    fn deliveries(&self, run: i64, path: &str) -> Result<Vec<PastCall>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT planned.id, line, planned.path, body, names, changes, name, note,
                        nullif(outcome.state, 'open'), outcome.at
                 FROM temp.delivery JOIN planned USING (id)
                 LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 LEFT JOIN sending ON sending.run = planned.id >> 32
                 WHERE temp.delivery.path = ?1 AND temp.delivery.of = ?2
                   AND (state IN ('updated', 'unknown') OR attempts > 0 AND state <> 'rejected'
                        OR state IS NULL AND (planned.id & 4294967295) <= coalesce(reach, 0))
                 ORDER BY planned.id DESC",
            )
            .and_then(|mut statement| statement.query_map(params![path, run], delivery)?.collect())
            .map_err(self.explain(Action::Read))
    }

    fn index_deliveries(&self, run: i64) -> Result<(), JournalError> {
        self.connection
            .execute_batch(
                "CREATE TEMP TABLE IF NOT EXISTS delivery
                 (of INTEGER NOT NULL, path TEXT NOT NULL, id INTEGER NOT NULL,
                   PRIMARY KEY (of, path, id)) WITHOUT ROWID",
            )
            .and_then(|()| {
                self.connection.execute(
                    "INSERT OR IGNORE INTO temp.delivery SELECT ?3, path, planned.id FROM planned
                     WHERE path IN (SELECT path FROM planned WHERE id > ?1 AND id <= ?2)
                       AND planned.id >> 32 IN
                           (SELECT other.id FROM run AS own JOIN run AS other
                            ON other.target = own.target AND other.base_url = own.base_url
                            WHERE own.id = ?3)
                     ORDER BY path, planned.id",
                    params![id_of(run, 0), id_of(run, u64::MAX), run],
                )
            })
            .map(|_| ())
            .map_err(self.explain(Action::Read))
    }

    fn index_rows(&self, own: i64) -> Result<Vec<String>, JournalError> {
        let explain = self.explain(Action::Write);
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, name FROM run WHERE is_indexed = 0 AND id <> ?1")
            .map_err(&explain)?;
        let runs: Vec<(i64, String)> = statement
            .query_map([own], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(&explain)?;
        for (run, _) in &runs {
            let run = *run;
            for ends in self.slices(run)? {
                self.step(|sql| index_rows_of(sql, run, ends))?;
            }
        }
        Ok(runs.into_iter().map(|(_, name)| name).collect())
    }
}

/// The rows between two ids whose records the run between two others updated.
const RESTORED: &str = "SELECT id FROM planned WHERE id > ?1 AND id <= ?2 AND path IN
     (SELECT path FROM planned JOIN outcome USING (id)
      WHERE id > ?3 AND id <= ?4 AND state = 'updated') ORDER BY id";

/// The state of a planned row: unknown where a request may have been made and nothing is recorded.
const STATE: &str = "CASE WHEN outcome.state IS NULL AND path IS NOT NULL
     AND (planned.id & 4294967295) <= coalesce(reach, 0)
     THEN 'unknown' ELSE nullif(outcome.state, 'open') END";
