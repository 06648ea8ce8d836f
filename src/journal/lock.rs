use std::fs::{File, TryLockError};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::files::{make_private_file, make_private_folder};
use crate::model::hex;

/// Holds one roster for one process. The operating system lets go of it when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct RosterLock {
    _file: File,
}

impl RosterLock {
    /// Takes the roster at `roster`, or nothing if another process has it.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub fn take(folder: &Path, roster: &Path) -> Result<Option<RosterLock>, JournalError> {
        let (file, explain) = RosterLock::open(folder, roster)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RosterLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(explain(source)),
        }
    }

    /// Takes any file at `path`, once no other process has it.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub fn wait(folder: &Path, path: &Path) -> Result<RosterLock, JournalError> {
        let (file, explain) = RosterLock::open(folder, path)?;
        file.lock().map_err(explain)?;
        Ok(RosterLock { _file: file })
    }

    fn open(
        folder: &Path,
        roster: &Path,
    ) -> Result<(File, impl Fn(std::io::Error) -> JournalError), JournalError> {
        // The same file by another name is the same roster. The name itself may be a school's,
        // so the lock is called by a hash of it.
        let whole = std::fs::canonicalize(roster).unwrap_or_else(|_| roster.to_owned());
        let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
        open_lock(folder, &hex(&hash[..16]))
    }
}

/// The file of a lock, and what it means where it cannot be used.
fn open_lock(
    folder: &Path,
    name: &str,
) -> Result<(File, impl Fn(std::io::Error) -> JournalError + use<>), JournalError> {
    let path = folder.to_owned();
    let explain = move |source| JournalError::Folder {
        path: path.clone(),
        source,
    };
    let locks = folder.join("locks");
    make_private_folder(&locks).map_err(&explain)?;
    let path = locks.join(name);
    make_private_file(&path).map_err(&explain)?;
    let file = File::open(&path).map_err(&explain)?;
    Ok((file, explain))
}

/// Holds one run: a process that works on it, or reads what it did, shares it; one that forgets it has it
/// alone. The operating system lets go of it when the process ends, however it ends, so that a run
/// that says it is under way and that nobody holds has died.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Shares the run called `name`. Waits for a process that is just forgetting it.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub fn share(folder: &Path, name: &str) -> Result<RunLock, JournalError> {
        let (file, explain) = open_lock(folder, &format!("run-{name}"))?;
        file.lock_shared().map_err(explain)?;
        Ok(RunLock { _file: file })
    }

    /// Takes the run called `name` alone, or nothing if somebody has it.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub fn take(folder: &Path, name: &str) -> Result<Option<RunLock>, JournalError> {
        let (file, explain) = open_lock(folder, &format!("run-{name}"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RunLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(explain(source)),
        }
    }

    /// Whether anyone has the run called `name`.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub fn is_held(folder: &Path, name: &str) -> Result<bool, JournalError> {
        RunLock::take(folder, name).map(|lock| lock.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_shared_by_whoever_works_on_it_and_taken_by_nobody_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let one = RunLock::share(folder.path(), "r").unwrap();
        let two = RunLock::share(folder.path(), "r").unwrap();
        drop(one);
        assert!(RunLock::take(folder.path(), "r").unwrap().is_none());
        assert!(RunLock::is_held(folder.path(), "r").unwrap());
        assert!(!RunLock::is_held(folder.path(), "other").unwrap());
        drop(two);
        assert!(RunLock::take(folder.path(), "r").unwrap().is_some());
    }

    #[test]
    fn a_roster_is_held_once_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let roster = folder.path().join("r.csv");
        std::fs::write(&roster, "").unwrap();
        let held = RosterLock::take(&state, &roster).unwrap();
        assert!(held.is_some());
        let other_name = folder.path().join(".").join("r.csv");
        assert!(RosterLock::take(&state, &other_name).unwrap().is_none());
        assert!(
            RosterLock::take(&state, &folder.path().join("s.csv"))
                .unwrap()
                .is_some()
        );
        drop(held);
        assert!(RosterLock::take(&state, &roster).unwrap().is_some());
        let waited = RosterLock::wait(&state, &roster).unwrap();
        assert!(RosterLock::take(&state, &roster).unwrap().is_none());
        drop(waited);
    }
}
