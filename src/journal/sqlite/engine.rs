//! Runs the shared statements on SQLite.

use std::collections::BTreeMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, params_from_iter};

use super::store::Sqlite;
use crate::journal::error::{JournalError, StoreAction};
use crate::journal::sql::{Engine, Row, Sql, Value, Wrong, damaged};
use crate::journal::store::OwnStatements;

struct Tables<'a>(&'a Connection);

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, Wrong> {
        Ok(self.get(column)?)
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Wrong> {
        self.get_ref(column)?.as_str_or_null().map_err(damaged)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Wrong> {
        self.get_ref(column)?.as_blob_or_null().map_err(damaged)
    }
}

impl Sql for Tables<'_> {
    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Wrong> {
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(values))? as u64)
    }

    fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }
}

impl Sqlite {
    fn told(&self, action: StoreAction, wrong: Wrong) -> JournalError {
        match wrong {
            Wrong::TakenOver => JournalError::TakenOver,
            Wrong::Refused(source) => JournalError::Sqlite {
                action,
                path: self.path.clone(),
                source,
            },
        }
    }
}

impl Engine for Sqlite {
    fn look<T: Send>(
        &self,
        read: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        let step = || {
            let transaction = self.connection.unchecked_transaction()?;
            let read = read(&mut Tables(&transaction))?;
            transaction.commit()?;
            Ok(read)
        };
        step().map_err(|wrong| self.told(StoreAction::Read, wrong))
    }

    fn step<T: Send>(
        &self,
        change: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        let step = || {
            let behavior = TransactionBehavior::Immediate;
            let transaction = Transaction::new_unchecked(&self.connection, behavior)?;
            let done = change(&mut Tables(&transaction))?;
            transaction.commit()?;
            Ok(done)
        };
        step().map_err(|wrong| self.told(StoreAction::Write, wrong))
    }
}

impl OwnStatements for Sqlite {
    fn records_by_key(&self) -> &'static str {
        "SELECT DISTINCT id >> 32, path FROM planned
         WHERE path IS NOT NULL AND (instr(path || '/', '/' || ?1 || '/') OR name = ?2
               OR instr(changes, ?3) OR instr(body, ?4))"
    }

    fn rows_a_step(&self) -> u64 {
        250_000
    }

    fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError> {
        let mut counts = BTreeMap::new();
        self.look(|sql| {
            for key in keys {
                sql.each(
                    "SELECT id FROM run WHERE EXISTS
                     (SELECT 1 FROM row_key WHERE row_key.run = run.id AND key = ?1)",
                    &[(*key).into()],
                    &mut |row| {
                        *counts.entry(row.get(0)?).or_default() += 1;
                        Ok(())
                    },
                )?;
            }
            Ok(())
        })?;
        Ok(counts)
    }

    fn boot_time(
        &self,
        _account: &str,
        boot: &str,
        (since, wall): (u64, u64),
    ) -> Result<u64, JournalError> {
        self.step(|sql| {
            let known = "SELECT began FROM boot WHERE id = ?1";
            if let Some(began) = sql.any(known, &[boot.into()], |row| row.get(0))? {
                return Ok(began);
            }
            let seen = "SELECT coalesce(max(steady), 0) FROM quota";
            let seen: u64 = sql.one(seen, &[], |row| row.get(0))?;
            let now = if seen == 0 { wall } else { seen };
            let began = now.saturating_sub(since);
            sql.change(
                "INSERT INTO boot VALUES (?1, ?2)",
                &[boot.into(), began.into()],
            )?;
            Ok(began)
        })
    }

    fn hurry(&self) -> Result<(), JournalError> {
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(self.explain(StoreAction::Open))
    }

    fn take_over(&mut self, _run: i64) -> Result<(), JournalError> {
        Ok(())
    }
}
