//! Finishing closes a run.
//!
//! Input: a run whose sending is over, or that a guard holds. Output: the results, the report and the summary, as
//! files and in the journal, and the run's final state.

pub(super) mod finish;
pub(super) mod summary;
