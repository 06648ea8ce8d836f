//! A row number locates a row in its input.

/// Where a row of the input stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowAt {
    /// Row number: the first row below the header is 1. Empty lines are not counted.
    pub row: u64,
    /// Line of the file on which the row begins: the first line is 1. A cell with a line break in
    /// it makes a row span lines, so this is not the row number plus one.
    pub line: u64,
    /// The spreadsheet row number: empty lines count, and a line break
    /// within a cell does not.
    pub sheet_row: u64,
    /// Byte at which the row begins, counted from the start of the decoded text.
    pub offset: u64,
}

impl RowAt {
    /// Where a file's first row stands that has nothing before it.
    pub const FIRST: RowAt = RowAt {
        row: 1,
        line: 1,
        sheet_row: 1,
        offset: 0,
    };
}

/// The spreadsheet row number of each row. It counts up with the rows, but for gaps, so
/// only where it jumps is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Rows, ascending, and the numbers beside them: the first, and each that follows a gap.
    jumps: Vec<(u64, u64)>,
}

impl Lines {
    /// Takes note of the number beside a row; rows come in their order.
    pub fn note(&mut self, row: u64, line: u64) {
        let goes_on = self.jumps.last().is_some_and(|(first, number)| {
            row >= *first && number.checked_add(row - first) == Some(line)
        });
        if !goes_on {
            self.jumps.push((row, line));
        }
    }

    /// Takes over the numbers of the rows that follow.
    pub fn append(&mut self, next: Lines) {
        for (row, line) in next.jumps {
            self.note(row, line);
        }
    }

    /// The number beside a row; its own, where nothing is known of it.
    pub fn line_of(&self, row: u64) -> u64 {
        let after = self.jumps.partition_point(|(first, _)| *first <= row);
        match after.checked_sub(1).and_then(|index| self.jumps.get(index)) {
            // A results file may say anything.
            Some((first, line)) => line.saturating_add(row - first),
            None => row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn a_gap_is_kept_and_what_counts_up_is_not() {
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
