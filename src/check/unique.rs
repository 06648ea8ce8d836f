//! Finds duplicate values of unique fields by their hashes, with bounded memory.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::checker::Checker;
use crate::model::Value;
use crate::targets::FieldSpec;

/// The policy for rows with the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DuplicatePolicy {
    /// All rows except the first are invalid.
    #[default]
    Error,
    /// The first row is sent, and the others are not.
    First,
    /// The last row is sent, and the others are not.
    Last,
}

/// A value of a unique field, in 16 bytes regardless of its length. It is represented by 96 bits of a hash:
/// among a million rows, the probability of a collision is one in 10^17.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    high: u64,
    low: u32,
    row: u32,
}

impl Seen {
    /// Hashes a value. The seed differs for each run, so that no file can be crafted to cause collisions.
    #[inline]
    pub(super) fn new(value: &str, seed: u64, row: u64) -> Seen {
        let hash = xxh3_128_with_seed(value.as_bytes(), seed);
        Seen {
            high: (hash >> 64) as u64,
            low: hash as u32,
            row: u32::try_from(row).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn row(&self) -> u64 {
        u64::from(self.row)
    }
}

/// The values of a field, by range of rows.
pub(super) type Stretches = Vec<Vec<Seen>>;

/// Rows that share a value of a unique field with another row.
#[derive(Debug, Clone, Default)]
pub struct Duplicates {
    /// Row, field, and the row that keeps the value, sorted by row and field.
    found: Vec<(u64, usize, u64)>,
}

impl Duplicates {
    /// Adds all values of each field. With `keep_last`, the last row of a group keeps the value, and
    /// otherwise the first.
    pub(super) fn add(&mut self, fields: Vec<(usize, Stretches)>, keep_last: bool) {
        let found: Vec<_> = fields
            .into_par_iter()
            .flat_map_iter(|(field, seen)| repeated(field, &seen, keep_last))
            .collect();
        self.found.extend(found);
        self.found.sort_unstable();
    }

    /// The fields in which `row` repeats a value, each with the row that keeps the value.
    pub fn of_row(&self, row: u64) -> impl Iterator<Item = (usize, u64)> + '_ {
        let start = self.found.partition_point(|entry| entry.0 < row);
        self.found[start..]
            .iter()
            .take_while(move |entry| entry.0 == row)
            .map(|&(_, field, other)| (field, other))
    }

    /// All rows that repeat a value, with the field and the row that keeps the value. A row may occur several
    /// times.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, usize, u64)> + '_ {
        self.found.iter().copied()
    }
}

/// The rows that repeat a value of `field`.
fn repeated(field: usize, seen: &Stretches, keep_last: bool) -> Vec<(u64, usize, u64)> {
    let mut candidates = candidates(seen);
    candidates.sort_unstable();
    let groups = candidates.chunk_by(|a, b| a.high == b.high && a.low == b.low);
    groups
        .flat_map(|group| {
            let keeper = if keep_last {
                group.last()
            } else {
                group.first()
            };
            let keeper = keeper.map_or(0, |seen| seen.row());
            let others = group
                .iter()
                .map(|seen| seen.row())
                .filter(move |row| *row != keeper);
            others.map(move |row| (row, field, keeper))
        })
        .collect()
}

/// Returns the values whose hash bit collides with another one: all duplicates, and one in sixteen of the
/// other values. Few values remain to be sorted.
fn candidates(seen: &Stretches) -> Vec<Seen> {
    let values: usize = seen.iter().map(Vec::len).sum();
    // A larger table would leave fewer values to sort, but allocating it takes longer.
    let words = (values / 4).next_power_of_two().max(16);
    let mask = words * 64 - 1;
    let place = |seen: &Seen| {
        let bit = seen.high as usize & mask;
        (bit / 64, 1u64 << (bit % 64))
    };
    // The bits that are set, and those that are set again.
    let mut table = vec![[0u64; 2]; words];
    for (word, bit) in seen.iter().flatten().map(place) {
        let [once, again] = &mut table[word];
        *again |= *once & bit;
        *once |= bit;
    }
    let repeats = |seen: &&Seen| {
        let (word, bit) = place(seen);
        table[word][1] & bit != 0
    };
    seen.iter().flatten().filter(repeats).copied().collect()
}

/// A field whose values must be unique.
pub(super) struct Unique {
    pub(super) field: usize,
    /// Whether case is ignored.
    folds: bool,
    /// For a key: the other fields in the record's path. Equal ids with different paths identify different
    /// records.
    path: Vec<usize>,
}

impl Unique {
    /// The unique fields of the target.
    pub(super) fn all(checker: &Checker, key: Option<usize>) -> Vec<Unique> {
        let spec = checker.spec();
        let fields = spec.fields.iter().enumerate();
        let is_key = |index: &usize| key == Some(*index) || checker.other_keys().contains(index);
        let unique = fields.filter(|(index, field)| field.unique || is_key(index));
        let of = |(index, field): (usize, &FieldSpec)| Unique {
            field: index,
            // Mailboxes that differ only by case are the same in practice, and the API responds with 409.
            folds: field.folds_case(),
            path: match key {
                Some(key) if key == index => spec
                    .path_fields()
                    .filter_map(|name| spec.field(name))
                    .filter(|other| *other != index)
                    .collect(),
                _ => Vec::new(),
            },
        };
        unique.map(of).collect()
    }

    /// The normalized value of a row, or `None` if it is empty.
    pub(super) fn text<'a>(&self, values: &'a [Option<Value<'_>>]) -> Option<Cow<'a, str>> {
        let mut text = values[self.field].as_ref()?.as_text();
        if text.is_empty() {
            return None;
        }
        for other in &self.path {
            if let Some(value) = &values[*other] {
                text = Cow::Owned(format!("{}/{text}", value.as_text()));
            }
        }
        if self.folds && may_have_capitals(text.as_bytes()) {
            text = Cow::Owned(text.to_lowercase());
        }
        Some(text)
    }
}

/// Whether a byte is an ASCII capital or not ASCII. The loop has no early exit, so the compiler vectorizes it.
fn may_have_capitals(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| {
        found | byte.is_ascii_uppercase() | !byte.is_ascii()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_duplicates_are_found() {
        let mut seen: Vec<Seen> = (1..=5000u64)
            .map(|row| Seen::new(&format!("v{}", row % 4990), 7, row))
            .collect();
        seen.reverse();
        for (keep_last, expected) in [(false, (4991, 0, 1)), (true, (1, 0, 4991))] {
            let mut duplicates = Duplicates::default();
            let stretches = seen.chunks(700).map(<[Seen]>::to_vec).collect();
            duplicates.add(vec![(0, stretches)], keep_last);
            assert_eq!(duplicates.found.len(), 10);
            assert!(
                duplicates.found.contains(&expected),
                "{:?}",
                duplicates.found
            );
        }
    }

    fn seen(high: u64, low: u32, row: u32) -> Seen {
        Seen { high, low, row }
    }

    #[test]
    fn values_with_the_same_whole_hash_are_duplicates() {
        let stretches = vec![
            vec![seen(1, 1, 1), seen(1, 2, 2)],
            vec![seen(2, 1, 3), seen(1, 2, 4), seen(1, 2, 5)],
        ];
        assert_eq!(repeated(7, &stretches, false), [(4, 7, 2), (5, 7, 2)]);
        assert_eq!(repeated(7, &stretches, true), [(2, 7, 5), (4, 7, 5)]);
    }

    #[test]
    fn the_duplicates_of_a_row_are_found() {
        let mut duplicates = Duplicates::default();
        let of = |rows: [u32; 3]| vec![rows.map(|row| seen(1, 1, row)).to_vec()];
        duplicates.add(vec![(3, of([2, 5, 9]))], false);
        duplicates.add(vec![(1, of([4, 5, 7]))], true);
        let of_row = |row| duplicates.of_row(row).collect::<Vec<_>>();
        assert_eq!(of_row(5), [(1, 7), (3, 2)]);
        assert_eq!(of_row(9), [(3, 2)]);
        for row in [1, 2, 6, 7, 10] {
            assert_eq!(of_row(row), [], "{row}");
        }
        let all: Vec<_> = duplicates.all().collect();
        assert_eq!(all, [(4, 1, 7), (5, 1, 7), (5, 3, 2), (9, 3, 2)]);
    }

    #[test]
    fn most_unique_values_are_not_sorted() {
        let all = (0..5000).map(|row| Seen::new(&format!("v{row}"), 7, row));
        let left = candidates(&vec![all.collect()]);
        // The table has 2,048 words, about 26 bits for each value.
        assert!((100..300).contains(&left.len()), "{}", left.len());
    }

    #[test]
    fn capitals_are_found() {
        for text in ["Anna", "annA@b.se", "åsa", "ÅÄÖ", "a@É.se"] {
            assert!(may_have_capitals(text.as_bytes()), "{text}");
        }
        for text in ["", "anna@b.se", "[a-z]_1"] {
            assert!(!may_have_capitals(text.as_bytes()), "{text}");
        }
    }
}
