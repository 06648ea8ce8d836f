use rusqlite::Connection;

use super::error::JournalError;
use super::schema::id_of;
use super::store::Journal;

/// What later runs search rows by.
impl Journal {
    /// Makes what runs search by, for those that have come to no end and so have not made it yet.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn index_rows(&self) -> Result<(), JournalError> {
        let explain = self.explain("write");
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM run WHERE is_indexed = 0")
            .map_err(&explain)?;
        let runs: Vec<i64> = statement
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(&explain)?;
        for run in runs {
            index_rows_of(&self.connection, run).map_err(&explain)?;
        }
        Ok(())
    }
}

/// Makes what later runs search a run's rows by.
pub(super) fn index_rows_of(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO row_key
             SELECT ?1, key, id & 4294967295 FROM planned
             WHERE id > ?2 AND id <= ?3 AND key IS NOT NULL ORDER BY key, id",
        )?
        .execute([run, id_of(run, 0), id_of(run, u64::MAX)])?;
    Ok(())
}
