//! What happens in a run, as it happens, for its observers. Events come from one place and in
//! order; watching cannot fail a run.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::l10n::Message;
use crate::model::{
    Code, Declared, Fact, FileFormat, KnownBefore, Problem, Relisted, RowState, StateCounts,
    Summary,
};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// The file was read, and all of it is to be checked.
    Reading {
        /// The file.
        file: String,
        /// Its encoding and delimiter.
        dialect: String,
        /// The same without the name of a sheet.
        format: FileFormat,
        /// Its columns.
        columns: usize,
        /// Headers that are not fields, and are ignored. For the person who watches, and for no log: where
        /// a file has no header, they are its first row.
        unknown: Vec<String>,
        /// The positions of those columns, from 1.
        unknown_at: Vec<usize>,
        /// Whether the file has the columns of an earlier run's results.
        of_results: bool,
    },
    /// Columns that are not imported and may have been meant to be.
    Unmapped(Vec<UnmappedColumn>),
    /// Rows about protected persons are withheld: their spreadsheet row numbers.
    Withheld(Vec<u64>),
    /// Some of the file was read and checked.
    Read {
        /// Bytes so far.
        done: u64,
        /// Bytes in total; `done` can slightly exceed it, because decoded text can be longer than the file.
        of: u64,
    },
    /// Records were read.
    LookedUp {
        /// Rows, or records where all are listed, so far.
        done: u64,
        /// Rows or records in total, if known.
        of: u64,
    },
    /// All rows are checked; this is what is to be done.
    Planned(Box<Plan>),
    /// Sending begins.
    Started {
        /// The run's name.
        run: String,
        /// How far it has come before, and what is left of it.
        progress: Box<Progress>,
    },
    /// How far the run has come; about once a second.
    Progress(Box<Progress>),
    /// A row reached its state.
    RowDone {
        /// Row number.
        row: u64,
        /// The spreadsheet row number.
        line: u64,
        /// The state.
        state: RowState,
        /// Whether anything was sent for it.
        sent: bool,
    },
    /// A request is made again.
    Retrying {
        /// Row number; none of a look-up.
        row: Option<u64>,
        /// The spreadsheet row number.
        line: Option<u64>,
        /// Requests made for it so far.
        attempt: u32,
        /// How long to wait first.
        wait: Duration,
        /// Why.
        why: Attempt,
    },
    /// Nothing is sent until a moment that the API set.
    Waiting {
        /// The time.
        until: Timestamp,
        /// The time until then.
        wait: Duration,
        /// The status with which it did.
        status: u16,
    },
    /// No new row is sent until somebody says so, or they are sent again.
    Paused {
        /// Which of the two.
        is_paused: bool,
    },
    /// No new row is sent; those in progress may finish.
    Stopping {
        /// Why, for the person who watches.
        why: String,
        /// The same for logs.
        fact: Fact,
    },
    /// A plan that is only looked at is made, or could not be.
    Looked,
    /// The run ended.
    Finished(Box<Summary>),
    /// Sending had begun, and the run could not be brought to an end; an error says why.
    BrokeOff,
}

/// What came back for a request that is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// An answer with this HTTP status.
    Answered(u16),
    /// None, for this reason.
    Unanswered(Code),
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Attempt::Answered(status) => write!(f, "HTTP {status}"),
            Attempt::Unanswered(code) => code.fmt(f),
        }
    }
}

/// How far a run has come, from its first beginning, and what is left of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Rows that are in their last state.
    pub done: u64,
    /// Rows in the file.
    pub rows: u64,
    /// Rows that were sent.
    pub sent: u64,
    /// Rows to be sent, these included.
    pub to_send: u64,
    /// Rows in a final state, by state.
    pub states: StateCounts,
    /// When the rest will be done; none where nothing tells it yet.
    pub finish: Option<Timestamp>,
    /// The quota in force, such as `1500/h`.
    pub rate: String,
    /// Whether that is the target's own and a guess.
    pub rate_is_guess: bool,
    /// What the next request waits for.
    pub waiting_for: Option<WaitingFor>,
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// The quota.
    Quota,
    /// A moment that the API named.
    RetryAfter,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What an import would do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The target's title.
    pub target: String,
    /// The address that requests go to.
    pub base_url: String,
    /// The address that receives the client secret, if it is on another host.
    #[serde(default)]
    pub token_url: Option<String>,
    /// Rows in the file.
    pub rows: u64,
    /// Rows of nothing but delimiters, which count as no rows.
    pub empty_rows: u64,
    /// Rows that a workbook hides.
    pub hidden_rows: u64,
    /// Whether these were left out.
    pub skips_hidden: bool,
    /// Rows that do not pass the checks, or whose record was not found.
    pub invalid: u64,
    /// Rows whose record holds what they say.
    pub unchanged: u64,
    /// Rows that are left out: another has the same key, or they were not asked for.
    pub left_out: u64,
    /// Requests that are to be made.
    pub to_send: u64,
    /// Of these, those that are made again because it is not remembered what the record holds. They do
    /// not count as changes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resent: u64,
    /// Row numbers of the rows to send that turn one person into another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_rows: Vec<u64>,
    /// Row numbers of the rows that give a person another identity number and wait for an approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renumber_rows: Vec<u64>,
    /// How many rows give a person another identity number, approved rows included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub renumbered: u64,
    /// The persons of the first of all these rows, approved rows included. Personal data, like the examples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<PersonChange>,
    /// How many more of these rows there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_persons: u64,
    /// Whether the values were delivered before the undone run and not read from the API.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub are_last_delivered: bool,
    /// Rows that need no request, by state.
    pub settled: StateCounts,
    /// How the records were read; empty where they cannot be.
    pub how: Message,
    /// What was taken from the snapshot of an earlier run, if anything was: the age of the plan's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownBefore>,
    /// Why all records were listed although there was a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relisted: Option<Relisted>,
    /// Requests that were made to read them.
    pub lookups: u64,
    /// How often each field is to be changed, by name.
    pub fields: Vec<(String, u64)>,
    /// What the user calls those that have a column: its header.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// The first few changes. Personal data: for the person who is asked, and for no log.
    pub examples: Vec<ExampleChange>,
    /// Fields that were changed since they were last written, by policy.
    #[serde(default)]
    pub conflicts: ConflictCounts,
    /// The first few of them. Personal data, like the examples.
    #[serde(default)]
    pub conflict_examples: Vec<FoundConflict>,
    /// What is wrong with the first few invalid rows. Personal data, like the examples.
    pub problems: Vec<RowProblems>,
    /// Requests that read a record right before each change of it, where its version is sent along.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reads_before: u64,
    /// Requests that can be made at once, as the bucket is.
    pub at_once: u64,
    /// Seconds that it takes at the quota, from the bucket as it is.
    pub estimate_s: f64,
    /// When that is.
    pub estimated_finish: Option<Timestamp>,
    /// The quota, such as `1500/h`.
    pub rate: String,
    /// Whether it is the target's own, and a guess.
    #[serde(default)]
    pub rate_is_guess: bool,
    /// Values restored because a spreadsheet had changed them, by code.
    pub repairs: Vec<(String, u64)>,
    /// Doubtful values, by code.
    pub doubts: Vec<(String, u64)>,
    /// An example of each kind of them, in words.
    #[serde(default)]
    pub noticed: Vec<ExampleFinding>,
    /// How the rows differ from those of the last roster, if one was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<SinceLast>,
    /// Whether its rows are recorded as they are sent, and may not all be there yet.
    #[serde(default)]
    pub is_ahead: bool,
}

impl Plan {
    /// The requests that so many changes take.
    pub fn requests_for(&self, changes: u64) -> u64 {
        changes.saturating_mul(self.reads_before.saturating_add(1))
    }
}

/// How the rows of a roster differ from those of the last one, by their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinceLast {
    /// The run of the last one.
    pub run: String,
    /// When it began.
    pub at: jiff::Timestamp,
    /// Rows that the last one did not have.
    pub new: u64,
    /// Rows of the last one that are missing now.
    pub missing: u64,
}

/// A column that is not imported, and the field that it looks like.
#[derive(Debug, Clone)]
pub struct UnmappedColumn {
    /// Its position, from 1.
    pub at: usize,
    /// Its header, for the person who watches, and for no log.
    pub header: Option<String>,
    /// The field.
    pub field: Declared,
}

/// The change of a record's person by a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Another person.
    #[default]
    Person,
    /// The same person under another identity number, by a field that identifies the person.
    Number,
    /// The same, by name and date of birth only.
    Proposal,
}

/// A row that turns one person into another, or gives one another number. Personal data, like the examples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonChange {
    /// The row number.
    pub row: u64,
    /// The spreadsheet row number.
    pub line: u64,
    /// The person of the record: names, date of birth and number.
    pub from: String,
    /// The person of the roster.
    pub to: String,
    /// The kind of change.
    #[serde(default)]
    pub turn: Turn,
}

impl Plan {
    /// Row numbers of the rows that require individual approval, in order.
    pub fn rows_to_approve(&self) -> Vec<u64> {
        let mut rows = [&self.identity_rows[..], &self.renumber_rows].concat();
        rows.sort_unstable();
        rows
    }
}

/// The problems of a row that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblems {
    /// The spreadsheet row number.
    pub line: u64,
    /// All its problems.
    pub problems: Vec<Problem>,
}

/// One of the changes that a plan shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExampleChange {
    /// The spreadsheet row number.
    #[serde(default)]
    pub line: u64,
    /// The column's header.
    #[serde(default)]
    pub column: String,
    /// What the record holds, as the user would write it; nothing where it could not be read.
    #[serde(default)]
    pub from: Option<String>,
    /// What it is to hold.
    #[serde(default)]
    pub to: String,
}

/// Conflicts by what is done about them. A conflict is a field whose value is neither the last written one nor the
/// roster's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictCounts {
    /// The roster's value overwrites them.
    pub overwritten: u64,
    /// They keep their value.
    pub kept: u64,
    /// A person decides.
    pub asked: u64,
}

impl ConflictCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.overwritten + self.kept + self.asked
    }
}

/// A conflict, with its values as the user would write them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundConflict {
    /// The number of the row.
    pub row: u64,
    /// The spreadsheet row number.
    pub line: u64,
    /// The column's header.
    pub column: String,
    /// The field's name.
    pub field: String,
    /// What was last written to it.
    pub written: String,
    /// What it holds.
    pub current: String,
    /// The roster's value.
    pub roster: String,
}

/// One of the restored or doubtful values of a kind. Personal data, like the examples.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExampleFinding {
    /// The code of the finding.
    pub code: String,
    /// How many values have it.
    pub count: u64,
    /// The spreadsheet row number.
    pub line: u64,
    /// The column's header.
    pub column: String,
    /// What was found.
    pub message: Message,
}

/// Observes a run.
pub trait Observer: Send + Sync {
    /// Takes note of `event`.
    fn on_event(&self, event: &RunEvent);
}

/// Observes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on_event(&self, _event: &RunEvent) {}
}
