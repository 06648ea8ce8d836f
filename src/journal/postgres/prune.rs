//! Deletes old runs from PostgreSQL.

use jiff::Timestamp;

use super::connection::cell;
use super::store::Postgres;
use crate::journal::error::JournalError;
use crate::journal::store::Forgetting;

impl Forgetting for Postgres {
    fn may_be_forgotten(&self, run: i64) -> Result<bool, JournalError> {
        self.read(|tables| {
            let row = tables.one(
                "SELECT NOT EXISTS (SELECT 1 FROM queued
                                    WHERE run = $1
                                    AND (state IN ('waiting', 'running', 'held', 'stopped')
                                         OR NOT is_put_away AND file LIKE '%/processing/%'))",
                &[&run],
            )?;
            cell(&row, 0)
        })
    }

    /// The server overwrites deleted data after a vacuum has freed its space; the server decides when
    /// (postgresql.org/docs/current/routine-vacuuming.html).
    fn forget_for_good(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn forget_delivered(&mut self, moment: Timestamp) -> Result<(), JournalError> {
        self.change(|tables| {
            tables.execute(
                "DELETE FROM delivered WHERE at < $1",
                &[&moment.as_microsecond()],
            )?;
            // A completed queue entry has no use without its run.
            tables.execute(
                "DELETE FROM queued WHERE run IS NULL AND state NOT IN ('waiting', 'running')
                 AND enqueued_at < $1",
                &[&moment],
            )?;
            tables.execute(
                "DELETE FROM roster WHERE kept_at < $1
                 AND NOT EXISTS (SELECT 1 FROM run WHERE run.sha256 = roster.sha256)
                 AND NOT EXISTS (SELECT 1 FROM queued WHERE queued.sha256 = roster.sha256
                                 AND queued.state IN ('waiting', 'running'))",
                &[&moment],
            )
        })
        .map(|_| ())
    }

    /// The server's autovacuum does that.
    fn give_room_back(&self, _alone: bool) -> Result<(), JournalError> {
        Ok(())
    }
}
