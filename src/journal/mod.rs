//! The durable record of every run, in SQLite. An intent is durable before its request leaves,
//! and an outcome before its row counts as done; the journal is in the way of the work, not
//! beside it.

mod calls;
mod delivered;
mod dossier;
mod entries;
mod error;
mod files;
mod history;
mod lock;
mod outcomes;
mod prune;
mod quota;
mod record;
mod register;
mod row_keys;
mod run_state;
mod runs;
mod schema;
mod sending;
mod store;
mod witness;
mod writer;

pub use dossier::PastCall;
pub use entries::{PlannedRow, PlannedWhat, RowMark};
pub use error::{JournalError, Refusal};
pub(crate) use files::{make_private_file, make_private_folder};
pub use history::PastRow;
pub use lock::{RosterLock, RunLock};
pub use outcomes::{FailureKind, Slot};
pub use prune::Pruned;
pub use quota::{QuotaStore, SharedQuota, account_of};
pub use record::Record;
pub use register::Register;
pub use run_state::RunState;
pub use runs::{NewRun, RunRecord};
pub use store::{Journal, stop_waiting};
pub use writer::{Stage, Writer};
