//! The store traits define what each journal store supports.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::arrival::Arrival;
use super::entries::{Entry, RunFieldSets};
use super::error::{JournalError, StoreError};
use super::record::Stage;
use super::records::{
    CallsLeft, FailureKind, KeptCall, NewRun, PastCall, PastRow, RowSaid, RunRecord, Traces, Which,
};
use super::run_state::RunState;
use crate::model::{
    Call, Change, Fingerprint, Held, Outcome, Problem, RowFacts, RowState, StateCounts,
};

/// A store that records runs. One conformance suite holds every store to the same promises.
pub trait Store:
    Runs
    + Calls
    + Outcomes
    + Sending
    + History
    + DeliveryStore
    + Dossiers
    + Forgetting
    + Rosters
    + AnswerStore
    + ArrivalStore
    + Recording
    + Send
{
}

impl<T> Store for T where
    T: Runs
        + Calls
        + Outcomes
        + Sending
        + History
        + DeliveryStore
        + Dossiers
        + Forgetting
        + Rosters
        + AnswerStore
        + ArrivalStore
        + Recording
        + Send
{
}

/// Operations on runs.
pub trait Runs {
    /// Records the start of a run without a plan. Returns its number and its name: the requested name, with a
    /// number appended if another run has it.
    fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError>;

    /// Fences off another process that may still work on a run, so that its later writes fail. A store with
    /// operating system locks has nothing to do, because they show that no such process exists.
    fn take_over(&mut self, _run: i64) -> Result<(), JournalError> {
        Ok(())
    }

    /// Resets a run to planning: it is no longer held and has no figures.
    fn begin_again(&mut self, run: i64) -> Result<(), JournalError>;

    /// Records that a run has ended, with its figures as JSON.
    fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError>;

    /// Returns the run called `name`, or the newest one. Returns [`JournalError::NoRun`] if there is none.
    fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError>;

    /// Returns all runs with readable records, newest first.
    fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        Ok(self
            .all_runs()?
            .into_iter()
            .filter_map(Result::ok)
            .collect())
    }

    /// Returns the name of a run.
    fn name_of(&self, run: i64) -> Result<String, JournalError>;

    /// Returns the undo runs that began after `run`, newest first.
    fn undos_after(&self, run: i64) -> Result<Vec<RunRecord>, JournalError>;

    /// Returns all runs, newest first, with an error in place of each damaged record.
    fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError>;

    /// Returns the newest run with this content, file path, target and address, if it has not ended.
    fn unfinished(
        &self,
        file: &str,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError>;

    /// Returns the newest run that was interrupted or whose process died, or
    /// [`JournalError::NothingUnfinished`].
    fn newest_unfinished(&self) -> Result<RunRecord, JournalError>;

    /// Records the state of a run. Stored responses are deleted once the run is no longer planning.
    fn set_state(&mut self, run: i64, state: RunState) -> Result<(), JournalError>;

    /// Records a run's plan, as JSON, and adds the number of requests made for it.
    fn set_plan(&mut self, run: i64, plan: &str, requests: u64) -> Result<(), JournalError>;

    /// Returns a run's plan, as JSON, and the number of requests made for it.
    fn plan(&self, run: i64) -> Result<(Option<String>, u64), JournalError>;

    /// Records the new paths of a run's file and of the files that belong to it.
    fn moved(
        &mut self,
        run: i64,
        file: &str,
        settings: &str,
        summary: &str,
    ) -> Result<(), JournalError>;

    /// Records a run's settings, as JSON.
    fn set_settings(&mut self, run: i64, settings: &str) -> Result<(), JournalError>;

    /// Records why a guard holds a run. Stored responses are deleted.
    fn hold(&mut self, run: i64, why: &Held) -> Result<(), JournalError>;

    /// Removes the plan and the outcomes of a run before it is planned again.
    fn clear(&mut self, run: i64) -> Result<(), JournalError>;

    /// Removes a run completely, in one transaction.
    fn forget(&mut self, run: i64) -> Result<(), JournalError>;
}

/// Operations on planned calls.
pub trait Calls {
    /// Replaces planned calls of a run: their bodies, their fields and their fingerprints, if any. Atomic.
    fn replace_calls(&mut self, run: i64, calls: &[Call]) -> Result<(), JournalError>;

    /// Returns the first `most` calls without an outcome for rows after `after`, in row order, and the rows
    /// among them whose call is damaged.
    fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError>;

    /// Records a row as failed because its stored data is damaged.
    fn set_damaged(&self, run: i64, row: u64, why: &Problem) -> Result<(), JournalError>;

    /// Returns the first `most` calls for rows after `after`, in row order, with the states of their rows.
    /// The state of a row is unknown if a request may have been made without a recorded outcome.
    fn calls_after(
        &self,
        run: i64,
        after: u64,
        which: Which,
        most: usize,
    ) -> Result<Vec<(u64, KeptCall)>, JournalError>;

    /// Returns the names of the fields that any call of a run changes, with repetitions.
    fn fields_changed(&self, run: i64) -> Result<Vec<String>, JournalError>;
}

/// Operations on the outcomes of rows.
pub trait Outcomes {
    /// Counts the rows from `first` to `last` that have an outcome.
    fn recorded(&self, run: i64, first: u64, last: u64) -> Result<u64, JournalError>;

    /// Counts the rows of a run by their final state.
    fn states(&self, run: i64) -> Result<StateCounts, JournalError>;

    /// Returns the number of requests of a run's rows, and the time of the last outcome.
    fn traces(&self, run: i64) -> Result<Traces, JournalError>;

    /// Returns the recorded outcomes of rows `first` to `last`, in row order. A damaged record is returned as
    /// a failed row with the reason.
    fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError>;

    /// Returns the rows with a damaged outcome, and the reason for each.
    fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError>;

    /// Returns the warnings of rows `first` to `last`, in row order. Rows without warnings are omitted.
    fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, Vec<Problem>)>, JournalError>;

    /// Returns the facts that planning stored about rows `first` to `last`, in row order. Rows without facts
    /// are omitted.
    fn facts(&self, run: i64, first: u64, last: u64) -> Result<Vec<(u64, RowFacts)>, JournalError>;

    /// Returns the request body of a row, or an empty one if it has none.
    fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError>;

    /// Returns the first `most` unsuccessful rows of a run, in row order.
    fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError>;

    /// Counts the unsuccessful rows of a run by state and code, most frequent first, and the successful rows
    /// with warnings by code.
    fn kinds(&self, run: i64) -> Result<Vec<FailureKind>, JournalError>;
}

/// Operations of a run that sends.
pub trait Sending {
    /// Prepares an interrupted run for resuming: its rows that were not sent are open again. Returns the
    /// number of requests made for its rows.
    fn reopen(&mut self, run: i64) -> Result<u64, JournalError>;

    /// Records that a run starts or resumes sending. Its deliveries to records that cannot be read are stored
    /// for `account`.
    fn begin_sending(
        &mut self,
        run: i64,
        account: &str,
        now: Timestamp,
    ) -> Result<(), JournalError>;

    /// Indexes a run's rows for later runs, after all of them are planned: in order, and in batches if the run
    /// is long. The run counts as indexed only after it has ended.
    fn index_own(&mut self, run: i64) -> Result<(), JournalError>;

    /// Records a finished run's deliveries, and indexes its rows unless `is_indexed`.
    fn settle(&mut self, run: i64, now: Timestamp, is_indexed: bool) -> Result<(), JournalError>;
}

/// Queries about earlier runs.
pub trait History {
    /// Counts the occurrences of these keys in each run, by run number.
    fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError>;

    /// Returns the fingerprint and the outcome of the row with this key in the run `since` and in later runs
    /// with the same target and address, newest first.
    fn history(&self, since: i64, key: i64) -> Result<Vec<PastRow>, JournalError>;

    /// Some of the keys of a run's rows, at most so many, in no order of the file.
    fn some_keys(&self, run: i64, most: u64) -> Result<Vec<i64>, JournalError>;

    /// The rows of a run, in order, whose keys no row of the run `other` has; of rows with the same key, the first.
    fn rows_without(&self, run: i64, other: i64) -> Result<Vec<u64>, JournalError>;

    /// Returns the number of rows of a run's file that were read.
    fn rows_of(&self, run: i64) -> Result<u64, JournalError>;

    /// Returns the rows of a run in one of these states, in row order. A row without an outcome counts as not
    /// sent. Rows that were not selected are omitted.
    fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError>;

    /// Returns the newest run of this content, under any file name, with the same target and address, if it
    /// has ended or is held.
    fn finished_before(
        &self,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError>;

    /// Returns the rows of a run, in order, whose records the run `undo` restored.
    fn restored(&self, run: i64, undo: i64) -> Result<Vec<u64>, JournalError>;

    /// Returns the changes that a run made, or may have made, to the record at `path`. Fails if they are
    /// missing or damaged.
    fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError>;

    /// Builds the index for [`History::changes_made`], for this connection only.
    fn index_changes(&self, run: i64) -> Result<(), JournalError>;

    /// Returns the calls of `run` and of all runs with its target and address to the record at `path`, latest
    /// planned first, that the API accepted or may have accepted. A damaged call is empty and its state
    /// unknown.
    fn deliveries(&self, run: i64, path: &str) -> Result<Vec<PastCall>, JournalError>;

    /// Builds the index for [`History::deliveries`], for this connection only.
    fn index_deliveries(&self, run: i64) -> Result<(), JournalError>;

    /// Builds the index of [`History::deliveries`] under the number `of`, with the requests of all runs with
    /// this target and address. It exists for this connection only. Returns whether there are any.
    fn index_written(&self, of: i64, target: &str, base_url: &str) -> Result<bool, JournalError>;

    /// Indexes the rows of runs other than `own` that have not ended and are not indexed yet. Returns their
    /// names: some may still be in progress.
    fn index_rows(&self, own: i64) -> Result<Vec<String>, JournalError>;
}

/// The values last delivered to records that cannot be read.
pub trait DeliveryStore {
    /// Returns the runs of `account` other than `own` whose deliveries are not merged yet, by number and
    /// name, oldest first.
    fn unmerged(&self, account: &str, own: i64) -> Result<Vec<(i64, String)>, JournalError>;

    /// Merges a run's deliveries into the last delivered values, unless that was done before. A long run is
    /// merged in batches, so that other processes can write in between.
    fn merge_run(&mut self, run: i64, now: Timestamp) -> Result<(), JournalError>;

    /// Returns whether any delivery is known for `account`.
    fn has_delivered(&self, account: &str) -> Result<bool, JournalError>;

    /// Returns the fingerprint and the time of the last delivery to the record at `path`.
    fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(Fingerprint, Timestamp)>, JournalError>;
}

/// The stored data about one record, across all runs.
pub trait Dossiers {
    /// Returns the changed records that match one of these `keys`, as pairs of run and path. A key matches
    /// the end of the path, the value that found the record, or a value that was sent.
    fn records_by(&self, keys: &[String]) -> Result<Vec<(i64, String)>, JournalError>;

    /// Returns the calls that these `runs` sent, or may have sent, to the record at `path`, newest first.
    /// Fails if one of them is damaged.
    fn calls_to(&self, runs: &[i64], path: &str) -> Result<Vec<PastCall>, JournalError>;

    /// Removes the values that ended runs store about the record at `path`: changes, request bodies and
    /// messages. The fact and the time of each change are kept. Returns the number of affected rows.
    ///
    /// The fingerprints of the last deliveries to that path are removed for every account. Without its
    /// fingerprint, a record is sent again.
    fn forget_values(&mut self, runs: &[i64], path: &str) -> Result<u64, JournalError>;

    /// Removes the id and the problems of rows in ended runs that matched a record with one of these `ids`
    /// and had nothing to send. Returns each run with the number of affected rows.
    fn forget_found(
        &mut self,
        runs: &[i64],
        ids: &[String],
    ) -> Result<Vec<(i64, u64)>, JournalError>;

    /// Removes the values of all records from an ended run, as [`Self::forget_values`] does. Returns the
    /// number of affected rows.
    fn forget_all_values(&mut self, run: i64) -> Result<u64, JournalError>;

    /// Returns the rows whose key has one of these fingerprints, in any state, including rows that changed no
    /// record.
    fn rows_by(&self, keys: &[i64]) -> Result<Vec<RowSaid>, JournalError>;

    /// Removes the messages and warnings of these rows from ended runs. Returns the number of affected rows.
    fn forget_said(&mut self, rows: &[(i64, u64)]) -> Result<u64, JournalError>;
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

/// The files that were dropped into inboxes.
pub trait ArrivalStore {
    /// Records the fate of a file. The arrival time of a known file is kept.
    fn record_arrival(&self, arrival: &Arrival) -> Result<(), JournalError>;

    /// Returns the files that arrived at `since` or later, newest first.
    fn arrivals(&self, since: Timestamp) -> Result<Vec<Arrival>, JournalError>;

    /// Deletes the entry of a file that no longer exists.
    fn forget_arrival(&self, arrival: &Arrival) -> Result<(), JournalError>;

    /// Deletes the entries of files that arrived before `before`.
    fn forget_arrivals(&self, before: Timestamp) -> Result<(), JournalError>;
}

/// How long stored responses of a run that was not continued are valid. After that, its records are read
/// again.
pub const ANSWERS_STAND: Duration = Duration::from_secs(24 * 3600);

/// The responses of an API to the look-ups of a run that is planned in batches, so that later batches do not
/// repeat them. A run that one process plans stores none.
pub trait AnswerStore {
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
