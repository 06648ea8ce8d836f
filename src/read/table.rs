//! A table holds the rows of one block.

use std::ops::Range;
use std::sync::Arc;

use super::header::fold_header;
use super::mark::{CellMark, Marks};
use super::mends::Mends;
use crate::model::RowAt;

/// The rows of one block: its text, in which their cells lie, and behind it the cells of rows with quotes,
/// without these, and of rows that somebody has corrected.
pub struct Table {
    pub(super) text: Text,
    /// Where each cell ends in `text`, for all rows.
    pub(super) ends: Vec<usize>,
    pub(super) rows: Vec<RowSpan>,
    /// Line ends in the block.
    pub(super) lines: u64,
    /// Line ends in the block that do not lie within a cell: rows, as a spreadsheet counts them.
    pub(super) sheet_rows: u64,
    /// Rows of nothing but delimiters, which are no rows.
    pub(super) empty_rows: u64,
    /// Rows with fewer cells than the header has names, by their places here.
    pub(super) short: Vec<usize>,
    /// The first row that a quote opened by mistake made of several, by its place here.
    pub(super) hidden: Option<usize>,
    /// Whether it is the last row and has no line ending.
    pub(super) is_unended: bool,
    /// Where the block's first row stands.
    pub(super) first: RowAt,
    /// Bytes of the block.
    pub(super) bytes: u64,
    /// What a workbook knows about its cells, and those for which it no longer holds.
    pub(super) marks: Option<Arc<Marks>>,
    pub(super) mended: Vec<(u64, usize)>,
    /// The numbers of the rows whose cells were emptied because they are about protected persons, ascending.
    pub(super) withheld: Vec<u64>,
    /// Whether rows of the file may be about protected persons.
    pub(super) conceals: bool,
}

/// Bytes between two cells of a row: the delimiter, where they lie in the block as it stands.
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

    /// Puts bytes behind it, which are text where all of it is.
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
    /// Lines between the block's first one and the row's.
    pub(super) line: u64,
    /// The same without those that lie within a cell.
    pub(super) sheet_row: u64,
    /// Line breaks within the row.
    pub(super) breaks: u64,
    pub(super) offset: u64,
    pub(super) flaw: Option<Flaw>,
}

/// What is wrong with how a row stands in its file, or was put right about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Text stands behind a closing quote; whether a backslash was meant to escape the quote.
    TextAfterQuote {
        /// Whether the file escapes quotes with backslashes.
        backslash: bool,
    },
    /// A line break divides a row: this is one part, and the other is beside this number.
    Divided {
        /// The spreadsheet row number of the other part.
        other: u64,
    },
    /// The file ends within the row, which has too few cells and no line end.
    Truncated,
    /// The program that wrote the file left out empty cells at the end of its rows.
    FilledUp,
    /// The row is damaged and may be about a protected person, so its cells were emptied.
    Concealed,
}

/// How a file's rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) delimiter: u8,
    pub(super) width: usize,
    /// Cells up to the last one whose header has a name.
    pub(super) least: usize,
}

impl Shape {
    /// Of rows below a header.
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

/// A cell as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Its text.
    Text(&'a str),
    /// Bytes that are not text in the file's encoding.
    Undecodable(&'a [u8]),
}

/// One row of the input, unchecked.
#[derive(Clone, Copy)]
pub struct RawRow<'a> {
    /// Where it stands.
    pub at: RowAt,
    /// Line breaks within its quoted cells.
    pub line_breaks: u64,
    table: &'a Table,
    span: &'a RowSpan,
}

impl Table {
    /// Numbers lines as a spreadsheet numbers rows: what was read from a workbook has no others.
    pub(super) fn number_as_in_a_sheet(&mut self) {
        self.first.line = self.first.sheet_row;
        for row in &mut self.rows {
            row.line = row.sheet_row;
        }
    }

    /// Takes over what a workbook knows about its cells.
    pub(super) fn mark(&mut self, marks: &Arc<Marks>) {
        self.marks = (!marks.is_empty()).then(|| marks.clone());
    }

    /// Marks the row that the file ends in, where it lacks cells. Many programs leave out the last line end.
    pub(super) fn mark_truncated(&mut self, least: usize) {
        if self.is_unended
            && let Some(last) = self.rows.last_mut()
            && last.cells.len() < least
            && matches!(last.flaw, None | Some(Flaw::FilledUp))
        {
            last.flaw = Some(Flaw::Truncated);
        }
    }

    /// Puts what somebody changed in place of what the file says. Such a row has `width` cells at least:
    /// one with more of them stays wrong, since which of them belong where is not known.
    pub(super) fn mend(&mut self, mends: &Mends, width: usize) {
        let first = self.first.row;
        for (row, changed) in mends.within(first, self.rows.len() as u64) {
            let Some(index) = usize::try_from(row - first).ok() else {
                continue;
            };
            let Some(own) = self.rows().nth(index) else {
                continue;
            };
            let own: Vec<Vec<u8>> = own.cells().map(|cell| cell.bytes().to_vec()).collect();
            let (start, first_cell) = (self.text.len(), self.ends.len());
            self.mended
                .extend(changed.keys().map(|column| (row, *column)));
            for column in 0..width.max(own.len()) {
                match changed.get(&column) {
                    Some(text) => self.append(text.as_bytes()),
                    None => self.append(own.get(column).map_or(&[], Vec::as_slice)),
                }
            }
            if let Some(span) = self.rows.get_mut(index) {
                (span.start, span.cells) = (start, first_cell..self.ends.len());
                // Whoever changed it has seen it.
                span.flaw = None;
            }
        }
    }

    /// Empties all cells of a row but those in the columns `kept`.
    pub(super) fn empty(&mut self, index: usize, kept: &[usize]) {
        let Some(row) = self.rows().nth(index) else {
            return;
        };
        let cell = |column: usize| {
            let cell = row.cell(column).filter(|_| kept.contains(&column));
            cell.map_or(Vec::new(), |cell| cell.bytes().to_vec())
        };
        let cells: Vec<Vec<u8>> = (0..row.len()).map(cell).collect();
        let (start, first_cell) = (self.text.len(), self.ends.len());
        for cell in cells {
            self.append(&cell);
        }
        if let Some(span) = self.rows.get_mut(index) {
            (span.start, span.cells) = (start, first_cell..self.ends.len());
        }
    }

    /// Puts a cell behind all others.
    fn append(&mut self, cell: &[u8]) {
        self.text.push(cell);
        self.ends.push(self.text.len());
        // What it is makes no difference; that it takes no less than a delimiter does.
        self.text.push(&[b' '; GAP]);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where it ends in the file's text, in bytes.
    pub fn end(&self) -> u64 {
        self.first.offset + self.bytes
    }

    /// Rows of nothing but delimiters that were passed over.
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
    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.span.cells.len()
    }

    /// How many bytes its cells have, with what stands between them in the text that they are kept in.
    pub fn bytes(&self) -> usize {
        let last = self.table.ends.get(self.span.cells.end.wrapping_sub(1));
        last.map_or(0, |end| end.saturating_sub(self.span.start))
    }

    /// What is wrong with how it stands in the file.
    #[inline]
    pub fn flaw(&self) -> Option<Flaw> {
        self.span.flaw
    }

    /// Whether it has no cell. No row of a [`Table`] is like that.
    pub fn is_empty(&self) -> bool {
        self.span.cells.is_empty()
    }

    /// Where it stands: in a results file, whose column `line` holds it, with the number that was beside it
    /// in the file that it came from first.
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

    /// The cell at `index`, or nothing where the row is too short.
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
            // The delimiter is ASCII, so a cell's bounds are character bounds.
            Text::Valid(text) => Cell::Text(text.get(start..end)?),
            Text::Bytes(bytes) => {
                let bytes = bytes.get(start..end)?;
                std::str::from_utf8(bytes).map_or(Cell::Undecodable(bytes), Cell::Text)
            }
        })
    }

    /// Whether it is about a protected person, so that its cells were emptied.
    #[inline]
    pub fn is_withheld(&self) -> bool {
        let withheld = &self.table.withheld;
        !withheld.is_empty() && withheld.binary_search(&self.at.row).is_ok()
    }

    /// Whether a workbook knows anything about its cells beside their text.
    #[inline]
    pub fn has_marks(&self) -> bool {
        self.table.marks.is_some()
    }

    /// What a workbook knows about the cell at `index` beside its text.
    pub fn mark(&self, index: usize) -> Option<CellMark> {
        let marks = self.table.marks.as_ref()?;
        let is_mended = self.table.mended.contains(&(self.at.row, index));
        // A workbook leaves out empty cells at the end of a row.
        let text = self.cell(index).map_or(&[][..], Cell::bytes);
        let mark = marks.of(self.at.sheet_row, index, text);
        mark.filter(|_| !is_mended && !self.is_withheld())
    }

    /// What the merged cell shows whose top-left cell stands there.
    pub fn shown_by_merged(&self, row: u32, column: u16) -> &'a str {
        // Its row may be about a protected person.
        let marks = self.table.marks.as_ref();
        marks
            .filter(|_| !self.table.conceals)
            .and_then(|marks| marks.shown(row, column))
            .unwrap_or_default()
    }

    /// The cells, in order.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'a>> {
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
    fn what_somebody_changed_stands_in_place_of_the_files_own() {
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
        // What is too much in a row stays, so that the row stays wrong.
        let expected: [&[&[u8]]; 4] = [
            &[b"a", b"\"x\";y"],
            &[b"\xFF", "\u{e5}".as_bytes()],
            &[b"", b"d", b"e"],
            &[b"f", b"g"],
        ];
        assert_eq!(cells, expected);
        assert_eq!(table.rows().nth(3).unwrap().at.line, 4);
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
    fn more_cells_than_expected_are_all_kept() {
        let long = ";".repeat(300) + "x\n";
        assert_eq!(rows(&long)[0].1.len(), 301);
    }

    #[test]
    fn a_cell_that_is_not_text_is_told_apart() {
        let table = parse(b"a;\xE5\n");
        let row = table.rows().next().unwrap();
        assert_eq!(row.cell(0), Some(Cell::Text("a")));
        assert_eq!(row.cell(1), Some(Cell::Undecodable(b"\xE5")));
        assert_eq!(row.cell(2), None);
    }
}
