//! The summary holds the figures of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Code, Exit, FileFormat, Held, RowState};
use crate::l10n::{Message, number, rows, say};

/// How many rows are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCounts {
    /// Rows that the API accepted.
    pub updated: u64,
    /// Rows whose record held these values already.
    pub unchanged: u64,
    /// Rows that did not pass the checks.
    pub invalid: u64,
    /// Rows that the API refused.
    pub rejected: u64,
    /// Rows that could not be delivered.
    pub failed: u64,
    /// Rows that were not attempted.
    pub not_sent: u64,
    /// Rows about protected persons, which are not sent.
    #[serde(default)]
    pub withheld: u64,
}

impl StateCounts {
    /// Counts `rows` more rows in `state`. A row whose answer was never seen counts as failed: it
    /// is not known to have arrived.
    pub fn add(&mut self, state: RowState, rows: u64) {
        match state {
            RowState::Updated => self.updated += rows,
            RowState::Unchanged => self.unchanged += rows,
            RowState::Invalid => self.invalid += rows,
            RowState::Rejected => self.rejected += rows,
            RowState::Failed | RowState::Unknown => self.failed += rows,
            RowState::NotSent => self.not_sent += rows,
            RowState::Withheld => self.withheld += rows,
        }
    }

    /// The sum of all states: the rows of the file.
    pub fn total(&self) -> u64 {
        self.each().into_iter().map(|(_, count)| count).sum()
    }

    /// Rows that an administrator has to look at.
    pub fn unsuccessful(&self) -> u64 {
        self.invalid + self.rejected + self.failed
    }

    /// The exit code of a run that went through all of its rows.
    pub fn exit(&self) -> Exit {
        match self.unsuccessful() {
            0 => Exit::Success,
            _ => Exit::RowsFailed,
        }
    }

    /// The states that any row is in, with their counts, for a person.
    pub fn in_words(&self) -> String {
        let counts: Vec<String> = self.phrases().into_iter().map(|(_, text)| text).collect();
        if counts.is_empty() {
            return rows(0);
        }
        counts.join(", ")
    }

    /// The states that any row is in, each with its count in words.
    pub fn phrases(&self) -> Vec<(RowState, String)> {
        let some = self.each().into_iter().filter(|(_, count)| *count > 0);
        some.map(|(state, count)| (state, format!("{} {}", number(count), word(state, count))))
            .collect()
    }

    /// Each state and its count, in the summary's order.
    pub fn each(&self) -> [(RowState, u64); 7] {
        [
            (RowState::Updated, self.updated),
            (RowState::Unchanged, self.unchanged),
            (RowState::Invalid, self.invalid),
            (RowState::Rejected, self.rejected),
            (RowState::Failed, self.failed),
            (RowState::NotSent, self.not_sent),
            (RowState::Withheld, self.withheld),
        ]
    }
}

/// What so many rows in a state are called, without their number.
pub fn word(state: RowState, count: u64) -> String {
    match state {
        RowState::Updated => say().state_updated(count),
        RowState::Unchanged => say().state_unchanged(count),
        RowState::Invalid => say().state_invalid(count),
        RowState::Rejected => say().state_rejected(count),
        RowState::Failed | RowState::Unknown => say().state_failed(count),
        RowState::NotSent => say().state_not_sent(count),
        RowState::Withheld => say().state_withheld(count),
    }
}

/// What a plan took from the snapshot of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBefore {
    /// When all records were listed, by the clock of the API.
    pub listed_at: Timestamp,
    /// When the changes since then were read, by the clock of the API.
    pub read_at: Timestamp,
    /// How many records there are.
    pub records: u64,
    /// Records that were created or changed since the changes were read before.
    pub changed: u64,
    /// Records that were deleted since.
    pub deleted: u64,
    /// Other records that were read and compared with the snapshot.
    pub compared: u64,
    /// Records that were read because their rows differ, or because an earlier run may have changed them.
    pub read: u64,
}

/// Why all records were listed although there was a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relisted {
    /// The reason.
    pub why: Message,
}

/// Why a run ended before its last row: a code for scripts, and a message for the reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// The code.
    pub code: Code,
    /// The message, without text from the API except its code.
    pub message: Message,
}

/// A run's figures, as `--format json` prints them. The names are a promise to scripts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's name; empty for commands that record no run.
    pub run: String,
    /// The target's name.
    pub target: String,
    /// The address that requests went to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input's bytes, in hexadecimal.
    pub sha256: String,
    /// How the input is written: its encoding and delimiter, or its kind of workbook.
    pub dialect: String,
    /// The sheet of a workbook. For the user alone: it may be called like a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Columns in the input.
    pub columns: usize,
    /// Rows in the input: the sum of the seven states.
    pub rows: u64,
    /// The seven states.
    #[serde(flatten)]
    pub states: StateCounts,
    /// All requests made, look-ups and retries included.
    pub requests: u64,
    /// Requests that only read.
    pub lookups: u64,
    /// Requests beyond a row's first.
    pub retries: u64,
    /// Answers that said to slow down (429).
    pub throttled: u64,
    /// When the run began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Seconds between the two in which it was worked on.
    pub duration_s: f64,
    /// Seconds between the two in which a guard held it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_s: f64,
    /// Seconds between the two in which it was interrupted and no process worked on it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle_s: f64,
    /// The results file, if one was written.
    pub results: Option<PathBuf>,
    /// The file of rows that did not succeed, if there were any.
    pub failed_rows: Option<PathBuf>,
    /// The HTML report, if one was written.
    pub report: Option<PathBuf>,
    /// The file of what was replaced, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<PathBuf>,
    /// The file of rows whose record was not found, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_rows: Option<PathBuf>,
    /// Doubtful values that the checks found; in a row that is valid they are sent as they stand.
    #[serde(default)]
    pub warnings: u64,
    /// Rows that the API rejected for a field that only some accounts may change.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub field_refused: u64,
    /// Conflicts: fields that were changed since they were last written.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub conflicts: u64,
    /// The conflicts whose fields kept their values.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub conflicts_kept: u64,
    /// Why a guard holds the run, if one does.
    #[serde(default)]
    pub held: Option<String>,
    /// Which guard that is, with its figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Held>,
    /// Rows that would turn one person into another and are not approved.
    #[serde(default)]
    pub identity_changes: u64,
    /// Rows that give a person another identity number, sent or waiting for an approval.
    #[serde(default)]
    pub renumbered: u64,
    /// Why the run ended before its last row, if it did and no guard holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stopped>,
    /// `plan` only: how often each field would be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeMap<String, u64>>,
    /// `plan` only: requests that an import would send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_send: Option<u64>,
    /// `plan` only: seconds that an import would take at the quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_s: Option<f64>,
    /// `plan` only: when an import that began now would end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_finish: Option<Timestamp>,
    /// `plan` only: what is known from the snapshot of an earlier run, and how old that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<KnownBefore>,
    /// `check` only: problems found, of which a row can have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problems: Option<u64>,
    /// The exit code of the process.
    pub exit_code: Exit,
}

impl Summary {
    /// The figures that a journal keeps, with the guard's reason in the reader's language.
    ///
    /// # Errors
    /// If they are not the figures of a run.
    pub fn of_stored(text: &str) -> serde_json::Result<Summary> {
        let mut summary: Summary = serde_json::from_str(text)?;
        if let Some(held) = &summary.held_by {
            summary.held = Some(held.to_string());
        }
        Ok(summary)
    }

    /// The same with paths that lead to the files from any folder.
    pub fn anywhere(mut self) -> Summary {
        for path in [
            &mut self.results,
            &mut self.failed_rows,
            &mut self.report,
            &mut self.before,
            &mut self.new_rows,
        ]
        .into_iter()
        .flatten()
        {
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        }
        self
    }

    /// The figures of a command that records no run and sends nothing.
    pub fn of_no_run(
        target: &str,
        file: String,
        (format, columns): (Option<FileFormat>, usize),
        sha256: &str,
        states: StateCounts,
        (started_at, finished_at): (Timestamp, Timestamp),
    ) -> Summary {
        Summary {
            run: String::new(),
            target: target.to_owned(),
            base_url: String::new(),
            file,
            sha256: sha256.to_owned(),
            dialect: format.map_or(String::new(), |format| format.to_string()),
            sheet: None,
            columns,
            rows: states.total(),
            states,
            requests: 0,
            lookups: 0,
            retries: 0,
            throttled: 0,
            started_at,
            finished_at,
            duration_s: seconds_between(started_at, finished_at),
            held_s: 0.0,
            idle_s: 0.0,
            results: None,
            failed_rows: None,
            report: None,
            before: None,
            new_rows: None,
            warnings: 0,
            field_refused: 0,
            conflicts: 0,
            conflicts_kept: 0,
            held: None,
            held_by: None,
            identity_changes: 0,
            renumbered: 0,
            stop: None,
            fields: None,
            to_send: None,
            estimated_s: None,
            estimated_finish: None,
            snapshot: None,
            problems: None,
            exit_code: states.exit(),
        }
    }
}

/// What others than the user see of a run's figures: webhooks, commands and programs that follow the run.
/// It has the summary's members but for the name of the roster's sheet, and no text that could be a cell, a
/// header or an API's.
#[derive(Debug, Serialize)]
pub struct SummaryFacts<'a> {
    run: &'a str,
    target: &'a str,
    base_url: &'a str,
    file: &'a str,
    sha256: &'a str,
    dialect: &'a str,
    columns: usize,
    rows: u64,
    #[serde(flatten)]
    states: StateCounts,
    requests: u64,
    lookups: u64,
    retries: u64,
    throttled: u64,
    started_at: Timestamp,
    finished_at: Timestamp,
    duration_s: f64,
    #[serde(skip_serializing_if = "is_zero")]
    held_s: f64,
    #[serde(skip_serializing_if = "is_zero")]
    idle_s: f64,
    results: Option<&'a Path>,
    failed_rows: Option<&'a Path>,
    report: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_rows: Option<&'a Path>,
    warnings: u64,
    #[serde(skip_serializing_if = "is_none_of")]
    conflicts: u64,
    #[serde(skip_serializing_if = "is_none_of")]
    conflicts_kept: u64,
    held: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<Held>,
    identity_changes: u64,
    renumbered: u64,
    exit_code: Exit,
}

impl Summary {
    /// What others than the user see of it.
    pub fn facts(&self) -> SummaryFacts<'_> {
        SummaryFacts {
            run: &self.run,
            target: &self.target,
            base_url: &self.base_url,
            file: &self.file,
            sha256: &self.sha256,
            dialect: &self.dialect,
            columns: self.columns,
            rows: self.rows,
            states: self.states,
            requests: self.requests,
            lookups: self.lookups,
            retries: self.retries,
            throttled: self.throttled,
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration_s: self.duration_s,
            held_s: self.held_s,
            idle_s: self.idle_s,
            results: self.results.as_deref(),
            failed_rows: self.failed_rows.as_deref(),
            report: self.report.as_deref(),
            before: self.before.as_deref(),
            new_rows: self.new_rows.as_deref(),
            warnings: self.warnings,
            conflicts: self.conflicts,
            conflicts_kept: self.conflicts_kept,
            // Rendered from the figures: a sentence of an earlier version's journal is not repeated.
            held: self.held_by.as_ref().map(Held::to_string),
            held_by: self.held_by.clone(),
            identity_changes: self.identity_changes,
            renumbered: self.renumbered,
            exit_code: self.exit_code,
        }
    }
}

fn is_none_of(count: &u64) -> bool {
    *count == 0
}

fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

/// Seconds from one moment to another.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}
