//! The quota store shares a rate limit between processes.

use sha2::{Digest, Sha256};

use super::error::{JournalError, StoreAction};
use super::facade::Journal;
use super::sql::{Row, Value};
use super::state::State;
use crate::clock::UnixNanos;
use crate::model::hex;

/// The state of a bucket that all processes share. Times are nanoseconds since the Unix epoch, on a clock
/// that users cannot set: see [`QuotaStore::began`].
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

/// The remaining quota of one account, stored with the runs so that every process with the same journal
/// shares the bucket.
///
/// In a file, writes do not wait for the disk: a killed process loses nothing, and after a power failure the
/// bucket has had time to refill.
#[derive(Debug)]
pub struct QuotaStore {
    journal: Journal,
    state: State,
    account: String,
    /// The number of changes after which a test's store fails.
    #[cfg(test)]
    fails_after: Option<u32>,
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
        let journal = Journal::open(state)?;
        journal.hurry().map_err(of_quota)?;
        Ok(QuotaStore {
            journal,
            state: state.clone(),
            account: account.to_owned(),
            #[cfg(test)]
            fails_after: None,
        })
    }

    /// Opens the bucket of processes that use this quota under the same additional limit, which `name`
    /// identifies.
    pub fn under_limit(&self, name: &str) -> Result<QuotaStore, JournalError> {
        QuotaStore::open(&self.state, &account_of(&self.account, name.as_bytes()))
    }

    /// Returns the time of this boot on the clock that all processes share, `since` nanoseconds after it and
    /// with `wall` on the wall clock. For the first boot that the journal records, it is derived from the
    /// wall clock; for later boots, from the time of the last write, so that an unverifiable interval does
    /// not count as elapsed. Machines that share a database use its clock.
    pub fn began(&mut self, boot: &str, since: u64, wall: u64) -> Result<u64, JournalError> {
        let began = self.journal.boot_time(&self.account, boot, (since, wall));
        began.map_err(of_quota)
    }

    /// Changes the bucket atomically. `change` gets the current state, and returns the new state, if it
    /// changes, and a result.
    pub fn update<T: Send>(
        &mut self,
        change: impl FnOnce(SharedQuota) -> (Option<SharedQuota>, T) + Send,
    ) -> Result<T, JournalError> {
        #[cfg(test)]
        self.count_down()?;
        // Machines that share a database wait for each other at the row.
        let waits = match self.state.database() {
            Some(_) => "FOR UPDATE",
            None => "",
        };
        let current = format!(
            "SELECT arrival, interval, not_before, held_at, steady, wall, api_date, dated_at
             FROM quota WHERE account = ?1 {waits}"
        );
        let account = Value::from(&self.account);
        let updated = self.journal.step(|sql| {
            let shared = |row: &dyn Row| {
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
            };
            let known = match sql.any(&current, &[account], shared)? {
                Some(known) => known,
                None => {
                    sql.change(
                        "INSERT INTO quota VALUES (?1, 0, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
                        &[account],
                    )?;
                    sql.one(&current, &[account], shared)?
                }
            };
            let (changed, told) = change(known);
            if let Some(next) = changed {
                sql.change(
                    "UPDATE quota SET arrival = ?2, interval = ?3, not_before = ?4, held_at = ?5,
                            steady = ?6, wall = ?7, api_date = ?8, dated_at = ?9
                     WHERE account = ?1",
                    &[
                        account,
                        next.arrival.into(),
                        next.interval.into(),
                        next.not_before.into(),
                        next.held_at.into(),
                        next.steady.into(),
                        next.wall.into(),
                        next.api_date.into(),
                        next.dated_at.into(),
                    ],
                )?;
            }
            Ok(told)
        });
        updated.map_err(of_quota)
    }

    /// Returns the rate limit that the API last announced for this quota, as stored by [`Self::announce`].
    /// Returns `None` if it is outdated, or if the journal is in a file: a process that sends a whole run
    /// gets it with its first response.
    pub fn announced(&mut self) -> Result<Option<String>, JournalError> {
        if self.state.database().is_none() {
            return Ok(None);
        }
        let limit = self.journal.step(|sql| {
            sql.any(
                "SELECT announced FROM quota
                 WHERE account = ?1 AND announced_at > now() - interval '1 day'",
                &[(&self.account).into()],
                |row| row.maybe(0),
            )
        });
        Ok(limit?.flatten())
    }

    /// Stores the rate limit that the API announces, for other processes with this quota.
    pub fn announce(&mut self, limit: &str) -> Result<(), JournalError> {
        #[cfg(test)]
        if self.fails_after.is_some() {
            return Err(JournalError::Closed);
        }
        if self.state.database().is_none() {
            return Ok(());
        }
        self.journal.put(
            "UPDATE quota SET announced = ?2, announced_at = now() WHERE account = ?1",
            &[(&self.account).into(), limit.into()],
        )
    }
}

/// Names the action of a failed statement.
fn of_quota(error: JournalError) -> JournalError {
    match error {
        JournalError::Sqlite { path, source, .. } => JournalError::Sqlite {
            action: StoreAction::KeepQuota,
            path,
            source,
        },
        other => other,
    }
}

#[cfg(test)]
impl QuotaStore {
    /// Returns a store with an empty bucket that fails after this many changes.
    pub(crate) fn failing_after(changes: u32) -> QuotaStore {
        QuotaStore {
            journal: Journal::temporary().unwrap(),
            state: State::in_folder(std::path::Path::new("")),
            account: String::new(),
            fails_after: Some(changes),
        }
    }

    fn count_down(&mut self) -> Result<(), JournalError> {
        if let Some(left) = &mut self.fails_after {
            *left = left.checked_sub(1).ok_or(JournalError::Closed)?;
        }
        Ok(())
    }
}
