//! This module opens files and folders that other accounts can write to. Names are resolved relative to an
//! open folder, without following links and without blocking. Type, owner and mode are checked on the opened
//! handle, and reads are bounded. Files that control the program are used only if no other account can change
//! them.

#[cfg(unix)]
mod acl;
mod canonical;
#[cfg(unix)]
mod folder;
#[cfg(not(unix))]
#[path = "folder_plain.rs"]
mod folder;
mod held_open;
mod identity;
mod kind;
#[cfg(windows)]
mod listed;
mod named;
mod owner;
mod private;
#[cfg(unix)]
mod rule;
#[cfg(any(windows, test))]
mod sddl;
mod stream;

pub use crate::model::{FileKind, Refusal};
pub use canonical::{canonical, for_system};
pub use folder::Folder;
pub use held_open::is_held_open;
pub use identity::{Identity, identity, is_one_file};
pub use kind::FileInfo;
pub use named::{
    Named, open, open_file, open_in_shared_folder, place_of, read_file, refuse_foreign, text_of,
};
pub use owner::{Owner, TrustedFile, check_folder, check_private, owner_of, read_text};
pub use private::{create_private, create_private_folder, let_others_read};
pub use stream::{Bounded, Stream, standard_input, stop_waiting};
