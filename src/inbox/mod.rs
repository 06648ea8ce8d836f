//! A folder into which others drop files: which of them may be taken, by whom, and where they go.

mod archive;
mod folder;
mod names;

pub use archive::{Moves, Place};
pub use folder::{Entries, Inbox, Lying, Other, SetAside, Taken, modified_in, stamp_of};
