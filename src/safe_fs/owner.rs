//! Trust in files, based on owner and mode, or on an access control list.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

#[cfg(windows)]
use super::listed as system;
use super::stream::Bounded;
pub use system::{check_folder, check_private};
#[cfg(unix)]
use unix as system;
#[cfg(unix)]
pub use unix::owner_of;

/// The maximum size in bytes of a file with settings, certificates or a secret.
const MOST: u64 = 4 * 1024 * 1024;

/// The owner of a file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The name of the account, or its id.
    pub name: String,
    /// Whether the owner is the account of this process.
    pub is_own: bool,
}

/// Returns `None`: Windows runs no command as another account without its password.
#[cfg(windows)]
pub fn owner_of(_path: &Path) -> Option<Owner> {
    None
}

/// An open file that only the current user and root can change. On Windows, the system and the administrators
/// count as root.
#[derive(Debug)]
pub struct TrustedFile {
    file: File,
    exposed: bool,
}

impl TrustedFile {
    /// Opens a file. Owner and mode are checked on the open file. Fails if another account can change the
    /// file, a link to it or a folder above it.
    pub fn open(path: &Path) -> io::Result<TrustedFile> {
        let (file, exposed) = system::open(path)?;
        Ok(TrustedFile { file, exposed })
    }

    /// Returns whether the file belongs to the current user and other accounts can read it.
    pub fn is_exposed(&self) -> bool {
        self.exposed
    }

    /// Reads the text of the file. Fails if it is not UTF-8, is a folder or is too large.
    pub fn text(self) -> io::Result<String> {
        if self.file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut text = String::new();
        Bounded::new(self.file, MOST).read_to_string(&mut text)?;
        Ok(text)
    }
}

/// Reads a small text file that only the current user and root can change.
pub fn read_text(path: &Path) -> io::Result<String> {
    TrustedFile::open(path)?.text()
}

/// Returns the names in a path, last first.
#[cfg(unix)]
pub(super) fn names_in(path: &Path) -> Vec<std::ffi::OsString> {
    use std::path::Component;
    let named = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    named.collect()
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::{Path, PathBuf};

    use super::super::rule::Access;
    use super::names_in;
    use crate::model::{Refusal, Untrusted, in_quotes};

    const ROOT: u32 = 0;
    /// The mode bit of folders in which accounts can remove only their own files.
    const STICKY: u32 = 0o1000;
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    /// The maximum number of links on the way to a file, as in Linux.
    const MOST_LINKS: usize = 40;

    pub(super) fn open(path: &Path) -> io::Result<(File, bool)> {
        let named = follow(path)?;
        let file = File::open(path)?;
        let opened = file.metadata()?;
        check(path, &opened)?;
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        if named.is_some_and(|named| identity(&named) != identity(&opened)) {
            // The opened file is not the checked one.
            return Err(refusal(path, &opened, Untrusted::Replaced));
        }
        let mode = opened.mode();
        let is_read = mode & 0o004 != 0 || mode & 0o040 != 0 && !is_private_group(path, &opened);
        let is_exposed = opened.is_file() && opened.uid() == user() && is_read;
        Ok((file, is_exposed))
    }

    /// Checks that no other account can add, replace or change files in one of the program's folders. Fails if
    /// the folder does not exist, or another account can change it, a link to it or a folder above it.
    pub fn check_folder(path: &Path) -> io::Result<()> {
        let Some(folder) = follow(path)? else {
            return Ok(());
        };
        // A sticky folder does not prevent other accounts from adding files.
        match is_writable_by_others(path, &folder) {
            true => Err(refusal(path, &folder, Untrusted::Writable)),
            false => Ok(()),
        }
    }

    /// Checks one of the program's own files, if it exists. Fails if the file is a link, or another account can
    /// read or change it.
    pub fn check_private(path: &Path) -> io::Result<()> {
        let metadata = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        if metadata.is_symlink() {
            return Err(refusal(path, &metadata, Untrusted::Link));
        }
        check_owner(path, &metadata)?;
        match metadata.mode() & 0o077 {
            0 => Ok(()),
            _ => Err(refusal(path, &metadata, Untrusted::Open)),
        }
    }

    /// Checks every folder and link on the way to `path` and its destination. Returns the metadata of the
    /// destination, or `None` for links that the kernel resolves without a path.
    fn follow(path: &Path) -> io::Result<Option<Metadata>> {
        let mut left = names_in(&std::path::absolute(path)?);
        let mut at = PathBuf::from("/");
        let mut metadata = at.symlink_metadata()?;
        check(&at, &metadata)?;
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                at.pop();
                metadata = at.symlink_metadata()?;
                continue;
            }
            let next = at.join(part);
            let found = next.symlink_metadata()?;
            check(&next, &found)?;
            if !found.is_symlink() {
                (at, metadata) = (next, found);
                continue;
            }
            if next.starts_with("/proc") {
                // A link to a descriptor of a process may not contain a path.
                return Ok(None);
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(rustix::io::Errno::LOOP.into());
            }
            let target = next.read_link()?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            metadata = at.symlink_metadata()?;
            left.extend(names_in(&target));
        }
        Ok(Some(metadata))
    }

    /// Refuses a file or folder that another account owns or can change.
    fn check(path: &Path, metadata: &Metadata) -> io::Result<()> {
        check_owner(path, metadata)?;
        let kind = metadata.file_type();
        let is_sticky = metadata.is_dir() && metadata.mode() & STICKY != 0;
        // Links have no meaningful mode, and data written to a device cannot be read back.
        if kind.is_symlink() || kind.is_char_device() || is_sticky {
            return Ok(());
        }
        match is_writable_by_others(path, metadata) {
            true => Err(refusal(path, metadata, Untrusted::Writable)),
            false => Ok(()),
        }
    }

    fn check_owner(path: &Path, metadata: &Metadata) -> io::Result<()> {
        match [ROOT, user()].contains(&metadata.uid()) {
            true => Ok(()),
            false => Err(refusal(path, metadata, Untrusted::Foreign)),
        }
    }

    fn is_writable_by_others(path: &Path, metadata: &Metadata) -> bool {
        let mode = metadata.mode();
        let is_open = mode & OTHERS_WRITE != 0
            || mode & GROUP_WRITES != 0 && !is_private_group(path, metadata);
        is_open && !is_read_only(path)
    }

    /// Returns whether a folder is the mount point of a read-only file system, such as a ConfigMap of
    /// Kubernetes with mode 0777. Below it, and in `/`, modes count: a service may see a file system as
    /// read-only that other accounts can write to (systemd's `ProtectSystem`).
    #[cfg(target_os = "linux")]
    fn is_read_only(path: &Path) -> bool {
        use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, StatxAttributes, StatxFlags};
        let found = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::empty());
        let is_mounted =
            found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
        let system = rustix::fs::statvfs(path);
        let is_read_only =
            system.is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY));
        is_mounted && is_read_only && path != Path::new("/") && path.is_dir()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_read_only(_path: &Path) -> bool {
        false
    }

    fn user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// Returns whether the owner of a file is the only member of its group, as with per-user groups and umask
    /// 002. Returns false if the group is not listed on this machine or the file has an access control list.
    fn is_private_group(path: &Path, metadata: &Metadata) -> bool {
        #[cfg(target_os = "linux")]
        if rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0; 0]).is_ok() {
            return false;
        }
        #[cfg(not(target_os = "linux"))]
        let _ = path;
        Access::of(metadata).has_private_group()
    }

    /// Returns the entries of a file such as /etc/passwd with at least four fields.
    fn entries(text: &str) -> impl Iterator<Item = Vec<&str>> {
        let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        fields.filter(|fields| fields.len() >= 4)
    }

    fn text_of(file: &str) -> String {
        let bytes = std::fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the name of an account, or its id if it has none.
    fn account(id: u32) -> String {
        let number = id.to_string();
        let users = text_of("/etc/passwd");
        let mut named = entries(&users).filter(|user| user[2] == number);
        named
            .next()
            .map_or(number.clone(), |user| user[0].to_owned())
    }

    /// Returns the owner of a file or folder.
    pub fn owner_of(path: &Path) -> Option<super::Owner> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(super::Owner {
            name: account(metadata.uid()),
            is_own: metadata.uid() == user(),
        })
    }

    fn refusal(path: &Path, metadata: &Metadata, why: Untrusted) -> io::Error {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let word = in_quotes(&path.display().to_string());
        let fix = match why {
            // `-h` changes the owner of a link and not of its destination.
            Untrusted::Foreign => format!("chown -h {} {word}", account(user())),
            Untrusted::Writable => format!("chmod go-w {word}"),
            Untrusted::Open => format!("chmod 600 {word}"),
            Untrusted::Link | Untrusted::Replaced => String::new(),
        };
        Refusal::Untrusted {
            why,
            path,
            owner: account(metadata.uid()),
            mode: metadata.mode() & 0o7777,
            fix,
        }
        .into()
    }
}
