//! PostgreSQL advisory locks, which end with the session of a process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::connection::{Connection, Shared, cell};
use super::database::Database;
use crate::journal::error::{JournalError, StoreAction};

/// An advisory lock of a database session. A process has one session for all its locks in a database, and
/// counts them itself, because a session does not block itself.
#[derive(Debug)]
pub(in crate::journal) struct SessionLock {
    /// The session that holds the lock.
    session: Shared,
    database: String,
    key: i64,
    shared: bool,
}

/// The sessions of this process with their locks.
static HELD: Mutex<Option<HashMap<String, Session>>> = Mutex::new(None);

struct Session {
    connection: Shared,
    /// The number of holders that share each key; `None` if it is held exclusively.
    keys: HashMap<i64, Option<usize>>,
}

fn sessions() -> MutexGuard<'static, Option<HashMap<String, Session>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionLock {
    /// Shares the lock called `name`. Waits while it is held exclusively.
    pub(in crate::journal) fn share(
        database: &Database,
        name: &str,
    ) -> Result<SessionLock, JournalError> {
        loop {
            if let Some(lock) = SessionLock::try_lock(database, name, true)? {
                return Ok(lock);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Takes the exclusive lock called `name`, or returns `None` if it is held.
    pub(in crate::journal) fn take(
        database: &Database,
        name: &str,
    ) -> Result<Option<SessionLock>, JournalError> {
        SessionLock::try_lock(database, name, false)
    }

    fn try_lock(
        database: &Database,
        name: &str,
        shared: bool,
    ) -> Result<Option<SessionLock>, JournalError> {
        let identity = database.identity();
        let key = Database::key_of(name);
        let mut held = sessions();
        let all = held.get_or_insert_default();
        // A lost session has lost its locks.
        if all
            .get(&identity)
            .is_some_and(|session| session.connection.is_lost())
        {
            all.remove(&identity);
        }
        let session = match all.entry(identity.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Session {
                connection: Shared::new(database.connect()?),
                keys: HashMap::new(),
            }),
        };
        let own = session.connection.clone();
        let lock = || {
            Ok(Some(SessionLock {
                session: own.clone(),
                database: identity.clone(),
                key,
                shared,
            }))
        };
        match session.keys.get_mut(&key) {
            Some(Some(count)) if shared => {
                *count += 1;
                return lock();
            }
            Some(_) => return Ok(None),
            None => {}
        }
        let function = match shared {
            true => "SELECT pg_try_advisory_lock_shared($1)",
            false => "SELECT pg_try_advisory_lock($1)",
        };
        let got = ask(&session.connection, function, key);
        if !got.map_err(|refusal| database.explain(StoreAction::Write, refusal))? {
            return Ok(None);
        }
        session.keys.insert(key, shared.then_some(1));
        lock()
    }
}

fn ask(
    connection: &Connection,
    function: &str,
    key: i64,
) -> Result<bool, crate::journal::error::StoreError> {
    let row = connection.plainly(|client| client.query_one(function, &[&key]))?;
    cell(&row, 0).or(Ok(false))
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        let mut held = sessions();
        let Some(session) = held.as_mut().and_then(|all| all.get_mut(&self.database)) else {
            return;
        };
        // The lock ended with its session; the current session holds other locks.
        if !Shared::ptr_eq(&session.connection, &self.session) {
            return;
        }
        if let Some(Some(count)) = session.keys.get_mut(&self.key)
            && *count > 1
        {
            *count -= 1;
            return;
        }
        session.keys.remove(&self.key);
        let function = match self.shared {
            true => "SELECT pg_advisory_unlock_shared($1)",
            false => "SELECT pg_advisory_unlock($1)",
        };
        // If the session is lost, the lock is too.
        let _ = ask(&session.connection, function, self.key);
    }
}
