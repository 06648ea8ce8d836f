//! Finds cells that are covered by merged cells.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::mark::{CellMark, Marks};
use super::number_format::Shown;
use super::sheet_limits::{MAX_COLUMNS, MAX_MARKS, Trouble};
use crate::l10n::{number, say};

/// The merged cells of a sheet. A workbook stores the value of a merged cell in its top-left cell and
/// displays it for all covered cells. Rows and columns are counted from 0.
#[derive(Debug, Default)]
pub(super) struct Merges {
    /// Merged cells that begin in later rows: the bottom-right corner by the top-left corner.
    ahead: BTreeMap<(u32, u32), (u32, u32)>,
    /// By column: the merged cell that covers it in the current row.
    open: Vec<Option<Rc<Merge>>>,
}

#[derive(Debug)]
struct Merge {
    first: (u32, u32),
    last: (u32, u32),
    /// The content of the top-left cell.
    shown: Shown,
}

impl Merges {
    /// Adds a merged cell with these corners.
    pub(super) fn add(&mut self, first: (u32, u32), last: (u32, u32)) -> Result<(), Trouble> {
        if first != last {
            self.ahead.insert(first, last);
        }
        if self.ahead.len() > MAX_MARKS {
            let most = number(MAX_MARKS as u64);
            return Err(Trouble::Workbook(say().workbook_too_many_merged(most)));
        }
        Ok(())
    }

    /// Marks the cells of a row that are covered by a merged cell with different content. A row without text
    /// gets no marks. Rows must be passed in order.
    pub(super) fn cover(
        &mut self,
        row: u32,
        cells: &[String],
        marks: &mut Vec<Option<CellMark>>,
        kept: &mut Marks,
    ) {
        self.begin(row, cells, marks);
        let has_text = cells.iter().any(|cell| !cell.trim().is_empty());
        for (column, covering) in self.open.iter_mut().enumerate() {
            let Some(merge) = covering else {
                continue;
            };
            let is_first = merge.first == (row, column as u32);
            if has_text && !is_first && !merge.shows(cells, marks, column) {
                let mark = kept.merged(merge.first, &merge.shown.text);
                if marks.len() <= column {
                    marks.resize(column + 1, None);
                }
                marks[column] = Some(mark);
            }
            if merge.last.0 <= row {
                *covering = None;
            }
        }
        let open = self.open.iter().rposition(Option::is_some);
        self.open.truncate(open.map_or(0, |last| last + 1));
    }

    /// Activates the merged cells that begin in this row.
    fn begin(&mut self, row: u32, cells: &[String], marks: &[Option<CellMark>]) {
        while let Some(entry) = self.ahead.first_entry()
            && entry.key().0 <= row
        {
            let (first, last) = entry.remove_entry();
            let columns = first.1 as usize..=last.1.min(MAX_COLUMNS - 1) as usize;
            let is_covered = matches!(self.open.get(*columns.start()), Some(Some(_)));
            // Spreadsheets do not allow overlapping merged cells.
            if is_covered || columns.is_empty() {
                continue;
            }
            if self.open.len() <= *columns.end() {
                self.open.resize(*columns.end() + 1, None);
            }
            let shown = held(cells, marks, *columns.start());
            let merge = Merge {
                first,
                last,
                shown: Shown {
                    text: shown.0.to_owned(),
                    mark: shown.1,
                },
            };
            self.open[columns].fill(Some(Rc::new(merge)));
        }
    }
}

impl Merge {
    /// Whether a cell of the row has the content of the merged cell.
    fn shows(&self, cells: &[String], marks: &[Option<CellMark>], column: usize) -> bool {
        held(cells, marks, column) == (&*self.shown.text, self.shown.mark)
    }
}

/// The content of a cell.
fn held<'a>(
    cells: &'a [String],
    marks: &[Option<CellMark>],
    column: usize,
) -> (&'a str, Option<CellMark>) {
    let text = cells.get(column).map_or("", String::as_str);
    (text, marks.get(column).copied().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row and a column.
    type Place = (u32, u32);

    /// The marked columns of each row if these cells are merged.
    fn marked(merged: &[(Place, Place)], rows: &[&[&str]]) -> Vec<Vec<usize>> {
        let (mut merges, mut kept) = (Merges::default(), Marks::default());
        for (first, last) in merged {
            assert!(merges.add(*first, *last).is_ok());
        }
        let marked = (0..).zip(rows).map(|(row, cells)| {
            let cells: Vec<String> = cells.iter().map(|&cell| cell.to_owned()).collect();
            let mut marks = Vec::new();
            merges.cover(row, &cells, &mut marks, &mut kept);
            let is_marked = |(column, mark): (usize, &Option<CellMark>)| mark.map(|_| column);
            marks.iter().enumerate().filter_map(is_marked).collect()
        });
        let marked = marked.collect();
        assert!(merges.ahead.is_empty() && merges.open.is_empty());
        marked
    }

    #[test]
    fn merged_cells_mark_covered_cells_with_different_content() {
        let rows: &[&[&str]] = &[
            &["1", "a"],
            &["2", ""],
            &[],
            &["3", "a"],
            &["4", "b"],
            &["5"],
        ];
        let marked = |last| marked(&[((0, 1), last)], rows);
        let none = Vec::<usize>::new;
        let (row, behind) = (vec![1], vec![1, 2]);
        assert_eq!(
            marked((4, 1)),
            [none(), row.clone(), none(), none(), row, none()]
        );
        assert_eq!(
            marked((1, 2)),
            [vec![2], behind, none(), none(), none(), none()]
        );
        assert_eq!(marked((0, 1)), vec![none(); 6]);
    }

    #[test]
    fn invalid_merged_cells_are_ignored() {
        let rows: &[&[&str]] = &[&["1", "a"], &["2", "b"]];
        // Two overlapping merged cells, two with swapped corners, and one as wide as an Excel sheet.
        let merged = [
            ((0, 0), (1, 1)),
            ((0, 1), (1, 1)),
            ((1, 2), (1, 1)),
            ((1, 5), (0, 5)),
        ];
        let found = marked(&merged, rows);
        assert_eq!(found, [vec![1], vec![0, 1]]);
        let wide = marked(&[((0, 0), (0, 16_383))], rows);
        assert_eq!(wide[0].len(), MAX_COLUMNS as usize - 1);
    }
}
