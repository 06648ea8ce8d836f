//! A rate and a burst define a token bucket.

use super::rate::Rate;
use crate::clock::{UnixNanos, nanos};

/// A bucket, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The time in which one request comes back.
    pub(super) interval: u64,
    /// Requests that a full bucket holds.
    pub(super) depth: u64,
}

impl Bucket {
    /// Requests that it holds at `now`, where its arrival time is `arrival`.
    pub(super) fn level(self, arrival: UnixNanos, now: UnixNanos) -> f64 {
        let used = arrival.saturating_sub(now) as f64 / self.interval as f64;
        (self.depth as f64 - used).max(0.0)
    }

    /// By how much a full bucket runs ahead: its depth less one, in intervals.
    pub(super) fn tolerance(self) -> u64 {
        self.interval.saturating_mul(self.depth.saturating_sub(1))
    }
}

/// The bucket of a rate and a burst.
pub(super) fn bucket_of(rate: Rate, burst: u32) -> Bucket {
    Bucket {
        interval: nanos(rate.interval()).max(1),
        depth: u64::from(burst),
    }
}
