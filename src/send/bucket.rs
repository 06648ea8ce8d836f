//! A token bucket with a rate and a burst.

use super::rate::Rate;
use crate::clock::{UnixNanos, nanos};

/// A bucket, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The time per request.
    pub(super) interval: u64,
    /// The number of requests in a full bucket.
    pub(super) depth: u64,
}

impl Bucket {
    /// Returns the number of requests at `now`, given the arrival time.
    pub(super) fn level(self, arrival: UnixNanos, now: UnixNanos) -> f64 {
        let used = arrival.saturating_sub(now) as f64 / self.interval as f64;
        (self.depth as f64 - used).max(0.0)
    }

    /// Returns the lead of a full bucket: its depth less one, in intervals.
    pub(super) fn tolerance(self) -> u64 {
        self.interval.saturating_mul(self.depth.saturating_sub(1))
    }
}

/// Returns the bucket of a rate and a burst.
pub(super) fn bucket_of(rate: Rate, burst: u32) -> Bucket {
    Bucket {
        interval: nanos(rate.interval()).max(1),
        depth: u64::from(burst),
    }
}
