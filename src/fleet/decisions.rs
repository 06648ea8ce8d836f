//! Decisions of a batch: what a failure, a run's state or its end means for the queue entry.

use super::entry::EntryState;
use crate::app::AppError;
use crate::journal::{JournalError, RunState};
use crate::model::Exit;
use crate::read::ReadError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::send::{SendError, Stop};

/// The consequence of a failure for the file of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Another process holds the lease, or the database is unavailable. Nothing can be recorded.
    OfTheJournal,
    /// The roster is invalid on any machine, so the entry ends.
    OfTheFile,
    /// The failure may be temporary or specific to this machine.
    MayPass,
}

pub(super) fn failure(error: &AppError) -> Failure {
    match error {
        AppError::Run(RunError::Broken { .. }) => Failure::OfTheJournal,
        AppError::Run(
            RunError::Journal(error)
            | RunError::Send(SendError::Journal(error))
            | RunError::Report(ReportError::Journal(error)),
        ) => match error {
            JournalError::NoRun { .. } | JournalError::DamagedRun { .. } => Failure::MayPass,
            _ => Failure::OfTheJournal,
        },
        AppError::Run(RunError::Read(ReadError::Io { .. })) => Failure::MayPass,
        AppError::Run(
            RunError::Read(_)
            | RunError::Map { .. }
            | RunError::Key { .. }
            | RunError::Undone { .. },
        )
        | AppError::RosterGone { .. } => Failure::OfTheFile,
        _ => Failure::MayPass,
    }
}

/// The action of a batch on a file's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Begin the run.
    Begin,
    /// Resume the run.
    Resume,
    /// Send a run that a guard held.
    Approve,
    /// Record the end of the run in the queue.
    End,
    /// Record in the queue that a guard holds the run.
    Hold,
}

/// Returns the next action for a run in `state`, or for a new run if there is none. `is_approved` says
/// whether the run was approved after a guard held it.
pub(super) fn step(state: Option<RunState>, is_approved: bool) -> Step {
    match state {
        None => Step::Begin,
        // The journal has the end of the run, and the queue entry does not.
        Some(RunState::Finished | RunState::Replaced | RunState::Undone | RunState::Declined) => {
            Step::End
        }
        Some(RunState::Held) if is_approved => Step::Approve,
        Some(RunState::Held) => Step::Hold,
        // The run was approved and is being planned again.
        Some(RunState::Planning) if is_approved => Step::Approve,
        Some(RunState::Planning | RunState::Running | RunState::Interrupted) => Step::Resume,
    }
}

/// Returns whether the cause of a stop may be temporary, such as an unreachable address.
pub(super) fn may_pass(stop: &Stop) -> bool {
    matches!(
        stop,
        Stop::Unreachable { .. } | Stop::Foreign { .. } | Stop::LookUp { .. }
    )
}

/// Returns the state of an entry whose run ended with this exit code.
pub(super) fn state_after(exit: Exit) -> EntryState {
    match exit {
        Exit::Success | Exit::RowsFailed => EntryState::Finished,
        Exit::Held => EntryState::Held,
        _ => EntryState::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::l10n::Message;
    use crate::map::MapError;
    use crate::model::Code;
    use crate::send::SignInError;

    #[test]
    fn only_errors_of_the_roster_end_a_queue_entry() {
        let path = || std::path::PathBuf::from("r.csv");
        let unreadable = || ReadError::Io {
            path: path(),
            source: std::io::Error::other("share away"),
        };
        let of_the_file: [RunError; 4] = [
            ReadError::Empty { path: path() }.into(),
            RunError::Map {
                file: "r.csv".into(),
                line: 1,
                source: Box::new(MapError::ResultColumn {
                    column: "x".into(),
                    at: 1,
                }),
            },
            RunError::Key {
                field: "x".into(),
                known: vec![],
            },
            RunError::Undone {
                run: "first".into(),
                file: "r.csv".into(),
            },
        ];
        for error in of_the_file {
            assert_eq!(failure(&error.into()), Failure::OfTheFile);
        }
        let gone = AppError::RosterGone {
            file: "r.csv".into(),
        };
        assert_eq!(failure(&gone), Failure::OfTheFile);
        let no_run = || JournalError::NoRun {
            name: "first".into(),
        };
        let passing: [AppError; 6] = [
            unreadable().into(),
            no_run().into(),
            RunError::Settings {
                run: "first".into(),
            }
            .into(),
            RunError::Send(SendError::Journal(no_run())).into(),
            SignInError::Empty {
                variable: "KEY".into(),
            }
            .into(),
            AppError::Usage(String::new()),
        ];
        for error in passing {
            assert_eq!(failure(&error), Failure::MayPass, "{error}");
        }
    }

    #[test]
    fn a_worker_with_an_expired_lease_or_no_database_records_nothing() {
        let broken = RunError::Broken {
            source: Box::new(RunError::Died),
            results: "r.results.csv".into(),
        };
        let of_the_journal: [RunError; 4] = [
            broken,
            JournalError::TakenOver.into(),
            RunError::Send(SendError::Journal(JournalError::TakenOver)),
            RunError::Report(ReportError::Journal(JournalError::TakenOver)),
        ];
        for error in of_the_journal {
            assert_eq!(failure(&error.into()), Failure::OfTheJournal);
        }
    }

    #[test]
    fn a_held_run_is_sent_only_after_its_approval() {
        use RunState::{Finished, Held, Interrupted, Planning, Replaced, Running, Undone};
        for is_approved in [false, true] {
            let step = |state| step(state, is_approved);
            assert_eq!(step(None), Step::Begin);
            for over in [Finished, Replaced, Undone] {
                assert_eq!(step(Some(over)), Step::End);
            }
            for under_way in [Running, Interrupted] {
                assert_eq!(step(Some(under_way)), Step::Resume);
            }
        }
        assert_eq!(step(Some(Held), false), Step::Hold);
        assert_eq!(step(Some(Held), true), Step::Approve);
        // A worker was killed while planning: the guards apply again unless the run was approved.
        assert_eq!(step(Some(Planning), false), Step::Resume);
        assert_eq!(step(Some(Planning), true), Step::Approve);
    }

    #[test]
    fn an_unreachable_api_is_retried_and_a_refusal_is_not() {
        let unreachable = Stop::Unreachable {
            address: String::new(),
            why: Message::default(),
            cause: Code::QueueAway,
            was_reached: false,
        };
        let look_up = Stop::LookUp {
            why: Message::default(),
            cause: Code::QueueAway,
            status: Some(500),
            message: String::new(),
        };
        let refused = Stop::Refused {
            status: 401,
            code: String::new(),
            message: String::new(),
            reading: false,
        };
        let failing = Stop::Failing {
            status: 500,
            error: String::new(),
            message: String::new(),
            column: None,
        };
        for (stop, passes) in [
            (unreachable, true),
            (look_up, true),
            (refused, false),
            (failing, false),
            (Stop::Asked, false),
        ] {
            assert_eq!(may_pass(&stop), passes, "{stop:?}");
        }
    }

    #[test]
    fn only_a_completed_run_finishes_its_queue_entry() {
        for (exit, state) in [
            (Exit::Success, EntryState::Finished),
            (Exit::RowsFailed, EntryState::Finished),
            (Exit::Held, EntryState::Held),
            (Exit::Refused, EntryState::Stopped),
            (Exit::Interrupted, EntryState::Stopped),
            (Exit::CannotDo, EntryState::Stopped),
        ] {
            assert_eq!(state_after(exit), state);
        }
    }
}
