//! File identity by device and file number.

use std::path::Path;

/// A device number and a file number on it.
pub type Identity = (u64, u64);

/// Returns the identity of a file or folder, or `None` if it does not exist. Links are followed.
#[cfg(unix)]
pub fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Returns the identity of a file or folder, or `None` if it does not exist. Links are followed.
#[cfg(windows)]
pub fn identity(path: &Path) -> Option<Identity> {
    let handle = winapi_util::Handle::from_path_any(path).ok()?;
    let found = winapi_util::file::information(&handle).ok()?;
    Some((found.volume_serial_number(), found.file_index()))
}

/// Returns whether two paths lead to the same file, including by links.
pub fn is_one_file(one: &Path, other: &Path) -> bool {
    one.is_file() && identity(one).is_some() && identity(one) == identity(other)
}
