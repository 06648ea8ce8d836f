//! Errors of reading a roster.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::guess::Likely;
use super::signatures::fix_for;
use crate::l10n::{number, say};
use crate::model::{Code, Fact};
use crate::safe_fs::Refusal;

/// The maximum number of rows in a file, because the journal stores row numbers in 32 bits.
pub const MOST_ROWS: u64 = u32::MAX as u64;

/// The reason why a file cannot be read as a roster. Each message states what was found and what to do.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The header exceeds the maximum length.
    #[error("{}", say().read_header_too_long(path.display().to_string(), *most))]
    HeaderTooLong {
        /// The file.
        path: PathBuf,
        /// The maximum length of a header in bytes.
        most: usize,
    },
    /// The file does not exist or cannot be read.
    #[error("{}", say().read_io(path.display().to_string()))]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is empty.
    #[error("{}", say().read_empty(path.display().to_string()))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The sheet of the workbook is empty, or all its sheets are.
    #[error("{}", say().read_empty_sheet(path.display().to_string(), sheet.as_str()))]
    EmptySheet {
        /// The file.
        path: PathBuf,
        /// The sheet.
        sheet: String,
        /// The visible sheets.
        sheets: Vec<String>,
    },
    /// The file has no rows below the header.
    #[error("{}", say().read_no_rows(path.display().to_string()))]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// The file has more rows than the journal can number.
    #[error("{}", say().read_too_many_rows(path.display().to_string(), number(*rows), number(MOST_ROWS)))]
    TooManyRows {
        /// The file.
        path: PathBuf,
        /// The number of rows.
        rows: u64,
    },
    /// The file has another format.
    #[error("{}", say().read_not_csv(path.display().to_string(), kind.sentence(), fix_for(*kind)))]
    NotCsv {
        /// The file.
        path: PathBuf,
        /// The detected format.
        kind: Code,
    },
    /// The workbook cannot be read.
    #[error("{}", say().read_workbook(path.display().to_string(), why.as_str()))]
    Workbook {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// `--sheet` names no sheet of the workbook.
    #[error("{}", say().read_no_sheet(path.display().to_string(), sheet.as_str(), found.as_str()))]
    NoSheet {
        /// The file.
        path: PathBuf,
        /// The requested sheet.
        sheet: String,
        /// The workbook's sheets, comma-separated.
        found: String,
    },
    /// Several sheets of the workbook may be the roster, and none was chosen.
    #[error("{}", say().read_several_sheets(path.display().to_string(), sheets.join(", ")))]
    SeveralSheets {
        /// The file.
        path: PathBuf,
        /// The sheets.
        sheets: Vec<String>,
    },
    /// `--sheet` was given for a file that has no sheets.
    #[error("{}", say().read_no_workbook(path.display().to_string()))]
    NoWorkbook {
        /// The file.
        path: PathBuf,
    },
    /// The encoding of the text is ambiguous.
    #[error("{}", unknown_encoding(path, likely))]
    UnknownEncoding {
        /// The file.
        path: PathBuf,
        /// The possible encodings, the most likely first.
        likely: Vec<Likely>,
    },
    /// `--encoding` names no encoding.
    #[error("{}", say().read_no_such_encoding(label.as_str()))]
    NoSuchEncoding {
        /// The requested label.
        label: String,
    },
    /// Two columns have the same header.
    #[error("{}", say().read_duplicate_header(path.display().to_string(), *first, *second, name.as_str()))]
    DuplicateHeader {
        /// The file.
        path: PathBuf,
        /// The header.
        name: String,
        /// The position of the first column, from 1.
        first: usize,
        /// The position of the second column, from 1.
        second: usize,
    },
    /// The header has bytes that are invalid in the file's encoding.
    #[error("{}", say().read_undecodable_header(path.display().to_string(), *column, *encoding))]
    UndecodableHeader {
        /// The file.
        path: PathBuf,
        /// Position of the column, from 1.
        column: usize,
        /// The encoding used.
        encoding: &'static str,
    },
    /// A quotation mark was opened and never closed.
    #[error("{}", say().read_unclosed_quote(path.display().to_string(), *line))]
    UnclosedQuote {
        /// The file.
        path: PathBuf,
        /// The line of the quotation mark, from 1.
        line: u64,
    },
    /// A misplaced quotation mark joined several rows.
    #[error("{}", say().read_stray_quote(path.display().to_string(), *line, *last_line))]
    StrayQuote {
        /// The file.
        path: PathBuf,
        /// The first line of the joined rows, from 1.
        line: u64,
        /// The last line of the joined rows.
        last_line: u64,
    },
    /// A row exceeds the maximum size.
    #[error("{}", say().read_row_too_large(path.display().to_string(), *line, *limit))]
    RowTooLarge {
        /// The file.
        path: PathBuf,
        /// The row's first line, from 1.
        line: u64,
        /// The limit, in MiB.
        limit: usize,
    },
    /// `--header-row` names a line that the file does not have.
    #[error("{}", say().read_no_header_row(path.display().to_string(), *line, *lines))]
    NoHeaderRow {
        /// The file.
        path: PathBuf,
        /// The requested line.
        line: u64,
        /// The number of lines, as far as they were read.
        lines: u64,
    },
    /// The file was changed while it was read.
    #[error("{}", say().read_changed(path.display().to_string()))]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

fn unknown_encoding(path: &Path, likely: &[Likely]) -> String {
    let path = path.display().to_string();
    if likely.is_empty() {
        return say().read_unknown_encoding(path);
    }
    let shown: Vec<String> = likely
        .iter()
        .map(|one| say().read_likely(one.charset.name(), one.word.as_str(), one.charset.label()))
        .collect();
    say().read_encoding_in_doubt(path, shown.join("; "))
}

impl ReadError {
    /// Creates the error for a file of another format.
    pub(super) fn of_kind(path: &Path, kind: Code) -> ReadError {
        ReadError::NotCsv {
            path: path.to_owned(),
            kind,
        }
    }

    /// Returns a function that wraps an I/O error of the file.
    pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> ReadError + Copy {
        move |source| ReadError::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// The error for logs and notifications, without content of the file.
    pub fn fact(&self) -> Fact {
        let (code, path) = self.code();
        let fact = match path {
            Some(path) => Fact::new(code).at_path(path),
            None => Fact::new(code),
        };
        match self {
            ReadError::HeaderTooLong { most, .. } => fact.with_most(*most as u64),
            ReadError::Io { source, .. } => fact.with_io(source),
            ReadError::TooManyRows { rows, .. } => fact.with_count(*rows).with_most(MOST_ROWS),
            ReadError::NotCsv { kind, .. } => fact.because(*kind),
            ReadError::DuplicateHeader { first, second, .. } => fact.at_columns((*first, *second)),
            ReadError::UndecodableHeader { column, .. } => fact.at_column(*column),
            ReadError::UnclosedQuote { line, .. } => fact.at_line(*line),
            ReadError::StrayQuote {
                line, last_line, ..
            } => fact.at_lines((*line, *last_line)),
            ReadError::RowTooLarge { line, limit, .. } => {
                fact.at_line(*line).with_most(*limit as u64)
            }
            ReadError::NoHeaderRow { line, lines, .. } => fact.at_line(*line).with_count(*lines),
            ReadError::Empty { .. }
            | ReadError::EmptySheet { .. }
            | ReadError::NoRows { .. }
            | ReadError::Workbook { .. }
            | ReadError::NoSheet { .. }
            | ReadError::NoWorkbook { .. }
            | ReadError::SeveralSheets { .. }
            | ReadError::UnknownEncoding { .. }
            | ReadError::NoSuchEncoding { .. }
            | ReadError::Changed { .. } => fact,
        }
    }

    fn code(&self) -> (Code, Option<&Path>) {
        let (code, path) = match self {
            ReadError::HeaderTooLong { path, .. } => (Code::ReadHeaderTooLong, path),
            ReadError::Io { path, .. } => (Code::ReadIo, path),
            ReadError::Empty { path } => (Code::ReadEmpty, path),
            ReadError::EmptySheet { path, .. } => (Code::ReadEmpty, path),
            ReadError::NoRows { path } => (Code::ReadNoRows, path),
            ReadError::TooManyRows { path, .. } => (Code::ReadTooManyRows, path),
            ReadError::NotCsv { path, .. } => (Code::ReadNotCsv, path),
            ReadError::Workbook { path, .. } => (Code::ReadWorkbook, path),
            ReadError::NoSheet { path, .. } => (Code::ReadNoSheet, path),
            ReadError::SeveralSheets { path, .. } => (Code::ReadSeveralSheets, path),
            ReadError::NoWorkbook { path } => (Code::ReadNoWorkbook, path),
            ReadError::UnknownEncoding { path, .. } => (Code::ReadUnknownEncoding, path),
            ReadError::NoSuchEncoding { .. } => return (Code::ReadNoSuchEncoding, None),
            ReadError::DuplicateHeader { path, .. } => (Code::ReadDuplicateHeader, path),
            ReadError::UndecodableHeader { path, .. } => (Code::ReadUndecodableHeader, path),
            ReadError::UnclosedQuote { path, .. } => (Code::ReadUnclosedQuote, path),
            ReadError::StrayQuote { path, .. } => (Code::ReadStrayQuote, path),
            ReadError::RowTooLarge { path, .. } => (Code::ReadRowTooLarge, path),
            ReadError::NoHeaderRow { path, .. } => (Code::ReadNoHeaderRow, path),
            ReadError::Changed { path } => (Code::ReadChanged, path),
        };
        (code, Some(path))
    }

    /// Whether the process was stopped while it waited for the file's data.
    pub fn is_stopped(&self) -> bool {
        match self {
            ReadError::Io { source, .. } => Refusal::within(source) == Some(&Refusal::Stopped),
            _ => false,
        }
    }
}
