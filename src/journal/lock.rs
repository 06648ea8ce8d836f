//! Locks reserve a roster or a run for one process.

use std::fs::{File, TryLockError};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::files::{make_private_file, make_private_folder};
use super::postgres::SessionLock;
use super::state::{Place, State};
use crate::model::hex;

/// Holds one roster for one process. It lets go when the process ends, however it ends.
#[derive(Debug)]
pub struct RosterLock {
    _held: Held,
}

/// A lock that lasts as long as this does: the operating system's on a file, or the database's.
#[derive(Debug)]
enum Held {
    File { _file: File },
    Session { _lock: SessionLock },
}

impl RosterLock {
    /// Takes the roster at `roster`, or nothing if another process has it.
    pub fn take(state: &State, roster: &Path) -> Result<Option<RosterLock>, JournalError> {
        let mut name = name_of(roster);
        if state.database().is_some() {
            // The same path on another machine is another file.
            name = format!("{name} of {}", machine());
        }
        let mut held = take(state, &name)?;
        // A database hears a moment later than an operating system that a process is gone.
        for _ in 0..40 {
            if held.is_some() || state.database().is_none() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
            held = take(state, &name)?;
        }
        Ok(held.map(|held| RosterLock { _held: held }))
    }

    /// Takes any file at `path` of this machine, or nothing if another process has it.
    pub fn take_here(state: &State, path: &Path) -> Result<Option<RosterLock>, JournalError> {
        let held = take_file(state.folder(), &name_of(path))?;
        Ok(held.map(|held| RosterLock { _held: held }))
    }

    /// Takes any file at `path` of this machine, once no other process has it.
    pub fn wait(state: &State, path: &Path) -> Result<RosterLock, JournalError> {
        let (file, explain) = open_lock(state.folder(), &name_of(path))?;
        file.lock().map_err(explain)?;
        Ok(RosterLock {
            _held: Held::File { _file: file },
        })
    }
}

/// Holds the copies of rosters that a process of this machine reads. It is released when the process ends, however it
/// ends.
#[derive(Debug)]
pub struct CopyLock {
    _file: File,
}

impl CopyLock {
    /// Shares the copies of the process `id`. Waits while another process removes them.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn share(state: &State, id: u32) -> Result<CopyLock, JournalError> {
        let (file, explain) = open_lock(state.folder(), &format!("copies-{id}"))?;
        file.lock_shared().map_err(explain)?;
        Ok(CopyLock { _file: file })
    }

    /// Takes the copies of the process `id`, or returns `None` while it reads one.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn take(state: &State, id: u32) -> Result<Option<CopyLock>, JournalError> {
        let (file, explain) = open_lock(state.folder(), &format!("copies-{id}"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(CopyLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(explain(source)),
        }
    }
}

/// What this machine is called.
pub(crate) fn machine() -> String {
    #[cfg(target_os = "linux")]
    return rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(target_os = "linux"))]
    std::env::var("HOSTNAME")
        .or_else(|_| std::env::var("COMPUTERNAME"))
        .unwrap_or_default()
}

/// The name of a roster's lock.
fn name_of(roster: &Path) -> String {
    // The same file by another name is the same roster. The name itself may be a school's,
    // so the lock is called by a hash of it.
    let whole = std::fs::canonicalize(roster).unwrap_or_else(|_| roster.to_owned());
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    hex(&hash[..16])
}

/// Takes a lock alone, or nothing if somebody has it.
fn take(state: &State, name: &str) -> Result<Option<Held>, JournalError> {
    match state.place() {
        Place::Database(database) => {
            let lock = SessionLock::take(database, name)?;
            Ok(lock.map(|lock| Held::Session { _lock: lock }))
        }
        Place::Folder(folder) => take_file(folder, name),
    }
}

fn take_file(folder: &Path, name: &str) -> Result<Option<Held>, JournalError> {
    let (file, explain) = open_lock(folder, name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held::File { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(explain(source)),
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
/// alone. It lets go when the process ends, however it ends, so that a run that says it is in progress and
/// that nobody holds has died.
#[derive(Debug)]
pub struct RunLock {
    _held: Held,
}

impl RunLock {
    /// Shares the run called `name`. Waits for a process that is just forgetting it.
    pub fn share(state: &State, name: &str) -> Result<RunLock, JournalError> {
        let name = format!("run-{name}");
        let held = match state.place() {
            Place::Database(database) => Held::Session {
                _lock: SessionLock::share(database, &name)?,
            },
            Place::Folder(folder) => {
                let (file, explain) = open_lock(folder, &name)?;
                file.lock_shared().map_err(explain)?;
                Held::File { _file: file }
            }
        };
        Ok(RunLock { _held: held })
    }

    /// Takes the run called `name` alone, or nothing if somebody has it.
    pub fn take(state: &State, name: &str) -> Result<Option<RunLock>, JournalError> {
        let held = take(state, &format!("run-{name}"))?;
        Ok(held.map(|held| RunLock { _held: held }))
    }

    /// Whether anyone has the run called `name`.
    pub fn is_held(state: &State, name: &str) -> Result<bool, JournalError> {
        RunLock::take(state, name).map(|lock| lock.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_shared_by_whoever_works_on_it_and_taken_by_nobody_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(folder.path());
        let one = RunLock::share(&state, "r").unwrap();
        let two = RunLock::share(&state, "r").unwrap();
        drop(one);
        assert!(RunLock::take(&state, "r").unwrap().is_none());
        assert!(RunLock::is_held(&state, "r").unwrap());
        assert!(!RunLock::is_held(&state, "other").unwrap());
        drop(two);
        assert!(RunLock::take(&state, "r").unwrap().is_some());
    }

    #[test]
    fn a_roster_is_held_once_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(&folder.path().join("state"));
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
