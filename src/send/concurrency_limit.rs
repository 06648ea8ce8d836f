//! The concurrency limit adapts to errors and latency.

use std::time::Duration;

/// The limit of concurrent requests: the maximum while the API responds well, fewer when errors or latency
/// rise, and one more at a time when they fall (additive increase, multiplicative decrease, as in TCP).
#[derive(Debug, Clone)]
pub(super) struct ConcurrencyLimit {
    most: f64,
    limit: f64,
    /// The share of errors among recent responses.
    failing: f64,
    /// The mean latency of recent responses, and of many, in seconds.
    latest: f64,
    usual: f64,
    /// The number of responses since the limit was last lowered.
    since: f64,
}

/// The number of responses in the recent share and mean.
const FEW: f64 = 20.0;
const MANY: f64 = 400.0;

/// More than a quarter of errors is not chance.
const TOO_MANY_ERRORS: f64 = 0.25;

/// Latency of three times the usual, beyond network jitter, indicates a queue.
const TOO_SLOW: f64 = 3.0;
const WHIM: f64 = 0.1;

impl ConcurrencyLimit {
    pub(super) fn new(most: usize) -> ConcurrencyLimit {
        ConcurrencyLimit {
            most: most.max(1) as f64,
            limit: most.max(1) as f64,
            failing: 0.0,
            latest: 0.0,
            usual: 0.0,
            since: 0.0,
        }
    }

    /// Returns the number of concurrent requests that are allowed now.
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Returns the average latency of recent responses, in seconds.
    pub(super) fn latency(&self) -> f64 {
        self.latest
    }

    /// Records a response, or its absence, after `latency`.
    pub(super) fn answered(&mut self, well: bool, latency: Duration) {
        let seconds = latency.as_secs_f64();
        if self.usual == 0.0 {
            (self.usual, self.latest) = (seconds, seconds);
        }
        self.failing += (f64::from(u8::from(!well)) - self.failing) / FEW;
        self.latest += (seconds - self.latest) / FEW;
        self.usual += (seconds - self.usual) / MANY;
        self.since += 1.0;
        let slow = self.latest > self.usual * TOO_SLOW + WHIM;
        if self.failing > TOO_MANY_ERRORS || slow {
            // The limit is lowered once per round: requests of the same round carry no new information.
            if self.since > self.limit {
                self.limit = (self.limit / 2.0).max(1.0);
                self.since = 0.0;
            }
        } else if well {
            self.limit = (self.limit + 1.0 / self.limit).min(self.most);
        }
    }

    /// Records that a failed request succeeded when it was retried, which is no sign of overload.
    pub(super) fn recovered(&mut self) {
        self.failing = (self.failing - 1.0 / FEW).max(0.0);
    }
}

/// The retry budget. Each success adds a fifth of a retry, and a successful retry is refunded, so that an API
/// that is down is requested rarely.
#[derive(Debug, Clone)]
pub(super) struct RetryBudget {
    left: f64,
}

/// The maximum of saved retries, and the initial number.
const SAVED: f64 = 20.0;
const PART: f64 = 0.2;

impl RetryBudget {
    pub(super) fn new() -> RetryBudget {
        RetryBudget { left: SAVED }
    }

    /// Records a success.
    pub(super) fn deposit(&mut self) {
        self.left = (self.left + PART).min(SAVED);
    }

    /// Refunds a retry that succeeded.
    pub(super) fn recover(&mut self) {
        self.left = (self.left + 1.0).min(SAVED);
    }

    /// Takes one retry from the budget. Returns whether one was available.
    pub(super) fn withdraw(&mut self) -> bool {
        let there = self.left >= 1.0;
        if there {
            self.left -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(50);

    #[test]
    fn concurrency_falls_with_errors_and_recovers() {
        let mut load = ConcurrencyLimit::new(64);
        for number in 0..1000 {
            // One error in ten is chance.
            load.answered(number % 10 != 0, QUICK);
        }
        assert_eq!(load.limit(), 64);
        for _ in 0..200 {
            load.answered(false, QUICK);
        }
        assert_eq!(load.limit(), 1);
        for _ in 0..3000 {
            load.answered(true, QUICK);
        }
        assert_eq!(load.limit(), 64);
    }

    #[test]
    fn concurrency_is_halved_once_a_round() {
        let mut load = ConcurrencyLimit::new(64);
        let mut fail = |times: usize| {
            (0..times).for_each(|_| load.answered(false, QUICK));
            load.limit()
        };
        assert_eq!(fail(64), 64, "those were under way already");
        assert_eq!(fail(1), 32);
        assert_eq!(fail(32), 32);
        assert_eq!(fail(1), 16);
    }

    #[test]
    fn a_few_errors_in_a_row_are_chance() {
        let mut load = ConcurrencyLimit::new(2);
        for _ in 0..100 {
            load.answered(true, QUICK);
        }
        for _ in 0..5 {
            load.answered(false, QUICK);
        }
        assert_eq!(load.limit(), 2);
        load.answered(false, QUICK);
        assert_eq!(load.limit(), 1);
    }

    #[test]
    fn concurrency_falls_with_rising_latency() {
        let mut load = ConcurrencyLimit::new(64);
        for _ in 0..400 {
            load.answered(true, QUICK);
        }
        assert_eq!(load.limit(), 64);
        for _ in 0..150 {
            load.answered(true, Duration::from_secs(2));
        }
        assert!(load.limit() < 32, "{}", load.limit());
        for _ in 0..4000 {
            load.answered(true, QUICK);
        }
        assert_eq!(load.limit(), 64);
    }

    #[test]
    fn successful_retries_do_not_lower_concurrency() {
        let (mut load, mut budget) = (ConcurrencyLimit::new(8), RetryBudget::new());
        for _ in 0..1000 {
            load.answered(false, QUICK);
            assert!(budget.withdraw());
            load.answered(true, QUICK);
            budget.deposit();
            load.recovered();
            budget.recover();
        }
        assert_eq!(load.limit(), 8);
    }

    #[test]
    fn the_retry_budget_is_a_fifth_of_successes() {
        let mut budget = RetryBudget::new();
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 20);
        (0..50).for_each(|_| budget.deposit());
        let again = (0..100).filter(|_| budget.withdraw()).count();
        assert!((9..=10).contains(&again), "{again}");
    }

    #[test]
    fn latency_is_the_mean_of_recent_responses() {
        let mut load = ConcurrencyLimit::new(8);
        load.answered(true, Duration::from_secs(2));
        assert_eq!(load.latency(), 2.0);
        load.answered(true, Duration::from_secs(4));
        assert_eq!(load.latency(), 2.1, "by a twentieth");
        for _ in 0..200 {
            load.answered(true, Duration::from_secs(4));
        }
        assert!((load.latency() - 4.0).abs() < 0.01, "{}", load.latency());
    }

    #[test]
    fn a_quarter_of_errors_is_chance_and_more_is_not() {
        let limit_with = |every: usize| {
            let mut load = ConcurrencyLimit::new(64);
            for number in 0..2000 {
                load.answered(number % every != 0, QUICK);
            }
            load.limit()
        };
        assert_eq!(limit_with(5), 64);
        assert!(limit_with(3) < 32);
    }

    #[test]
    fn twice_the_usual_latency_is_no_queue_and_four_times_is_one() {
        let limit_at = |usual: f64, later: f64| {
            let mut load = ConcurrencyLimit::new(64);
            for _ in 0..400 {
                load.answered(true, Duration::from_secs_f64(usual));
            }
            for _ in 0..80 {
                load.answered(true, Duration::from_secs_f64(later));
            }
            load.limit()
        };
        assert_eq!(limit_at(1.0, 2.0), 64);
        assert!(limit_at(1.0, 5.0) < 64);
        // Network jitter: a tenth of a second is no queue, regardless of the usual latency.
        assert_eq!(limit_at(0.01, 0.12), 64);
        assert!(limit_at(0.01, 0.3) < 64);
    }

    #[test]
    fn the_usual_latency_changes_over_hundreds_of_responses() {
        let mut load = ConcurrencyLimit::new(2);
        for _ in 0..400 {
            load.answered(true, Duration::from_secs(1));
        }
        for _ in 0..2000 {
            load.answered(true, Duration::from_secs(6));
        }
        assert_eq!(load.limit(), 2, "the API is slower now, and copes");
        let before = load.usual;
        assert!((5.9..=6.0).contains(&before), "{before}");
    }

    #[test]
    fn a_quarter_of_errors_and_thrice_the_usual_latency_are_still_chance() {
        // Returns the limit after a response that leads to a share of `failing` errors and to mean latencies
        // of `usual` and `latest` seconds.
        let limit_at = |failing: f64, usual: f64, latest: f64| {
            let mut load = ConcurrencyLimit::new(8);
            load.since = 100.0;
            load.failing = failing * FEW / (FEW - 1.0);
            load.usual = (usual * MANY - latest) / (MANY - 1.0);
            load.latest = latest;
            load.answered(true, Duration::from_secs_f64(latest));
            assert!((load.failing - failing).abs() < 1e-15, "{}", load.failing);
            assert!((load.usual - usual).abs() < 1e-15, "{}", load.usual);
            load.limit()
        };
        assert_eq!(limit_at(0.25, 1.0, 1.0), 8);
        assert_eq!(limit_at(0.251, 1.0, 1.0), 4);
        assert_eq!(limit_at(0.0, 1.0, 3.1), 8);
        assert_eq!(limit_at(0.0, 1.0, 3.101), 4);
    }

    #[test]
    fn concurrency_grows_by_about_one_per_round_trip() {
        let mut load = ConcurrencyLimit::new(8);
        load.limit = 4.0;
        let limits: Vec<usize> = (0..12)
            .map(|_| {
                load.answered(true, QUICK);
                load.limit()
            })
            .collect();
        assert_eq!(limits, [4, 4, 4, 4, 5, 5, 5, 5, 5, 6, 6, 6]);
    }

    #[test]
    fn one_successful_retry_offsets_one_error() {
        let mut load = ConcurrencyLimit::new(8);
        load.answered(false, QUICK);
        let failing = load.failing;
        assert_eq!(failing, 0.05);
        load.recovered();
        assert_eq!(load.failing, 0.0);
        load.recovered();
        assert_eq!(load.failing, 0.0, "and for none to come");
        load.failing = 0.5;
        load.recovered();
        assert_eq!(load.failing, 0.45);
    }
}
