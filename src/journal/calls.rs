use rusqlite::{Row, params};

use super::error::JournalError;
use super::schema::{id_of, row_of};
use super::store::Journal;
use crate::model::{Call, Change, DAMAGED, Pending, RowAt, RowState};

/// What a run is going to send.
impl Journal {
    /// The first `most` calls of a run for rows after `after` that have no outcome yet, in row
    /// order. A row whose call is damaged is recorded as failed, and the next ones follow.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn calls_left(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<Vec<Pending>, JournalError> {
        let mut after = after;
        loop {
            let (calls, damaged) = self.calls_left_after(run, after, most)?;
            for (row, why) in &damaged {
                self.connection
                    .execute(
                        "INSERT INTO outcome (id, state, error_code, error, at)
                         SELECT ?2, ?3, ?4, ?5, started_at FROM run WHERE id = ?1
                         ON CONFLICT (id) DO UPDATE SET state = ?3, error_code = ?4, error = ?5",
                        params![
                            run,
                            id_of(run, *row),
                            RowState::Failed,
                            DAMAGED,
                            why.to_string()
                        ],
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
        let explain = self.explain("read");
        let reach = self.reach_of(run)?;
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT planned.id, path, body, note, attempts, nullif(state, 'open')
                 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
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
                Err(why) => damaged.push((number, self.damaged_row(run, number, &why))),
            }
        }
        Ok((calls, damaged))
    }

    /// The row up to which a run's requests may have been made; nothing is known by this of a row that
    /// has an outcome.
    pub(super) fn reach_of(&self, run: i64) -> Result<u64, JournalError> {
        self.connection
            .prepare_cached("SELECT coalesce(max(reach), 0) FROM sending WHERE run = ?1")
            .and_then(|mut statement| statement.query_row([run], |row| row.get(0)))
            .map_err(self.explain("read"))
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

    /// Hands every call of a run to `each`, in row order, with the state of its row, if it has one, until
    /// that returns false. Calls that are damaged are passed over; [`Journal::damaged`] tells them.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_call<E: From<JournalError>>(
        &self,
        run: i64,
        each: impl FnMut(Call, Option<RowState>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_call_after(run, 0, each)
    }

    /// The same for the rows after `row`.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_call_after<E: From<JournalError>>(
        &self,
        run: i64,
        row: u64,
        mut each: impl FnMut(Call, Option<RowState>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_record((run, row), Which::All, |_, record| match record {
            Ok((call, state)) => each(call, state),
            Err(_) => Ok(true),
        })
    }

    /// The same for those calls alone that have changed a record, or may have, of which it is known what
    /// it held before.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_change<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(Call) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_record((run, 0), Which::Changed, |_, record| match record {
            Ok((call, Some(RowState::Updated | RowState::Unknown))) => each(call),
            _ => Ok(true),
        })
    }

    /// The fields that any call of a run changes, by name, with repetitions.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn fields_changed(&self, run: i64) -> Result<Vec<String>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT names FROM field_set WHERE run = ?1")
            .map_err(self.explain("read"))?;
        let sets: Vec<String> = statement
            .query_map([run], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))?;
        let names = sets.iter().flat_map(|names| names.split(' '));
        Ok(names.map(str::to_owned).collect())
    }

    /// What is damaged of what is held of a run's rows.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn damaged(&self, run: i64) -> Result<Vec<JournalError>, JournalError> {
        let mut damaged = self.damaged_outcomes(run)?;
        self.each_record((run, 0), Which::All, |row, record| {
            if let Err(why) = record {
                damaged.entry(row).or_insert_with(|| why.to_string());
            }
            Ok::<bool, JournalError>(true)
        })?;
        let damaged = damaged.into_iter();
        Ok(damaged
            .map(|(row, why)| self.damaged_row(run, row, &why))
            .collect())
    }

    fn each_record<E: From<JournalError>>(
        &self,
        (run, after): (i64, u64),
        which: Which,
        mut each: impl FnMut(u64, rusqlite::Result<(Call, Option<RowState>)>) -> Result<bool, E>,
    ) -> Result<(), E> {
        const PAGE: usize = 256;
        let reach = self.reach_of(run)?;
        let mut after = id_of(run, after);
        loop {
            let mut statement = self
                .connection
                .prepare_cached(&format!(
                    "SELECT planned.id, line, path, body, names, changes, name, note, nullif(state, 'open')
                     FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                     LEFT JOIN field_set ON field_set.id = changed
                     WHERE planned.id > ?1 AND planned.id <= ?2 AND path IS NOT NULL AND {}
                     ORDER BY planned.id LIMIT ?3",
                    which.condition()
                ))
                .map_err(self.explain("read"))?;
            let with_state = |row: &Row<'_>| {
                let id: i64 = row.get(0)?;
                let number = row_of(id);
                let record = call(row, number).and_then(|call| {
                    let state: Option<RowState> = row.get(8)?;
                    let in_doubt = state.is_none() && number <= reach;
                    Ok((call, state.or(in_doubt.then_some(RowState::Unknown))))
                });
                Ok((id, record))
            };
            let records: Vec<_> = statement
                .query_map(params![after, id_of(run, u64::MAX), PAGE], with_state)
                .and_then(Iterator::collect)
                .map_err(self.explain("read"))?;
            let Some((last, _)) = records.last() else {
                return Ok(());
            };
            after = *last;
            for (id, record) in records {
                if !each(row_of(id), record)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Which of a run's calls are wanted.
#[derive(Clone, Copy)]
enum Which {
    All,
    /// Those that changed a record which was read, as far as is known.
    Changed,
}

impl Which {
    fn condition(self) -> &'static str {
        match self {
            Which::All => "1",
            Which::Changed => {
                "changes IS NOT NULL AND (state IS NULL OR state IN ('updated', 'unknown'))"
            }
        }
    }
}

/// Calls, and rows whose call is damaged.
type CallsLeft = (Vec<Pending>, Vec<(u64, JournalError)>);

/// What is left to send for a row, and whether its record says that anything was sent.
fn pending(row: &Row<'_>, number: u64) -> rusqlite::Result<(Pending, bool)> {
    let state: Option<RowState> = row.get(5)?;
    let attempts: Option<u32> = row.get(4)?;
    let call = Pending {
        row: number,
        path: row.get(1)?,
        body: row.get(2)?,
        note: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        attempts: attempts.unwrap_or(0),
        doubtful: state == Some(RowState::Unknown),
    };
    Ok((call, attempts.is_some()))
}

pub(super) fn call(row: &Row<'_>, number: u64) -> rusqlite::Result<Call> {
    let changes: Option<String> = row.get(5)?;
    let path: String = row.get(2)?;
    let name: Option<String> = row.get(6)?;
    Ok(Call {
        at: RowAt {
            row: number,
            line: row.get::<_, Option<u64>>(1)?.unwrap_or(0),
            ..RowAt::default()
        },
        body: row.get(3)?,
        changed: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        changes: changes.map_or(Ok(Vec::new()), |text| changes_in(&text, 5))?,
        key: name.unwrap_or_else(|| last_segment(&path).to_owned()),
        path,
        note: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        fingerprint: None,
    })
}

/// The last segment of a path.
pub(super) fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What was changed, as it stands in a column: a list of `[field, from, to]`.
pub(super) fn changes_in(text: &str, column: usize) -> rusqlite::Result<Vec<Change>> {
    serde_json::from_str(text).map_err(|why| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, why.to_string().into())
    })
}
