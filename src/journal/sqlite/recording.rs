//! Records the entries of a writer in one commit.

use rusqlite::{CachedStatement, Transaction, TransactionBehavior, params};

use super::store::Sqlite;
use super::witness::Witness;
use crate::journal::changes::kept;
use crate::journal::entries::{
    Entry, PlannedRow, PlannedWhat, RowMark, RunFieldSets, facts_text, filled, last_segment,
};
use crate::journal::error::StoreError;
use crate::journal::record::Stage;
use crate::journal::row_id::id_of;
use crate::journal::store::Recording;
use crate::l10n::say;
use crate::model::{Outcome, Problem, RowState};

impl Recording for Sqlite {
    fn begin_writing(&mut self, run: i64, stage: Stage) {
        if stage == Stage::Planning {
            self.care("NORMAL");
        }
        self.witness = Witness::of(&self.connection, run);
    }

    fn write(
        &mut self,
        place: &mut RunFieldSets,
        entries: &mut dyn Iterator<Item = &Entry>,
    ) -> Result<(), StoreError> {
        if !self.is_in_place() {
            return Err(StoreError::words(say().journal_gone()));
        }
        let witness = self.witness.as_ref();
        if witness.is_some_and(|witness| !witness.sees_the_run()) {
            return Err(StoreError::words(say().journal_overwritten()));
        }
        Ok(write(self, place, entries)?)
    }

    fn end_writing(&mut self) {
        self.care("FULL");
        self.witness = None;
    }
}

impl Sqlite {
    fn care(&self, care: &str) {
        // If this fails, commits stay as slow as before.
        let _ = self.connection.pragma_update(None, "synchronous", care);
    }
}

/// Writes entries in one commit.
fn write(
    journal: &mut Sqlite,
    place: &mut RunFieldSets,
    entries: &mut dyn Iterator<Item = &Entry>,
) -> rusqlite::Result<()> {
    let transaction = journal
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    write_each(&mut Statements::of(&transaction), place, entries)?;
    transaction.commit()
}

/// The prepared statements for most entries of a commit, each prepared once.
struct Statements<'a> {
    transaction: &'a Transaction<'a>,
    call: Option<CachedStatement<'a>>,
    outcome: Option<CachedStatement<'a>>,
}

impl<'a> Statements<'a> {
    fn of(transaction: &'a Transaction<'_>) -> Statements<'a> {
        Statements {
            transaction,
            call: None,
            outcome: None,
        }
    }

    fn call(&mut self) -> rusqlite::Result<&mut CachedStatement<'a>> {
        let sql = "INSERT OR REPLACE INTO planned
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        prepared(&mut self.call, self.transaction, sql)
    }

    fn outcome(&mut self) -> rusqlite::Result<&mut CachedStatement<'a>> {
        let sql = "INSERT OR REPLACE INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        prepared(&mut self.outcome, self.transaction, sql)
    }
}

fn prepared<'s, 'a>(
    statement: &'s mut Option<CachedStatement<'a>>,
    transaction: &'a Transaction<'_>,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'a>> {
    Ok(match statement {
        Some(known) => known,
        None => statement.insert(transaction.prepare_cached(sql)?),
    })
}

fn write_each(
    statements: &mut Statements<'_>,
    place: &mut RunFieldSets,
    entries: &mut dyn Iterator<Item = &Entry>,
) -> rusqlite::Result<()> {
    let transaction = statements.transaction;
    for entry in entries {
        match entry {
            Entry::Flush => {}
            Entry::Planned(rows) => {
                for row in rows {
                    write_row(statements, place, row)?;
                }
            }
            Entry::Outcome(outcome) => write_outcome(statements, place.run, outcome)?,
            Entry::Reach(row) => write_reach(transaction, place.run, *row)?,
            Entry::Attempt(row, attempts) => {
                write_in_doubt(transaction, place.run, *row, *attempts)?;
            }
            Entry::Left(rows) => write_left(transaction, place.run, rows)?,
        }
    }
    Ok(())
}

fn write_row(
    statements: &mut Statements<'_>,
    place: &mut RunFieldSets,
    row: &PlannedRow,
) -> rusqlite::Result<()> {
    let transaction = statements.transaction;
    let RowMark {
        at,
        key,
        cells,
        warning,
        facts,
    } = &row.mark;
    let unwritable =
        |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let facts = facts_text(facts).map_err(unwritable)?;
    let run = place.run;
    let id = id_of(run, at.row);
    match &row.what {
        PlannedWhat::Call(call) => {
            let changed = number_of(transaction, place, &call.changed)?;
            let name = Some(&call.key).filter(|key| last_segment(&call.path) != **key);
            let changes = kept(call).map_err(unwritable)?;
            statements.call()?.execute(params![
                id,
                at.sheet_row,
                changed,
                key,
                cells,
                call.path,
                call.body,
                call.fingerprint,
                name,
                filled(&Problem::to_stored(&call.note)),
                changes,
                facts,
            ])?;
        }
        PlannedWhat::Settled(outcome) => {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO planned (id, line, key, cells, facts)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![id, at.sheet_row, key, cells, facts])?;
            write_outcome(statements, run, outcome)?;
        }
    }
    if !warning.is_empty() {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO warning VALUES (?1, ?2, ?3)")?
            .execute(params![run, at.row, Problem::to_stored(warning)])?;
    }
    Ok(())
}

/// Returns the number of a field set.
fn number_of(
    transaction: &Transaction<'_>,
    place: &mut RunFieldSets,
    names: &str,
) -> rusqlite::Result<i64> {
    let run = place.run;
    place.field_set(names, || {
        transaction
            .prepare_cached("INSERT INTO field_set (run, names) VALUES (?1, ?2)")?
            .execute(params![run, names])?;
        Ok(transaction.last_insert_rowid())
    })
}

fn write_outcome(
    statements: &mut Statements<'_>,
    run: i64,
    outcome: &Outcome,
) -> rusqlite::Result<()> {
    statements.outcome()?.execute(params![
        id_of(run, outcome.row),
        outcome.state.as_str(),
        outcome.finished_at.as_microsecond(),
        outcome.attempts,
        outcome.http_status,
        filled(&outcome.error_code),
        filled(&Problem::to_stored(&outcome.problems)),
        filled(&outcome.request_id),
    ])?;
    Ok(())
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
    let reset = "UPDATE sending SET reach = 0 WHERE run = ?1 AND reach < 4294967295";
    transaction.execute(reset, [run])?;
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
        .execute(params![
            id_of(run, row),
            RowState::Unknown.as_str(),
            attempts,
            run
        ])?;
    Ok(())
}
