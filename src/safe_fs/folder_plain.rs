//! Folders on Windows. Entries are resolved by path, links are refused, and access control lists are checked.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::kind::FileInfo;
use super::listed::{check_own_folder, check_shared_folder};
use super::private::{create_one_folder, create_private};
use crate::model::{FileKind, Refusal};

/// A folder in which no other account can rename or replace entries of this account.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens an existing folder. The folder and each folder and link on the way must belong to this account,
    /// the system or the administrators, and other accounts must not be able to rename their entries.
    pub fn open(path: &Path) -> io::Result<Folder> {
        if !std::fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        check_shared_folder(path)?;
        Ok(Folder {
            path: path.to_owned(),
        })
    }

    /// Returns the path by which the folder was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a private subfolder, and creates it if it is missing. Links are refused. Fails if another
    /// account owns it or can write to it.
    pub fn private(&self, name: impl AsRef<OsStr>) -> io::Result<Folder> {
        let name = name.as_ref();
        match self.make_folder(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let there = self.private_if_there(name)?;
        there.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Opens a private subfolder, or returns `None` if it is missing. Fails if the entry is not a folder, or
    /// another account owns it or can write to it.
    pub fn private_if_there(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Folder>> {
        let path = self.below(name.as_ref())?;
        match self.look(name)?.map(|look| look.kind) {
            None => Ok(None),
            Some(FileKind::Folder) => {
                check_own_folder(&path)?;
                Ok(Some(Folder { path }))
            }
            Some(kind) => Err(Refusal::NotAFolder { path, kind }.into()),
        }
    }

    /// Creates a subfolder. Fails if the name exists.
    pub fn make_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        create_one_folder(&self.below(name.as_ref())?)
    }

    /// Returns the names of all entries.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = std::fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Returns the metadata of an entry, or `None` if it does not exist.
    pub fn look(&self, name: impl AsRef<OsStr>) -> io::Result<Option<FileInfo>> {
        match std::fs::symlink_metadata(self.below(name.as_ref())?) {
            Ok(metadata) => Ok(Some(FileInfo::of(&metadata))),
            // No entry can have a name that is too long.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a regular file with one name.
    pub fn open_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let path = self.below(name.as_ref())?;
        FileInfo::of(&std::fs::symlink_metadata(&path)?).refuse_other_than_one_file()?;
        let file = File::open(path)?;
        FileInfo::at(&file)?.refuse_other_than_one_file()?;
        Ok(file)
    }

    /// Creates a file. Fails if the name exists.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        create_private(&self.below(name.as_ref())?)
    }

    /// Opens a file for appending, and creates it if it is missing. Fails if it is not a regular file with
    /// one name.
    pub fn append(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let path = self.below(name.as_ref())?;
        if let Some(look) = self.look(name)? {
            look.refuse_other_than_one_file()?;
        }
        let file = File::options().append(true).create(true).open(path)?;
        FileInfo::at(&file)?.refuse_other_than_one_file()?;
        Ok(file)
    }

    /// Moves an entry to a folder, under a name that does not exist there.
    pub fn rename(
        &self,
        name: impl AsRef<OsStr>,
        to: &Folder,
        new: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let new = new.as_ref();
        if to.look(new)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(self.below(name.as_ref())?, to.below(new)?)
    }

    /// Removes a file, or a link itself.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        std::fs::remove_file(self.below(name.as_ref())?)
    }

    /// Removes an empty subfolder.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        std::fs::remove_dir(self.below(name.as_ref())?)
    }

    /// Returns the modification time.
    pub fn modified(&self) -> io::Result<std::time::SystemTime> {
        std::fs::metadata(&self.path)?.modified()
    }

    /// Waits for the lock on the folder, and holds it until the returned file is dropped. Fails if the folder
    /// cannot be written to.
    pub fn lock(&self) -> io::Result<File> {
        let path = self.path.join(".lock");
        let lock = File::options().create(true).append(true).open(path)?;
        lock.lock()?;
        Ok(lock)
    }

    /// Returns the error unchanged: on Windows no further reason is known.
    pub fn explain_not_moved(&self, error: io::Error) -> io::Error {
        error
    }

    /// Returns the path of an entry. Names that lead out of the folder are refused.
    fn below(&self, name: &OsStr) -> io::Result<PathBuf> {
        let path = Path::new(name);
        match path.components().next() {
            Some(std::path::Component::Normal(only)) if only == name => Ok(self.path.join(name)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}
