//! The quota store shares a rate limit between processes.

use sha2::{Digest, Sha256};

use super::bucket::{Quotas, SharedQuota};
use super::error::JournalError;
use super::postgres::open_quota;
use super::sqlite::SqliteQuota;
use super::state::{Place, State};
use crate::model::hex;

/// The remaining quota of one account, stored with the runs so that every process with the same journal
/// shares the bucket.
#[derive(Debug)]
pub struct QuotaStore {
    bucket: Box<dyn Quotas>,
    state: State,
    account: String,
}

/// Returns the name of the quota of a set of credentials at a place: an origin for a quota, or a base URL.
/// The name is a hash that reveals neither.
pub fn account_of(place: &str, credentials: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(place.as_bytes());
    hash.update([0]);
    hash.update(credentials);
    hex(&hash.finalize()[..12])
}

impl QuotaStore {
    /// Opens the quota of `account`.
    pub fn open(state: &State, account: &str) -> Result<QuotaStore, JournalError> {
        let bucket: Box<dyn Quotas> = match state.place() {
            Place::Folder(folder) => Box::new(SqliteQuota::open(folder, account)?),
            Place::Database(database) => open_quota(database, account)?,
        };
        Ok(QuotaStore {
            bucket,
            state: state.clone(),
            account: account.to_owned(),
        })
    }

    /// Opens the bucket of processes that use this quota under the same additional limit, which `name`
    /// identifies.
    pub fn under_limit(&self, name: &str) -> Result<QuotaStore, JournalError> {
        QuotaStore::open(&self.state, &account_of(&self.account, name.as_bytes()))
    }

    /// Returns the time of this boot on the clock that all processes share. For the first boot that the
    /// journal records, it is derived from the wall clock; for later boots, from the time of the last write,
    /// so that an unverifiable interval does not count as elapsed. Machines that share a database use its
    /// clock.
    pub fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError> {
        self.bucket.began(boot, since, wall)
    }

    /// Changes the bucket atomically. `change` gets the current state, and returns the new state, if it
    /// changes, and a result.
    pub fn update<T: Send>(
        &mut self,
        change: impl FnOnce(SharedQuota) -> (Option<SharedQuota>, T) + Send,
    ) -> Result<T, JournalError> {
        let mut change = Some(change);
        let mut result = None;
        self.bucket.update(&mut |shared| {
            let change = change.take()?;
            let (changed, told) = change(shared);
            result = Some(told);
            changed
        })?;
        result.ok_or(JournalError::Closed)
    }

    /// Returns the rate limit that the API last announced for this quota, as stored by [`Self::announce`].
    /// Returns `None` if it is outdated, or if the store keeps none because each process gets it with its
    /// first response.
    pub fn announced(&mut self) -> Result<Option<String>, JournalError> {
        self.bucket.announced()
    }

    /// Stores the rate limit that the API announces, for other processes with this quota.
    pub fn announce(&mut self, limit: &str) -> Result<(), JournalError> {
        self.bucket.announce(limit)
    }
}

#[cfg(test)]
impl QuotaStore {
    /// Returns a store with an empty bucket that fails after this many changes.
    pub(crate) fn failing_after(changes: u32) -> QuotaStore {
        #[derive(Debug)]
        struct Failing(u32);

        impl Quotas for Failing {
            fn began(&mut self, _: &str, _: u64, _: u64) -> Result<u64, JournalError> {
                Ok(0)
            }

            fn update(
                &mut self,
                change: &mut super::bucket::Alter<'_>,
            ) -> Result<(), JournalError> {
                self.0 = self.0.checked_sub(1).ok_or(JournalError::Closed)?;
                change(SharedQuota::default());
                Ok(())
            }

            fn announce(&mut self, _: &str) -> Result<(), JournalError> {
                Err(JournalError::Closed)
            }
        }

        QuotaStore {
            bucket: Box::new(Failing(changes)),
            state: State::in_folder(std::path::Path::new("")),
            account: String::new(),
        }
    }
}
