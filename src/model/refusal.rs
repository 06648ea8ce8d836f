//! A refusal states why a file or folder may not be used.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::l10n::{Messages, say};

/// The type of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A device, or a type specific to one operating system.
    Device,
}

impl FileKind {
    /// The type in the interface language.
    pub fn in_words(self) -> String {
        match self {
            FileKind::File => say().kind_file(),
            FileKind::Folder => say().kind_folder(),
            FileKind::Link => say().kind_link(),
            FileKind::Pipe => say().kind_pipe(),
            FileKind::Socket => say().kind_socket(),
            FileKind::Device => say().kind_device(),
        }
    }
}

/// The reason why a file or folder is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The entry is not a regular file.
    #[error("{}", say().refusal_not_a_file(kind.in_words()))]
    NotAFile {
        /// The entry's type.
        kind: FileKind,
    },
    /// The file has several hard links, so another account may own one of its names.
    #[error("{}", say().refusal_hard_linked(*links))]
    HardLinked {
        /// The number of hard links.
        links: u64,
    },
    /// Another account created the entry and can redirect what is written there.
    #[error("{}", say().refusal_foreign(kind.in_words()))]
    Foreign {
        /// The entry's type.
        kind: FileKind,
    },
    /// The file was replaced or changed between two steps.
    #[error("{}", say().refusal_swapped())]
    Swapped,
    /// The file's name is not valid UTF-8.
    #[error("{}", say().refusal_not_utf8())]
    NotUtf8,
    /// The file's name is not that of a roster.
    #[error("{}", say().refusal_not_a_roster())]
    NotARoster,
    /// The file's name marks it as incomplete, and it has not changed for an hour.
    #[error("{}", say().refusal_unfinished())]
    Unfinished,
    /// The file is larger than the limit.
    #[error("{}", say().refusal_too_large(*most))]
    TooLarge {
        /// The limit, in bytes.
        most: u64,
    },
    /// The temporary copy cannot be written.
    #[error("{}", say().refusal_no_temporary(std::env::temp_dir().display().to_string()))]
    NoTemporary,
    /// The process was stopped while it waited for data.
    #[error("{}", say().refusal_stopped())]
    Stopped,
    /// A folder stands in place of a link, or the link was created by another account.
    #[error("{}", say().refusal_not_a_folder(path.display().to_string(), kind.in_words()))]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// The entry's type.
        kind: FileKind,
    },
    /// Another account owns the folder and can rename its entries.
    #[error("{}", say().refusal_owner(path.display().to_string(), *owner, *own))]
    Owner {
        /// The folder.
        path: PathBuf,
        /// The owner.
        owner: u32,
        /// The account of this process.
        own: u32,
    },
    /// Other accounts can rename the entries of the folder.
    #[error("{}", say().refusal_open(path.display().to_string(), format!("{mode:04o}")))]
    Open {
        /// The folder.
        path: PathBuf,
        /// The mode.
        mode: u32,
    },
    /// A subfolder is owned by another account, which may have created it as an attack.
    #[error("{}", say().refusal_planted(path.display().to_string(), *owner, *own))]
    Planted {
        /// The folder.
        path: PathBuf,
        /// The owner.
        owner: u32,
        /// The account of this process.
        own: u32,
    },
    /// A subfolder that must be private is writable by other accounts.
    #[error("{}", say().refusal_not_private(path.display().to_string(), format!("{mode:04o}")))]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// The mode.
        mode: u32,
    },
    /// In a sticky folder of another owner, files of other accounts cannot be moved.
    #[error("{}", say().refusal_not_owner(path.display().to_string(), *owner, *own))]
    NotOwner {
        /// The folder.
        path: PathBuf,
        /// The owner.
        owner: u32,
        /// The account of this process.
        own: u32,
    },
    /// Another account can change a file that controls the program's behavior.
    #[error("{}", untrusted(*why, path, owner, *mode, fix))]
    Untrusted {
        /// The violated rule.
        why: Untrusted,
        /// The file or folder.
        path: PathBuf,
        /// The owner's name, or the numeric id if the name is unknown.
        owner: String,
        /// The mode.
        mode: u32,
        /// The command that transfers the file to this account.
        fix: String,
    },
    /// The owner or the access control list lets other accounts change or read a file or folder, on Windows.
    #[error("{}", listed(*why, path, accounts, fix))]
    Listed {
        /// The code of the violated rule.
        code: &'static str,
        /// The reason.
        why: Listed,
        /// The file or folder.
        path: PathBuf,
        /// The names of the other accounts.
        accounts: String,
        /// The command that restricts the access; empty if there is none.
        fix: String,
    },
}

/// A violated rule for a file that controls the program's behavior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untrusted {
    /// Another account owns the file.
    Foreign,
    /// Other accounts can write to the file.
    Writable,
    /// Other accounts can read or write the file, which contains personal data.
    Open,
    /// The file is a symbolic link.
    Link,
    /// The file was replaced while it was opened.
    Replaced,
}

/// A problem with the owner or the access control list of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Another account owns the file.
    Foreign,
    /// Other accounts can write to the file.
    Writable,
    /// Other accounts can read or write a file that contains personal data.
    Open,
    /// Other accounts can rename a folder or its entries.
    Renaming,
    /// The owner or the list contains accounts that this machine does not know, as on a share outside the domain.
    Unknown,
    /// The file system has no access control lists.
    Unlisted,
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> io::Error {
        let kind = match &refusal {
            Refusal::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Refusal::NotAFile {
                kind: FileKind::Folder,
            } => io::ErrorKind::IsADirectory,
            Refusal::NotAFile { .. }
            | Refusal::HardLinked { .. }
            | Refusal::NotUtf8
            | Refusal::NotARoster
            | Refusal::Unfinished
            | Refusal::Swapped => io::ErrorKind::InvalidInput,
            // Not `Interrupted`, because the standard library retries on that kind.
            Refusal::Stopped => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::PermissionDenied,
        };
        io::Error::new(kind, refusal)
    }
}

/// A message without arguments.
type Phrase = fn(&Messages) -> String;

impl Refusal {
    /// All codes, with the functions that describe them.
    pub(crate) const CODES: [(&str, Phrase); 17] = [
        ("refusal.not_a_file", Messages::what_refusal_not_a_file),
        ("refusal.hard_linked", Messages::what_refusal_hard_linked),
        ("refusal.foreign", Messages::what_refusal_foreign),
        ("refusal.swapped", Messages::what_refusal_swapped),
        ("refusal.not_utf8", Messages::what_refusal_not_utf8),
        ("refusal.not_a_roster", Messages::what_refusal_not_a_roster),
        ("refusal.unfinished", Messages::what_refusal_unfinished),
        ("refusal.too_large", Messages::what_refusal_too_large),
        ("refusal.no_temporary", Messages::what_refusal_no_temporary),
        ("refusal.stopped", Messages::what_refusal_stopped),
        ("refusal.not_a_folder", Messages::what_refusal_not_a_folder),
        ("refusal.owner", Messages::what_refusal_owner),
        ("refusal.open", Messages::what_refusal_open),
        ("refusal.planted", Messages::what_refusal_planted),
        ("refusal.not_private", Messages::what_refusal_not_private),
        ("refusal.not_owner", Messages::what_refusal_not_owner),
        ("refusal.untrusted", Messages::what_refusal_untrusted),
    ];

    /// The error for an entry of this type that must be a regular file.
    pub fn not_a_file(kind: FileKind) -> io::Error {
        Refusal::NotAFile { kind }.into()
    }

    /// Extracts the refusal from an I/O error, if it contains one.
    pub fn within(error: &io::Error) -> Option<&Refusal> {
        error.get_ref().and_then(|error| error.downcast_ref())
    }

    /// The code of the violated rule.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NotAFile { .. } => "refusal.not_a_file",
            Refusal::HardLinked { .. } => "refusal.hard_linked",
            Refusal::Foreign { .. } => "refusal.foreign",
            Refusal::Swapped => "refusal.swapped",
            Refusal::NotUtf8 => "refusal.not_utf8",
            Refusal::NotARoster => "refusal.not_a_roster",
            Refusal::Unfinished => "refusal.unfinished",
            Refusal::TooLarge { .. } => "refusal.too_large",
            Refusal::NoTemporary => "refusal.no_temporary",
            Refusal::Stopped => "refusal.stopped",
            Refusal::NotAFolder { .. } => "refusal.not_a_folder",
            Refusal::Owner { .. } => "refusal.owner",
            Refusal::Open { .. } => "refusal.open",
            Refusal::Planted { .. } => "refusal.planted",
            Refusal::NotPrivate { .. } => "refusal.not_private",
            Refusal::NotOwner { .. } => "refusal.not_owner",
            Refusal::Untrusted { .. } => "refusal.untrusted",
            Refusal::Listed { code, .. } => code,
        }
    }

    /// The entry's type, if the type is the reason.
    pub(super) fn kind(&self) -> Option<FileKind> {
        match self {
            Refusal::NotAFile { kind } | Refusal::Foreign { kind } => Some(*kind),
            _ => None,
        }
    }

    /// The refusal with this code. Returns `None` for a code whose refusal holds more than a type.
    pub(super) fn of(code: &str, kind: Option<FileKind>) -> Option<Refusal> {
        let of_kind = kind.map(|kind| [Refusal::NotAFile { kind }, Refusal::Foreign { kind }]);
        let plain = [
            Refusal::Swapped,
            Refusal::NotUtf8,
            Refusal::NotARoster,
            Refusal::Unfinished,
            Refusal::NoTemporary,
            Refusal::Stopped,
        ];
        let mut all = of_kind.into_iter().flatten().chain(plain);
        all.find(|refusal| refusal.code() == code)
    }
}

fn untrusted(why: Untrusted, path: &Path, owner: &str, mode: u32, fix: &str) -> String {
    let (path, mode) = (path.display().to_string(), format!("{mode:04o}"));
    match why {
        Untrusted::Foreign => say().safe_foreign(path, owner, mode, fix),
        Untrusted::Writable => say().safe_writable(path, owner, mode, fix),
        Untrusted::Open => say().safe_open(path, owner, mode, fix),
        Untrusted::Link => say().safe_link(path, owner),
        Untrusted::Replaced => say().safe_replaced(path),
    }
}

fn listed(why: Listed, path: &Path, accounts: &str, fix: &str) -> String {
    let path = path.display().to_string();
    match why {
        Listed::Foreign => say().safe_listed_foreign(path, accounts, fix),
        Listed::Writable => say().safe_listed_writable(path, accounts, fix),
        Listed::Open => say().safe_listed_open(path, accounts, fix),
        Listed::Renaming => say().safe_listed_renaming(path, accounts, fix),
        Listed::Unknown => say().safe_listed_unknown(path, accounts, fix),
        Listed::Unlisted => say().safe_listed_unlisted(path),
    }
}
