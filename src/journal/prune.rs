use std::path::Path;

use jiff::Timestamp;
use rusqlite::Transaction;

use super::error::JournalError;
use super::lock::RunLock;
use super::outcomes::Moment;
use super::run_state::RunState;
use super::schema::id_of;
use super::store::Journal;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that are gone.
    pub forgotten: usize,
    /// Runs that are old enough, and that somebody is at work on.
    pub left: usize,
    /// Runs whose record is damaged, so that nobody can tell how old they are.
    pub damaged: usize,
}

/// What is forgotten.
impl Journal {
    /// Forgets what was planned and settled of a run: before it is planned anew.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn clear(&mut self, run: i64) -> Result<(), JournalError> {
        self.in_one_step(|transaction| clear(transaction, run))
    }

    /// Forgets a run, as if it had never been: all of it or nothing.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget(&mut self, run: i64) -> Result<(), JournalError> {
        self.in_one_step(|transaction| {
            clear(transaction, run)?;
            transaction.execute("DELETE FROM run WHERE id = ?1", [run])?;
            Ok(())
        })
    }

    /// Forgets runs that began before `moment`, with all that was kept of their records, and what was
    /// delivered before it; but for runs that somebody is at work on, or reads, as `folder`'s locks
    /// tell. A run whose process died is forgotten like any other.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn prune(
        &mut self,
        folder: &Path,
        moment: Timestamp,
        now: Timestamp,
    ) -> Result<Pruned, JournalError> {
        let explain = self.explain("prune");
        // What is forgotten is overwritten, not just no longer found.
        self.connection
            .pragma_update(None, "secure_delete", "ON")
            .map_err(&explain)?;
        let mut pruned = Pruned::default();
        let (mut runs, mut damaged) = (Vec::new(), 0);
        for run in self.all_runs()? {
            match run {
                Ok(run) => runs.push(run),
                Err(_) => damaged += 1,
            }
        }
        pruned.damaged = damaged;
        for run in runs.iter().filter(|run| run.started_at < moment) {
            match RunLock::take(folder, &run.name)? {
                None => pruned.left += 1,
                Some(_alone) => {
                    // What it has sent is not to be forgotten with it.
                    self.merge_run(run.id, now)?;
                    self.forget(run.id)?;
                    pruned.forgotten += 1;
                }
            }
        }
        self.connection
            .execute("DELETE FROM delivered WHERE at < ?1", [Moment(moment)])
            .map_err(&explain)?;
        let mut under_way = false;
        for run in runs.iter().filter(|run| run.started_at >= moment) {
            let open = matches!(run.state, RunState::Planning | RunState::Running);
            under_way |= open && RunLock::is_held(folder, &run.name)?;
        }
        // To give the room back, the file is written anew, and nobody could write meanwhile.
        if pruned.left == 0 && !under_way {
            self.connection.execute_batch("VACUUM").map_err(&explain)?;
        }
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(&explain)?;
        Ok(pruned)
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
