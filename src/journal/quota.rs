use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::store::Journal;
use crate::clock::UnixNanos;
use crate::model::hex;

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

/// The bucket as all processes see it. Moments are nanoseconds since the Unix epoch, by a clock that
/// nobody can set: see [`QuotaStore::began`].
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
    /// When this was written, in the time that nobody can set, and by the wall clock.
    pub steady: UnixNanos,
    /// The same by the wall clock; 0 where a version of the program wrote it that did not know.
    pub wall: UnixNanos,
    /// The API's own time when it was last heard, 0 if it never was, and when that was.
    pub api_date: UnixNanos,
    /// When that was heard.
    pub dated_at: UnixNanos,
}

/// The name under which the quota of one set of credentials at one place is kept: at an origin, for
/// a quota, or at an address below it. It tells neither: it is a hash.
pub fn account_of(place: &str, credentials: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(place.as_bytes());
    hash.update([0]);
    hash.update(credentials);
    hex(&hash.finalize()[..12])
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
            action: "quota",
            path: self.path.clone(),
            source: source.into(),
        }
    }

    /// The moment at which this start of the machine lies in the time that all processes count in: the
    /// wall clock's, when the journal first heard of any start; and after that the moment at which
    /// anything was last written, so that time which nobody can vouch for has not passed.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError> {
        self.try_began(boot, since, wall)
            .map_err(|source| self.explain(source))
    }

    fn try_began(&mut self, boot: &str, since: u64, wall: u64) -> rusqlite::Result<u64> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = transaction
            .query_row("SELECT began FROM boot WHERE id = ?1", [boot], |row| {
                row.get(0)
            })
            .optional()?;
        let began = match known {
            Some(began) => began,
            None => {
                let seen: u64 = transaction.query_row(
                    "SELECT coalesce(max(steady), 0) FROM quota",
                    [],
                    |row| row.get(0),
                )?;
                let now = if seen == 0 { wall } else { seen };
                let began = now.saturating_sub(since);
                transaction.execute("INSERT INTO boot VALUES (?1, ?2)", params![boot, began])?;
                began
            }
        };
        transaction.commit()?;
        Ok(began)
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
                "SELECT arrival, interval, not_before, held_at, steady, wall, api_date, dated_at
                 FROM quota WHERE account = ?1",
            )?
            .query_row([&self.account], |row| {
                Ok(SharedQuota {
                    arrival: row.get(0)?,
                    interval: row.get(1)?,
                    not_before: row.get(2)?,
                    held_at: row.get(3)?,
                    steady: row.get(4)?,
                    wall: row.get(5)?,
                    api_date: row.get(6)?,
                    dated_at: row.get(7)?,
                })
            })
            .optional()?
            .unwrap_or_default();
        let (changed, result) = change(shared);
        if let Some(next) = changed {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO quota VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    self.account,
                    next.arrival,
                    next.interval,
                    next.not_before,
                    next.held_at,
                    next.steady,
                    next.wall,
                    next.api_date,
                    next.dated_at
                ])?;
        }
        transaction.commit()?;
        Ok(result)
    }
}
