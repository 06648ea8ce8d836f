//! Rows are counted by class and state.

use std::collections::BTreeMap;

use crate::model::{RowState, Standing, StateCounts};

/// The rows of each class by state, and the classes of rows that did not succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes {
    counts: BTreeMap<String, StateCounts>,
    of_rows: BTreeMap<u64, String>,
}

/// Classes that are counted. Further rows, such as those of a column that holds no classes, count as rows without one.
const MOST: usize = 500;

/// Rows that did not succeed and whose classes are kept.
const ROWS: usize = 200;

impl Classes {
    pub(super) fn note(&mut self, row: u64, class: &str, state: RowState) {
        let class = class.trim();
        let is_known = self.counts.contains_key(class) || self.counts.len() < MOST;
        let class = if is_known { class } else { "" };
        match self.counts.get_mut(class) {
            Some(counts) => counts.add(state, 1),
            None => {
                let counts = self.counts.entry(class.to_owned()).or_default();
                counts.add(state, 1);
            }
        }
        if state.standing() == Standing::Faulty && self.of_rows.len() < ROWS {
            self.of_rows.insert(row, class.to_owned());
        }
    }

    /// The classes in order, rows without one last.
    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &StateCounts)> {
        let (none, others): (Vec<_>, Vec<_>) =
            self.counts.iter().partition(|(class, _)| class.is_empty());
        let all = others.into_iter().chain(none);
        all.map(|(class, counts)| (class.as_str(), counts))
    }

    /// The class of a row that did not succeed; empty where it is not known.
    pub(super) fn of(&self, row: u64) -> &str {
        self.of_rows.get(&row).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_class_and_further_classes_count_as_none() {
        let mut classes = Classes::default();
        classes.note(1, " 7A ", RowState::Updated);
        classes.note(2, "", RowState::Withheld);
        classes.note(3, "6B", RowState::Invalid);
        classes.note(4, "7A", RowState::Rejected);
        let found: Vec<(&str, u64, u64)> = classes
            .each()
            .map(|(class, counts)| (class, counts.total(), counts.unsuccessful()))
            .collect();
        assert_eq!(found, [("6B", 1, 1), ("7A", 2, 1), ("", 1, 0)]);
        assert_eq!((classes.of(4), classes.of(1)), ("7A", ""));
        for row in 5..2_000 {
            classes.note(row, &row.to_string(), RowState::Failed);
        }
        assert!(classes.counts.len() <= MOST && classes.of_rows.len() == ROWS);
        let all: u64 = classes.each().map(|(_, counts)| counts.total()).sum();
        assert_eq!(all, 1_999);
    }
}
