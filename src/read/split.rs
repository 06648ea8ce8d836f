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
                hides_rows: false,
            });
            first_cell = ends.len();
        };
        each_of([shape.delimiter, b'\n', b'\r'], &block, |at| {
            let byte = block.get(at).copied();
            if byte == Some(shape.delimiter) {
                ends.push(at);
                return;
            }
            // The second half of a line end ends nothing.
            let is_second = byte == Some(b'\n') && at > 0 && block.get(at - 1) == Some(&b'\r');
            if !is_second {
                end_row(&mut ends, start, at, lines);
                lines += 1;
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
            first: RowAt::FIRST,
        }
    }
}

/// Hands on the place of every byte that is one of `wanted`, in order. Cells are short, so that a search
/// for each of them would begin more often than it gets on: the text is looked at eight bytes at a time.
fn each_of(wanted: [u8; 3], text: &[u8], mut each: impl FnMut(usize)) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7F * EACH;
    let patterns = wanted.map(|byte| u64::from(byte) * EACH);
    let (words, rest) = text.as_chunks::<8>();
    // Filled up with a byte that is none of them.
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    // What is found is handed on in one place, so that the compiler puts what is done with it there.
    for index in 0..=words.len() {
        let word = u64::from_le_bytes(*words.get(index).unwrap_or(&last));
        // The high bit of each byte that differs from all of them; no carry leaves a byte.
        let others = patterns.iter().fold(u64::MAX, |others, pattern| {
            let difference = word ^ pattern;
            others & (((difference & LOW) + LOW) | difference)
        });
        let mut found = !(others | LOW);
        while found != 0 {
            each(index * 8 + found.trailing_zeros() as usize / 8);
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
        fn rows_without_quotes_are_what_the_parser_makes_of_them(text in "[ab;å \n\r]{0,80}") {
            let shape = Shape::new(b';', 2);
            let told = |table: &Table| {
                let rows = table.rows().map(|row| {
                    let cells: Vec<String> = row
                        .cells()
                        .map(|cell| String::from_utf8_lossy(cell.bytes()).into_owned())
                        .collect();
                    (row.at, row.line_breaks, row.hides_rows(), cells)
                });
                let rows: Vec<_> = rows.collect();
                (rows, table.lines, table.sheet_rows, table.empty_rows(), table.end())
            };
            let split = Table::split(text.clone().into_bytes(), &shape);
            let parsed = Table::unquoted(text.as_bytes(), &shape, &mut shape.parser());
            proptest::prop_assert_eq!(told(&split), told(&parsed));
        }
    }
}
