//! A snapshot of the register replaces the listing of all records.
//!
//! Input: the hashes of records that an earlier run stored, and the changes that the API reports since. Output: the
//! rows whose records need not be read, and the snapshot for the next run.

pub mod fingerprints;
pub mod refresh;
pub mod state;
