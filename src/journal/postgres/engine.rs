//! PostgreSQL runs the statements of both stores.

use jiff::Timestamp;
use postgres::types::{ToSql, Type};

use super::connection::{Tables, cell};
use super::store::{Postgres, text};
use crate::journal::error::JournalError;
use crate::journal::row_id::id_of;
use crate::journal::sql::{Engine, Row, Sql, Value, Wrong, damaged};

type Bound = Box<dyn ToSql + Sync>;

/// A value as a column of this type takes it.
fn bound(value: &Value<'_>, column: &Type) -> Bound {
    let number = match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    };
    match (column, value) {
        (&Type::INT8, _) => Box::new(number),
        (&Type::TIMESTAMPTZ, _) => {
            Box::new(number.and_then(|at| Timestamp::from_microsecond(at).ok()))
        }
        (_, Value::Text(own)) => Box::new(text(own)),
        _ => Box::new(None::<String>),
    }
}

impl Row for postgres::Row {
    fn integer(&self, column: usize) -> Result<Option<i64>, Wrong> {
        match self.columns().get(column).map(|column| column.type_()) {
            Some(&Type::TIMESTAMPTZ) => {
                let at: Option<Timestamp> = cell(self, column)?;
                Ok(at.map(Timestamp::as_microsecond))
            }
            Some(_) => cell(self, column),
            None => Err(damaged("no such column")),
        }
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Wrong> {
        cell(self, column)
    }
}

impl Tables<'_> {
    /// The values of a statement, as its own types take them.
    fn bind(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Bound>, Wrong> {
        let statement = self.statement(sql)?;
        let each = values.iter().zip(statement.params());
        Ok(each.map(|(value, column)| bound(value, column)).collect())
    }
}

fn all(values: &[Bound]) -> Vec<&(dyn ToSql + Sync)> {
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
    const KEEPS_ANSWERS: bool = true;

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

    fn slices(&self, run: i64) -> Result<Vec<(i64, i64)>, JournalError> {
        Ok(vec![(id_of(run, 0), id_of(run, u64::MAX))])
    }

    fn shut_out(&mut self, run: i64) -> Result<(), JournalError> {
        let fence = self.database().begin(&format!("run {run}"))?;
        self.fences.retain(|other| other.name != fence.name);
        self.fences.push(fence);
        Ok(())
    }
}
