//! SQLite finds every change to the records of a key.

use rusqlite::types::{ToSql, Value};
use rusqlite::{Row, params_from_iter};

use super::calls::call;
use super::outcomes::Moment;
use super::store::Sqlite;
use crate::journal::entries::encoded_segment;
use crate::journal::error::{Action, JournalError};
use crate::journal::records::{PastCall, unreadable};
use crate::journal::row_id::row_of;
use crate::journal::store::Dossiers;
use crate::model::RowState;

impl Dossiers for Sqlite {
    fn records_by(&self, keys: &[String]) -> Result<Vec<(i64, String)>, JournalError> {
        let explain = self.explain(Action::Read);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT DISTINCT id >> 32, path FROM planned
                 WHERE path IS NOT NULL AND (instr(path || '/', '/' || ?1 || '/') OR name = ?2
                       OR instr(changes, ?3) OR instr(body, CAST(?3 AS BLOB)))",
            )
            .map_err(&explain)?;
        let mut found = Vec::new();
        for key in keys {
            let encoded = encoded_segment(key);
            let quoted = serde_json::Value::from(key.as_str()).to_string();
            let values: [&dyn ToSql; 3] = [&encoded, key, &quoted];
            let pairs = statement
                .query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<(i64, String)>>>)
                .map_err(&explain)?;
            found.extend(pairs);
        }
        Ok(found)
    }

    fn calls_to(&self, runs: &[i64], path: &str) -> Result<Vec<PastCall>, JournalError> {
        let explain = self.explain(Action::Read);
        let marks = vec!["?"; runs.len()].join(", ");
        let mut statement = self
            .connection
            .prepare(&format!(
                "SELECT planned.id, line, path, body, names, changes, name, note, outcome.state, outcome.at
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 LEFT JOIN sending ON sending.run = planned.id >> 32
                 WHERE path = ? AND planned.id >> 32 IN ({marks})
                   AND (state IN ('updated', 'unknown')
                        OR state IS NULL AND (planned.id & 4294967295) <= coalesce(reach, 0))
                 ORDER BY planned.id DESC"
            ))
            .map_err(&explain)?;
        let values = std::iter::once(Value::from(path.to_owned()));
        let values = values.chain(runs.iter().map(|run| Value::from(*run)));
        let calls = statement
            .query_map(params_from_iter(values), past_call)
            .and_then(Iterator::collect)
            .map_err(&explain)?;
        Ok(calls)
    }

    fn forget_values(&mut self, runs: &[i64], path: &str) -> Result<u64, JournalError> {
        let explain = self.explain(Action::Prune);
        // What is forgotten is overwritten, not just no longer found.
        self.connection
            .pragma_update(None, "secure_delete", "ON")
            .map_err(&explain)?;
        let mut rows = 0;
        self.in_one_step(|transaction| {
            transaction.execute("DELETE FROM delivered WHERE record = ?1", [path])?;
            for run in runs {
                let mut ids = transaction.prepare_cached(
                    "SELECT planned.id FROM planned JOIN run ON run.id = planned.id >> 32
                     WHERE planned.id > ?1 << 32 AND planned.id < (?1 + 1) << 32 AND path = ?2
                       AND run.state IN ('finished', 'replaced', 'undone')",
                )?;
                let ids: Vec<i64> = ids
                    .query_map(rusqlite::params![run, path], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                for id in ids {
                    transaction.execute(
                        "UPDATE planned SET body = x'', changes = NULL, note = NULL, name = '…',
                                            fingerprint = NULL
                         WHERE id = ?1",
                        [id],
                    )?;
                    transaction.execute(
                        "UPDATE outcome SET error = NULL WHERE id = ?1 AND error IS NOT NULL",
                        [id],
                    )?;
                    transaction.execute(
                        "DELETE FROM warning WHERE run = ?1 AND row = ?2",
                        rusqlite::params![run, row_of(id)],
                    )?;
                    rows += 1;
                }
                // The plan tells a few changes and problems as examples.
                transaction.execute(
                    "UPDATE run SET plan = json_set(plan, '$.examples', json('[]'), '$.problems', json('[]'),
                                                      '$.noticed', json('[]'), '$.conflict_examples', json('[]'))
                     WHERE id = ?1 AND plan IS NOT NULL",
                    [run],
                )?;
            }
            Ok(())
        })?;
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(&explain)?;
        Ok(rows)
    }
}

/// What was sent to a record; where that is damaged, that something was sent of which nothing is known.
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<PastCall> {
    let id: i64 = row.get(0)?;
    let sent = call(row, row_of(id));
    let state: Option<RowState> = row.get(8).unwrap_or(None);
    let at: Option<Moment> = row.get(9).unwrap_or(None);
    Ok(PastCall {
        run: id >> 32,
        state: state.filter(|_| sent.is_ok()).unwrap_or(RowState::Unknown),
        call: sent.unwrap_or_else(|_| unreadable(row_of(id))),
        at: at.map(|moment| moment.0),
    })
}

fn past_call(row: &Row<'_>) -> rusqlite::Result<PastCall> {
    let id: i64 = row.get(0)?;
    let state: Option<RowState> = row.get(8)?;
    let at: Option<Moment> = row.get(9)?;
    Ok(PastCall {
        run: id >> 32,
        call: call(row, row_of(id))?,
        state: state.unwrap_or(RowState::Unknown),
        at: at.map(|moment| moment.0),
    })
}
