//! Runs the shared statements on PostgreSQL.

use std::collections::BTreeMap;

use jiff::Timestamp;
use postgres::types::{ToSql, Type};

use super::connection::{Tables, cell};
use super::store::{Postgres, text};
use crate::journal::error::JournalError;
use crate::journal::sql::{Engine, Row, Sql, Value, Wrong, damaged};
use crate::journal::store::OwnStatements;

type Bound<'a> = Box<dyn ToSql + Sync + 'a>;

/// Converts a value to a column's type.
fn bound<'a>(value: Value<'a>, column: &Type) -> Result<Bound<'a>, Wrong> {
    Ok(match (column, value) {
        (&Type::INT8, Value::Integer(number)) => Box::new(number),
        (&Type::INT8, Value::Null) => Box::new(None::<i64>),
        (&Type::TIMESTAMPTZ, Value::Integer(at)) => {
            Box::new(Timestamp::from_microsecond(at).map_err(damaged)?)
        }
        (&Type::TIMESTAMPTZ, Value::Null) => Box::new(None::<Timestamp>),
        (&Type::TEXT, Value::Text(own)) => Box::new(text(own)),
        (&Type::TEXT, Value::Null) => Box::new(None::<String>),
        (&Type::BYTEA, Value::Bytes(own)) => Box::new(own),
        (&Type::BYTEA, Value::Null) => Box::new(None::<&[u8]>),
        (column, value) => {
            let found = match value {
                Value::Null => "null",
                Value::Integer(_) => "integer",
                Value::Text(_) => "text",
                Value::Bytes(_) => "bytes",
            };
            return Err(damaged(format!("{column}: {found}")));
        }
    })
}

impl Row for postgres::Row {
    fn integer(&self, column: usize) -> Result<Option<i64>, Wrong> {
        match self.columns().get(column).map(|column| column.type_()) {
            Some(&Type::TIMESTAMPTZ) => {
                let at: Option<Timestamp> = cell(self, column)?;
                Ok(at.map(Timestamp::as_microsecond))
            }
            Some(&Type::INT4) => {
                let number: Option<i32> = cell(self, column)?;
                Ok(number.map(i64::from))
            }
            Some(_) => cell(self, column),
            None => Err(damaged("column")),
        }
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Wrong> {
        cell(self, column)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Wrong> {
        cell(self, column)
    }
}

impl Tables<'_> {
    /// Converts the values of a statement to the types of its parameters.
    fn bind<'a>(&mut self, sql: &str, values: &[Value<'a>]) -> Result<Vec<Bound<'a>>, Wrong> {
        let statement = self.statement(sql)?;
        let each = values.iter().zip(statement.params());
        each.map(|(value, column)| bound(*value, column)).collect()
    }
}

fn all<'a>(values: &'a [Bound<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(Box::as_ref).collect()
}

impl Sql for Tables<'_> {
    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Wrong> {
        let values = self.bind(sql, values)?;
        self.execute(sql, &all(&values))
    }

    fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let values = self.bind(sql, values)?;
        let rows = self.rows(sql, &all(&values))?;
        rows.iter().try_for_each(|row| each(row))
    }
}

impl Engine for Postgres {
    fn look<T: Send>(
        &self,
        read: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        self.read(|tables| read(tables))
    }

    fn step<T: Send>(
        &self,
        change: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        self.change(|tables| change(tables))
    }
}

impl OwnStatements for Postgres {
    fn records_by_key(&self) -> &'static str {
        "SELECT DISTINCT id >> 32, path FROM planned
         WHERE path IS NOT NULL AND (strpos(path || '/', '/' || $1 || '/') > 0 OR name = $2
               OR strpos(changes, $3) > 0 OR position($4::bytea IN body) > 0)"
    }

    fn rows_a_step(&self) -> u64 {
        u64::MAX
    }

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

    /// The machines share the database's clock. If that was set back, the time continues from the latest
    /// write.
    fn boot_time(
        &self,
        account: &str,
        _boot: &str,
        (since, _wall): (u64, u64),
    ) -> Result<u64, JournalError> {
        let now = self.change(|tables| {
            let row = tables.one(
                "SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000000)::bigint,
                                 (SELECT max(steady) FROM quota WHERE account = $1))",
                &[&account],
            )?;
            cell::<i64>(&row, 0)
        })?;
        Ok(now.unsigned_abs().saturating_sub(since))
    }

    fn hurry(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn take_over(&mut self, run: i64) -> Result<(), JournalError> {
        let fence = self.database().begin(&format!("run {run}"))?;
        self.fences.retain(|other| other.name != fence.name);
        self.fences.push(fence);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_wrong_type_is_an_error_and_not_null() {
        let (text, bytes) = (Value::Text("7"), Value::Bytes(b"7"));
        for (column, fits, others) in [
            (Type::INT8, Value::Integer(7), [text, bytes]),
            (Type::TIMESTAMPTZ, Value::Integer(7), [text, bytes]),
            (Type::TEXT, text, [Value::Integer(7), bytes]),
            (Type::BYTEA, bytes, [Value::Integer(7), text]),
        ] {
            assert!(bound(fits, &column).is_ok(), "{column}");
            assert!(bound(Value::Null, &column).is_ok(), "{column}");
            for other in others {
                let why = bound(other, &column).unwrap_err().to_string();
                assert!(why.contains(column.name()), "{why}");
            }
        }
        // A time outside PostgreSQL's range.
        assert!(bound(Value::Integer(i64::MAX), &Type::TIMESTAMPTZ).is_err());
        assert!(bound(Value::Integer(7), &Type::BOOL).is_err());
    }
}
