use std::io::Write;
use std::path::{Path, PathBuf};

use csv::{Terminator, Writer, WriterBuilder};

use super::error::ReportError;
use super::whole_file::{Placing, WholeFile};
use crate::read::Dialect;

/// A CSV file that appears under its name whole or not at all.
pub(super) struct CsvFile {
    writer: Writer<WholeFile>,
    path: PathBuf,
}

impl CsvFile {
    /// A file in the dialect of a roster, with a mark where a spreadsheet needs one to open both alike.
    pub(super) fn create(
        path: &Path,
        placing: Placing,
        dialect: Dialect,
    ) -> Result<CsvFile, ReportError> {
        let mut file = WholeFile::create_as(path, placing)?;
        if dialect.wants_mark() {
            let explain = file.explain();
            file.write_all("\u{FEFF}".as_bytes()).map_err(explain)?;
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

    /// Writes one record.
    pub(super) fn write<T: AsRef<[u8]>>(
        &mut self,
        record: impl IntoIterator<Item = T>,
    ) -> Result<(), ReportError> {
        self.writer
            .write_record(record)
            .map_err(|error| ReportError::Write {
                path: self.path.clone(),
                source: error.into(),
            })
    }

    /// Puts the file in its place. Returns its path.
    pub(super) fn finish(self) -> Result<PathBuf, ReportError> {
        let path = self.path;
        let file = self
            .writer
            .into_inner()
            .map_err(|error| ReportError::Write {
                path,
                source: error.into_error(),
            })?;
        file.finish()
    }
}
