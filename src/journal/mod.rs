//! The durable record of every run, in SQLite. An intent is durable before its request leaves,
//! and an outcome before its row counts as done; the journal is in the way of the work, not
//! beside it.

mod error;
mod history;
mod lock;
mod plan;
mod quota;
mod register;
mod schema;
mod store;
mod writer;

pub use error::JournalError;
pub use history::PastRow;
pub use lock::{RosterLock, RunLock};
pub use plan::Pruned;
pub use quota::{QuotaStore, SharedQuota, account_of};
pub use register::Register;
pub use store::{Journal, NewRun, RunRecord, RunState, stop_waiting};
pub use writer::{Record, Writer};
