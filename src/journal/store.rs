//! The store traits define what each journal store does by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::entries::{Entry, RunFieldSets};
use super::error::{JournalError, StoreError};
use super::record::Stage;

/// A store that records runs. One conformance suite holds every store to the same promises.
pub trait Store: OwnStatements + Forgetting + Rosters + AnswerStore + Recording + Send {}

impl<T> Store for T where T: OwnStatements + Forgetting + Rosters + AnswerStore + Recording + Send {}

/// The operations for which the databases need different statements.
pub trait OwnStatements {
    /// Returns the query for the runs and paths of records by a key: as a path segment (`?1`), as the value
    /// that found the record (`?2`), or as a JSON text in the changes (`?3`) or the body (`?4`).
    fn records_by_key(&self) -> &'static str;

    /// Returns the maximum number of rows that one transaction changes, so that other processes can write in
    /// between.
    fn rows_a_step(&self) -> u64;

    /// Counts the occurrences of these keys in each run, by run number.
    fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError>;

    /// Returns the time of this boot for a quota, as [`super::QuotaStore::began`] does.
    fn boot_time(
        &self,
        account: &str,
        boot: &str,
        since_and_wall: (u64, u64),
    ) -> Result<u64, JournalError>;

    /// Lets later commits not wait for the disk, if the store leaves that to a process.
    fn hurry(&self) -> Result<(), JournalError>;

    /// Fences off another process that may still work on a run, so that its later writes fail. A store with
    /// operating system locks has nothing to do, because they show that no such process exists.
    fn take_over(&mut self, run: i64) -> Result<(), JournalError>;
}

/// Deletion of stored data.
pub trait Forgetting {
    /// Returns whether a run can be pruned. A run that waits in the queue cannot.
    fn may_be_forgotten(&self, _run: i64) -> Result<bool, JournalError> {
        Ok(true)
    }

    /// Makes later deletions overwrite the deleted data.
    fn forget_for_good(&self) -> Result<(), JournalError>;

    /// Deletes deliveries from before `moment`, and data that belongs to no run.
    fn forget_delivered(&mut self, moment: Timestamp) -> Result<(), JournalError>;

    /// Returns free space to the system. `alone` states that no other process works with the journal.
    fn give_room_back(&self, alone: bool) -> Result<(), JournalError>;
}

/// The content of rosters, for machines that share the journal but not a folder.
pub trait Rosters {
    /// Stores a file under the SHA-256 of its content, in hexadecimal, unless it is stored already.
    fn keep_roster(
        &self,
        _sha256: &str,
        _content: &mut (dyn FnMut() -> std::io::Result<Vec<u8>> + Send),
    ) -> Result<(), JournalError> {
        Ok(())
    }

    /// Returns a stored file.
    fn roster(&self, _sha256: &str) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(None)
    }

    /// Removes a file, unless a run with this content has not ended or waits in the queue. Returns whether a
    /// file was removed.
    fn forget_roster(&self, _sha256: &str) -> Result<bool, JournalError> {
        Ok(false)
    }
}

/// How long stored responses of a run that was not continued are valid. After that, its records are read
/// again.
pub const ANSWERS_STAND: Duration = Duration::from_secs(24 * 3600);

/// The responses of an API to the look-ups of a run that is planned in batches, so that later batches do not
/// repeat them. A run that one process plans stores none.
pub trait AnswerStore {
    /// Whether the store stores responses.
    fn keeps_answers(&self) -> bool {
        false
    }

    /// Stores responses by the number of their request, and adds the number of requests made.
    fn keep_answers(
        &self,
        _run: i64,
        _answers: &[(i64, &str)],
        _requests: u64,
    ) -> Result<(), JournalError> {
        Ok(())
    }

    /// Returns the numbers of the stored responses. They are deleted if none was added for [`ANSWERS_STAND`].
    fn questions(&self, _run: i64) -> Result<Vec<i64>, JournalError> {
        Ok(Vec::new())
    }

    /// Returns a stored response.
    fn answer(&self, _run: i64, _question: i64) -> Result<Option<String>, JournalError> {
        Ok(None)
    }

    /// Deletes the stored responses of a run.
    fn forget_answers(&self, _run: i64) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Writes the entries of a run, many per commit, from one thread.
pub trait Recording {
    /// Sets the stage of the entries that follow. It determines how much may be lost in a power failure: a
    /// lost plan can be planned again.
    fn begin_writing(&mut self, run: i64, stage: Stage);

    /// Writes entries in one atomic commit. Fails if another process has taken over the journal.
    fn write(
        &mut self,
        place: &mut RunFieldSets,
        entries: &mut dyn Iterator<Item = &Entry>,
    ) -> Result<(), StoreError>;

    /// Makes the next commit flush all earlier commits to the disk.
    fn end_writing(&mut self);

    /// Returns how long after a commit this process owns the journal without asking again, or `None` if no
    /// other process can take it over.
    fn lease(&self) -> Option<Duration> {
        None
    }
}
