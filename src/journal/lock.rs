//! The locks on rosters, runs and copies of rosters.

use std::fs::{File, TryLockError};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::files::{make_private_file, make_private_folder};
use super::postgres::SessionLock;
use super::state::{Place, State};
use crate::model::hex;

/// A lock on a roster. It is released when the process ends, even by a kill.
#[derive(Debug)]
pub struct RosterLock {
    _held: Held,
}

/// A held lock: of the operating system on a file, or of a database session.
#[derive(Debug)]
enum Held {
    File { _file: File },
    Session { _lock: SessionLock },
}

impl RosterLock {
    /// Takes the lock on the roster at `roster`, or returns `None` if another process holds it.
    pub fn take(state: &State, roster: &Path) -> Result<Option<RosterLock>, JournalError> {
        let mut name = name_of(roster);
        if state.database().is_some() {
            // The same path on another machine is a different file.
            name = format!("{name} of {}", machine());
        }
        let mut held = take(state, &name)?;
        // The database notices the end of a process later than the operating system does.
        for _ in 0..40 {
            if held.is_some() || state.database().is_none() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
            held = take(state, &name)?;
        }
        Ok(held.map(|held| RosterLock { _held: held }))
    }

    /// Takes the lock on a file of this machine, or returns `None` if another process holds it.
    pub fn take_here(state: &State, path: &Path) -> Result<Option<RosterLock>, JournalError> {
        let held = take_file(state.folder(), &name_of(path))?;
        Ok(held.map(|held| RosterLock { _held: held }))
    }

    /// Takes the lock on a file of this machine, once no other process holds it.
    pub fn wait(state: &State, path: &Path) -> Result<RosterLock, JournalError> {
        let held = wait_for_file(state.folder(), &name_of(path), File::lock)?;
        Ok(RosterLock { _held: held })
    }
}

/// A lock on the copies of rosters that a process of this machine reads. It is released when the process
/// ends, even by a kill.
#[derive(Debug)]
pub struct CopyLock {
    _held: Held,
}

impl CopyLock {
    /// Shares the copies of the process `id`. Waits while another process removes them.
    pub fn share(state: &State, id: u32) -> Result<CopyLock, JournalError> {
        let held = wait_for_file(state.folder(), &format!("copies-{id}"), File::lock_shared)?;
        Ok(CopyLock { _held: held })
    }

    /// Takes the copies of the process `id`, or returns `None` while that process reads one.
    pub fn take(state: &State, id: u32) -> Result<Option<CopyLock>, JournalError> {
        let held = take_file(state.folder(), &format!("copies-{id}"))?;
        Ok(held.map(|held| CopyLock { _held: held }))
    }
}

/// Returns the name of this machine.
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

/// Returns the name of a roster's lock.
fn name_of(roster: &Path) -> String {
    // Other paths to the same file share its lock. The name is hashed, because it may contain a school's
    // name.
    let whole = std::fs::canonicalize(roster).unwrap_or_else(|_| roster.to_owned());
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    hex(&hash[..16])
}

/// Takes an exclusive lock, or returns `None` if it is held.
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

/// Takes a lock on a file with `lock`, which waits for other processes.
fn wait_for_file(
    folder: &Path,
    name: &str,
    lock: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<Held, JournalError> {
    let (file, explain) = open_lock(folder, name)?;
    lock(&file).map_err(explain)?;
    Ok(Held::File { _file: file })
}

/// Opens a lock file, and returns it with the error constructor for it.
fn open_lock<'a>(
    folder: &'a Path,
    name: &str,
) -> Result<(File, impl Fn(std::io::Error) -> JournalError + use<'a>), JournalError> {
    let explain = JournalError::folder(folder);
    let locks = folder.join("locks");
    make_private_folder(&locks).map_err(explain)?;
    let path = locks.join(name);
    make_private_file(&path).map_err(explain)?;
    let file = File::open(&path).map_err(explain)?;
    Ok((file, explain))
}

/// A lock on a run. A process that works on the run or reads it shares the lock; pruning needs it
/// exclusively. It is released when the process ends, even by a kill, so a run in progress without a lock has
/// died.
#[derive(Debug)]
pub struct RunLock {
    _held: Held,
}

impl RunLock {
    /// Shares the lock on the run called `name`. Waits while another process prunes it.
    pub fn share(state: &State, name: &str) -> Result<RunLock, JournalError> {
        let name = format!("run-{name}");
        let held = match state.place() {
            Place::Database(database) => Held::Session {
                _lock: SessionLock::share(database, &name)?,
            },
            Place::Folder(folder) => wait_for_file(folder, &name, File::lock_shared)?,
        };
        Ok(RunLock { _held: held })
    }

    /// Takes the exclusive lock on the run called `name`, or returns `None` if it is held.
    pub fn take(state: &State, name: &str) -> Result<Option<RunLock>, JournalError> {
        let held = take(state, &format!("run-{name}"))?;
        Ok(held.map(|held| RunLock { _held: held }))
    }

    /// Returns whether any process holds the lock on the run called `name`.
    pub fn is_held(state: &State, name: &str) -> Result<bool, JournalError> {
        RunLock::take(state, name).map(|lock| lock.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_run_lock_excludes_exclusive_ones() {
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
    fn a_roster_can_be_locked_only_once_under_any_path() {
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
