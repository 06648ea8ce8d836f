//! Conducts a run: plans, sends and finishes it. It is the only module that joins the stages, and it prints nothing.
//!
//! `prepare.rs` reads and checks the whole file, and `import.rs` takes the run through its phases, each of which imports
//! only the phases before it.

mod active_run;
mod audit_log;
mod connection;
mod context;
mod error;
mod finishing;
mod import;
mod planning;
mod prepare;
mod progress;
mod sending;
mod settings;

pub use crate::check::{TEMPORARY_NUMBER, restores_a_value};
pub use active_run::{run_name, stored_plan};
pub use audit_log::{Actor, AuditEntry, Author};
pub use connection::{quota_account, shared_pacer};
pub use context::{Batch, BatchEnd, BatchUsage, Consent, Context, DryRun, Ended, Proposal, Start};
pub use error::RunError;
pub use import::{dry_run, import, import_batch};
pub use planning::deliveries::Deliveries;
pub use planning::previous_runs::is_last_of_its_name;
pub use planning::retry_source::find_runs;
pub use planning::row_fingerprints::key_fingerprint;
pub use planning::saved_plan::saved_plan;
pub use planning::totals::understood;
pub use prepare::{
    Prepared, Release, Roster, SeenRow, each_row_seen, open, prepare, refuse_empty, row_numbers,
    row_problems, rows_seen,
};
pub use settings::{Delivery, Pauses, Queued, Retries, Settings, absolute, to_json, today};

#[cfg(test)]
mod tests;
