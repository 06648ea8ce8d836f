//! A folder into which others drop files: which of them may be taken, by whom, and where they go.

mod folder;
mod names;

pub use folder::{Inbox, Lying, Place, short};
pub use names::may_be_taken;
