//! Files that another program holds open are detected.

use std::path::Path;

/// Whether another program has the file at `path` open and lets no other one replace it. Only Windows has such files.
#[cfg(not(windows))]
pub fn is_held_open(_path: &Path) -> bool {
    false
}

/// Whether another program has the file at `path` open and lets no other one replace it. The error of a refused replacement does
/// not say so: it is the same as for a file that this account may not change.
#[cfg(windows)]
pub fn is_held_open(path: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt;
    const ERROR_SHARING_VIOLATION: i32 = 32;
    let alone = std::fs::File::options().read(true).share_mode(0).open(path);
    alone.is_err_and(|error| error.raw_os_error() == Some(ERROR_SHARING_VIOLATION))
}
