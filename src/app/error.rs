//! Application errors with exit codes, messages for users and facts for logs.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::l10n::{Message, say};
use crate::model::{Code, Exit, Fact};
use crate::read::ReadError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::safe_fs::Refusal;
use crate::send::SignInError;
use crate::targets::Mistakes;

/// The reason why a job failed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum AppError {
    /// The run failed.
    #[error(transparent)]
    Run(RunError),
    /// Credentials are missing.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The command line is invalid.
    #[error("{0}")]
    Usage(String),
    /// The config and the options contradict each other.
    #[error("{text}")]
    Setup { code: Code, text: String },
    /// An operation on a file or folder failed.
    #[error("{}", say().file_cannot(action.in_words(), path.display().to_string()))]
    File {
        action: Action,
        path: PathBuf,
        source: std::io::Error,
    },
    /// The front end failed, with a message for the user.
    #[error("{0}")]
    Front(Message),
    /// The roster is not on this machine, and the database has no copy.
    #[error("{}", say().fleet_roster_gone(file.as_str()))]
    RosterGone { file: String },
    /// The config file is invalid.
    #[error("{}\n{mistakes}", say().config_mistakes(mistakes.origin()))]
    Config { mistakes: Mistakes },
    /// An inbox file is older than the last imported file of the same name.
    #[error("{}", Code::InboxOlder.sentence())]
    Older,
    /// The limit of open files is too low.
    #[error("{}", say().file_too_few())]
    TooFewFiles(#[source] std::io::Error),
    /// The limit of threads is too low.
    #[error("{}", say().file_too_few_threads())]
    TooFewThreads(#[source] std::io::Error),
}

/// An operation on a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Action {
    Read,
    ReadFolder,
    ReadConfig,
    Write,
    /// Store a file that a browser uploads.
    StoreUpload,
    /// Write the report of the reason why a file is not imported.
    Explain,
    Archive,
    Remove,
}

impl Action {
    /// Returns a function that wraps an I/O error of this action on `path`.
    pub fn failed(self, path: &Path) -> impl Fn(std::io::Error) -> AppError + Copy {
        move |source| AppError::File {
            action: self,
            path: path.to_owned(),
            source,
        }
    }

    fn in_words(self) -> String {
        match self {
            Action::Read => say().file_action_read(),
            Action::ReadFolder => say().file_action_read_folder(),
            Action::ReadConfig => say().file_action_read_config(),
            Action::Write => say().file_action_write(),
            Action::StoreUpload => say().file_action_store_upload(),
            Action::Explain => say().file_action_explain(),
            Action::Archive => say().file_action_archive(),
            Action::Remove => say().file_action_remove(),
        }
    }
}

impl AppError {
    /// Returns the exit code for this error.
    pub fn exit(&self) -> Exit {
        match self {
            AppError::Run(error) => error.exit(),
            AppError::SignIn(_) => Exit::Refused,
            AppError::Usage(_) | AppError::Setup { .. } => Exit::Usage,
            AppError::File { .. }
            | AppError::Front(_)
            | AppError::RosterGone { .. }
            | AppError::Config { .. }
            | AppError::Older
            | AppError::TooFewFiles(_)
            | AppError::TooFewThreads(_) => Exit::CannotDo,
        }
    }

    /// Returns whether the roster causes the error, as opposed to its environment.
    pub fn is_of_file(&self) -> bool {
        match self {
            AppError::Run(RunError::Read(ReadError::Io { source, .. })) => {
                Refusal::within(source) != Some(&Refusal::NoTemporary)
            }
            AppError::Run(
                RunError::Read(_)
                | RunError::Map { .. }
                | RunError::Key { .. }
                | RunError::Undone { .. },
            )
            | AppError::Older => true,
            // The names of its output files exceed the maximum length.
            AppError::Run(RunError::Report(ReportError::Write { source, .. })) => {
                source.kind() == std::io::ErrorKind::InvalidFilename
            }
            _ => false,
        }
    }
}

impl<E: Into<RunError>> From<E> for AppError {
    fn from(error: E) -> AppError {
        AppError::Run(error.into())
    }
}

impl AppError {
    /// Returns the error as a fact, for logs and notifications.
    pub fn fact(&self) -> Fact {
        match self {
            AppError::Run(error) => error.fact(),
            AppError::SignIn(error) => error.fact(),
            AppError::Usage(_) => Fact::new(Code::UsageWrong),
            AppError::Setup { code, .. } => Fact::new(*code),
            AppError::File { path, source, .. } => {
                Fact::new(Code::FileIo).at_path(path).with_io(source)
            }
            AppError::Front(_) | AppError::RosterGone { .. } => Fact::new(Code::NotDone),
            AppError::Config { mistakes } => mistakes.fact(Code::ConfigMistakes),
            AppError::Older => Fact::new(Code::InboxOlder),
            AppError::TooFewFiles(source) => Fact::new(Code::TooFewFiles).with_io(source),
            AppError::TooFewThreads(source) => Fact::new(Code::TooFewThreads).with_io(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::JournalError;

    fn file(action: Action, kind: std::io::ErrorKind) -> AppError {
        action.failed(Path::new("/in/r.csv"))(kind.into())
    }

    #[test]
    fn each_action_on_a_file_has_a_sentence_with_the_path() {
        use Action::*;
        for (action, sentence) in [
            (Read, "cannot read /in/r.csv"),
            (ReadFolder, "cannot read the folder /in/r.csv"),
            (ReadConfig, "cannot read the config file /in/r.csv"),
            (Write, "cannot write /in/r.csv"),
            (StoreUpload, "cannot store the uploaded file as /in/r.csv"),
            (Explain, "cannot write an error report for /in/r.csv"),
            (Archive, "cannot archive /in/r.csv"),
            (Remove, "cannot remove /in/r.csv"),
        ] {
            assert_eq!(
                file(action, std::io::ErrorKind::PermissionDenied).to_string(),
                sentence
            );
        }
    }

    #[test]
    fn exit_codes_distinguish_usage_and_refused_credentials() {
        let variable = || "KEY".to_owned();
        let sign_in = SignInError::Empty {
            variable: variable(),
        };
        let setup = AppError::Setup {
            code: Code::UsageWrong,
            text: variable(),
        };
        let busy = RunError::Busy {
            file: "r.csv".into(),
        };
        let io = || std::io::Error::other("no");
        for (error, exit) in [
            (AppError::from(busy), Exit::Busy),
            (sign_in.into(), Exit::Refused),
            (AppError::Usage(variable()), Exit::Usage),
            (setup, Exit::Usage),
            (
                file(Action::Archive, std::io::ErrorKind::NotFound),
                Exit::CannotDo,
            ),
            (
                AppError::Front(Message::verbatim(variable())),
                Exit::CannotDo,
            ),
            (AppError::TooFewFiles(io()), Exit::CannotDo),
            (AppError::TooFewThreads(io()), Exit::CannotDo),
        ] {
            assert_eq!(error.exit(), exit, "{error}");
        }
    }

    #[test]
    fn an_unreadable_roster_or_a_too_long_name_is_a_file_error() {
        let write = |kind: std::io::ErrorKind| {
            AppError::from(ReportError::Write {
                path: "r.results.csv".into(),
                source: kind.into(),
            })
        };
        let undone = RunError::Undone {
            run: "first".into(),
            file: "r.csv".into(),
        };
        let key = RunError::Key {
            field: "x".into(),
            known: vec![],
        };
        let empty = ReadError::Empty {
            path: "r.csv".into(),
        };
        for error in [empty.into(), AppError::from(undone), key.into()] {
            assert!(error.is_of_file(), "{error}");
        }
        assert!(write(std::io::ErrorKind::InvalidFilename).is_of_file());
        // A full disk or an unavailable journal is not an error of the roster.
        assert!(!write(std::io::ErrorKind::StorageFull).is_of_file());
        assert!(!AppError::from(JournalError::TakenOver).is_of_file());
        assert!(!file(Action::Archive, std::io::ErrorKind::NotFound).is_of_file());
        // Rosters are copied to the temporary folder, so a full one is not an error of the roster.
        let read = |source: std::io::Error| {
            AppError::from(ReadError::Io {
                path: "r.csv".into(),
                source,
            })
        };
        assert!(read(std::io::ErrorKind::PermissionDenied.into()).is_of_file());
        assert!(!read(Refusal::NoTemporary.into()).is_of_file());
    }

    #[test]
    fn logged_errors_contain_codes_and_paths_but_no_config_text() {
        let fact = file(Action::Archive, std::io::ErrorKind::NotFound).fact();
        assert_eq!(fact.code(), Code::FileIo);
        assert_eq!(fact.path(), Some(std::path::Path::new("/in/r.csv")));
        let secret = || "secret".to_owned();
        for (error, code) in [
            (AppError::Usage(secret()), Code::UsageWrong),
            (AppError::Front(Message::verbatim(secret())), Code::NotDone),
        ] {
            assert_eq!(error.fact(), Fact::new(code));
        }
    }
}
