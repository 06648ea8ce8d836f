//! Records describe runs, rows and changes as the journal stores them.

use jiff::Timestamp;

use super::run_state::RunState;
use crate::model::{Call, Held, Pending, Problem, RowAt, RowState};

/// A run at its start.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The name, unique in the journal.
    pub name: String,
    /// The command that starts the run.
    pub command: &'static str,
    /// The name of the target.
    pub target: String,
    /// The base URL of the requests.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// The settings for resuming the run, as JSON, without secrets.
    pub settings: String,
    /// The start time.
    pub started_at: Timestamp,
    /// The number in the queue, if the run was queued.
    pub queued: Option<i64>,
}

/// A recorded run.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// The number in the journal.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The command that started the run.
    pub command: String,
    /// The state.
    pub state: RunState,
    /// The name of the target.
    pub target: String,
    /// The base URL of the requests.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// The settings, as JSON.
    pub settings: String,
    /// The start time.
    pub started_at: Timestamp,
    /// The end time, if the run has ended.
    pub finished_at: Option<Timestamp>,
    /// The figures, as JSON, if the run has ended.
    pub summary: Option<String>,
    /// Why a guard held the run, if one did.
    pub held: Option<Held>,
}

/// A row of an earlier run and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRow {
    /// The number of the run; later runs have higher numbers.
    pub run: i64,
    /// The fingerprint of the cells.
    pub cells: Vec<u8>,
    /// The state; `None` if the row is open.
    pub state: Option<RowState>,
    /// The code of the problem.
    pub error_code: String,
    /// The problems of the row.
    pub problems: Vec<Problem>,
}

/// A call that a run sent, or may have sent, to a record.
#[derive(Debug, Clone)]
pub struct PastCall {
    /// The number of the run.
    pub run: i64,
    /// The call.
    pub call: Call,
    /// Updated, or unknown if no response was received.
    pub state: RowState,
    /// When the outcome was recorded, if it was.
    pub at: Option<Timestamp>,
}

/// The stored data about one row of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSaid {
    /// The number of the run.
    pub run: i64,
    /// The position of the row.
    pub at: RowAt,
    /// The state, if the row has one.
    pub state: Option<RowState>,
    /// The code of the problem.
    pub error_code: String,
    /// The problems and warnings.
    pub problems: Vec<Problem>,
}

/// The counts that a run's rows give, even if its process died.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traces {
    /// The number of requests for its rows.
    pub requests: u64,
    /// The number of requests after a row's first.
    pub retries: u64,
    /// When the last outcome was recorded.
    pub last: Option<Timestamp>,
}

/// A group of unsuccessful rows with the same state and code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureKind {
    /// The state.
    pub state: RowState,
    /// The code.
    pub code: String,
    /// The number of rows.
    pub rows: u64,
}

/// The result of a prune.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The number of deleted runs.
    pub forgotten: usize,
    /// The number of old runs that are in use.
    pub left: usize,
    /// The number of runs with damaged records, whose age is unknown.
    pub damaged: usize,
}

/// A selection of a run's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All calls.
    All,
    /// Calls that changed, or may have changed, a record that was read.
    Changed,
}

/// A call with the state of its row, or the reason why it is damaged.
pub type KeptCall = Result<(Call, Option<RowState>), String>;

/// Calls, and the rows whose call is damaged with the reasons.
pub type CallsLeft = (Vec<Pending>, Vec<(u64, String)>);
