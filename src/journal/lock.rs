use std::fs::{File, TryLockError};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::store::{make_private_file, make_private_folder};

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
        let explain = |source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        };
        // The same file by another name is the same roster. The name itself may be a school's,
        // so the lock is called by a hash of it.
        let whole = std::fs::canonicalize(roster).unwrap_or_else(|_| roster.to_owned());
        let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
        let name: String = hash
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let locks = folder.join("locks");
        make_private_folder(&locks).map_err(explain)?;
        let path = locks.join(name);
        make_private_file(&path).map_err(explain)?;
        let file = File::open(&path).map_err(explain)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RosterLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(explain(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
