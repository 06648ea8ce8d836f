use std::path::PathBuf;

use thiserror::Error;

use crate::journal::JournalError;
use crate::l10n::say;
use crate::model::{Code, Exit, Fact};
use crate::read::ReadError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::send::SignInError;
use crate::targets::{Mistakes, TargetError};

/// Why a job could not be done.
#[derive(Debug, Error)]
pub enum AppError {
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The credentials are not there.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// It was asked for in a way that cannot be meant.
    #[error("{0}")]
    Usage(String),
    /// The config and the options do not fit together.
    #[error("{text}")]
    Setup {
        /// In which way.
        code: Code,
        /// The same for the person who wrote them.
        text: String,
    },
    /// A file or a folder.
    #[error("{}", say().file_cannot(doing(action), path.display().to_string()))]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// What the front door could not do.
    #[error("{0}")]
    Front(String),
    /// The config file has mistakes.
    #[error("{}\n{mistakes}", say().config_mistakes(mistakes.origin()))]
    Config {
        /// What is wrong, and where.
        mistakes: Mistakes,
    },
    /// A file of an inbox is older than the one of its name that was imported last.
    #[error("{}", Code::InboxOlder.sentence())]
    Older,
    /// The process may open too few files.
    #[error("{}", say().file_too_few())]
    TooFewFiles(#[source] std::io::Error),
    /// The process may start too few threads.
    #[error("{}", say().file_too_few_threads())]
    TooFewThreads(#[source] std::io::Error),
}

/// What was to be done with a file or a folder, in words.
fn doing(action: &str) -> String {
    match action {
        "read-folder" => say().file_action_read_folder(),
        "read-config" => say().file_action_read_config(),
        "put-away" => say().file_action_put_away(),
        "take" => say().file_action_take(),
        "put-away-in" => say().file_action_put_away_in(),
        "write-why" => say().file_action_write_why(),
        "write" => say().file_action_write(),
        _ => say().file_action_read(),
    }
}

impl AppError {
    /// The exit code of a process that ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            AppError::Run(error) => error.exit(),
            AppError::SignIn(_) => Exit::Refused,
            AppError::Usage(_) | AppError::Setup { .. } => Exit::Usage,
            AppError::File { .. }
            | AppError::Front(_)
            | AppError::Config { .. }
            | AppError::Older
            | AppError::TooFewFiles(_)
            | AppError::TooFewThreads(_) => Exit::CannotDo,
        }
    }

    /// Whether the roster is at fault, and not what is around it.
    pub fn is_of_file(&self) -> bool {
        match self {
            AppError::Run(
                RunError::Read(_)
                | RunError::Map { .. }
                | RunError::Key { .. }
                | RunError::Undone { .. },
            )
            | AppError::Older => true,
            // Its results cannot be named: its own name is too long.
            AppError::Run(RunError::Report(ReportError::Write { source, .. })) => {
                source.kind() == std::io::ErrorKind::InvalidFilename
            }
            _ => false,
        }
    }
}

impl From<JournalError> for AppError {
    fn from(error: JournalError) -> AppError {
        RunError::from(error).into()
    }
}

impl From<ReadError> for AppError {
    fn from(error: ReadError) -> AppError {
        RunError::from(error).into()
    }
}

impl From<ReportError> for AppError {
    fn from(error: ReportError) -> AppError {
        RunError::from(error).into()
    }
}

impl From<TargetError> for AppError {
    fn from(error: TargetError) -> AppError {
        RunError::from(error).into()
    }
}

impl AppError {
    /// The same for logs and notifications.
    pub fn fact(&self) -> Fact {
        match self {
            AppError::Run(error) => error.fact(),
            AppError::SignIn(error) => error.fact(),
            AppError::Usage(_) => Fact::new(Code::UsageWrong),
            AppError::Setup { code, .. } => Fact::new(*code),
            AppError::File { path, source, .. } => {
                Fact::new(Code::FileIo).at_path(path).with_io(source)
            }
            AppError::Front(_) => Fact::new(Code::NotDone),
            AppError::Config { mistakes } => mistakes.fact(Code::ConfigMistakes),
            AppError::Older => Fact::new(Code::InboxOlder),
            AppError::TooFewFiles(source) => Fact::new(Code::TooFewFiles).with_io(source),
            AppError::TooFewThreads(source) => Fact::new(Code::TooFewThreads).with_io(source),
        }
    }
}
