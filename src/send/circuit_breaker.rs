//! Circuit breaker for runs in which most rows end in the same error.

use std::collections::{HashMap, VecDeque};

/// Detects errors that affect the whole run: if almost every row ends in the same error, further requests are
/// useless.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    /// The results of recent rows, oldest first: the number of the error, or `None` for a success.
    latest: VecDeque<Option<usize>>,
    errors: HashMap<String, usize>,
    seen: usize,
}

/// The number of first rows that must not all end in the same error.
const FIRST: usize = 20;
/// The number of recent rows for which the share of an error is limited.
const WINDOW: usize = 200;
const TOO_MANY: usize = 190;

impl CircuitBreaker {
    /// Records a row that succeeded or ended in `error`. Returns whether the error stops the run: it ended
    /// all of the first 20 rows, or 95 % of the last 200.
    pub(super) fn note(&mut self, error: Option<&str>) -> bool {
        let number = error.map(|error| {
            let next = self.errors.len();
            *self.errors.entry(error.to_owned()).or_insert(next)
        });
        self.seen += 1;
        self.latest.push_back(number);
        if self.latest.len() > WINDOW {
            self.latest.pop_front();
        }
        // Messages that quote a value differ in every row, and the map must stay bounded.
        if self.errors.len() > 10 * WINDOW {
            let kept: Vec<usize> = self.latest.iter().flatten().copied().collect();
            self.errors.retain(|_, number| kept.contains(number));
        }
        let Some(number) = number else {
            return false;
        };
        let same = self
            .latest
            .iter()
            .filter(|other| **other == Some(number))
            .count();
        (self.seen == FIRST && same == FIRST) || (self.latest.len() == WINDOW && same >= TOO_MANY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_on_the_first_twenty_or_on_most_of_two_hundred() {
        let mut repeats = CircuitBreaker::default();
        let stops: Vec<bool> = (0..25)
            .map(|_| repeats.note(Some("404 no such student")))
            .collect();
        assert_eq!(stops.iter().position(|stop| *stop), Some(19));

        let mut repeats = CircuitBreaker::default();
        assert!(!repeats.note(None));
        let stop = (1..500).position(|_| repeats.note(Some("500")));
        // The success has left the window, or is one of the ten allowed ones.
        assert_eq!(stop, Some(198));

        let mut repeats = CircuitBreaker::default();
        for row in 0..1000 {
            assert!(!repeats.note((row % 10 != 0).then_some("409")), "{row}");
        }
        let mut repeats = CircuitBreaker::default();
        for row in 0..5000 {
            assert!(
                !repeats.note(Some(&format!("number {row} is taken"))),
                "{row}"
            );
        }
    }

    #[test]
    fn an_error_is_recognized_after_thousands_of_others() {
        let mut breaker = CircuitBreaker::default();
        for row in 0..1950 {
            assert!(!breaker.note(Some(&format!("number {row} is taken"))));
        }
        // Errors in the window keep their numbers when others are removed.
        let stop = (0..400).position(|row| {
            breaker.note(Some("404 no such student")) || {
                row < 10 && breaker.note(Some(&format!("name {row} is taken")))
            }
        });
        assert_eq!(stop, Some(189));
        assert!(breaker.errors.len() <= 10 * WINDOW + 1);
        let known = (0..5000).map(|row| {
            breaker.note(Some(&format!("address {row} is taken")));
            breaker.errors.len()
        });
        assert_eq!(known.max(), Some(10 * WINDOW));
    }
}
