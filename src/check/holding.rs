//! Samples unmapped columns to determine the kind of their values.

use jiff::civil::Date;

use super::checker::Checker;
use super::kinds::is_of_kind;
use crate::read::{Cell, Table};
use crate::targets::Kind;

/// Statistics of sampled cells in an unmapped column.
#[derive(Debug, Clone, Default)]
pub(super) struct Holding {
    /// The number of non-empty cells.
    filled: u64,
    /// The number of cells of each kind.
    alike: [u64; Kind::ALL.len()],
}

/// The number of rows sampled per table.
const SAMPLES: usize = 32;

impl Holding {
    /// Samples the unmapped columns of a table.
    pub(super) fn of_columns(table: &Table, checker: &Checker) -> Vec<(usize, Holding)> {
        let mut holdings: Vec<(usize, Holding)> = checker
            .map
            .free_columns()
            .map(|column| (column, Holding::default()))
            .collect();
        if holdings.is_empty() {
            return holdings;
        }
        for row in table.rows().take(SAMPLES) {
            for (column, holding) in &mut holdings {
                if let Some(Cell::Text(text)) = row.cell(*column) {
                    holding.add(text.trim(), checker.options.today);
                }
            }
        }
        holdings
    }

    fn add(&mut self, text: &str, today: Date) {
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        for (alike, kind) in self.alike.iter_mut().zip(Kind::ALL) {
            *alike += u64::from(is_of_kind(*kind, text, today));
        }
    }

    /// What these cells are like.
    fn of_cells<'a>(cells: impl Iterator<Item = &'a str>, today: Date) -> Holding {
        let mut holding = Holding::default();
        cells.for_each(|cell| holding.add(cell.trim(), today));
        holding
    }

    pub(super) fn append(&mut self, next: Holding) {
        self.filled += next.filled;
        for (own, next) in self.alike.iter_mut().zip(next.alike) {
            *own += next;
        }
    }

    /// The kind of at least nine out of ten cells, if there is one.
    pub(super) fn kind(&self) -> Option<Kind> {
        let mut kinds = self.alike.iter().zip(Kind::ALL);
        let found = kinds.find(|(alike, _)| self.filled > 0 && **alike * 10 >= self.filled * 9);
        found.map(|(_, kind)| *kind)
    }
}

/// The kind that nine of ten cells are of: what a column holds before its header is understood.
pub fn kind_of_cells<'a>(cells: impl Iterator<Item = &'a str>, today: Date) -> Option<Kind> {
    Holding::of_cells(cells, today).kind()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Roster, built_in};

    #[test]
    fn nine_out_of_ten_cells_determine_a_columns_kind() {
        let spec = built_in("meitner");
        for (kind, cell) in [
            (Kind::Uuid, "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11"),
            (Kind::IdentityNumber, "20100402-2388"),
            (Kind::IdentityNumber, "1004022388"),
            (Kind::IdentityNumber, "150101-TF01"),
            (Kind::Email, "anna@example.se"),
            (Kind::Phone, "070-174 06 05"),
            (Kind::PostalCode, "169 56"),
            (Kind::Date, "2010-04-02"),
            (Kind::MunicipalityCode, "0184"),
        ] {
            // The result does not depend on whether the column has a header.
            for (alike, header, expected) in [
                (9, "what", Some(kind)),
                (9, "", Some(kind)),
                (8, "what", None),
                (8, "", None),
            ] {
                // The first column is a field and is skipped, as are empty cells.
                let mut text = format!("id;{header}\na;\n");
                for row in 0..10 {
                    text += &format!("a{row};{}\n", if row < alike { cell } else { "Anna" });
                }
                let roster = Roster::of(&spec, &text);
                let held = roster.tables(|table| Holding::of_columns(table, &roster.checker));
                let [(column, holding)] = &held.concat()[..] else {
                    panic!("{cell}: {held:?}");
                };
                assert_eq!((*column, holding.filled), (1, 10), "{cell}");
                assert_eq!(holding.kind(), expected, "{cell}");
            }
        }
        assert_eq!(Holding::default().kind(), None);
    }

    #[test]
    fn short_and_incomplete_cells_have_no_kind() {
        let roster = Roster::of(&built_in("meitner"), "id;what\na;b\n");
        for text in [
            "904022388",
            "100402-TFAB",
            "1-2-3-4-5-6-7-8",
            "anna@",
            "Anna",
        ] {
            let mut holding = Holding::default();
            holding.add(text, roster.checker.options.today);
            assert_eq!(holding.filled, 1);
            assert_eq!(holding.alike, [0; Kind::ALL.len()], "{text}");
        }
    }

    #[test]
    fn samples_of_tables_are_added_up() {
        let of = |filled, first| {
            let mut alike = [0; Kind::ALL.len()];
            (alike[0], alike[2]) = (first, 2);
            Holding { filled, alike }
        };
        let mut sum = of(4, 3);
        sum.append(of(5, 3));
        let first = sum.alike.first_chunk();
        assert_eq!((sum.filled, first), (9, Some(&[6, 0, 4, 0])));
    }
}
