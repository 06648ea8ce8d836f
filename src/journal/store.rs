//! The store traits define what each journal store supports.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::arrival::Arrival;
use super::entries::{Entry, Place};
use super::error::{JournalError, Refusal};
use super::record::Stage;
use super::records::{
    CallsLeft, FailureKind, KeptCall, NewRun, PastCall, PastRow, RowSaid, RunRecord, Traces, Which,
};
use super::run_state::RunState;
use crate::model::{
    Call, Change, Fingerprint, Held, Outcome, Problem, RowFacts, RowState, StateCounts,
};

/// Where runs are recorded, in the journal's own words. Each store keeps the same promises:
/// one suite of tests holds both to them.
pub trait Store:
    Runs
    + Calls
    + Outcomes
    + Sending
    + History
    + Deliveries
    + Dossiers
    + Forgetting
    + Rosters
    + Answers
    + Arrivals
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
        + Deliveries
        + Dossiers
        + Forgetting
        + Rosters
        + Answers
        + Arrivals
        + Recording
        + Send
{
}

/// The runs themselves.
pub trait Runs {
    /// Records the start of a run that has no plan yet. Returns its number, and its name: the one asked for, with a
    /// number behind it where another run has that already.
    fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError>;

    /// Takes a run over that another process may still be at work on: it may change nothing more of it.
    /// Where the operating system's locks tell that nobody is, there is nothing to do.
    fn take_over(&mut self, _run: i64) -> Result<(), JournalError> {
        Ok(())
    }

    /// Records that a run is planned again, whatever it had come to: it is not held, and has no figures.
    fn begin_again(&mut self, run: i64) -> Result<(), JournalError>;

    /// Records that a run has ended, with its figures as JSON.
    fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError>;

    /// The run called `name`, or the newest one.
    ///
    /// # Errors
    /// When there is no such run, or the journal cannot be read.
    fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError>;

    /// All runs whose records can be read, the newest first.
    fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        Ok(self
            .all_runs()?
            .into_iter()
            .filter_map(Result::ok)
            .collect())
    }

    /// A run's name.
    fn name_of(&self, run: i64) -> Result<String, JournalError>;

    /// The undo runs that began after the run `run`, the newest first.
    fn undos_after(&self, run: i64) -> Result<Vec<RunRecord>, JournalError>;

    /// All runs, the newest first, and in place of one whose record is damaged what is wrong
    /// with it.
    fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError>;

    /// The newest run of this very content of `file`, by the same target to the same address,
    /// that has begun and not ended.
    fn unfinished(
        &self,
        file: &str,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError>;

    /// The newest run that was interrupted, or whose process died.
    ///
    /// # Errors
    /// When there is none, or the journal cannot be read.
    fn newest_unfinished(&self) -> Result<RunRecord, JournalError>;

    /// Records how far a run has come. What the API answered to its plan is forgotten once that is made.
    fn set_state(&mut self, run: i64, state: RunState) -> Result<(), JournalError>;

    /// Records a run's plan, as JSON, and the requests that were made for it.
    fn set_plan(&mut self, run: i64, plan: &str, requests: u64) -> Result<(), JournalError>;

    /// A run's plan, as JSON, and the requests that were made for it.
    fn plan(&self, run: i64) -> Result<(Option<String>, u64), JournalError>;

    /// Records that a run's file and what belongs to it lie elsewhere now.
    fn moved(
        &mut self,
        run: i64,
        file: &str,
        settings: &str,
        summary: &str,
    ) -> Result<(), JournalError>;

    /// Records what a run was requested, as JSON.
    fn set_settings(&mut self, run: i64, settings: &str) -> Result<(), JournalError>;

    /// Records that a guard holds a run, and why. What the API answered to its plan is forgotten.
    fn hold(&mut self, run: i64, why: &Held) -> Result<(), JournalError>;

    /// Removes the plan and the outcomes of a run before it is planned again.
    fn clear(&mut self, run: i64) -> Result<(), JournalError>;

    /// Removes a run completely, in one transaction.
    fn forget(&mut self, run: i64) -> Result<(), JournalError>;
}

/// What a run is going to send.
pub trait Calls {
    /// Replaces calls of a run that were planned: their bodies, their fields and, where there are any, their
    /// fingerprints. All of them or none.
    fn replace_calls(&mut self, run: i64, calls: &[Call]) -> Result<(), JournalError>;

    /// The first `most` calls of a run for rows after `after` that have no outcome yet, in row order, and
    /// the rows among them whose call is damaged.
    fn calls_left_after(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<CallsLeft, JournalError>;

    /// Records that what is held of a row is damaged: the row has failed.
    fn set_damaged(&self, run: i64, row: u64, why: &Problem) -> Result<(), JournalError>;

    /// The first `most` calls of a run for rows after `after`, in row order, with the state of their rows.
    /// A row for which a request may have been made, and that has no outcome, is unknown.
    fn calls_after(
        &self,
        run: i64,
        after: u64,
        which: Which,
        most: usize,
    ) -> Result<Vec<(u64, KeptCall)>, JournalError>;

    /// The fields that any call of a run changes, by name, with repetitions.
    fn fields_changed(&self, run: i64) -> Result<Vec<String>, JournalError>;
}

/// The outcome of a run's rows.
pub trait Outcomes {
    /// How many of a run's rows from `first` to `last` have an outcome.
    fn recorded(&self, run: i64, first: u64, last: u64) -> Result<u64, JournalError>;

    /// Rows of a run that are in their last state, by state.
    fn states(&self, run: i64) -> Result<StateCounts, JournalError>;

    /// The requests that were made for a run's rows, and when the last outcome was recorded.
    fn traces(&self, run: i64) -> Result<Traces, JournalError>;

    /// The recorded outcomes of a run's rows from `first` to `last`, in row order. One that is
    /// damaged is a failure that says so.
    fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError>;

    /// The rows of a run whose outcome is damaged, and what is wrong with it.
    fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError>;

    /// What was doubtful about a run's rows from `first` to `last`, in row order, where anything was.
    fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, Vec<Problem>)>, JournalError>;

    /// The facts that planning stored about a run's rows from `first` to `last`, in row order. Rows without facts are
    /// omitted.
    fn facts(&self, run: i64, first: u64, last: u64) -> Result<Vec<(u64, RowFacts)>, JournalError>;

    /// The body that a run was to send for a row; empty where there is none.
    fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError>;

    /// The first `most` rows of a run, in row order, that the API does not hold as they stand.
    fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError>;

    /// How many rows of a run did not succeed, by state and code, the most frequent first; and how many
    /// succeeded with a code, of which something is doubtful.
    fn kinds(&self, run: i64) -> Result<Vec<FailureKind>, JournalError>;
}

/// The steps of a run that sends.
pub trait Sending {
    /// Makes an interrupted run ready to continue: its rows that were to be sent and were not are
    /// open again. Returns the requests that were made for its rows.
    fn reopen(&mut self, run: i64) -> Result<u64, JournalError>;

    /// Records that a run sends now, or continues. What it delivers from now on to records that cannot be
    /// read is remembered for `account`.
    fn begin_sending(
        &mut self,
        run: i64,
        account: &str,
        now: Timestamp,
    ) -> Result<(), JournalError>;

    /// Makes what later runs search a run's rows by, now that all of them are planned: in order, and a long
    /// run in slices. That it is there is recorded once the run has ended.
    fn index_own(&mut self, run: i64) -> Result<(), JournalError>;

    /// Makes what later runs search a run by, now that it has come to an end; of its rows, unless
    /// that `is_indexed`.
    fn settle(&mut self, run: i64, now: Timestamp, is_indexed: bool) -> Result<(), JournalError>;
}

/// What earlier runs have done, for those after them.
pub trait History {
    /// The number of occurrences of these keys in each run, by run number.
    fn runs_with_keys(&self, keys: &[i64]) -> Result<BTreeMap<i64, u64>, JournalError>;

    /// The outcome of the row with this key in a run and in those after it with the same target and
    /// address, the newest first: its cells' fingerprint and its state.
    fn history(&self, since: i64, key: i64) -> Result<Vec<PastRow>, JournalError>;

    /// Some of the keys of a run's rows, at most so many, in no order of the file.
    fn some_keys(&self, run: i64, most: u64) -> Result<Vec<i64>, JournalError>;

    /// The rows of a run, in order, whose keys no row of the run `other` has; of rows with the same key, the first.
    fn rows_without(&self, run: i64, other: i64) -> Result<Vec<u64>, JournalError>;

    /// How many rows a run's file had, as far as it was read.
    fn rows_of(&self, run: i64) -> Result<u64, JournalError>;

    /// The rows of a run that are in one of these states, in row order; a row without an outcome
    /// is not sent. A row that was left out because it was not asked for is not among them.
    fn rows_in(&self, run: i64, states: &[RowState]) -> Result<Vec<u64>, JournalError>;

    /// The newest run of this content that ended or is held, by any name, with the same
    /// target and address.
    fn finished_before(
        &self,
        sha256: &str,
        target: &str,
        base_url: &str,
    ) -> Result<Option<RunRecord>, JournalError>;

    /// The rows of a run, in order, whose records the run `undo` updated: it put them back.
    fn restored(&self, run: i64, undo: i64) -> Result<Vec<u64>, JournalError>;

    /// What a run has changed in the record at `path`, which it updated, or may have.
    ///
    /// # Errors
    /// When the journal cannot be read, or what was changed is not there, or cannot be understood.
    fn changes_made(&self, run: i64, path: &str) -> Result<Vec<Change>, JournalError>;

    /// Makes what [`History::changes_made`] searches by, for this connection alone.
    fn index_changes(&self, run: i64) -> Result<(), JournalError>;

    /// Returns what was sent to the record at `path` by `run` and by all runs with its target and address,
    /// the last planned first: what the API accepted, and what it may have accepted. A damaged call is
    /// empty, and its state unknown.
    ///
    /// # Errors
    /// If the journal cannot be read.
    fn deliveries(&self, run: i64, path: &str) -> Result<Vec<PastCall>, JournalError>;

    /// Makes what [`History::deliveries`] searches by, for this connection alone.
    ///
    /// # Errors
    /// If there is no room for it.
    fn index_deliveries(&self, run: i64) -> Result<(), JournalError>;

    /// Builds the index of [`History::deliveries`] under the number `of`, with the requests of all runs with this
    /// target and address. It exists for this connection only. Returns whether there are any.
    ///
    /// # Errors
    /// If there is no room for it.
    fn index_written(&self, of: i64, target: &str, base_url: &str) -> Result<bool, JournalError>;

    /// Makes what runs search by, for those other than `own` that have come to no end and so have not
    /// made it yet. Returns their names: some may be in progress still.
    fn index_rows(&self, own: i64) -> Result<Vec<String>, JournalError>;
}

/// What was last delivered to records that cannot be read.
pub trait Deliveries {
    /// The runs of `account` other than `own` whose deliveries were not taken into account, by number and name, the
    /// oldest first.
    fn unmerged(&self, account: &str, own: i64) -> Result<Vec<(i64, String)>, JournalError>;

    /// Takes account of what a run has delivered, unless that was done before. A long run is gone
    /// through in slices, so that others can write in between.
    fn merge_run(&mut self, run: i64, now: Timestamp) -> Result<(), JournalError>;

    /// Whether anything is known to be delivered for `account`.
    fn has_delivered(&self, account: &str) -> Result<bool, JournalError>;

    /// The fingerprint of what was last delivered to the record at `path`, and when.
    fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(Fingerprint, Timestamp)>, JournalError>;
}

/// What is held of one record, over all runs.
pub trait Dossiers {
    /// The records that were changed and that one of these `keys` leads to, as pairs of a run and a path:
    /// as the end of the path, as what the record was found by, or as a value that was sent.
    fn records_by(&self, keys: &[String]) -> Result<Vec<(i64, String)>, JournalError>;

    /// What these `runs` have sent to the record at `path`, or may have, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read, or what it holds of the record is damaged.
    fn calls_to(&self, runs: &[i64], path: &str) -> Result<Vec<PastCall>, JournalError>;

    /// Removes the values that ended runs hold of the record at `path`: what they changed, sent and said
    /// of it. That they did, and when, stays. Returns how many rows held any.
    ///
    /// The fingerprints of what was last delivered to that path are removed for every account: runs that
    /// are pruned no longer tell theirs, and a record without a fingerprint is only sent again.
    fn forget_values(&mut self, runs: &[i64], path: &str) -> Result<u64, JournalError>;

    /// Removes the id and the problems of rows in ended runs that matched a record with one of these `ids` and had
    /// nothing to send. Returns how many rows had any.
    fn forget_found(
        &mut self,
        runs: &[i64],
        ids: &[String],
    ) -> Result<Vec<(i64, u64)>, JournalError>;

    /// Removes the values of all records from an ended run, in the same way. Returns how many rows had any.
    fn forget_all_values(&mut self, run: i64) -> Result<u64, JournalError>;

    /// The rows whose key has one of these fingerprints, in any state, including rows that changed no record.
    fn rows_by(&self, keys: &[i64]) -> Result<Vec<RowSaid>, JournalError>;

    /// Removes the messages and warnings of these rows from ended runs. Returns how many rows had any.
    fn forget_said(&mut self, rows: &[(i64, u64)]) -> Result<u64, JournalError>;
}

/// Deletion of stored data.
pub trait Forgetting {
    /// Whether a run can be pruned: one that continues by itself cannot.
    fn may_be_forgotten(&self, _run: i64) -> Result<bool, JournalError> {
        Ok(true)
    }

    /// From now on, deleted data is overwritten.
    fn forget_for_good(&self) -> Result<(), JournalError>;

    /// Forgets what was delivered before `moment`, and what belongs to no run any more.
    fn forget_delivered(&mut self, moment: Timestamp) -> Result<(), JournalError>;

    /// Gives the room of what was forgotten back, where nobody is at work (`alone`).
    fn give_room_back(&self, alone: bool) -> Result<(), JournalError>;
}

/// The files themselves, where those who share the journal do not share a folder.
pub trait Rosters {
    /// Keeps a file by the SHA-256 of its content, in hexadecimal, where it is not kept yet.
    fn keep_roster(
        &self,
        _sha256: &str,
        _content: &mut (dyn FnMut() -> std::io::Result<Vec<u8>> + Send),
    ) -> Result<(), JournalError> {
        Ok(())
    }

    /// A file that was kept.
    fn roster(&self, _sha256: &str) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(None)
    }

    /// Removes a file, unless a run of this content has not ended or waits in the queue. Returns whether there was
    /// one.
    fn forget_roster(&self, _sha256: &str) -> Result<bool, JournalError> {
        Ok(false)
    }
}

/// The files that were dropped into inboxes.
pub trait Arrivals {
    /// Records the fate of a file. Of a file that is known the time of its arrival is kept.
    fn record_arrival(&self, arrival: &Arrival) -> Result<(), JournalError>;

    /// The files that arrived at `since` or later, the newest first.
    fn arrivals(&self, since: Timestamp) -> Result<Vec<Arrival>, JournalError>;

    /// Forgets one file, which is not there any more.
    fn forget_arrival(&self, arrival: &Arrival) -> Result<(), JournalError>;

    /// Forgets the files that arrived before a moment.
    fn forget_arrivals(&self, before: Timestamp) -> Result<(), JournalError>;
}

/// How long stored responses of a run that was not continued are valid. Later, its records are read again.
pub const ANSWERS_STAND: Duration = Duration::from_secs(24 * 3600);

/// What an API has answered to the look-ups of a run that is planned a slice at a time, so that no later
/// slice asks it again. A run that is planned by one process keeps none.
pub trait Answers {
    /// Keeps answers, each by the number of its question, and counts the requests that were made meanwhile.
    fn keep_answers(
        &self,
        _run: i64,
        _answers: &[(i64, &str)],
        _requests: u64,
    ) -> Result<(), JournalError> {
        Ok(())
    }

    /// The numbers of the questions whose answers are kept; they are forgotten where none was added for
    /// [`ANSWERS_STAND`].
    fn questions(&self, _run: i64) -> Result<Vec<i64>, JournalError> {
        Ok(Vec::new())
    }

    /// The answer to a question, if it is kept.
    fn answer(&self, _run: i64, _question: i64) -> Result<Option<String>, JournalError> {
        Ok(None)
    }

    /// Forgets the answers that are kept for a run.
    fn forget_answers(&self, _run: i64) -> Result<(), JournalError> {
        Ok(())
    }
}

/// How a run's entries are written: by one thread, many in a commit.
pub trait Recording {
    /// Says what is written from now on, and so how much of it may be lost when the power fails: what is
    /// planned can be planned again.
    fn begin_writing(&mut self, run: i64, stage: Stage);

    /// Writes entries in one commit: all of them, or none.
    ///
    /// # Errors
    /// When they cannot be written, or the journal is no longer this process's to write to.
    fn write(
        &mut self,
        place: &mut Place,
        entries: &mut dyn Iterator<Item = &Entry>,
    ) -> Result<(), Refusal>;

    /// The next commit takes all that were made before it to the disk.
    fn end_writing(&mut self);

    /// For how long after a commit the journal is this process's without asking again; none where it
    /// always is.
    fn lease(&self) -> Option<Duration> {
        None
    }
}
