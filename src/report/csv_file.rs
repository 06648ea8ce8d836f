use std::path::{Path, PathBuf};

use csv::{Writer, WriterBuilder};

use super::error::ReportError;
use super::whole_file::{Placing, WholeFile};

/// A CSV file that appears under its name whole or not at all.
pub(super) struct CsvFile {
    writer: Writer<WholeFile>,
    path: PathBuf,
}

impl CsvFile {
    /// A file of commas.
    pub(super) fn create(path: &Path, placing: Placing) -> Result<CsvFile, ReportError> {
        let file = WholeFile::create_as(path, placing)?;
        Ok(CsvFile::over(&WriterBuilder::new(), file, path))
    }

    /// A file that has been begun, in the dialect of `builder`.
    pub(super) fn over(builder: &WriterBuilder, file: WholeFile, path: &Path) -> CsvFile {
        CsvFile {
            writer: builder.from_writer(file),
            path: path.to_owned(),
        }
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
