//! Unnamed files disappear with the process that writes them.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::safe_fs::{create_private, for_system};

/// A file in a folder that has no name, and is gone with the process that has it.
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

/// A file that is not finished, for its owner alone.
pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    names().make_in(for_system(folder)?, create_private)
}

/// The names of files that are not finished.
fn names() -> tempfile::Builder<'static, 'static> {
    let mut names = tempfile::Builder::new();
    names.prefix(".rosterpatch-").suffix(".tmp");
    names
}

/// Gives a file that has no name a temporary one in its folder; or a copy of it, where it can have none.
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
    fn what_can_have_no_name_is_copied_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        // A file whose name was taken away gets no other one.
        let gone = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        let (mut file, name) = gone.keep().unwrap();
        std::fs::remove_file(name).unwrap();
        file.write_all(b"copied").unwrap();
        let copy = named(file, folder.path()).unwrap();
        assert_eq!(std::fs::read(copy.path()).unwrap(), b"copied");
        assert_eq!(mode(copy.path()), 0o600);
    }
}
