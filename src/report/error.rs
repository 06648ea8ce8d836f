//! Errors of writing reports.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::journal::JournalError;
use crate::l10n::say;
use crate::model::{Code, Fact};
use crate::read::ReadError;

/// Why a report cannot be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The folder of the file does not exist.
    #[error("{}", say().report_no_folder(path.display().to_string(), folder.display().to_string()))]
    NoFolder {
        /// The path of the file.
        path: std::path::PathBuf,
        /// The path of the folder.
        folder: std::path::PathBuf,
    },
    /// The file cannot be written.
    #[error("{}", say().report_write(path.display().to_string()))]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The input cannot be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The report's template failed.
    #[error("{}", say().report_template(path.display().to_string(), why.as_str()))]
    Template {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
}

impl ReportError {
    /// Returns a function that wraps an I/O error of writing the file at `path`.
    pub(super) fn write(path: &Path) -> impl Fn(std::io::Error) -> ReportError + Copy {
        move |source| ReportError::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// Returns the error as a fact, for logs and notifications.
    pub fn fact(&self) -> Fact {
        match self {
            ReportError::NoFolder { path, .. } => Fact::new(Code::ReportNoFolder).at_path(path),
            ReportError::Write { path, source } => {
                Fact::new(Code::ReportWrite).at_path(path).with_io(source)
            }
            ReportError::Read(error) => error.fact(),
            ReportError::Journal(error) => error.fact(),
            ReportError::Template { path, .. } => Fact::new(Code::ReportTemplate).at_path(path),
        }
    }
}
