//! A compact set of row numbers.

use std::collections::BTreeMap;

/// A set of row numbers with one bit per row.
#[derive(Default)]
pub(super) struct RowSet {
    words: BTreeMap<u64, u64>,
}

impl RowSet {
    pub(super) fn insert(&mut self, row: u64) {
        *self.words.entry(row / 64).or_default() |= 1 << (row % 64);
    }

    pub(super) fn append(&mut self, other: RowSet) {
        for (index, word) in other.words {
            *self.words.entry(index).or_default() |= word;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.words
            .values()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    pub(super) fn contains(&self, row: u64) -> bool {
        self.words
            .get(&(row / 64))
            .is_some_and(|word| word & 1 << (row % 64) != 0)
    }
}

impl FromIterator<u64> for RowSet {
    fn from_iter<I: IntoIterator<Item = u64>>(rows: I) -> RowSet {
        let mut set = RowSet::default();
        rows.into_iter().for_each(|row| set.insert(row));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_rows_contains_its_rows() {
        let rows = [0, 1, 63, 64, 65, 200, 200];
        let mut set: RowSet = rows.into_iter().collect();
        assert_eq!(set.count(), 6);
        set.append([65, 66, 1000].into_iter().collect());
        let found: Vec<u64> = (0..1100).filter(|row| set.contains(*row)).collect();
        assert_eq!(found, [0, 1, 63, 64, 65, 66, 200, 1000]);
        assert_eq!(set.count(), 8);
    }
}
