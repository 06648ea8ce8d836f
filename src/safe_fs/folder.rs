//! Folders whose entries are opened and changed without following links.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::acl::may_have_list;
use super::kind::FileInfo;
use super::owner::names_in;
use super::rule::Access;
use crate::model::{FileKind, Refusal};

/// An open folder in which other accounts cannot rename or replace entries of this account. Names are
/// resolved relative to the handle, so renaming the folder has no effect.
#[derive(Debug, Clone)]
pub struct Folder {
    handle: Arc<File>,
    path: PathBuf,
}

/// The maximum number of links on the way to a folder (Linux follows 40: path_resolution(7)).
const MOST_LINKS: usize = 40;

impl Folder {
    /// Opens a folder. Each folder on the way belongs to this account or root, and other accounts cannot
    /// rename its entries. Each link on the way belongs to this account or root.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let own = own();
        let mut left = names_in(&std::path::absolute(path)?);
        let mut links = 0;
        let mut at = PathBuf::from("/");
        let mut handle = open_folder(rustix::fs::CWD, OsStr::new("/"), WALK)?;
        refuse_renaming(&handle, &at, own)?;
        while let Some(name) = left.pop() {
            let next = at.join(&name);
            handle = match open_folder(&handle, &name, WALK) {
                Ok(opened) => opened,
                Err(Errno::LOOP | Errno::NOTDIR | Errno::MLINK) => {
                    let stat = rustix::fs::statat(&handle, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                    let kind = FileInfo::of_stat(&stat).kind;
                    links += 1;
                    let is_trusted = stat.st_uid == own || stat.st_uid == 0;
                    if kind != FileKind::Link || !is_trusted || links > MOST_LINKS {
                        return Err(Refusal::NotAFolder { path: next, kind }.into());
                    }
                    let target = rustix::fs::readlinkat(&handle, &name, Vec::new())?;
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                        handle = open_folder(rustix::fs::CWD, OsStr::new("/"), WALK)?;
                    }
                    left.extend(names_in(&target));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            refuse_renaming(&handle, &next, own)?;
            at = next;
        }
        let handle = open_folder(&handle, OsStr::new("."), LIST)?;
        Ok(Folder {
            handle: Arc::new(handle),
            path: path.to_owned(),
        })
    }

    /// Returns the path with which the folder was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a private subfolder, and creates it with mode 0700 if it is missing. Fails if it is a link,
    /// belongs to another account or is writable by others.
    pub fn private(&self, name: impl AsRef<OsStr>) -> io::Result<Folder> {
        let name = name.as_ref();
        match self.make_folder(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let there = self.private_if_there(name)?;
        there.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Opens a private subfolder if it exists. See [`Folder::private`].
    pub fn private_if_there(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Folder>> {
        let name = component(name.as_ref())?;
        let path = self.path.join(name);
        let handle = match open_folder(&*self.handle, name, LIST) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::MLINK) => {
                let kind = self.look(name)?.map_or(FileKind::Link, |look| look.kind);
                return Err(Refusal::NotAFolder { path, kind }.into());
            }
            Err(error) => return Err(error.into()),
        };
        let access = Access::of(&handle.metadata()?);
        access.refuse_sharing(&path, own(), || is_private_group(access, &handle))?;
        Ok(Some(Folder {
            handle: Arc::new(handle),
            path,
        }))
    }

    /// Creates a subfolder with mode 0700. Fails if the name exists.
    pub fn make_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = component(name.as_ref())?;
        Ok(rustix::fs::mkdirat(&*self.handle, name, Mode::RWXU)?)
    }

    /// Returns the names of the entries.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&*self.handle)? {
            let name = entry?.file_name().to_bytes().to_owned();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Returns the metadata of an entry, or `None` if the name does not exist.
    pub fn look(&self, name: impl AsRef<OsStr>) -> io::Result<Option<FileInfo>> {
        let name = component(name.as_ref())?;
        match rustix::fs::statat(&*self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileInfo::of_stat(&stat))),
            // An entry with a name that is too long cannot exist.
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a regular file that has only one name.
    pub fn open_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = component(name.as_ref())?;
        // Opening a device may have side effects.
        if let Some(look) = self.look(name)? {
            look.refuse_other_than_one_file()?;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = flags | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&*self.handle, name, flags, Mode::empty());
        let file: File = match opened {
            Ok(handle) => handle.into(),
            Err(Errno::LOOP | Errno::MLINK) => return Err(Refusal::not_a_file(FileKind::Link)),
            Err(Errno::NXIO) => return Err(Refusal::not_a_file(FileKind::Socket)),
            Err(error) => return Err(error.into()),
        };
        FileInfo::at(&file)?.refuse_other_than_one_file()?;
        Ok(file)
    }

    /// Creates a file with mode 0600. Fails if the name exists.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = component(name.as_ref())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&*self.handle, name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(opened.into())
    }

    /// Opens a file for appending, and creates it with mode 0600 if the name does not exist. Fails if the
    /// entry is not a regular file with one name.
    pub fn append(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = component(name.as_ref())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW;
        let flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file: File = rustix::fs::openat(&*self.handle, name, flags, mode)?.into();
        FileInfo::at(&file)?.refuse_other_than_one_file()?;
        Ok(file)
    }

    /// Moves an entry to another folder without replacing an existing entry.
    pub fn rename(
        &self,
        name: impl AsRef<OsStr>,
        to: &Folder,
        new: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (name, new) = (component(name.as_ref())?, component(new.as_ref())?);
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            let flags = RenameFlags::NOREPLACE;
            match renameat_with(&*self.handle, name, &*to.handle, new, flags) {
                // Not every file system supports NOREPLACE. There, the caller's lock excludes other
                // processes.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                renamed => return Ok(renamed?),
            }
        }
        if to.look(new)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(rustix::fs::renameat(&*self.handle, name, &*to.handle, new)?)
    }

    /// Removes a file or a link. Links are not followed.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = component(name.as_ref())?;
        Ok(rustix::fs::unlinkat(&*self.handle, name, AtFlags::empty())?)
    }

    /// Removes a subfolder, which must be empty.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = component(name.as_ref())?;
        Ok(rustix::fs::unlinkat(
            &*self.handle,
            name,
            AtFlags::REMOVEDIR,
        )?)
    }

    /// Returns the modification time.
    pub fn modified(&self) -> io::Result<std::time::SystemTime> {
        self.handle.metadata()?.modified()
    }

    /// Waits for the lock on the folder, and holds it until the returned file is dropped. Fails if the folder
    /// cannot be written to.
    pub fn lock(&self) -> io::Result<File> {
        // Any account that can open the folder could lock it.
        let mode = self.handle.metadata()?.mode();
        if mode & 0o077 != 0 {
            rustix::fs::fchmod(&*self.handle, Mode::RWXU)?;
        }
        let lock = open_folder(&*self.handle, OsStr::new("."), LIST)?;
        if lock.lock().is_ok() {
            return Ok(lock);
        }
        // NFS requires a file that is open for writing.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = flags | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let lock: File = rustix::fs::openat(&*self.handle, LOCK, flags, mode)?.into();
        lock.lock()?;
        Ok(lock)
    }

    /// Explains a failed move: in a sticky folder of another account, this account cannot move files that it
    /// does not own.
    pub fn explain_not_moved(&self, error: io::Error) -> io::Error {
        let own = own();
        let access = self.handle.metadata().map(|metadata| Access::of(&metadata));
        match access {
            Ok(access)
                if error.kind() == io::ErrorKind::PermissionDenied
                    && access.mode & 0o1000 != 0
                    && access.owner != own =>
            {
                let (path, owner) = (self.path.clone(), access.owner);
                Refusal::NotOwner { path, owner, own }.into()
            }
            _ => error,
        }
    }
}

/// The lock file for file systems that cannot lock folders.
const LOCK: &str = ".lock";

/// Flags for folders on the way, which need not be readable.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WALK: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const WALK: OFlags = OFlags::RDONLY;
const LIST: OFlags = OFlags::RDONLY;

fn open_folder(at: impl std::os::fd::AsFd, name: &OsStr, how: OFlags) -> rustix::io::Result<File> {
    let flags = how | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?.into())
}

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn refuse_renaming(handle: &File, path: &Path, own: u32) -> io::Result<()> {
    let access = Access::of(&handle.metadata()?);
    access.refuse_renaming(path, own, || is_private_group(access, handle))?;
    Ok(())
}

fn is_private_group(access: Access, handle: &File) -> bool {
    let opened = open_folder(handle, OsStr::new("."), LIST);
    access.has_private_group() && opened.is_ok_and(|opened| !may_have_list(&opened))
}

/// Refuses a name that leads out of the folder.
fn component(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
