//! Marks keep what a workbook knows of a cell besides its text.

use std::collections::HashMap;

use super::sheet_limits::{MAX_MARKS, Trouble};
use crate::l10n::say;

/// What a workbook knows about a cell beside its text, where the text alone would mislead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellMark {
    /// The text is what the number format shows, such as `0184` for 184.
    Formatted,
    /// The number format shows something else than the text, which is the value.
    ShownOtherwise,
    /// A date.
    Date,
    /// A date 12 seconds before midnight, which some programs write for the midnight that follows. The text is
    /// the date that was meant.
    DateBeforeMidnight,
    /// A time of day or a duration.
    Time,
    /// A percentage.
    Percentage,
    /// A truth value.
    Boolean,
    /// An error such as `#N/A`.
    Error,
    /// A number with more digits than a spreadsheet keeps.
    LongNumber,
    /// A formula without a stored result.
    NoResult,
    /// The cell lies in a merged cell that shows something else. Its value is stored in its top-left cell.
    Merged {
        /// The top-left cell's row, as the spreadsheet counts.
        row: u32,
        /// The column, counted from 0.
        column: u16,
    },
}

impl CellMark {
    /// Whether it means something for an empty cell.
    pub(super) fn marks_empty(self) -> bool {
        matches!(self, CellMark::NoResult | CellMark::Merged { .. })
    }
}

/// The marks of a sheet's cells. Most columns are of one kind, so only where the mark changes is kept.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By column: the row from which on a mark holds, as the spreadsheet counts, ascending.
    columns: Vec<Vec<(u32, Option<CellMark>)>>,
    changes: usize,
    /// What merged cells show, by the places of their top-left cells.
    merged: HashMap<(u32, u16), String>,
}

impl Marks {
    /// Takes note of a row's cells, from the first column on; rows come in their order. The mark before an empty
    /// cell continues there, where it means nothing.
    pub(super) fn note(
        &mut self,
        row: u32,
        cells: impl Iterator<Item = (bool, Option<CellMark>)>,
    ) -> Result<(), Trouble> {
        for (column, (is_empty, mark)) in cells.enumerate() {
            let last = self.columns.get(column).and_then(|changes| changes.last());
            let before = last.and_then(|(_, mark)| *mark);
            let goes_on = is_empty && mark.is_none() && !before.is_some_and(CellMark::marks_empty);
            if mark == before || goes_on {
                continue;
            }
            if self.columns.len() <= column {
                self.columns.resize_with(column + 1, Vec::new);
            }
            self.columns[column].push((row, mark));
            self.changes += 1;
            if self.changes > MAX_MARKS {
                let most = crate::l10n::number(MAX_MARKS as u64);
                return Err(Trouble::Workbook(say().workbook_too_many_marks(row, most)));
            }
        }
        Ok(())
    }

    /// The mark of a cell with this text, in a row as the spreadsheet counts and a column from 0.
    pub(super) fn of(&self, row: u64, column: usize, text: &[u8]) -> Option<CellMark> {
        let changes = self.columns.get(column)?;
        let row = u32::try_from(row).ok()?;
        let after = changes.partition_point(|(first, _)| *first <= row);
        let (_, mark) = changes.get(after.checked_sub(1)?)?;
        mark.filter(|mark| mark.marks_empty() || !text.is_empty())
    }

    /// The mark of the cells that a merged cell covers which shows `text`. The row of its top-left cell is counted
    /// from 0 here.
    pub(super) fn merged(&mut self, (row, column): (u32, u32), text: &str) -> CellMark {
        /// Characters that are kept: enough to know the value.
        const SHOWN: usize = 60;
        let (row, column) = (row + 1, column as u16);
        self.merged.entry((row, column)).or_insert_with(|| {
            let end = text.char_indices().nth(SHOWN);
            end.map_or(text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
        });
        CellMark::Merged { row, column }
    }

    /// What the merged cell shows whose top-left cell stands there.
    pub(super) fn shown(&self, row: u32, column: u16) -> Option<&str> {
        self.merged.get(&(row, column)).map(String::as_str)
    }

    /// Columns up to the last that has a mark anywhere.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Whether no cell has one.
    pub(super) fn is_empty(&self) -> bool {
        self.changes == 0
    }
}

/// The name of a cell as a spreadsheet writes it, such as `F2`; the column is counted from 0.
pub fn cell_name(row: u64, column: usize) -> String {
    format!("{}{row}", column_letters(column))
}

/// The letters with which a spreadsheet names a column; it is counted from 0.
pub fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use CellMark::{Date, NoResult, Time};

    #[test]
    fn cells_are_named_as_a_spreadsheet_does() {
        let names = [0, 5, 25, 26, 701, 702].map(|column| cell_name(2, column));
        assert_eq!(names, ["A2", "F2", "Z2", "AA2", "ZZ2", "AAA2"]);
    }

    #[test]
    fn a_cell_has_the_mark_that_was_noted() {
        let rows = [
            (2, [(false, Some(Date)), (false, None)]),
            (3, [(true, None), (true, Some(NoResult))]),
            (4, [(false, Some(Date)), (true, None)]),
            (9, [(false, None), (false, Some(Time))]),
        ];
        let mut marks = Marks::default();
        for (row, cells) in rows {
            assert!(marks.note(row, cells.into_iter()).is_ok());
        }
        let of = |row, column, text: &str| marks.of(row, column, text.as_bytes());
        assert_eq!(of(1, 0, "x"), None);
        assert_eq!((of(2, 0, "x"), of(2, 1, "x")), (Some(Date), None));
        assert_eq!((of(3, 0, ""), of(3, 1, "")), (None, Some(NoResult)));
        assert_eq!((of(4, 0, "x"), of(4, 1, "")), (Some(Date), None));
        assert_eq!((of(9, 0, "x"), of(9, 1, "x")), (None, Some(Time)));
        assert_eq!(of(9, 7, "x"), None);
        assert_eq!(marks.columns[0].len(), 2, "an empty cell changes nothing");
    }
}
