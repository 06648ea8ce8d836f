//! Edited cells replace the cells of a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Cells that the user edited after the file was written, by row number from 1 and column from 0. They
/// replace the file's cells when rows are read. A row without cells is skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mends(BTreeMap<u64, Cells>);

impl Mends {
    /// Whether there are no edits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of edited or skipped rows.
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    /// The numbers of the edited rows, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }

    /// Reverts the edit of a cell.
    pub fn take_back_cell(&mut self, row: u64, column: usize) {
        self.keep_cells(row, |own| own != column);
    }

    /// Replaces the text of a cell.
    pub fn set(&mut self, row: u64, column: usize, text: String) {
        self.0.entry(row).or_default().insert(column, text);
    }

    /// Skips a row. Its edits are reverted.
    pub fn skip(&mut self, row: u64) {
        self.0.insert(row, Cells::new());
    }

    /// Whether a row is skipped.
    pub fn skips(&self, row: u64) -> bool {
        self.0.get(&row).is_some_and(Cells::is_empty)
    }

    /// The edited cells of a row, by column, if it was edited or skipped.
    pub fn of(&self, row: u64) -> Option<&Cells> {
        self.0.get(&row)
    }

    /// Reverts the edits of a row, which is no longer skipped.
    pub fn take_back(&mut self, row: u64) {
        self.0.remove(&row);
    }

    /// Reverts the edits of a row, except in these columns.
    pub fn take_back_but(&mut self, row: u64, columns: &[usize]) {
        self.keep_cells(row, |column| columns.contains(&column));
    }

    fn keep_cells(&mut self, row: u64, is_kept: impl Fn(usize) -> bool) {
        if let Some(cells) = self.0.get_mut(&row) {
            cells.retain(|column, _| is_kept(*column));
            if cells.is_empty() {
                self.0.remove(&row);
            }
        }
    }

    /// Reverts the edits of all rows except those for which `is_kept` returns true.
    pub fn keep_rows(&mut self, is_kept: impl Fn(u64, &Cells) -> bool) {
        self.0.retain(|row, cells| is_kept(*row, cells));
    }

    /// The edited rows among the `count` rows from `first`.
    pub(super) fn within(&self, first: u64, count: u64) -> impl Iterator<Item = (u64, &Cells)> {
        let rows = self.0.range(first..first.saturating_add(count));
        rows.map(|(row, cells)| (*row, cells))
    }
}

/// The edited cells of a row, by column.
pub type Cells = BTreeMap<usize, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverting_the_last_edit_of_a_row_removes_the_row() {
        let mut mends = Mends::default();
        for (row, column) in [(7, 1), (2, 0), (2, 3)] {
            mends.set(row, column, "x".into());
        }
        mends.take_back_cell(2, 0);
        mends.take_back_cell(7, 1);
        mends.take_back_cell(9, 9);
        assert_eq!(mends.numbers().collect::<Vec<_>>(), [2]);
        assert_eq!(mends.of(2).unwrap().keys().collect::<Vec<_>>(), [&3]);
    }

    #[test]
    fn a_row_is_skipped_until_that_is_reverted() {
        let mut mends = Mends::default();
        mends.set(2, 0, "x".into());
        mends.skip(2);
        let text = serde_json::to_string(&mends).unwrap();
        let mut mends: Mends = serde_json::from_str(&text).unwrap();
        assert!(mends.skips(2) && !mends.skips(3));
        mends.take_back(2);
        assert!(mends.is_empty());
    }
}
