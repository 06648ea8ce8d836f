//! Detects truncated and divided rows.

use super::table::{Cell, Flaw, RawRow, Table};
use super::totals::is_total;

/// Characteristics of a file's rows that distinguish parts of divided rows from rows with omitted cells.
#[derive(Debug, Clone, Default)]
pub(super) struct Likeness {
    /// The first cell of the first row with all cells.
    pub(super) first: Vec<u8>,
    /// Whether the file regularly omits empty trailing cells.
    pub(super) leaves_out: bool,
}

/// The properties of a row that are compared with its neighbors.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) cells: usize,
    pub(super) first: Vec<u8>,
    pub(super) sheet_row: u64,
    pub(super) is_total: bool,
    /// Whether only one cell is filled.
    pub(super) is_single: bool,
}

impl Edge {
    fn of(row: &RawRow<'_>) -> Edge {
        Edge::new(row.cells().map(Cell::bytes), row.at.sheet_row)
    }

    pub(super) fn new<'a>(cells: impl Iterator<Item = &'a [u8]> + Clone, sheet_row: u64) -> Edge {
        let filled = cells.clone().filter(|cell| !cell.trim_ascii().is_empty());
        Edge {
            cells: cells.clone().count(),
            first: Edge::begin(cells.clone().next().unwrap_or_default()),
            sheet_row,
            is_single: filled.count() == 1,
            is_total: is_total(cells),
        }
    }

    /// The last row of a table.
    pub(super) fn of_last(table: &Table) -> Option<Edge> {
        let row = table.rows().last()?;
        Some(Edge::of(&row))
    }

    /// The beginning of a cell, for comparison.
    fn begin(cell: &[u8]) -> Vec<u8> {
        let cell = cell.trim_ascii();
        cell[..cell.len().min(64)].to_vec()
    }
}

/// The minimum number of short rows in a file that regularly omits trailing cells.
const SEVERAL: usize = 3;

impl Likeness {
    /// Derives the characteristics from the first rows of a file.
    pub(super) fn of(table: &Table) -> Likeness {
        let rows: Vec<Edge> = table.rows().map(|row| Edge::of(&row)).collect();
        let is_short = |at: &usize| table.short.contains(at);
        let whole = (0..rows.len()).find(|at| !is_short(at));
        let mut likeness = Likeness {
            first: whole.map_or(Vec::new(), |at| rows[at].first.clone()),
            leaves_out: false,
        };
        let all = table.short.len();
        let begun = table.short.iter().filter(|at| {
            let row = &rows[**at];
            likeness.is_begun(row.cells, &row.first)
        });
        let begun = begun.count();
        likeness.leaves_out = whole.is_some() && begun >= SEVERAL && begun * 2 >= all;
        likeness
    }

    /// Whether a short row begins like a complete row.
    fn is_begun(&self, cells: usize, first: &[u8]) -> bool {
        cells > 1 && is_alike(first, &self.first)
    }

    /// Whether a short row begins exactly like the first row.
    fn is_row(&self, edge: &Edge) -> bool {
        self.is_begun(edge.cells, &edge.first) && edge.first.len() == self.first.len()
    }

    /// Marks rows that a line break divides, and rows whose trailing cells were omitted. `before` and `after`
    /// are the adjacent rows.
    pub(super) fn mark(
        &self,
        tables: &mut [Table],
        (before, after): (Option<&Edge>, Option<&Edge>),
        (width, least): (usize, usize),
    ) {
        let is_short = |edge: &Edge| edge.cells < least;
        if tables.iter().all(|table| table.short.is_empty()) && !after.is_some_and(is_short) {
            return;
        }
        let places: Vec<(usize, usize)> = tables
            .iter()
            .enumerate()
            .flat_map(|(index, table)| {
                let last = table.len().saturating_sub(1);
                let beside = |row: usize| row.saturating_sub(1)..=(row + 1).min(last);
                let mut rows: Vec<usize> =
                    table.short.iter().flat_map(|row| beside(*row)).collect();
                // Rows at the boundaries to the adjacent tables.
                if !table.is_empty() {
                    rows.extend([0, last]);
                }
                rows.sort_unstable();
                rows.dedup();
                rows.into_iter().map(move |row| (index, row))
            })
            .collect();
        let edges: Vec<Edge> = places
            .iter()
            .filter_map(|(table, row)| tables[*table].rows().nth(*row))
            .map(|row| Edge::of(&row))
            .collect();
        let mut flaws: Vec<Option<Flaw>> = vec![None; edges.len()];
        let mut is_below_note = false;
        for at in 0..=edges.len() {
            let Some(own) = edges.get(at).or(after).filter(|edge| is_short(edge)) else {
                is_below_note = false;
                continue;
            };
            let last = at.checked_sub(1).map(|at| &edges[at]).or(before);
            let next = edges.get(at + 1).or(after.filter(|_| at < edges.len()));
            // The notes at the end of a file begin below an empty row.
            let is_apart = last.is_some_and(|last| own.sheet_row > last.sheet_row + 1)
                && next.is_none_or(|next| next.is_single);
            is_below_note = own.is_total || own.is_single && (is_apart || is_below_note);
            if is_below_note {
                if let Some(flaw) = flaws.get_mut(at) {
                    *flaw = Some(Flaw::Note);
                }
                continue;
            }
            let mut divide = |one: usize, other: &Edge| {
                let other = other.sheet_row;
                if let Some(flaw) = flaws.get_mut(one) {
                    *flaw = Some(Flaw::Divided { other });
                }
            };
            if !self.is_begun(own.cells, &own.first) {
                // The row is the rest of the row above or the beginning of the row below.
                match next.filter(|next| self.is_rest(own, next)) {
                    Some(next) => {
                        divide(at, next);
                        divide(at + 1, own);
                    }
                    None => {
                        if let Some(last) = last {
                            divide(at, last);
                            if at > 0 {
                                divide(at - 1, own);
                            }
                        }
                    }
                }
            } else if let Some(next) = next.filter(|next| {
                is_short(next)
                    && !next.is_total
                    && !self.leaves_out
                    && !self.is_row(next)
                    && own.cells + next.cells == width + 1
            }) {
                divide(at, next);
                divide(at + 1, own);
            } else if self.leaves_out
                && let Some(flaw @ None) = flaws.get_mut(at)
            {
                *flaw = Some(Flaw::FilledUp);
            }
        }
        for ((table, row), flaw) in places.into_iter().zip(flaws) {
            if let Some(span) = tables[table].rows.get_mut(row).filter(|_| flaw.is_some()) {
                span.flaw = flaw;
            }
        }
    }

    /// Whether the row below continues a row of a single cell.
    fn is_rest(&self, own: &Edge, next: &Edge) -> bool {
        let length = own.first.len() + next.first.len();
        own.cells == 1
            && next.cells > 1
            && (!is_alike(&next.first, &self.first) || length == self.first.len())
            && (length <= self.first.len()
                || is_alike(&[&own.first[..], &next.first].concat(), &self.first))
    }
}

/// Whether two first cells may belong to the same column: they have the same punctuation, and both or
/// neither contain letters.
fn is_alike(one: &[u8], other: &[u8]) -> bool {
    let is_sign = |byte: &&u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    let is_number = |cell: &[u8]| {
        cell.iter()
            .all(|byte| !byte.is_ascii_alphabetic() && byte.is_ascii())
    };
    one.iter().filter(is_sign).eq(other.iter().filter(is_sign))
        && is_number(one) == is_number(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{Input, ReadError, ReadOptions};

    const ID: [&str; 4] = [
        "4a07a72e-200d-4e22-bc26-7ad10e708101",
        "4a07a72e-200d-4e22-bc26-7ad10e708102",
        "4a07a72e-200d-4e22-bc26-7ad10e708103",
        "4a07a72e-200d-4e22-bc26-7ad10e708104",
    ];

    /// The flaw of each row of a file. `#1` in the text stands for the first id.
    fn flaws(text: &str) -> Vec<Option<Flaw>> {
        let text = (1..).zip(ID).fold(text.to_owned(), |text, (number, id)| {
            text.replace(&format!("#{number}"), id)
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        std::fs::write(&path, text).unwrap();
        let input = Input::open(&path, &ReadOptions::default()).unwrap();
        let mut found = Vec::new();
        let all = |table: &Table| table.rows().map(|row| row.flaw()).collect::<Vec<_>>();
        input
            .scan(all, |flaws| {
                found.extend(flaws);
                Ok::<bool, ReadError>(true)
            })
            .unwrap();
        found
    }

    #[test]
    fn both_parts_of_a_divided_row_are_marked() {
        let with = |other| Some(Flaw::Divided { other });
        for (text, expected) in [
            // The line break is in the last cell, in a middle cell, and in the first cell.
            (
                "i;n;a\n#1;A;Storg 1\nlgh 2\n#2;B;C\n",
                vec![with(3), with(2), None],
            ),
            (
                "i;n;a\n#1;A\nB;Storg 1\n#2;B;C\n",
                vec![with(3), with(2), None],
            ),
            (
                "i;n;a\n#2;B;C\n4a07a72e-200d-\n4e22-bc26-7ad10e708101;A;S\n",
                vec![None, with(4), with(3)],
            ),
            // The rest has a surplus delimiter, or is at the end of the file.
            (
                "i;n;a\n#1;A;Storg 1\nlgh 2;x\n#2;B;C\n",
                vec![with(3), with(2), None],
            ),
            (
                "i;n;a\n#1;A;B\n#2;B;Storg 1\nlgh 2\n",
                vec![None, with(4), with(3)],
            ),
            // Two line breaks.
            (
                "i;n;a\n#1;A;Storg 1\nlgh 2\nc/o\n#2;B;C\n",
                vec![with(3), with(4), with(3), None],
            ),
            ("i;n;a\n#1;A;Storg\n2 tr\n", vec![with(3), with(2)]),
            // An empty row in a cell, with rows below it.
            (
                "i;n;a\n#1;A;Storg\n\n2 tr\n#2;B;C\n",
                vec![with(4), with(2), None],
            ),
            // Numbers of the same length.
            (
                "i;n;a\n1111;A;B\n22\n22;A;B\n",
                vec![None, with(4), with(3)],
            ),
            (
                "i;n;a\n1111;A;B\n12\n2222;A;B\n",
                vec![with(3), with(2), None],
            ),
        ] {
            assert_eq!(flaws(text), expected, "{text}");
        }
    }

    #[test]
    fn a_total_or_a_note_below_the_rows_divides_none_of_them() {
        let note = Some(Flaw::Note);
        for (text, expected) in [
            (
                "i;n;a\n#1;A;B\n#2;B;C\n\n(2 rows affected)\n",
                vec![None, None, note],
            ),
            ("i;n;a\n#1;A;B\n1 rad.\n", vec![None, note]),
            ("i;n;a\n#1;A;B\nSumma\n", vec![None, note]),
            ("i;n;a\n#1;A;B\nAntal elever: 1", vec![None, note]),
            ("i;n;a\n#1;A;B\n;Summa 7A\n#2;B;C\n", vec![None, note, None]),
            // The key looks like the word.
            ("i;n;a;b\nA1;A;B;C\nSumma;1\n", vec![None, note]),
            // Notes below an empty row.
            (
                "i;n;a\n#1;A;B\n\nUtskriven i dag\nKälla: registret\n",
                vec![None, note, note],
            ),
        ] {
            assert_eq!(flaws(text), expected, "{text}");
        }
    }

    #[test]
    fn omitted_trailing_cells_are_empty_and_others_are_missing() {
        let filled = Some(Flaw::FilledUp);
        let text = "i;n;a;b\n#1;A;S;x\n#2;B\n#3;C\n#4;D;T\n";
        assert_eq!(flaws(text), [None, filled, filled, filled]);
        // One or two short rows are an error.
        assert_eq!(flaws("i;n;a;b\n#1;A;S;x\n#2;B\n#3;C\n"), [None, None, None]);
        // The file ends within a row.
        let cut = flaws("i;n;a;b\n#1;A;S;x\n#2;B\n#3;C\n#4;D;T\n#1;A");
        assert_eq!(cut.last(), Some(&Some(Flaw::Truncated)));
        assert_eq!(flaws("i;n;a\n#1;A;x\n#2;B"), [None, Some(Flaw::Truncated)]);
        assert_eq!(flaws("i;n\n#1;A\n#2;B"), [None, None]);
        // A part of a divided row among them.
        let text = "i;n;a;b\n#1;A;S;x\n#2;B\n#3;C\n#4;D;T\nlgh;x\n";
        let divided = |other| Some(Flaw::Divided { other });
        assert_eq!(flaws(text), [None, filled, filled, divided(6), divided(5)]);
    }

    #[test]
    fn divided_rows_are_found_across_block_boundaries() {
        let row = |number: usize| format!("{number:08};{};S\n", "x".repeat(number % 50));
        let rows = (1..20_000).map(row).collect::<String>();
        let all = flaws(&format!("i;n;a\n{rows}"));
        assert!(all.iter().all(Option::is_none));
        let broken = rows.replace(";S\n", ";S\nlgh\n");
        let all = flaws(&format!("i;n;a\n{broken}"));
        assert!(
            all.iter()
                .all(|flaw| matches!(flaw, Some(Flaw::Divided { .. })))
        );
    }

    #[test]
    fn text_after_a_quote_is_a_flaw_and_a_blank_before_it_is_not() {
        for (cell, expected) in [
            (
                "\"Anna \\\"Ann\\\" M\"",
                Some(Flaw::TextAfterQuote { backslash: true }),
            ),
            (
                "\"Anna \"Ann\" M\"",
                Some(Flaw::TextAfterQuote { backslash: false }),
            ),
            ("\"Anna\" ", None),
            (" \"Anna\"", None),
            ("\"Anna \"\"Ann\"\"\"", None),
            ("Anna \"Ann\" M", None),
        ] {
            assert_eq!(flaws(&format!("i;n\n#1;{cell}\n")), [expected], "{cell}");
        }
    }
}
