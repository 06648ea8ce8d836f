//! Empties the cells of rows about protected persons before any other module reads them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::header::fold_header;
use super::mark::CellMark;
use super::table::{Cell, Flaw, RawRow, Shape, Table};

/// The rows that are withheld: rows that the file or an earlier results file marks, and rows found to be
/// about the same persons.
#[derive(Debug, Clone, Default)]
pub struct Withholding {
    /// The columns that mark protected persons.
    pub columns: Vec<usize>,
    /// The column of a results file that holds each row's state, and the state of withheld rows.
    pub state: Option<(usize, &'static str)>,
    /// The columns that a results file adds, which are not emptied.
    pub kept: Vec<usize>,
    /// Further withheld rows, by number.
    pub rows: Arc<HashSet<u64>>,
}

impl Withholding {
    /// Whether the file can have withheld rows.
    pub fn is_possible(&self) -> bool {
        !self.columns.is_empty() || self.state.is_some()
    }

    /// Whether a row is withheld.
    pub fn holds(&self, row: &RawRow<'_>) -> bool {
        let is_marked = |column: &usize| {
            let cell = row.cell(*column);
            // A cell that is covered by a merged cell or lacks a formula's result may be a marking.
            cell.is_some_and(|cell| marks_protected(cell.bytes()))
                || row.mark(*column).is_some_and(CellMark::marks_empty)
        };
        let is_withheld = |(column, word): (usize, &str)| {
            let cell = row.cell(column).map(Cell::bytes);
            cell.is_some_and(|cell| cell.trim_ascii() == word.as_bytes())
        };
        self.columns.iter().any(is_marked)
            || self.state.is_some_and(is_withheld)
            || self.rows.contains(&row.at.row)
    }
}

/// Whether a cell marks a person as protected. Every text does except an empty one and words that deny it,
/// such as `Ingen` in SS 12000.
fn marks_protected(cell: &[u8]) -> bool {
    const NONE: [&str; 13] = [
        "", "ingen", "inga", "nej", "n", "no", "none", "false", "falskt", "falsk", "0", "-", "–",
    ];
    match std::str::from_utf8(cell) {
        Ok(text) => !NONE.contains(&fold_header(text).as_str()),
        Err(_) => true,
    }
}

impl Table {
    /// Returns the indexes of rows to empty, each with whether the row is withheld. The other rows are
    /// damaged: cells are missing or surplus, so that any cell may hold the marking.
    pub(super) fn hidden_rows(&self, by: &Withholding, shape: &Shape) -> BTreeMap<usize, bool> {
        if !by.is_possible() {
            return BTreeMap::new();
        }
        let is_damaged = |row: &RawRow<'_>| {
            let filled = |index| {
                let cell = row.cell(index).map(Cell::bytes);
                cell.is_some_and(|cell| !cell.trim_ascii().is_empty())
            };
            match row.flaw() {
                Some(Flaw::FilledUp) => false,
                Some(_) => true,
                None => row.len() < shape.least || (shape.width..row.len()).any(filled),
            }
        };
        let why = |row: &RawRow<'_>| match by.holds(row) {
            true => Some(true),
            false => (!by.columns.is_empty() && is_damaged(row)).then_some(false),
        };
        let rows = self.rows().enumerate();
        rows.filter_map(|(index, row)| Some((index, why(&row)?)))
            .collect()
    }

    /// Empties the cells of rows that [`Table::hidden_rows`] returned.
    pub(super) fn withhold(&mut self, hidden: &BTreeMap<usize, bool>, by: &Withholding) {
        self.conceals |= by.is_possible();
        for (&index, &is_withheld) in hidden {
            self.empty(index, &by.kept);
            if is_withheld {
                self.withheld.push(self.first.row + index as u64);
            } else if let Some(span) = self.rows.get_mut(index) {
                span.flaw = Some(Flaw::Concealed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_negative_words_leave_a_person_unprotected() {
        for cell in [
            "", " ", "Ingen", "INGEN ", "nej", "No", "FALSKT", "0", "-", "\u{A0}",
        ] {
            assert!(!marks_protected(cell.as_bytes()), "{cell}");
        }
        for cell in [
            "Ja",
            "Sekretessmarkering",
            "x",
            "1",
            "?",
            "Nej?",
            "okänt",
            "NULL",
        ] {
            assert!(marks_protected(cell.as_bytes()), "{cell}");
        }
        assert!(marks_protected(b"\xFF"));
    }

    #[test]
    fn withheld_and_damaged_rows_are_emptied() {
        let header = ["id", "name", "protected", "import_line"].map(str::to_owned);
        let shape = Shape::below(&header, b';');
        let text = "1;Anna;;5\n2;Bo;Ja;6\n3;Cia\n4;Dan;;8;Ek\n5;Eva;nej;9\n6;Frej;nej;10\n";
        let mut table = Table::parse(text.into(), &shape);
        table.first.row = 1;
        let by = Withholding {
            columns: vec![2],
            kept: vec![3],
            rows: Arc::new([5].into()),
            ..Withholding::default()
        };
        let hidden = table.hidden_rows(&by, &shape);
        let expected = [(1, true), (2, false), (3, false), (4, true)];
        assert_eq!(hidden, expected.into());
        table.withhold(&hidden, &by);
        let shown = |row: RawRow<'_>| {
            let cells = row
                .cells()
                .map(|cell| String::from_utf8_lossy(cell.bytes()).into_owned());
            let cells = cells.collect::<Vec<String>>().join(";");
            (
                cells,
                row.is_withheld(),
                row.flaw() == Some(Flaw::Concealed),
            )
        };
        let rows: Vec<(String, bool, bool)> = table.rows().map(shown).collect();
        let expected = [
            ("1;Anna;;5", false, false),
            (";;;6", true, false),
            (";", false, true),
            (";;;8;", false, true),
            (";;;9", true, false),
            ("6;Frej;nej;10", false, false),
        ];
        let expected = expected
            .map(|(cells, is_withheld, is_damaged)| (cells.to_owned(), is_withheld, is_damaged));
        assert_eq!(rows, expected);
    }
}
