//! File types and metadata.

use crate::model::{Kind, Refusal};

/// Returns the type of an opened file.
pub(super) fn kind_of(metadata: &std::fs::Metadata) -> Kind {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Kind::File;
    }
    if kind.is_dir() {
        return Kind::Folder;
    }
    if kind.is_symlink() {
        return Kind::Link;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Kind::Pipe;
        }
        if kind.is_socket() {
            return Kind::Socket;
        }
    }
    Kind::Device
}

/// The metadata of a directory entry. Links are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The file type.
    pub kind: Kind,
    /// The size in bytes.
    pub size: u64,
    /// The modification time, in seconds and nanoseconds since the epoch.
    pub modified: (i64, i64),
    /// The number of names (hard links).
    pub links: u64,
}

impl Look {
    /// Reads the metadata of an opened file.
    pub fn at(file: &std::fs::File) -> std::io::Result<Look> {
        let look = Look::of(&file.metadata()?);
        #[cfg(windows)]
        let look = Look {
            links: winapi_util::file::information(file)?.number_of_links(),
            ..look
        };
        Ok(look)
    }

    #[cfg(unix)]
    pub(super) fn of(metadata: &std::fs::Metadata) -> Look {
        use std::os::unix::fs::MetadataExt;
        Look {
            kind: kind_of(metadata),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            links: metadata.nlink(),
        }
    }

    #[cfg(unix)]
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Look {
        use rustix::fs::FileType;
        // The integer types differ between systems.
        fn wide<T: TryInto<i64>>(number: T) -> i64 {
            number.try_into().unwrap_or(i64::MAX)
        }
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Pipe,
            FileType::Socket => Kind::Socket,
            _ => Kind::Device,
        };
        Look {
            kind,
            size: wide(stat.st_size).unsigned_abs(),
            modified: (wide(stat.st_mtime), wide(stat.st_mtime_nsec)),
            links: wide(stat.st_nlink).unsigned_abs(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &std::fs::Metadata) -> Look {
        let since = metadata.modified().ok();
        let since = since.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let since = since.unwrap_or_default();
        Look {
            kind: kind_of(metadata),
            size: metadata.len(),
            modified: (
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                i64::from(since.subsec_nanos()),
            ),
            links: 1,
        }
    }

    /// Refuses anything but a regular file with one name. A second name may be a hard link to a file of
    /// another account.
    pub fn refuse_other_than_one_file(&self) -> Result<(), Refusal> {
        match self.kind {
            Kind::File if self.links > 1 => Err(Refusal::HardLinked { links: self.links }),
            Kind::File => Ok(()),
            kind => Err(Refusal::NotAFile { kind }),
        }
    }
}
