//! The durable record of every run, in SQLite or PostgreSQL. An intent is durable before its request is sent,
//! and an outcome before its row counts as done.

mod arrival;
mod changes;
mod entries;
mod error;
mod facade;
mod files;
mod lock;
mod place_name;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(not(feature = "postgres"))]
#[path = "postgres/absent.rs"]
mod postgres;
mod quota;
mod record;
mod recorded;
mod records;
mod row_id;
mod run_state;
mod snapshot;
mod sql;
mod sqlite;
mod state;
mod store;
mod writer;

pub use arrival::{Arrival, Fate};
pub use entries::{PlannedRow, PlannedWhat, RowMark};
pub use error::{JournalError, StoreError};
pub use facade::Journal;
pub(crate) use files::{make_private_file, make_private_folder};
#[cfg(feature = "postgres")]
pub(crate) use lock::machine;
pub use lock::{CopyLock, RosterLock, RunLock};
pub use place_name::PlaceName;
pub use postgres::{Database, Fence};
#[cfg(feature = "postgres")]
pub use postgres::{Tables, cell, count_up};
pub use quota::{QuotaStore, SharedQuota, account_of};
pub use record::{Record, Stage};
pub use recorded::{PlannedSoFar, PlanningAhead, Recorded};
pub use records::{FailureKind, NewRun, PastCall, PastRow, Pruned, RowSaid, RunRecord, Traces};
pub use run_state::RunState;
pub use snapshot::{
    RecordFingerprints, Snapshot, SnapshotMeta, forget_snapshots, has_snapshots, mark_records,
};
#[cfg(feature = "postgres")]
pub use sql::Wrong;
#[cfg(feature = "postgres")]
pub(crate) use sql::damaged;
pub use sqlite::stop_waiting;
pub use state::State;
pub use store::{ANSWERS_STAND, AnswerStore, Store};
pub use writer::Writer;
