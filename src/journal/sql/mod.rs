//! The SQL statements of both stores, and the types of their result rows.

mod arrivals;
mod calls;
mod delivered;
mod dossier;
mod history;
mod outcomes;
mod runs;
mod sending;

use jiff::Timestamp;

use super::error::{JournalError, StoreError};
use super::row_id::id_of;
use crate::model::{Problem, RowState, Standing};

use sending::reach_of;

/// Why a change failed.
#[derive(Debug)]
pub enum Wrong {
    /// The database refused the change or cannot be reached.
    Refused(StoreError),
    /// Another process has taken over the work of this process.
    TakenOver,
}

impl<E: Into<StoreError>> From<E> for Wrong {
    fn from(error: E) -> Wrong {
        Wrong::Refused(error.into())
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wrong::Refused(refusal) => refusal.fmt(f),
            Wrong::TakenOver => Ok(()),
        }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    fn from(value: usize) -> Self {
        Value::from(value as u64)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Value::Integer(value.as_microsecond())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Value::Bytes(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, T::into)
    }
}

/// A row of a result. Booleans are integers; times are integers in microseconds since the Unix epoch.
pub(super) trait Row {
    fn integer(&self, column: usize) -> Result<Option<i64>, Wrong>;
    fn text(&self, column: usize) -> Result<Option<&str>, Wrong>;
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Wrong>;
}

impl dyn Row + '_ {
    /// Returns a column that must have a value.
    pub(super) fn get<T: Cell>(&self, column: usize) -> Result<T, Wrong> {
        let empty = || StoreError::words(format!("column {column} is empty"));
        Ok(self.maybe(column)?.ok_or_else(empty)?)
    }

    /// Returns a column, if it has a value.
    pub(super) fn maybe<T: Cell>(&self, column: usize) -> Result<Option<T>, Wrong> {
        T::of(self, column)
    }

    /// Returns a text, or an empty one if the column is null.
    pub(super) fn filled(&self, column: usize) -> Result<String, Wrong> {
        Ok(self.maybe(column)?.unwrap_or_default())
    }

    /// Returns the problems in a column, or none if it is null.
    pub(super) fn problems(&self, column: usize) -> Result<Vec<Problem>, Wrong> {
        Ok(Problem::of_stored(self.text(column)?.unwrap_or_default()))
    }
}

/// A type that a column can hold.
pub(super) trait Cell: Sized {
    fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong>;
}

impl Cell for i64 {
    fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong> {
        row.integer(column)
    }
}

macro_rules! smaller_integers {
    ($($integer:ty),*) => {$(
        impl Cell for $integer {
            fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong> {
                let number = row.integer(column)?.map(<$integer>::try_from).transpose();
                number.map_err(damaged)
            }
        }
    )*};
}

smaller_integers!(u16, u32, u64);

impl Cell for Timestamp {
    fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong> {
        let moment = row.integer(column)?.map(Timestamp::from_microsecond);
        moment.transpose().map_err(damaged)
    }
}

impl Cell for String {
    fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong> {
        Ok(row.text(column)?.map(str::to_owned))
    }
}

impl Cell for Vec<u8> {
    fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong> {
        Ok(row.bytes(column)?.map(<[u8]>::to_vec))
    }
}

impl Cell for RowState {
    fn of(row: &dyn Row, column: usize) -> Result<Option<Self>, Wrong> {
        let state = row.text(column)?.map(str::parse).transpose();
        state.map_err(damaged)
    }
}

/// Returns the names of the states with this property, for `state IN`.
fn states_that(have: impl Fn(&&RowState) -> bool) -> String {
    let states = RowState::ALL.iter().filter(have);
    let names: Vec<String> = states.map(|state| format!("'{state}'")).collect();
    format!("({})", names.join(", "))
}

/// Returns the names of the states of rows for which no request was sent.
pub(super) fn open_states() -> String {
    states_that(|state| state.standing() == Standing::Open)
}

/// Returns the names of the states of rows whose record was changed, or may have been.
fn changed_states() -> String {
    states_that(|state| state.may_have_changed())
}

/// Returns the range of the keys of a run's rows: above the first, up to the second.
pub(super) fn ends_of(run: i64) -> [Value<'static>; 2] {
    [id_of(run, 0).into(), id_of(run, u64::MAX).into()]
}

/// Returns the error for a damaged value.
pub(crate) fn damaged(why: impl std::fmt::Display) -> Wrong {
    Wrong::Refused(StoreError::words(why.to_string()))
}

/// The tables within one transaction. The parameters of a statement are `?1`, `?2` and so on.
pub(super) trait Sql {
    /// Changes rows, and returns their number.
    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Wrong>;

    /// Calls `each` with each row of a result.
    fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), Wrong>,
    ) -> Result<(), Wrong>;
}

impl dyn Sql + '_ {
    /// Maps each row with `of`.
    pub(super) fn all<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut of: impl FnMut(&dyn Row) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, Wrong> {
        let mut all = Vec::new();
        self.each(sql, values, &mut |row| {
            all.push(of(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Maps the only row, if there is one, with `of`.
    pub(super) fn any<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        of: impl FnMut(&dyn Row) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Wrong> {
        Ok(self.all(sql, values, of)?.pop())
    }

    /// Maps the row of a statement that always returns exactly one.
    pub(super) fn one<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        of: impl FnMut(&dyn Row) -> Result<T, Wrong>,
    ) -> Result<T, Wrong> {
        let none = || StoreError::words("no row".to_owned());
        Ok(self.any(sql, values, of)?.ok_or_else(none)?)
    }
}

/// A database that stores the journal.
pub(super) trait Engine {
    /// Reads in one transaction, from one snapshot.
    fn look<T: Send>(
        &self,
        read: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError>;

    /// Changes tables atomically, unless another process has taken over.
    fn step<T: Send>(
        &self,
        change: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError>;
}

/// Deletes the stored responses of a run.
pub(super) const FORGET_ANSWERS: &str = "DELETE FROM answer WHERE run = ?1";
