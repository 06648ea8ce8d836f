//! Files are identified by their device and number, whatever name they are opened by.

use std::path::Path;

/// The device of a file and its number there.
pub type Identity = (u64, u64);

/// The identity of the file or folder at `path`; nothing if there is none. Links are followed.
#[cfg(unix)]
pub fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The identity of the file or folder at `path`; nothing if there is none. Links are followed.
#[cfg(windows)]
pub fn identity(path: &Path) -> Option<Identity> {
    let handle = winapi_util::Handle::from_path_any(path).ok()?;
    let found = winapi_util::file::information(&handle).ok()?;
    Some((found.volume_serial_number(), found.file_index()))
}

/// Whether two paths lead to one file, by whatever names and links.
pub fn is_one_file(one: &Path, other: &Path) -> bool {
    one.is_file() && identity(one).is_some() && identity(one) == identity(other)
}
