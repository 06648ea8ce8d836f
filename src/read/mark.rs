//! Cell marks hold the metadata of workbook cells.

use std::collections::HashMap;

use super::sheet_limits::{MAX_MARKS, Trouble};
use crate::l10n::say;

/// Metadata of a workbook cell without which its text would be misleading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellMark {
    /// The text is the formatted number, such as `0184` for 184.
    Formatted,
    /// The text is the value, and the number format displays something else.
    ShownOtherwise,
    /// A date.
    Date,
    /// A date stored as 12 seconds before midnight, which some programs write for the following midnight. The
    /// text is the intended date.
    DateBeforeMidnight,
    /// A time of day or a duration.
    Time,
    /// A percentage.
    Percentage,
    /// A Boolean.
    Boolean,
    /// An error such as `#N/A`.
    Error,
    /// A number with more digits than a spreadsheet can store.
    LongNumber,
    /// A formula without a stored result.
    NoResult,
    /// The cell is covered by a merged cell, whose value is stored in its top-left cell and is different.
    Merged {
        /// The spreadsheet row number of the top-left cell.
        row: u32,
        /// The column of the top-left cell, from 0.
        column: u16,
    },
}

impl CellMark {
    /// Whether the mark is meaningful for an empty cell.
    pub(super) fn marks_empty(self) -> bool {
        matches!(self, CellMark::NoResult | CellMark::Merged { .. })
    }
}

/// The marks of a sheet's cells. Most columns are uniform, so only changes of the mark are stored.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By column: the spreadsheet row number from which each mark applies, ascending.
    columns: Vec<Vec<(u32, Option<CellMark>)>>,
    changes: usize,
    /// The text of merged cells, by the position of their top-left cell.
    merged: HashMap<(u32, u16), String>,
}

impl Marks {
    /// Stores the marks of a row's cells, from the first column. Rows must be added in order. An empty cell
    /// for which the previous mark is meaningless does not change it.
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

    /// The mark of a cell with this text. `row` is the spreadsheet row number; `column` is counted from 0.
    pub(super) fn of(&self, row: u64, column: usize, text: &[u8]) -> Option<CellMark> {
        let changes = self.columns.get(column)?;
        let row = u32::try_from(row).ok()?;
        let after = changes.partition_point(|(first, _)| *first <= row);
        let (_, mark) = changes.get(after.checked_sub(1)?)?;
        mark.filter(|mark| mark.marks_empty() || !text.is_empty())
    }

    /// Returns the mark of cells that are covered by a merged cell with this text. Here the row of its
    /// top-left cell is counted from 0.
    pub(super) fn merged(&mut self, (row, column): (u32, u32), text: &str) -> CellMark {
        /// The maximum number of characters stored, enough to identify the value.
        const SHOWN: usize = 60;
        let (row, column) = (row + 1, column as u16);
        self.merged.entry((row, column)).or_insert_with(|| {
            let end = text.char_indices().nth(SHOWN);
            end.map_or(text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
        });
        CellMark::Merged { row, column }
    }

    /// The text of the merged cell with this top-left cell.
    pub(super) fn shown(&self, row: u32, column: u16) -> Option<&str> {
        self.merged.get(&(row, column)).map(String::as_str)
    }

    /// The number of columns up to the last one with a mark.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Whether no cell has a mark.
    pub(super) fn is_empty(&self) -> bool {
        self.changes == 0
    }
}

/// The name of a cell in a spreadsheet, such as `F2`. The column is counted from 0.
pub fn cell_name(row: u64, column: usize) -> String {
    format!("{}{row}", column_letters(column))
}

/// The letters of a column in a spreadsheet. The column is counted from 0.
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
    fn cell_names_match_those_of_a_spreadsheet() {
        let names = [0, 5, 25, 26, 701, 702].map(|column| cell_name(2, column));
        assert_eq!(names, ["A2", "F2", "Z2", "AA2", "ZZ2", "AAA2"]);
    }

    #[test]
    fn marks_are_returned_for_the_cells_they_were_stored_for() {
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
