//! Events of a run, delivered to its observers in order. An observer cannot fail a run.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::l10n::Message;
use crate::model::{
    Code, Declared, Fact, FileFormat, KnownBefore, Problem, Relisted, RowState, StateCounts,
    Summary,
};

/// An event of a run.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// The file was opened, and checking of its rows begins.
    Reading {
        /// The file.
        file: String,
        /// The file's encoding and delimiter, or the sheet of a workbook.
        dialect: String,
        /// The file's format, without the name of a sheet.
        format: FileFormat,
        /// The number of columns.
        columns: usize,
        /// Headers that match no field; their columns are ignored. Shown to the user and not logged: if a
        /// file lacks a header row, its first row is taken for the headers.
        unknown: Vec<String>,
        /// The positions of the columns in `unknown`, from 1.
        unknown_at: Vec<usize>,
        /// Whether the file has the columns of an earlier run's results.
        of_results: bool,
    },
    /// Columns that are not imported but resemble a field.
    Unmapped(Vec<UnmappedColumn>),
    /// The spreadsheet row numbers of the rows about protected persons, which are withheld.
    Withheld(Vec<u64>),
    /// A part of the file was read and checked.
    Read {
        /// Bytes so far.
        done: u64,
        /// Bytes in total; `done` can slightly exceed it, because decoded text can be longer than the file.
        of: u64,
    },
    /// Records were read from the API.
    LookedUp {
        /// Rows so far; records if the API lists all of them.
        done: u64,
        /// Rows or records in total, if known.
        of: u64,
    },
    /// All rows are checked and the plan is complete.
    Planned(Box<Plan>),
    /// Sending begins.
    Started {
        /// The run's name.
        run: String,
        /// The progress of earlier attempts, and the remaining rows.
        progress: Box<Progress>,
    },
    /// The current progress; sent about once a second.
    Progress(Box<Progress>),
    /// A row reached its final state.
    RowDone {
        /// The row number.
        row: u64,
        /// The spreadsheet row number.
        line: u64,
        /// The final state.
        state: RowState,
        /// Whether a request was sent for the row.
        sent: bool,
    },
    /// A request is about to be retried.
    Retrying {
        /// The row number; none for a look-up.
        row: Option<u64>,
        /// The spreadsheet row number.
        line: Option<u64>,
        /// The number of requests so far.
        attempt: u32,
        /// The backoff before the retry.
        wait: Duration,
        /// The cause of the retry.
        why: Attempt,
    },
    /// Sending waits until a time that the API requested.
    Waiting {
        /// The end of the wait.
        until: Timestamp,
        /// The time until then.
        wait: Duration,
        /// The HTTP status of the response that requested the wait.
        status: u16,
    },
    /// The user paused or resumed the sending of new rows.
    Paused {
        /// Whether sending is now paused.
        is_paused: bool,
    },
    /// No further rows are sent; requests in flight may complete.
    Stopping {
        /// The reason, for the user.
        why: Message,
        /// The reason, for logs.
        fact: Fact,
    },
    /// A plan of a dry run is complete, or planning failed.
    DryRunEnded,
    /// The run ended.
    Finished(Box<Summary>),
    /// The run failed after sending had begun; an error states the reason.
    BrokeOff,
}

/// The result of a request that is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// A response with this HTTP status.
    Answered(u16),
    /// No response, for this reason.
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

/// The progress of a run since it was first started, and its remaining work.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Rows in a final state.
    pub done: u64,
    /// Rows in the file.
    pub rows: u64,
    /// Rows that were sent.
    pub sent: u64,
    /// Rows to be sent, including those already sent.
    pub to_send: u64,
    /// Rows in a final state, by state.
    pub states: StateCounts,
    /// Whether the run is an undo, which restores rows.
    pub is_undo: bool,
    /// The estimated time of completion, if known.
    pub finish: Option<Timestamp>,
    /// The rate limit in force, such as `1500/h`.
    pub rate: String,
    /// Whether the rate limit is an estimate in the target file.
    pub rate_is_guess: bool,
    /// What the next request waits for, if it waits.
    pub waiting_for: Option<WaitingFor>,
}

/// The reason why a request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// The rate limit.
    Quota,
    /// A time that the API requested (`Retry-After`).
    RetryAfter,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The plan of an import.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The target's title.
    pub target: String,
    /// The address that requests are sent to.
    pub base_url: String,
    /// The address that receives the client secret, if it is on another host.
    #[serde(default)]
    pub token_url: Option<String>,
    /// Rows in the file.
    pub rows: u64,
    /// Rows that contain only delimiters. They do not count as rows.
    pub empty_rows: u64,
    /// Rows that the workbook hides.
    pub hidden_rows: u64,
    /// Whether the hidden rows are excluded.
    pub skips_hidden: bool,
    /// Rows that fail the checks or whose record was not found.
    pub invalid: u64,
    /// Rows whose record already holds the row's values.
    pub unchanged: u64,
    /// Rows that are excluded because another row has the same key or because they were not selected.
    pub left_out: u64,
    /// Update requests to send.
    pub to_send: u64,
    /// Of `to_send`, the requests that are repeated because the record's current values are unknown. They do
    /// not count as changes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resent: u64,
    /// The row numbers of rows to send that would replace one person with another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_rows: Vec<u64>,
    /// The row numbers of rows that change a person's identity number and wait for approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renumber_rows: Vec<u64>,
    /// The number of rows that change a person's identity number, approved rows included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub renumbered: u64,
    /// The persons of the first rows of both kinds, approved rows included. Personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<PersonChange>,
    /// The number of further rows of both kinds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_persons: u64,
    /// Whether the current values are those delivered before the undone run, instead of values read from the
    /// API.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub are_last_delivered: bool,
    /// Rows that need no request, by state.
    pub settled: StateCounts,
    /// How the records were read; empty if the API does not return records.
    pub how: Message,
    /// What was taken from the snapshot of an earlier run, and its age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownBefore>,
    /// Why all records were listed although a snapshot exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relisted: Option<Relisted>,
    /// Requests that read records.
    pub lookups: u64,
    /// The number of changes of each field, by the field's name.
    pub fields: Vec<(String, u64)>,
    /// The headers of the fields that have a column, by the field's name.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// The first changes. Personal data: shown to the user and not logged.
    pub examples: Vec<ExampleChange>,
    /// Conflicts: fields whose value changed since rosterpatch last wrote them, by policy.
    #[serde(default)]
    pub conflicts: ConflictCounts,
    /// The first conflicts. Personal data.
    #[serde(default)]
    pub conflict_examples: Vec<FoundConflict>,
    /// The problems of the first invalid rows. Personal data.
    pub problems: Vec<RowProblems>,
    /// Reads before each change. They fetch the record's version, which the change sends along.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reads_before: u64,
    /// Requests that the rate limit allows immediately.
    pub at_once: u64,
    /// The estimated duration in seconds at the rate limit.
    pub estimate_s: f64,
    /// The estimated time of completion.
    pub estimated_finish: Option<Timestamp>,
    /// The rate limit, such as `1500/h`.
    pub rate: String,
    /// Whether the rate limit is an estimate in the target file.
    #[serde(default)]
    pub rate_is_guess: bool,
    /// Values that a spreadsheet had changed and that were restored, by code.
    pub repairs: Vec<(String, u64)>,
    /// Doubtful values, by code.
    pub doubts: Vec<(String, u64)>,
    /// An example of each restored or doubtful value, by code.
    #[serde(default)]
    pub noticed: Vec<ExampleFinding>,
    /// How the rows differ from those of the last roster, if one was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<SinceLast>,
    /// Whether sending starts before planning is complete. Rows are then recorded as they are sent.
    #[serde(default)]
    pub is_ahead: bool,
}

impl Plan {
    /// The number of requests that `changes` changes require, reads included.
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

/// A column that is not imported, and the field that it resembles.
#[derive(Debug, Clone)]
pub struct UnmappedColumn {
    /// The column's position, from 1.
    pub at: usize,
    /// The column's header. Shown to the user and not logged.
    pub header: Option<String>,
    /// The field.
    pub field: Declared,
}

/// The way in which a row changes the person of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The row replaces the person with another.
    #[default]
    Person,
    /// The same person with another identity number, recognized by a field that identifies the person.
    Number,
    /// The same person with another identity number, recognized only by name and date of birth.
    Proposal,
}

/// A row that replaces a person or changes an identity number. Personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonChange {
    /// The row number.
    pub row: u64,
    /// The spreadsheet row number.
    pub line: u64,
    /// The person in the record: names, date of birth and identity number.
    pub from: String,
    /// The person in the roster.
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

/// An invalid row that a plan shows, with its problems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblems {
    /// The spreadsheet row number.
    pub line: u64,
    /// The row's problems.
    pub problems: Vec<Problem>,
}

/// A change that a plan shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExampleChange {
    /// The spreadsheet row number.
    #[serde(default)]
    pub line: u64,
    /// The column's header.
    #[serde(default)]
    pub column: String,
    /// The record's current value, formatted as in the roster; none if it could not be read.
    #[serde(default)]
    pub from: Option<String>,
    /// The new value.
    #[serde(default)]
    pub to: String,
}

/// Conflicts, by resolution. A conflict is a field whose value is neither the last written value nor the
/// roster's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictCounts {
    /// The roster's value overwrites the current value.
    pub overwritten: u64,
    /// The current value is kept.
    pub kept: u64,
    /// The user decides.
    pub asked: u64,
}

impl ConflictCounts {
    /// The number of all conflicts.
    pub fn total(&self) -> u64 {
        self.overwritten + self.kept + self.asked
    }
}

/// A conflict, with its values formatted as in the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundConflict {
    /// The row number.
    pub row: u64,
    /// The spreadsheet row number.
    pub line: u64,
    /// The column's header.
    pub column: String,
    /// The field's name.
    pub field: String,
    /// The value that rosterpatch last wrote.
    pub written: String,
    /// The current value.
    pub current: String,
    /// The roster's value.
    pub roster: String,
}

/// An example of a restored or doubtful value. Personal data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExampleFinding {
    /// The code of the finding.
    pub code: String,
    /// The number of values with this code.
    pub count: u64,
    /// The spreadsheet row number.
    pub line: u64,
    /// The column's header.
    pub column: String,
    /// The finding, for the user.
    pub message: Message,
}

/// Observes the events of a run.
pub trait Observer: Send + Sync {
    /// Handles `event`.
    fn on_event(&self, event: &RunEvent);
}

/// An observer that ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on_event(&self, _event: &RunEvent) {}
}
