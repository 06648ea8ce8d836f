//! A refusal states why a file or folder may not be used.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::l10n::{Messages, say};

/// The type of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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
    /// A device, or a type that only one system knows.
    Device,
}

impl Kind {
    /// The type in words.
    pub fn in_words(self) -> String {
        match self {
            Kind::File => say().kind_file(),
            Kind::Folder => say().kind_folder(),
            Kind::Link => say().kind_link(),
            Kind::Pipe => say().kind_pipe(),
            Kind::Socket => say().kind_socket(),
            Kind::Device => say().kind_device(),
        }
    }
}

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
    /// Its name is not a roster's.
    #[error("{}", say().refusal_not_a_roster())]
    NotARoster,
    /// Its name says that it is being written, and it has not changed for an hour.
    #[error("{}", say().refusal_unfinished())]
    Unfinished,
    /// It holds more than is read.
    #[error("{}", say().refusal_too_large(*most))]
    TooLarge {
        /// The limit, in bytes.
        most: u64,
    },
    /// Its copy cannot be written.
    #[error("{}", say().refusal_no_temporary(std::env::temp_dir().display().to_string()))]
    NoTemporary,
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
    /// Another account can change a file whose content decides what the program does.
    #[error("{}", self.untrusted())]
    Untrusted {
        /// What is wrong with it.
        why: Untrusted,
        /// The file or folder.
        path: PathBuf,
        /// The name of its owner, or the owner's number.
        owner: String,
        /// Its mode.
        mode: u32,
        /// The command that makes it this account's own.
        fix: String,
    },
    /// The owner or the access control list of Windows lets other accounts change or read a file or folder.
    #[error("{}", self.listed())]
    Listed {
        /// The code of the rule that is broken.
        code: &'static str,
        /// What is wrong with it.
        why: Listed,
        /// The file or folder.
        path: PathBuf,
        /// The names of the other accounts.
        accounts: String,
        /// The command that takes their rights away.
        fix: String,
    },
}

/// What is wrong with a file whose content decides what the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untrusted {
    /// Another account owns it.
    Foreign,
    /// Other accounts can write to it.
    Writable,
    /// Other accounts can read or write a file that contains personal data.
    Open,
    /// It is a link.
    Link,
    /// Another file replaced it while it was opened.
    Replaced,
}

/// What is wrong with the owner or the access control list of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Another account owns it.
    Foreign,
    /// Other accounts can write to it.
    Writable,
    /// Other accounts can read or write a file that contains personal data.
    Open,
    /// Other accounts can rename a folder or what lies in it.
    Renaming,
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> io::Error {
        let kind = match &refusal {
            Refusal::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Refusal::NotAFile { kind: Kind::Folder } => io::ErrorKind::IsADirectory,
            Refusal::NotAFile { .. }
            | Refusal::HardLinked { .. }
            | Refusal::NotUtf8
            | Refusal::NotARoster
            | Refusal::Unfinished
            | Refusal::Swapped => io::ErrorKind::InvalidInput,
            // Not `Interrupted`: the standard library would try again.
            Refusal::Stopped => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::PermissionDenied,
        };
        io::Error::new(kind, refusal)
    }
}

/// A message without arguments.
type Phrase = fn(&Messages) -> String;

impl Refusal {
    /// Each code, and what it means.
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

    /// The refusal within an error, if it is one.
    pub fn within(error: &io::Error) -> Option<&Refusal> {
        error.get_ref().and_then(|error| error.downcast_ref())
    }

    /// The code of the rule that is broken.
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

    /// The type of the entry that is refused, where its type is the reason.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Refusal::NotAFile { kind } | Refusal::Foreign { kind } => Some(*kind),
            _ => None,
        }
    }

    /// The refusal of this code; nothing for one that holds more than a type.
    pub(super) fn of(code: &str, kind: Option<Kind>) -> Option<Refusal> {
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

    fn untrusted(&self) -> String {
        let Refusal::Untrusted {
            why,
            path,
            owner,
            mode,
            fix,
        } = self
        else {
            return String::new();
        };
        let (path, owner) = (path.display().to_string(), owner.as_str());
        let (mode, fix) = (format!("{mode:04o}"), fix.as_str());
        match why {
            Untrusted::Foreign => say().safe_foreign(path, owner, mode, fix),
            Untrusted::Writable => say().safe_writable(path, owner, mode, fix),
            Untrusted::Open => say().safe_open(path, owner, mode, fix),
            Untrusted::Link => say().safe_link(path, owner),
            Untrusted::Replaced => say().safe_replaced(path),
        }
    }

    fn listed(&self) -> String {
        let Refusal::Listed {
            why,
            path,
            accounts,
            fix,
            ..
        } = self
        else {
            return String::new();
        };
        let (path, accounts, fix) = (path.display().to_string(), accounts.as_str(), fix.as_str());
        match why {
            Listed::Foreign => say().safe_listed_foreign(path, accounts, fix),
            Listed::Writable => say().safe_listed_writable(path, accounts, fix),
            Listed::Open => say().safe_listed_open(path, accounts, fix),
            Listed::Renaming => say().safe_listed_renaming(path, accounts, fix),
        }
    }
}
