use thiserror::Error;

use crate::journal::JournalError;
use crate::map::MapError;
use crate::model::Exit;
use crate::read::ReadError;
use crate::report::ReportError;
use crate::send::SendError;

/// Why a run could not be done or brought to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The header cannot be mapped.
    #[error("{file}, line {line}")]
    Map {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// Why.
        source: MapError,
    },
    /// What is sent is to be read back, and nothing is read.
    #[error("--canary reads back what was sent, and --blind reads nothing")]
    BlindCanary,
    /// What is sent is to be read back, and the records cannot be read.
    #[error("--canary reads back what was sent, and the records of {target} cannot be read")]
    UnreadableCanary {
        /// The target.
        target: String,
    },
    /// A run whose rows cannot be tried again.
    #[error("the run {run} cannot be tried again: {why}")]
    NotRetriable {
        /// The run.
        run: String,
        /// Why.
        why: &'static str,
    },
    /// A run that cannot be undone.
    #[error("the run {run} cannot be undone: {why}")]
    NotUndoable {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// A run that no guard holds.
    #[error("the run {run} is not held, so there is nothing to approve")]
    NotHeld {
        /// The run.
        run: String,
    },
    /// A results file that is said to be of a run which had no roster.
    #[error("the run {run} put back what another had changed, and no roster's rows are its own")]
    OfAnUndo {
        /// The run.
        run: String,
    },
    /// Rows whose place was a sandbox.
    #[error(
        "these rows are of the run {run}, and the sandbox that it sent to is gone; say --sandbox, or where they are to go"
    )]
    SandboxGone {
        /// The run.
        run: String,
    },
    /// `--key` names a field by which no record can be found.
    #[error(
        "records cannot be found by {field} here; with this file and target they can be by: {key}"
    )]
    Key {
        /// What was asked for.
        field: String,
        /// The fields that would do.
        key: String,
    },
    /// A target file cannot be used.
    #[error(transparent)]
    Target(#[from] crate::targets::TargetError),
    /// The settings of a run cannot be understood.
    #[error(
        "another version of the program began the run {run}, and this one cannot go on with it; import its file again"
    )]
    Settings {
        /// The run.
        run: String,
    },
    /// The file of a run is not what it was.
    #[error(
        "{file} has changed since the run {run} began, so its rows are not the ones that were planned; restore the old file, or import the new one with --fresh"
    )]
    Changed {
        /// The run.
        run: String,
        /// The file.
        file: String,
    },
    /// A run that cannot be resumed.
    #[error("the run {run} cannot be resumed: {why}")]
    NotResumable {
        /// The run.
        run: String,
        /// Why.
        why: &'static str,
    },
    /// Several runs may have made a results file.
    #[error("these rows may be of {}; say which with --of RUN", runs.join(", or of "))]
    Ambiguous {
        /// The runs, each with where it sent to.
        runs: Vec<String>,
    },
    /// Sending broke off, and what became of each row until then was written.
    #[error("sending broke off, and what became of each row until then is in {}", results.display())]
    Broken {
        /// Why.
        source: Box<RunError>,
        /// The results file.
        results: std::path::PathBuf,
    },
    /// The run came to its end, and what became of its rows could not be written.
    #[error(
        "the results could not be written; the journal holds them, and once this is fixed `rosterpatch resume {run}` writes them, and sends nothing twice"
    )]
    NotReported {
        /// The run.
        run: String,
        /// Why.
        source: Box<RunError>,
    },
    /// Requests cannot be made.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The report cannot be written. The journal holds everything it would say.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Another process has the file.
    #[error("another process is at work on {}; wait for it to end", file.display())]
    Busy {
        /// The file.
        file: std::path::PathBuf,
    },
    /// The person who was asked did not agree.
    #[error("nothing was sent")]
    Declined,
    /// The rows that were counted are not the rows that were recorded.
    #[error(
        "the file has {expected} rows and {found} are accounted for; this is a mistake in the program, please report it"
    )]
    Unaccounted {
        /// Rows counted before sending.
        expected: u64,
        /// Rows in the results.
        found: u64,
    },
    /// What the journal is to hold cannot be written as JSON.
    #[error(
        "the journal's record cannot be written: {0}; this is a mistake in the program, please report it"
    )]
    Unwritable(serde_json::Error),
    /// A thread of the program died.
    #[error(
        "the thread that reads the file died; this is a mistake in the program, please report it"
    )]
    Died,
}

impl RunError {
    /// The exit code of a process that ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            RunError::Send(SendError::SignIn(_)) => Exit::Refused,
            RunError::Busy { .. } => Exit::Busy,
            RunError::Ambiguous { .. } => Exit::Usage,
            _ => Exit::CannotDo,
        }
    }
}
