//! Detection of files that another program holds open.

use std::path::Path;

/// Returns false: only Windows prevents the replacement of an open file.
#[cfg(not(windows))]
pub fn is_held_open(_path: &Path) -> bool {
    false
}

/// Returns whether another program holds the file open and prevents its replacement. The error of a refused replacement
/// is the same as for a file that this account cannot change.
#[cfg(windows)]
pub fn is_held_open(path: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt;
    const ERROR_SHARING_VIOLATION: i32 = 32;
    let alone = std::fs::File::options().read(true).share_mode(0).open(path);
    alone.is_err_and(|error| error.raw_os_error() == Some(ERROR_SHARING_VIOLATION))
}
