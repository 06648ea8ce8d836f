use std::path::PathBuf;

use thiserror::Error;

/// Why a file cannot be read as a roster. Each says what was found and what to do.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The header does not end where any header does.
    #[error(
        "{}: the first row does not end within {most} bytes, so it cannot be a header; look for a missing quote",
        path.display()
    )]
    HeaderTooLong {
        /// The file.
        path: PathBuf,
        /// Bytes that a header may have.
        most: usize,
    },
    /// The file is not there, or may not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds nothing.
    #[error("{} is empty: a roster needs a header line and at least one row", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file holds a header and nothing below it.
    #[error("{} has a header and no rows below it", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another kind.
    #[error("{} is not a CSV file but {what}; {fix}", path.display())]
    NotCsv {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// How to get a CSV file.
        fix: &'static str,
    },
    /// The workbook cannot be read.
    #[error("cannot read the workbook {}: {why}; open it in Excel and save it as \"CSV UTF-8\"", path.display())]
    Workbook {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// `--sheet` names no sheet of the workbook.
    #[error("the workbook {} has no sheet \"{sheet}\"; it has: {found}", path.display())]
    NoSheet {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        sheet: String,
        /// The sheets it has, comma-separated.
        found: String,
    },
    /// `--sheet` was given for a file that has no sheets.
    #[error("{} is not a workbook, so it has no sheets; drop --sheet", path.display())]
    NoWorkbook {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are text in an encoding that is not known for certain.
    #[error(
        "{} is neither UTF-8 nor Windows-1252 as a Swedish roster would be ({why}); name its encoding with --encoding, or save it as \"CSV UTF-8\"",
        path.display()
    )]
    UnknownEncoding {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// `--encoding` names no encoding.
    #[error("there is no encoding \"{label}\"; try utf-8, windows-1252, utf-16le or macintosh")]
    NoSuchEncoding {
        /// What was asked for.
        label: String,
    },
    /// Two columns have the same header.
    #[error(
        "{}: columns {first} and {second} of the header are both called \"{name}\"; rename or remove one",
        path.display()
    )]
    DuplicateHeader {
        /// The file.
        path: PathBuf,
        /// The header.
        name: String,
        /// Position of the first, from 1.
        first: usize,
        /// Position of the second, from 1.
        second: usize,
    },
    /// The header has bytes that are not text in the file's encoding.
    #[error(
        "{}: column {column} of the header has bytes that are not {encoding}; name the file's encoding with --encoding",
        path.display()
    )]
    UndecodableHeader {
        /// The file.
        path: PathBuf,
        /// Position of the column, from 1.
        column: usize,
        /// The encoding it was read as.
        encoding: &'static str,
    },
    /// A quote was opened and never closed.
    #[error(
        "{}: a quote that opens on line {line} is never closed, so all that follows would be one cell; remove or close the quote",
        path.display()
    )]
    UnclosedQuote {
        /// The file.
        path: PathBuf,
        /// The line on which it opens, from 1.
        line: u64,
    },
    /// A quote swallowed rows.
    #[error(
        "{}: a quote on line {line} makes lines {line} to {last_line} one row, and hides the rows among them; remove or close the quote",
        path.display()
    )]
    StrayQuote {
        /// The file.
        path: PathBuf,
        /// First line of the row, from 1.
        line: u64,
        /// Last line of the row.
        last_line: u64,
    },
    /// One row is larger than any roster's.
    #[error(
        "{}: the row that begins on line {line} is larger than {limit} MiB; is this a roster?",
        path.display()
    )]
    RowTooLarge {
        /// The file.
        path: PathBuf,
        /// The line on which it begins, from 1.
        line: u64,
        /// The limit, in MiB.
        limit: usize,
    },
    /// The file was changed while it was read.
    #[error("{} was changed while it was being read; run the command again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}
