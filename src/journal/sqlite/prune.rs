//! Deletes old runs from SQLite.

use jiff::Timestamp;

use super::store::Sqlite;
use crate::journal::error::{JournalError, StoreAction};
use crate::journal::store::Forgetting;

impl Forgetting for Sqlite {
    fn forget_for_good(&self) -> Result<(), JournalError> {
        self.connection
            .pragma_update(None, "secure_delete", "ON")
            .map_err(self.explain(StoreAction::Prune))
    }

    fn forget_delivered(&mut self, moment: Timestamp) -> Result<(), JournalError> {
        self.connection
            .execute(
                "DELETE FROM delivered WHERE at < ?1",
                [moment.as_microsecond()],
            )
            .map(|_| ())
            .map_err(self.explain(StoreAction::Prune))
    }

    fn give_room_back(&self, alone: bool) -> Result<(), JournalError> {
        let explain = self.explain(StoreAction::Prune);
        // VACUUM rewrites the file and blocks all other writers.
        if alone {
            self.connection.execute_batch("VACUUM").map_err(explain)?;
        }
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(explain)
    }
}
