//! Splits text into rows and cells.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr3, memchr3_iter, memrchr2};

use super::lines;
use super::table::{Flaw, GAP, RowSpan, Shape, Table, Text};
use crate::model::RowAt;

impl Table {
    /// Parses a block of text.
    pub(super) fn parse(block: Vec<u8>, shape: &Shape) -> Table {
        let mut found = Found::with_room_for(&block, shape);
        let mut at = 0;
        while let Some(quote) = memchr(b'"', &block[at..]) {
            let before = &block[at..at + quote];
            let row = memrchr2(b'\n', b'\r', before).map_or(at, |line_end| at + line_end + 1);
            found.split(&block, at..row);
            at = found.unquote(&block, row);
        }
        found.split(&block, at..block.len());
        found.into_table(block)
    }
}

/// The rows of a block that have been found so far.
struct Found<'a> {
    shape: &'a Shape,
    ends: Vec<usize>,
    rows: Vec<RowSpan>,
    /// The number of line endings so far, and of those within cells.
    lines: u64,
    breaks: u64,
    empty_rows: u64,
    hidden: Option<usize>,
    short: Vec<usize>,
    /// The unquoted cells of rows with quotation marks, which are appended to the block.
    behind: Vec<u8>,
    /// A reusable buffer for such a row.
    record: Record,
}

impl<'a> Found<'a> {
    fn with_room_for(block: &[u8], shape: &'a Shape) -> Found<'a> {
        // Allocates for cells of eight bytes, which suffices for most files. The limit applies to blocks that
        // are large because of a large row.
        let cells = (block.len() / 8).min(32 * 1024);
        Found {
            shape,
            ends: Vec::with_capacity(cells),
            rows: Vec::with_capacity(cells / shape.width.max(1)),
            lines: 0,
            breaks: 0,
            empty_rows: 0,
            hidden: None,
            short: Vec::new(),
            behind: Vec::new(),
            record: Record::default(),
        }
    }

    /// Finds the rows of a part of the block without quotation marks. Their text is not copied.
    fn split(&mut self, block: &[u8], part: Range<usize>) {
        let Found {
            ends,
            rows,
            empty_rows,
            breaks,
            short,
            ..
        } = self;
        let Shape {
            delimiter, least, ..
        } = *self.shape;
        let breaks = *breaks;
        let mut lines = self.lines;
        let (mut start, mut first_cell) = (part.start, ends.len());
        let mut end_row = |ends: &mut Vec<usize>, start: usize, end: usize, line: u64| {
            if end == start {
                return;
            }
            ends.push(end);
            // A row that contains only delimiters is an empty line of a spreadsheet.
            let cells = ends.len() - first_cell;
            if cells == end - start + 1 || is_blank(&block[start..end], delimiter) {
                ends.truncate(first_cell);
                *empty_rows += 1;
                return;
            }
            if cells < least {
                short.push(rows.len());
            }
            rows.push(RowSpan {
                start,
                cells: first_cell..ends.len(),
                line,
                sheet_row: line - breaks,
                breaks: 0,
                offset: start as u64,
                flaw: None,
            });
            first_cell = ends.len();
        };
        for at in memchr3_iter(delimiter, b'\n', b'\r', &block[part.clone()]) {
            let at = part.start + at;
            if block[at] == delimiter {
                ends.push(at);
                continue;
            }
            let is_second = block[at] == b'\n' && at > 0 && block[at - 1] == b'\r';
            // The line feed of a CRLF ends no row.
            if !is_second {
                end_row(ends, start, at, lines);
                lines += 1;
            }
            start = at + 1;
        }
        end_row(ends, start, part.end, lines);
        self.lines = lines;
    }

    /// Parses the row with quotation marks at `start`, and returns the start of the next row.
    fn unquote(&mut self, block: &[u8], start: usize) -> usize {
        let Shape {
            delimiter,
            width,
            least,
        } = *self.shape;
        self.record.read(block, start, delimiter);
        let Record {
            text,
            ends,
            end,
            flaw,
        } = &self.record;
        let (end, flaw) = (*end, *flaw);
        // The line ending of the row does not count as a break within it.
        let is_ended = matches!(block.get(end.wrapping_sub(1)), Some(b'\n' | b'\r'));
        let line_ends = lines::count(block, start, end);
        let breaks = line_ends.saturating_sub(u64::from(is_ended));
        // A row that contains only delimiters, quotation marks and blanks is also an empty line.
        if is_blank(text, b' ') {
            self.empty_rows += 1;
        } else {
            let hides_rows = breaks > 0 && is_many_rows(&block[start..end], delimiter, width);
            if hides_rows && self.hidden.is_none() {
                self.hidden = Some(self.rows.len());
            }
            if ends.len() < least {
                self.short.push(self.rows.len());
            }
            let (first_cell, first_byte) = (self.ends.len(), block.len() + self.behind.len());
            let mut begun = 0;
            for cell_end in ends {
                put(&mut self.behind, &text[begun..*cell_end]);
                self.ends.push(block.len() + self.behind.len());
                put(&mut self.behind, &[b' '; GAP]);
                begun = *cell_end;
            }
            self.rows.push(RowSpan {
                start: first_byte,
                cells: first_cell..self.ends.len(),
                line: self.lines,
                sheet_row: self.lines - self.breaks,
                breaks,
                offset: start as u64,
                flaw,
            });
        }
        self.lines += line_ends;
        self.breaks += breaks;
        end
    }

    fn into_table(self, mut block: Vec<u8>) -> Table {
        let bytes = block.len() as u64;
        drop(self.record);
        block.extend(self.behind);
        Table {
            bytes,
            text: Text::of(block),
            ends: self.ends,
            rows: self.rows,
            lines: self.lines,
            sheet_rows: self.lines - self.breaks,
            empty_rows: self.empty_rows,
            short: self.short,
            hidden: self.hidden,
            is_unended: false,
            first: RowAt::FIRST,
            marks: None,
            mended: Vec::new(),
            skipped: Vec::new(),
            withheld: Vec::new(),
            conceals: false,
        }
    }
}

/// A row without its quotation marks.
///
/// The rules are those of the csv crate, except that blanks may precede an opening quotation mark: a
/// quotation mark opens a cell only at the cell's beginning, and two within a quoted cell stand for one.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The concatenated text of the cells.
    pub(super) text: Vec<u8>,
    /// The end of each cell in `text`.
    pub(super) ends: Vec<usize>,
    /// The start of the next row.
    pub(super) end: usize,
    pub(super) flaw: Option<Flaw>,
}

impl Record {
    /// Parses the row that begins at `at`.
    pub(super) fn read(&mut self, block: &[u8], mut at: usize, delimiter: u8) {
        self.text.clear();
        self.ends.clear();
        self.flaw = None;
        loop {
            let quote = at + blanks(&block[at..], delimiter);
            let is_quoted = block.get(quote) == Some(&b'"');
            if is_quoted {
                at = self.unquote(block, quote + 1);
            }
            let rest = &block[at..];
            let length = memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
            let cell = &rest[..length];
            if is_quoted && blanks(cell, delimiter) < cell.len() {
                let backslash = self.text.ends_with(b"\\");
                self.flaw = self.flaw.or(Some(Flaw::TextAfterQuote { backslash }));
            }
            put(&mut self.text, cell);
            self.ends.push(self.text.len());
            at += length;
            match block.get(at) {
                Some(byte) if *byte == delimiter => at += 1,
                Some(b'\r') if block.get(at + 1) == Some(&b'\n') => {
                    self.end = at + 2;
                    return;
                }
                Some(_) => {
                    self.end = at + 1;
                    return;
                }
                None => {
                    self.end = at;
                    return;
                }
            }
        }
    }

    /// Appends the quoted text that begins at `at`, and returns the position after the closing quotation
    /// mark.
    fn unquote(&mut self, block: &[u8], mut at: usize) -> usize {
        while let Some(length) = memchr(b'"', &block[at..]) {
            put(&mut self.text, &block[at..at + length]);
            at += length + 1;
            if block.get(at) != Some(&b'"') {
                return at;
            }
            put(&mut self.text, b"\"");
            at += 1;
        }
        put(&mut self.text, &block[at..]);
        block.len()
    }

    /// The row's cells.
    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.text[start..*end])
    }
}

/// Appends bytes. A large text grows by an eighth, because doubling it would exceed the memory for a row.
fn put(text: &mut Vec<u8>, more: &[u8]) {
    const LARGE: usize = 1024 * 1024;
    let lacks_room = text.capacity() - text.len() < more.len();
    if lacks_room && text.len() > LARGE {
        text.reserve_exact(more.len().max(text.len() / 8));
    }
    text.extend_from_slice(more);
}

/// The number of blanks at the beginning of a text.
fn blanks(text: &[u8], delimiter: u8) -> usize {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t') && **byte != delimiter;
    text.iter().take_while(is_blank).count()
}

/// Whether a row contains only delimiters and blanks of any kind.
fn is_blank(row: &[u8], delimiter: u8) -> bool {
    // Fast path, because most rows begin with a letter or a digit.
    if row.first().is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    let is_blank = |c: char| c == char::from(delimiter) || is_blank_char(c);
    std::str::from_utf8(row).is_ok_and(|row| row.chars().all(is_blank))
}

/// Whether a character is whitespace or invisible, or Ctrl-Z, with which DOS programs end a file.
pub(crate) fn is_blank_char(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{1A}' | '\u{FEFF}' | '\u{200B}' | '\u{2060}' | '\u{3164}'
        )
}

/// Whether each line of a row has as many cells as the header, which means that a quotation mark joined
/// several rows.
fn is_many_rows(row: &[u8], delimiter: u8, width: usize) -> bool {
    width > 1
        && row
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter(|line| !line.trim_ascii().is_empty())
            .all(|line| memchr_iter(delimiter, line).count() + 1 == width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::RawRow;

    /// Rows of quoted and unquoted cells with all kinds of line endings.
    const ROWS: &str = "([abå<:\u{1}\u{FEFF} ]{0,3}|\"([ab;å\n\r ]|\"\"){0,4}\")?\
        ((;([abå<:\u{1}\u{FEFF} ]{0,3}|\"([ab;å\n\r ]|\"\"){0,4}\")){0,2}(\n|\r\n|\r){1,2}\u{FEFF}?){0,6}[ab;]{0,3}";

    fn cells_of(row: &RawRow<'_>) -> Vec<Vec<u8>> {
        row.cells().map(|cell| cell.bytes().to_vec()).collect()
    }

    /// The rows that the csv crate finds. The leading line feed keeps it from removing a byte order mark.
    fn csv_rows(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let text = [b"\n", text].concat();
        let rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(b';')
            .from_reader(&*text)
            .into_byte_records();
        rows.map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect())
            .collect()
    }

    proptest::proptest! {
        /// Rows match those of the csv crate, except for empty ones, and their positions are correct.
        #[test]
        fn rows_agree_with_the_csv_crate(text in ROWS) {
            let shape = Shape::below(&["a".to_owned(), "b".to_owned()], b';');
            let table = Table::parse(text.clone().into_bytes(), &shape);
            let found: Vec<_> = table.rows().map(|row| cells_of(&row)).collect();
            let all = csv_rows(text.as_bytes());
            let (mut expected, is_empty) = (all.clone(), |row: &Vec<Vec<u8>>| {
                let text = row.concat();
                is_blank(&text, b' ')
            });
            expected.retain(|row| !is_empty(row));
            proptest::prop_assert_eq!(found, expected);
            proptest::prop_assert_eq!(
                table.empty_rows(),
                all.iter().filter(|row| is_empty(row)).count() as u64
            );
            let mut breaks = 0;
            for row in table.rows() {
                let offset = usize::try_from(row.at.offset).unwrap();
                let here = &csv_rows(&text.as_bytes()[offset..])[0];
                proptest::prop_assert_eq!(&cells_of(&row), here);
                proptest::prop_assert_eq!(row.at.line, 1 + lines::count(text.as_bytes(), 0, offset));
                // Without quotation marks, rows contain no line breaks.
                if !text.contains('"') {
                    proptest::prop_assert_eq!(row.at.sheet_row, row.at.line);
                }
                let within = here.iter().map(|cell| lines::count(cell, 0, cell.len())).sum::<u64>();
                proptest::prop_assert!(row.line_breaks >= within);
                proptest::prop_assert!(row.at.sheet_row + breaks <= row.at.line);
                breaks += row.line_breaks;
            }
            proptest::prop_assert_eq!(table.lines, lines::count(text.as_bytes(), 0, text.len()));
        }
    }
}
