//! SQLite stores the planned calls of a run.

use rusqlite::{Row, params};

use super::store::Sqlite;
use crate::journal::changes::{changes_of, kept};
use crate::journal::entries::last_segment;
use crate::journal::error::{Action, JournalError};
use crate::journal::records::{CallsLeft, KeptCall, Which};
use crate::journal::row_id::{id_of, row_of};
use crate::journal::sql::{Engine, reach_of};
use crate::journal::sqlite::outcomes::problems_of;
use crate::journal::store::Calls;
use crate::model::{Call, Change, DAMAGED, Pending, RowAt, RowState};

impl Calls for Sqlite {
    fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError> {
        let explain = self.explain(Action::Read);
        let reach = self.reach_of(run)?;
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT planned.id, path, body, note, attempts, nullif(state, 'open'), names
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL
                   AND (state IS NULL OR state IN ('unknown', 'open'))
                 ORDER BY planned.id LIMIT ?3",
            )
            .map_err(&explain)?;
        let mut rows = statement
            .query(params![id_of(run, after), id_of(run, u64::MAX), most])
            .map_err(&explain)?;
        let (mut calls, mut damaged) = CallsLeft::default();
        while let Some(row) = rows.next().map_err(&explain)? {
            let number = row_of(row.get(0).map_err(&explain)?);
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
        }
        Ok((calls, damaged))
    }

    fn replace_calls(&mut self, run: i64, calls: &[Call]) -> Result<(), JournalError> {
        self.in_one_step(|transaction| {
            for call in calls {
                let changes = kept(call)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                transaction
                    .prepare_cached(
                        "INSERT INTO field_set (run, names) SELECT ?1, ?2 WHERE NOT EXISTS
                         (SELECT 1 FROM field_set WHERE run = ?1 AND names = ?2)",
                    )?
                    .execute(params![run, call.changed])?;
                transaction
                    .prepare_cached(
                        "UPDATE planned SET body = ?3, changes = ?4,
                             fingerprint = CASE WHEN fingerprint IS NOT NULL THEN ?5 END,
                             changed = (SELECT min(id) FROM field_set WHERE run = ?1 AND names = ?6)
                         WHERE id = ?2",
                    )?
                    .execute(params![
                        run,
                        id_of(run, call.at.row),
                        call.body,
                        changes,
                        call.fingerprint,
                        call.changed,
                    ])?;
            }
            Ok(())
        })
    }

    fn set_damaged(&self, run: i64, row: u64, why: &str) -> Result<(), JournalError> {
        self.connection
            .execute(
                "INSERT INTO outcome (id, state, error_code, error, at)
                 SELECT ?2, ?3, ?4, ?5, started_at FROM run WHERE id = ?1
                 ON CONFLICT (id) DO UPDATE SET state = ?3, error_code = ?4, error = ?5",
                params![run, id_of(run, row), RowState::Failed, DAMAGED, why],
            )
            .map(|_| ())
            .map_err(self.explain(Action::Write))
    }

    fn calls_after(
        &self,
        run: i64,
        after: u64,
        which: Which,
        most: usize,
    ) -> Result<Vec<(u64, KeptCall)>, JournalError> {
        let reach = self.reach_of(run)?;
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT planned.id, line, path, body, names, changes, name, note, nullif(state, 'open')
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 LEFT JOIN field_set ON field_set.id = changed
                 WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL AND {}
                 ORDER BY planned.id LIMIT ?3",
                condition(which)
            ))
            .map_err(self.explain(Action::Read))?;
        let with_state = |row: &Row<'_>| {
            let number = row_of(row.get(0)?);
            let record = call(row, number).and_then(|call| {
                let state: Option<RowState> = row.get(8)?;
                let in_doubt = state.is_none() && number <= reach;
                Ok((call, state.or(in_doubt.then_some(RowState::Unknown))))
            });
            Ok((number, record.map_err(|why| why.to_string())))
        };
        statement
            .query_map(
                params![id_of(run, after), id_of(run, u64::MAX), most],
                with_state,
            )
            .and_then(Iterator::collect)
            .map_err(self.explain(Action::Read))
    }

    fn fields_changed(&self, run: i64) -> Result<Vec<String>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT names FROM field_set WHERE run = ?1")
            .map_err(self.explain(Action::Read))?;
        let sets: Vec<String> = statement
            .query_map([run], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(self.explain(Action::Read))?;
        let names = sets.iter().flat_map(|names| names.split(' '));
        Ok(names.map(str::to_owned).collect())
    }
}

impl Sqlite {
    pub(super) fn reach_of(&self, run: i64) -> Result<u64, JournalError> {
        self.look(|sql| reach_of(sql, run))
    }
}

fn condition(which: Which) -> &'static str {
    match which {
        Which::All => "1",
        Which::Changed => {
            "changes IS NOT NULL AND (state IS NULL OR state IN ('updated', 'unknown'))"
        }
    }
}

/// What is left to send for a row, and whether its record says that anything was sent.
fn pending(row: &Row<'_>, number: u64) -> rusqlite::Result<(Pending, bool)> {
    let state: Option<RowState> = row.get(5)?;
    let attempts: Option<u32> = row.get(4)?;
    let call = Pending {
        row: number,
        path: row.get(1)?,
        body: row.get(2)?,
        changed: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
        note: problems_of(row, 3)?,
        attempts: attempts.unwrap_or(0),
        doubtful: state == Some(RowState::Unknown),
    };
    Ok((call, attempts.is_some()))
}

pub(super) fn call(row: &Row<'_>, number: u64) -> rusqlite::Result<Call> {
    let changes: Option<String> = row.get(5)?;
    let path: String = row.get(2)?;
    let body: Vec<u8> = row.get(3)?;
    let changed = row.get::<_, Option<String>>(4)?.unwrap_or_default();
    let name: Option<String> = row.get(6)?;
    Ok(Call {
        at: RowAt {
            row: number,
            sheet_row: row.get::<_, Option<u64>>(1)?.unwrap_or(0),
            ..RowAt::default()
        },
        changes: changes.map_or(Ok(Vec::new()), |text| {
            changes_in((&text, &changed, &body), 5)
        })?,
        body,
        changed,
        key: name.unwrap_or_else(|| last_segment(&path).to_owned()),
        path,
        note: problems_of(row, 7)?,
        fingerprint: None,
    })
}

/// What was changed, as it stands in a column, beside the call's set of fields and its body.
pub(super) fn changes_in(
    (text, names, body): (&str, &str, &[u8]),
    column: usize,
) -> rusqlite::Result<Vec<Change>> {
    changes_of(text, names, body).map_err(|why| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, why.to_string().into())
    })
}
