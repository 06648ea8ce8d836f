use rayon::slice::ParallelSliceMut;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// What is done with rows that have the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DuplicatePolicy {
    /// All but the first are invalid.
    #[default]
    Error,
    /// The first is sent, the others are not.
    First,
    /// The last is sent, the others are not.
    Last,
}

/// One value of a unique field: 16 bytes a row and field, whatever the value's length, so that
/// memory is bounded. Ninety-six bits of a hash stand for the value: among a million rows, the
/// chance that two different values look alike is one in 10^17.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    high: u64,
    low: u32,
    row: u32,
}

impl Seen {
    /// `seed` is the run's own, so that no file can be made to collide.
    pub(super) fn new(value: &str, seed: u64, row: u64) -> Seen {
        let hash = xxh3_128_with_seed(value.as_bytes(), seed);
        Seen {
            high: (hash >> 64) as u64,
            low: hash as u32,
            row: u32::try_from(row).unwrap_or(u32::MAX),
        }
    }
}

/// Rows whose value in a unique field another row has too.
#[derive(Debug, Clone, Default)]
pub struct Duplicates {
    /// Sorted by row, then field: row, field, and the row that has the value by right.
    found: Vec<(u64, usize, u64)>,
}

impl Duplicates {
    /// Takes in every row's value of `field`; with `keep_last`, the last row of a group has the
    /// value by right, else the first.
    pub(super) fn add(&mut self, field: usize, mut seen: Vec<Seen>, keep_last: bool) {
        seen.par_sort_unstable();
        for group in seen.chunk_by(|a, b| a.high == b.high && a.low == b.low) {
            let keeper = if keep_last {
                group.last()
            } else {
                group.first()
            };
            let Some(keeper) = keeper.map(|seen| seen.row) else {
                continue;
            };
            self.found.extend(
                group
                    .iter()
                    .filter(|seen| seen.row != keeper)
                    .map(|seen| (u64::from(seen.row), field, u64::from(keeper))),
            );
        }
        self.found.sort_unstable();
    }

    /// The fields in which `row` repeats another row's value, and that other row.
    pub fn of_row(&self, row: u64) -> impl Iterator<Item = (usize, u64)> + '_ {
        let start = self.found.partition_point(|entry| entry.0 < row);
        self.found[start..]
            .iter()
            .take_while(move |entry| entry.0 == row)
            .map(|&(_, field, other)| (field, other))
    }

    /// Every row that repeats a value, with the field; a row may come more than once.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        self.found.iter().map(|&(row, field, _)| (row, field))
    }
}
