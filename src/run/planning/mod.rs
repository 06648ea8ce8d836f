//! Planning decides what to send for each row.
//!
//! Input: a prepared roster, the run's settings, the records that the API holds, and the journal of earlier runs.
//! Output: an outcome or a call of each row in the journal, and a plan with its totals to approve or hold. It sends
//! no change. It imports nothing of [`sending`](super::sending) or [`finishing`](super::finishing).

pub(super) mod approval;
pub(super) mod deliveries;
pub(super) mod earlier_runs;
pub(super) mod edit_rules;
pub(super) mod estimate;
pub(super) mod found_rows;
pub(super) mod guards;
pub(super) mod lookup;
pub(super) mod passes;
pub(super) mod pipelined;
pub(super) mod planned_run;
pub(super) mod previous_runs;
pub(super) mod read_policy;
pub(super) mod retried_rows;
pub(super) mod retry_source;
pub(super) mod row_fingerprints;
pub(super) mod row_planner;
pub(super) mod row_tasks;
pub(super) mod saved_plan;
pub(super) mod snapshot;
pub(super) mod totals;
pub(super) mod unread_rows;
