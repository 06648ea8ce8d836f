//! PostgreSQL finds the rows of earlier runs by key and by state.

use std::collections::BTreeMap;

use super::connection::{Wrong, cell, word};
use super::dossier::delivery;
use super::store::Postgres;
use crate::journal::changes::changes_of;
use crate::journal::error::JournalError;
use crate::journal::postgres::connection::problems_of;
use crate::journal::records::{PastCall, PastRow, RunRecord};
use crate::journal::row_id::{id_of, row_of};
use crate::journal::sql::{finished_before, index_rows_of, reach_of};
use crate::journal::store::{History, Runs};
use crate::model::{Change, LEFT_OUT, RowState};

/// The state of a planned row: unknown where a request may have been made and nothing is recorded.
const STATE: &str = "CASE WHEN outcome.state IS NULL AND path IS NOT NULL
     AND (planned.id & 4294967295) <= coalesce(reach, 0)
     THEN 'unknown' ELSE nullif(outcome.state, 'open') END";

impl History for Postgres {
    fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT run, count(*) FROM (
                     SELECT DISTINCT run, place FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (key, place)
                     JOIN row_key USING (key)) AS found
                 GROUP BY run",
                &[&keys],
            )?;
            let counted = |row| Ok((cell(row, 0)?, cell::<i64>(row, 1)?.unsigned_abs()));
            rows.iter().map(counted).collect()
        })
    }

    fn history(&self, since: i64, key: i64) -> Result<Vec<PastRow>, JournalError> {
        let sql = format!(
            "SELECT run.id, cells, {STATE}, coalesce(outcome.error_code, ''), coalesce(outcome.error, '')
             FROM run JOIN run AS first ON first.id = $1
             JOIN row_key ON row_key.run = run.id AND row_key.key = $2
             JOIN planned ON planned.id = (run.id << 32) + row_key.row
             LEFT JOIN outcome ON outcome.id = planned.id
             LEFT JOIN sending ON sending.run = run.id
             WHERE run.id >= $1 AND run.target = first.target AND run.base_url = first.base_url
             ORDER BY run.id DESC, row_key.row DESC"
        );
        self.read(|tables| {
            let rows = tables.rows(&sql, &[&since, &key])?;
            let past = |row| {
                let state: Option<&str> = cell(row, 2)?;
                Ok(PastRow {
                    run: cell(row, 0)?,
                    cells: cell(row, 1)?,
                    state: state.map(word).transpose()?,
                    error_code: cell(row, 3)?,
                    problems: problems_of(row, 4)?,
                })
            };
            rows.iter().map(past).collect()
        })
    }

    fn rows_of(&self, run: i64) -> Result<u64, JournalError> {
        self.read(|tables| {
            let row = tables.one(
                "SELECT max(id) FROM planned WHERE id > $1 AND id <= $2",
                &[&id_of(run, 0), &id_of(run, u64::MAX)],
            )?;
            Ok(cell::<Option<i64>>(&row, 0)?.map_or(0, row_of))
        })
    }

    fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError> {
        let sql = format!(
            "SELECT planned.id, {STATE} FROM planned
             LEFT JOIN outcome ON outcome.id = planned.id
             LEFT JOIN sending ON sending.run = $1
             WHERE planned.id > $2 AND planned.id <= $3 AND coalesce(error_code, '') <> $4
             ORDER BY planned.id"
        );
        self.read(|tables| {
            let rows = tables.rows(
                &sql,
                &[&run, &id_of(run, 0), &id_of(run, u64::MAX), &LEFT_OUT],
            )?;
            let mut found = Vec::new();
            for row in &rows {
                let state = match cell::<Option<&str>>(row, 1)?.map(word) {
                    None => RowState::NotSent,
                    // What became of it is not known.
                    Some(Ok(RowState::Unknown) | Err(_)) => RowState::Failed,
                    Some(Ok(state)) => state,
                };
                if states.contains(&state) {
                    found.push(row_of(cell(row, 0)?));
                }
            }
            Ok(found)
        })
    }

    fn finished_before(
        &self,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError> {
        finished_before(self, sha256, target, base_url)
    }

    fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError> {
        let found = self.read(|tables| {
            let row = tables.first(
                "SELECT planned.id, changes, coalesce(names, ''), body
                 FROM changed_path JOIN planned USING (id)
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE changed_path.path = $1 AND changed_path.run = $2 ORDER BY planned.id DESC LIMIT 1",
                &[&path, &run],
            )?;
            let found = |row| {
                let (names, body): (String, Vec<u8>) = (cell(&row, 2)?, cell(&row, 3)?);
                Ok::<_, Wrong>((cell(&row, 0)?, cell(&row, 1)?, names, body))
            };
            row.map(found).transpose()
        })?;
        // That nothing is known is not that nothing was changed.
        let Some((id, Some(changes), names, body)) = found else {
            return Err(JournalError::NoChanges {
                run: self.name_of(run)?,
            });
        };
        let changes: String = changes;
        changes_of(&changes, &names, &body).map_err(|why| JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_default(),
            row: row_of(id),
            why: why.to_string(),
        })
    }

    fn restored(&self, run: i64, undo: i64) -> Result<Vec<u64>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT id FROM planned WHERE id > $1 AND id <= $2 AND path IN
                 (SELECT path FROM planned JOIN outcome USING (id)
                  WHERE id > $3 AND id <= $4 AND state = 'updated') ORDER BY id",
                &[
                    &id_of(run, 0),
                    &id_of(run, u64::MAX),
                    &id_of(undo, 0),
                    &id_of(undo, u64::MAX),
                ],
            )?;
            rows.iter().map(|row| Ok(row_of(cell(row, 0)?))).collect()
        })
    }

    fn index_changes(&self, run: i64) -> Result<(), JournalError> {
        self.read(|tables| {
            let reach = reach_of(tables, run)?;
            tables.batch(
                "CREATE TEMP TABLE IF NOT EXISTS changed_path
                 (run bigint NOT NULL, path text NOT NULL, id bigint NOT NULL, PRIMARY KEY (run, path, id))",
            )?;
            tables.execute(
                "INSERT INTO changed_path SELECT $4, path, planned.id FROM planned
                 LEFT JOIN outcome ON outcome.id = planned.id
                 WHERE planned.id > $1 AND planned.id <= $2 AND path IS NOT NULL
                   AND (state IN ('updated', 'unknown') OR (state IS NULL AND planned.id <= $3))
                 ON CONFLICT DO NOTHING",
                &[
                    &id_of(run, 0),
                    &id_of(run, u64::MAX),
                    &id_of(run, reach),
                    &run,
                ],
            )?;
            Ok(())
        })
    }

    fn deliveries(&self, run: i64, path: &str) -> Result<Vec<PastCall>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT planned.id, line, planned.path, body, names, changes, planned.name, note,
                        nullif(outcome.state, 'open'), outcome.at
                 FROM delivery JOIN planned USING (id)
                 LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 LEFT JOIN sending ON sending.run = planned.id >> 32
                 WHERE delivery.path = $1 AND delivery.of = $2
                   AND (state IN ('updated', 'unknown') OR attempts > 0 AND state <> 'rejected'
                        OR state IS NULL AND (planned.id & 4294967295) <= coalesce(reach, 0))
                 ORDER BY planned.id DESC",
                &[&path, &run],
            )?;
            rows.iter().map(delivery).collect()
        })
    }

    fn index_deliveries(&self, run: i64) -> Result<(), JournalError> {
        self.read(|tables| {
            tables.batch(
                "CREATE TEMP TABLE IF NOT EXISTS delivery
                 (of bigint NOT NULL, path text NOT NULL, id bigint NOT NULL, PRIMARY KEY (of, path, id))",
            )?;
            tables.execute(
                "INSERT INTO delivery SELECT $3::bigint, path, planned.id FROM planned
                 WHERE path IN (SELECT path FROM planned WHERE id > $1 AND id <= $2)
                   AND planned.id >> 32 IN
                       (SELECT other.id FROM run AS own JOIN run AS other
                        ON other.target = own.target AND other.base_url = own.base_url
                        WHERE own.id = $3)
                 ON CONFLICT DO NOTHING",
                &[&id_of(run, 0), &id_of(run, u64::MAX), &run],
            )?;
            Ok(())
        })
    }

    fn index_rows(&self, own: i64) -> Result<Vec<String>, JournalError> {
        self.change(|tables| {
            let rows = tables.rows(
                "SELECT id, name FROM run WHERE NOT is_indexed AND id <> $1 ORDER BY id",
                &[&own],
            )?;
            let mut names = Vec::new();
            for row in &rows {
                let run = cell(row, 0)?;
                index_rows_of(tables, run, (id_of(run, 0), id_of(run, u64::MAX)))?;
                names.push(cell(row, 1)?);
            }
            Ok(names)
        })
    }
}
