use super::table::{Cell, RawRow, Table};

/// What is wrong with how a row stands in its file, or was put right about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Text stands behind a closing quote; whether a backslash was meant to escape the quote.
    TextAfterQuote {
        /// Whether the file escapes quotes with backslashes.
        backslash: bool,
    },
    /// A line break divides a row: this is one part, and the other is beside this number.
    Divided {
        /// The number that the spreadsheet shows beside the other part.
        other: u64,
    },
    /// The file ends within the row, which has too few cells.
    Truncated,
    /// The file ends in the row's last cell, without a line end.
    Unended,
    /// The program that wrote the file left out empty cells at the end of its rows.
    FilledUp,
}

/// What a file's rows look like, by which a part of one is told from a row that only lacks cells.
#[derive(Debug, Clone, Default)]
pub(super) struct Likeness {
    /// The first cell of the first row that has all of them.
    pub(super) first: Vec<u8>,
    /// Whether rows lack empty cells at their end as a matter of course.
    pub(super) leaves_out: bool,
}

/// A row at the edge of what is looked at.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) cells: usize,
    pub(super) first: Vec<u8>,
    pub(super) sheet_row: u64,
}

impl Edge {
    fn of(row: &RawRow<'_>) -> Edge {
        Edge {
            cells: row.len(),
            first: Edge::begin(row.cell(0).map_or(&[][..], Cell::bytes)),
            sheet_row: row.at.sheet_row,
        }
    }

    /// The last row of a table.
    pub(super) fn of_last(table: &Table) -> Option<Edge> {
        let row = table.rows().last()?;
        Some(Edge::of(&row))
    }

    /// How a cell begins.
    pub(super) fn begin(cell: &[u8]) -> Vec<u8> {
        let cell = cell.trim_ascii();
        cell[..cell.len().min(64)].to_vec()
    }
}

/// Rows that lack cells at their end as a matter of course, at the least.
const SEVERAL: usize = 3;

impl Likeness {
    /// What the first rows of a file look like.
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
        likeness.leaves_out = whole.is_some() && begun >= SEVERAL && begun * 10 >= all * 9;
        likeness
    }

    /// Whether a row with too few cells begins as a row does.
    fn is_begun(&self, cells: usize, first: &[u8]) -> bool {
        cells > 1 && is_alike(first, &self.first)
    }

    /// Finds rows that a line break divides, and those whose last cells were left out. `before` and `after`
    /// are the rows around them.
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
                // Rows beside those of another table.
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
        for at in 0..=edges.len() {
            let Some(own) = edges.get(at).or(after).filter(|edge| is_short(edge)) else {
                continue;
            };
            let last = at.checked_sub(1).map(|at| &edges[at]).or(before);
            let next = edges.get(at + 1).or(after.filter(|_| at < edges.len()));
            let mut divide = |one: usize, other: &Edge| {
                let other = other.sheet_row;
                if let Some(flaw) = flaws.get_mut(one) {
                    *flaw = Some(Flaw::Divided { other });
                }
            };
            if !self.is_begun(own.cells, &own.first) {
                // The rest of the row above, or the beginning of the one below.
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
                is_short(next) && !self.leaves_out && own.cells + next.cells == width + 1
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

    /// Whether the row below a single cell goes on with it.
    fn is_rest(&self, own: &Edge, next: &Edge) -> bool {
        let length = own.first.len() + next.first.len();
        own.cells == 1
            && next.cells > 1
            && (!is_alike(&next.first, &self.first) || length == self.first.len())
            && (length <= self.first.len()
                || is_alike(&[&own.first[..], &next.first].concat(), &self.first))
    }
}

/// Whether two first cells may be of the same column: the same signs between letters and digits, and digits
/// alone in both or in none.
fn is_alike(one: &[u8], other: &[u8]) -> bool {
    let is_sign = |byte: &&u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    let is_number = |cell: &[u8]| {
        cell.iter()
            .all(|byte| !byte.is_ascii_alphabetic() && byte.is_ascii())
    };
    one.iter().filter(is_sign).eq(other.iter().filter(is_sign))
        && is_number(one) == is_number(other)
}
