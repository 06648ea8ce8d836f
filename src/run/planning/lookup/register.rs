//! The register holds the records of an API in a temporary table.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::journal::JournalError;

/// All records of an API, by their keys. They are in a private temporary file that is deleted with this
/// process, so that memory does not grow with the register.
#[derive(Debug)]
pub struct Register {
    connection: Connection,
}

fn explain(source: rusqlite::Error) -> JournalError {
    JournalError::of_records(Path::new("(temporary)"))(source)
}

impl Register {
    /// Creates an empty register.
    pub fn new() -> Result<Register, JournalError> {
        let connection = Connection::open("").map_err(explain)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
                 CREATE TABLE record (key TEXT NOT NULL, content TEXT NOT NULL) STRICT;
                 CREATE INDEX record_by_key ON record (key);
                 CREATE TABLE holder (field INTEGER NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL) STRICT;
                 CREATE INDEX holder_by_value ON holder (field, value);
                 CREATE TABLE changed (field INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (field, id))
                 STRICT, WITHOUT ROWID;
                 -- Nobody else reads it, so nothing is ever committed.
                 BEGIN;",
            )
            .map_err(explain)?;
        Ok(Register { connection })
    }

    fn put(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), JournalError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(explain)?;
        statement.execute(values).map(|_| ()).map_err(explain)
    }

    /// Adds a record, as JSON.
    pub fn add(&self, key: &str, content: &str) -> Result<(), JournalError> {
        self.put("INSERT INTO record VALUES (?1, ?2)", params![key, content])
    }

    /// Adds that the record `id` has this value in a unique field.
    pub fn add_holder(&self, field: usize, value: &str, id: &str) -> Result<(), JournalError> {
        self.put(
            "INSERT INTO holder VALUES (?1, ?2, ?3)",
            params![field, value, id],
        )
    }

    /// Returns a record other than `id` that has this value in a unique field.
    pub fn other_holder(
        &self,
        field: usize,
        value: &str,
        id: &str,
    ) -> Result<Option<String>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT id FROM holder WHERE field = ?1 AND value = ?2 AND id <> ?3
                 ORDER BY id LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![field, value, id], |row| row.get(0))
                    .optional()
            })
            .map_err(explain)
    }

    /// Adds that the value of a field of the record `id` will change.
    pub fn add_changed(&self, field: usize, id: &str) -> Result<(), JournalError> {
        self.put(
            "INSERT OR IGNORE INTO changed VALUES (?1, ?2)",
            params![field, id],
        )
    }

    /// Returns whether the value of a field of the record `id` will change.
    pub fn is_changed(&self, field: usize, id: &str) -> Result<bool, JournalError> {
        self.connection
            .prepare_cached("SELECT 1 FROM changed WHERE field = ?1 AND id = ?2")
            .and_then(|mut statement| statement.exists(params![field, id]))
            .map_err(explain)
    }

    /// Returns the records with this key, as JSON.
    pub fn find(&self, key: &str) -> Result<Vec<String>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT content FROM record WHERE key = ?1")
            .map_err(explain)?;
        statement
            .query_map([key], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(explain)
    }
}
