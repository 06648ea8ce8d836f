//! Run errors state why a run cannot be completed.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::journal::JournalError;
use crate::l10n::say;
use crate::map::MapError;
use crate::model::{Code, Declared, Exit, Fact};
use crate::read::ReadError;
use crate::report::ReportError;
use crate::send::SendError;

/// Why a run cannot be started or completed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum RunError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The header cannot be mapped.
    #[error("{}", say().run_header(file.as_str(), *line))]
    Map {
        file: String,
        /// The header's line.
        line: u64,
        source: Box<MapError>,
    },
    /// The calls differ from the saved plan.
    #[error("{why}")]
    OtherPlan { why: String },
    /// Empty cells should clear values, but no column of the file can be cleared.
    #[error("{}", say().run_nothing_to_clear(target.as_str(), columns.as_str()))]
    NothingToClear {
        target: String,
        /// The fields of the target that can be cleared.
        columns: String,
    },
    /// A canary needs the records, and the run reads none.
    #[error("{}", say().run_blind_canary())]
    BlindCanary,
    /// Edit rules need the values of records, and the run reads none.
    #[error("{}", say().run_blind_rules())]
    BlindRules,
    /// An update contains whole lists, and the run reads none.
    #[error("{}", say().run_blind_lists(fields.join(", ")))]
    BlindLists {
        /// The column names of the fields.
        fields: Vec<String>,
    },
    /// A canary needs the records, and they cannot be read.
    #[error("{}", say().run_unreadable_canary(target.as_str()))]
    UnreadableCanary { target: String },
    /// A run cannot be retried.
    #[error("{}", say().run_not_retriable(run.as_str(), why.sentence()))]
    NotRetriable { run: String, why: Code },
    /// A run cannot be undone.
    #[error("{}", say().run_not_undoable(run.as_str(), why.sentence()))]
    NotUndoable { run: String, why: Code },
    /// No guard holds the run.
    #[error("{}", say().run_not_held(run.as_str()))]
    NotHeld { run: String },
    /// A results file was assigned to an undo, which has no roster.
    #[error("{}", say().run_of_an_undo(run.as_str()))]
    OfAnUndo { run: String },
    /// The rows were sent to a sandbox, which is gone.
    #[error("{}", say().run_sandbox_gone(run.as_str()))]
    SandboxGone { run: String },
    /// `--key` names a field by which no record can be found.
    #[error("{}", say().run_key(field.as_str(), names(known)))]
    Key {
        /// What was requested.
        field: String,
        /// The fields that find records.
        known: Vec<Declared>,
    },
    /// A target file cannot be used.
    #[error(transparent)]
    Target(#[from] crate::targets::TargetError),
    /// Another version of the program wrote the settings of a run.
    #[error("{}", say().run_of_another_version(run.as_str()))]
    Settings { run: String },
    /// The file of a run has changed.
    #[error("{}", say().run_changed(file.as_str(), run.as_str()))]
    Changed { run: String, file: String },
    /// A run cannot be resumed.
    #[error("{}", say().run_not_resumable(run.as_str(), why.sentence()))]
    NotResumable { run: String, why: Code },
    /// The last run of the file was undone: another import would reverse the undo.
    #[error("{}", say().run_was_undone(run.as_str(), file.as_str()))]
    Undone { run: String, file: String },
    /// Several runs may have made a results file.
    #[error("{}", say().run_ambiguous(runs.join(&say().run_or_of())))]
    Ambiguous {
        /// The runs, each with its target.
        runs: Vec<String>,
    },
    /// Sending broke off, and the outcome of each row until then was written.
    #[error("{}", say().run_broken(results.display().to_string()))]
    Broken {
        source: Box<RunError>,
        /// The results file.
        results: std::path::PathBuf,
    },
    /// The run ended, and the outcome of its rows could not be written.
    #[error("{}", say().run_not_reported(run.as_str()))]
    NotReported { run: String, source: Box<RunError> },
    /// Requests cannot be made.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The report cannot be written. The journal has its content.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Another process has the file.
    #[error("{}", say().run_busy(file.display().to_string()))]
    Busy { file: std::path::PathBuf },
    /// The confirmation was declined.
    #[error("{}", say().run_declined())]
    Declined,
    /// The number of recorded rows differs from the number of rows in the file.
    #[error("{}", say().run_unaccounted(*expected, *found))]
    Unaccounted {
        /// Rows counted before sending.
        expected: u64,
        /// Rows in the results.
        found: u64,
    },
    /// A path for the journal is not UTF-8.
    #[error("{}", say().run_not_text(format!("{path:?}")))]
    NotText { path: PathBuf },
    /// A value for the journal cannot be written as JSON.
    #[error("{}", say().run_unwritable())]
    Unwritable(#[source] serde_json::Error),
    /// A thread of the program died.
    #[error("{}", say().run_died())]
    Died,
}

fn names(declared: &[Declared]) -> String {
    let names: Vec<&str> = declared.iter().map(Declared::as_str).collect();
    names.join(", ")
}

impl RunError {
    /// The exit code of a process that ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            RunError::Send(SendError::SignIn(_)) => Exit::Refused,
            RunError::Busy { .. } => Exit::Busy,
            RunError::Ambiguous { .. } | RunError::NothingToClear { .. } => Exit::Usage,
            RunError::OtherPlan { .. } => Exit::Held,
            // An option resolves this error.
            RunError::Read(ReadError::UnknownEncoding { .. }) => Exit::Usage,
            RunError::Read(error) if error.is_stopped() => Exit::Interrupted,
            RunError::Read(ReadError::SeveralSheets { .. }) => Exit::Usage,
            _ => Exit::CannotDo,
        }
    }

    /// The error as a fact for logs and notifications.
    pub fn fact(&self) -> Fact {
        match self {
            RunError::Read(error) => error.fact(),
            RunError::Map { file, line, source } => {
                source.fact().at_path(Path::new(file)).at_line(*line)
            }
            RunError::OtherPlan { .. } => Fact::new(Code::RunOtherPlan),
            RunError::NothingToClear { .. } => Fact::new(Code::RunNothingToClear),
            RunError::BlindCanary => Fact::new(Code::RunBlindCanary),
            RunError::BlindLists { .. } => Fact::new(Code::RunBlindLists),
            RunError::BlindRules => Fact::new(Code::RunBlindRules),
            RunError::UnreadableCanary { .. } => Fact::new(Code::RunUnreadableCanary),
            RunError::NotRetriable { run, why } => {
                Fact::new(Code::RunNotRetriable).in_run(run).because(*why)
            }
            RunError::NotUndoable { run, why } => {
                Fact::new(Code::RunNotUndoable).in_run(run).because(*why)
            }
            RunError::NotHeld { run } => Fact::new(Code::RunNotHeld).in_run(run),
            RunError::OfAnUndo { run } => Fact::new(Code::RunOfAnUndo).in_run(run),
            RunError::SandboxGone { run } => Fact::new(Code::RunSandboxGone).in_run(run),
            RunError::Key { known, .. } => Fact::new(Code::RunKey).with_names(known.clone()),
            RunError::Target(error) => error.fact(),
            RunError::Settings { run } => Fact::new(Code::RunSettings).in_run(run),
            RunError::Changed { run, file } => Fact::new(Code::RunChanged)
                .in_run(run)
                .at_path(Path::new(file)),
            RunError::Undone { run, file } => Fact::new(Code::RunUndone)
                .in_run(run)
                .at_path(Path::new(file)),
            RunError::NotResumable { run, why } => {
                Fact::new(Code::RunNotResumable).in_run(run).because(*why)
            }
            RunError::Ambiguous { runs } => {
                Fact::new(Code::RunAmbiguous).with_count(runs.len() as u64)
            }
            RunError::Broken { source, results } => Fact::new(Code::RunBroken)
                .at_path(results)
                .because_of(source.fact()),
            RunError::NotReported { run, source } => Fact::new(Code::RunNotReported)
                .in_run(run)
                .because_of(source.fact()),
            RunError::Send(error) => error.fact(),
            RunError::Journal(error) => error.fact(),
            RunError::Report(error) => error.fact(),
            RunError::Busy { file } => Fact::new(Code::RunBusy).at_path(file),
            RunError::Declined => Fact::new(Code::RunDeclined),
            RunError::Unaccounted { expected, found } => Fact::new(Code::RunUnaccounted)
                .with_count(*found)
                .of(*expected),
            RunError::NotText { .. } => Fact::new(Code::RunNotText),
            RunError::Unwritable(_) => Fact::new(Code::RunUnwritable),
            RunError::Died => Fact::new(Code::RunDied),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::SignInError;

    #[test]
    fn the_next_step_determines_the_exit_code() {
        let read = |source| {
            RunError::Read(ReadError::Io {
                path: "r.csv".into(),
                source,
            })
        };
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let run = || "r".to_owned();
        for (error, exit) in [
            (
                RunError::Busy {
                    file: "r.csv".into(),
                },
                Exit::Busy,
            ),
            (RunError::Ambiguous { runs: vec![run()] }, Exit::Usage),
            (RunError::OtherPlan { why: run() }, Exit::Held),
            (
                read(crate::safe_fs::Refusal::Stopped.into()),
                Exit::Interrupted,
            ),
            (
                RunError::Read(ReadError::UnknownEncoding {
                    path: "r.csv".into(),
                    likely: Vec::new(),
                }),
                Exit::Usage,
            ),
            (
                RunError::Read(ReadError::SeveralSheets {
                    path: "r.xlsx".into(),
                    sheets: vec![run(), run()],
                }),
                Exit::Usage,
            ),
            (
                RunError::Send(SendError::SignIn(SignInError::Empty { variable: run() })),
                Exit::Refused,
            ),
            (RunError::Send(SendError::Client(run())), Exit::CannotDo),
            (RunError::Declined, Exit::CannotDo),
            (RunError::Died, Exit::CannotDo),
            (read(missing), Exit::CannotDo),
        ] {
            assert_eq!(error.exit(), exit, "{error}");
        }
    }

    #[test]
    fn an_unusable_key_is_refused_with_the_usable_ones() {
        let spec = crate::targets::load("meitner").unwrap();
        let known = spec.keys().into_iter().take(2);
        let error = RunError::Key {
            field: "gender".into(),
            known: known.map(|key| spec.fields[key].declared()).collect(),
        };
        assert!(
            error.to_string().ends_with(": id, identity_number"),
            "{error}"
        );
        assert_eq!(error.fact().code(), Code::RunKey);
    }
}
