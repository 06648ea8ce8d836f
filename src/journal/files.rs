//! Creates and checks the journal's files and folders, which are private to this account.

use std::path::Path;

use super::error::JournalError;
use crate::safe_fs;

/// Refuses a folder on a network file system, where the shared memory and file locks of SQLite's write-ahead
/// log are unreliable (sqlite.org/wal.html).
#[cfg(target_os = "linux")]
pub(super) fn refuse_network(folder: &Path) -> Result<(), JournalError> {
    // The magic numbers of statfs(2): NFS, SMB, CIFS, SMB 2, AFS, 9P, Ceph.
    const NETWORK: [u32; 7] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x5346_414F,
        0x0102_1997,
        0x00C3_6400,
    ];
    match rustix::fs::statfs(folder) {
        Ok(system) if NETWORK.contains(&(system.f_type as u32)) => Err(JournalError::Network {
            path: folder.to_owned(),
        }),
        // An unknown file system is left to SQLite.
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_network(_folder: &Path) -> Result<(), JournalError> {
    Ok(())
}

/// Creates a folder for this account if it is missing, and checks that no other account can change its
/// contents, because they determine what is sent and where.
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    match safe_fs::check_folder(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        checked => return checked,
    }
    safe_fs::create_private_folder(folder)?;
    safe_fs::check_folder(folder)
}

/// Creates a file for this account if it is missing, and checks that no other account can read or change it.
/// An existing file is not opened, because closing it would release every lock of this process on it
/// (sqlite.org/howtocorrupt.html, section 2.2).
///
/// SQLite gives side files the permissions of the main file.
pub(crate) fn make_private_file(path: &Path) -> std::io::Result<()> {
    match safe_fs::create_private(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => safe_fs::check_private(path),
    }
}
