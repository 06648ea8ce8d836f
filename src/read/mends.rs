//! Edited cells replace the cells of a file by row number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Cells that a person has changed since the file was written: by the row's number, from 1, and by the
/// column, from 0. They stand in place of the file's own whenever its rows are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mends(BTreeMap<u64, BTreeMap<usize, String>>);

impl Mends {
    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rows were changed.
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    /// The numbers of the rows that were changed, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }

    /// Reverts the change of one cell.
    pub fn take_back_cell(&mut self, row: u64, column: usize) {
        if let Some(cells) = self.0.get_mut(&row) {
            cells.remove(&column);
            if cells.is_empty() {
                self.0.remove(&row);
            }
        }
    }

    /// Puts `text` in the place of a cell.
    pub fn set(&mut self, row: u64, column: usize, text: String) {
        self.0.entry(row).or_default().insert(column, text);
    }

    /// What was changed in a row, by column; nothing where nothing was.
    pub fn of(&self, row: u64) -> Option<&BTreeMap<usize, String>> {
        self.0.get(&row)
    }

    /// Takes back what was changed in a row.
    pub fn take_back(&mut self, row: u64) {
        self.0.remove(&row);
    }

    /// Reverts the changes of a row, except in these columns.
    pub fn take_back_but(&mut self, row: u64, columns: &[usize]) {
        if let Some(cells) = self.0.get_mut(&row) {
            cells.retain(|column, _| columns.contains(column));
            if cells.is_empty() {
                self.0.remove(&row);
            }
        }
    }

    /// Reverts the changes of all rows but those for which `is_kept` holds.
    pub fn keep_rows(&mut self, is_kept: impl Fn(u64, &Cells) -> bool) {
        self.0.retain(|row, cells| is_kept(*row, cells));
    }

    /// The rows from `first` on, `count` of them, in which anything was changed.
    pub(super) fn within(&self, first: u64, count: u64) -> impl Iterator<Item = (u64, &Cells)> {
        let rows = self.0.range(first..first.saturating_add(count));
        rows.map(|(row, cells)| (*row, cells))
    }
}

/// What was changed in a row, by column.
pub type Cells = BTreeMap<usize, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_taken_back_alone_and_a_row_without_changes_is_gone() {
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
}
