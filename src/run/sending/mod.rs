//! Sending delivers the planned calls of a run.
//!
//! Input: an agreed run whose calls are in the journal. Output: an outcome of each call that was made in the
//! journal, and why sending stopped before the last call, if it did. It imports nothing of
//! [`finishing`](super::finishing).

pub(super) mod applied;
pub(super) mod batch;
pub(super) mod canary;
pub(super) mod dispatch;
pub(super) mod early_results;
pub(super) mod mark_records;
pub(super) mod send;
pub(super) mod vocabulary;
