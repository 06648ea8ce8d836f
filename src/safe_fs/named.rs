//! Opening and reading files that the user named.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::canonical::canonical;
use super::folder::Folder;
use super::kind::FileInfo;
use super::stream::{Bounded, Stream};
use crate::model::{FileKind, Refusal};

/// A file that the user named.
#[derive(Debug)]
pub enum Named {
    /// A regular file.
    File(File),
    /// A FIFO, such as a shell's process substitution.
    Stream(Stream),
}

/// Opens a regular file or a FIFO that the user named. Links are followed, because the user chose them.
/// Opening does not wait for the writer of a FIFO; reading does.
pub fn open(path: &Path) -> io::Result<Named> {
    let file = open_without_waiting(path)?;
    match FileInfo::at(&file)?.kind {
        FileKind::File => Ok(Named::File(file)),
        FileKind::Pipe => Ok(Named::Stream(Stream::of(file))),
        kind => Err(Refusal::not_a_file(kind)),
    }
}

/// Opens a regular file that the user named. Links are followed.
pub fn open_file(path: &Path) -> io::Result<File> {
    match open(path)? {
        Named::File(file) => Ok(file),
        Named::Stream(_) => Err(Refusal::not_a_file(FileKind::Pipe)),
    }
}

/// Reads a regular file of at most `most` bytes that the user named.
pub fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(open_file(path)?, most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file in a folder that other accounts can write to. No link is followed, and every folder on the
/// way must be protected from renaming. The file must be regular and have one name.
pub fn open_in_shared_folder(path: &Path) -> io::Result<File> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    Folder::open(folder)?.open_file(name)
}

/// Reads a text file of at most `most` bytes that the user named. Regular files, FIFOs and devices are read
/// to their end. Fails if the file is not UTF-8.
pub fn text_of(path: &Path, most: u64) -> io::Result<String> {
    let file = open_without_waiting(path)?;
    let mut bytes = Vec::new();
    match FileInfo::at(&file)?.kind {
        FileKind::File => Bounded::new(file, most).read_to_end(&mut bytes)?,
        FileKind::Folder => return Err(io::ErrorKind::IsADirectory.into()),
        _ => Bounded::new(Stream::of(file), most).read_to_end(&mut bytes)?,
    };
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Returns the path to write for a file that the user named. If it is a link, its destination is replaced and
/// the link stays. Links of other accounts are refused, because they may lead to a file of this account.
pub fn place_of(path: &Path) -> io::Result<PathBuf> {
    let there = path.symlink_metadata().ok();
    if let Some(there) = there.filter(std::fs::Metadata::is_symlink) {
        refuse_foreign(&there)?;
        return Ok(canonical(path).unwrap_or_else(|_| path.to_owned()));
    }
    // The folder is resolved and the name is not, so a link created later under this name is not followed.
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match (canonical(folder), path.file_name()) {
        (Ok(folder), Some(name)) => Ok(folder.join(name)),
        _ => Ok(path.to_owned()),
    }
}

/// Refuses files that belong neither to this account nor to root.
#[cfg(unix)]
pub fn refuse_foreign(there: &std::fs::Metadata) -> Result<(), Refusal> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    match [own, 0].contains(&there.uid()) {
        true => Ok(()),
        false => Err(Refusal::Foreign {
            kind: super::kind::kind_of(there),
        }),
    }
}

/// Refuses nothing on systems without known file owners.
#[cfg(not(unix))]
pub fn refuse_foreign(_there: &std::fs::Metadata) -> Result<(), Refusal> {
    Ok(())
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // Without NOCTTY, an opened terminal could become the controlling terminal.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(handle) => Ok(handle.into()),
        Err(rustix::io::Errno::NXIO) => Err(Refusal::not_a_file(FileKind::Socket)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    File::open(path)
}
