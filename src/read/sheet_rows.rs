//! Writes sheet rows as delimited text.

use std::io::Write;

use super::mark::{CellMark, Marks};
use super::merges::Merges;
use super::number_format::Shown;
use super::sheet_limits::{MAX_CELL, MAX_TEXT, Trouble, refuse_place};
use super::sheet_notes::Stretches;
use crate::l10n::say;

/// The delimiter of the text, the default of a Swedish Excel.
pub(super) const DELIMITER: u8 = b';';

/// A sheet of a workbook.
#[derive(Debug, Clone)]
pub(super) struct SheetEntry {
    pub(super) name: String,
    /// The sheet's index among all sheets, chart sheets included.
    pub(super) place: usize,
    pub(super) is_hidden: bool,
}

/// Writes cells as CSV lines.
pub(super) struct Rows<W: Write> {
    writer: csv::Writer<W>,
    /// The current row, counted from 0.
    row: u32,
    cells: Vec<String>,
    marks: Vec<Option<CellMark>>,
    /// The number of bytes of text so far.
    text: usize,
    /// The number of cells in the header. Shorter rows are padded, because workbooks omit empty cells.
    width: usize,
    /// Hidden rows, counted from 0.
    pub(super) hidden: Stretches,
    pub(super) merges: Merges,
    skips_hidden: bool,
    kept: Kept,
}

/// The metadata of a sheet's rows.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) marks: Marks,
    /// The number of hidden rows below the first non-empty row.
    pub(super) hidden_rows: u64,
    /// Whether all cells are empty.
    pub(super) is_empty: bool,
}

impl<W: Write> Rows<W> {
    /// Creates a writer. With `skips_hidden`, hidden rows are written as empty rows, so that later rows keep
    /// their numbers.
    pub(super) fn to(out: W, skips_hidden: bool) -> Rows<W> {
        Rows {
            writer: csv::WriterBuilder::new()
                .delimiter(DELIMITER)
                .flexible(true)
                .from_writer(out),
            row: 0,
            cells: Vec::new(),
            marks: Vec::new(),
            text: 0,
            width: 0,
            hidden: Stretches::default(),
            merges: Merges::default(),
            skips_hidden,
            kept: Kept::default(),
        }
    }

    /// Adds a cell. Cells must be added row by row.
    pub(super) fn put(&mut self, row: u32, column: u32, cell: Shown) -> Result<(), Trouble> {
        let Shown { text, mark } = cell;
        let number = u64::from(row) + 1;
        let refuse = |why: String| Err(Trouble::Workbook(why));
        refuse_place(row, self.row, column)?;
        if text.len() > MAX_CELL {
            return refuse(say().workbook_cell_too_large(number, text.len(), MAX_CELL));
        }
        self.text = self.text.saturating_add(text.len());
        if self.text > MAX_TEXT {
            return refuse(say().workbook_too_much_text(number));
        }
        while self.row < row {
            self.end_row()?;
        }
        let column = column as usize;
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = text;
        if mark.is_some() {
            if self.marks.len() <= column {
                self.marks.resize(column + 1, None);
            }
            self.marks[column] = mark;
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Trouble> {
        let last = self.cells.iter().rposition(|cell| !cell.trim().is_empty());
        let is_filled = last.is_some() || self.marks.iter().any(Option::is_some);
        self.merges
            .cover(self.row, &self.cells, &mut self.marks, &mut self.kept.marks);
        if self.width > 0 && is_filled && self.hidden.has(self.row) {
            self.kept.hidden_rows += 1;
            if self.skips_hidden {
                self.cells.clear();
                self.marks.clear();
            }
        }
        self.row += 1;
        if self.width == 0 {
            self.width = last.map_or(0, |last| last + 1);
        }
        if self.cells.len() < self.width {
            self.cells.resize(self.width, String::new());
        }
        // Empty rows are written too, so that line numbers match the sheet's rows.
        if self.cells.len() < 2 {
            self.cells.resize(2, String::new());
        }
        if !(self.marks.is_empty() && self.kept.marks.is_empty()) {
            // A covered cell may lie after the row's last cell.
            let width = self.cells.len().max(self.marks.len());
            let width = width.max(self.kept.marks.columns());
            let marks = self.marks.drain(..).chain(std::iter::repeat(None));
            let cells = self.cells.iter().map(String::is_empty);
            let cells = cells.chain(std::iter::repeat(true));
            self.kept
                .marks
                .note(self.row, cells.zip(marks).take(width))?;
        }
        let written = self.writer.write_record(self.cells.drain(..));
        // The conversion of the csv crate would lose the kind of the error.
        written.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => std::io::Error::other(format!("{other:?}")),
        })?;
        Ok(())
    }

    /// Writes the last row and returns the metadata.
    pub(super) fn end(mut self) -> Result<Kept, Trouble> {
        self.end_row()?;
        self.writer.flush()?;
        self.kept.is_empty = self.width == 0 && self.kept.marks.is_empty();
        Ok(self.kept)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;
    use crate::model::Refusal;

    struct FullDisk;

    impl Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_not_reported_as_a_damaged_sheet() {
        let is_full = |end: Result<(), Trouble>| match end {
            Err(Trouble::Io(error)) => Refusal::within(&error) == Some(&Refusal::NoTemporary),
            _ => false,
        };
        let mut rows = Rows::to(FullDisk, false);
        let cell = || Shown::text("x".repeat(1000));
        let all = (0..20).try_for_each(|row| rows.put(row, 0, cell()));
        assert!(is_full(all));
        let mut few = Rows::to(FullDisk, false);
        assert!(few.put(0, 0, cell()).is_ok());
        assert!(is_full(few.end().map(|_| ())));
    }
}
