//! The interface of the shared quota bucket.

use super::error::JournalError;
use crate::clock::UnixNanos;

/// The state of a bucket that all processes share. Times are nanoseconds since the Unix epoch, on a clock
/// that users cannot set: see [`super::QuotaStore::began`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedQuota {
    /// The theoretical arrival time of the generic cell rate algorithm.
    pub arrival: UnixNanos,
    /// The time in nanoseconds in which the bucket regained one request, when it was last computed.
    pub interval: u64,
    /// The API forbids requests before this time.
    pub not_before: UnixNanos,
    /// When `not_before` was set.
    pub held_at: UnixNanos,
    /// When the state was written, on the steady clock.
    pub steady: UnixNanos,
    /// The same on the wall clock; 0 if an older version wrote the state.
    pub wall: UnixNanos,
    /// The time in the API's latest response, or 0 if there was none.
    pub api_date: UnixNanos,
    /// When that response arrived.
    pub dated_at: UnixNanos,
}

/// Computes the new state of a bucket from its current one; `None` keeps it.
pub(super) type Alter<'a> = dyn FnMut(SharedQuota) -> Option<SharedQuota> + Send + 'a;

/// A store of one quota bucket.
pub(super) trait Quotas: std::fmt::Debug + Send {
    /// Returns the time of this boot on the shared clock, `since` nanoseconds after it and with `wall` on the
    /// wall clock.
    fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError>;

    /// Changes the bucket atomically.
    fn update(&mut self, change: &mut Alter<'_>) -> Result<(), JournalError>;

    /// Returns the rate limit that the API last announced, as text, unless it is outdated. A process that
    /// sends a whole run gets it with the first response instead.
    fn announced(&mut self) -> Result<Option<String>, JournalError> {
        Ok(None)
    }

    /// Stores the rate limit that the API announces.
    fn announce(&mut self, _limit: &str) -> Result<(), JournalError> {
        Ok(())
    }
}
