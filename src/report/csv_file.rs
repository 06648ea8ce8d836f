//! CSV files that are written atomically.

use std::io;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Terminator, Writer, WriterBuilder};

use super::error::ReportError;
use super::safe_cell::{Reader, safe_cell};
use super::whole_file::{Placing, WholeFile};
use crate::read::Dialect;

/// A CSV file that is written atomically.
pub(super) struct CsvFile {
    writer: Writer<WholeFile>,
    path: PathBuf,
}

impl CsvFile {
    /// Creates a file in the dialect of a roster, with a byte order mark if a spreadsheet needs one to open
    /// both alike.
    pub(super) fn create(
        path: &Path,
        placing: Placing,
        dialect: Dialect,
    ) -> Result<CsvFile, ReportError> {
        let mut file = WholeFile::create_as(path, placing)?;
        if dialect.wants_mark() {
            file.put("\u{FEFF}".as_bytes())?;
        }
        let terminator = if dialect.crlf {
            Terminator::CRLF
        } else {
            Terminator::Any(b'\n')
        };
        let mut builder = WriterBuilder::new();
        builder
            .delimiter(dialect.delimiter)
            .terminator(terminator)
            .flexible(true);
        Ok(CsvFile {
            writer: builder.from_writer(file),
            path: path.to_owned(),
        })
    }

    /// Writes a record without escaping: its cells are input cells or already escaped.
    pub(super) fn write(&mut self, record: &ByteRecord) -> Result<(), ReportError> {
        let written = self.writer.write_byte_record(record);
        written.map_err(|error| ReportError::write(&self.path)(error.into()))
    }

    /// Moves the file to its path. Returns the path.
    pub(super) fn finish(self) -> Result<PathBuf, ReportError> {
        let file = self.writer.into_inner();
        file.map_err(|error| ReportError::write(&self.path)(error.into_error()))?
            .finish()
    }
}

/// Returns generated rows as CSV text with this delimiter.
pub fn roster_text<T: AsRef<str>>(
    delimiter: u8,
    records: impl IntoIterator<Item = Vec<T>>,
) -> io::Result<String> {
    let mut writer = WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    for record in records {
        let cells = record
            .iter()
            .map(|cell| safe_cell(cell.as_ref(), Reader::Program));
        writer.write_record(cells.map(|cell| cell.into_owned()))?;
    }
    let text = writer.into_inner().map_err(|error| error.into_error())?;
    String::from_utf8(text).map_err(io::Error::other)
}
