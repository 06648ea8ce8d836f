//! The inbox layer claims files that other accounts put into a folder, and archives them.

mod archive;
mod folder;
mod index;
mod names;

pub use archive::{ArchiveFolder, Moves};
pub use folder::{Entries, Inbox, Lying, Other, SetAside, modified_in, stamp_of};
