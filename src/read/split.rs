use std::ops::Range;

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr_iter, memrchr2};

use super::lines;
use super::table::{GAP, RowSpan, Shape, Table, Text};
use crate::model::RowAt;

impl Table {
    /// Parses a block of text in `shape`. `parser` is one of that shape's, for rows with quotes; it is made
    /// when it is needed.
    pub(super) fn parse(
        block: Vec<u8>,
        shape: &Shape,
        parser: &mut Option<csv_core::Reader>,
    ) -> Table {
        let mut found = Found::with_room_for(&block, shape);
        let mut at = 0;
        while let Some(quote) = memchr(b'"', &block[at..]) {
            let before = &block[at..at + quote];
            let row = memrchr2(b'\n', b'\r', before).map_or(at, |line_end| at + line_end + 1);
            found.split(&block, at..row);
            at = found.unquote(&block, row, parser.get_or_insert_with(|| shape.parser()));
        }
        found.split(&block, at..block.len());
        found.into_table(block)
    }
}

/// The rows of a block as far as they are found.
struct Found<'a> {
    shape: &'a Shape,
    ends: Vec<usize>,
    rows: Vec<RowSpan>,
    /// Line ends so far, and those of them that lie within a cell.
    lines: u64,
    breaks: u64,
    empty_rows: u64,
    hidden: Option<usize>,
    /// The cells of rows with quotes, without these, as they will lie behind the block.
    behind: Vec<u8>,
    /// Room for such a row.
    text: Vec<u8>,
    text_ends: Vec<usize>,
}

impl<'a> Found<'a> {
    fn with_room_for(block: &[u8], shape: &'a Shape) -> Found<'a> {
        // Cells of eight bytes are short ones: there is room for nearly all, but for a block that is large
        // because a row is.
        let cells = (block.len() / 8).min(32 * 1024);
        Found {
            shape,
            ends: Vec::with_capacity(cells),
            rows: Vec::with_capacity(cells / shape.width.max(1)),
            lines: 0,
            breaks: 0,
            empty_rows: 0,
            hidden: None,
            behind: Vec::new(),
            text: Vec::new(),
            text_ends: Vec::new(),
        }
    }

    /// Finds the rows of a part of the block without quotes, in which every delimiter and line end is one.
    /// Their text stays where it is.
    fn split(&mut self, block: &[u8], part: Range<usize>) {
        let Found {
            ends,
            rows,
            empty_rows,
            breaks,
            ..
        } = self;
        let breaks = *breaks;
        let mut lines = self.lines;
        let (mut start, mut first_cell) = (part.start, ends.len());
        let mut end_row = |ends: &mut Vec<usize>, start: usize, end: usize, line: u64| {
            if end == start {
                return;
            }
            ends.push(end);
            // A row of nothing but delimiters is an empty line that a spreadsheet wrote.
            if ends.len() - first_cell == end - start + 1 {
                ends.truncate(first_cell);
                *empty_rows += 1;
                return;
            }
            rows.push(RowSpan {
                start,
                cells: first_cell..ends.len(),
                line,
                sheet_row: line - breaks,
                breaks: 0,
                offset: start as u64,
            });
            first_cell = ends.len();
        };
        let delimiter = self.shape.delimiter;
        each_candidate(delimiter, &block[part.clone()], |at, byte| {
            let at = part.start + at;
            if byte == delimiter {
                ends.push(at);
                return;
            }
            let is_second = byte == b'\n' && at > 0 && block.get(at - 1) == Some(&b'\r');
            match byte {
                // The second half of a line end ends nothing.
                b'\n' if is_second => {}
                b'\n' | b'\r' => {
                    end_row(ends, start, at, lines);
                    lines += 1;
                }
                _ => return,
            }
            start = at + 1;
        });
        end_row(ends, start, part.end, lines);
        self.lines = lines;
    }

    /// Finds the row that begins at `start`, takes its quotes away, and returns where the next one begins.
    fn unquote(&mut self, block: &[u8], start: usize, parser: &mut csv_core::Reader) -> usize {
        parser.reset();
        // What has read something takes no byte-order mark away, which is one at the file's start only.
        parser.read_record(b"\n", &mut [0], &mut [0]);
        let mut end = start;
        let (text, text_ends) = (&mut self.text, &mut self.text_ends);
        let (bytes, cells) = next_record(parser, block, &mut end, text, text_ends);
        // The parser stands before the second half of a line end.
        if block.get(end.wrapping_sub(1)) == Some(&b'\r') && block.get(end) == Some(&b'\n') {
            end += 1;
        }
        // The line end that ends the row is no break within it.
        let is_ended = matches!(block.get(end.wrapping_sub(1)), Some(b'\n' | b'\r'));
        let line_ends = lines::count(block, start, end);
        let breaks = line_ends.saturating_sub(u64::from(is_ended));
        // A row of nothing but delimiters and quotes is an empty line, too.
        if bytes == 0 {
            self.empty_rows += 1;
        } else {
            let Shape { delimiter, width } = *self.shape;
            let hides_rows = breaks > 0 && is_many_rows(&block[start..end], delimiter, width);
            if hides_rows && self.hidden.is_none() {
                self.hidden = Some(self.rows.len());
            }
            let (first_cell, first_byte) = (self.ends.len(), block.len() + self.behind.len());
            let mut begun = 0;
            for cell_end in &self.text_ends[..cells] {
                self.behind.extend_from_slice(&self.text[begun..*cell_end]);
                self.ends.push(block.len() + self.behind.len());
                self.behind.extend([b' '; GAP]);
                begun = *cell_end;
            }
            self.rows.push(RowSpan {
                start: first_byte,
                cells: first_cell..self.ends.len(),
                line: self.lines,
                sheet_row: self.lines - self.breaks,
                breaks,
                offset: start as u64,
            });
        }
        self.lines += line_ends;
        self.breaks += breaks;
        end
    }

    fn into_table(self, mut block: Vec<u8>) -> Table {
        let bytes = block.len() as u64;
        drop(self.text);
        block.extend(self.behind);
        Table {
            bytes,
            text: Text::of(block),
            ends: self.ends,
            rows: self.rows,
            lines: self.lines,
            sheet_rows: self.lines - self.breaks,
            empty_rows: self.empty_rows,
            hidden: self.hidden,
            first: RowAt::FIRST,
            marks: None,
            mended: Vec::new(),
        }
    }
}

/// Reads the record at `at`, and moves that behind it. Its text is put into `text`, and where each of its
/// cells ends in it into `ends`. Returns the bytes of its text and its cells.
fn next_record(
    parser: &mut csv_core::Reader,
    block: &[u8],
    at: &mut usize,
    text: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) -> (usize, usize) {
    let (mut bytes, mut count) = (0, 0);
    loop {
        let (result, read, wrote, cells) =
            parser.read_record(&block[*at..], &mut text[bytes..], &mut ends[count..]);
        *at += read;
        bytes += wrote;
        count += cells;
        match result {
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2 + 64, 0),
            // A row's text is no longer than the row.
            ReadRecordResult::OutputFull => {
                let most = (block.len() - *at + bytes).max(text.len()) + 1024;
                text.resize((text.len() * 2 + 1024).min(most), 0);
            }
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record | ReadRecordResult::End => return (bytes, count),
        }
    }
}

/// Whether each of the lines that a row spans has as many cells as the header, so that they are
/// rows themselves, and a quote made one of them.
fn is_many_rows(row: &[u8], delimiter: u8, width: usize) -> bool {
    width > 1
        && row
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter(|line| !line.trim_ascii().is_empty())
            .all(|line| memchr_iter(delimiter, line).count() + 1 == width)
}

/// Hands on every byte that may be a delimiter or end a line, with its place, in order; also some that do
/// neither. Cells are short, so that a search for each of them would begin more often than it gets on: the
/// text is looked at eight bytes at a time.
fn each_candidate(delimiter: u8, text: &[u8], mut each: impl FnMut(usize, u8)) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    const NONE: u8 = 0xFF;
    let pattern = u64::from(delimiter) * EACH;
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [NONE; 8];
    last[..rest.len()].copy_from_slice(rest);
    // What is found is handed on in one place, so that the compiler puts what is done with it there.
    for index in 0..=words.len() {
        let word = u64::from_le_bytes(*words.get(index).unwrap_or(&last));
        // The high bit of each byte that is a delimiter, or a control character up to the carriage return,
        // and perhaps of one that stands behind such a byte.
        let difference = word ^ pattern;
        let delimiters = difference.wrapping_sub(EACH) & !difference;
        let controls = word.wrapping_sub(u64::from(b'\r' + 1) * EACH) & !word;
        let mut found = (delimiters | controls) & HIGH;
        while found != 0 {
            let place = found.trailing_zeros() as usize / 8;
            each(index * 8 + place, word.to_le_bytes()[place]);
            found &= found - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::RawRow;

    /// Rows of cells with and without quotes, and all kinds of line ends, some of them too many.
    const ROWS: &str = "([abå<:\u{1}\u{FEFF} ]{0,3}|\"([ab;å\n\r ]|\"\"){0,4}\")?\
        ((;([abå<:\u{1}\u{FEFF} ]{0,3}|\"([ab;å\n\r ]|\"\"){0,4}\")){0,2}(\n|\r\n|\r){1,2}\u{FEFF}?){0,6}[ab;]{0,3}";

    fn cells_of(row: &RawRow<'_>) -> Vec<Vec<u8>> {
        row.cells().map(|cell| cell.bytes().to_vec()).collect()
    }

    /// The rows of a text that is not a file's beginning, so that no byte-order mark is taken away.
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
        /// Rows are those that the csv crate finds, but for empty ones, and are where they are said to be.
        #[test]
        fn rows_are_what_the_csv_crate_makes_of_them(text in ROWS) {
            let shape = Shape::new(b';', 2);
            let table = Table::parse(text.clone().into_bytes(), &shape, &mut None);
            let found: Vec<_> = table.rows().map(|row| cells_of(&row)).collect();
            let all = csv_rows(text.as_bytes());
            let (mut expected, is_empty) = (all.clone(), |row: &Vec<Vec<u8>>| row.concat().is_empty());
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
                // Empty rows have no line break within them here, unless between quotes.
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
