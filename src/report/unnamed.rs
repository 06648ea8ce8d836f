//! Unnamed files, which disappear with the process that writes them.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::safe_fs::{create_private, for_system};

/// Creates a file without a name, which disappears with its process.
#[cfg(target_os = "linux")]
pub(super) fn unnamed_in(folder: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR)?.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn unnamed_in(_folder: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    names().make_in(for_system(folder)?, create_private)
}

/// Returns the naming scheme of temporary files.
fn names() -> tempfile::Builder<'static, 'static> {
    let mut names = tempfile::Builder::new();
    names.prefix(".rosterpatch-").suffix(".tmp");
    names
}

/// Links an unnamed file to a temporary name in its folder, or copies it if it cannot be linked.
pub(super) fn named(mut file: File, folder: &Path) -> io::Result<NamedTempFile> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD};
        let own = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let link = |name: &Path| {
            let same = file.try_clone()?;
            rustix::fs::linkat(CWD, &own, CWD, name, AtFlags::SYMLINK_FOLLOW)?;
            Ok(same)
        };
        if let Ok(named) = names().make_in(folder, link) {
            return Ok(named);
        }
    }
    let mut copy = temporary(folder)?;
    copy.as_file()
        .set_permissions(file.metadata()?.permissions())?;
    file.rewind()?;
    io::copy(&mut file, copy.as_file_mut())?;
    Ok(copy)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_linked_is_copied_privately() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        // A file whose name was removed cannot be linked again.
        let gone = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        let (mut file, name) = gone.keep().unwrap();
        std::fs::remove_file(name).unwrap();
        file.write_all(b"copied").unwrap();
        let copy = named(file, folder.path()).unwrap();
        assert_eq!(std::fs::read(copy.path()).unwrap(), b"copied");
        assert_eq!(mode(copy.path()), 0o600);
    }
}
