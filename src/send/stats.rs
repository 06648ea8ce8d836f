//! Counters of requests, retries and waits.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a run.
#[derive(Debug, Default)]
pub struct Stats {
    pub(super) requests: AtomicU64,
    pub(super) lookups: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) throttled: AtomicU64,
}

impl Stats {
    /// Counts a request.
    pub(crate) fn count(&self, changes: bool, again: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.lookups
            .fetch_add(u64::from(!changes), Ordering::Relaxed);
        self.retries.fetch_add(u64::from(again), Ordering::Relaxed);
    }

    /// Returns the number of requests, including look-ups.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of requests that only read.
    pub fn lookups(&self) -> u64 {
        self.lookups.load(Ordering::Relaxed)
    }

    /// Returns the number of retries.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Returns the number of throttled responses (429).
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Stats;

    #[test]
    fn look_ups_and_retries_count_as_requests() {
        let stats = Stats::default();
        stats.count(true, false);
        stats.count(true, true);
        stats.count(true, true);
        stats.count(false, false);
        stats.count(false, true);
        let counted = (stats.requests(), stats.lookups(), stats.retries());
        assert_eq!(counted, (5, 2, 3));
        assert_eq!(stats.throttled(), 0);
    }
}
