//! The rows of a block.

use std::ops::Range;
use std::sync::Arc;

use super::header::fold_header;
use super::mark::{CellMark, Marks};
use super::mends::Mends;
use crate::model::RowAt;

/// The rows of a block. Unquoted cells lie within the block's text; unquoted copies of quoted cells and
/// edited cells are appended to it.
pub struct Table {
    pub(super) text: Text,
    /// The end of each cell in `text`, for all rows.
    pub(super) ends: Vec<usize>,
    pub(super) rows: Vec<RowSpan>,
    /// The number of line endings in the block.
    pub(super) lines: u64,
    /// The number of line endings outside of cells, which are the spreadsheet rows.
    pub(super) sheet_rows: u64,
    /// The number of rows with only delimiters, which do not count as rows.
    pub(super) empty_rows: u64,
    /// The indexes of rows with fewer cells than the header has names.
    pub(super) short: Vec<usize>,
    /// The index of the first row in which a misplaced quotation mark joined several rows.
    pub(super) hidden: Option<usize>,
    /// Whether the last row has no line ending.
    pub(super) is_unended: bool,
    /// The position of the block's first row.
    pub(super) first: RowAt,
    /// The size of the block in bytes.
    pub(super) bytes: u64,
    /// The marks of the workbook's cells, and the edited cells, whose marks no longer apply.
    pub(super) marks: Option<Arc<Marks>>,
    pub(super) mended: Vec<MendedCell>,
    /// The numbers of the rows that the user skipped or emptied, ascending.
    pub(super) skipped: Vec<u64>,
    /// The numbers of the rows that were emptied because they are about protected persons, ascending.
    pub(super) withheld: Vec<u64>,
    /// Whether the file may have rows about protected persons.
    pub(super) conceals: bool,
}

/// A cell that the user edited.
pub(super) struct MendedCell {
    row: u64,
    column: usize,
    /// The cell in the file; `None` if it is missing there, or in a row whose notation has a flaw that the
    /// edit acknowledges.
    before: Option<Vec<u8>>,
}

/// The number of bytes between two cells of a row, which is the delimiter within the block.
pub(super) const GAP: usize = 1;

pub(super) enum Text {
    Valid(String),
    Bytes(Vec<u8>),
}

impl Text {
    pub(super) fn of(bytes: Vec<u8>) -> Text {
        match String::from_utf8(bytes) {
            Ok(text) => Text::Valid(text),
            Err(error) => Text::Bytes(error.into_bytes()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Text::Valid(text) => text.len(),
            Text::Bytes(bytes) => bytes.len(),
        }
    }

    /// Appends bytes. Text must remain valid.
    fn push(&mut self, more: &[u8]) {
        match self {
            Text::Valid(text) => text.push_str(&String::from_utf8_lossy(more)),
            Text::Bytes(bytes) => bytes.extend_from_slice(more),
        }
    }
}

pub(super) struct RowSpan {
    pub(super) start: usize,
    pub(super) cells: Range<usize>,
    /// The number of lines between the block's first line and the row's.
    pub(super) line: u64,
    /// The number of spreadsheet rows between the block's first row and this one.
    pub(super) sheet_row: u64,
    /// The number of line breaks within the row.
    pub(super) breaks: u64,
    pub(super) offset: u64,
    pub(super) flaw: Option<Flaw>,
}

/// A flaw in a row's notation, or a correction of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Text follows a closing quotation mark.
    TextAfterQuote {
        /// Whether a backslash was meant to escape the quotation mark.
        backslash: bool,
    },
    /// A line break divides the row, and this is one of its parts.
    Divided {
        /// The spreadsheet row number of the other part.
        other: u64,
    },
    /// The row is a total, a row count or a note below the rows.
    Note,
    /// The file ends within the row, which has too few cells and no line ending.
    Truncated,
    /// The row lacks trailing empty cells, which the program that wrote the file omits.
    FilledUp,
    /// The row is damaged and may be about a protected person, so its cells were emptied.
    Concealed,
}

/// The notation of a file's rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) delimiter: u8,
    pub(super) width: usize,
    /// The number of cells up to the last one with a header.
    pub(super) least: usize,
}

impl Shape {
    /// The shape of rows below a header.
    pub(super) fn below(header: &[String], delimiter: u8) -> Shape {
        let named = header
            .iter()
            .rposition(|name| !fold_header(name).is_empty());
        Shape {
            delimiter,
            width: header.len(),
            least: named.map_or(0, |last| last + 1),
        }
    }
}

/// A cell of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Valid text.
    Text(&'a str),
    /// Bytes that are invalid in the file's encoding.
    Undecodable(&'a [u8]),
}

/// An unchecked row of the input.
#[derive(Clone, Copy)]
pub struct RawRow<'a> {
    /// The row's position.
    pub at: RowAt,
    /// The number of line breaks within quoted cells.
    pub line_breaks: u64,
    table: &'a Table,
    span: &'a RowSpan,
}

impl Table {
    /// Sets line numbers to spreadsheet row numbers, because rows of a workbook have no others.
    pub(super) fn number_as_in_a_sheet(&mut self) {
        self.first.line = self.first.sheet_row;
        for row in &mut self.rows {
            row.line = row.sheet_row;
        }
    }

    /// Adds the marks of a workbook's cells.
    pub(super) fn mark(&mut self, marks: &Arc<Marks>) {
        self.marks = (!marks.is_empty()).then(|| marks.clone());
    }

    /// Marks the last row if the file ends within it. A missing line ending alone is common.
    pub(super) fn mark_truncated(&mut self, least: usize) {
        if self.is_unended
            && let Some(last) = self.rows.last_mut()
            && last.cells.len() < least
            && matches!(last.flaw, None | Some(Flaw::FilledUp))
        {
            last.flaw = Some(Flaw::Truncated);
        }
    }

    /// Applies edits. Edited rows have at least `width` cells. A row with more cells remains invalid, because
    /// the mapping of its cells is unknown.
    pub(super) fn mend(&mut self, mends: &Mends, width: usize) {
        let first = self.first.row;
        for (row, changed) in mends.within(first, self.rows.len() as u64) {
            let Some(index) = usize::try_from(row - first).ok() else {
                continue;
            };
            let Some(own) = self.rows().nth(index) else {
                continue;
            };
            if changed.is_empty() {
                self.skipped.push(row);
                continue;
            }
            let is_sound = matches!(own.flaw(), None | Some(Flaw::FilledUp));
            let own: Vec<Vec<u8>> = own.cells().map(|cell| cell.bytes().to_vec()).collect();
            self.mended.extend(changed.keys().map(|column| MendedCell {
                row,
                column: *column,
                before: own.get(*column).filter(|_| is_sound).cloned(),
            }));
            let cell = |column: usize| match changed.get(&column) {
                Some(text) => text.as_bytes().to_vec(),
                None => own.get(column).cloned().unwrap_or_default(),
            };
            let cells: Vec<Vec<u8>> = (0..width.max(own.len())).map(cell).collect();
            let is_blank = |cell: &Vec<u8>| String::from_utf8_lossy(cell).trim().is_empty();
            if cells.iter().all(is_blank) {
                self.skipped.push(row);
            }
            self.rewrite(index, &cells);
            if let Some(span) = self.rows.get_mut(index) {
                // The user has seen the row.
                span.flaw = None;
            }
        }
    }

    /// Empties all cells of a row except those in the columns `kept`.
    pub(super) fn empty(&mut self, index: usize, kept: &[usize]) {
        let Some(row) = self.rows().nth(index) else {
            return;
        };
        let cell = |column: usize| {
            let cell = row.cell(column).filter(|_| kept.contains(&column));
            cell.map_or(Vec::new(), |cell| cell.bytes().to_vec())
        };
        let cells: Vec<Vec<u8>> = (0..row.len()).map(cell).collect();
        self.rewrite(index, &cells);
    }

    /// Adds the empty cells that a workbook omits at the end of a row, up to `least` cells.
    pub(super) fn fill_up(&mut self, least: usize) {
        let mut short = std::mem::take(&mut self.short).into_iter().peekable();
        let filled: Vec<(usize, Vec<Vec<u8>>)> = self
            .rows()
            .enumerate()
            .filter_map(|(index, row)| {
                short.next_if_eq(&index)?;
                let cells = row.cells().map(|cell| cell.bytes().to_vec());
                let mut cells: Vec<Vec<u8>> = cells.collect();
                cells.resize(cells.len().max(least), Vec::new());
                Some((index, cells))
            })
            .collect();
        for (index, cells) in filled {
            self.rewrite(index, &cells);
        }
    }

    /// Replaces the cells of a row.
    fn rewrite(&mut self, index: usize, cells: &[Vec<u8>]) {
        let (start, first_cell) = (self.text.len(), self.ends.len());
        for cell in cells {
            self.text.push(cell);
            self.ends.push(self.text.len());
            // The separator's value is irrelevant, but it must be as long as a delimiter.
            self.text.push(&[b' '; GAP]);
        }
        if let Some(span) = self.rows.get_mut(index) {
            (span.start, span.cells) = (start, first_cell..self.ends.len());
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The end of the table in the file's text, in bytes.
    pub fn end(&self) -> u64 {
        self.first.offset + self.bytes
    }

    /// The number of rows with only delimiters, which were skipped.
    pub fn empty_rows(&self) -> u64 {
        self.empty_rows
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RawRow<'_>> {
        self.rows.iter().enumerate().map(|(index, span)| RawRow {
            at: RowAt {
                row: self.first.row + index as u64,
                line: self.first.line + span.line,
                sheet_row: self.first.sheet_row + span.sheet_row,
                offset: self.first.offset + span.offset,
            },
            line_breaks: span.breaks,
            table: self,
            span,
        })
    }
}

impl<'a> RawRow<'a> {
    /// The number of cells.
    pub fn len(&self) -> usize {
        self.span.cells.len()
    }

    /// The size of the row's cells in bytes, including separators.
    pub fn bytes(&self) -> usize {
        let last = self.table.ends.get(self.span.cells.end.wrapping_sub(1));
        last.map_or(0, |end| end.saturating_sub(self.span.start))
    }

    /// The flaw in the row's notation.
    #[inline]
    pub fn flaw(&self) -> Option<Flaw> {
        self.span.flaw
    }

    /// Whether the row has no cells. Rows of a [`Table`] always have some.
    pub fn is_empty(&self) -> bool {
        self.span.cells.is_empty()
    }

    /// The row's position. In a results file, the spreadsheet row number is that of the original file, from
    /// the column `line`.
    #[inline]
    pub fn first_place(&self, line: Option<usize>) -> RowAt {
        let known = line.and_then(|column| self.cell(column));
        let known = known.and_then(|cell| std::str::from_utf8(cell.bytes()).ok());
        let known = known.and_then(|text| text.trim().parse().ok());
        RowAt {
            sheet_row: known.unwrap_or(self.at.sheet_row),
            ..self.at
        }
    }

    /// The cell at `index`, or `None` if the row is too short.
    #[inline]
    pub fn cell(&self, index: usize) -> Option<Cell<'a>> {
        let cells = &self.span.cells;
        let place = cells.start + index;
        if place >= cells.end {
            return None;
        }
        let ends = &self.table.ends;
        let end = *ends.get(place)?;
        let start = match index {
            0 => self.span.start,
            _ => ends.get(place - 1)? + GAP,
        };
        Some(match &self.table.text {
            // The delimiter is ASCII, so cell boundaries are character boundaries.
            Text::Valid(text) => Cell::Text(text.get(start..end)?),
            Text::Bytes(bytes) => {
                let bytes = bytes.get(start..end)?;
                std::str::from_utf8(bytes).map_or(Cell::Undecodable(bytes), Cell::Text)
            }
        })
    }

    /// Whether the row is about a protected person and was emptied.
    #[inline]
    pub fn is_withheld(&self) -> bool {
        let withheld = &self.table.withheld;
        !withheld.is_empty() && withheld.binary_search(&self.at.row).is_ok()
    }

    /// Whether the user skipped the row, or emptied all of its cells.
    #[inline]
    pub fn is_skipped(&self) -> bool {
        let skipped = &self.table.skipped;
        !skipped.is_empty() && skipped.binary_search(&self.at.row).is_ok()
    }

    /// The edited cells of the row as they are in the file, by column. A cell that the file lacks is omitted,
    /// and so are those of a row whose notation has a flaw.
    pub fn before(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let is_shown = !self.is_withheld() && self.flaw() != Some(Flaw::Concealed);
        let row = self.at.row;
        let mended = self.table.mended.iter();
        let own = mended.filter(move |cell| is_shown && cell.row == row);
        own.filter_map(|cell| Some((cell.column, cell.before.as_deref()?)))
    }

    /// Whether the rows' cells have marks from a workbook.
    #[inline]
    pub fn has_marks(&self) -> bool {
        self.table.marks.is_some()
    }

    /// The mark of the cell at `index`.
    pub fn mark(&self, index: usize) -> Option<CellMark> {
        let marks = self.table.marks.as_ref()?;
        let is_it = |cell: &MendedCell| (cell.row, cell.column) == (self.at.row, index);
        let is_mended = self.table.mended.iter().any(is_it);
        // Workbooks omit empty trailing cells.
        let text = self.cell(index).map_or(&[][..], Cell::bytes);
        let mark = marks.of(self.at.sheet_row, index, text);
        mark.filter(|_| !is_mended && !self.is_withheld())
    }

    /// The text of the merged cell with this top-left cell.
    pub fn shown_by_merged(&self, row: u32, column: u16) -> &'a str {
        // The merged cell's row may be about a protected person.
        let marks = self.table.marks.as_ref();
        marks
            .filter(|_| !self.table.conceals)
            .and_then(|marks| marks.shown(row, column))
            .unwrap_or_default()
    }

    /// The cells in order.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'a>> + Clone {
        let row = *self;
        (0..row.len()).filter_map(move |index| row.cell(index))
    }
}

impl<'a> Cell<'a> {
    /// The cell's bytes in the decoded text.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Cell::Text(text) => text.as_bytes(),
            Cell::Undecodable(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Table {
        let shape = Shape::below(&["a".to_owned(), "b".to_owned()], b';');
        Table::parse(text.to_vec(), &shape)
    }

    fn rows(text: &str) -> Vec<([u64; 4], Vec<String>)> {
        let table = parse(text.as_bytes());
        table
            .rows()
            .map(|row| {
                let cells = row
                    .cells()
                    .map(|cell| String::from_utf8(cell.bytes().to_vec()).unwrap())
                    .collect();
                let at = row.at;
                ([at.row, at.line, at.sheet_row, at.offset], cells)
            })
            .collect()
    }

    #[test]
    fn edited_cells_replace_those_of_the_file() {
        let mut table = parse(b"a;b\n\xFF\nc;d;e\nf;g");
        let mut mends = Mends::default();
        mends.set(1, 1, "\"x\";y".into());
        mends.set(2, 1, "\u{e5}".into());
        mends.set(3, 0, String::new());
        mends.set(9, 0, "no such row".into());
        table.mend(&mends, 2);
        let cells: Vec<Vec<&[u8]>> = table
            .rows()
            .map(|row| row.cells().map(Cell::bytes).collect())
            .collect();
        // Surplus cells are kept, so that the row remains invalid.
        let expected: [&[&[u8]]; 4] = [
            &[b"a", b"\"x\";y"],
            &[b"\xFF", "\u{e5}".as_bytes()],
            &[b"", b"d", b"e"],
            &[b"f", b"g"],
        ];
        assert_eq!(cells, expected);
        assert_eq!(table.rows().nth(3).unwrap().at.line, 4);
        let before: Vec<Vec<(usize, &[u8])>> =
            table.rows().map(|row| row.before().collect()).collect();
        // The second row lacks the cell.
        let expected: [&[(usize, &[u8])]; 4] = [&[(1, b"b")], &[], &[(0, b"c")], &[]];
        assert_eq!(before, expected);
    }

    #[test]
    fn rows_that_the_user_skips_or_empties_are_skipped() {
        let mut table = parse("a;b\nc;d\ne;f\ng;h\n".as_bytes());
        table.rows[3].flaw = Some(Flaw::Note);
        let mut mends = Mends::default();
        mends.skip(1);
        for (row, column, text) in [(2, 0, ""), (2, 1, "\u{A0} "), (3, 0, ""), (4, 0, "g")] {
            mends.set(row, column, text.into());
        }
        table.mend(&mends, 2);
        let skipped: Vec<bool> = table.rows().map(|row| row.is_skipped()).collect();
        assert_eq!(skipped, [true, true, false, false]);
        // An edit acknowledges the flaw of a row, even if it changes no text.
        let last = table.rows().last().unwrap();
        assert_eq!((last.flaw(), last.before().count()), (None, 0));
    }

    #[test]
    fn a_row_has_its_number_line_and_offset() {
        let found = rows("a;b\r\n\r\n\"c\nd\";e\r\n;\r\nf;g");
        let expected = [
            ([1, 1, 1, 0], vec!["a", "b"]),
            ([2, 3, 3, 7], vec!["c\nd", "e"]),
            ([3, 6, 5, 19], vec!["f", "g"]),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(at, cells)| {
                let cells: Vec<&str> = cells;
                (at, cells.into_iter().map(String::from).collect())
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn surplus_cells_are_kept() {
        let long = ";".repeat(300) + "x\n";
        assert_eq!(rows(&long)[0].1.len(), 301);
    }

    #[test]
    fn an_undecodable_cell_is_distinguished_from_text() {
        let table = parse(b"a;\xE5\n");
        let row = table.rows().next().unwrap();
        assert_eq!(row.cell(0), Some(Cell::Text("a")));
        assert_eq!(row.cell(1), Some(Cell::Undecodable(b"\xE5")));
        assert_eq!(row.cell(2), None);
    }
}
