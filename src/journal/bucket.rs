//! The shared quota bucket has one interface for all stores.

use super::error::JournalError;
use crate::clock::UnixNanos;

/// The bucket as all processes see it. Moments are nanoseconds since the Unix epoch, by a clock that
/// nobody can set: see [`super::QuotaStore::began`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedQuota {
    /// The theoretical arrival time of the generic cell rate algorithm.
    pub arrival: UnixNanos,
    /// The time in which one request came back, in nanoseconds, when that was reckoned.
    pub interval: u64,
    /// The API forbids requests before this time.
    pub not_before: UnixNanos,
    /// When that was said.
    pub held_at: UnixNanos,
    /// When this was written, in the time that nobody can set, and by the wall clock.
    pub steady: UnixNanos,
    /// The same by the wall clock; 0 where a version of the program wrote it that did not know.
    pub wall: UnixNanos,
    /// The API's own time when it was last heard, 0 if it never was, and when that was.
    pub api_date: UnixNanos,
    /// When that was heard.
    pub dated_at: UnixNanos,
}

/// A change of the bucket: what stands there, and what is to stand there instead, if anything.
pub(super) type Alter<'a> = dyn FnMut(SharedQuota) -> Option<SharedQuota> + Send + 'a;

/// Where a bucket is kept.
pub(super) trait Quotas: std::fmt::Debug + Send {
    /// The moment at which this start of the machine lies in the time that all processes count in: `since`
    /// nanoseconds have passed in it, and the wall clock shows `wall`.
    fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError>;

    /// Changes the bucket in one step that no other process can come between.
    fn update(&mut self, change: &mut Alter<'_>) -> Result<(), JournalError>;

    /// The limit that the API announced last, as text, where that is not long ago. A process that lasts for a whole
    /// run receives it with the first response.
    fn announced(&mut self) -> Result<Option<String>, JournalError> {
        Ok(None)
    }

    /// Notes the limit that the API announces.
    fn announce(&mut self, _limit: &str) -> Result<(), JournalError> {
        Ok(())
    }
}
