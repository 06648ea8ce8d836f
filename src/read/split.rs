use super::table::{RowSpan, Shape, Table, Text};
use crate::model::RowAt;

impl Table {
    /// Parses a block without quotes, in which every delimiter and line end is one. Its text stays where it
    /// is.
    pub(super) fn split(block: Vec<u8>, shape: &Shape) -> Table {
        // Cells of eight bytes are short ones: there is room for nearly all.
        let cells = block.len() / 8;
        let mut ends = Vec::with_capacity(cells);
        let mut rows = Vec::with_capacity(cells / shape.width.max(1));
        let (mut start, mut first_cell) = (0, 0);
        let (mut lines, mut empty_rows) = (0u64, 0);
        let mut end_row = |ends: &mut Vec<usize>, start: usize, end: usize, line: u64| {
            if end == start {
                return;
            }
            ends.push(end);
            // A row of nothing but delimiters is an empty line that a spreadsheet wrote.
            if ends.len() - first_cell == end - start + 1 {
                ends.truncate(first_cell);
                empty_rows += 1;
                return;
            }
            rows.push(RowSpan {
                start,
                cells: first_cell..ends.len(),
                line,
                sheet_row: line,
                breaks: 0,
                offset: start as u64,
            });
            first_cell = ends.len();
        };
        each_candidate(shape.delimiter, &block, |at, byte| {
            if byte == shape.delimiter {
                ends.push(at);
                return;
            }
            let is_second = byte == b'\n' && at > 0 && block.get(at - 1) == Some(&b'\r');
            match byte {
                // The second half of a line end ends nothing.
                b'\n' if is_second => {}
                b'\n' | b'\r' => {
                    end_row(&mut ends, start, at, lines);
                    lines += 1;
                }
                _ => return,
            }
            start = at + 1;
        });
        end_row(&mut ends, start, block.len(), lines);
        Table {
            bytes: block.len() as u64,
            text: Text::of(block),
            ends,
            gap: 1,
            rows,
            lines,
            sheet_rows: lines,
            empty_rows,
            hidden: None,
            first: RowAt::FIRST,
        }
    }
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

    proptest::proptest! {
        /// Rows without a quote are split at sight, and come to what the parser makes of them.
        #[test]
        fn rows_without_quotes_are_what_the_parser_makes_of_them(text in "[ab;å<:\u{1} \n\r]{0,80}") {
            let shape = Shape::new(b';', 2);
            let told = |table: &Table| {
                let rows = table.rows().map(|row| {
                    let cells: Vec<String> = row
                        .cells()
                        .map(|cell| String::from_utf8_lossy(cell.bytes()).into_owned())
                        .collect();
                    (row.at, row.line_breaks, cells)
                });
                let rows: Vec<_> = rows.collect();
                (rows, table.hidden, table.lines, table.sheet_rows, table.empty_rows(), table.end())
            };
            let split = Table::split(text.clone().into_bytes(), &shape);
            let parsed = Table::unquoted(text.as_bytes(), &shape, &mut shape.parser());
            proptest::prop_assert_eq!(told(&split), told(&parsed));
        }
    }
}
