//! The quota store shares the rate limit of an account between processes.

use sha2::{Digest, Sha256};

use super::bucket::{Quotas, SharedQuota};
use super::error::JournalError;
use super::postgres::open_quota;
use super::sqlite::SqliteQuota;
use super::state::{Place, State};
use crate::model::hex;

/// What is left of one account's quota, kept where runs are recorded so that every process that
/// records there, now and later, draws on the same bucket.
#[derive(Debug)]
pub struct QuotaStore {
    bucket: Box<dyn Quotas>,
    state: State,
    account: String,
}

/// The name of the quota of one set of credentials: at an origin, for a quota, or at an address below it. It tells
/// neither: it is a hash.
pub fn account_of(place: &str, credentials: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(place.as_bytes());
    hash.update([0]);
    hash.update(credentials);
    hex(&hash.finalize()[..12])
}

impl QuotaStore {
    /// The quota of `account`.
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

    /// The bucket of those alone who draw on this quota under one limit, which `name` tells from others.
    pub fn under_limit(&self, name: &str) -> Result<QuotaStore, JournalError> {
        QuotaStore::open(&self.state, &account_of(&self.account, name.as_bytes()))
    }

    /// The moment at which this start of the machine lies in the time that all processes count in: the
    /// wall clock's, when the journal first heard of any start; and after that the moment at which
    /// anything was last written, so that time which nobody can vouch for has not passed. Where several
    /// machines record in one database, its clock is the one that they have in common.
    pub fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError> {
        self.bucket.began(boot, since, wall)
    }

    /// Changes the bucket in one step that no other process can come between. `change` gets what
    /// stands there, and returns what is to stand there, if anything else, and its result.
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

    /// The limit that the API announced last for this quota, as whoever noted it wrote it; none where
    /// that was long ago, or is not kept here because each process hears it itself.
    pub fn announced(&mut self) -> Result<Option<String>, JournalError> {
        self.bucket.announced()
    }

    /// Notes the limit that the API announces, for those who draw on this quota next.
    pub fn announce(&mut self, limit: &str) -> Result<(), JournalError> {
        self.bucket.announce(limit)
    }
}

#[cfg(test)]
impl QuotaStore {
    /// One whose bucket is empty, and cannot be reached any more after so many changes.
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
