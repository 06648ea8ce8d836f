//! Counts of sent rows in a bounded number of intervals.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Outcome, Standing};

/// The times at which sent rows ended, counted in intervals that are as short as memory allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The length of an interval in microseconds.
    length: i64,
    /// The non-empty intervals, by number since the Unix epoch.
    stretches: BTreeMap<i64, Ended>,
}

/// Counts of the sent rows that ended in one interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Rows that were updated at the first attempt.
    pub(super) at_once: u64,
    /// Rows that were updated after a retry.
    pub(super) again: u64,
    /// Rows that were not updated.
    pub(super) without_success: u64,
}

impl Ended {
    fn add(&mut self, other: Ended) {
        self.at_once += other.at_once;
        self.again += other.again;
        self.without_success += other.without_success;
    }

    pub(super) fn total(&self) -> u64 {
        self.at_once + self.again + self.without_success
    }
}

/// The maximum number of stored intervals. Many more than are drawn, so that their alignment does not matter.
const MOST: usize = 4_096;

impl Default for Timeline {
    fn default() -> Timeline {
        Timeline {
            length: 1,
            stretches: BTreeMap::new(),
        }
    }
}

impl Timeline {
    /// Counts a row if a request was sent for it and its end is known.
    pub(super) fn note(&mut self, outcome: &Outcome) {
        let is_updated = match outcome.state.standing() {
            Standing::Changed => true,
            Standing::Faulty => false,
            Standing::Same | Standing::Left | Standing::Open | Standing::InDoubt => return,
        };
        if outcome.attempts == 0 {
            return;
        }
        let at = outcome.finished_at.as_microsecond().div_euclid(self.length);
        self.stretches.entry(at).or_default().add(Ended {
            at_once: u64::from(is_updated && outcome.attempts == 1),
            again: u64::from(is_updated && outcome.attempts > 1),
            without_success: u64::from(!is_updated),
        });
        while self.stretches.len() > MOST {
            self.length *= 2;
            let shorter = std::mem::take(&mut self.stretches);
            for (number, ended) in shorter {
                let number = number.div_euclid(2);
                self.stretches.entry(number).or_default().add(ended);
            }
        }
    }

    /// Returns when the first row ended, to the length of an interval.
    pub(super) fn began(&self) -> Option<Timestamp> {
        let (number, _) = self.stretches.first_key_value()?;
        Timestamp::from_microsecond(number.checked_mul(self.length)?).ok()
    }

    /// Returns the counts by interval of `width` microseconds from `start` on, without empty intervals.
    pub(super) fn since(&self, start: Timestamp, width: i64) -> BTreeMap<u64, Ended> {
        let mut since: BTreeMap<u64, Ended> = BTreeMap::new();
        for (number, ended) in &self.stretches {
            let after = number * self.length - start.as_microsecond();
            let number = u64::try_from(after / width.max(1)).unwrap_or(0);
            since.entry(number).or_default().add(*ended);
        }
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RowState;

    fn outcome(micros: i64, state: RowState, attempts: u32) -> Outcome {
        Outcome {
            attempts,
            ..Outcome::of(1, state, Timestamp::from_microsecond(micros).unwrap())
        }
    }

    #[test]
    fn sent_rows_are_counted_at_their_end_and_unsent_rows_are_not() {
        let mut timeline = Timeline::default();
        for (micros, state, attempts) in [
            (5, RowState::Updated, 1),
            (12, RowState::Updated, 3),
            (19, RowState::Rejected, 1),
            (20, RowState::Failed, 2),
            (-1, RowState::Updated, 1),
            (15, RowState::Unknown, 1),
            (15, RowState::Invalid, 0),
        ] {
            timeline.note(&outcome(micros, state, attempts));
        }
        let since = timeline.since(Timestamp::UNIX_EPOCH, 10);
        let told = |number| {
            let ended: Ended = since.get(&number).copied().unwrap_or_default();
            (ended.at_once, ended.again, ended.without_success)
        };
        assert_eq!(since.len(), 3);
        assert_eq!(
            told(0),
            (2, 0, 0),
            "one of them before it began, by the clock"
        );
        let began = timeline.began().map(|began| began.as_microsecond());
        assert_eq!(began, Some(-1));
        assert_eq!(Timeline::default().began(), None);
        assert_eq!(told(1), (0, 1, 1));
        assert_eq!(told(2), (0, 0, 1));
    }

    #[test]
    fn a_long_run_uses_bounded_memory_and_counts_every_row() {
        let mut timeline = Timeline::default();
        let rows = 3 * MOST as i64;
        for row in 0..rows {
            timeline.note(&outcome(row * 1_000, RowState::Updated, 1));
        }
        assert!(timeline.stretches.len() <= MOST);
        let since = timeline.since(Timestamp::UNIX_EPOCH, rows * 10);
        assert_eq!(since.values().map(Ended::total).sum::<u64>(), rows as u64);
        let a_hundredth = rows as u64 / 100;
        for ended in since.values().take(99) {
            assert!(ended.total().abs_diff(a_hundredth) <= 8, "{ended:?}");
        }
    }
}
