use std::path::PathBuf;

use thiserror::Error;

use crate::journal::JournalError;
use crate::read::ReadError;

/// Why a report cannot be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The folder that a file is to stand in is not there.
    #[error("cannot write {}: there is no folder {}", path.display(), folder.display())]
    NoFolder {
        /// The file.
        path: std::path::PathBuf,
        /// The folder.
        folder: std::path::PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The input cannot be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The report's template failed.
    #[error("cannot make the report {}: {why}", path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}
