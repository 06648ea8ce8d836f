//! A consistent copy of the journal while other processes write to it.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::store::{FILE, Sqlite};
use crate::journal::error::{JournalError, StoreAction};
use crate::journal::files::make_private_file;
use crate::journal::sql::{Engine, ends_of, open_states};

/// Marks the rows that a run may send after the backup as in doubt, as after a crash. The keys of the rows
/// are above `?1`, up to `?2`.
const DOUBT: [&str; 3] = [
    "UPDATE outcome SET state = 'unknown', attempts = max(attempts, 1)
     WHERE id > ?1 AND id <= ?2 AND (state = 'open' OR state IN OPEN_STATES)
     AND id IN (SELECT id FROM planned WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL)",
    "INSERT INTO outcome (id, state, attempts, at)
     SELECT id, 'unknown', 1, (SELECT started_at FROM run WHERE run.id = ?2 >> 32)
     FROM planned WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
    // Rows that are planned during sending may be missing from the copy.
    "UPDATE sending SET reach = 4294967295 WHERE run = ?2 >> 32 AND ?1 < ?2",
];

impl Sqlite {
    /// Copies a consistent snapshot of the journal in `from` to the folder `to`. Returns the copy.
    ///
    /// In the copy, every unsent row of an unfinished run is in doubt, because the run may continue after the
    /// backup.
    pub fn back_up(from: &Path, to: &Path) -> Result<Sqlite, JournalError> {
        std::fs::metadata(from.join(FILE)).map_err(JournalError::folder(from))?;
        let journal = Sqlite::open(from)?;
        let path = to.join(FILE);
        make_private_file(&path).map_err(JournalError::folder(&path))?;
        let failed = JournalError::sqlite(StoreAction::Write, &path);
        let mut copy = Connection::open(&path).map_err(failed)?;
        // Copy all pages in one step, from one snapshot: with smaller steps, each write of a run would
        // restart the copy.
        let backup = Backup::new(&journal.connection, &mut copy).map_err(failed)?;
        backup
            .run_to_completion(i32::MAX, Duration::from_millis(10), None)
            .map_err(failed)?;
        drop(backup);
        // A single file without a write-ahead log.
        copy.pragma_update(None, "journal_mode", "DELETE")
            .map_err(failed)?;
        let copy = Sqlite::of(copy, path);
        let unfinished = "SELECT id FROM run WHERE state IN ('running', 'interrupted')";
        copy.step(|sql| {
            for run in sql.all(unfinished, &[], |row| row.get(0))? {
                for step in DOUBT {
                    sql.change(&step.replace("OPEN_STATES", &open_states()), &ends_of(run))?;
                }
            }
            Ok(())
        })?;
        Ok(copy)
    }
}
