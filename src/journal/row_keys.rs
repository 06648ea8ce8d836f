use rusqlite::{Connection, params};

use super::error::JournalError;
use super::schema::slices;
use super::store::Journal;

/// What later runs search rows by.
impl Journal {
    /// Makes what runs search by, for those other than `own` that have come to no end and so have not
    /// made it yet. Returns their names: some may be under way still.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn index_rows(&self, own: i64) -> Result<Vec<String>, JournalError> {
        let explain = self.explain("write");
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, name FROM run WHERE is_indexed = 0 AND id <> ?1")
            .map_err(&explain)?;
        let runs: Vec<(i64, String)> = statement
            .query_map([own], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(&explain)?;
        for (run, _) in &runs {
            let run = *run;
            for ends in slices(&self.connection, run).map_err(&explain)? {
                index_rows_of(&self.connection, run, ends).map_err(&explain)?;
            }
        }
        Ok(runs.into_iter().map(|(_, name)| name).collect())
    }
}

/// Makes what later runs search some of a run's rows by.
pub(super) fn index_rows_of(
    connection: &Connection,
    run: i64,
    (first, last): (i64, i64),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO row_key
             SELECT ?1, key, id & 4294967295 FROM planned
             WHERE id > ?2 AND id <= ?3 AND key IS NOT NULL ORDER BY key, id",
        )?
        .execute(params![run, first, last])?;
    Ok(())
}
