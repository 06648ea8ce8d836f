//! The summary holds the figures of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Code, Exit, FileFormat, Held, RowState, Standing};
use crate::l10n::{Message, number, rows, say};

/// The number of rows in each state. Summaries of earlier versions lack the states that were added later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateCounts {
    /// Rows that the API accepted.
    pub updated: u64,
    /// Rows whose record already held these values.
    pub unchanged: u64,
    /// Rows that failed the checks.
    pub invalid: u64,
    /// Rows that the API rejected.
    pub rejected: u64,
    /// Rows that could not be delivered.
    pub failed: u64,
    /// Rows for which no request was sent.
    pub not_sent: u64,
    /// Rows about protected persons, which are not sent.
    pub withheld: u64,
}

impl StateCounts {
    /// Adds `rows` rows in `state`. Rows without a response count as failed, because the change may not have
    /// arrived.
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

    /// The number of rows whose states have a meaning.
    pub fn of(&self, standing: Standing) -> u64 {
        let each = self.each().into_iter();
        each.filter(|(state, _)| state.standing() == standing)
            .map(|(_, count)| count)
            .sum()
    }

    /// The sum of all states, which is the number of rows in the file.
    pub fn total(&self) -> u64 {
        self.each().into_iter().map(|(_, count)| count).sum()
    }

    /// Rows that require the user's attention.
    pub fn unsuccessful(&self) -> u64 {
        self.of(Standing::Faulty)
    }

    /// The exit code of a run that completed all rows.
    pub fn exit(&self) -> Exit {
        match self.unsuccessful() {
            0 => Exit::Success,
            _ => Exit::RowsFailed,
        }
    }

    /// The non-zero counts with their states, comma-separated, in the interface language. An undo restores
    /// rows.
    pub fn in_words(&self, is_undo: bool) -> String {
        let counts: Vec<String> = self
            .phrases(is_undo)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        if counts.is_empty() {
            return rows(0);
        }
        counts.join(", ")
    }

    /// The states with non-zero counts, each with its count in words. An undo restores rows.
    pub fn phrases(&self, is_undo: bool) -> Vec<(RowState, String)> {
        let some = self.each().into_iter().filter(|(_, count)| *count > 0);
        some.map(|(state, count)| {
            let word = word_of(state, count, is_undo);
            (state, format!("{} {word}", number(count)))
        })
        .collect()
    }

    /// Each state with its count, in the order of the summary.
    pub fn each(&self) -> [(RowState, u64); 7] {
        let StateCounts {
            updated,
            unchanged,
            invalid,
            rejected,
            failed,
            not_sent,
            withheld,
        } = *self;
        [
            (RowState::Updated, updated),
            (RowState::Unchanged, unchanged),
            (RowState::Invalid, invalid),
            (RowState::Rejected, rejected),
            (RowState::Failed, failed),
            (RowState::NotSent, not_sent),
            (RowState::Withheld, withheld),
        ]
    }
}

/// The name of a state, inflected for `count` rows.
fn word(state: RowState, count: u64) -> String {
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

/// The name of a state in a run that may be an undo, inflected for `count` rows.
pub fn word_of(state: RowState, count: u64, is_undo: bool) -> String {
    match state {
        RowState::Updated if is_undo => say().state_restored(count),
        state => word(state, count),
    }
}

/// What a plan took from the snapshot of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBefore {
    /// When all records were listed, by the clock of the API.
    pub listed_at: Timestamp,
    /// When the changes since then were read, by the clock of the API.
    pub read_at: Timestamp,
    /// The number of records.
    pub records: u64,
    /// Records that were created or changed since the last read of the changes.
    pub changed: u64,
    /// Records that were deleted since the last read of the changes.
    pub deleted: u64,
    /// Other records that were read and compared with the snapshot.
    pub compared: u64,
    /// Records that were read because their rows differ, or because an earlier run may have changed them.
    pub read: u64,
}

/// Why all records were listed although a snapshot exists.
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

/// The figures of a run, as `--format json` prints them. The member names are a stable interface.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's name; empty for commands that record no run.
    pub run: String,
    /// The target's name.
    pub target: String,
    /// The address that requests were sent to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// The SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How the input is written: its encoding and delimiter, or its kind of workbook.
    pub dialect: String,
    /// The sheet of a workbook. For the user only, because a sheet can have a person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Columns in the input.
    pub columns: usize,
    /// Rows in the input, equal to the sum of the states.
    pub rows: u64,
    /// The number of rows in each state.
    #[serde(flatten)]
    pub states: StateCounts,
    /// All requests, look-ups and retries included.
    pub requests: u64,
    /// Requests that only read.
    pub lookups: u64,
    /// Requests for a row after its first.
    pub retries: u64,
    /// Responses with status 429.
    pub throttled: u64,
    /// When the run began.
    pub started_at: Timestamp,
    /// When the run ended.
    pub finished_at: Timestamp,
    /// Seconds during which a process worked on the run.
    pub duration_s: f64,
    /// Seconds during which a guard held the run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_s: f64,
    /// Seconds during which the run was interrupted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle_s: f64,
    /// The results file, if one was written.
    pub results: Option<PathBuf>,
    /// The file of unsuccessful rows, if there are any.
    pub failed_rows: Option<PathBuf>,
    /// The HTML report, if one was written.
    pub report: Option<PathBuf>,
    /// The file of replaced values, if any value was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<PathBuf>,
    /// The file of rows whose record was not found, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_rows: Option<PathBuf>,
    /// Doubtful values that the checks found. In valid rows they are sent unchanged.
    #[serde(default)]
    pub warnings: u64,
    /// Rows that the API rejected because of a field that only certain accounts may change.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub field_refused: u64,
    /// Conflicts: fields that changed since rosterpatch last wrote them.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub conflicts: u64,
    /// Conflicts in which the current value was kept.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub conflicts_kept: u64,
    /// The reason why a guard holds the run, if one does.
    #[serde(default)]
    pub held: Option<String>,
    /// The guard that holds the run, with its figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Held>,
    /// Unapproved rows that would replace one person with another.
    #[serde(default)]
    pub identity_changes: u64,
    /// Rows that change a person's identity number, sent or waiting for approval.
    #[serde(default)]
    pub renumbered: u64,
    /// Why the run ended early, unless a guard holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stopped>,
    /// `plan` only: the number of changes of each field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeMap<String, u64>>,
    /// `plan` only: requests that an import would send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_send: Option<u64>,
    /// `plan` only: the estimated duration of an import in seconds at the rate limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_s: Option<f64>,
    /// `plan` only: the estimated completion time of an import that starts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_finish: Option<Timestamp>,
    /// `plan` only: what is known from the snapshot of an earlier run, and its age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<KnownBefore>,
    /// `check` only: all problems found. A row can have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problems: Option<u64>,
    /// The process's exit code.
    pub exit_code: Exit,
}

impl Summary {
    /// Parses the figures that the journal stores, with the guard's reason in the interface language. Fails
    /// if `text` is not a stored summary.
    pub fn of_stored(text: &str) -> serde_json::Result<Summary> {
        let mut summary: Summary = serde_json::from_str(text)?;
        if let Some(held) = &summary.held_by {
            summary.held = Some(held.to_string());
        }
        Ok(summary)
    }

    /// The paths of the output files.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let paths = [
            &mut self.results,
            &mut self.failed_rows,
            &mut self.report,
            &mut self.before,
            &mut self.new_rows,
        ];
        paths.into_iter().flatten()
    }

    /// Makes the paths of all files absolute.
    pub fn anywhere(mut self) -> Summary {
        for path in self.paths_mut() {
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        }
        self
    }

    /// Creates the summary of a command that records no run and sends nothing.
    pub fn of_no_run(
        target: &str,
        file: String,
        (format, columns): (Option<FileFormat>, usize),
        sha256: &str,
        states: StateCounts,
        (started_at, finished_at): (Timestamp, Timestamp),
    ) -> Summary {
        Summary {
            target: target.to_owned(),
            file,
            sha256: sha256.to_owned(),
            dialect: format.map_or(String::new(), |format| format.to_string()),
            columns,
            rows: states.total(),
            states,
            started_at,
            finished_at,
            duration_s: seconds_between(started_at, finished_at),
            exit_code: states.exit(),
            ..Summary::default()
        }
    }
}

/// The figures of a run for webhooks, commands and programs that follow the run. It has the members of the
/// summary except the sheet's name, and no text that could be a cell, a header or an API's message.
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
    /// The figures for webhooks, commands and programs that follow the run.
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
            // Rendered from the figures, because a journal of an earlier version may store another text.
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

/// The seconds between two times, to the millisecond.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}
