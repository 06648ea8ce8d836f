//! Records describe runs, rows and changes as the journal stores them.

use jiff::Timestamp;

use super::run_state::RunState;
use crate::model::{Call, Held, Pending, Problem, RowAt, RowState};

/// A run as it begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its name, unique in the journal.
    pub name: String,
    /// The command that makes it.
    pub command: &'static str,
    /// The target's name.
    pub target: String,
    /// The address that requests go to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How it was requested, as JSON: what continuing it needs. Holds no secret.
    pub settings: String,
    /// When it begins.
    pub started_at: Timestamp,
    /// Its number in the queue, if it waited there.
    pub queued: Option<i64>,
}

/// A run as the journal knows it.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number in the journal.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The command that made it.
    pub command: String,
    /// How far it has come.
    pub state: RunState,
    /// The target's name.
    pub target: String,
    /// The address that requests went to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How it was requested, as JSON.
    pub settings: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub finished_at: Option<Timestamp>,
    /// Its figures, as JSON, once it has ended.
    pub summary: Option<String>,
    /// Why a guard held it, if one did.
    pub held: Option<Held>,
}

/// What a row said in an earlier run, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRow {
    /// The run's number: the later, the higher.
    pub run: i64,
    /// A fingerprint of its cells.
    pub cells: Vec<u8>,
    /// Its state; none where it was open still.
    pub state: Option<RowState>,
    /// The code of its problem.
    pub error_code: String,
    /// What was wrong with it.
    pub problems: Vec<Problem>,
}

/// What a run sent to one record, or may have sent.
#[derive(Debug, Clone)]
pub struct PastCall {
    /// The run's number.
    pub run: i64,
    /// The call.
    pub call: Call,
    /// Updated, or unknown where no answer was seen.
    pub state: RowState,
    /// When its outcome was recorded; none where it was not.
    pub at: Option<Timestamp>,
}

/// The record of one row in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSaid {
    /// The run's number.
    pub run: i64,
    /// The position of the row.
    pub at: RowAt,
    /// Its state; none where it has none yet.
    pub state: Option<RowState>,
    /// The code of its problem.
    pub error_code: String,
    /// Its problems and its warnings.
    pub problems: Vec<Problem>,
}

/// The call of a row of which what was sent cannot be read.
pub(super) fn unreadable(row: u64) -> Call {
    Call {
        at: RowAt {
            row,
            ..RowAt::default()
        },
        key: String::new(),
        path: String::new(),
        body: Vec::new(),
        changed: String::new(),
        changes: Vec::new(),
        fingerprint: None,
        note: Vec::new(),
    }
}

/// What a run's rows tell of it, whatever became of its process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traces {
    /// Requests that were made for its rows.
    pub requests: u64,
    /// Requests beyond a row's first.
    pub retries: u64,
    /// When the last outcome was recorded.
    pub last: Option<Timestamp>,
}

/// Rows of a run that did not succeed in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureKind {
    /// Their state.
    pub state: RowState,
    /// Their code.
    pub code: String,
    /// How many there are.
    pub rows: u64,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that are gone.
    pub forgotten: usize,
    /// Runs that are old enough, and that somebody is working on.
    pub left: usize,
    /// Runs whose record is damaged, so that nobody can tell how old they are.
    pub damaged: usize,
}

/// Which of a run's calls are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that changed a record which was read, as far as is known.
    Changed,
}

/// A call and the state of its row, or what is damaged of what is held of them.
pub type KeptCall = Result<(Call, Option<RowState>), String>;

/// Calls, and rows whose call is damaged.
pub type CallsLeft = (Vec<Pending>, Vec<(u64, String)>);
