//! PostgreSQL finds every change to the records of a key.

use postgres::Row;

use super::calls::{call, state_at};
use super::connection::{Wrong, cell};
use super::outcomes::moment;
use super::store::Postgres;
use crate::journal::entries::encoded_segment;
use crate::journal::error::{JournalError, Refusal};
use crate::journal::records::{PastCall, unreadable};
use crate::journal::row_id::row_of;
use crate::journal::store::Dossiers;
use crate::model::RowState;

impl Dossiers for Postgres {
    fn records_by(&self, keys: &[String]) -> Result<Vec<(i64, String)>, JournalError> {
        self.read(|tables| {
            let mut found = Vec::new();
            for key in keys {
                let encoded = encoded_segment(key);
                let quoted = serde_json::Value::from(key.as_str()).to_string();
                let rows = tables.rows(
                    "SELECT DISTINCT id >> 32, path FROM planned
                     WHERE path IS NOT NULL
                       AND (strpos(path || '/', '/' || $1 || '/') > 0 OR name = $2
                            OR strpos(changes, $3) > 0 OR position($4::bytea IN body) > 0)",
                    &[
                        &encoded,
                        &super::store::text(key),
                        &quoted,
                        &quoted.as_bytes(),
                    ],
                )?;
                for row in &rows {
                    found.push((cell(row, 0)?, cell(row, 1)?));
                }
            }
            Ok(found)
        })
    }

    fn calls_to(&self, runs: &[i64], path: &str) -> Result<Vec<PastCall>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT planned.id, line, path, body, names, changes, planned.name, note,
                        outcome.state, outcome.at
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 LEFT JOIN sending ON sending.run = planned.id >> 32
                 WHERE path = $1 AND planned.id >> 32 = ANY($2)
                   AND (state IN ('updated', 'unknown')
                        OR state IS NULL AND (planned.id & 4294967295) <= coalesce(reach, 0))
                 ORDER BY planned.id DESC",
                &[&path, &runs],
            )?;
            rows.iter().map(past_call).collect()
        })
    }

    fn forget_values(&mut self, runs: &[i64], path: &str) -> Result<u64, JournalError> {
        self.change(|tables| {
            let mut count = 0;
            tables.execute("DELETE FROM delivered WHERE record = $1", &[&path])?;
            for run in runs {
                let rows = tables.rows(
                    "SELECT planned.id FROM planned JOIN run ON run.id = planned.id >> 32
                     WHERE planned.id > $1::bigint << 32 AND planned.id < ($1::bigint + 1) << 32
                       AND path = $2 AND run.state IN ('finished', 'replaced', 'undone')",
                    &[run, &path],
                )?;
                for row in &rows {
                    let id: i64 = cell(row, 0)?;
                    tables.execute(
                        "UPDATE planned SET body = ''::bytea, changes = NULL, note = NULL, name = '…',
                                            fingerprint = NULL
                         WHERE id = $1",
                        &[&id],
                    )?;
                    tables.execute("UPDATE outcome SET error = NULL WHERE id = $1", &[&id])?;
                    tables.execute(
                        "DELETE FROM warning WHERE run = $1 AND row = $2",
                        &[run, &super::store::signed(row_of(id))],
                    )?;
                    count += 1;
                }
                // The plan tells a few changes and problems as examples.
                let plan = tables.first("SELECT plan FROM run WHERE id = $1", &[run])?;
                let plan: Option<String> = plan.map_or(Ok(None), |row| cell(&row, 0))?;
                if let Some(plan) = plan {
                    let told = |why: serde_json::Error| Refusal::words(why.to_string());
                    let mut plan: serde_json::Value = serde_json::from_str(&plan).map_err(told)?;
                    plan["examples"] = serde_json::json!([]);
                    plan["problems"] = serde_json::json!([]);
                    plan["noticed"] = serde_json::json!([]);
                    plan["conflict_examples"] = serde_json::json!([]);
                    tables.execute(
                        "UPDATE run SET plan = $2 WHERE id = $1",
                        &[run, &plan.to_string()],
                    )?;
                }
            }
            Ok(count)
        })
    }
}

/// What was sent to a record; where that is damaged, that something was sent of which nothing is known.
pub(super) fn delivery(row: &Row) -> Result<PastCall, Wrong> {
    let id: i64 = cell(row, 0)?;
    let sent = call(row, row_of(id));
    let state = state_at(row, 8).unwrap_or(None);
    let at: Option<i64> = cell(row, 9).unwrap_or(None);
    Ok(PastCall {
        run: id >> 32,
        state: state.filter(|_| sent.is_ok()).unwrap_or(RowState::Unknown),
        call: sent.unwrap_or_else(|_| unreadable(row_of(id))),
        at: at.and_then(|at| moment(at).ok()),
    })
}

fn past_call(row: &Row) -> Result<PastCall, Wrong> {
    let id: i64 = cell(row, 0)?;
    let at: Option<i64> = cell(row, 9)?;
    Ok(PastCall {
        run: id >> 32,
        call: call(row, row_of(id))?,
        state: state_at(row, 8)?.unwrap_or(RowState::Unknown),
        at: at.map(moment).transpose()?,
    })
}
