use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::store::Journal;
use crate::clock::UnixNanos;

/// What is left of one account's quota, kept in the journal's file so that every process on the
/// machine, now and later, draws on the same bucket.
///
/// It is written without waiting for the disk: a process that dies loses nothing of it, and after
/// a power failure the bucket has had time to fill.
#[derive(Debug)]
pub struct QuotaStore {
    connection: Connection,
    path: PathBuf,
    account: String,
}

/// The bucket as all processes see it. Moments are nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedQuota {
    /// The theoretical arrival time of the generic cell rate algorithm.
    pub arrival: UnixNanos,
    /// The time in which one request came back, in nanoseconds, when that was reckoned.
    pub interval: u64,
    /// Nobody sends before this moment, because the API said so.
    pub not_before: UnixNanos,
    /// When that was said.
    pub held_at: UnixNanos,
}

/// The name under which the quota of one set of credentials at one address is kept. It tells
/// neither: it is a hash.
pub fn account_of(base_url: &str, credentials: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(base_url.as_bytes());
    hash.update([0]);
    hash.update(credentials);
    hash.finalize()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl QuotaStore {
    /// The quota of `account` in the journal in `folder`.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub fn open(folder: &std::path::Path, account: &str) -> Result<QuotaStore, JournalError> {
        let (connection, path) = Journal::open(folder)?.into_parts();
        let store = QuotaStore {
            connection,
            path,
            account: account.to_owned(),
        };
        store
            .connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(|source| store.explain(source))?;
        Ok(store)
    }

    fn explain(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite {
            action: "keep the quota in",
            path: self.path.clone(),
            source,
        }
    }

    /// Changes the bucket in one step that no other process can come between. `change` gets what
    /// stands there, and returns what is to stand there, if anything else, and its result.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn update<T>(
        &mut self,
        change: impl FnOnce(SharedQuota) -> (Option<SharedQuota>, T),
    ) -> Result<T, JournalError> {
        self.try_update(change)
            .map_err(|source| self.explain(source))
    }

    fn try_update<T>(
        &mut self,
        change: impl FnOnce(SharedQuota) -> (Option<SharedQuota>, T),
    ) -> rusqlite::Result<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let shared = transaction
            .prepare_cached(
                "SELECT arrival, interval, not_before, held_at FROM quota WHERE account = ?1",
            )?
            .query_row([&self.account], |row| {
                Ok(SharedQuota {
                    arrival: row.get(0)?,
                    interval: row.get(1)?,
                    not_before: row.get(2)?,
                    held_at: row.get(3)?,
                })
            })
            .optional()?
            .unwrap_or_default();
        let (changed, result) = change(shared);
        if let Some(next) = changed {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO quota VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    self.account,
                    next.arrival,
                    next.interval,
                    next.not_before,
                    next.held_at
                ])?;
        }
        transaction.commit()?;
        Ok(result)
    }
}
