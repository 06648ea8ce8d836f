//! A folder into which others drop files: which of them may be taken.

mod names;

pub use names::may_be_taken;
