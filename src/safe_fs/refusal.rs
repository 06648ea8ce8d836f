use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::kind::Kind;
use crate::l10n::say;

/// Why a file or a folder is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is not a regular file.
    #[error("{}", say().refusal_not_a_file(kind.in_words()))]
    NotAFile {
        /// What it is.
        kind: Kind,
    },
    /// It has several names, so it may be a file of another account.
    #[error("{}", say().refusal_hard_linked(*links))]
    HardLinked {
        /// How many names it has.
        links: u64,
    },
    /// Another account made it, and can have what is written there go elsewhere.
    #[error("{}", say().refusal_foreign(kind.in_words()))]
    Foreign {
        /// What it is.
        kind: Kind,
    },
    /// It was replaced or changed between two steps.
    #[error("{}", say().refusal_swapped())]
    Swapped,
    /// Its name is not valid UTF-8.
    #[error("{}", say().refusal_not_utf8())]
    NotUtf8,
    /// It holds more than is read.
    #[error("{}", say().refusal_too_large(*most))]
    TooLarge {
        /// The limit, in bytes.
        most: u64,
    },
    /// The process was asked to stop while it waited for data.
    #[error("{}", say().refusal_stopped())]
    Stopped,
    /// A folder is in place of a link, or a link that another account made leads there.
    #[error("{}", say().refusal_not_a_folder(path.display().to_string(), kind.in_words()))]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// A folder belongs to another account, which can rename what lies in it.
    #[error("{}", say().refusal_owner(path.display().to_string(), *owner, *own))]
    Owner {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The account of this process.
        own: u32,
    },
    /// Other accounts can rename what lies in a folder.
    #[error("{}", say().refusal_open(path.display().to_string(), format!("{mode:04o}")))]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A subfolder is not this account's own: another account may have planted it.
    #[error("{}", say().refusal_planted(path.display().to_string(), *owner, *own))]
    Planted {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The account of this process.
        own: u32,
    },
    /// Other accounts can write to a subfolder that is to be private.
    #[error("{}", say().refusal_not_private(path.display().to_string(), format!("{mode:04o}")))]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Only the owner of a sticky folder can move files of other accounts out of it.
    #[error("{}", say().refusal_not_owner(path.display().to_string(), *owner, *own))]
    NotOwner {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The account of this process.
        own: u32,
    },
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> io::Error {
        let kind = match &refusal {
            Refusal::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Refusal::NotAFile { kind: Kind::Folder } => io::ErrorKind::IsADirectory,
            Refusal::NotAFile { .. }
            | Refusal::HardLinked { .. }
            | Refusal::NotUtf8
            | Refusal::Swapped => io::ErrorKind::InvalidInput,
            // Not `Interrupted`: the standard library would try again.
            Refusal::Stopped => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::PermissionDenied,
        };
        io::Error::new(kind, refusal)
    }
}

impl Refusal {
    /// The refusal within an error, if it is one.
    pub fn within(error: &io::Error) -> Option<&Refusal> {
        error.get_ref().and_then(|error| error.downcast_ref())
    }
}
