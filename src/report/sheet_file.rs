//! Tables as CSV or workbook.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Color, Format, FormatBorder, Note, Workbook, Worksheet, XlsxError};

use super::csv_file::CsvFile;
use super::error::ReportError;
use super::faults::faults;
use super::safe_cell::{Reader, safe_cell};
use super::whole_file::{Placing, WholeFile};
use crate::l10n::{number, say};
use crate::model::{Problem, RowState, Standing};
use crate::read::Dialect;

/// The maximum number of rows in a sheet below its header (Microsoft, Excel specifications and limits).
pub(super) const MOST_ROWS: u64 = 1_048_575;

/// The maximum number of characters in a cell (Microsoft, Excel specifications and limits).
const MOST_CHARACTERS: usize = 32_767;

/// The maximum number of cells with a note. Notes are kept in memory.
const MOST_NOTES: usize = 2_000;

/// A table that is written atomically, as CSV in the roster's dialect or as a workbook, depending on the
/// extension.
pub(super) enum SheetFile {
    Csv(Box<CsvFile>),
    Workbook(Box<WorkbookFile>),
}

pub(super) fn is_workbook(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"))
}

impl SheetFile {
    /// Creates a file with this header. `outcome` is the range of the result columns.
    pub(super) fn create(
        path: &Path,
        placing: Placing,
        dialect: Dialect,
        (header, outcome): (Vec<&str>, Range<usize>),
    ) -> Result<SheetFile, ReportError> {
        if is_workbook(path) {
            let file = WorkbookFile::create(path, placing, &header, outcome)?;
            return Ok(SheetFile::Workbook(Box::new(file)));
        }
        let mut file = CsvFile::create(path, placing, dialect)?;
        file.write(&csv::ByteRecord::from(header))?;
        Ok(SheetFile::Csv(Box::new(file)))
    }

    /// Creates a file of generated cells with this header and no result columns.
    pub(super) fn of_ours<T: AsRef<str>>(
        path: &Path,
        (placing, dialect): (Placing, Dialect),
        header: impl IntoIterator<Item = T>,
        reader: Reader,
    ) -> Result<SheetFile, ReportError> {
        let header: Vec<T> = header.into_iter().collect();
        let header = header.iter().map(|name| safe_cell(name.as_ref(), reader));
        let header: Vec<_> = header.collect();
        let names: Vec<&str> = header.iter().map(|name| &**name).collect();
        let end = names.len();
        SheetFile::create(path, placing, dialect, (names, end..end))
    }

    /// Writes a row of generated cells.
    pub(super) fn write_ours<T: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
        reader: Reader,
    ) -> Result<(), ReportError> {
        let mut record = csv::ByteRecord::new();
        for cell in cells {
            record.push_field(safe_cell(cell.as_ref(), reader).as_bytes());
        }
        // A row without a problem state is not marked.
        self.write(&record, RowState::Unchanged, &[])
    }

    /// Writes a row in this state, with its problems.
    pub(super) fn write(
        &mut self,
        record: &csv::ByteRecord,
        state: RowState,
        problems: &[Problem],
    ) -> Result<(), ReportError> {
        match self {
            SheetFile::Csv(file) => file.write(record),
            SheetFile::Workbook(file) => file.write(record, state, problems),
        }
    }

    /// Moves the file to its path. Returns the path.
    pub(super) fn finish(self) -> Result<PathBuf, ReportError> {
        match self {
            SheetFile::Csv(file) => file.finish(),
            SheetFile::Workbook(file) => file.finish(),
        }
    }
}

/// A workbook with one sheet. The header is frozen and has filters, unsuccessful rows are coloured, and cells
/// with problems are marked with a note. Every cell is text.
pub(super) struct WorkbookFile {
    file: WholeFile,
    path: PathBuf,
    workbook: Workbook,
    header: Vec<String>,
    outcome: Range<usize>,
    /// The number of rows so far, including the header.
    rows: u32,
    notes: usize,
}

impl WorkbookFile {
    fn create(
        path: &Path,
        placing: Placing,
        header: &[&str],
        outcome: Range<usize>,
    ) -> Result<WorkbookFile, ReportError> {
        let mut file = WorkbookFile {
            file: WholeFile::create_as(path, placing)?,
            path: path.to_owned(),
            workbook: Workbook::new(),
            header: header.iter().map(|&name| name.to_owned()).collect(),
            outcome,
            rows: 1,
            notes: 0,
        };
        let made = file.make_header();
        made.map_err(|error| file.explain(error))?;
        Ok(file)
    }

    fn make_header(&mut self) -> Result<(), XlsxError> {
        let bold = Format::new()
            .set_bold()
            .set_background_color(Color::RGB(0xE8_EC_EF))
            .set_border_bottom(FormatBorder::Thin);
        let ours = bold.clone().set_background_color(Color::RGB(0xD5_E3_F0));
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, name) in (0..).zip(&self.header) {
            let width = match name.as_str() {
                "import_error" | "import_warning" => 60,
                name => name.chars().count().clamp(12, 24) + 2,
            };
            sheet.set_column_width(column, width as f64)?;
            let format = if self.outcome.contains(&usize::from(column)) {
                &ours
            } else {
                &bold
            };
            sheet.write_string_with_format(0, column, cut(name), format)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        record: &csv::ByteRecord,
        state: RowState,
        problems: &[Problem],
    ) -> Result<(), ReportError> {
        let written = self.write_row(record, state, problems);
        written.map_err(|error| self.explain(error))
    }

    fn write_row(
        &mut self,
        record: &csv::ByteRecord,
        state: RowState,
        problems: &[Problem],
    ) -> Result<(), XlsxError> {
        let (row, fault) = match state.standing() {
            Standing::Faulty => (
                Some(0xFD_EC_EA),
                faults(&self.header, &self.outcome, problems),
            ),
            Standing::Open | Standing::InDoubt => (Some(0xFF_F6_DC), Vec::new()),
            Standing::Changed | Standing::Same | Standing::Left => (None, Vec::new()),
        };
        let colored = |color: u32| Format::new().set_background_color(Color::RGB(color));
        let row = row.map(colored);
        let marked = colored(0xF5_B7_B1);
        let sheet = self.workbook.worksheet_from_index(0)?;
        for (column, cell) in (0..).zip(record) {
            let text = String::from_utf8_lossy(cell);
            let why = fault
                .iter()
                .find(|(place, _)| *place == usize::from(column));
            let format = match why {
                Some(_) => Some(&marked),
                None => row.as_ref(),
            };
            write_text(sheet, (self.rows, column), cut(&text), format)?;
            if let Some((_, why)) = why
                && self.notes < MOST_NOTES
            {
                self.notes += 1;
                let note = Note::new(cut(why)).add_author_prefix(false);
                sheet.insert_note(self.rows, column, &note)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<PathBuf, ReportError> {
        let made = self.make_filters();
        let bytes = made.and_then(|()| self.workbook.save_to_buffer());
        let bytes = bytes.map_err(|error| self.explain(error))?;
        self.file.put(&bytes)?;
        self.file.finish()
    }

    fn make_filters(&mut self) -> Result<(), XlsxError> {
        let last = u16::try_from(self.header.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let sheet = self.workbook.worksheet_from_index(0)?;
        sheet.autofilter(0, 0, self.rows - 1, last)?;
        // Identity numbers and postal codes stored as text are not errors.
        sheet.ignore_error_range(
            0,
            0,
            self.rows - 1,
            last,
            rust_xlsxwriter::IgnoreError::NumberStoredAsText,
        )?;
        Ok(())
    }

    fn explain(&self, error: XlsxError) -> ReportError {
        let source = match error {
            XlsxError::IoError(error) => error,
            XlsxError::RowColumnLimitError => {
                io::Error::other(say().report_too_large(number(MOST_ROWS)))
            }
            other => io::Error::other(other.to_string()),
        };
        ReportError::write(&self.path)(source)
    }
}

fn write_text(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    text: &str,
    format: Option<&Format>,
) -> Result<(), XlsxError> {
    match format {
        None if text.is_empty() => {}
        None => {
            sheet.write_string(row, column, text)?;
        }
        Some(format) if text.is_empty() => {
            sheet.write_blank(row, column, format)?;
        }
        Some(format) => {
            sheet.write_string_with_format(row, column, text, format)?;
        }
    }
    Ok(())
}

/// Truncates a text to the maximum length of a cell, which still exceeds the limit of every field.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(MOST_CHARACTERS) {
        None => text,
        Some((end, _)) => &text[..end],
    }
}
