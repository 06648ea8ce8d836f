//! A folder into which others drop files: which of them may be taken, by whom, and where they go.

mod archive;
mod folder;
mod index;
mod names;

pub use archive::{ArchiveFolder, Moves, Removed};
pub use folder::{Entries, Inbox, Lying, Other, SetAside, Taken, modified_in, stamp_of};
