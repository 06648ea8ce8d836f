//! SQLite deletes old runs.

use jiff::Timestamp;
use rusqlite::Transaction;

use super::outcomes::Moment;
use super::store::Sqlite;
use crate::journal::error::{Action, JournalError};
use crate::journal::row_id::id_of;
use crate::journal::store::Forgetting;

impl Forgetting for Sqlite {
    fn clear(&mut self, run: i64) -> Result<(), JournalError> {
        self.in_one_step(|transaction| clear(transaction, run))
    }

    fn forget(&mut self, run: i64) -> Result<(), JournalError> {
        self.in_one_step(|transaction| {
            clear(transaction, run)?;
            transaction.execute("DELETE FROM run WHERE id = ?1", [run])?;
            Ok(())
        })
    }

    fn forget_for_good(&self) -> Result<(), JournalError> {
        self.connection
            .pragma_update(None, "secure_delete", "ON")
            .map_err(self.explain(Action::Prune))
    }

    fn forget_delivered(&mut self, moment: Timestamp) -> Result<(), JournalError> {
        self.connection
            .execute("DELETE FROM delivered WHERE at < ?1", [Moment(moment)])
            .map(|_| ())
            .map_err(self.explain(Action::Prune))
    }

    fn give_room_back(&self, alone: bool) -> Result<(), JournalError> {
        let explain = self.explain(Action::Prune);
        // To do that, the file is written anew, and nobody could write meanwhile.
        if alone {
            self.connection.execute_batch("VACUUM").map_err(&explain)?;
        }
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(&explain)
    }
}

fn clear(transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<()> {
    let ends = [id_of(run, 0), id_of(run, u64::MAX)];
    for table in ["planned", "outcome"] {
        let delete = format!("DELETE FROM {table} WHERE id > ?1 AND id <= ?2");
        transaction.execute(&delete, ends)?;
    }
    for table in ["row_key", "field_set", "warning", "sending"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    transaction.execute("UPDATE run SET is_indexed = 0 WHERE id = ?1", [run])?;
    Ok(())
}
