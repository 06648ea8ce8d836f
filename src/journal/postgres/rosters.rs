//! The content of rosters in PostgreSQL.

use std::path::Path;

use super::connection::cell;
use super::store::Postgres;
use crate::journal::error::JournalError;
use crate::journal::store::Rosters;

impl Rosters for Postgres {
    fn keep_roster(
        &self,
        sha256: &str,
        content: &mut (dyn FnMut() -> std::io::Result<Vec<u8>> + Send),
    ) -> Result<(), JournalError> {
        // Refresh the time, so that a prune does not delete the roster.
        let is_kept = self.change(|tables| {
            tables.execute(
                "UPDATE roster SET kept_at = now() WHERE sha256 = $1",
                &[&sha256],
            )
        })?;
        if is_kept > 0 {
            return Ok(());
        }
        let content = content().map_err(JournalError::folder(Path::new("-")))?;
        self.set(
            "INSERT INTO roster (sha256, content) VALUES ($1, $2) ON CONFLICT (sha256) DO UPDATE SET kept_at = now()",
            &[&sha256, &content],
        )
    }

    fn roster(&self, sha256: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.read(|tables| {
            let row = tables.first("SELECT content FROM roster WHERE sha256 = $1", &[&sha256])?;
            row.map(|row| cell(&row, 0)).transpose()
        })
    }

    fn forget_roster(&self, sha256: &str) -> Result<bool, JournalError> {
        let gone = self.change(|tables| {
            // A statement that waits for a lock continues with its old snapshot of other tables, and the
            // roster may have been enqueued meanwhile. So the row is locked first.
            tables.execute(
                "SELECT 1 FROM roster WHERE sha256 = $1 FOR UPDATE",
                &[&sha256],
            )?;
            tables.execute(
                "DELETE FROM roster WHERE sha256 = $1
                 AND NOT EXISTS (SELECT 1 FROM run WHERE run.sha256 = roster.sha256
                                 AND run.state NOT IN
                                     ('finished', 'replaced', 'undone', 'declined'))
                 AND NOT EXISTS (SELECT 1 FROM queued WHERE queued.sha256 = roster.sha256
                                 AND queued.state IN ('waiting', 'running', 'held', 'stopped'))",
                &[&sha256],
            )
        })?;
        Ok(gone > 0)
    }
}
