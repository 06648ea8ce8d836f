//! A row number locates a row in its input.

/// The position of a row in the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowAt {
    /// The row number: the first row below the header is 1. Empty lines are not counted.
    pub row: u64,
    /// The line on which the row begins, counted from 1. A cell with a line break makes a row span lines, so
    /// this is not the row number plus one.
    pub line: u64,
    /// The spreadsheet row number: empty lines count, and line breaks within cells do not.
    pub sheet_row: u64,
    /// The byte offset at which the row begins in the decoded text.
    pub offset: u64,
}

impl RowAt {
    /// The position of the first row of a file.
    pub const FIRST: RowAt = RowAt {
        row: 1,
        line: 1,
        sheet_row: 1,
        offset: 0,
    };
}

/// The spreadsheet row numbers of all rows. Only the jumps are stored, since the numbers otherwise increase
/// by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Row numbers, ascending, with their spreadsheet row numbers: the first row, and each row after a gap.
    jumps: Vec<(u64, u64)>,
}

impl Lines {
    /// Adds a row's spreadsheet row number. Rows must be added in order.
    pub fn note(&mut self, row: u64, line: u64) {
        let goes_on = self.jumps.last().is_some_and(|(first, number)| {
            row >= *first && number.checked_add(row - first) == Some(line)
        });
        if !goes_on {
            self.jumps.push((row, line));
        }
    }

    /// Appends the numbers of the rows that follow.
    pub fn append(&mut self, next: Lines) {
        for (row, line) in next.jumps {
            self.note(row, line);
        }
    }

    /// The spreadsheet row number of a row, or the row number if none is known.
    pub fn line_of(&self, row: u64) -> u64 {
        let after = self.jumps.partition_point(|(first, _)| *first <= row);
        match after.checked_sub(1).and_then(|index| self.jumps.get(index)) {
            // The numbers may come from a results file, so the sum can overflow.
            Some((first, line)) => line.saturating_add(row - first),
            None => row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn only_gaps_between_row_numbers_are_stored() {
        let mut lines = Lines::default();
        let mut next = Lines::default();
        for (row, line) in [(1, 2), (2, 3), (3, 7)] {
            lines.note(row, line);
        }
        for (row, line) in [(4, 8), (5, 9), (6, 12)] {
            next.note(row, line);
        }
        lines.append(next);
        assert_eq!(lines.jumps, [(1, 2), (3, 7), (6, 12)]);
        let each: Vec<u64> = (1..=7).map(|row| lines.line_of(row)).collect();
        assert_eq!(each, [2, 3, 7, 8, 9, 12, 13]);
    }
}
