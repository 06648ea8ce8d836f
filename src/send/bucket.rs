use super::rate::Rate;
use crate::clock::nanos;

/// A bucket, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The time in which one request comes back.
    pub(super) interval: u64,
    /// Requests that a full bucket holds.
    pub(super) depth: u64,
}

impl Bucket {
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
