//! The leaky bucket that limits requests.

use std::time::Duration;

use crate::clock::{UnixNanos, nanos};

/// A leaky bucket of requests. It starts full and gains one request per interval, up to its depth.
#[derive(Debug)]
pub(super) struct Bucket {
    depth: f64,
    interval: u64,
    level: f64,
    at: UnixNanos,
}

/// The values of the rate-limit headers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    /// Requests per hour.
    pub(super) limit: u64,
    /// Remaining whole requests.
    pub(super) remaining: u64,
    /// When the next request is accepted, in milliseconds since the Unix epoch.
    pub(super) reset_ms: u64,
}

impl Bucket {
    pub(super) fn new(depth: f64, interval: Duration, now: UnixNanos) -> Bucket {
        let depth = depth.max(1.0);
        Bucket {
            depth,
            interval: nanos(interval).max(1),
            level: depth,
            at: now,
        }
    }

    /// Takes one request, if available.
    pub(super) fn take(&mut self, now: UnixNanos) -> bool {
        self.fill(now);
        // The tolerance covers floating-point rounding.
        let taken = self.level >= 1.0 - 1e-9;
        if taken {
            self.level = (self.level - 1.0).max(0.0);
        }
        taken
    }

    fn fill(&mut self, now: UnixNanos) {
        let gained = now.saturating_sub(self.at) as f64 / self.interval as f64;
        self.level = (self.level + gained).min(self.depth);
        self.at = self.at.max(now);
    }

    /// Returns the whole seconds until the next request is accepted, at least one.
    pub(super) fn retry_after(&mut self, now: UnixNanos) -> u64 {
        let ready = self.level(now).reset_ms * 1_000_000;
        ready.saturating_sub(now).div_ceil(1_000_000_000).max(1)
    }

    pub(super) fn level(&mut self, now: UnixNanos) -> Level {
        self.fill(now);
        let missing = (1.0 - self.level).max(0.0);
        let wait = (missing * self.interval as f64).ceil() as u64;
        Level {
            limit: (3_600e9 / self.interval as f64).round() as u64,
            remaining: self.level as u64,
            reset_ms: (now + wait).div_ceil(1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_allows_its_depth_at_once_and_then_one_per_interval() {
        const SECOND: u64 = 1_000_000_000;
        let mut bucket = Bucket::new(3.0, Duration::from_secs(2), 0);
        assert_eq!((0..5).filter(|_| bucket.take(0)).count(), 3);
        assert_eq!(
            bucket.level(0),
            Level {
                limit: 1800,
                remaining: 0,
                reset_ms: 2000
            }
        );
        assert!(!bucket.take(SECOND));
        assert!(bucket.take(2 * SECOND));
        assert_eq!(bucket.level(1000 * SECOND).remaining, 3);
    }
}
