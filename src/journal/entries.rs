use std::collections::HashMap;

use rusqlite::{Transaction, TransactionBehavior, params};

use super::calls::last_segment;
use super::outcomes::Moment;
use super::schema::id_of;
use super::store::Journal;
use crate::model::{Call, Change, Outcome, RowAt, RowState};

/// A row that is planned.
#[derive(Debug)]
pub struct PlannedRow {
    /// By what it is known.
    pub mark: RowMark,
    /// What is to be done for it.
    pub what: PlannedWhat,
}

/// What is kept of a row itself.
#[derive(Debug)]
pub struct RowMark {
    /// Where it stands.
    pub at: RowAt,
    /// A fingerprint of its key, by which it is known again in another file.
    pub key: i64,
    /// Fingerprints of its cells, by which it is known whether it was changed.
    pub cells: Vec<u8>,
    /// What is doubtful about it, for a person; empty where nothing is.
    pub warning: String,
}

/// What is to be done for a row.
#[derive(Debug)]
pub enum PlannedWhat {
    /// This request is to be made.
    Call(Box<Call>),
    /// Nothing: it has its outcome.
    Settled(Outcome),
}

/// Whose entries they are.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) run: i64,
    /// The sets of fields that its calls change, by number: most rows have the same few.
    field_sets: HashMap<String, i64>,
}

/// Sets of fields that are remembered; a file where each row changes others has some of them twice.
const FIELD_SETS: usize = 1024;

impl Place {
    pub(super) fn new(run: i64) -> Place {
        Place {
            run,
            field_sets: HashMap::new(),
        }
    }
}

#[derive(Debug)]
pub(super) enum Entry {
    /// Rows of the plan.
    Planned(Vec<PlannedRow>),
    /// Requests may be made for all rows up to this one.
    Reach(u64),
    /// So many requests may have been made for this row.
    Attempt(u64, u32),
    Outcome(Box<Outcome>),
    /// The run sends no more: requests whose answer nobody waited for, and their attempts.
    Left(Vec<(u64, u32)>),
    Flush,
}

/// Writes entries in one commit.
pub(super) fn write<'a>(
    journal: &mut Journal,
    place: &mut Place,
    entries: impl Iterator<Item = &'a Entry>,
) -> rusqlite::Result<()> {
    let transaction = journal
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    for entry in entries {
        match entry {
            Entry::Flush => {}
            Entry::Planned(rows) => {
                for row in rows {
                    write_row(&transaction, place, row)?;
                }
            }
            Entry::Outcome(outcome) => write_outcome(&transaction, place.run, outcome)?,
            Entry::Reach(row) => write_reach(&transaction, place.run, *row)?,
            Entry::Attempt(row, attempts) => {
                write_in_doubt(&transaction, place.run, *row, *attempts)?;
            }
            Entry::Left(rows) => write_left(&transaction, place.run, rows)?,
        }
    }
    transaction.commit()
}

fn write_row(
    transaction: &Transaction<'_>,
    place: &mut Place,
    row: &PlannedRow,
) -> rusqlite::Result<()> {
    let RowMark {
        at,
        key,
        cells,
        warning,
    } = &row.mark;
    let run = place.run;
    let id = id_of(run, at.row);
    match &row.what {
        PlannedWhat::Call(call) => {
            let changed = number_of(transaction, place, &call.changed)?;
            let name = Some(&call.key).filter(|key| last_segment(&call.path) != **key);
            // What nobody knew before is no change that could be undone, and its value is in the body.
            let known = call.changes.iter().any(|change| change.from.is_some());
            let changes = known.then(|| listed(&call.changes)).transpose()?;
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO planned
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    id,
                    at.line,
                    changed,
                    key,
                    cells,
                    call.path,
                    call.body,
                    call.fingerprint,
                    name,
                    filled(&call.note),
                    changes,
                ])?;
        }
        PlannedWhat::Settled(outcome) => {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO planned (id, line, key, cells) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![id, at.line, key, cells])?;
            write_outcome(transaction, run, outcome)?;
        }
    }
    if !warning.is_empty() {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO warning VALUES (?1, ?2, ?3)")?
            .execute(params![run, at.row, warning])?;
    }
    Ok(())
}

/// What a call changes, as a list of `[field, from, to]`.
fn listed(changes: &[Change]) -> rusqlite::Result<String> {
    let changes = changes.iter();
    let listed: Vec<_> = changes
        .map(|change| (&change.field, &change.from, &change.to))
        .collect();
    serde_json::to_string(&listed)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The number of a set of fields.
fn number_of(
    transaction: &Transaction<'_>,
    place: &mut Place,
    names: &str,
) -> rusqlite::Result<i64> {
    if let Some(number) = place.field_sets.get(names) {
        return Ok(*number);
    }
    transaction
        .prepare_cached("INSERT INTO field_set (run, names) VALUES (?1, ?2)")?
        .execute(params![place.run, names])?;
    let number = transaction.last_insert_rowid();
    if place.field_sets.len() < FIELD_SETS {
        place.field_sets.insert(names.to_owned(), number);
    }
    Ok(number)
}

fn write_outcome(
    transaction: &Transaction<'_>,
    run: i64,
    outcome: &Outcome,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            id_of(run, outcome.row),
            outcome.state,
            Moment(outcome.finished_at),
            outcome.attempts,
            outcome.http_status,
            filled(&outcome.error_code),
            filled(&outcome.error),
            filled(&outcome.request_id),
        ])?;
    Ok(())
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn write_reach(transaction: &Transaction<'_>, run: i64, row: u64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE sending SET reach = max(reach, ?2) WHERE run = ?1")?
        .execute(params![run, row])?;
    Ok(())
}

fn write_left(
    transaction: &Transaction<'_>,
    run: i64,
    rows: &[(u64, u32)],
) -> rusqlite::Result<()> {
    for (row, attempts) in rows {
        write_in_doubt(transaction, run, *row, *attempts)?;
    }
    transaction.execute("UPDATE sending SET reach = 0 WHERE run = ?1", [run])?;
    Ok(())
}

fn write_in_doubt(
    transaction: &Transaction<'_>,
    run: i64,
    row: u64,
    attempts: u32,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO outcome (id, state, attempts, at)
             SELECT ?1, ?2, ?3, started_at FROM run WHERE id = ?4",
        )?
        .execute(params![id_of(run, row), RowState::Unknown, attempts, run])?;
    Ok(())
}
