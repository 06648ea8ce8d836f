//! SQLite indexes rows by the keys that later runs search.

use rusqlite::{Connection, params};

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
