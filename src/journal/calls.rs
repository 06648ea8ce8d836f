use rusqlite::{Row, params};

use super::error::JournalError;
use super::store::Journal;
use crate::model::{Call, DAMAGED, RowAt, RowState};

/// What a run is going to send.
impl Journal {
    /// The first `most` calls of a run for rows after `after` that have no outcome yet, in row
    /// order. A row whose call is damaged is recorded as failed, and the next ones follow.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn calls_left(&self, run: i64, after: u64, most: usize) -> Result<Vec<Call>, JournalError> {
        let mut after = after;
        loop {
            let (calls, damaged) = self.calls_left_after(run, after, most)?;
            for (row, why) in &damaged {
                self.connection
                    .execute(
                        "INSERT INTO row (run, row, state, error_code, error, at)
                         SELECT ?1, ?2, ?3, ?4, ?5, started_at FROM run WHERE id = ?1
                         ON CONFLICT (run, row) DO UPDATE SET state = ?3, error_code = ?4, error = ?5",
                        params![run, row, RowState::Failed, DAMAGED, why.to_string()],
                    )
                    .map_err(self.explain("write"))?;
            }
            match damaged.last() {
                Some((row, _)) if calls.is_empty() => after = *row,
                _ => return Ok(calls),
            }
        }
    }

    fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT call.row, line, method, path, body, call.changed, changes, key, note,
                        coalesce(row.attempts, 0), nullif(row.state, 'open')
                 FROM call LEFT JOIN row ON row.run = call.run AND row.row = call.row
                 WHERE call.run = ?1 AND call.row > ?2
                   AND (row.state IS NULL OR row.state IN ('unknown', 'open'))
                 ORDER BY call.row LIMIT ?3",
            )
            .map_err(self.explain("read"))?;
        let explain = self.explain("read");
        let mut rows = statement
            .query(params![run, after, most])
            .map_err(&explain)?;
        let (mut calls, mut damaged) = CallsLeft::default();
        while let Some(row) = rows.next().map_err(&explain)? {
            let number = row.get(0).map_err(&explain)?;
            match call(row) {
                Ok(call) => calls.push(call),
                Err(why) => damaged.push((number, self.damaged_row(run, number, &why))),
            }
        }
        Ok((calls, damaged))
    }

    /// That what is held of a row is damaged.
    pub(super) fn damaged_row(
        &self,
        run: i64,
        row: u64,
        why: &dyn std::fmt::Display,
    ) -> JournalError {
        JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_else(|_| run.to_string()),
            row,
            why: why.to_string(),
        }
    }

    /// Hands every call of a run to `each`, in row order, with the state of its row, if it has one.
    /// Calls that are damaged are passed over; [`Journal::damaged`] tells them.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_call<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(Call, Option<RowState>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_record(run, |_, record| match record {
            Ok((call, state)) => each(call, state),
            Err(_) => Ok(()),
        })
    }

    /// What is damaged of what is held of a run's rows.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn damaged(&self, run: i64) -> Result<Vec<JournalError>, JournalError> {
        let mut damaged = self.damaged_outcomes(run)?;
        self.each_record(run, |row, record| {
            if let Err(why) = record {
                damaged.entry(row).or_insert_with(|| why.to_string());
            }
            Ok::<(), JournalError>(())
        })?;
        let damaged = damaged.into_iter();
        Ok(damaged
            .map(|(row, why)| self.damaged_row(run, row, &why))
            .collect())
    }

    fn each_record<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(u64, rusqlite::Result<(Call, Option<RowState>)>) -> Result<(), E>,
    ) -> Result<(), E> {
        const PAGE: usize = 256;
        let mut after = 0;
        loop {
            let mut statement = self
                .connection
                .prepare_cached(
                    "SELECT row, line, method, path, body, changed, changes, key, note, 0,
                            (SELECT nullif(state, 'open') FROM row
                             WHERE row.run = call.run AND row.row = call.row)
                     FROM call WHERE run = ?1 AND row > ?2 ORDER BY row LIMIT ?3",
                )
                .map_err(self.explain("read"))?;
            let with_state = |row: &Row<'_>| {
                let number: u64 = row.get(0)?;
                Ok((number, call(row).and_then(|call| Ok((call, row.get(10)?)))))
            };
            let records: Vec<_> = statement
                .query_map(params![run, after, PAGE], with_state)
                .and_then(Iterator::collect)
                .map_err(self.explain("read"))?;
            let Some((last, _)) = records.last() else {
                return Ok(());
            };
            after = *last;
            for (row, record) in records {
                each(row, record)?;
            }
        }
    }
}

/// Calls, and rows whose call is damaged.
type CallsLeft = (Vec<Call>, Vec<(u64, JournalError)>);

fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let method: String = row.get(2)?;
    let changes: String = row.get(6)?;
    let state: Option<RowState> = row.get(10)?;
    let wrong = |column: usize, why: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
    };
    Ok(Call {
        at: RowAt {
            row: row.get(0)?,
            line: row.get(1)?,
            ..RowAt::default()
        },
        method: method.parse().map_err(|why| wrong(2, why))?,
        path: row.get(3)?,
        body: row.get(4)?,
        changed: row.get(5)?,
        changes: serde_json::from_str(&changes).map_err(|why| wrong(6, why.to_string()))?,
        key: row.get(7)?,
        note: row.get(8)?,
        fingerprint: None,
        attempts: row.get(9)?,
        doubtful: state == Some(RowState::Unknown),
    })
}
