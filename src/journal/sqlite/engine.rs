//! Runs the shared statements on SQLite.

use std::collections::BTreeMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, params_from_iter};

use super::schema::slices;
use super::store::Sqlite;
use crate::journal::error::{JournalError, StoreAction};
use crate::journal::sql::{Engine, Row, Sql, Value, Wrong, damaged};

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
            Wrong::Refused(source) => self.refused(action, source),
        }
    }
}

impl Engine for Sqlite {
    fn records_by(&self) -> &'static str {
        "SELECT DISTINCT id >> 32, path FROM planned
         WHERE path IS NOT NULL AND (instr(path || '/', '/' || ?1 || '/') OR name = ?2
               OR instr(changes, ?3) OR instr(body, ?4))"
    }

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

    fn slices(&self, run: i64) -> Result<Vec<(i64, i64)>, JournalError> {
        slices(&self.connection, run).map_err(self.explain(StoreAction::Read))
    }

    fn count_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError> {
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

    /// The operating system's locks show that no such process exists.
    fn shut_out(&mut self, _run: i64) -> Result<(), JournalError> {
        Ok(())
    }
}
